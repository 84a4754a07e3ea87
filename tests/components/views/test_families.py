"""What is shown of a search whose trials inherit weights."""

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from archsmith.cluster.controller.standing import fields_of
from archsmith.cluster.status import STATUS
from archsmith.values import Born, Inherits, Orphan
from archsmith.views.live import view
from archsmith.views.result import Result
from archsmith.views.snapshot import Snapshot
from archsmith.views.terminal import Lines, show_result

LINE = "1 of 3 trials inherited; born with 71 % on average, 4 s saved; 1 could not, and began from scratch"
ORPHAN = "Trial 0002 was to inherit from trial 0000, but its checkpoint is gone."


@pytest.fixture
def family(staged_with: Any) -> Any:
    """A search with a parent, its child, and one that could not inherit."""
    staged = staged_with(("population: 4, sample: 2", "population: 4, sample: 2, inherit: true"))
    staged.folder.write_json("space.json", {"id": "x"})
    first, second, third = staged.propose(3)
    parent = staged.record(first, 0.6)
    for proposal, birth in (
        # saved: 3 epochs at (4 - 1) / 2 s each, less the second of the birth
        (second, Born(parent.id, 3, 1.0, 0.0, same=True, accuracy=0.71, seconds=1.0)),
        (third, Orphan(parent.id, "its checkpoint is gone")),
    ):
        staged.record(replace(proposal, origin=Inherits(parent.id)), 0.8, birth=birth)
    return staged


def seen(show: Callable[[Console], None]) -> str:
    console = Console(file=StringIO(), width=150, color_system=None)
    show(console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def look(staged: Any) -> Snapshot:
    return Snapshot.read(staged.folder, staged.search)


def test_a_line_says_what_was_inherited_live_and_once_the_search_has_ended(
    family: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    said = list[str]()
    Lines(said.append)(look(family))
    assert not any("inherited" in line for line in said), "as long as it runs, each trial has a line of its own"
    assert [line.split(" s  ")[1] for line in said[-2:]] == [
        "born with 0.7100",
        f"from scratch, as it can't inherit from {look(family).history.trials[0].id}: its checkpoint is gone",
    ]
    assert LINE in seen(lambda console: console.print(view(look(family))))
    family.select()
    family.report()
    Lines(said.append)(look(family))
    assert LINE in said
    show_result(Result(family.folder, family.search, family.store))
    shown = capsys.readouterr().out
    assert f"{LINE}." in shown
    assert ORPHAN in shown


def test_the_table_of_trials_says_who_is_whose_child(family: Any) -> None:
    trials = Result(family.folder, family.search, family.store).trials.set_index("number")
    assert trials["born_accuracy"].fillna(0).tolist() == [0, 0.71, 0]
    assert trials["parent"].fillna("").tolist() == ["", trials["id"][0], trials["id"][0]]


def test_json_has_the_whole_family(family: Any) -> None:
    found = json.loads(json.dumps(look(family).to_dict({})))["families"]
    (child,) = found["children"]
    assert (child["number"], child["parent_number"], child["accuracy"], child["generation"]) == (1, 0, 0.71, 1)
    assert [orphan["why"] for orphan in found["orphans"]] == ["its checkpoint is gone"]


def test_where_the_strategy_inherits_nothing_json_has_no_family(staged: Any) -> None:
    staged.folder.write_json("space.json", {"id": "x"})
    assert look(staged).to_dict({})["families"] is None


def test_the_status_of_the_object_has_the_line(family: Any) -> None:
    assert fields_of(look(family), {})["inherited"] == LINE
    assert "inherited" in STATUS["properties"]
