from dataclasses import replace
from typing import Any

from archsmith.values import Fidelity
from archsmith.values.data_facts import DataFacts
from archsmith.values.durations import Durations, Timed
from archsmith.views.snapshot import Snapshot
from archsmith.views.terminal import HEARTBEAT_S, Lines

FACTS = DataFacts(
    (1, 8, 8), ("a", "b"), {"train": (10, 10), "validation": (3, 3), "test": (2, 2)}, warnings=("They look black.",)
)


def test_without_a_terminal_each_news_is_a_line_and_silence_is_broken_now_and_then(staged: Any) -> None:
    said, now = list[str](), [0.0]
    show = Lines(said.append, lambda: now[0])

    def look(seconds: float) -> list[str]:
        """Look after so many seconds; return what was said."""
        now[0] += seconds
        said.clear()
        show(Snapshot.read(staged.folder, staged.search))
        return list(said)

    assert look(0) == ["tiny: starting   loading torch and the images"]
    assert look(1) == []
    assert look(HEARTBEAT_S) == [f"starting   loading torch and the images   {1 + HEARTBEAT_S:.0f} s"]
    expected = Durations((Timed(Fidelity(2), 6, 20.0),), at_once=2, retrain_s=30.0, notes=("Perhaps it is shorter.",))
    staged.folder.write_json("space.json", {"id": "x", "data": FACTS.to_dict(), "time": expected.to_dict()})
    assert look(1) == [*FACTS.summary(), "warning: They look black.", expected.words, "Perhaps it is shorter."]
    one, two = staged.propose(2)
    staged.record(one, 0.5)
    staged.folder.write_progress(two, ())
    assert look(1) == ["trial 0000  complete  accuracy 0.5000  n_params 1500  10.0 s"]
    assert look(HEARTBEAT_S - 1) == []
    assert look(1) == ["searching   round 1 of 3   trials 1 of 6   time 10 s   left about 50 s   1 running"]
    assert look(HEARTBEAT_S - 1) == []
    trial = staged.record(two, 0.9)
    staged.select()
    assert look(1) == [
        "trial 0001  complete  accuracy 0.9000  n_params 1501  10.0 s",
        "retraining   round 1 of 3   trials 2 of 6   time 20 s   trial 1: epoch 0 of 3",
    ]
    staged.folder.write_progress(two, trial.curve)
    (heartbeat,) = look(HEARTBEAT_S)
    assert heartbeat.endswith("trial 1: epoch 2 of 3, accuracy 0.9000")
    staged.train(trial)
    assert look(1) == ["reporting"]
    staged.report()
    assert look(1) == ["done"]
    assert look(10 * HEARTBEAT_S) == []


def test_a_run_that_goes_on_says_once_what_was_there_before(staged: Any) -> None:
    said = list[str]()
    show = Lines(said.append, lambda: 0.0)
    staged.run(0.5)
    snapshot = Snapshot.read(staged.folder, staged.search)
    show(replace(snapshot, phase="starting"))
    show(snapshot)
    show(snapshot)
    assert [line.split()[0] for line in said] == ["tiny:", "trial"]
