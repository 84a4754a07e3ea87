"""A search, read from its file and checked as a whole: every section against the algorithm that it names."""

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ValidationError

from archsmith import foldable
from archsmith.elsewhere import ELSEWHERE
from archsmith.errors import PluginError, SpecError, unknown
from archsmith.evaluation import ESTIMATORS
from archsmith.evaluation import INSTALLED as INSTALLED_ESTIMATORS
from archsmith.evaluation.config import EstimatorConfig, ScreenConfig, TrainConfig
from archsmith.evaluation.stopping import INSTALLED as INSTALLED_STOPPERS
from archsmith.evaluation.stopping import STOPPERS
from archsmith.evaluation.stopping.stopper import StopperConfig
from archsmith.evaluation.table_config import TableConfig
from archsmith.inheritable import uninheritable
from archsmith.open_file import CHOSEN, is_open, open_faults
from archsmith.shared_weights import Fault, explain, faults, faults_on, n_looks
from archsmith.spaces import INSTALLED, SPACES
from archsmith.spaces.plugins import foreign_fault
from archsmith.spaces.space import Space, SpaceConfig, Widens
from archsmith.spec import AUTO, Named, SearchObject, SearchSpec
from archsmith.spec.sharing import Sharing
from archsmith.spec.supernets import SupernetSettings
from archsmith.spec.yaml_document import Located, read_yaml, write_yaml
from archsmith.spec.yaml_errors import Mistake, describe
from archsmith.stoppable import unstoppable
from archsmith.strategies import INSTALLED as INSTALLED_STRATEGIES
from archsmith.strategies import STRATEGIES
from archsmith.strategies.sharing.reranked import Reranked
from archsmith.strategies.strategy import Problem, Strategy, StrategyConfig, everything
from archsmith.strategies.warm_start import WarmStart
from archsmith.values import Architecture, Fidelity, History
from archsmith.values.metrics import METRICS, OWN
from archsmith.values.scores import SIZES, ScoreName

REGISTRIES: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "space": INSTALLED, "strategy": INSTALLED_STRATEGIES, "estimation": INSTALLED_ESTIMATORS, "stopping": INSTALLED_STOPPERS,
}  # fmt: skip
"""Where the sections that belong to an algorithm are looked up."""

OURS: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "space": SPACES, "strategy": STRATEGIES, "estimation": ESTIMATORS, "stopping": STOPPERS,
}  # fmt: skip
"""The same without what other distributions bring along."""

KINDS: Mapping[str, str] = {"space": "space", "strategy": "strategy", "estimation": "estimator", "stopping": "stopper"}
"""What the sections name."""

MAY_CHANGE = (
    "budget", "resources", "retrain", "baseline", "promote", "storage", "tracking", "cluster", "schedule", "series", "suspend",
    "ttl", "on_delete",
)  # fmt: skip
"""What may differ when a search goes on: none of it changes what a trial means."""


