"""What is decided on a run, and how it is followed through faults."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kfp_server_api import models

from archsmith.cluster.connection import direct
from archsmith.cluster.following import Finish, GiveUp, Patience, Seen, SubmitAgain, Wait, decide, follow
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.run import Run, State
from archsmith.errors import DataError, PermanentError, UnavailableError
from archsmith.steps.last_error import leave_error
from archsmith.stores.folder import SearchFolder
from archsmith.testing.kfp_server import KfpServer, kfp_server

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

    def sleep(self, _: float) -> None:
        self.pauses += 1
        assert self.pauses < 50, "it waits for ever"
        if self.steps:
            self.steps.pop(0)()


@pytest.fixture
def server() -> Iterator[KfpServer]:
    with kfp_server() as running:
        yield running


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
    script = Script(*[lambda: server.set_state(server.runs[-1], "FAILED", "no node")] * 3)
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
