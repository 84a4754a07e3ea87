"""A search over a table, step by step as the pipeline does: no images, no training, simulated seconds."""

import html
import json
import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from archsmith.errors import DataError, NoWinnerError, SpecError
from archsmith.models.cost import cost_of
from archsmith.opening import open_search
from archsmith.search import Search, load, parse
from archsmith.steps.estimate import estimate
from archsmith.steps.propose import propose
from archsmith.steps.report import places, read_data, report
from archsmith.steps.retrain import retrain
from archsmith.steps.rounds import all_rounds
from archsmith.steps.sample_space import sample_space
from archsmith.steps.select import select
from archsmith.steps.table import load_table, make_table, table_facts
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import TINY
from archsmith.values import Architecture
from archsmith.values.outcome import TrainedModel, UntrainedWinner
from archsmith.views.live import line, view
from archsmith.views.result import Result
from archsmith.views.snapshot import Snapshot
from archsmith.views.terminal import show_result

EXAMPLES = Path(__file__).parents[3] / "examples"
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
    for round_ in all_rounds(search):
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
    data = ("spec:\n", "spec:\n  data: {name: digits}\n  retrain: {epochs: 1}\n  baseline: none\n")
    folder, search = run(tmp_path, data, ("trials: 12, rounds: 3", "trials: 2"))
    model = retrain(folder, search, str(tmp_path / "runs"))
    assert isinstance(model, TrainedModel)
    assert read_data(folder, search, str(tmp_path / "runs")).untrained is None


def test_an_architecture_that_the_table_lacks_is_not_proposed(tmp_path: Path, values: Mapping[Architecture, float]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-3]))
    folder, _ = run(tmp_path, ("trials: 12, rounds: 3", f"trials: {len(values)}"))
    assert {t.status for t in folder.history()} == {"complete"}
    assert {t.proposal.architecture for t in folder.history()} == set(list(values)[:-3])


OWN = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: rooms}
spec:
  space:
    name: yaml
    decisions:
      - {name: op, choices: [conv, pool, none]}
      - {name: kernel, choices: [3, 5, 7], when: {op: [conv]}}
      - {name: wide, choices: [true, false]}
  strategy: {name: random}
  estimation: {name: table, path: PATH, metrics: {score: score}, test: held_out}
  objectives: [{metric: score, goal: minimize}]
  budget: {trials: 10}
  tracking: {enabled: false}
"""
"""A search over a table of a metric of its own, with a space that has no network."""

SPARSE = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: rooms}
spec:
  space: {name: chain, layers: {min: 3, max: 6}}
  strategy: {name: NAME}
  estimation:
    name: table
    path: PATH
    architecture: arch
    epochs: 9
    metrics: {score: v_9}
    fidelities: [{epochs: 3, metrics: {score: v_3}}]
  objectives: [{metric: score, goal: minimize}]
  budget: {trials: 100}
  tracking: {enabled: false}
"""
"""A search over a table of some architectures of a large space."""


def rooms() -> pd.DataFrame:
    """Return the table of its ten architectures: a gap where no kernel is asked for, and scores below 0."""
    rows = [("conv", k, w) for k in (3, 5, 7) for w in (True, False)]
    rows += [(op, None, w) for op in ("pool", "none") for w in (True, False)]
    frame = pd.DataFrame(rows, columns=["op", "kernel", "wide"])
    return frame.assign(score=[0.5, -1.5, 2.0, -7.25, 3.0, 0.0, 1.0, -2.0, 4.0, 5.0], held_out=frame.index - 20.0)


def search_rooms(
    folder: Path, frame: pd.DataFrame, *changes: tuple[str, str], text: str = OWN, **written: Any
) -> tuple[SearchFolder, Search]:
    """Write the table as pandas does, and run all steps but the report."""
    frame.to_csv(folder / "rooms.csv", index=False, **written)
    text, store = text.replace("PATH", str(folder / "rooms.csv")), str(folder / "runs")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    opened, search = open_search(store, sample_space(text, store))
    for round_ in all_rounds(search):
        propose(opened, search, round_)
        estimate(opened, search, store, round_)
    select(opened, search)
    retrain(opened, search, store)
    return opened, search


