"""A search, read from its file and checked as a whole: every section against the algorithm that it names."""

import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ValidationError

from archsmith.errors import PluginError, SpecError, unknown
from archsmith.evaluation import ESTIMATORS
from archsmith.evaluation.config import EstimatorConfig
from archsmith.evaluation.stopping import STOPPERS
from archsmith.evaluation.stopping.stopper import StopperConfig
from archsmith.evaluation.stopping.watching import CURVES
from archsmith.spaces import INSTALLED, SPACES
from archsmith.spaces.space import Space, SpaceConfig
from archsmith.spec import Named, SearchObject, SearchSpec
from archsmith.spec.yaml_document import Located, read_yaml, write_yaml
from archsmith.spec.yaml_errors import Mistake, describe
from archsmith.strategies import STRATEGIES
from archsmith.strategies.strategy import Problem, Strategy, StrategyConfig, everything
from archsmith.values import Architecture, Fidelity
from archsmith.values.metrics import METRICS, OWN

REGISTRIES: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "space": INSTALLED, "strategy": STRATEGIES, "estimation": ESTIMATORS, "stopping": STOPPERS,
}  # fmt: skip
"""Where the sections that belong to an algorithm are looked up."""

KINDS: Mapping[str, str] = {"space": "space", "strategy": "strategy", "estimation": "estimator", "stopping": "stopper"}
"""What the sections name."""

