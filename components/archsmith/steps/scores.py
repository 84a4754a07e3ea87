"""What is known of architectures that nobody has trained, made with what a step has."""

import logging
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from archsmith.errors import CandidateError, InfeasibleError
from archsmith.evaluation.config import ScreenConfig
from archsmith.evaluation.scores.batch import Batch
from archsmith.evaluation.scores.scoring import BATCH, SIDE, Scores, scoring
from archsmith.search import Search
from archsmith.steps.images import load_images
from archsmith.steps.table import make_table
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture, seed_from
from archsmith.values.scores import SIZES, ScoreName

log = logging.getLogger(__name__)

FILE = "screen.json"
"""What a screen asks for, in the search's folder; it is made again where it is gone."""

Feasible = Callable[[Architecture], bool]
"""Whether an architecture may be proposed."""


def scores_of(search: Search, folder: SearchFolder) -> Scores | None:
    """Return what tells the scores that the strategy of `search` wants; None where it wants none.

    What a table has of a network is taken from there, and all else from the network.
    """
    names = search.scores
    if not names:
        return None
    if set(names) <= search.estimation.listed_scores:
        return _of_the_table(search, folder)
    return _of_networks(search, folder, names)


def screened(search: Search, folder: SearchFolder, config: ScreenConfig, feasible: Feasible) -> Feasible:
    """Return a test of whether an architecture is feasible, and among the best by the score of a screen.

    Args:
        search: The search.
        folder: Its folder, which keeps what the score must be.
        config: The screen.
        feasible: Whether an architecture keeps the limits.

    Raises:
        InfeasibleError: No architecture of a sample has that score.
    """
    scores, name = _of_networks(search, folder, (config.score,)), config.score
    known = passed_over(lambda: folder.read_json(FILE), log.warning)
    if not isinstance(known, dict) or not isinstance(least := known.get("least"), float):
        least = _least(search, config, lambda a: scores(a)[name], feasible)
        folder.write_json(FILE, {"score": name, "keep": config.keep, "least": least})
    return lambda architecture: feasible(architecture) and scores(architecture)[name] >= least


def _least(search: Search, config: ScreenConfig, score: Callable[[Architecture], float], feasible: Feasible) -> float:
    """Return the score that the share to keep of a random sample of what is feasible has at least; NaN is worst."""
    rng = np.random.default_rng(seed_from(f"{search.spec.seed}/screen"))
    drawn: dict[Architecture, float] = {}
    for _ in range(20 * config.sample):
        architecture = search.space.canonical(search.space.sample(rng))
        if architecture not in drawn and feasible(architecture):
            drawn[architecture] = score(architecture)
        if len(drawn) == config.sample:
            break
    ranked = sorted((-math.inf if math.isnan(value) else value for value in drawn.values()), reverse=True)
    least = ranked[max(1, round(config.keep * len(ranked))) - 1] if ranked else -math.inf
    if math.isfinite(least):
        return least
    n, share = sum(map(math.isfinite, ranked)), f"{config.keep:.0%}"
    raise InfeasibleError(
        f"Of {len(ranked)} architectures drawn from the space {search.space.name!r}, {n} can be scored by {config.score}, fewer "
        f"than the {share} that `estimation.screen` keeps; take another score, or leave `screen` out."
    )


def _of_networks(search: Search, folder: SearchFolder, names: Sequence[ScoreName]) -> Scores:
    facts, batch = folder.data_facts(), None
    assert facts is not None  # else nothing can be told, and nobody asks
    if search.spec.data is not None and not SIZES.issuperset(names):
        batch = Batch.of(load_images(search, folder), BATCH, search.spec.seed, side=SIDE)
    return scoring(search.space, names, facts.input_shape, len(facts.classes), batch=batch, seed=search.spec.seed)


def _of_the_table(search: Search, folder: SearchFolder) -> Scores:
    table, names = make_table(search, folder), search.scores

    def scores(architecture: Architecture) -> Mapping[str, float]:
        try:
            metrics = table.metrics(architecture)
        except CandidateError:
            return dict.fromkeys(names, math.nan)
        return {name: metrics[name] for name in names}

    return scores
