"""Strategies, estimators and stoppers of another distribution: those of examples/own-algorithms, on the path as if installed."""

import json
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archsmith.catalogue import describe_installed
from archsmith.errors import PluginError, SpecError
from archsmith.evaluation.config import EstimatorConfig
from archsmith.evaluation.stopping.stopper import StopperConfig
from archsmith.plugins import Installed, lacks
from archsmith.search import OURS, REGISTRIES, parse
from archsmith.steps.estimators import Means, make_estimator
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.strategies.strategy import StrategyConfig
from archsmith.testing.plugins import describe, install
from archsmith.testing.searches import TINY
from archsmith.values import Fidelity, History, Proposal

EXAMPLE = Path(__file__).parents[2] / "examples" / "own-algorithms"
GROUPS = {"strategy": "archsmith.strategies", "estimation": "archsmith.estimators", "stopping": "archsmith.stoppers"}
STRATEGY, OBJECTIVES = (
    "{name: evolution, population: 4, sample: 2}",
    "[{metric: accuracy, goal: maximize}, {metric: n_params, limit: 20000}]",
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of distributions on the path; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in [name for name in sys.modules if name.partition(".")[0] in {"own_algorithms", "mine"}]:
        monkeypatch.delitem(sys.modules, module)
    return tmp_path


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example, as if it were installed, and registries that have looked at nothing yet."""
    monkeypatch.syspath_prepend(str(EXAMPLE / "src"))
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    describe(site, project["name"], project["entry-points"])
    fresh()
    yield
    fresh()


def fresh() -> None:
    """Let the registries forget what is installed."""
    for registry in REGISTRIES.values():
        for known in ("_found", "broken"):
            vars(registry).pop(known, None)


@pytest.mark.usefixtures("installed")
def test_they_stand_beside_ours_and_are_listed_with_their_distribution() -> None:
    for section, name in (("strategy", "annealing"), ("estimation", "class-means"), ("stopping", "last-value")):
        registry: Any = REGISTRIES[section]
        assert list(registry) == [*OURS[section], name]
        rows = {row["name"]: row for row in json.loads(json.dumps(describe_installed(registry)))}
        assert rows[name]["distribution"] == "own-algorithms"
        assert {rows[ours]["distribution"] for ours in OURS[section]} == {None}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("file", ["search.yaml", "means.yaml"])
def test_the_searches_of_the_example_are_valid(file: str) -> None:
    search = parse((EXAMPLE / file).read_text())
    assert parse(search.text) == search
    assert search.strategy().ask(History(), 1, search.rng(0))


@pytest.mark.usefixtures("installed")
def test_settings_are_checked_with_their_line_and_a_name_is_guessed_at() -> None:
    with pytest.raises(SpecError, match=r"search\.yaml:7: spec\.strategy\.warmth: got -1, but must be > 0"):
        parse(TINY.replace(STRATEGY, "{name: annealing, warmth: -1}"))
    with pytest.raises(SpecError, match=r"Did you mean 'annealing'\?"):
        parse(TINY.replace(STRATEGY, "{name: anealing}"))


@pytest.mark.usefixtures("installed")
def test_an_estimator_is_made_of_what_the_step_has(tmp_path: Path) -> None:
    text = TINY.replace("{epochs: 2}", "{name: class-means, images: 64}").replace(
        OBJECTIVES, "[{metric: separation, goal: maximize}]"
    )
    search = parse(text)
    estimator = make_estimator(Means(search, SearchFolder(open_store(str(tmp_path)), search.name)))
    trial = estimator.estimate(Proposal(next(search.space.enumerate()), Fidelity(1)), seed=0, progress=lambda _: None)
    assert trial.status == "complete"
    assert set(trial.metrics) >= search.estimation.measures(buildable=True)
    assert 0 < trial.metrics["separation"] < 1


@pytest.mark.usefixtures("installed")
def test_an_estimator_that_asks_for_images_where_there_are_none_says_so(tmp_path: Path) -> None:
    class Blind(EstimatorConfig):
        needs_images = False

        @property
        def fidelity(self) -> Fidelity:
            return Fidelity(1)

        def build(self, given: Any) -> Any:
            return given.images()

    search = parse(TINY)
    spec = search.spec.model_copy(
        update={"data": None, "estimation": search.spec.estimation.model_copy(update={"name": "blind"})}
    )
    blind = replace(search, estimation=Blind(), object=search.object.model_copy(update={"spec": spec}))
    with pytest.raises(SpecError, match="The estimator 'blind' asks for images, but the search names no `data`"):
        make_estimator(Means(blind, SearchFolder(open_store(str(tmp_path)), "tiny")))


@pytest.mark.parametrize(
    ("base", "kind"), [(StrategyConfig, "strategy"), (EstimatorConfig, "estimator"), (StopperConfig, "stopper")]
)
def test_settings_that_make_nothing_are_refused_when_they_are_asked_for(site: Path, base: type[Any], kind: str) -> None:
    text = f"from {base.__module__} import {base.__name__}\n\nclass Mine({base.__name__}):\n    pass\n"
    install(site, "half-done", {"mine": "mine:Mine"}, group="mine.group", mine=text)
    found = Installed[Any]({}, kind=kind, group="mine.group", base=base, fault=lambda c: lacks(c, base, "build", "it makes it."))
    assert "mine" in found
    assert list(found) == []
    with pytest.raises(PluginError) as caught:
        found["mine"]
    said = f"The {kind} 'mine' of the distribution 'half-done' (mine:Mine) has no method `build`, but needs it; it makes it."
    assert str(caught.value) == said == found.broken["mine"]
    assert describe_installed(found) == [{"name": "mine", "error": said}]
