"""What is done for a search in each of its states, as a table; and whole lives of searches, played with a fake engine."""

from dataclasses import replace
from typing import Any

import pytest

from archsmith.cluster.controller.plan import PATIENCE_FOR_GPU_S, Noted, Plan, plan
from archsmith.cluster.controller.work import ABSENT, Work
from archsmith.search import parse
from archsmith.spec import SearchSpec
from archsmith.testing.searches import TINY

NOW, BEFORE = "digest-now", "digest-before"

NO_GPU_FREE = "No node takes the pod: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu."


def spec(*lines: str) -> SearchSpec:
    return parse(TINY.replace("  resources: {workers: 2}\n", "".join(f"  {line}\n" for line in lines))).spec


def work(state: Any, digest: str = NOW, **fields: Any) -> Work:
    return Work(state, "w", digest, **{"reason": "Because", "message": "It is so.", **fields})


PLAIN = spec()
HELD = spec("suspend: true")
GPU = spec("resources: {gpu: 1}")
GPU_OR_WAIT = spec("resources: {gpu: 1, fallback: none}")

RUNNING = Noted("Running", NOW, "w")
LOST_AGAIN = Noted("Pending", NOW, "w", submitted=2, reason="Because", waiting_s=59.0)
LOST_LONG = replace(LOST_AGAIN, waiting_s=60.0)
LOST_ELSE = replace(LOST_LONG, reason="RunRunning")
FAILED = Noted("Failed", NOW, "w")
SUCCEEDED = Noted("Succeeded", NOW, "w")
SUSPENDED = Noted("Suspended", NOW)
ON_CPU = Noted("Pending", NOW, on_cpu=True)
ON_CPU_LONG = replace(ON_CPU, waiting_s=999.0)
OLD_RUNNING, OLD_FAILED, OLD_SUCCEEDED = (replace(noted, digest=BEFORE) for noted in (RUNNING, FAILED, SUCCEEDED))
CANCELLED = work("failed", reason="Cancelled")
NO_GPU = work("waiting", message=NO_GPU_FREE)

TABLE = {
    "a new search is started": (PLAIN, Noted(), ABSENT, "start", "Pending Started"),
    "one that waits is left alone": (PLAIN, RUNNING, work("waiting"), "nothing", "Pending Because"),
    "one that runs is left alone": (PLAIN, RUNNING, work("running"), "nothing", "Running Because"),
    "one that is done is done": (PLAIN, RUNNING, work("succeeded"), "nothing", "Succeeded Succeeded"),
    "one that failed has failed": (PLAIN, RUNNING, work("failed"), "nothing", "Failed Because"),
    "one that was cancelled is cancelled": (PLAIN, RUNNING, CANCELLED, "nothing", "Cancelled Cancelled"),
    "work that is lost is started again": (PLAIN, RUNNING, work("lost"), "start again", "Pending Because"),
    "what is lost again is waited for first": (PLAIN, LOST_AGAIN, work("lost"), "nothing", "Pending Because"),
    "what is lost again is started later": (PLAIN, LOST_LONG, work("lost"), "start again", "Pending Because"),
    "what waited for another reason has not waited for this": (PLAIN, LOST_ELSE, work("lost"), "nothing", "Pending Because"),
    "work that vanished is started": (PLAIN, RUNNING, ABSENT, "start", "Pending Started"),
    "what succeeded stays so without its work": (PLAIN, SUCCEEDED, ABSENT, "nothing", "Succeeded "),
    "what failed stays so without its work": (PLAIN, FAILED, ABSENT, "nothing", "Failed "),
    "what failed stays so when its run is removed later": (PLAIN, FAILED, work("lost"), "nothing", "Failed "),
    "what succeeded stays so with its work": (PLAIN, SUCCEEDED, work("succeeded"), "nothing", "Succeeded "),
    "a spec that changes ends what runs": (PLAIN, OLD_RUNNING, work("running", BEFORE), "stop", "Pending SpecChanged"),
    "also where the engine does not know what it runs": (PLAIN, OLD_RUNNING, work("running", ""), "stop", "Pending SpecChanged"),
    "a spec that changes ends what failed": (PLAIN, OLD_FAILED, work("failed", BEFORE), "stop", "Pending SpecChanged"),
    "a spec that changes begins anew": (PLAIN, Noted("Pending", BEFORE), ABSENT, "start", "Pending Started"),
    "also after a success": (PLAIN, OLD_SUCCEEDED, ABSENT, "start", "Pending Started"),
    "work of an id that was never noted is taken over": (PLAIN, Noted(), work("running", ""), "nothing", "Running Because"),
    "a held search ends what runs": (HELD, RUNNING, work("running"), "stop", "Suspended Suspended"),
    "a held search ends what failed": (HELD, FAILED, work("failed"), "stop", "Suspended Suspended"),
    "a held search that never ran does nothing": (HELD, Noted(), ABSENT, "nothing", "Suspended Suspended"),
    "a held search stays held": (HELD, SUSPENDED, ABSENT, "nothing", "Suspended Suspended"),
    "a held search that is done is done": (HELD, SUCCEEDED, work("succeeded"), "nothing", "Succeeded "),
    "a held search with a new spec is held": (HELD, OLD_SUCCEEDED, work("succeeded", BEFORE), "stop", "Suspended Suspended"),
    "a search that is held no longer begins": (PLAIN, SUSPENDED, ABSENT, "start", "Pending Started"),
    "what has fallen back stays on the CPU": (GPU, ON_CPU, ABSENT, "start", "Pending NoGpu"),
    "what has fallen back waits as anything does": (GPU, ON_CPU_LONG, NO_GPU, "nothing", "Pending Because"),
}  # fmt: skip
"""Spec, what was noted, how the work stands; and then the action, and phase and reason."""