@dataclass(frozen=True, repr=False)
class Search:
    """A valid search: its file, and what the file's names stand for."""

    text: str
    """The file as it was written."""
    object: SearchObject
    """The file as a value."""
    space_config: SpaceConfig
    """The settings of the search space."""
    strategy_config: StrategyConfig
    """The settings of the strategy."""
    estimation: EstimatorConfig
    """The settings of the estimator."""
    stopping: StopperConfig | None = None
    """The settings of the stopper; None where every training goes to its end."""
    beside: Path | None = field(default=None, compare=False)
    """Folder of the file, for relative paths in it; None where it was not read from a file. It is no part of what is searched."""

    @property
    def name(self) -> str:
        """The name of the search."""
        return self.object.metadata.name

    @property
    def spec(self) -> SearchSpec:
        """The specification."""
        return self.object.spec

    @property
    def open(self) -> bool:
        """Whether the first step chooses what is searched, and how: then the settings of all algorithms are provisional."""
        return self.spec.space.name == AUTO

    @property
    def runs_here(self) -> bool:
        """Whether all of its algorithms are known in this process; where one is not, something stands for it."""
        return not any(isinstance(config, tuple(ELSEWHERE.values())) for config in self._configs().values())

    @property
    def retrains(self) -> bool:
        """Whether the winner is trained in full: where there are images."""
        return self.spec.data is not None

    @property
    def has_references(self) -> bool:
        """Whether simple networks are trained as the winner is, to say what the search was worth."""
        return self.retrains and self.spec.baseline != "none"

    @property
    def told_metrics(self) -> tuple[str, ...]:
        """The metrics that people are told of every trial: their own that it searches by, and accuracy."""
        own = [o.metric for o in self.spec.objectives if o.metric not in METRICS]
        accuracy = ["accuracy"] if "accuracy" in self.estimation.measures(buildable=False) else []
        return (*own, *accuracy) or (self.spec.first_goal.metric,)

    @property
    def table(self) -> TableConfig | None:
        """The table in which trials are looked up; None where there is none."""
        return self.estimation if isinstance(self.estimation, TableConfig) else None

    @property
    def counts_networks(self) -> bool:
        """Whether networks can be built, and it is known for which images."""
        known = self.spec.data is not None or self.estimation.network_input is not None
        return self.space_config.makes_networks and known

    @property
    def scores(self) -> tuple[ScoreName, ...]:
        """The scores of untrained networks that the strategy is given: those it wants, where they can be told; else none."""
        wanted = self.strategy_config.wanted_scores
        return wanted if self.counts_networks or set(wanted) <= self.estimation.listed_scores else ()

    @property
    def scores_networks(self) -> bool:
        """Whether whoever makes proposals computes with networks, and does not only count their parameters."""
        asked = {*self.scores, *([self.screen.score] if self.screen else [])}
        return bool(asked - SIZES)

    @property
    def screen(self) -> ScreenConfig | None:
        """What is asked of a network before it is trained; None where that is nothing."""
        return self.estimation.screen if isinstance(self.estimation, TrainConfig) else None

    @cached_property
    def space(self) -> Space:
        """The search space."""
        return self.space_config.build()

    @cached_property
    def first(self) -> tuple[Architecture, ...]:
        """The architectures that the file has measured first; raises `ValueError` where one is none of the space."""
        return tuple(map(self.space.from_text, self.spec.first))

    @cached_property
    def ladder(self) -> tuple[Fidelity, ...]:
        """The fidelities of the trials, the cheapest first; the last one is that of the search."""
        return self.strategy_config.ladder(self.estimation.fidelity)

    @property
    def sharing(self) -> Sharing | None:
        """What is done with weights that all architectures share; None where they share none."""
        return self.strategy_config.sharing or self.estimation.sharing

    @property
    def supernet(self) -> SupernetSettings | None:
        """How shared weights are trained, before anything else; None where there are none."""
        return self.sharing.supernet if self.sharing else None

    @property
    def n_looks(self) -> int:
        """How many architectures are measured with shared weights."""
        return n_looks(self.sharing.looks, self.spec.budget.trials) if self.sharing else 0

    @property
    def most_trials(self) -> float:
        """Trials in all, looks among them; infinite where only what they cost counts."""
        budget = self.spec.budget
        if self.sharing:
            return self.n_looks + self.sharing.top
        if budget.trials is None and (budget.trainings is not None or len(self.ladder) > 1):
            return math.inf
        return budget.n_trials

    @property
    def most_cost(self) -> float:
        """What all trials may cost, in epochs of full training; infinite where only their number counts."""
        budget = self.spec.budget
        if self.sharing:
            return math.inf
        if budget.trainings is None and (budget.trials is not None or len(self.ladder) == 1):
            return math.inf
        return (budget.trainings or budget.n_trials) * self.estimation.fidelity.cost

    def pays_for_more(self, history: History) -> bool:
        """Tell whether the budget is not spent: a search that has ended with this history had nothing more to propose."""
        cost, minutes = math.fsum(trial.cost for trial in history), self.spec.budget.minutes
        remainder = self.estimation.fidelity.cost if len(self.ladder) > 1 else 0  # nothing is begun that it can't pay for
        return (
            not self.sharing  # that one ends by a rule of its own
            and len(history) < self.most_trials
            and cost + remainder < self.most_cost
            and not math.isclose(cost, self.most_cost)
            and (minutes is None or history.busy_s() < 60 * minutes)
        )

    @property
    def explained(self) -> tuple[str, ...]:
        """What people should know of the trials to come, a sentence each: rungs, brackets and shared weights."""
        fidelity = self.estimation.fidelity
        if self.sharing:
            return (explain(self.sharing, self.n_looks, fidelity),)
        screened = [] if self.screen is None else [self.screen.explained]
        return (
            *screened,
            *foldable.explained(self.estimation),
            *self.strategy_config.explain(fidelity, self.most_cost / fidelity.cost, widens=isinstance(self.space, Widens)),
        )

    def __repr__(self) -> str:
        if self.open:
            return f"<Search {self.name!r}: everything chosen for {self.spec.budget.minutes:g} minutes>"
        spec, trials = self.spec, self.most_trials
        counted = (
            f"{trials:g} trials" if math.isfinite(trials) else f"{self.most_cost / self.estimation.fidelity.cost:g} trainings"
        )
        return f"<Search {self.name!r}: {spec.strategy.name} over {spec.space.name}, {counted}>"

    def strategy(
        self,
        feasible: Callable[[Architecture], bool] = everything,
        derived: tuple[Architecture, ...] = (),
        listed: Sequence[Architecture] = (),
        scores: Callable[[Architecture], Mapping[str, float]] | None = None,
        first: Sequence[Architecture] = (),
    ) -> Strategy:
        """Make the strategy.

        Args:
            feasible: It proposes only what this lets pass.
            derived: What shared weights have led to, with which it begins.
            listed: The only architectures that can be measured, where it is not the whole space.
            scores: What is known of an architecture without training it.
            first: What is measured first after what the file names, in the place of what the strategy would propose; nothing is
                with shared weights.
        """
        fidelity = self.estimation.fidelity
        if self.sharing:
            looks = self.n_looks
            problem = Problem(self.space, self.spec.objectives, fidelity, looks, feasible, looks, derived, scores=scores)
            strategy = self.strategy_config.build(problem)
            return strategy if self.strategy_config.sharing else Reranked(problem, strategy, top=self.sharing.top)
        worth = min(self.most_trials, self.most_cost / fidelity.cost)  # each trial is worth a full training at most
        problem = Problem(
            self.space, self.spec.objectives, fidelity, math.ceil(worth), feasible, self.most_trials,
            listed=listed, scores=scores, trainings=self.most_cost / fidelity.cost,
        )  # fmt: skip
        strategy = self.strategy_config.build(problem)
        first = (*self.first, *first)
        return WarmStart(problem, strategy, first) if first else strategy

    def rng(self, round_: int) -> np.random.Generator:
        """Return the randomness of a round: the same in every process."""
        return np.random.default_rng([self.spec.seed, round_])

    def identity(self) -> dict[str, Any]:
        """Return what makes two files the same search: all but what may change when it goes on."""
        if self.open:  # what was chosen, was chosen for this time
            return self.spec.model_dump(mode="json", exclude={*MAY_CHANGE, "space", *CHOSEN} - {"budget"})
        spec = self.spec.model_dump(mode="json", exclude=set(MAY_CHANGE))
        for section, config in self._configs().items():
            may_change = getattr(config, "may_change", None)
            spec[section] = {"name": spec[section]["name"], **config.model_dump(mode="json", exclude=may_change)}
        if self.stopping is None:  # as in searches of a time when there was no such section
            del spec["stopping"]
        return spec

    def differences(self, other: Self) -> list[str]:
        """Return the paths at which this search is not `other`."""
        return _differences(self.identity(), other.identity(), "spec")

    def describe(self, architecture: Architecture) -> str:
        """Say an architecture in a line, for people."""
        return self.space.to_text(architecture)

    def _configs(self) -> dict[str, BaseModel]:
        stopping = {} if self.stopping is None else {"stopping": self.stopping}
        return {"space": self.space_config, "strategy": self.strategy_config, "estimation": self.estimation, **stopping}


