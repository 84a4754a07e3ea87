"""A search over a table, step by step as the pipeline does: no images, no training, simulated seconds."""

import html
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from archsmith.errors import DataError, NoWinnerError, SpecError
from archsmith.models.cost import cost_of
from archsmith.outcome import TrainedModel, UntrainedWinner
from archsmith.result import Result
from archsmith.search import Search, parse
from archsmith.snapshot import Snapshot
from archsmith.steps.estimate import estimate
from archsmith.steps.open import open_search
from archsmith.steps.propose import propose
from archsmith.steps.report import places, read_data, report
from archsmith.steps.retrain import retrain
from archsmith.steps.sample_space import sample_space
from archsmith.steps.select import select
from archsmith.stores.folder import SearchFolder
from archsmith.terminal import show_result
from archsmith.testing.searches import TINY
from archsmith.values import Architecture

SPACE = "{name: chain, layers: {min: 1, max: 2}, operations: [conv], filters: [8, 16], kernels: [3], strides: [1, 2]}"
TEXT = f"""\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {{name: looked-up}}
spec:
  space: {SPACE}
  estimation:
    {{name: table, path: PATH, architecture: arch, metrics: {{accuracy: valid}}, seconds: cost, test: test, epochs: 12}}
  objectives: [{{metric: accuracy, goal: maximize}}]
  budget: {{trials: 12, rounds: 3}}
  tracking: {{enabled: false}}
"""
TABLE_SPACE = parse(TINY).space


@pytest.fixture
def values(tmp_path: Path) -> Mapping[Architecture, float]:
    """Write a table of the tiny search's space; return the validation accuracies, in percent, all different."""
    rng = np.random.default_rng(0)
    architectures = list(TABLE_SPACE.enumerate())
    found = {a: float(v) for a, v in zip(architectures, 0.5 * rng.permutation(len(architectures)) + 30, strict=True)}
    rows = [f"{TABLE_SPACE.to_text(a)},{v},60,{v + 5}" for a, v in found.items()]
    (tmp_path / "t.csv").write_text("\n".join(["arch,valid,cost,test", *rows]))
    return found


def run(folder: Path, *changes: tuple[str, str]) -> tuple[SearchFolder, Search]:
    """Run all steps but the last one."""
    text, store = TEXT.replace("PATH", str(folder / "t.csv")), str(folder / "runs")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    opened, search = open_search(store, sample_space(text, store))
    for round_ in range(search.spec.budget.n_rounds):
        propose(opened, search, round_)
        estimate(opened, search, store, round_)
    select(opened, search)
    return opened, search


def test_the_winner_is_the_best_and_has_the_tables_test_accuracy(tmp_path: Path, values: Mapping[Architecture, float]) -> None:
    folder, search = run(tmp_path)
    trials = folder.history().trials
    assert len(trials) == 12
    assert [t.metrics["accuracy"] for t in trials] == [values[t.proposal.architecture] / 100 for t in trials]
    untrained = retrain(folder, search, str(tmp_path / "runs"))
    assert isinstance(untrained, UntrainedWinner)
    best = max(trials, key=lambda t: t.metrics["accuracy"])
    assert (untrained.trial, untrained.metrics) == (best.id, {"test_accuracy": (values[best.proposal.architecture] + 5) / 100})


def test_everybody_is_told_of_it(tmp_path: Path, values: Mapping[Architecture, float]) -> None:
    folder, search = run(tmp_path)
    store = str(tmp_path / "runs")
    untrained = retrain(folder, search, store)
    assert untrained is not None
    assert Snapshot.read(folder, search).phase == "reporting"
    report(folder, search, store)
    shown = Snapshot.read(folder, search).to_dict(places(folder, search, store))
    assert (shown["phase"], shown["test_accuracy"], shown["model"]) == ("done", untrained.metrics["test_accuracy"], None)
    assert set(shown["places"]) == {"architecture", "report", "store"}
    said = f"{100 * untrained.metrics['test_accuracy']:.2f} %"
    page = folder.get("report/index.html").decode()
    assert f'<p class="headline">{said}</p>' in page
    written = json.loads(folder.get("best/architecture.json"))
    assert (written["metrics"], search.space.from_text(written["notation"])) == (untrained.metrics, untrained.architecture)
    assert html.escape(written["notation"]) in page
    assert "<h2>Leaderboard</h2>" in page
    assert "<h2>Learning</h2>" not in page  # there are no curves, and
    assert "<h2>Accuracy and its cost</h2>" not in page  # no costs in this table
    assert folder.get("best/architecture.svg").startswith(b"<svg")
    assert Result(folder, search, store).untrained == untrained


