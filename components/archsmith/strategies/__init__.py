"""Search strategies: each proposes what to measure next, from what was measured."""

from collections.abc import Mapping

from archsmith.strategies.rungs.asha import ASHAConfig
from archsmith.strategies.rungs.bohb import BOHBConfig
from archsmith.strategies.rungs.freeze_thaw import FreezeThawConfig
from archsmith.strategies.rungs.hyperband import HyperbandConfig
from archsmith.strategies.rungs.successive_halving import SuccessiveHalvingConfig
from archsmith.strategies.samplers import SAMPLERS
from archsmith.strategies.strategy import StrategyConfig

STRATEGIES: Mapping[str, type[StrategyConfig]] = {
    **SAMPLERS,
    "successive-halving": SuccessiveHalvingConfig,
    "hyperband": HyperbandConfig,
    "asha": ASHAConfig,
    "bohb": BOHBConfig,
    "freeze-thaw": FreezeThawConfig,
}
"""Every search strategy by its name in the search file."""