def load(path: str | Path) -> Search:
    """Read a search file; `-` is standard input, where relative paths begin in the working directory.

    Raises:
        SpecError: There is no such file, or it is wrong; the message has a line a mistake.
    """
    piped = str(path) == "-"
    try:
        text = (sys.stdin.buffer.read() if piped else Path(path).read_bytes()).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "`archsmith init` writes one to start from."
        raise SpecError(f"The search file {str(path)!r} can't be read: {reason}. {hint}") from error
    return parse(text, source="standard input") if piped else parse(text, source=str(path), beside=Path(path).absolute().parent)


def parse(text: str, *, source: str = "search.yaml", beside: Path | None = None, runs_here: bool = True) -> Search:
    """Read the text of a search file.

    Args:
        text: The text.
        source: What it is called in errors.
        beside: The folder for relative paths in it.
        runs_here: Whether its algorithms are to run in this process. Where they are not, and it has an image of its own, a name
            that is unknown here may be known there: something stands for it, which runs nothing.

    Raises:
        SpecError: It is wrong; the message has a line a mistake.
    """
    return _checked(text, read_yaml(text, source), beside, runs_here=runs_here)


def from_object(given: Mapping[str, Any], *, source: str, runs_here: bool = True) -> Search:
    """Make a search of a value, such as an object of Kubernetes; its text is that value, written as a search file.

    Nothing is read back from the text: what is text in the value stays text, also where it looks like a number.

    Args:
        given: The value.
        source: What it is called in errors.
        runs_here: As in `parse`.

    Raises:
        SpecError: It is wrong; the message has a line a mistake, and `source` in place of a file and its lines.
    """
    return _checked(write_yaml(given), Located(source, given), runs_here=runs_here)


