"""Statuses, their patches, conditions and events."""

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import numpy as np
import pytest

from archsmith.cluster.controller.plan import Noted, Plan
from archsmith.cluster.controller.report import Facts, changes, died, events_of, noted_in, status_of
from archsmith.cluster.controller.standing import Standing
from archsmith.cluster.controller.work import ABSENT, Work
from archsmith.cluster.status import PHASES, STATUS

BEGIN = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)

STARTED = Facts(
    Plan("start", "Pending", "Started", "It is being started."),
    Noted("Pending", "d", "w"),
    ABSENT,
    Standing({}),
    "job",
    1,
    0,
    "",
    BEGIN,
)
WAITS = replace(
    STARTED,
    plan=Plan("nothing", "Pending", "Unschedulable", "No node takes the pod."),
    work=Work("waiting", "w", "d", "Unschedulable", "No node takes the pod."),
)
RUNS = replace(
    STARTED,
    plan=Plan("nothing", "Running", "PodRunning", "A pod works on it."),
    work=Work("running", "w", "d", "PodRunning", "A pod works on it."),
)
DONE = replace(RUNS, plan=Plan("nothing", "Succeeded", "Succeeded", "It is done."), work=Work("succeeded", "w", "d"))
FAILED = replace(
    RUNS, plan=Plan("nothing", "Failed", "DataError", "There are no images."), work=Work("failed", "w", "d", deaths=1)
)
RESTS = replace(DONE, plan=Plan("nothing", "Succeeded", "", ""), work=ABSENT)
NO_GPU = replace(STARTED, plan=Plan("start", "Pending", "NoGpu", "No node has one.", on_cpu=True), gpus=1)
AWAY = replace(RUNS, plan=Plan("nothing", "Running", "UnavailableError", "It does not answer."), work=ABSENT)
STORE_AWAY = replace(RUNS, standing=Standing({"trials": "2/6"}, "MinIO does not answer."))


def at(facts: Facts, seconds: float) -> Facts:
    return replace(facts, now=BEGIN + timedelta(seconds=seconds))


def statuses(*course: Facts) -> list[dict[str, Any]]:
    """Return the statuses of a course, ten seconds from one to the next."""
    made: list[dict[str, Any]] = [{}]
    for k, facts in enumerate(course):
        made.append(status_of(made[-1], at(facts, 10 * k)))
    return made


def told(*course: Facts) -> list[list[str]]:
    """Return the reasons of the events of each step of a course."""
    made = statuses(*course)
    return [[e.reason for e in events_of(b, a, f.work)] for b, a, f in zip(made, made[1:], course, strict=False)]