MAY_CHANGE = (
    "budget", "resources", "retrain", "storage", "tracking", "cluster", "schedule", "suspend", "ttl", "on_delete",
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
    def retrains(self) -> bool:
        """Whether the winner is trained in full: where there are images."""
        return self.spec.data is not None

    @property
    def told_metrics(self) -> tuple[str, ...]:
        """The metrics that people are told of every trial: their own that it searches by, and accuracy."""
        own = [o.metric for o in self.spec.objectives if o.metric not in METRICS]
        accuracy = ["accuracy"] if "accuracy" in self.estimation.measures(buildable=False) else []
        return (*own, *accuracy) or (self.spec.first_goal.metric,)

    @cached_property
    def space(self) -> Space:
        """The search space."""
        return self.space_config.build()

    @cached_property
    def ladder(self) -> tuple[Fidelity, ...]:
        """The fidelities of the trials, the cheapest first; the last one is that of the search."""
        return self.strategy_config.ladder(self.estimation.fidelity)

    @property
    def most_trials(self) -> float:
        """Trials in all; infinite where only what they cost counts."""
        budget = self.spec.budget
        if budget.trials is None and (budget.trainings is not None or len(self.ladder) > 1):
            return math.inf
        return budget.n_trials

    @property
    def most_cost(self) -> float:
        """What all trials may cost, in epochs of full training; infinite where only their number counts."""
        budget = self.spec.budget
        if budget.trainings is None and (budget.trials is not None or len(self.ladder) == 1):
            return math.inf
        return (budget.trainings or budget.n_trials) * self.estimation.fidelity.cost

    @property
    def explained(self) -> tuple[str, ...]:
        """What people should know of the trials to come, a sentence each: rungs and brackets."""
        fidelity = self.estimation.fidelity
        return tuple(self.strategy_config.explain(fidelity, self.most_cost / fidelity.cost))

    def __repr__(self) -> str:
        spec, trials = self.spec, self.most_trials
        counted = (
            f"{trials:g} trials" if math.isfinite(trials) else f"{self.most_cost / self.estimation.fidelity.cost:g} trainings"
        )
        return f"<Search {self.name!r}: {spec.strategy.name} over {spec.space.name}, {counted}>"

    def strategy(self, feasible: Callable[[Architecture], bool] = everything) -> Strategy:
        """Make the strategy; it proposes only what `feasible` lets pass."""
        fidelity = self.estimation.fidelity
        worth = min(self.most_trials, self.most_cost / fidelity.cost)  # each trial is worth a full training at most
        problem = Problem(self.space, self.spec.objectives, fidelity, math.ceil(worth), feasible, self.most_trials)
        return self.strategy_config.build(problem)

    def rng(self, round_: int) -> np.random.Generator:
        """Return the randomness of a round: the same in every process."""
        return np.random.default_rng([self.spec.seed, round_])

    def identity(self) -> dict[str, Any]:
        """Return what makes two files the same search: all but what may change when it goes on."""
        spec = self.spec.model_dump(mode="json", exclude=set(MAY_CHANGE))
        for section, config in self._configs().items():
            spec[section] = {"name": spec[section]["name"], **config.model_dump(mode="json")}
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


def parse(text: str, *, source: str = "search.yaml", beside: Path | None = None) -> Search:
    """Read the text of a search file; `source` names it in errors, and `beside` is the folder for relative paths in it.

    Raises:
        SpecError: It is wrong; the message has a line a mistake.
    """
    return _checked(text, read_yaml(text, source), beside)


def from_object(given: Mapping[str, Any], *, source: str) -> Search:
    """Make a search of a value, such as an object of Kubernetes; its text is that value, written as a search file.

    Nothing is read back from the text: what is text in the value stays text, also where it looks like a number.

    Raises:
        SpecError: It is wrong; the message has a line a mistake, and `source` in place of a file and its lines.
    """
    return _checked(write_yaml(given), Located(source, given))


def _checked(text: str, document: Located, beside: Path | None = None) -> Search:
    """Check a document as a whole, and return the search that it is."""
    configs, mistakes = _resolve(document)
    mistakes += _metric_mistakes(document, configs)
    try:
        parsed = SearchObject.model_validate(document.value)
    except ValidationError as error:
        raise SpecError(describe(document, [(SearchObject, (), error), *mistakes])) from error
    if mistakes:
        raise SpecError(describe(document, mistakes))
    search = Search(text, parsed, configs["space"], configs["strategy"], configs["estimation"], configs.get("stopping"), beside)
    _try_out(document, search)
    return search


def _resolve(document: Located) -> tuple[dict[str, Any], list[Mistake]]:
    """Check the sections that belong to an algorithm; return their settings by section, and what is wrong."""
    configs: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for section, registry in REGISTRIES.items():
        named = _named(document, section)
        if named is None:
            continue
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


def _try_out(document: Located, search: Search) -> None:
    """Build what the file names, so that settings that do not fit together are found now."""
    if mistakes := [*_unmeasured(search), *_unstoppable(search)]:
        raise SpecError(describe(document, mistakes))
    built: tuple[tuple[str, Callable[[], object]], ...] = (
        ("space", lambda: search.space), ("strategy", search.strategy), ("strategy", lambda: search.ladder),
    )  # fmt: skip
    for section, build in built:
        try:
            build()
        except ValueError as error:
            raise SpecError(describe(document, [(Named, ("spec", section), str(error))])) from error
    if (lacking := search.estimation.fault_of(search.ladder)) is not None:
        raise SpecError(describe(document, [(Named, ("spec", "estimation"), lacking)]))
    if twice := sorted(search.estimation.own_metrics & {d.name for d in search.space.decisions}):
        text = f"a decision of the space is called {twice[0]!r} too; add a word to the metric's name"
        raise SpecError(describe(document, [(Named, ("spec", "estimation", "metrics", twice[0]), text)]))
    if (fault := _rounds_fault(search)) is not None:
        raise SpecError(describe(document, [(Named, ("spec", "budget", "rounds"), fault)]))
    if (fault := _foreign_fault(search)) is not None:
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


def _foreign_fault(search: Search) -> str | None:
    """Say what a space from another distribution lacks; its class was found, and has made what is looked at here."""
    space, name = search.space, search.spec.space.name
    if name in SPACES:
        return None
    if space.name != name:
        return f"the space {name!r} calls itself {space.name!r}, but the two must be the same; it is in each architecture's id"
    if not hasattr(space, "layers"):
        return (
            f"the space {name!r} has no method `layers`, but needs it; it makes the networks, see archsmith.models.BuildsItself"
        )
    return None


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
    known = spec.data is not None or search.estimation.network_input is not None
    measured = search.estimation.measures(buildable=makes_networks and known)
    for k, objective in enumerate(spec.objectives):
        if objective.metric not in measured:
            text = f"the estimator {name!r} does not measure {objective.metric} here; it measures: {', '.join(sorted(measured))}"
            if "objectives" not in spec.model_fields_set:
                best = next(iter(sorted(search.estimation.own_metrics)), "METRIC")
                text += f"; say what to make better, as in `objectives: [{{metric: {best}, goal: maximize}}]`"
            yield Named, ("spec", "objectives", k, "metric"), text


def _unstoppable(search: Search) -> Iterator[Mistake]:
    """Yield why no trial could be stopped early, or none should be."""
    if search.stopping is None:
        return
    spec, curves, epochs = search.spec, search.estimation.curve_metrics & CURVES.keys(), search.estimation.fidelity.epochs
    goals = [o.metric for o in spec.objectives if o.goal]
    if not curves:
        text = f"the estimator {spec.estimation.name!r} has no learning curves here, so there is nothing to stop by; leave it out"
        yield Named, ("spec", "stopping"), text
    elif goals[0] not in curves:
        known = " or ".join(sorted(curves))
        text = f"the first objective is {goals[0]}, which has no learning curve; put one first that has: {known}"
        yield Named, ("spec", "stopping"), text
    elif len(goals) > 1:
        text = f"{' and '.join(goals)} have goals, but a stopper looks at {goals[0]} alone, and would stop what is best in others"
        hint = "give those a `limit` in place of a `goal`, or leave `stopping` out"
        yield Named, ("spec", "stopping"), f"{text}; {hint}"
    elif search.stopping.grace >= epochs:
        text = f"every trial gets {search.stopping.grace} of {epochs} epochs, which leaves nothing to stop"
        yield Named, ("spec", "stopping", "grace"), f"{text}; take more `estimation.epochs`, or leave `stopping` out"


def _differences(a: Any, b: Any, path: str) -> list[str]:
    """Return a line for each path at which two trees of mappings differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [line for key in {**a, **b} for line in _differences(a.get(key), b.get(key), f"{path}.{key}")]
    return [] if a == b else [f"{path}: {a!r} here, {b!r} there"]


def schema() -> dict[str, Any]:
    """Return the JSON schema of a search file, the sections of every algorithm included.

    It refuses what a schema can express: unknown keys, wrong types, values out of range. What holds between keys,
    such as rounds <= trials, only `parse` checks.
    """
    whole = SearchObject.model_json_schema()
    properties = whole["$defs"]["SearchSpec"]["properties"]
    for section, registry in REGISTRIES.items():
        default = properties[section].get("default")
        named = SearchSpec.model_fields[section].annotation
        fields = getattr(named, "model_fields", None)  # an optional section is a union, which has none
        unnamed = fields["name"].default if fields else None
        variants = [_variant(name, config, may_be_unnamed=name == unnamed) for name, config in registry.items()]
        for variant in variants:
            whole["$defs"].update(variant.pop("$defs", {}))
        properties[section] = {"oneOf": variants, "description": properties[section].get("description", "")}
        if default is not None:
            properties[section]["default"] = default
    for unused in ("Named", "NamedEstimation"):
        whole["$defs"].pop(unused, None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "title": "Search"}


def _variant(name: str, config: type[BaseModel], *, may_be_unnamed: bool) -> dict[str, Any]:
    """Return the schema of a section that names the algorithm `name`, or means it where it names none."""
    variant = config.model_json_schema()
    variant["properties"] = {"name": {"const": name}, **variant.get("properties", {})}
    variant["required"] = [*([] if may_be_unnamed else ["name"]), *variant.get("required", [])]
    return variant
