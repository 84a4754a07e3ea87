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
from archsmith.plugins import Installed, lacks

STOPPERS: Mapping[str, type[StopperConfig]] = {
    "median": MedianConfig,
    "domhan": DomhanConfig,
    "freeze-thaw": FreezeThawConfig,
    "lc-net": LCNetConfig,
    "svr": SVRConfig,
}
"""Every stopper of ours by its name in the search file."""

INSTALLED = Installed(
    STOPPERS,
    kind="stopper",
    group="archsmith.stoppers",
    base=StopperConfig,
    fault=lambda config: lacks(config, StopperConfig, "build", "it makes the stopper."),
)
"""These, and those that other distributions bring along."""
