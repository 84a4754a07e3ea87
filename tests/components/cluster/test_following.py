"""What is decided on a run, and how it is followed through faults."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kfp_server_api import models

from archsmith.cluster.connection import direct
from archsmith.cluster.following import (
    Finish,
    GiveUp,
    Patience,
    Seen,
    SubmitAgain,
    Wait,
    decide,
    follow,
    pause_s,
    wait_for_end,
)
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.kube import Kube, connect
from archsmith.cluster.life import Evidence
from archsmith.cluster.run import Run, State
from archsmith.cluster.run_pods import RunPods
from archsmith.cluster.run_watch import RunWatch
from archsmith.errors import DataError, PermanentError, UnavailableError
from archsmith.steps.last_error import leave_error
from archsmith.stores.folder import SearchFolder
from archsmith.testing.kfp_server import KfpServer, kfp_server
from archsmith.testing.kube_server import KubeServer, kube_server

Staged = Any  # a fixture of the tests around these


def run(state: State, reason: str = "") -> Run:
    return Run("r1", "tiny", state, reason=reason)


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_a_run_that_is_under_way_is_waited_for(state: State) -> None:
    assert decide(Seen(run(state), done=False), 0, 3) == Wait()


@pytest.mark.parametrize("seen", [None, run("running"), run("failed"), run("cancelled")])
def test_the_store_knows_best_whether_the_search_is_done(seen: Run | None) -> None:
    assert decide(Seen(seen, done=True), 3, 3) == Finish()


def test_a_run_that_succeeded_is_the_end_of_its_search() -> None:
    assert decide(Seen(run("succeeded"), done=False), 0, 3) == Finish()


def test_a_failed_run_is_submitted_again_as_often_as_allowed() -> None:
    failed = Seen(run("failed", "estimate-2 failed"), done=False)
    assert [decide(failed, n, 2) for n in (0, 1)] == [SubmitAgain("estimate-2 failed")] * 2
    end = decide(failed, 2, 2)
    assert isinstance(end, GiveUp)
    assert "estimate-2 failed" in str(end.error)
    assert "2 times" in str(end.error)


def test_a_run_that_kfp_has_lost_is_submitted_again() -> None:
    assert isinstance(decide(Seen(None, done=False), 0, 1), SubmitAgain)


def test_what_a_step_would_raise_again_is_not_tried_again() -> None:
    error = DataError("there are no images")
    assert decide(Seen(run("failed"), done=False, error=error), 0, 3) == GiveUp(error)


def test_a_run_that_somebody_cancelled_is_not_submitted_again() -> None:
    decision = decide(Seen(run("cancelled"), done=False), 0, 3)
    assert isinstance(decision, GiveUp)
    assert "cancelled" in str(decision.error)


class Script:
    """What happens while somebody waits: a step of the script at each pause, then none."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        self.steps = list(steps)
        self.pauses = 0
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses += 1
        self.now += seconds
        self.slept.append(seconds)
        assert self.pauses < 50, "it waits for ever"
        if self.steps:
            self.steps.pop(0)()


@pytest.fixture
def server() -> Iterator[KfpServer]:
    with kfp_server() as running:
        yield running


@pytest.fixture
def kube_server_of_kfp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[KfpServer, KubeServer, Kube]]:
    """Run stand-ins for KFP and for the cluster that it is in."""
    with kube_server() as cluster, kfp_server(kube=cluster) as kfp:
        monkeypatch.setenv("KUBECONFIG", str(cluster.write_kubeconfig(tmp_path / "config", "team")))
        with connect() as kube:
            yield kfp, cluster, kube


def start(server: KfpServer) -> Callable[[], Run]:
    """Return what starts a run."""
    api = KfpApi(direct(server.url))
    return lambda: api.create_run(models.V2beta1Run(display_name="tiny"))


def follow_all(server: KfpServer, folder: SearchFolder, script: Script, retries: int = 2) -> tuple[Run, list[str]]:
    """Start a run and follow it; return the last run and what was told."""
    told: list[str] = []
    again, patience = start(server), Patience(unanswered_s=100.0, sleep=script.sleep)
    last = follow(KfpApi(direct(server.url)), again(), folder, again, retries=retries, tell=told.append, patience=patience)
    return last, told


def test_a_run_that_fails_is_submitted_again_and_followed_to_the_end(server: KfpServer, staged: Staged) -> None:
    def fails() -> None:
        server.set_state(server.runs[-1], "FAILED", "estimate-3 failed")

    script = Script(fails, fails, lambda: staged.folder.mark(done=True))
    last, told = follow_all(server, staged.folder, script)
    assert [record["run_id"] for record in server.runs][-1] == last.id
    assert len(server.runs) == 3
    assert "estimate-3 failed" in told[0]


def test_it_ends_with_the_reason_once_all_retries_are_used_up(server: KfpServer, staged: Staged) -> None:
    def fails() -> None:
        server.set_state(server.runs[-1], "FAILED", "no node")

    script = Script(fails, fails, lambda: None, fails)  # the third one is the pause before the second attempt
    with pytest.raises(PermanentError, match=r"no node.*2 times"):
        follow_all(server, staged.folder, script)
    assert len(server.runs) == 3


def test_the_error_that_a_step_left_is_raised_and_nothing_submitted_again(server: KfpServer, staged: Staged) -> None:
    def fails() -> None:
        leave_error("estimate", (staged.search.name, staged.store), DataError("the images are gone"))
        server.set_state(server.runs[-1], "FAILED")

    with pytest.raises(DataError, match="the images are gone"):
        follow_all(server, staged.folder, Script(fails))
    assert len(server.runs) == 1


