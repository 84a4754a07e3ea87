"""What a search comes to: one self-contained HTML page, and its pictures.

`render` makes the page, which needs no network, and says all without its script too; `pictures` makes the same pictures as
PNG; `graph_svg` and `graph_png` draw one architecture, `probability_png` the choices of shared weights.
"""

from archsmith.report.data import ReportData
from archsmith.report.page import POLICY, pictures, probability_png, render
from archsmith.report.pictures import graph_png, graph_svg

__all__ = ["POLICY", "ReportData", "graph_png", "graph_svg", "pictures", "probability_png", "render"]
