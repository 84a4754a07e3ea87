"""What people are told before a search runs: what is allowed, and hardly meant. Pure functions of what is known.

`archsmith check` and `archsmith run` tell it in the same words.
"""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from archsmith.evaluation.config import TrainConfig
from archsmith.evaluation.coverage import TableFacts
from archsmith.evaluation.stopping import STOPPERS
from archsmith.evaluation.stopping.stopper import PredictingConfig
from archsmith.evaluation.table_config import TableConfig
from archsmith.search import Search
from archsmith.spaces.space import Widens
from archsmith.spec import MOST_BYTES, at_once, pipeline_bytes
from archsmith.spec.series import SeriesSpec
from archsmith.values.data_facts import DataFacts
from archsmith.values.metrics import METRICS, STATIC

AT_FIRST: Mapping[str, str] = {
    "evolution": "population", "nsga2": "population", "local-search": "start", "tpe": "startup", "reinforce": "batch",
    "ppo": "batch", "hill-climbing": "start", "lemonade": "start", "eas": "start",
}  # fmt: skip
"""The setting of a strategy that says how many trials it must know before it does more than draw at random."""

A_THIRD = frozenset({"evolution", "nsga2", "local-search", "hill-climbing", "lemonade", "eas"})
"""Those of them that draw no more than a third of the budget at random."""

FIRST_ONLY = frozenset({
    "evolution", "tournament", "local-search", "reinforce", "ppo", "hill-climbing", "eas", "path-level", "successive-halving",
    "hyperband", "asha", "pasha", "bohb", "freeze-thaw",
})  # fmt: skip
"""Strategies that go by the first goal alone; random search and the grid go by none."""

MANY_SCHEDULES = 8
"""Schedules of the learning rate in one training that are many; Hyperband up to 729 epochs has seven rungs."""

INHERITED = 3
"""Times the epochs of a trial that inherits which a training from scratch needs at least."""

LEAST_CHANCE = 1 / 258
"""Chance of beating the best that is told at least, by 128 curves."""

ROUNDING = 1e-9
"""Share of a budget by which a sum of costs may miss it."""


def advice(search: Search) -> list[str]:
    """Return what to tell of a search file, a sentence or two each; of an open one nothing, as it says so little."""
    if search.open:
        return [*_series(search)]
    return [*_goals(search), *_budget(search), *_sections(search), *_series(search)]


def _series(search: Search) -> Iterator[str]:
    if search.spec.schedule is None and search.spec.series != SeriesSpec():
        yield "`series` says how the searches of a `schedule` follow one another, but there is none; give it, or leave this out."


def advice_on_data(search: Search, facts: DataFacts) -> list[str]:
    """Return what to tell of a search on these images."""
    return [*facts.remarks, *_unused_shares(search, facts), *_training(search, facts)]


def advice_on_table(facts: TableFacts) -> list[str]:
    """Return what to tell of a search over this table."""
    return list(facts.warnings())


def advice_on_kubeflow(search: Search) -> list[str]:
    """Return what to tell of a search that is too large for Kubeflow Pipelines, where it is not said that it runs there."""
    spec, rounds, pods = search.spec, search.spec.budget.rounds or 0, search.spec.resources.pods
    if spec.cluster.engine != "auto" or (size := pipeline_bytes(rounds, pods)) <= MOST_BYTES:
        return []
    return [
        f"{rounds} rounds of {pods} pod{'s' * (pods > 1)} are {size} bytes of a pipeline, but Kubeflow Pipelines takes at most "
        f"{MOST_BYTES}: there, leave `budget.rounds` out, or take fewer of them, or fewer pods with more `resources.workers`; "
        "this machine and a Job (`cluster.engine: job`) take them."
    ]


def advice_elsewhere(search: Search) -> list[str]:
    """Return what to tell of a search that runs in pods: they do not see the files of this machine."""
    data, estimation = search.spec.data, search.estimation
    paths = {"data.path": data.path if data else None, "estimation.path": getattr(estimation, "path", None)}
    return [
        f"`{key}` is {path!r}, a path of this machine, which pods do not see unless their image has it; s3://... is seen by all."
        for key, path in paths.items()
        if path is not None and not path.lower().startswith("s3://")
    ]