def condition(status: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (c for c in status["conditions"] if c["type"] == name)
    return dict(found)


def merged(now: Any, patch: Any) -> Any:
    """Apply a merge patch, by the pseudocode of RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    target = dict(now) if isinstance(now, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = merged(target.get(name), value)
    return target


def random_value(rng: np.random.Generator, depth: int = 3) -> Any:
    kind = rng.integers(5 if depth else 3)
    if kind == 3:
        return [random_value(rng, 0) for _ in range(rng.integers(3))]
    if kind == 4:
        return random_dict(rng, depth - 1)
    return [int(rng.integers(2)), str(rng.integers(2)), bool(rng.integers(2))][kind]


def random_dict(rng: np.random.Generator, depth: int = 3) -> dict[str, Any]:
    return {key: random_value(rng, depth) for key in "abcd" if rng.random() < 0.6}


def test_the_patch_makes_one_status_of_the_other() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2000):
        before, after = random_dict(rng), random_dict(rng)
        assert merged(copy.deepcopy(before), changes(before, after)) == after
        assert changes(after, copy.deepcopy(after)) == {}


LONG = replace(FAILED, plan=replace(FAILED.plan, message="wrong " * 6000), standing=Standing({}, "away " * 8000))


@pytest.mark.parametrize("facts", [STARTED, WAITS, RUNS, DONE, FAILED, RESTS, NO_GPU, AWAY, STORE_AWAY, LONG])
def test_a_status_is_one_by_the_schema_of_the_resource(facts: Facts) -> None:
    validator = jsonschema.Draft202012Validator(STATUS, format_checker=jsonschema.FormatChecker())
    for status in statuses(STARTED, RUNS, facts)[1:]:
        assert list(validator.iter_errors(status)) == []
        assert status["phase"] in PHASES


def test_a_condition_changes_its_time_with_its_status_and_not_otherwise() -> None:
    course = statuses(STARTED, WAITS, RUNS, RUNS, DONE)[1:]
    assert [condition(s, "Running")["lastTransitionTime"][-3:-1] for s in course] == ["00", "00", "20", "20", "40"]
    assert [condition(s, "Running")["status"] for s in course] == ["False", "False", "True", "True", "False"]
    assert [condition(s, "Succeeded")["status"] for s in course] == ["Unknown"] * 4 + ["True"]
    assert {condition(s, "StoreReachable")["lastTransitionTime"][-3:-1] for s in course} == {"00"}
    assert condition(course[1], "Running")["reason"] == "Unschedulable"


def test_nothing_new_is_no_change_and_no_event() -> None:
    for facts in (WAITS, RUNS, DONE, FAILED, STORE_AWAY):
        first, second = statuses(STARTED, facts, facts)[2:]
        assert changes(first, second) == {}
        assert list(events_of(first, second, facts.work)) == []


def test_it_tells_once_of_each_change() -> None:
    assert told(STARTED, WAITS, WAITS, RUNS, RUNS, DONE, RESTS) == [
        ["Started"], ["Unschedulable"], [], ["PodRunning"], [], ["Succeeded"], [],
    ]  # fmt: skip


def test_what_goes_wrong_is_a_warning() -> None:
    before = statuses(STARTED)[1]
    for facts, kind in ((RUNS, "Normal"), (DONE, "Normal"), (WAITS, "Warning"), (FAILED, "Warning"), (AWAY, "Warning")):
        (event,) = events_of(before, status_of(before, facts), facts.work)
        assert (event.type, event.message) == (kind, facts.plan.message)


def test_a_pods_death_is_told_once_and_not_again_after_an_outage() -> None:
    died = replace(RUNS, work=replace(RUNS.work, deaths=1, death="The pod x was ended."))
    assert told(STARTED, RUNS, died, died, AWAY, died) == [
        ["Started"], ["PodRunning"], ["PodDied"], [], ["UnavailableError"], ["PodRunning"],
    ]  # fmt: skip


def test_what_becomes_of_the_winner_is_told_once() -> None:
    before = statuses(STARTED, RUNS)[-1]
    for alias, kind in (("champion", ("Normal", "Promoted")), ("challenger", ("Warning", "NotPromoted"))):
        fields = {**DONE.standing.fields, "promotion": {"alias": alias, "why": "It knows more."}}
        facts = replace(DONE, standing=replace(DONE.standing, fields=fields))
        after = status_of(before, facts)
        told, _ = events_of(before, after, facts.work)
        assert ((told.type, told.reason), told.message) == (kind, "It knows more.")
        assert list(events_of(after, status_of(after, facts), facts.work)) == []


def test_what_a_search_has_gained_is_told_once() -> None:
    before = statuses(STARTED, RUNS)[-1]
    for gained, kind, advice in ((True, ("Normal", "Gained"), []), (False, ("Warning", "NotGained"), ["It was not worth it."])):
        fields = {**DONE.standing.fields, "references": {"gained": gained, "said": "level with it", "advice": advice}}
        facts = replace(DONE, standing=replace(DONE.standing, fields=fields))
        after = status_of(before, facts)
        told, _ = events_of(before, after, facts.work)
        assert ((told.type, told.reason), told.message) == (kind, " ".join(["The winner is level with it.", *advice]))
        assert list(events_of(after, status_of(after, facts), facts.work)) == []


def test_deaths_are_counted_anew_for_new_work() -> None:
    died = replace(RUNS, work=replace(RUNS.work, deaths=1, death="The pod x was ended."))
    assert [reasons.count("PodDied") for reasons in told(STARTED, died, STARTED, RUNS, died)] == [0, 1, 0, 0, 1]


def test_an_error_of_its_own_that_ends_a_search_is_told_as_its_failure() -> None:
    failed = replace(FAILED, work=replace(FAILED.work, deaths=1))
    assert told(STARTED, RUNS, failed)[-1] == ["DataError"]


def test_a_pod_that_was_killed_has_died_also_where_the_search_ends_with_it() -> None:
    work = replace(FAILED.work, deaths=1, death="The pod x needed more memory.", was_killed=True)
    before = statuses(STARTED, RUNS)[-1]
    after = status_of(before, replace(FAILED, work=work))
    assert [event.reason for event in events_of(before, after, work)] == ["PodDied", "DataError"]
    assert next(events_of(before, after, work)).message == "The pod x needed more memory."
    assert died(before, after, work) == 1


def test_a_missing_gpu_is_told_once_and_stays_in_the_condition_while_the_cpu_is_used() -> None:
    on_cpu = replace(RUNS, gpus=1, noted=replace(RUNS.noted, on_cpu=True))
    assert told(NO_GPU, on_cpu, on_cpu) == [["NoGpu"], ["PodRunning"], []]
    last = condition(statuses(NO_GPU, on_cpu, on_cpu)[-1], "GpuOffered")
    assert (last["status"], last["reason"], last["message"]) == ("False", "NoGpu", "No node has one.")


GPU = "nvidia.com/gpu"


def offered(*course: Facts) -> list[str]:
    """Return what the condition says at each step of a course."""
    return [condition(s, "GpuOffered")["status"] for s in statuses(*(replace(f, gpus=1, gpu_resource=GPU) for f in course))[1:]]


def test_a_gpu_is_found_when_a_pod_with_one_runs_and_not_known_of_before() -> None:
    with_gpu = replace(RUNS, work=replace(RUNS.work, has_gpu=True))
    assert offered(STARTED, WAITS, RUNS, with_gpu, WAITS) == ["Unknown", "Unknown", "Unknown", "True", "True"]


def test_a_step_that_needs_no_gpu_shows_none() -> None:
    lacks = f"0/3 nodes are available: 3 Insufficient {GPU}."
    waits = replace(WAITS, work=replace(WAITS.work, message=lacks))
    assert offered(STARTED, RUNS, waits, RUNS) == ["Unknown", "Unknown", "False", "False"]
    assert condition(statuses(replace(waits, gpus=1, gpu_resource=GPU))[1], "GpuOffered")["message"] == lacks


def test_where_nodes_can_be_seen_they_say_whether_one_offers_a_gpu() -> None:
    none, some = replace(RUNS, gpu_offered=False), replace(RUNS, gpu_offered=True)
    assert offered(STARTED, none, some, none) == ["Unknown", "False", "True", "False"]
    last = condition(statuses(replace(none, gpus=2, gpu_resource=GPU))[1], "GpuOffered")
    assert (last["reason"], last["message"]) == ("NoGpu", "No node that it may run on offers nvidia.com/gpu: 2.")
    gone = statuses(*(replace(f, gpus=2, gpu_resource=GPU) for f in (some, replace(WAITS, gpu_offered=False))))[-1]
    assert condition(gone, "GpuOffered")["message"].endswith("It waits for one, as `resources.fallback` is none.")
    waited = statuses(NO_GPU, replace(some, gpus=1))[-1]
    assert condition(waited, "GpuOffered")["status"] == "True"
    assert not [c for c in statuses(RUNS)[-1]["conditions"] if c["type"] == "GpuOffered"]


def test_a_store_that_does_not_answer_leaves_what_was_known_and_is_told_of_once() -> None:
    known = replace(RUNS, standing=Standing({"trials": "2/6"}))
    course = statuses(STARTED, known, STORE_AWAY, STORE_AWAY)
    assert course[-1]["trials"] == "2/6"
    found = condition(course[-1], "StoreReachable")
    assert (found["status"], found["reason"]) == ("False", "StoreUnavailable")
    assert "MinIO does not answer" in found["message"]
    assert told(STARTED, known, STORE_AWAY, STORE_AWAY, known)[2:] == [["StoreUnavailable"], [], []]


def test_times_are_those_of_the_first_start_and_of_the_last_end() -> None:
    course = statuses(STARTED, RUNS, DONE, RESTS, STARTED, RUNS, FAILED)[1:]
    assert {s["startedAt"] for s in course} == {"2026-01-01T12:00:00Z"}
    assert [s.get("finishedAt", "")[14:19] for s in course] == ["", "", "00:20", "00:20", "", "", "01:00"]


def test_links_of_run_and_store_stand_side_by_side_and_stay() -> None:
    linked = replace(RUNS, work=replace(RUNS.work, link="https://kfp/run"), standing=Standing({"links": {"report": "r"}}))
    for facts in (linked, replace(linked, work=ABSENT), AWAY, RESTS):
        assert statuses(STARTED, linked, facts)[-1]["links"] == {"report": "r", "pipeline": "https://kfp/run"}


def test_what_is_noted_is_read_back() -> None:
    noted = Noted("Running", "d", "w", submitted=2, on_cpu=True)
    facts = replace(RUNS, noted=noted)
    read = noted_in(statuses(facts, facts)[-1], BEGIN + timedelta(seconds=45))
    assert read == replace(noted, reason=RUNS.plan.reason, waiting_s=45.0)
    assert noted_in({}, BEGIN) == Noted()


def test_waiting_begins_anew_where_the_clock_was_set_back() -> None:
    before = statuses(STARTED, WAITS)[-1]
    after = status_of(before, replace(WAITS, now=BEGIN - timedelta(days=1)))
    assert noted_in(after, BEGIN - timedelta(days=1) + timedelta(seconds=7)).waiting_s == 7.0


def test_waiting_is_counted_from_the_beginning_of_its_reason() -> None:
    course = statuses(STARTED, WAITS, WAITS, WAITS)
    assert noted_in(course[-1], BEGIN + timedelta(seconds=40)).waiting_s == 30.0


def test_what_is_doubtful_about_shared_weights_is_told_once() -> None:
    verdicts = [{"kind": "collapse", "said": "It has collapsed.", "advice": "Take a guard."}]
    doubtful = replace(RUNS, standing=Standing({"verdicts": verdicts}))
    assert told(STARTED, RUNS, doubtful, doubtful, RUNS)[2:] == [["Collapsed"], [], []]
    before, after = statuses(STARTED, RUNS)[-1], statuses(STARTED, RUNS, doubtful)[-1]
    (event,) = events_of(before, after, RUNS.work)
    assert (event.type, event.message) == ("Warning", "It has collapsed. Take a guard.")
    gone = status_of(after, replace(RUNS, standing=Standing({"verdicts": []})))
    assert gone["verdicts"] == []
