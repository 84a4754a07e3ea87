"""The strategies that propose at one fidelity. Those with rungs may find what to begin with by any of these."""

from collections.abc import Mapping

from archsmith.strategies.bayesian.bayesian import BayesianConfig
from archsmith.strategies.bayesian.tpe import TPEConfig
from archsmith.strategies.evolution.evolution import EvolutionConfig
from archsmith.strategies.evolution.nsga2 import NSGA2Config
from archsmith.strategies.evolution.tournament import TournamentConfig
from archsmith.strategies.plain.grid import GridConfig
from archsmith.strategies.plain.local_search import LocalSearchConfig
from archsmith.strategies.plain.random import RandomConfig
from archsmith.strategies.policy.ppo import PPOConfig
from archsmith.strategies.policy.reinforce import ReinforceConfig
from archsmith.strategies.strategy import StrategyConfig

SAMPLERS: Mapping[str, type[StrategyConfig]] = {
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
"""By their names in the search file."""