def _goals(search: Search) -> Iterator[str]:
    spec = search.spec
    for k, objective in enumerate(spec.objectives):
        name, known = objective.metric, METRICS.get(objective.metric)
        if known and objective.goal not in (None, known.goal):
            better = "more" if known.goal == "maximize" else "less"
            yield f"`objectives[{k}].goal` is to {objective.goal} {name}, of which {better} is better; is {known.goal} meant?"
        if known is None and (near := get_close_matches(name, METRICS, n=1, cutoff=0.8)):
            yield f"`objectives[{k}].metric` is {name}, a metric of your own; is {near[0]} meant?"
    strategy, goals = spec.strategy.name, [o.metric for o in spec.objectives if o.goal]
    if strategy in {"nsga2", "lemonade"} and len(goals) == 1:
        yield f"The strategy {strategy} looks for a front of several goals, but only {goals[0]} has one; evolution is for that."
    if strategy == "lemonade" and len(goals) > 1 and STATIC.isdisjoint(goals):
        unknown = "but neither n_params nor flops has a goal"
        yield f"The strategy lemonade fills the gaps of a front by what is known without training, {unknown}."
    if strategy in FIRST_ONLY and len(goals) > 1:
        yield f"The strategy {strategy} goes by the first goal, {goals[0]}, alone; nsga2, bayesian and tpe follow all of them."


def _budget(search: Search) -> Iterator[str]:
    spec, size = search.spec, search.space.size()
    trials, rounds = _trials(search), spec.budget.rounds
    if spec.budget.trials is not None and trials > size and len(search.ladder) == 1:
        many = f"{size:,} architecture{'s' * (size != 1)}"
        yield f"`budget.trials` is {trials:,}, but the space has {many}, and none is tried twice; the search ends with them."
    yield from _to_the_end(search)
    yield from _learning(search, trials, size)
    if rounds is not None and (pods := spec.resources.pods) > (most := spec.budget.round_size):
        yield f"`resources.pods` is {pods}, but a round has {most} trials at most; other pods have none to run."
    if rounds is None and math.isfinite(search.most_trials) and (pods := spec.resources.pods) > search.most_trials:
        yield f"`resources.pods` is {pods}, but there are {search.most_trials:g} trials; other pods have none to run."


def _to_the_end(search: Search) -> Iterator[str]:
    """Yield why no training may come to its end."""
    budget, full = search.spec.budget, search.estimation.fidelity
    least = search.strategy_config.least(full, widens=isinstance(search.space, Widens))
    in_sight = least.trials_in_sight if budget.trainings is not None else None
    few = {
        "trials": (search.most_trials, math.inf if budget.trials is None else in_sight or least.trials),
        "trainings": (search.most_cost / full.cost, least.trainings * (1 - ROUNDING)),
    }
    for key, (most, needed) in few.items():
        if most < needed < math.inf:
            yield (
                f"`budget.{key}` is {most:g}, but the strategy {search.spec.strategy.name} needs about {needed:.3g} until the "
                f"first training is complete at {full.words}, and more where several are at work; what was trained less may win."
            )
            return


def _learning(search: Search, trials: int, size: int) -> Iterator[str]:
    """Yield why a strategy may never learn from a trial."""
    spec, rounds = search.spec, search.spec.budget.rounds
    if rounds == 1 and trials > 1 and spec.strategy.name not in {"random", "grid"}:
        yield "`budget.rounds` is 1: the strategy is asked once, before there are results, and can't learn from any."
        return
    setting = AT_FIRST.get(spec.strategy.name, "")
    given, known = getattr(search.strategy_config, setting, None), min(_known_at_last(search), trials, size)
    needed = min(given, math.ceil(trials / 3)) if given is not None and spec.strategy.name in A_THIRD else given
    if isinstance(needed, int) and needed > known and trials > 1:
        fewer = " fewer pods and workers," if rounds is None else ""
        more = "trials" if needed >= trials or rounds is None else "rounds"
        yield (
            f"`strategy.{setting}` is {given}, but the strategy is asked for the last time after {known} trials, so that all of "
            f"them are random; take a smaller one,{fewer} or more `budget.{more}`."
        )


def _unused(search: Search) -> Iterator[str]:
    """Yield what the file sets and nothing comes to."""
    given, strategy = search.estimation.model_fields_set, f"with the strategy {search.spec.strategy.name}"
    if "distil" in given and not search.strategy_config.inherits:
        yield f"`estimation.distil` is not used, as {strategy} no trial begins with another's weights."
    if "anneal" in given and len(search.ladder) == 1 and not search.sharing:
        yield f"`estimation.anneal` is not used, as {strategy} no training goes on to another rung."
    if search.spec.strategy.name == "fabric" and getattr(search.strategy_config, "max_skips", None) is not None:
        yield "`strategy.max_skips` is not used: the paths of a fabric have no skips that it could be a guard against."
    stopping, trials, named = search.stopping, search.spec.budget.trials, search.spec.stopping
    ours = named is not None and named.name in STOPPERS  # how others tell a chance is not known
    chance = stopping.chance if ours and isinstance(stopping, PredictingConfig) else None
    if chance is not None and chance < LEAST_CHANCE:
        yield f"`stopping.chance` is {chance:g}, but no chance is told to be less than 1/258: nothing is ever stopped."
    if stopping is None or trials is None:
        return
    needed = stopping.after if chance is None else max(stopping.after, math.floor(0.5 / chance))
    if needed >= trials:
        yield (
            f"`stopping` is not used: nothing is stopped before {needed} trials have ended, and there are {trials}; take a "
            "smaller `stopping.after`, or more `budget.trials`."
        )


