"""Search strategies: each proposes what to measure next, from what was measured."""

from collections.abc import Mapping

from archsmith.plugins import Installed, lacks
from archsmith.strategies.inheriting.eas import EASConfig
from archsmith.strategies.inheriting.hill_climbing import HillClimbingConfig
from archsmith.strategies.inheriting.lemonade import LemonadeConfig
from archsmith.strategies.inheriting.path_level import PathLevelConfig
from archsmith.strategies.rungs.asha import ASHAConfig
from archsmith.strategies.rungs.bohb import BOHBConfig
from archsmith.strategies.rungs.freeze_thaw import FreezeThawConfig
from archsmith.strategies.rungs.hyperband import HyperbandConfig
from archsmith.strategies.rungs.pasha import PASHAConfig
from archsmith.strategies.rungs.successive_halving import SuccessiveHalvingConfig
from archsmith.strategies.samplers import SAMPLERS
from archsmith.strategies.sharing.relaxed import DARTSConfig, FabricConfig, GDASConfig, ProxylessConfig, SNASConfig
from archsmith.strategies.sharing.sampled import ENASConfig, OneShotConfig, SinglePathConfig
from archsmith.strategies.strategy import StrategyConfig

STRATEGIES: Mapping[str, type[StrategyConfig]] = {
    **SAMPLERS,
    "hill-climbing": HillClimbingConfig,
    "lemonade": LemonadeConfig,
    "eas": EASConfig,
    "path-level": PathLevelConfig,
    "successive-halving": SuccessiveHalvingConfig,
    "hyperband": HyperbandConfig,
    "asha": ASHAConfig,
    "pasha": PASHAConfig,
    "bohb": BOHBConfig,
    "freeze-thaw": FreezeThawConfig,
    "single-path": SinglePathConfig,
    "one-shot": OneShotConfig,
    "enas": ENASConfig,
    "darts": DARTSConfig,
    "gdas": GDASConfig,
    "snas": SNASConfig,
    "proxyless": ProxylessConfig,
    "fabric": FabricConfig,
}
"""Every search strategy of ours by its name in the search file."""

INSTALLED = Installed(
    STRATEGIES,
    kind="strategy",
    group="archsmith.strategies",
    base=StrategyConfig,
    fault=lambda config: lacks(config, StrategyConfig, "build", "it makes the strategy for a problem."),
)
"""These, and those that other distributions bring along."""