def test_connections_that_break_and_a_server_that_is_away_are_waited_for(server: KfpServer, staged: Staged) -> None:
    script = Script(lambda: server.drop(3), *[lambda: None] * 3, lambda: server.refuse(503, 4), *[lambda: None] * 4,
                    lambda: server.set_state(server.runs[-1], "SUCCEEDED"))  # fmt: skip
    last, told = follow_all(server, staged.folder, script)
    assert last.id == server.runs[0]["run_id"]
    assert len(told) == 7


def test_a_server_that_stays_away_is_an_error_in_the_end(server: KfpServer, staged: Staged) -> None:
    with pytest.raises(UnavailableError):
        follow_all(server, staged.folder, Script(lambda: server.drop(100)))


def test_a_run_that_kfp_shows_as_running_for_ever_ends_when_the_store_says_so(server: KfpServer, staged: Staged) -> None:
    last, _ = follow_all(server, staged.folder, Script(lambda: None, lambda: staged.folder.mark(done=True)))
    assert server.runs[0]["state"] == "PENDING"
    assert last.id == server.runs[0]["run_id"]


def test_a_run_that_vanishes_is_submitted_again(server: KfpServer, staged: Staged) -> None:
    script = Script(lambda: server.kept["runs"].clear(), lambda: server.set_state(server.runs[-1], "SUCCEEDED"))
    _, told = follow_all(server, staged.folder, script)
    assert "lost the run" in told[0]
    assert len(server.runs) == 1


def test_a_run_is_submitted_again_later_each_time() -> None:
    assert [pause_s(n) for n in range(7)] == [0, 30, 60, 120, 240, 480, 600]


def test_what_the_next_run_would_fail_of_too_is_not_submitted_again() -> None:
    for reason in (
        'configmaps is forbidden: User "argo" cannot create resource "configmaps"',
        'Pod "tiny-1" is invalid: spec.containers[0].env[3].valueFrom: Invalid value',
        "Request entity too large: limit is 3145728",
    ):
        decision = decide(Seen(run("failed"), done=False, evidence=Evidence(workflow="failed", reason=reason)), 0, 3)
        assert isinstance(decision, GiveUp)
        assert reason in str(decision.error)


def test_a_time_of_a_schedule_is_not_done_because_the_last_one_was() -> None:
    again = Run("r2", "Run of tiny", "running", schedule="s")
    assert decide(Seen(again, done=True), 0, 3) == Wait()
    assert decide(Seen(replace(again, state="failed"), done=True), 0, 3) == Finish()


def watched(server: KfpServer, kube: Kube | None, script: Script) -> RunWatch:
    return RunWatch(RunPods(kube, "kubeflow"), script.clock)


def test_a_run_whose_workflow_was_deleted_goes_on_in_another_one(kube_server_of_kfp: Any, staged: Staged) -> None:
    server, cluster, kube = kube_server_of_kfp
    cluster.argo = False  # who may read pods may not always read Workflows
    told: list[str] = []

    def begin() -> None:
        server.set_state(server.runs[-1], "RUNNING")
        labels = {"pipeline/runid": server.runs[-1]["run_id"]}
        cluster.put("pods", "kubeflow", "p", metadata={"labels": labels}, status={"phase": "Running"})

    script = Script(begin, *[lambda: None] * 20, lambda: server.lose_workflow(server.runs[0]), *[lambda: None] * 12,
                    lambda: staged.folder.mark(done=True))  # fmt: skip
    again = start(server)
    last = follow(
        KfpApi(direct(server.url)), again(), staged.folder, again, retries=2, tell=told.append,
        patience=Patience(sleep=script.sleep), watch=watched(server, kube, script),
    )  # fmt: skip
    assert [record["run_id"] for record in server.runs][1:] == [last.id]
    assert server.runs[0]["state"] == "CANCELING"  # told to end, lest it should live after all
    assert "has had no pod for 90 s" in told[0]


def test_without_a_cluster_to_ask_the_store_tells_in_the_end(server: KfpServer, staged: Staged) -> None:
    """Of a run that KFP calls running, nothing comes into the store for half an hour after its last trial."""
    script = Script(*[lambda: None] * 3, lambda: staged.folder.write_json("rounds/000000/proposals.json", []))
    told: list[str] = []
    again = start(server)

    def sleep(seconds: float) -> None:
        script.sleep(seconds)
        if len(server.runs) == 2:
            staged.folder.mark(done=True)

    watch = watched(server, None, script)
    follow(
        KfpApi(direct(server.url)), again(), staged.folder, again, retries=2, tell=told.append,
        patience=Patience(every_s=100.0, sleep=sleep), watch=watch,
    )  # fmt: skip
    assert "nothing in the store for 30 minutes" in told[0]
    assert script.now >= 400 + 1800


def test_who_waits_for_the_end_of_runs_waits_no_longer_than_pods_may_take(server: KfpServer) -> None:
    api, script = KfpApi(direct(server.url)), Script()
    runs = [start(server)() for _ in range(3)]
    for found in runs:
        api.terminate(found.id)
    server.set_state(server.runs[0], "CANCELED")
    del server.kept["runs"][runs[1].id]
    wait_for_end(api, runs, watched(server, None, script), None, sleep=script.sleep)
    assert script.now == 60
