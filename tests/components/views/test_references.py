"""What a search was worth, wherever it is shown."""

import json
from typing import Any

import pytest

from archsmith.stores.references import Referring
from archsmith.testing.references import CURVE, NOT_WORTH_IT, WORTH_IT
from archsmith.values.references import Worth
from archsmith.views.live import status
from archsmith.views.result import Result
from archsmith.views.searches import listed
from archsmith.views.snapshot import Snapshot
from archsmith.views.terminal import show_result

HELD = ("baseline: none", "baseline: simple")

RESIDUAL = "a small residual network of 61,000 parameters"


def ended(staged: Any, worth: Worth | None) -> Result:
    """Bring a search to its end, with what it was worth."""
    (trial,) = staged.run(0.9)
    staged.select()
    model = staged.train(trial)
    if worth:
        staged.folder.write_worth(model.mark, worth)
    staged.report()
    return Result(staged.folder, staged.search, staged.store)


def printed(result: Result, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_result(result)
    return capsys.readouterr().out.splitlines()


def test_a_search_is_retraining_until_its_winner_is_held_to_all_references(staged_with: Any) -> None:
    staged = staged_with(HELD)
    (trial,) = staged.run(0.9)
    staged.select()
    model = staged.train(trial)
    now = Snapshot.read(staged.folder, staged.search)
    assert (now.phase, now.worth, now.referring) == ("retraining", None, None)
    before = staged.folder.footprint()
    staged.folder.write_referring(Referring("residual", 30, CURVE))
    now = Snapshot.read(staged.folder, staged.search)
    assert status(now).endswith("   a small residual network to compare with: epoch 3 of 30, accuracy 0.7800")
    assert (now.progress, staged.folder.footprint() == before) == ((30, 3), False)
    staged.folder.clear_referring(["residual"])
    staged.folder.write_worth("another model", WORTH_IT)
    assert Snapshot.read(staged.folder, staged.search).phase == "retraining"
    staged.folder.write_worth(model.mark, WORTH_IT)
    now = Snapshot.read(staged.folder, staged.search)
    assert (now.phase, now.worth.to_dict()) == ("reporting", WORTH_IT.to_dict())


def test_the_console_says_what_was_gained(staged_with: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(ended(staged_with(HELD), WORTH_IT), capsys)
    assert f"It is 2.1 points (± 0.6) above {RESIDUAL}; 11.4 points (± 1.2) above a linear model on the pixels." in lines
    assert not [line for line in lines if "worth it" in line]


def test_the_console_says_what_was_not_and_where_the_better_network_lies(
    staged_with: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    staged = staged_with(HELD)
    lines = printed(ended(staged, NOT_WORTH_IT), capsys)
    assert lines[-1].startswith("store")
    k = lines.index(f"It is 1.5 points (± 0.5) below {RESIDUAL}.")
    assert lines[k + 1 : k + 3] == [
        f"The search was not worth it: {RESIDUAL}, trained in the same way, knows more of the test images than its winner does. "
        f"It lies in {staged.store}/searches/tiny/references/residual.",
        "A linear model on the pixels could not be trained: DivergedError: nan",
    ]


def test_programs_are_told_too(staged_with: Any) -> None:
    staged = staged_with(HELD)
    result = ended(staged, NOT_WORTH_IT)
    shown = json.loads(json.dumps(result.snapshot.to_dict({})))["references"]
    assert (shown["gained"], shown["failed"]) == (False, {"linear": "DivergedError: nan"})
    assert (shown["held"][0]["gain"]["verdict"], shown["held"][0]["reference"]["name"]) == ("worse", "residual")
    (search,) = listed(staged.store)
    told = search.to_dict()
    assert (told["gained"], told["gains"]["residual"]["difference"]) == (False, -0.015)


def test_where_there_are_no_references_nothing_is_said_of_them(staged_with: Any, capsys: pytest.CaptureFixture[str]) -> None:
    staged = staged_with()
    result = ended(staged, WORTH_IT)  # of an earlier run, with another file
    assert not [line for line in printed(result, capsys) if "linear" in line]
    assert (result.snapshot.to_dict({})["references"], result.references) == (None, ())
    assert listed(staged.store)[0].to_dict()["gains"] == {}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        (("of",), None), (("held",), 3), (("held", 0), []), (("held", 0, "gain", "n"), "many"),
        (("held", 0, "gain", "gained"), 990),
        (("held", 0, "reference", "name"), "vgg"), (("held", 0, "reference", "metrics"), {"test_accuracy": 0.5}),
        (("held", 0, "reference", "metrics", "test_accuracy"), "high"), (("held", 0, "reference", "epochs"), "three"),
        (("held", 0, "reference", "curve"), [[1, 2]]), (("failed",), 1),
    ],
)  # fmt: skip
def test_what_is_damaged_is_passed_over_and_said(staged_with: Any, part: tuple[Any, ...], value: Any) -> None:
    staged = staged_with(HELD)
    ended(staged, NOT_WORTH_IT)
    raw = within = staged.folder.read_json("references.json")
    *path, last = part
    for key in path:
        within = within[key]
    if value is None:
        del within[last]
    else:
        within[last] = value
    staged.folder.write_json("references.json", raw)
    now = Snapshot.read(staged.folder, staged.search)
    assert (now.phase, now.worth) == ("done", None)
    assert "references.json is damaged" in now.damaged[0]


def test_a_notebook_has_the_references(staged_with: Any) -> None:
    staged = staged_with(HELD)
    result = ended(staged, NOT_WORTH_IT)
    (residual,) = result.references
    assert (residual.name, residual.metrics["test_accuracy"], residual.gain.verdict) == ("residual", 0.99, "worse")
    assert repr(residual) == f"<Baseline {RESIDUAL}: test_accuracy 0.99; the winner is 1.5 points (± 0.5) below it>"
    assert f"<p>The search was not worth it: {RESIDUAL}" in result._repr_html_()
