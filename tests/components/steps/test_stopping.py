"""Trials of a search that are stopped early: over a table, step by step as the pipeline does, and trained in a worker."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archsmith.opening import open_search
from archsmith.search import Search, parse
from archsmith.steps.estimate import estimate
from archsmith.steps.propose import propose
from archsmith.steps.rounds import all_rounds
from archsmith.steps.sample_space import sample_space
from archsmith.steps.select import select
from archsmith.steps.stopping import Eyes, foretold, stopping_of
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import TINY
from archsmith.testing.stoppers import saturating, trial_of
from archsmith.values import Fidelity, History, Proposal, Stop, Trial

EPOCHS = 6
SPACE = "{name: chain, layers: {min: 1, max: 2}, operations: [conv], filters: [8, 16], kernels: [3], strides: [1, 2]}"
TEXT = f"""\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {{name: stopped}}
spec:
  space: {SPACE}
  strategy: {{name: random}}
  estimation: {{name: table, path: PATH, architecture: arch, epochs: {EPOCHS}, curve: {{accuracy: "v_{{epoch}}"}}, seconds: cost}}
  stopping: {{name: median, after: 4, spared: 0.2}}
  budget: {{trials: 16, rounds: 8}}
  tracking: {{enabled: false}}
"""


@pytest.fixture
def text(tmp_path: Path) -> str:
    """Write a table whose curves never cross; return a search over it."""
    space = parse(TINY).space
    rng = np.random.default_rng(0)
    ends = rng.permutation(np.linspace(0.3, 0.9, space.size()))
    rows = [
        ",".join([space.to_text(a), "60", *(f"{v:.4f}" for v in curve)])
        for a, curve in zip(space.enumerate(), saturating(ends, np.full(len(ends), 0.6), EPOCHS), strict=True)
    ]
    (tmp_path / "t.csv").write_text("\n".join([",".join(["arch", "cost", *(f"v_{k}" for k in range(1, EPOCHS + 1))]), *rows]))
    return TEXT.replace("PATH", str(tmp_path / "t.csv"))


def run(text: str, store: str, rounds: int | None = None) -> tuple[SearchFolder, Search]:
    """Run the rounds, going on with those that are there."""
    opened, search = open_search(store, sample_space(text, store))
    for round_ in all_rounds(search) if rounds is None else range(rounds):
        propose(opened, search, round_)
        estimate(opened, search, store, round_)
    return opened, search


def test_a_stopped_trial_says_why_has_what_was_measured_until_then_and_never_wins(tmp_path: Path, text: str) -> None:
    folder, search = run(text, str(tmp_path / "runs"))
    trials = folder.history().trials
    stopped = [t for t in trials if t.stop]
    assert stopped
    for trial in stopped:
        assert trial.stop is not None
        assert (trial.stop.rule, trial.stop.epoch) == ("median", len(trial.curve))
        assert trial.metrics["accuracy"] == trial.curve[-1].val_accuracy
        assert trial.seconds == pytest.approx(60 * trial.stop.epoch / EPOCHS)
        # the rule, from the trials of the rounds before: the best value is below the median of the running averages
        before = [t for t in trials if t.proposal.round < trial.proposal.round and len(t.curve) >= trial.stop.epoch]
        averages = [np.mean([r.val_accuracy for r in t.curve[: trial.stop.epoch]]) for t in before]
        assert max(r.val_accuracy for r in trial.curve) < np.median(averages)
    first = [t for t in trials if t.proposal.round < 2]
    assert len(first) == 4
    assert all(t.status == "complete" for t in first)
    stopping = stopping_of(search)
    assert stopping is not None
    assert not any(stopping.spares(t.proposal.architecture) for t in stopped)
    assert select(folder, search).winner in {t.id for t in trials if t.status == "complete"}


def test_what_was_expected_of_the_spared_is_held_against_what_came(tmp_path: Path, text: str) -> None:
    spares = text.replace("spared: 0.2", "spared: 0.6").replace("{trials: 16, rounds: 8}", "{trials: 20, rounds: 10}")
    folder, search = run(spares, str(tmp_path / "runs"))
    history, stopping = folder.history(), stopping_of(search)
    assert stopping is not None
    found = list(foretold(search, history))
    assert found
    assert {f.trial.id for f in found} <= {t.id for t in history.completed if stopping.spares(t.proposal.architecture)}
    for f in found:
        assert f.came == f.trial.curve[-1].val_accuracy
        assert f.stop.predicted == pytest.approx(f.came, abs=0.2)
    alone = list(foretold(parse(text.replace("  stopping: {name: median, after: 4, spared: 0.2}\n", "")), history))
    assert alone == []


def test_a_search_that_was_interrupted_stops_the_same_trials(tmp_path: Path, text: str) -> None:
    whole, _ = run(text, str(tmp_path / "whole"))
    run(text, str(tmp_path / "cut"), rounds=5)
    resumed, _ = run(text, str(tmp_path / "cut"))
    first, second = ([(t.id, t.status, t.stop) for t in f.history()] for f in (whole, resumed))
    assert first == second


def test_only_trials_that_the_maker_had_seen_count(text: str) -> None:
    search = parse(text)
    known = list(search.space.enumerate())
    good, poor = saturating(np.array([0.9, 0.2]), np.array([0.6, 0.6]), EPOCHS)
    for seen, is_stopped in ((8, True), (4, True), (3, False), (0, False)):
        trials = [had_seen(trial_of(a, good.tolist(), k), min(k, seen)) for k, a in enumerate(known[:8])]
        eyes = Eyes(search)
        proposals = [Proposal(a, Fidelity(EPOCHS), number=8, seen=seen) for a in known[8:14]]
        for proposal in proposals:
            eyes.prepare(History(tuple(trials)), proposal)
        curve = trial_of(known[8], poor.tolist(), 8).curve
        stopping = stopping_of(search)
        assert stopping is not None
        told = [eyes(p, curve[:2]) is not None for p in proposals if not stopping.spares(p.architecture)]
        assert told == [is_stopped] * len(told)
        assert told


def had_seen(trial: Trial, n: int) -> Trial:
    """Return a trial whose proposal was made with `n` trials before it."""
    return replace(trial, proposal=replace(trial.proposal, seen=n))


@pytest.mark.parametrize(
    ("strategy", "anneal", "prefixes"),
    [
        ("random", "once", True),
        ("random", "rung", False),
        ("hyperband", "once", True),
        ("hyperband, lowest: {epochs: 1, data: 0.25}", "once", False),
    ],
)
def test_curves_of_other_lengths_are_compared_where_they_have_the_same_beginning(
    strategy: str, anneal: str, prefixes: bool
) -> None:
    estimation = f"{{epochs: 9, anneal: {anneal}}}\n  strategy: {{name: {strategy}}}\n  stopping: {{name: median}}"
    one_goal = TINY.replace("{epochs: 2}", estimation).replace("  strategy: {name: evolution, population: 4, sample: 2}\n", "")
    stopping = stopping_of(parse(one_goal))
    assert stopping is not None
    assert stopping.prefixes == prefixes


def test_without_a_stopper_nobody_looks(text: str) -> None:
    search = parse(text.replace("  stopping: {name: median, after: 4, spared: 0.2}\n", ""))
    eyes = Eyes(search)
    proposal = Proposal(next(search.space.enumerate()), Fidelity(EPOCHS))

    def history() -> History:
        raise AssertionError("nobody wants to know")

    assert list(eyes.watched([proposal], history)) == [proposal]
    assert eyes(proposal, trial_of(proposal.architecture, [0.0], 0).curve) is None


def test_a_worker_looks_with_what_was_prepared_for_it(tmp_path: Path) -> None:
    from archsmith.steps.images import load_images
    from archsmith.steps.work import Work

    opened, search = open_search(str(tmp_path), sample_space(TINY, str(tmp_path)))
    stop = Stop(1, "some rule", 0.3, 0.1)
    work = Work(str(tmp_path), search, load_images(search, opened), 1, 60.0, lambda proposal, curve: stop)
    trial = work(Proposal(next(search.space.enumerate()), Fidelity(2)), 0)
    assert (trial.status, trial.stop, len(trial.curve)) == ("stopped", stop, 1)