@pytest.mark.parametrize("written", [{}, {"sep": ";", "decimal": ",", "encoding": "utf-8-sig"}])
def test_a_table_that_pandas_wrote_is_searched_whole(tmp_path: Path, written: dict[str, str]) -> None:
    folder, search = search_rooms(tmp_path, rooms(), **written)
    trials = folder.history().trials
    assert ("3.0" in (tmp_path / "rooms.csv").read_text()) or written  # what a column with gaps is written as
    assert [t.status for t in trials] == ["complete"] * 10
    best = Snapshot.read(folder, search).winner
    assert best is not None
    assert search.describe(best.proposal.architecture) == "op=conv kernel=5 wide=False"
    assert best.metrics == {"score": -7.25}


def test_a_metric_of_ones_own_is_told_by_everybody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, search = search_rooms(tmp_path, rooms())
    store = str(tmp_path / "runs")
    report(folder, search, store)
    result = Result(folder, search, store)
    assert result.untrained is not None
    assert result.untrained.metrics == {"test_score": -17.0}
    page = folder.get("report/index.html").decode()
    assert '<p class="headline">-17</p>' in page
    assert "Winner: test score" in page
    assert "accuracy" not in page.partition("<body>")[2].lower()
    for metric in ("score", "test_score"):
        assert metric in json.dumps(result.snapshot.to_dict({}))
    assert result.trials["score"].min() == -7.25
    show_result(result)
    out = capsys.readouterr().out
    assert "The winner reaches a test score of -17, as the table has it." in out
    assert "-7.25" in out
    assert "score" in result._repr_html_()
    assert "score -7.25" in line(min(result.snapshot.history, key=lambda t: t.metrics["score"]))
    Console(width=140).print(view(result.snapshot))
    live = capsys.readouterr().out
    assert all(text in live for text in ("score", "-7.25", "incumbent: trial"))
    assert "accuracy" not in live


def test_too_many_rows_of_no_architecture_are_an_error_that_names_the_first(tmp_path: Path) -> None:
    frame = rooms().replace({"kernel": {3: 2, 5: 4}})
    with pytest.raises(
        DataError,
        match=r"4 of the 10 rows of the table .* fit no architecture of the space 'yaml', but at most 10 % may "
        r"\(`estimation\.misfits`\): line 2: `kernel`: Unknown choice '2\.0'; valid: 3, 5, 7; line 3: .*; and 1 more\. Give",
    ):
        search_rooms(tmp_path, frame)
    folder, _ = search_rooms(tmp_path, frame, ("test: held_out", "test: held_out, misfits: 0.4"))
    assert [t.status for t in folder.history()] == ["complete"] * 6


def test_rows_of_no_architecture_do_no_harm_where_the_others_are_the_whole_space(tmp_path: Path) -> None:
    frame = rooms()
    folder, _ = search_rooms(tmp_path, pd.concat([frame, frame.assign(op="other")]))
    assert [t.status for t in folder.history()] == ["complete"] * 10
    facts = folder.read_json("space.json")
    assert facts is not None
    assert (facts["table"]["rows"], facts["table"]["misfits"], facts["table"]["known"]) == (20, 10, 10)


def test_a_table_that_has_nothing_of_the_space_is_refused(tmp_path: Path) -> None:
    frame = rooms()
    with pytest.raises(DataError, match=r"has a row with all values for none of 10 architectures of the space 'yaml'"):
        search_rooms(tmp_path, frame.assign(score=np.nan))
    with pytest.raises(DataError, match=r"None of the 10 rows .* is of the space 'yaml'; line 2: `op`: Unknown choice 'other'"):
        search_rooms(tmp_path, frame.assign(op="other"))


