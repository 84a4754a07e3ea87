"""A search submitted to a stand-in for KFP, with its store in a real MinIO."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archsmith.cluster.connection import direct
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.run import Run
from archsmith.cluster.submission import Cancelled, Submission, cancel, check_for_kfp, running
from archsmith.errors import DataError, SearchConflictError, SpecError, UnavailableError
from archsmith.search import Search, parse
from archsmith.steps.last_error import leave_error, read_error
from archsmith.stores.folder import SearchFolder
from archsmith.stores.retry import Backoff
from archsmith.testing.kfp_server import KfpServer, kfp_server
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import TINY
from archsmith.values import Trial
from archsmith_pipelines.search import documents, search_pipeline
from archsmith_pipelines.size import LONGEST_TEMPLATE, template_bytes

AT_ONCE = Backoff(attempts=4, sleep=lambda _: None)

Submit = Callable[..., Submission]


@pytest.fixture
def server() -> Iterator[KfpServer]:
    with kfp_server() as running_server:
        yield running_server


@pytest.fixture
def submission(minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch) -> Submit:
    """Make a submission of the tiny search, with texts of its file replaced; all of a test have the same store."""
    for name, value in minio_server.environ.items():
        monkeypatch.setenv(name, value)
    store = f"s3://{minio_server.new_bucket()}/team"

    def make(*changes: tuple[str, str]) -> Submission:
        text = TINY
        for old, new in changes:
            text = text.replace(old, new)
        return Submission(parse(text), store)

    return make


def run_round(folder: SearchFolder, search: Search, round_: int, n: int = 2) -> None:
    """Propose a round and record its trials, as the steps would."""
    asked = search.strategy().ask(folder.history(), n, np.random.default_rng(round_))
    proposals = [replace(p, number=n * round_ + k, round=round_) for k, p in enumerate(asked)]
    for proposal in folder.write_proposals(round_, proposals):
        folder.record(Trial(proposal, "complete", {"accuracy": 0.5, "n_params": 100.0}, seconds=1.0, finished_at=1e9))


def rounds_of(record: dict) -> list[int]:
    tasks = record["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"]
    proposing = [task for task in tasks.values() if task["componentRef"]["name"].startswith("comp-propose")]
    return sorted(int(task["inputs"]["parameters"]["round"]["runtimeValue"]["constant"]) for task in proposing)


def test_a_submitted_search_is_a_run_of_its_name_with_its_file_and_store(server: KfpServer, submission: Submit) -> None:
    made = submission(("retrain:", "cluster: {service_account: trainer, image: team/archsmith:1}\n  retrain:"))
    run = made.submit(KfpApi(direct(server.url)))
    (record,) = server.runs
    assert (run.id, run.name, run.state) == (record["run_id"], "tiny", "waiting")
    assert record["runtime_config"]["parameters"] == {"search": made.search.text, "store": made.store}
    assert record["service_account"] == "trainer"
    assert rounds_of(record) == [0, 1, 2]
    (experiment,) = server.kept["experiments"].values()
    assert (experiment["display_name"], experiment["experiment_id"]) == ("archsmith", record["experiment_id"])


def test_a_search_that_goes_on_is_submitted_with_the_rounds_that_are_left(server: KfpServer, submission: Submit) -> None:
    made, api = submission(), KfpApi(direct(server.url))
    made.folder.write_search(TINY)
    for round_ in (0, 1):
        run_round(made.folder, made.search, round_)
    made.folder.mark(done=True)
    made.submit(api)
    assert rounds_of(server.runs[0]) == [2]
    assert not made.folder.is_done()  # or whoever follows it would take the last run's word


def test_an_answer_that_is_lost_makes_no_second_run(server: KfpServer, submission: Submit) -> None:
    server.lost_answers = 2  # the experiment's, and the run's
    run = submission().submit(KfpApi(direct(server.url)), AT_ONCE)
    assert [record["run_id"] for record in server.runs] == [run.id]
    assert len(server.kept["experiments"]) == 1


def test_a_server_that_is_away_for_a_while_is_waited_for(server: KfpServer, submission: Submit) -> None:
    server.refuse(503, times=2)
    submission().submit(KfpApi(direct(server.url)), AT_ONCE)
    assert len(server.runs) == 1
    server.drop(times=10)
    with pytest.raises(UnavailableError, match="tried 4 times"):
        submission().submit(KfpApi(direct(server.url)), AT_ONCE)


def test_another_search_of_the_same_name_is_refused_before_anything_is_sent(server: KfpServer, submission: Submit) -> None:
    submission().folder.write_search(TINY)
    with pytest.raises(SearchConflictError, match=r"spec\.seed"):
        submission(("retrain:", "seed: 3\n  retrain:")).submit(KfpApi(direct(server.url)))
    assert server.requests == []


def test_a_schedule_takes_the_place_of_the_one_before(server: KfpServer, submission: Submit) -> None:
    api, made = KfpApi(direct(server.url)), submission()
    first = made.schedule(api, "0 3 * * *")
    second = made.schedule(api, "0 2 * * *")
    (record,) = server.schedules
    assert record["recurring_run_id"] == second != first
    assert record["trigger"] == {"cron_schedule": {"cron": "0 0 2 * * *"}}  # with seconds in front
    assert (record["max_concurrency"], record["no_catchup"], record["mode"]) == ("1", True, "ENABLE")
    assert rounds_of(record) == [0, 1, 2]
    tasks = record["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"]
    assert "begin-series" in tasks
    assert "sample-space" not in tasks
    assert parse(record["runtime_config"]["parameters"]["search"]).spec.schedule == "0 2 * * *"
    submission(("retrain:", "suspend: true\n  retrain:")).schedule(api, "0 2 * * *")
    assert [record["mode"] for record in server.schedules] == ["DISABLE"]


@pytest.mark.parametrize(
    ("line", "cron", "said"),
    [("series: {concurrency: replace}", "0 2 * * *", "waits for the last"), ("series: {keep: 5}", "0 2 * * *", "keeps all runs"),
     ("series: {starting_deadline: 1h}", "0 2 * * *", "begins late ones"), ("seed: 0", "0 2 L * *", "neither L nor #"),
     ("seed: 0", "0 2 * * fri#2", "neither L nor #"), ("seed: 0", "0 2 * * 7", "the weekday 7")],
)  # fmt: skip
def test_what_kfp_alone_can_not_do_is_refused(server: KfpServer, submission: Submit, line: str, cron: str, said: str) -> None:
    made = submission(("retrain:", f"{line}\n  retrain:"))
    with pytest.raises(SpecError, match=said):
        made.schedule(KfpApi(direct(server.url)), cron)
    assert server.requests == []
    submission().schedule(KfpApi(direct(server.url)), "0 2 1-7 jul *")


def test_a_schedule_that_did_not_change_is_left_alone_with_its_run(server: KfpServer, submission: Submit) -> None:
    api, made = KfpApi(direct(server.url)), submission()
    first = made.schedule(api, "0 2 * * *")
    run = server.fire(server.schedules[0])
    assert submission().schedule(api, "0 2 * * *") == first
    held = submission(("retrain:", "suspend: true\n  retrain:"))
    assert held.schedule(api, "0 2 * * *") != first  # the file is a part of what each run is given
    assert (run["state"], run["run_id"] in server.lost) == ("CANCELING", True)


@pytest.mark.parametrize("change", ["cron", "pipeline", "parameters", "experiment"])
def test_a_schedule_that_changed_takes_the_place_of_one_whose_run_has_ended_before(
    server: KfpServer, submission: Submit, change: str
) -> None:
    api, made = KfpApi(direct(server.url)), submission()
    first = made.schedule(api, "0 2 * * *")
    run = server.fire(server.schedules[0])
    settled: list[str] = []

    def settle(runs: Sequence[Run]) -> None:
        settled.extend(f"{found.id} {server.kept['runs'][found.id]['state']}" for found in runs)
        assert first in server.kept["recurringruns"]  # or Kubernetes would have collected the run's Workflow by now
        assert server.kept["recurringruns"][first]["status"] == "DISABLED"

    others = {
        "pipeline": submission(("retrain:", "cluster: {image: other:1}\n  retrain:")),
        "parameters": submission(("retrain:", "ttl: 1d\n  retrain:")),
        "experiment": replace(made, experiment="other"),
    }
    second = others.get(change, made).schedule(api, "0 3 * * *" if change == "cron" else "0 2 * * *", settle)
    assert settled == [f"{run['run_id']} CANCELING"]
    assert [record["recurring_run_id"] for record in server.schedules] == [second] != [first]


def test_a_schedule_that_somebody_has_held_is_let_go_on_and_nothing_else(server: KfpServer, submission: Submit) -> None:
    api, made = KfpApi(direct(server.url)), submission()
    first = made.schedule(api, "0 2 * * *")
    run = server.fire(server.schedules[0])
    api.enable_schedule(first, enabled=False)
    assert made.schedule(api, "0 2 * * *") == first
    assert (server.schedules[0]["mode"], run["state"]) == ("ENABLE", "RUNNING")


def test_cancelling_ends_the_runs_of_a_search_before_its_schedule_and_no_others(server: KfpServer, submission: Submit) -> None:
    api, made = KfpApi(direct(server.url)), submission()
    other = submission(("{name: tiny}", "{name: other}")).submit(api)
    ended, under_way = made.submit(api), made.submit(api)
    server.set_state(server.runs[1], "SUCCEEDED")
    schedule = made.schedule(api, "0 2 * * *")
    fired = server.fire(server.schedules[0])["run_id"]
    there: list[bool] = []
    assert {run.id for run in running(api, "tiny")} == {under_way.id, fired}
    ids = cancel(api, "tiny", settle=lambda runs: there.append(schedule in server.kept["recurringruns"]))
    assert ids == Cancelled((under_way.id, fired), (schedule,))
    assert there == [True]
    states = {id_: record["state"] for id_, record in server.kept["runs"].items()}
    assert states == {other.id: "PENDING", ended.id: "SUCCEEDED", under_way.id: "CANCELING", fired: "CANCELING"}
    assert server.schedules == []
    assert cancel(api, "tiny") == Cancelled((), ())


def test_cancelling_ends_what_kubernetes_has_lost(server: KfpServer, submission: Submit) -> None:
    api, made = KfpApi(direct(server.url)), submission()
    run = made.submit(api)
    server.lose_workflow(server.runs[0])
    assert cancel(api, "tiny") == Cancelled((run.id,), ())
    assert cancel(api, "tiny") == Cancelled((), ())


# Go writes each of the last three as \\u0026, which is seven bytes in an argument.
@pytest.mark.parametrize("word", ["long ", "é", "日本", "&<>"])
def test_a_file_is_counted_in_the_bytes_that_argo_passes_on(server: KfpServer, submission: Submit, word: str) -> None:
    api, each = KfpApi(direct(server.url)), 7 * 3 if word == "&<>" else len(word.encode())
    plain = submission()
    pipeline = documents(search_pipeline(plain.search, plain.store))["pipeline_spec"]
    room = LONGEST_TEMPLATE - template_bytes(pipeline, {"search": plain.search.text, "store": plain.store})
    for words, fits in ((room // each - 5, True), (room // each + 1, False)):
        made = submission(("retrain:", f"# {word * words}\n  retrain:"))
        if fits:
            made.submit(api)
            assert server.runs[0]["state"] == "PENDING"  # and did not fail for want of a ConfigMap
        else:
            with pytest.raises(SpecError, match=r"takes at most 131072; .* a shorter file"):
                made.submit(api)
    assert len(server.runs) == 1


@pytest.mark.cluster  # for its length; it needs none
def test_the_largest_search_that_a_file_may_ask_for_is_taken(server: KfpServer, submission: Submit) -> None:
    made = submission(("trials: 6, rounds: 3", "trials: 150, rounds: 9"), ("workers: 2", "workers: 1, pods: 20"))
    made.submit(KfpApi(direct(server.url)))
    assert server.runs[0]["state"] == "PENDING"  # and did not fail for want of a ConfigMap


def test_what_a_step_has_left_is_forgotten_when_the_search_is_submitted_again(server: KfpServer, submission: Submit) -> None:
    made = submission()
    leave_error("sample_space", (TINY, made.store), DataError("no images"))
    assert isinstance(read_error(made.folder), DataError)
    made.submit(KfpApi(direct(server.url)))
    assert read_error(made.folder) is None


@pytest.mark.parametrize(
    ("section", "said"),
    [("cluster: {engine: job}", "engine is 'job'"), ("cluster: {priority_class: high}", "priority_class is 'high'")],
)
def test_what_kfp_cannot_do_is_refused(section: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        check_for_kfp(parse(TINY.replace("retrain:", f"{section}\n  retrain:")), "s3://bucket")


def test_a_folder_is_no_store_for_pods(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="s3://bucket/prefix"):
        Submission(parse(TINY), str(tmp_path))


def test_a_suspended_search_is_not_submitted(server: KfpServer) -> None:
    held = parse(TINY.replace("retrain:", "suspend: true\n  retrain:"))
    with pytest.raises(SpecError, match=r"spec\.suspend"):
        Submission(held, "s3://bucket").submit(KfpApi(direct(server.url)))
    assert server.requests == []
