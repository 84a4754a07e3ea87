"""What is shown of a search whose architectures share weights."""

from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from archsmith.cluster.controller.report import VERDICTS
from archsmith.cluster.controller.standing import fields_of
from archsmith.values import Architecture, Proposal, SupernetEpoch, Trial
from archsmith.values.proposals import FROM_SCRATCH, SHARED
from archsmith.views.live import view
from archsmith.views.notebook import page
from archsmith.views.result import Result
from archsmith.views.snapshot import Snapshot
from archsmith.views.terminal import Lines, show_result

SHARING = (
    ("strategy: {name: evolution, population: 4, sample: 2}", "strategy: {name: single-path, epochs: 4, top: 5}"),
    ("budget: {trials: 6, rounds: 3}", "budget: {trials: 10}"),
)
EVEN = {"op_1": {"conv": 0.5, "sepconv": 0.5}}
LINKS = {"report": "s3://b/report"}


@pytest.fixture
def sharing(staged_with: Any) -> Any:
    """A search that has begun, in the state before its shared weights are trained."""
    staged = staged_with(*SHARING)
    staged.folder.write_json("space.json", {"id": "x"})
    return staged


def train(staged: Any, epochs: int, **changes: Any) -> Architecture:
    """Write the records of so many epochs of 30 seconds, and return what would be derived."""
    derived: Architecture = next(iter(staged.search.space.enumerate()))
    for e in range(1, epochs + 1):
        record = SupernetEpoch(
            e, 9 * e, 2.0 / e, 30.0 * e, 1.5, 0.1 * e, {"op_1": {"conv": 0.9, "sepconv": 0.1}}, derived=derived
        )
        staged.folder.write_supernet_epoch(replace(record, **changes))
    return derived


def try_out(staged: Any, n_looks: int, n_alone: int, *, contrary: bool = False) -> list[Trial]:
    """Record so many looks of 2 seconds, and trainings of 60 of the first of them; `contrary` ones turn the order round."""
    staged.folder.write_derived([])
    trials: list[Trial] = []
    for k in range(n_looks + n_alone):
        look, which = k < n_looks, k % n_looks
        architecture, fidelity = staged.search.space.at(which), staged.search.estimation.fidelity
        proposal = Proposal(architecture, fidelity, SHARED if look else FROM_SCRATCH, "made up", number=k, round=k)
        staged.folder.write_proposals(k, [proposal])
        accuracy = 0.5 + 0.01 * which if look else 0.9 + (-0.01 if contrary else 0.01) * which
        changes = {"curve": (), "seconds": 2.0} if look else {"seconds": 60.0}
        trials.append(staged.record(proposal, accuracy, finished_at=1e9 + 100.0 * (k + 1), **changes))
    return trials


def look(staged: Any) -> Snapshot:
    return Snapshot.read(staged.folder, staged.search)