def test_a_table_with_few_architectures_of_a_space_is_searched_among_them_and_that_it_had_no_more_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(tmp_path / "runs")
    folder, search = search_rooms(tmp_path, rooms().iloc[[1, 3, 7]], ("random", "evolution"))
    assert sorted(t.metrics["score"] for t in folder.history()) == [-7.25, -2.0, -1.5]
    assert Snapshot.read(folder, search).winner is not None
    report(folder, search, store)
    smaller = parse(OWN.replace("PATH", str(tmp_path / "rooms.csv")).replace("trials: 10", "trials: 3"))
    for found, said in ((search, True), (smaller, False)):
        show_result(Result(folder, found, store))
        assert ("ended before its budget was spent" in capsys.readouterr().out) == said


@pytest.mark.parametrize("strategy", ["evolution", "bayesian", "asha, lowest: {epochs: 3}, sampler: {name: bayesian}"])
def test_a_table_of_a_millionth_of_a_space_is_searched_to_its_end(tmp_path: Path, strategy: str) -> None:
    space, rng = parse(SPARSE.replace("NAME", strategy)).space, np.random.default_rng(0)
    rows = [{"arch": space.to_text(space.sample(rng)), "v_3": float(k), "v_9": float(k)} for k in range(25)]
    rows.append({**rows[3], "v_9": math.nan, "arch": space.to_text(space.sample(rng))})
    folder, _ = search_rooms(tmp_path, pd.DataFrame(rows), ("NAME", strategy), text=SPARSE)
    assert {t.metrics["score"] for t in folder.history()} == set(range(25))
    told = folder.read_json("space.json")
    assert told is not None
    assert told["counted"][0].endswith(
        "rooms.csv: 25 architectures of the space, none of 500 that were drawn, after 9 epochs; after 3 epochs"
    )


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


def test_where_the_table_of_a_benchmark_comes_from_is_said_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"There is nothing at .*nas-bench-201\.csv.* The table of NAS-Bench-201 is made of"):
        load_table(load(EXAMPLES / "nas-bench-201.yaml"))


def test_the_example_of_an_own_table_finds_it_beside_itself_and_searches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    search = load(EXAMPLES / "own-table.yaml")
    facts, frame = table_facts(search), pd.read_csv(EXAMPLES / "own-table.csv")
    assert (facts.rows, facts.known, facts.looked_at, facts.misfits) == (54, 54, 54, 0)
    assert frame["validation"].min() < 0
    estimator = make_table(search, SearchFolder(open_store("runs"), "x"))
    for row in frame.itertuples():
        choices = {"layers": row.layers, "units": row.units, "activation": row.activation, "decay": row.decay}
        architecture = search.space_config.build().architecture(choices)  # type: ignore[attr-defined]
        assert estimator.metrics(architecture) == {"r2": row.validation, "weights": row.weights}
        assert estimator.test(architecture) == {"test_r2": row.test}


def test_a_new_table_under_an_old_key_is_seen(tmp_path: Path, minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**minio_server.environ, "ARCHSMITH_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    bucket = minio_server.new_bucket()
    store, search = minio_server.store(bucket), parse(OWN.replace("PATH", f"s3://{bucket}/tables/rooms.csv"))
    with pytest.raises(DataError, match=rf"There is no object s3://{bucket}/tables/rooms\.csv; look at the `path`"):
        load_table(search)
    for sign in (1, -1):
        store.put("tables/rooms.csv", rooms().assign(score=lambda f, s=sign: s * f["score"]).to_csv(index=False).encode())
        assert load_table(search).columns["score"].min() == {1: -7.25, -1: -5.0}[sign]


def test_a_table_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "rooms.csv"
    search = parse(OWN.replace("PATH", str(path)))
    for factor in (1, 10):
        rooms().assign(score=lambda f, k=factor: k * f["score"]).to_csv(path, index=False)
        assert load_table(search).columns["score"].min() == -7.25 * factor


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
