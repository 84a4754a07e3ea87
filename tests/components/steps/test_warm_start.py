"""A search that begins with what another one has found, over a table: neither torch nor images."""

from pathlib import Path

import pytest

from archsmith.errors import SpecError
from archsmith.opening import open_search
from archsmith.search import load, parse
from archsmith.steps.main import STEPS
from archsmith.steps.propose import strategy_of
from archsmith.steps.rounds import all_rounds
from archsmith.strategies.warm_start import REASON
from archsmith.testing.searches import TINY, looked_up, run_steps

LARGER = "budget: {trials: 20, rounds: 5}"


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with a search of 20 trials, of which one can take two."""
    (tmp_path / "first").mkdir()
    run_steps(looked_up(tmp_path / "first", ("budget: {trials: 6, rounds: 3}", LARGER)), str(tmp_path / "runs"), "select")
    return str(tmp_path / "runs")


def second(tmp_path: Path, *changes: tuple[str, str], other: str = "looked-up") -> Path:
    """Write a search that begins with another one; it differs in its name, its seed and `changes`."""
    (tmp_path / "second").mkdir(exist_ok=True)
    named = ("name: looked-up}", "name: second}")
    warm = ("budget: {trials: 6, rounds: 3}", f"{LARGER}\n  seed: 5\n  warm_start: {other}")
    return looked_up(tmp_path / "second", named, warm, *changes)


def begun(file: Path, store: str) -> list[str]:
    """Run the first step and propose twice; return the notation of what is proposed, and which of them are warm."""
    name = STEPS["sample_space"](file.read_text(encoding="utf-8"), store)
    STEPS["propose"](name, store, 0)
    folder, search = open_search(store, name)
    return [search.describe(p.architecture) for p in folder.proposals(0) or () if p.reason == REASON]


def best(store: str, n: int) -> list[str]:
    """Return the best of the first search by what the table says, read from its trials."""
    folder, search = open_search(store, "looked-up")
    trials = sorted(folder.history(), key=lambda t: -t.metrics["accuracy"])
    return [search.describe(t.proposal.architecture) for t in trials[:n]]


def test_the_best_of_another_search_are_measured_first_and_noted_once(tmp_path: Path, store: str) -> None:
    file = second(tmp_path)
    assert begun(file, store) == best(store, 2)
    folder, search = open_search(store, "second")
    said = "It begins with the 2 best architectures of the search 'looked-up', of 20 complete trials."
    assert (folder.read_json("space.json") or {})["counted"][-1] == said
    assert folder.warnings() == ()
    # The other search goes, and this one goes on with what was noted.
    open_search(store, "looked-up")[0].remove()
    run_steps(file, store, "select")
    assert [p.reason for p in folder.history().proposals].count(REASON) == 2
    assert len(folder.history()) == 20
    assert len(all_rounds(search)) == 5


def test_it_may_have_another_space_as_far_as_that_holds_the_same_architectures(tmp_path: Path, store: str) -> None:
    wider = ("layers: {min: 1, max: 2}", "layers: {min: 1, max: 3}")
    assert begun(second(tmp_path, wider), store) == best(store, 2)


@pytest.mark.parametrize(
    ("other", "change", "said"),
    [("gone", ("seed: 5", "seed: 6"), "no search of that name has begun in the store"),
     ("narrow", ("filters: [8, 16]", "filters: [16]"), "none of its architectures lies in the space of this search"),
     ("looked-up", ("goal: maximize}]", "goal: maximize}, {metric: own, goal: maximize}]"), "none of its trials is complete")],
)  # fmt: skip
def test_what_can_not_be_taken_over_is_said_and_ignored(
    tmp_path: Path, store: str, other: str, change: tuple[str, str], said: str
) -> None:
    (tmp_path / "narrow").mkdir()
    narrow = (("name: looked-up}", "name: narrow}"), ("filters: [8, 16]", "filters: [8]"), ("trials: 6, rounds: 3", "trials: 1"))
    if other == "narrow":
        run_steps(looked_up(tmp_path / "narrow", *narrow), store, "select")
    measures = ("metrics: {accuracy: valid}", "metrics: {accuracy: valid, own: valid}")
    file = second(tmp_path, change, *([measures] if "own" in change[1] else []), other=other)
    assert begun(file, store) == []
    folder, search = open_search(store, "second")
    assert folder.warnings()[-1].startswith(f"spec.warm_start is '{other}', but {said}")
    assert strategy_of(folder, search).ask(folder.history(), 1, search.rng(0))


def test_a_search_does_not_begin_with_itself_nor_where_weights_are_shared() -> None:
    with pytest.raises(SpecError, match="is this search itself"):
        parse(f"{TINY}  warm_start: tiny\n")
    shared = TINY.replace("name: evolution, population: 4, sample: 2", "name: single-path").replace(", rounds: 3", "")
    assert parse(shared).sharing
    for key in ("warm_start: other", "series: {warm_start: true}"):
        with pytest.raises(SpecError, match=r"warm_start: weights are shared by all architectures"):
            parse(f"{shared}  {key}\n")


def test_a_file_of_before_has_no_warm_start(tmp_path: Path) -> None:
    assert load(looked_up(tmp_path)).spec.warm_start is None