def seen(show: Callable[[Console], None]) -> str:
    console = Console(file=StringIO(), width=150, color_system=None)
    show(console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def live(staged: Any) -> str:
    return seen(lambda console: console.print(view(look(staged))))


def test_the_training_of_shared_weights_is_a_phase_of_its_own(sharing: Any) -> None:
    assert look(sharing).phase == "sharing"
    assert (look(sharing).progress, look(sharing).left_s()) == ((4, 0), None)
    train(sharing, 3)
    now = look(sharing)
    assert (now.phase, now.progress, now.left_s()) == ("sharing", (4, 3), 30.0)
    train(sharing, 4)
    sharing.folder.write_derived([])
    assert look(sharing).phase == "searching"


def test_what_is_left_is_told_by_the_pace_of_looks_and_of_trainings(sharing: Any) -> None:
    train(sharing, 4)
    try_out(sharing, 4, 0)
    # 6 looks of 2 s, and 5 trainings of 2 epochs of 30 s
    assert look(sharing).left_s() == 6 * 2 + 5 * 60


def test_after_the_first_training_its_own_pace_counts(sharing: Any) -> None:
    train(sharing, 4, seconds=1e6)
    try_out(sharing, 10, 2)
    assert look(sharing).left_s() == 3 * 60


def test_the_live_view_shows_epochs_as_long_as_weights_are_trained(sharing: Any) -> None:
    assert "shared weights: epoch 0 of 4" in live(sharing)
    train(sharing, 3, temperature=2.5, eigenvalue=0.125)
    text = live(sharing)
    assert "sharing" in text
    assert "epoch 3 of 4   loss 0.6667   accuracy 0.3   entropy 0.469   time 1 min 30 s" in text
    assert "left about 30 s" in text
    assert "would be derived now" in text
    table = text[text.index("validation loss  accuracy") :].splitlines()
    assert [row.split()[1:5] for row in table[1:4]] == [[str(e), f"{2 / e:.4f}", "1.5000", f"{0.1 * e:.4f}"] for e in (1, 2, 3)]


def test_then_it_shows_looks_and_trainings_told_apart(sharing: Any) -> None:
    train(sharing, 4)
    try_out(sharing, 10, 2)
    text = live(sharing)
    assert "trials 12 of 15: 10 looked at with shared weights, 2 trained" in text
    assert "trained shared weights for 4 epochs, looked at 10 architectures with them, trained 2 alone for 4 epochs" in text
    assert "incumbent: trial 11, accuracy 0.91" in text
    assert [row.split()[1:3] for row in text.splitlines() if "made up" in row][-3:] == [
        ["9", "look"],
        ["10", "complete"],
        ["11", "complete"],
    ]


def test_where_there_is_no_terminal_each_epoch_is_a_line(sharing: Any) -> None:
    said: list[str] = []
    lines = Lines(said.append)
    train(sharing, 1)
    lines(look(sharing))
    train(sharing, 2)
    lines(look(sharing))
    assert said == [
        f"shared weights: epoch {e} of 4   loss {2 / e:.4g}   accuracy {0.1 * e:.4g}   entropy 0.469   validation loss 1.5"
        for e in (1, 2)
    ]
    train(sharing, 4)
    try_out(sharing, 1, 1)
    lines(look(sharing))
    assert [line.split("  ")[0] for line in said[-2:]] == ["look 0000", "trial 0001"]


def test_what_is_doubtful_is_said_once_it_is_known(sharing: Any) -> None:
    train(sharing, 4, probabilities=EVEN)
    assert look(sharing).verdicts == ()  # the choices may still be made
    try_out(sharing, 10, 5, contrary=True)
    assert [v.kind for v in look(sharing).verdicts] == ["undecided"]
    sharing.select()
    now = look(sharing)
    assert [v.kind for v in now.verdicts] == ["undecided", "contradicted"]
    assert all(v.said in page(now).replace("&#x27;", "'") for v in now.verdicts)
    said: list[str] = []
    Lines(said.append)(now)
    assert [line.split(":")[0] for line in said if line.startswith("mind")] == ["mind", "mind"]
    assert "Trainings contradict the ranking by shared weights" in " ".join(live(sharing).split())


def test_the_result_says_what_was_shared(sharing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    train(sharing, 4, probabilities=EVEN)
    try_out(sharing, 10, 3)
    result = Result(sharing.folder, sharing.search, sharing.store)
    show_result(result)
    text = capsys.readouterr().out
    assert "the best of 13 trials: 10 looked at with shared weights, 3 trained" in text
    assert "Shared weights: trained for 4 epochs in 2 min 00 s, entropy of the choices 1.00 of 1, 40.00% accuracy" in text
    assert "The choices were hardly made" in text
    assert [row.split()[0] for row in text.splitlines() if " s " in row and "★" in row] == ["★"]
    assert "look 9" in text
    assert result.trials["weights"].tolist() == ["shared"] * 10 + ["own"] * 3
    assert result.shared["p.op_1.conv"].tolist() == [0.5] * 4
    found = result.snapshot.to_dict({})
    assert found["shared"]["looks"] == 10
    assert (found["shared"]["epochs"], found["shared"]["budget"], found["shared"]["last"]["entropy"]) == (4, 4, 1.0)
    assert [v["kind"] for v in found["verdicts"]] == ["undecided"]


def test_the_status_of_the_object_says_it_too(sharing: Any) -> None:
    assert fields_of(look(sharing), LINKS)["verdicts"] == []
    train(sharing, 2)
    assert fields_of(look(sharing), LINKS)["shared"].startswith("epoch 2 of 4: trained for 2 epochs in 1 min 00 s")
    train(sharing, 4, probabilities=EVEN)
    try_out(sharing, 10, 3)
    found = fields_of(look(sharing), LINKS)
    assert found["shared"].endswith("; 10 looked at with shared weights, 3 trained")
    assert [verdict["kind"] for verdict in found["verdicts"]] == ["undecided"]
    assert {verdict["kind"] for verdict in found["verdicts"]} <= VERDICTS.keys()


def test_other_searches_say_nothing_of_it(staged: Any) -> None:
    staged.run(0.7, 0.9)
    now = look(staged)
    assert (now.verdicts, now.records) == ((), ())
    assert not {"shared", "verdicts"} & fields_of(now, LINKS).keys()
    assert "shared" not in live(staged)
