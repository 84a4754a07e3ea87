"""The steps, called one after the other as the pipeline does, on a real search in a local store."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archsmith.errors import DataError, NotFoundError, NoWinnerError, SearchConflictError, SpecError
from archsmith.opening import open_search
from archsmith.search import Search, parse
from archsmith.steps.estimate import estimate
from archsmith.steps.main import run_step
from archsmith.steps.pods import Pods
from archsmith.steps.propose import propose
from archsmith.steps.report import report
from archsmith.steps.retrain import retrain
from archsmith.steps.sample_space import _samples, sample_space
from archsmith.steps.seeds import seed_of
from archsmith.steps.select import select
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import TINY
from archsmith.values import Trial
from archsmith.values.data_facts import SPLITS, DataFacts


def opened(store: Path, text: str = TINY) -> tuple[SearchFolder, Search]:
    name = sample_space(text, str(store))
    return open_search(str(store), name)


def measured(folder: SearchFolder, search: Search, round_: int, *, accuracy: float = 0.5, seconds: float = 1.0) -> None:
    """Stand in for a round of estimation."""
    for p in folder.proposals(round_) or ():
        metrics = {"accuracy": accuracy, "n_params": 10.0, "flops": 10.0}
        folder.record(Trial(p, "complete", metrics, seconds=seconds, finished_at=1e9 + seconds * (p.number + 1)))


def test_the_first_step_keeps_what_the_others_need(tmp_path: Path) -> None:
    folder, search = opened(tmp_path)
    facts = folder.data_facts()
    assert facts is not None
    assert (facts.input_shape, len(facts.classes)) == ((1, 8, 8), 10)
    assert folder.read_search() == TINY
    space = json.loads(folder.get("space.json"))
    assert int(space["size"]) == search.space.size()
    assert [d["name"] for d in space["decisions"]] == [d.name for d in search.space.decisions]
    assert {split: facts.n(split) for split in SPLITS} == {"train": 1150, "validation": 288, "test": 359}
    assert len(facts.counts["test"]) == 10
    assert (facts.own, len(facts.digest), facts.left_out, facts.warnings) == (("train",), 32, (), ())


def test_a_search_goes_on_only_with_the_images_that_it_began_with(tmp_path: Path) -> None:
    folder, search = opened(tmp_path)
    propose(folder, search, 0)
    space = json.loads(folder.get("space.json"))
    space["data"] |= {"digest": "0" * 32, "counts": {"train": [7] * 10}}  # as if it had begun with other ones
    folder.write_json("space.json", space)
    said = r"not those that the search 'tiny' began with. Then: 70 grey images .* Now: 1,797 grey images .* Bring those back"
    with pytest.raises(DataError, match=said):
        opened(tmp_path)
    with pytest.raises(DataError, match=said):
        estimate(folder, search, str(tmp_path), 0)


def test_the_first_step_says_in_the_log_what_it_has_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    x = np.random.default_rng(0).integers(0, 256, (40, 6, 6), dtype=np.uint8)
    x[0] = x[1]
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(40) % 2)
    caplog.set_level("INFO")
    opened(tmp_path / "runs", TINY.replace("{name: digits}", f"{{name: npz, path: {tmp_path}/a.npz}}"))
    assert [(record.levelname, record.message) for record in caplog.records if "sample_space" in record.name] == [
        ("INFO", "40 grey images of 6 x 6 pixels, 2 classes: train 26, validation 6 (split off), test 8 (split off)"),
        ("INFO", "train/validation/test of each class: 13/3/4"),
        (
            "WARNING",
            "1 image is in several classes at once, pixel for pixel the same: x[0] in '0' and x[1] in '1'. Nobody can tell which "
            "label is right. `data.clean: true` leaves them out of training.",
        ),
        ("WARNING", "There are 6 validation images only, so that accuracy on them moves in steps of 17 %."),
        ("WARNING", "There are 8 test images only, so that accuracy on them moves in steps of 12 %."),
        ("WARNING", "`training.batch_size` is 64, but a trial has about 26 training images: an epoch is a single step."),
    ]


def test_more_folds_than_images_are_refused_by_the_first_step(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).integers(0, 256, (20, 6, 6), dtype=np.uint8), y=np.arange(20) % 2)
    text = TINY.replace("{name: digits}", f"{{name: npz, path: {tmp_path}/a.npz}}")
    text = text.replace("estimation: {epochs: 2}", "estimation: {epochs: 2, folds: 19}")
    assert "folds" in text
    with pytest.raises(
        SpecError, match=r"spec.estimation.folds: the value is 19, but 16 images are there to train and validate on"
    ):
        opened(tmp_path / "runs", text)


def test_the_first_step_again_leaves_the_search_as_it_is_and_a_budget_may_grow(tmp_path: Path) -> None:
    folder, _ = opened(tmp_path)
    before = folder.get("space.json")
    larger = TINY.replace("trials: 6", "trials: 9")
    folder, search = opened(tmp_path, larger)
    assert folder.get("space.json") == before
    assert search.spec.budget.trials == 9


def test_another_search_of_the_same_name_is_refused_with_what_differs(tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(SearchConflictError, match=r"spec\.training\.learning_rate: 0\.05 here, 0\.1 there"):
        opened(tmp_path, TINY.replace("training: {", "training: {learning_rate: 0.05, "))


@pytest.mark.cluster  # for its length; it needs none
def test_limits_that_nothing_keeps_are_refused_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"n_params must be <= 10, but lies between \d+ and \d+"):
        opened(tmp_path, TINY.replace("limit: 20000", "limit: 10"))
    assert SearchFolder.names(open_store(str(tmp_path))) == []


def test_architectures_without_a_network_are_passed_over_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    branches = "[[{op: conv, filters: 4, stride: $a}], [{op: conv, filters: 4, stride: $b}]]"
    decisions = "[{name: a, choices: [1, 2, 3]}, {name: b, choices: [1, 2, 3]}]"
    space = f"{{name: yaml, decisions: {decisions}, network: [{{branches: {branches}}}]}}"
    search = parse("\n".join(f"  space: {space}" if line.startswith("  space:") else line for line in TINY.splitlines()))
    with caplog.at_level(logging.WARNING):
        found = _samples(search, DataFacts((1, 8, 8), ("0", "1"), {}), ())
    assert len(found) == 50
    assert "have no network for these images" in caplog.text


def test_data_that_are_not_there_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.npz"):
        opened(tmp_path, TINY.replace("{name: digits}", f"{{name: npz, path: {tmp_path}/nowhere.npz}}"))


def test_a_search_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    opened(tmp_path)
    with pytest.raises(NotFoundError, match=r"no search 'other' in the store .* it has: tiny"):
        open_search(str(tmp_path), "other")


def test_a_round_is_proposed_once_and_numbered_on(tmp_path: Path) -> None:
    folder, search = opened(tmp_path)
    assert propose(folder, search, 0) == 2
    first = folder.proposals(0)
    assert propose(folder, search, 0) == 2
    assert folder.proposals(0) == first
    measured(folder, search, 0)
    propose(folder, search, 1)
    both = [*(folder.proposals(0) or ()), *(folder.proposals(1) or ())]
    assert [(p.number, p.round) for p in both] == [(0, 0), (1, 0), (2, 1), (3, 1)]


def test_proposals_keep_the_limits(tmp_path: Path) -> None:
    folder, search = opened(tmp_path, TINY.replace("limit: 20000", "limit: 400"))
    propose(folder, search, 0)
    from archsmith.models.cost import cost_of

    counted = [cost_of(search.space, p.architecture, (1, 8, 8), 10).n_params for p in folder.proposals(0) or ()]
    assert counted
    assert max(counted) <= 400


def test_nothing_is_proposed_or_written_once_the_trials_are_used_up(tmp_path: Path) -> None:
    folder, search = opened(tmp_path)
    for round_ in range(3):
        propose(folder, search, round_)
        measured(folder, search, round_)
    assert propose(folder, search, 3) == 0
    assert folder.proposals(3) is None


def test_nothing_is_proposed_or_started_once_the_time_is_used_up(tmp_path: Path) -> None:
    folder, search = opened(tmp_path, TINY.replace("rounds: 3", "rounds: 3, minutes: 1"))
    propose(folder, search, 0)
    measured(folder, search, 0, seconds=31.0)
    assert propose(folder, search, 1) == 0
    assert folder.proposals(1) is None
    more = parse(TINY.replace("rounds: 3", "rounds: 3, minutes: 2"))
    assert propose(folder, more, 1) == 2
    assert estimate(folder, search, str(tmp_path), 1) == 0


@pytest.mark.cluster  # for its length; it needs none
def test_a_pod_of_a_round_takes_what_no_other_one_has_taken(tmp_path: Path) -> None:
    text = TINY.replace("trials: 6, rounds: 3", "trials: 3, rounds: 1").replace("workers: 2", "workers: 1, pods: 2")
    text = text.replace("{epochs: 2}", "{epochs: 1}")
    folder, search = opened(tmp_path, text)
    propose(folder, search, 0)
    other = Pods(folder)
    assert folder.claim((folder.proposals(0) or ())[1], other.name, 1)
    assert [estimate(folder, search, str(tmp_path), 0, pod=p, pods=2) for p in (0, 1)] == [2, 0]
    other.leave()
    assert estimate(folder, search, str(tmp_path), 0, pod=1, pods=2) == 1
    assert len(folder.history()) == 3


def test_the_seed_of_a_trial_depends_on_what_is_measured_and_not_on_when(tmp_path: Path) -> None:
    folder, search = opened(tmp_path)
    propose(folder, search, 0)
    a, b = folder.proposals(0) or ()
    assert seed_of(search, a) == seed_of(search, replace(a, number=7, round=3, reason="again"))
    assert seed_of(search, a) != seed_of(search, b)


@pytest.mark.cluster  # for its length; it needs none
def test_a_search_runs_through_its_steps_and_again_costs_nothing(tmp_path: Path) -> None:
    folder, search = opened(tmp_path, TINY.replace("trials: 6, rounds: 3", "trials: 4, rounds: 2"))
    for round_ in range(2):
        assert propose(folder, search, round_) == 2
        assert estimate(folder, search, str(tmp_path), round_) == 2
        assert estimate(folder, search, str(tmp_path), round_) == 0
    history = folder.history()
    assert [t.status for t in history] == ["complete"] * 4
    assert folder.progress() == {}
    assert folder.store.list(folder.key("checkpoints/")) == []
    selection = select(folder, search)
    assert selection.winner == max(history, key=lambda t: t.metrics["accuracy"]).id
    model = retrain(folder, search, str(tmp_path))
    assert model is not None
    files = {name: folder.get(f"best/{name}") for name in ("model.pt2", "model.onnx", "architecture.json", "model.json")}
    assert retrain(folder, search, str(tmp_path)) == model
    assert {name: folder.get(f"best/{name}") for name in files} == files
    folder.put("best/model.onnx", files["model.onnx"][:-1])
    folder.put("best/model.json", files["model.json"])
    again = retrain(folder, search, str(tmp_path))
    assert again is not None
    assert again.metrics["test_accuracy"] == model.metrics["test_accuracy"]
    assert folder.exports_are_whole()
    place, _ = report(folder, search, str(tmp_path))
    assert "<html" in Path(place).read_text()
    assert folder.is_done()
    for name in ("model.pt2", "model.onnx", "architecture.json", "architecture.svg"):
        assert folder.get(f"best/{name}")


def test_a_search_in_which_all_fails_says_why_and_has_a_report(tmp_path: Path) -> None:
    folder, search = opened(tmp_path, TINY.replace("training: {", "training: {learning_rate: 1e+30, "))
    propose(folder, search, 0)
    assert estimate(folder, search, str(tmp_path), 0) == 2
    assert [(t.status, (t.error or "").split(":")[0]) for t in folder.history()] == [("failed", "DivergedError")] * 2
    selection = select(folder, search)
    assert (selection.winner, retrain(folder, search, str(tmp_path))) == (None, None)
    with pytest.raises(NoWinnerError, match=r"all 2 trials failed.*DivergedError"):
        run_step("report", "tiny", str(tmp_path))
    assert b"DivergedError" in folder.get("report/index.html")
