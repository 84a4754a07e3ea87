"""Search strategies: each proposes what to measure next, from what was measured."""

from collections.abc import Mapping

from archsmith.strategies.evolution import EvolutionConfig
from archsmith.strategies.random import RandomConfig
from archsmith.strategies.strategy import StrategyConfig

STRATEGIES: Mapping[str, type[StrategyConfig]] = {
    "random": RandomConfig,
    "evolution": EvolutionConfig,
}
"""Every search strategy by its name in the search file."""