def _checked(text: str, document: Located, beside: Path | None = None, *, runs_here: bool = True) -> Search:
    """Check a document as a whole, and return the search that it is."""
    open_, lenient = is_open(document.value), not runs_here and _has_an_image(document)
    configs, mistakes = _provisional(document) if open_ else _resolve(document, lenient=lenient)
    mistakes += _metric_mistakes(document, configs)
    try:
        parsed = SearchObject.model_validate(document.value)
    except ValidationError as error:
        raise SpecError(describe(document, [(SearchObject, (), error), *mistakes])) from error
    if mistakes:
        raise SpecError(describe(document, mistakes))
    search = Search(text, parsed, configs["space"], configs["strategy"], configs["estimation"], configs.get("stopping"), beside)
    if not open_:
        _try_out(document, search)
    elif mistakes := list(_unmeasured(search)):
        raise SpecError(describe(document, mistakes))
    return search


def _provisional(document: Located) -> tuple[dict[str, Any], list[Mistake]]:
    """Return settings that stand for those which the first step chooses, and what is wrong with an open file.

    Whatever is chosen has this shape: no rounds, no shared weights, images that networks are trained on.
    """
    configs = {"space": SPACES["chain"](), "strategy": STRATEGIES["random"](), "estimation": TrainConfig()}
    return configs, list(_at(open_faults(document.value["spec"])))


def _has_an_image(document: Located) -> bool:
    """Tell whether a search says which image its pods have."""
    spec = document.value.get("spec")
    cluster = spec.get("cluster") if isinstance(spec, dict) else None
    return isinstance(cluster, dict) and bool(cluster.get("image"))