def test_the_command_shows_it_without_a_model(
    tmp_path: Path, values: Mapping[Architecture, float], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, search = run(tmp_path)
    result = Result(folder, search, str(tmp_path / "runs"))
    untrained = retrain(folder, search, result.store)
    assert untrained is not None
    show_result(result)
    out = " ".join(capsys.readouterr().out.split())
    assert f"The winner reaches {untrained.metrics['test_accuracy']:.2%} on the test images, as the table has it." in out
    assert search.describe(untrained.architecture) in out
    with pytest.raises(NoWinnerError, match=r"has no images to train on; `untrained` says what is known"):
        _ = result.best


def test_simulated_seconds_follow_each_other_and_count_against_the_budget(
    tmp_path: Path, values: Mapping[Architecture, float]
) -> None:
    folder, _ = run(tmp_path, ("rounds: 3", "rounds: 3, minutes: 7"))
    trials = folder.history().trials
    assert [t.seconds for t in trials] == [60.0] * 7
    assert np.diff([t.finished_at for t in trials]) == pytest.approx(60)
    assert folder.history().busy_s() == pytest.approx(420)


def test_limits_on_what_the_table_has_are_kept(tmp_path: Path, values: Mapping[Architecture, float]) -> None:
    costly = {a: cost_of(TABLE_SPACE, a, (3, 8, 8), 10).n_params for a in values}
    limit = int(np.median(list(costly.values())))
    path = tmp_path / "t.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{header},p", *(f"{r},{n}" for r, n in zip(rows, costly.values(), strict=True))]))
    objective = ("maximize}]", f"maximize}}, {{metric: n_params, limit: {limit}}}]")
    folder, _ = run(tmp_path, objective, ("accuracy: valid", "accuracy: valid, n_params: p"))
    measured = [t.metrics["n_params"] for t in folder.history()]
    assert measured == [costly[t.proposal.architecture] for t in folder.history()]
    assert max(measured) <= limit
    counted, _ = run(
        tmp_path, objective, ("epochs: 12", "epochs: 12, input_shape: [3, 8, 8], classes: 10"), ("looked-up", "other")
    )
    assert [t.metrics["n_params"] for t in counted.history()] == [costly[t.proposal.architecture] for t in counted.history()]
    assert max(t.metrics["n_params"] for t in counted.history()) <= limit


def test_with_images_the_winner_is_trained_all_the_same(tmp_path: Path, values: Mapping[Architecture, float]) -> None:
    data = ("spec:\n", "spec:\n  data: {name: digits}\n  retrain: {epochs: 1}\n")
    folder, search = run(tmp_path, data, ("trials: 12, rounds: 3", "trials: 2"))
    model = retrain(folder, search, str(tmp_path / "runs"))
    assert isinstance(model, TrainedModel)
    assert read_data(folder, search, str(tmp_path / "runs")).untrained is None


def test_an_architecture_that_the_table_lacks_is_a_failed_trial(tmp_path: Path, values: Mapping[Architecture, float]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-3]))
    folder, _ = run(tmp_path, ("trials: 12, rounds: 3", f"trials: {len(values)}"))
    failed = [str(t.error) for t in folder.history() if t.status == "failed"]
    assert len(failed) == 3
    assert all(error.startswith("UnlistedError: The table") and "has no row of layers=" in error for error in failed)


def test_a_table_that_can_not_be_used_is_refused_by_the_first_step(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^There is nothing at .*/t\.csv; `estimation.path` is "):
        run(tmp_path)
    with pytest.raises(DataError, match=r"must be a local path or begin with s3://"):
        run(tmp_path, (str(tmp_path / "t.csv"), "https://example.org/t.csv"))


def test_training_without_images_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        SpecError, match=r"spec\.data: the key is missing, but the estimator 'train' needs images; name a data set"
    ):
        parse(TINY.replace("  data: {name: digits}\n", ""))


def test_an_objective_that_the_table_does_not_measure_is_refused() -> None:
    said = r"spec\.objectives\[0\]\.metric: the estimator 'table' does not measure flops here; it measures: accuracy"
    with pytest.raises(SpecError, match=said):
        parse(TEXT.replace("metric: accuracy, goal: maximize", "metric: flops, goal: minimize"))


def test_no_step_of_it_loads_torch(tmp_path: Path, values: Mapping[Architecture, float]) -> None:
    text, store = TEXT.replace("PATH", str(tmp_path / "t.csv")), str(tmp_path / "runs")
    steps = [
        ("sample_space", text, store), ("propose", "looked-up", store, 0), ("estimate", "looked-up", store, 0, 0, 1),
        ("select", "looked-up", store), ("retrain", "looked-up", store), ("report", "looked-up", store),
    ]  # fmt: skip
    code = (
        f"import sys\nfrom archsmith.steps.main import run_step\nfor s in {steps!r}: run_step(*s)\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