def _known_at_last(search: Search) -> int:
    """Return how many trials a strategy knows when it is asked for the last time.

    Where there are no rounds it is asked for each trial, and does not know those that may be at work then, nor some more.
    """
    spec, rounds = search.spec, search.spec.budget.rounds
    if rounds is not None:
        return spec.budget.round_size * (rounds - 1)
    a_pod = 1 if search.estimation.looks_up or spec.resources.workers == "auto" else spec.resources.workers
    workers = spec.resources.pods * a_pod
    return _trials(search) - at_once(workers)


def _trials(search: Search) -> int:
    """Return how many trials the strategy of the file makes: looks, where weights are shared."""
    return search.n_looks if search.sharing else search.spec.budget.n_trials


def _sections(search: Search) -> Iterator[str]:
    spec, estimation = search.spec, search.estimation
    alone = estimation.trains
    if alone and spec.retrain.epochs < alone.epochs:
        where = "estimation.epochs" if alone is estimation else "estimation.then.epochs"
        yield f"`retrain.epochs` is {spec.retrain.epochs}, less than `{where}`, which is {alone.epochs}."
    elif alone and search.strategy_config.inherits and spec.retrain.epochs < INHERITED * alone.epochs:
        yield (
            f"`retrain.epochs` is {spec.retrain.epochs}, and the winner is trained from scratch, but trials whose weights were "
            f"trained in several generations have had {alone.epochs} in each; give it as many as that needs."
        )
    if search.sharing and not search.n_looks and spec.budget.trials is not None:
        yield (
            f"`budget.trials` is not used: the strategy {spec.strategy.name} looks at no architectures one by one, and "
            f"`strategy.top` says how many of what it derives are trained, which is {search.sharing.top}."
        )
    yield from _unused(search)
    if search.sharing and 0 < search.n_looks < search.sharing.top:
        yield f"`top` is {search.sharing.top}, but {search.n_looks} architectures are looked at with shared weights."
    if isinstance(estimation, TrainConfig) and estimation.anneal == "rung" and (n := len(search.ladder)) >= MANY_SCHEDULES:
        yield (
            f"`estimation.anneal` is rung: a training that goes on to its end is {n} schedules of the learning rate, one after "
            "the other; `once` makes it a single one."
        )
    if not search.retrains:
        for section in sorted({"retrain", "training"} & spec.model_fields_set):
            yield f"`{section}` is not used, as the search has no images to train on."
    if spec.data and spec.data.name == "digits" and spec.data.path is not None:
        yield "`data.path` is not used, as digits come with scikit-learn."
    if isinstance(estimation, TableConfig) and estimation.test in estimation.needed:
        yield f"`estimation.test` is {estimation.test}, a column that the search goes by; name one that it does not see."
    if spec.resources.fallback == "none" and not spec.resources.gpu:
        yield "`resources.fallback` is none, but `resources.gpu` asks for no GPU."


def _unused_shares(search: Search, facts: DataFacts) -> Iterator[str]:
    data = search.spec.data
    for split in ("validation", "test"):
        if data and split in facts.own and getattr(data, split) != type(data).model_fields[split].default:
            yield f"`data.{split}` is {getattr(data, split):g}, but is not used: the data have {split} images of their own."


def _training(search: Search, facts: DataFacts) -> Iterator[str]:
    estimation, batch = search.estimation.trains, search.spec.training.batch_size
    if not estimation or not facts.n("train"):
        return
    n = math.ceil(facts.n("train") * estimation.data)
    if batch > n:
        yield f"`training.batch_size` is {batch}, but a trial has about {n} training images: an epoch is a single step."
    side = min(facts.input_shape[1:])
    if estimation.resolution < 1 and (left := side * estimation.resolution) < 8:
        yield f"`estimation.resolution` is {estimation.resolution:g}: of {side} pixels a side, {left:.0f} are left."
