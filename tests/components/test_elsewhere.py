"""A search whose algorithms only the image of its pods knows, as the controller of a cluster sees it."""

from typing import Any

import pytest
import yaml

from archsmith.cluster.controller.order import search_of
from archsmith.cluster.controller.standing import Reader
from archsmith.errors import CorruptObjectError, PluginError, SpecError
from archsmith.opening import open_search
from archsmith.testing.searches import TINY
from archsmith.values import Architecture
from archsmith.views.searches import listed, load

Staged = Any  # a fixture of the tests around these

OWN = {
    "space": {"name": "towers", "height": 3},
    "strategy": {"name": "my-strategy", "warmth": 0.5},
    "estimation": {"name": "my-estimator", "epochs": 7, "anything": {"at": "all"}},
    "stopping": {"name": "my-stopper", "patience": 2},
}


def body(image: str | None = "registry/mine:1", **sections: Any) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load(TINY)
    raw["spec"] |= {**sections, **({"cluster": {"image": image}} if image else {})}
    return raw


@pytest.mark.parametrize("section", OWN)
def test_what_only_the_image_knows_is_left_to_it(section: str) -> None:
    search = search_of(body(**{section: OWN[section]}))
    assert search.identity()[section] == {**search.identity()[section], **OWN[section]}
    assert search.most_trials == 6


def test_all_of_it_may_be_the_images_own_metrics_too() -> None:
    objectives = [{"metric": "my_metric", "goal": "minimize"}]
    search = search_of(body(**OWN, objectives=objectives))
    assert (search.estimation.fidelity.epochs, search.retrains, search.sharing) == (7, True, None)
    assert search.differences(search_of(body(**OWN, objectives=objectives))) == []
    assert search.differences(
        search_of(body(**{**OWN, "strategy": {"name": "my-strategy", "warmth": 0.7}}, objectives=objectives))
    )
    assert search.describe(Architecture("towers", (3, None, "conv"))) == "3 - conv"
    assert search.space.assignment(Architecture("towers", (3, None))) == {"decision_1": 3}


@pytest.mark.parametrize("section", OWN)
def test_where_pods_have_the_controllers_image_an_unknown_name_is_a_mistake(section: str) -> None:
    with pytest.raises(SpecError, match=rf"spec\.{section}\.name: Unknown"):
        search_of(body(image=None, **{section: OWN[section]}))


def test_what_is_ours_is_checked_as_ever() -> None:
    with pytest.raises(SpecError, match="populaton"):
        search_of(body(strategy={"name": "evolution", "populaton": 4}))
    with pytest.raises(SpecError, match="rounds"):
        search_of(body(strategy=OWN["strategy"], budget={"trials": 3, "rounds": 5}))


def test_nothing_of_it_runs_here() -> None:
    search = search_of(body(**OWN))
    with pytest.raises(PluginError, match="not installed here"):
        search.strategy().ask(None, 1, search.rng(0))  # type: ignore[arg-type]


@pytest.mark.parametrize("own", [*({section: OWN[section]} for section in OWN), OWN], ids=[*OWN, "all of it"])
def test_how_far_it_is_can_be_read_without_them_and_going_on_can_not(staged: Any, own: dict[str, Any]) -> None:
    winner = staged.run(0.5, 0.75, 0.25, 0.6)[1]
    staged.select()
    staged.train(winner)
    staged.folder.write_json("space.json", {"id": "x"})
    staged.folder.write_search(yaml.safe_dump(body(**own)))
    read = Reader(search_of(body(**own)), staged.store).read()
    assert read.error == ""
    assert (read.fields["trials"], read.fields["incumbent"]["number"]) == ("4/6", winner.proposal.number)
    (line,) = listed(staged.store)
    assert (line.trials, line.error) == (4, None)
    assert load("tiny", store=staged.store).trials["accuracy"].max() == 0.75
    with pytest.raises(CorruptObjectError, match="Unknown"):
        open_search(staged.store, "tiny")