@pytest.mark.parametrize("case", TABLE)
def test_the_table(case: str) -> None:
    wanted, noted, stands, action, said = TABLE[case]
    made = plan(wanted, NOW, noted, stands)
    assert (made.action, f"{made.phase} {made.reason}") == (action, said)


@pytest.mark.parametrize(
    ("wanted", "missing", "on_cpu", "reason", "said"),
    [
        (GPU, True, True, "NoGpu", "It runs on the CPU"),
        (GPU, False, False, "Started", "started"),
        (GPU, None, False, "Started", "started"),
        (GPU_OR_WAIT, True, False, "NoGpu", "It waits for one"),
        (GPU_OR_WAIT, False, False, "Started", "started"),
    ],
)
def test_a_search_whose_gpus_no_node_has_falls_back_or_waits(
    wanted: SearchSpec, missing: bool | None, on_cpu: bool, reason: str, said: str
) -> None:
    made = plan(wanted, NOW, Noted(), ABSENT, gpu_missing=missing)
    assert (made.action, made.on_cpu, made.reason) == ("start", on_cpu, reason)
    assert said in made.message
    assert reason != "NoGpu" or "nvidia.com/gpu: 1" in made.message


@pytest.mark.parametrize(
    ("wanted", "missing", "waiting_s", "message", "falls"),
    [
        (GPU, None, PATIENCE_FOR_GPU_S, NO_GPU_FREE, True),
        (GPU, True, PATIENCE_FOR_GPU_S, NO_GPU_FREE, True),
        (GPU, False, 9999.0, NO_GPU_FREE, False),  # a node has one, which is busy
        (GPU, None, PATIENCE_FOR_GPU_S - 1, NO_GPU_FREE, False),
        (GPU, None, 9999.0, "No node takes the pod: 1 Insufficient cpu.", False),
        (GPU_OR_WAIT, None, 9999.0, NO_GPU_FREE, False),
        (PLAIN, None, 9999.0, NO_GPU_FREE, False),
    ],
)
def test_a_pod_that_waits_for_a_gpu_falls_back_after_a_while(
    wanted: SearchSpec, missing: bool | None, waiting_s: float, message: str, falls: bool
) -> None:
    noted = Noted("Pending", NOW, "w", waiting_s=waiting_s)
    made = plan(wanted, NOW, noted, work("waiting", message=message), gpu_missing=missing)
    assert (made.action == "stop") == made.on_cpu == falls
    assert (made.reason == "NoGpu") == falls


class Life:
    """A search, and an engine that does at once what it is told; noted is what a controller would."""

    def __init__(self) -> None:
        self.noted = Noted()
        self.work = ABSENT
        self.starts: list[tuple[str, bool]] = []

    def look(self, wanted: SearchSpec, digest: str = NOW, **options: Any) -> Plan:
        made = plan(wanted, digest, self.noted, self.work, **options)
        self.noted = replace(self.noted, phase=made.phase)
        if made.action in ("start", "start again"):
            self.starts.append((digest, made.on_cpu))
            self.work = Work("waiting", "w", digest)
            self.noted = replace(self.noted, digest=digest, id="w", on_cpu=made.on_cpu)
        elif made.action == "stop":
            self.work = ABSENT
            self.noted = replace(self.noted, id="", on_cpu=made.on_cpu)
        return made

    def becomes(self, state: Any, **fields: Any) -> "Life":
        self.work = Work(state, "w", self.noted.digest, **{"reason": "Because", "message": "It is so.", **fields})
        return self


def test_a_search_that_failed_begins_anew_once_it_was_held() -> None:
    life = Life()
    life.look(PLAIN)
    assert life.becomes("failed").look(PLAIN).phase == "Failed"
    assert life.look(PLAIN).action == "nothing"
    assert [life.look(s).phase for s in (HELD, HELD, PLAIN, PLAIN)] == ["Suspended", "Suspended", "Pending", "Pending"]
    assert len(life.starts) == 2


def test_a_search_that_failed_begins_anew_with_another_spec() -> None:
    life = Life()
    life.look(PLAIN, BEFORE)
    life.becomes("failed").look(PLAIN, BEFORE)
    assert [life.look(PLAIN).action for _ in range(3)] == ["stop", "start", "nothing"]
    assert [digest for digest, _ in life.starts] == [BEFORE, NOW]


def test_a_search_that_falls_back_is_started_once_more_and_stays_there() -> None:
    life = Life()
    life.look(GPU, gpu_missing=None)
    life.noted = replace(life.noted, waiting_s=61.0)
    life.becomes("waiting", message=NO_GPU_FREE)
    assert [life.look(GPU, gpu_missing=None).action for _ in range(4)] == ["stop", "start", "nothing", "nothing"]
    assert [on_cpu for _, on_cpu in life.starts] == [False, True]


def test_a_new_spec_looks_for_gpus_again() -> None:
    life = Life()
    life.look(GPU, BEFORE, gpu_missing=True)
    life.becomes("succeeded").look(GPU, BEFORE)
    assert [life.look(GPU).action for _ in range(2)] == ["stop", "start"]
    assert [on_cpu for _, on_cpu in life.starts] == [True, False]
