"""Search strategies: each proposes what to measure next, from what was measured."""

from collections.abc import Mapping

from archsmith.strategies.bayesian import BayesianConfig
from archsmith.strategies.evolution import EvolutionConfig
from archsmith.strategies.grid import GridConfig
from archsmith.strategies.local_search import LocalSearchConfig
from archsmith.strategies.nsga2 import NSGA2Config
from archsmith.strategies.ppo import PPOConfig
from archsmith.strategies.random import RandomConfig
from archsmith.strategies.reinforce import ReinforceConfig
from archsmith.strategies.strategy import StrategyConfig
from archsmith.strategies.tournament import TournamentConfig
from archsmith.strategies.tpe import TPEConfig

STRATEGIES: Mapping[str, type[StrategyConfig]] = {
    "random": RandomConfig,
    "grid": GridConfig,
    "local-search": LocalSearchConfig,
    "evolution": EvolutionConfig,
    "tournament": TournamentConfig,
    "nsga2": NSGA2Config,
    "tpe": TPEConfig,
    "bayesian": BayesianConfig,
    "reinforce": ReinforceConfig,
    "ppo": PPOConfig,
}
"""Every search strategy by its name in the search file."""
