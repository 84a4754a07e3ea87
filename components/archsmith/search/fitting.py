"""Whether what a search names fits together; each of its sections by itself is right by then."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from archsmith import foldable
from archsmith.errors import SpecError, unknown
from archsmith.inheritable import uninheritable
from archsmith.search.search import Search
from archsmith.shared_weights import Fault, faults, faults_on
from archsmith.spaces import SPACES
from archsmith.spaces.plugins import foreign_fault
from archsmith.spec import Named
from archsmith.spec.yaml_document import Located
from archsmith.spec.yaml_errors import Mistake, describe
from archsmith.stoppable import unstoppable
from archsmith.values.metrics import METRICS, OWN


def metric_mistakes(document: Located, configs: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield what is wrong with the metrics that objectives name; their shape is for `SearchObject` to check."""
    spec = document.value.get("spec")
    given = spec.get("objectives") if isinstance(spec, dict) else None
    if "estimation" not in configs or not isinstance(given, list | tuple):
        return
    own = configs["estimation"].own_metrics
    for k, objective in enumerate(given):
        metric = objective.get("metric") if isinstance(objective, dict) else None
        if not isinstance(metric, str) or not re.fullmatch(OWN, metric):
            continue
        here = ("spec", "objectives", k)
        if metric not in METRICS and metric not in own:
            yield Named, (*here, "metric"), unknown("metric", metric, {*METRICS, *own})
        elif metric in own and objective.get("goal") is None:
            yield Named, here, f"the metric {metric!r} is your own, so `goal` must say which way is better: maximize or minimize"


def try_out(document: Located, search: Search) -> None:
    """Build what the file names, so that settings that do not fit together are found now; raises `SpecError` where they don't."""
    if not search.runs_here:
        return  # whether they fit together, the image of the search knows
    shared = faults(search.spec, search.strategy_config, search.estimation)
    if mistakes := [*below_spec(shared), *unmeasured(search), *_unscored(search), *_unstoppable(search), *_always_cold(search)]:
        raise SpecError(describe(document, mistakes))
    built: tuple[tuple[str, Callable[[], object]], ...] = (
        ("space", lambda: search.space), ("first", lambda: search.first), ("strategy", search.strategy),
        ("strategy", lambda: search.ladder),
    )  # fmt: skip
    for section, build in built:
        try:
            build()
        except ValueError as error:
            raise SpecError(describe(document, [(Named, ("spec", section), str(error))])) from error
    if mistakes := list(below_spec(foldable.unfoldable(search.spec.strategy.name, search.strategy_config, search.estimation))):
        raise SpecError(describe(document, mistakes))
    if mistakes := list(below_spec(uninheritable(search.spec, search.strategy_config, search.estimation, search.ladder))):
        raise SpecError(describe(document, mistakes))
    if (lacking := search.estimation.fault_of(search.ladder)) is not None:
        raise SpecError(describe(document, [(Named, ("spec", "estimation"), lacking)]))
    if twice := sorted(search.estimation.own_metrics & {d.name for d in search.space.decisions}):
        text = f"a decision of the space is called {twice[0]!r} too; add a word to the metric's name"
        raise SpecError(describe(document, [(Named, ("spec", "estimation", "metrics", twice[0]), text)]))
    if mistakes := list(below_spec(faults_on(search.space, search.spec, search.strategy_config, search.estimation))):
        raise SpecError(describe(document, mistakes))
    if (fault := _rounds_fault(search)) is not None:
        raise SpecError(describe(document, [(Named, ("spec", "budget", "rounds"), fault)]))
    name = search.spec.space.name
    if name not in SPACES and (fault := foreign_fault(name, search.space)) is not None:
        raise SpecError(describe(document, [(Named, ("spec", "space", "name"), fault)]))


def _rounds_fault(search: Search) -> str | None:
    """Say why there can't be rounds where it is not known how many trials there will be."""
    budget, strategy = search.spec.budget, search.spec.strategy.name
    if budget.rounds is None or budget.trials is not None or len(search.ladder) == 1:
        return None
    return (
        f"the value is {budget.rounds}, but there are no `trials` to divide among them: of a strategy with rungs such as "
        f"{strategy}, the budget counts full trainings; give `trials` as well, or leave `rounds` out"
    )


def unmeasured(search: Search) -> Iterator[Mistake]:
    """Yield what the estimator can't do with what it is given."""
    spec, name = search.spec, search.spec.estimation.name
    if search.estimation.needs_images and spec.data is None:
        text = f"the key is missing, but the estimator {name!r} needs images; name a data set, as in `data: {{name: digits}}`"
        yield Named, ("spec", "data"), text
    makes_networks = search.space_config.makes_networks
    if not makes_networks and (spec.data is not None or not search.estimation.looks_up):
        why = (
            f"the estimator {name!r} trains networks"
            if search.estimation.needs_images
            else "the winner is trained on `spec.data`"
        )
        text = f"the key is missing, but {why}; only a search over a table without images needs no network"
        yield Named, ("spec", "space", "network"), text
    measured = search.estimation.measures(buildable=search.counts_networks)
    for k, objective in enumerate(spec.objectives):
        if objective.metric not in measured:
            text = f"the estimator {name!r} does not measure {objective.metric} here; it measures: {', '.join(sorted(measured))}"
            if "objectives" not in spec.model_fields_set:
                best = next(iter(sorted(search.estimation.own_metrics)), "METRIC")
                text += f"; say what to make better, as in `objectives: [{{metric: {best}, goal: maximize}}]`"
            yield Named, ("spec", "objectives", k, "metric"), text


def _unscored(search: Search) -> Iterator[Mistake]:
    """Yield why the strategy can't have the scores that the file asks for; what is asked for by default is left out then."""
    wanted = search.strategy_config.wanted_scores
    if "scores" in search.strategy_config.model_fields_set and wanted and not search.scores:
        text = f"{' and '.join(wanted)} are told by networks, but there is nothing to build them for"
        hint = "name the images in `data`, or give `estimation` the `input_shape` and `classes`, and the space a `network`"
        yield Named, ("spec", "strategy", "scores"), f"{text}; {hint}"


def _unstoppable(search: Search) -> Iterator[Mistake]:
    """Yield why no trial could be stopped early, or none should be; with shared weights, none can be."""
    if search.stopping is not None and not search.sharing:
        yield from below_spec(unstoppable(search.spec, search.estimation, search.stopping))


def _always_cold(search: Search) -> Iterator[Mistake]:
    """Yield why a search can't begin with what another one has found."""
    spec, here = search.spec, ("spec", "warm_start")
    if spec.warm_start == search.name:
        yield Named, here, f"the value is {spec.warm_start!r}, which is this search itself; name another one, or leave it out"
    shared = f"weights are shared by all architectures, and {spec.strategy.name} begins with what they prefer; leave it out"
    if search.sharing and spec.first:
        yield Named, ("spec", "first"), shared
    if search.sharing and (spec.warm_start is not None or spec.series.warm_start):
        yield Named, here if spec.warm_start is not None else ("spec", "series", "warm_start"), shared


def below_spec(faults: Iterable[Fault]) -> Iterator[Mistake]:
    """Yield faults below `spec` as mistakes of the file."""
    return ((Named, ("spec", *key), text) for key, text in faults)
