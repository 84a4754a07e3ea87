"""What Kopf is told to call, and what its handlers make of an outcome; there is no cluster."""

import asyncio
import copy
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import kopf
import pytest
from kopf._core.engines import posting
from prometheus_client.exposition import generate_latest

from archsmith.cluster.controller.config import ControllerConfig
from archsmith.cluster.controller.exporter import Exporter
from archsmith.cluster.controller.operator import EVERY_S, engines_of, handlers, settings
from archsmith.cluster.controller.reconcile import Forgotten, Outcome
from archsmith.cluster.controller.report import Event
from archsmith.cluster.kube import connect
from archsmith.errors import AccessDeniedError, ArchsmithError, NotFoundError, SpecError, UnavailableError
from archsmith.testing.kube_server import kube_server

MakeBody = Any  # a fixture of the tests around these


class Scripted:
    """A reconciler that does what the test says."""

    def __init__(self, outcome: Outcome | Exception | None = None, forgotten: Forgotten | Exception | None = None) -> None:
        self.outcome = outcome or Outcome({})
        self.forgotten = forgotten or Forgotten(True)

    def reconcile(self, body: Mapping[str, Any]) -> Outcome:
        outcome: Outcome = _given(self.outcome)
        return outcome

    def forget(self, body: Mapping[str, Any]) -> Forgotten:
        forgotten: Forgotten = _given(self.forgotten)
        return forgotten


def _given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


def registered(reconciler: Any, exporter: Exporter | None = None, write: Any = lambda *_: {}) -> tuple[Any, Any]:
    """Return the handler of looks and that of deletion."""
    registry = handlers(reconciler, exporter or Exporter(), write)
    (look,) = registry._spawning.get_all_handlers()
    (forget,) = registry._changing.get_all_handlers()
    return look, forget


def posted(call: Callable[[], object]) -> list[tuple[str, str, str]]:
    """Call something as Kopf does, in a thread; return the events that it posts."""

    async def run() -> list[tuple[str, str, str]]:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        posting.settings_var.set(settings())
        posting.event_queue_var.set(queue)
        posting.event_queue_loop_var.set(asyncio.get_running_loop())
        await asyncio.to_thread(call)
        await asyncio.sleep(0)
        events = [queue.get_nowait() for _ in range(queue.qsize())]
        return [(event.type, event.reason, event.message) for event in events]

    return asyncio.run(run())


def test_each_search_is_looked_at_every_few_seconds_and_held_until_it_is_forgotten() -> None:
    look, forget = registered(Scripted())
    assert look.interval == EVERY_S
    for handler in (look, forget):
        assert (handler.selector.group, handler.selector.version, handler.selector.any_name) == (
            "archsmith.dev", "v1alpha1", "searches",
        )  # fmt: skip
    assert forget.requires_finalizer


def test_kopf_keeps_its_own_notes_out_of_the_status_and_looks_at_nothing_of_the_cluster() -> None:
    made = settings()
    assert made.scanning.disabled
    assert made.persistence.finalizer == "archsmith.dev/controller"
    assert isinstance(made.persistence.progress_storage, kopf.AnnotationsProgressStorage)
    assert isinstance(made.persistence.diffbase_storage, kopf.AnnotationsDiffBaseStorage)


def test_what_comes_of_a_look_is_patched_told_and_shown(body: MakeBody) -> None:
    events = (Event("Warning", "PodDied", "A pod died."), Event("Normal", "PodRunning", "Another one runs."))
    exporter, written = Exporter(), []
    scripted = Scripted(Outcome({"phase": "Running", "failed": 1}, events, died=1))
    look, _ = registered(scripted, exporter, lambda *given: written.append(given) or {})
    given = kopf.Body(body(status={"phase": "Pending", "trials": "3/6"}))
    assert posted(lambda: look.fn(body=given, name="tiny")) == [
        ("Warning", "PodDied", "A pod died."),
        ("Normal", "PodRunning", "Another one runs."),
    ]
    assert written == [("tiny", {"status": {"phase": "Running", "failed": 1}})]
    shown = generate_latest(exporter.registry).decode()
    for line in (
        'archsmith_searches{phase="Running"} 1.0',
        'archsmith_search_trials{search="tiny"} 3.0',
        'archsmith_search_failed_trials{search="tiny"} 1.0',
        "archsmith_pods_died_total 1.0",
        "archsmith_reconcile_seconds_count 1.0",
    ):
        assert line in shown


