"""Stopping a training early: what a curve will come to is told from how it began, and from the curves before it.

A stopper is a pure function of these. Importing this package imports neither torch nor scikit-learn.
"""

from collections.abc import Mapping

from archsmith.evaluation.stopping.domhan import DomhanConfig
from archsmith.evaluation.stopping.freeze_thaw import FreezeThawConfig
from archsmith.evaluation.stopping.lc_net import LCNetConfig
from archsmith.evaluation.stopping.median import MedianConfig
from archsmith.evaluation.stopping.stopper import StopperConfig
from archsmith.evaluation.stopping.svr import SVRConfig

STOPPERS: Mapping[str, type[StopperConfig]] = {
    "median": MedianConfig,
    "domhan": DomhanConfig,
    "freeze-thaw": FreezeThawConfig,
    "lc-net": LCNetConfig,
    "svr": SVRConfig,
}
"""Every stopper by its name in the search file."""