def _resolve(document: Located, *, lenient: bool = False) -> tuple[dict[str, Any], list[Mistake]]:
    """Check the sections that belong to an algorithm; return their settings by section, and what is wrong.

    Args:
        document: The document.
        lenient: Whether something stands for what is unknown.
    """
    configs: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for section, registry in REGISTRIES.items():
        named = _named(document, section)
        if named is None or (named.name == AUTO and not _says_name(document, section)):
            continue  # what is missing is said by `SearchObject`
        if named.name not in registry and lenient:
            registry = {named.name: ELSEWHERE[section]}
        if named.name not in registry:
            mistakes.append((Named, ("spec", section, "name"), unknown(KINDS[section], named.name, registry)))
            continue
        try:
            configs[section] = registry[named.name].model_validate(named.settings)
        except ValidationError as error:
            mistakes.append((registry[named.name], ("spec", section), error))
        except PluginError as error:
            mistakes.append((Named, ("spec", section, "name"), str(error)))
    return configs, mistakes


def _metric_mistakes(document: Located, configs: Mapping[str, Any]) -> Iterator[Mistake]:
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


def _named(document: Located, section: str) -> Named | None:
    """Return a section as a name and its settings; None where it is not even that, which `SearchObject` says."""
    field = SearchSpec.model_fields[section]
    spec = document.value.get("spec")
    if not isinstance(spec, dict) or section not in spec:
        return None if field.is_required() else field.default
    try:
        return Named.model_validate({"name": getattr(field.default, "name", None), **spec[section]})
    except (TypeError, ValidationError):
        return None


def _says_name(document: Located, section: str) -> bool:
    spec = document.value.get("spec")
    given = spec.get(section) if isinstance(spec, dict) else None
    return isinstance(given, dict) and "name" in given


def _try_out(document: Located, search: Search) -> None:
    """Build what the file names, so that settings that do not fit together are found now."""
    if not search.runs_here:
        return  # whether they fit together, the image of the search knows
    shared = faults(search.spec, search.strategy_config, search.estimation)
    if mistakes := [*_at(shared), *_unmeasured(search), *_unscored(search), *_unstoppable(search), *_always_cold(search)]:
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
    if mistakes := list(_at(foldable.unfoldable(search.spec.strategy.name, search.strategy_config, search.estimation))):
        raise SpecError(describe(document, mistakes))
    if mistakes := list(_at(uninheritable(search.spec, search.strategy_config, search.estimation, search.ladder))):
        raise SpecError(describe(document, mistakes))
    if (lacking := search.estimation.fault_of(search.ladder)) is not None:
        raise SpecError(describe(document, [(Named, ("spec", "estimation"), lacking)]))
    if twice := sorted(search.estimation.own_metrics & {d.name for d in search.space.decisions}):
        text = f"a decision of the space is called {twice[0]!r} too; add a word to the metric's name"
        raise SpecError(describe(document, [(Named, ("spec", "estimation", "metrics", twice[0]), text)]))
    if mistakes := list(_at(faults_on(search.space, search.spec, search.strategy_config, search.estimation))):
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


def _unmeasured(search: Search) -> Iterator[Mistake]:
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
        yield from _at(unstoppable(search.spec, search.estimation, search.stopping))


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


def _at(faults: Iterable[Fault]) -> Iterator[Mistake]:
    """Yield faults below `spec` as mistakes of the file."""
    return ((Named, ("spec", *key), text) for key, text in faults)


def _differences(a: Any, b: Any, path: str) -> list[str]:
    """Return a line for each path at which two trees of mappings differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [line for key in {**a, **b} for line in _differences(a.get(key), b.get(key), f"{path}.{key}")]
    return [] if a == b else [f"{path}: {a!r} here, {b!r} there"]