def test_a_look_that_changes_nothing_writes_nothing(body: MakeBody) -> None:
    written: list[Any] = []
    look, _ = registered(Scripted(), write=lambda *given: written.append(given) or {})
    assert posted(lambda: look.fn(body=kopf.Body(body()), name="tiny")) == []
    assert written == []


def test_while_the_watch_is_late_a_search_is_looked_at_as_it_was_written_last(body: MakeBody) -> None:
    seen: list[str] = []
    kept = body(status={"phase": "Failed"})

    class Counting:
        def reconcile(self, body: Mapping[str, Any]) -> Outcome:
            seen.append(body["status"]["phase"])
            return Outcome({"phase": f"{len(seen)}"})

        def forget(self, _: Mapping[str, Any]) -> Forgotten:
            return Forgotten(True)

    def write(_: str, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        version = str(int(kept["metadata"]["resourceVersion"]) + 1)
        kept.update(status=dict(changes["status"]), metadata={**kept["metadata"], "resourceVersion": version})
        return copy.deepcopy(kept)

    look, forget = registered(Counting(), write=write)
    kept["metadata"]["resourceVersion"] = "7"
    brought = kopf.Body(copy.deepcopy(kept))
    for _ in range(3):
        posted(lambda: look.fn(body=brought, name="tiny"))
    assert seen == ["Failed", "1", "2"]
    kept["status"]["phase"] = "as brought"
    brought = kopf.Body(copy.deepcopy(kept))
    posted(lambda: look.fn(body=brought, name="tiny"))
    assert seen[3:] == ["as brought"]
    forget.fn(body=brought, name="tiny", retry=0)
    posted(lambda: look.fn(body=brought, name="tiny"))
    assert seen[4:] == []  # of what is forgotten, nothing is begun any more


def test_while_a_search_is_looked_at_it_is_not_forgotten(body: MakeBody) -> None:
    begun, go_on, forgotten = threading.Event(), threading.Event(), []

    class Slow:
        def reconcile(self, _: Mapping[str, Any]) -> Outcome:
            begun.set()
            assert go_on.wait(30)
            return Outcome({})

        def forget(self, _: Mapping[str, Any]) -> Forgotten:
            forgotten.append("tiny")
            return Forgotten(True)

    look, forget = registered(Slow())
    kept = kopf.Body(body())
    looking = threading.Thread(target=lambda: look.fn(body=kept, name="tiny"))
    looking.start()
    assert begun.wait(30)
    with pytest.raises(kopf.TemporaryError, match="under way"):
        forget.fn(body=kept, name="tiny", retry=0)
    go_on.set()
    looking.join()
    assert forgotten == []
    forget.fn(body=kept, name="tiny", retry=1)
    assert forgotten == ["tiny"]


@pytest.mark.parametrize("error", [UnavailableError("away"), AccessDeniedError("no"), SpecError("too long")])
def test_a_status_that_can_not_be_written_is_written_before_anything_else_is_done(body: MakeBody, error: ArchsmithError) -> None:
    """Kopf would never look again, had it been left to write it; and to look again first would begin a search again."""
    written: list[Any] = []
    faults = [error, error]

    def write(*given: Any) -> None:
        if faults:
            raise faults.pop()
        written.append(given)

    scripted = Scripted(Outcome({"phase": "Failed"}, (Event("Warning", "PodDied", "A pod died."),)))
    look, _ = registered(scripted, write=write)
    for _ in range(2):
        with pytest.raises(kopf.TemporaryError, match=f"Its status can't be written: {error}") as caught:
            look.fn(body=kopf.Body(body()), name="tiny")
        assert caught.value.delay == EVERY_S
        if not isinstance(error, SpecError):  # which it would be again
            scripted.outcome = ZeroDivisionError()
    assert posted(lambda: look.fn(body=kopf.Body(body()), name="tiny")) == [("Warning", "PodDied", "A pod died.")]
    assert written == [("tiny", {"status": {"phase": "Failed"}})]


def test_a_search_that_is_gone_has_no_status(body: MakeBody) -> None:
    def write(*_: object) -> None:
        raise NotFoundError("gone")

    look, _ = registered(Scripted(Outcome({"phase": "Failed"}, (Event("Warning", "PodDied", "A pod died."),))), write=write)
    assert posted(lambda: look.fn(body=kopf.Body(body()), name="tiny")) == []


def test_a_look_that_fails_is_counted_and_made_again_soon_whatever_it_was(
    body: MakeBody, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush-hush")
    exporter = Exporter()
    for error in (UnavailableError("away"), ZeroDivisionError(), ValueError("Invalid header value b'hush-hush'")):
        look, _ = registered(Scripted(error), exporter)
        with pytest.raises(kopf.TemporaryError) as caught:
            look.fn(body=kopf.Body(body()), name="tiny")
        assert caught.value.delay == EVERY_S
        assert type(error).__name__ in str(caught.value)
        assert "hush" not in "".join(traceback.format_exception(caught.value)) + caplog.text
    look, _ = registered(Scripted(Outcome({"message": "m"}, failed=True)), exporter)
    posted(lambda: look.fn(body=kopf.Body(body()), name="tiny"))
    assert "archsmith_reconcile_errors_total 4.0" in generate_latest(exporter.registry).decode()


def test_a_deleted_search_is_held_until_its_pods_are_gone(body: MakeBody) -> None:
    exporter, why = Exporter(), "Its pods are still ending."
    exporter.show("tiny", {"trials": "3/6"})
    waits = Forgotten(False, (Event("Warning", "NotDeletedYet", why),), why)
    _, forget = registered(Scripted(forgotten=waits), exporter)

    def attempt(retry: int) -> None:
        with pytest.raises(kopf.TemporaryError, match="pods are still ending"):
            forget.fn(body=kopf.Body(body()), name="tiny", retry=retry)

    assert posted(lambda: attempt(0)) == [("Warning", "NotDeletedYet", why)]
    assert posted(lambda: attempt(1)) == []
    left = Forgotten(True, (Event("Warning", "DataLeft", "They stay."),))
    _, forget = registered(Scripted(forgotten=left), exporter)
    assert posted(lambda: forget.fn(body=kopf.Body(body()), name="tiny", retry=7)) == [("Warning", "DataLeft", "They stay.")]
    assert "search_trials{" not in generate_latest(exporter.registry).decode()


def test_a_deletion_that_fails_for_an_unknown_reason_is_tried_again_soon(body: MakeBody) -> None:
    _, forget = registered(Scripted(forgotten=ZeroDivisionError()))
    with pytest.raises(kopf.TemporaryError, match="ZeroDivisionError") as caught:
        forget.fn(body=kopf.Body(body()), name="tiny", retry=0)
    assert caught.value.delay == EVERY_S


@pytest.mark.parametrize(("engine", "names"), [("auto", {"job", "kfp"}), ("kfp", {"job", "kfp"}), ("job", {"job"})])
def test_the_settings_say_which_engines_there_are(
    engine: Any, names: set[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kube_server() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path / "config", "team")))
        with connect() as kube:
            assert set(engines_of(ControllerConfig(engine=engine), kube)) == names
        assert server.requests == []
