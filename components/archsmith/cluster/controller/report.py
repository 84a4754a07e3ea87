"""From a plan to the status that people read, and to the events that tell of a change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from archsmith.cluster.controller.plan import Noted, Plan
from archsmith.cluster.controller.series import timestamp
from archsmith.cluster.controller.standing import Standing
from archsmith.cluster.controller.work import Work
from archsmith.cluster.status import FINAL
from archsmith.stores.cluster_note import ClusterNote

Status = Mapping[str, Any]
Condition = Mapping[str, Any]

_CALM = ("Pending", "Running", "Succeeded", "Suspended", "Scheduled")
"""Phases whose beginning is no warning."""

_USUAL = (
    "",
    "Started",
    "Starting",
    "Ending",
    "Queued",
    "PodRunning",
    "RunRunning",
    "Succeeded",
    "Suspended",
    "Scheduled",
    "SpecChanged",
)
"""Reasons that are no warning."""


VERDICTS: Mapping[str, str] = {
    "collapse": "Collapsed",
    "undecided": "ChoicesOpen",
    "sharp": "EigenvalueGrown",
    "contradicted": "RankingContradicted",
}
"""The reason of an event that tells of a verdict, by its kind."""

OF_SERIES = ("lastScheduleTime", "nextScheduleTime", "lastSearch", "champion")
"""Fields that only a series has."""

_LONGEST = 8000
"""Characters of a message: Kubernetes refuses a status whose conditions have more than 32768, and nobody reads them."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of Kubernetes."""

    type: str
    """Normal or Warning."""
    reason: str
    """In a word."""
    message: str
    """For people."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a status is made of."""

    plan: Plan
    """What is done."""
    noted: Noted
    """What is to be remembered."""
    work: Work
    """How the work stands."""
    standing: Standing
    """What the store says."""
    engine: str
    """The engine."""
    generation: int
    """The generation of the spec that this is about."""
    gpus: int
    """GPUs that the search asks for."""
    again: str
    """The further attempt that the object asks for."""
    now: datetime
    """The time."""
    gpu_offered: bool | None = None
    """Whether a node has the GPUs, as far as the nodes can be seen."""
    gpu_resource: str = ""
    """What the cluster calls a GPU."""
    series: Mapping[str, str] | None = None
    """What is to be remembered of a series, nothing where the search is none; what was noted before where it is None."""


def noted_in(status: Status, now: datetime) -> Noted:
    """Read back what the controller has noted."""
    run = status.get("run", {})
    since = run.get("since")
    waited = (now - datetime.fromisoformat(since)).total_seconds() if since else 0.0
    return Noted(
        phase=status.get("phase", ""),
        digest=run.get("digest", ""),
        id=run.get("id", ""),
        submitted=run.get("submitted", 0),
        on_cpu=run.get("onCpu", False),
        reason=run.get("reason", ""),
        waiting_s=waited,
    )


def status_of(before: Status, facts: Facts) -> dict[str, Any]:
    """Return the status, whole.

    Args:
        before: The status as it was; what nobody says anew stays, such as the last known incumbent.
        facts: What it is made of.
    """
    plan, now = facts.plan, timestamp(facts.now)
    reason, message = plan.reason or _was(before, "reason"), _shortened(plan.message or str(before.get("message", "")))
    status = {
        **{key: value for key, value in before.items() if facts.series is None or key not in OF_SERIES},
        **facts.standing.fields,
        "phase": plan.phase,
        "message": message,
        "engine": facts.engine,
        "observedGeneration": facts.generation,
        "run": _run(before, facts, reason),
        "conditions": _conditions(before, replace(facts, plan=replace(plan, reason=reason, message=message))),
    }
    if links := _links(before, facts):
        status["links"] = links
    if facts.work.namespace:
        status["podsNamespace"] = facts.work.namespace
    if plan.phase == "Running" or plan.action == "start":
        status.setdefault("startedAt", now)
    if plan.phase in FINAL:
        status.setdefault("finishedAt", now)
    else:
        status.pop("finishedAt", None)
    return status


def _links(before: Status, facts: Facts) -> dict[str, str]:
    """Return where people look; what nobody says anew stays."""
    pipeline = {"pipeline": facts.work.link} if facts.work.link else {}
    return {**before.get("links", {}), **facts.standing.fields.get("links", {}), **pipeline}


def note_from(status: Status, series: str) -> ClusterNote:
    """Return what of a status is left in the store."""
    phase, reason = status["phase"], _was(status, "reason")
    usual = phase in ("Running", "Succeeded") and reason in _USUAL
    return ClusterNote(phase, reason, status["message"], status["run"]["since"], usual, series)


def changes(before: Status, after: Status) -> dict[str, Any]:
    """Return the merge patch (RFC 7386) that makes one status of the other; empty where they are the same."""
    made: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if old != value:
            made[key] = changes(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return made


def events_of(before: Status, after: Status, work: Work) -> Iterator[Event]:
    """Yield what is worth telling of a change."""
    if died(before, after, work):
        then = "" if work.state == "failed" else " Another pod goes on from the store."
        yield Event("Warning", "PodDied", f"{work.death}{then}")
    for name in ("GpuOffered", "StoreReachable"):
        old, new = (_find(status.get("conditions", ()), name) for status in (before, after))
        if new and new["status"] == "False" and (old is None or old["status"] != "False"):
            yield Event("Warning", new["reason"], new["message"])
    known = {verdict["kind"] for verdict in before.get("verdicts", ())}
    for verdict in after.get("verdicts", ()):
        if verdict["kind"] not in known:
            yield Event("Warning", VERDICTS.get(verdict["kind"], "SharedWeights"), f"{verdict['said']} {verdict['advice']}")
    promotion, told = after.get("promotion"), before.get("promotion") or {}
    if promotion and any(promotion[key] != told.get(key) for key in ("alias", "why")):
        won = promotion["alias"] == "champion"
        yield Event("Normal" if won else "Warning", "Promoted" if won else "NotPromoted", promotion["why"])
    worth = after.get("references")
    if worth and worth != before.get("references"):
        gained = worth.get("gained", False)
        told = " ".join([f"The winner is {worth['said']}."] * bool(worth["said"]) + worth["advice"])
        yield Event("Normal" if gained else "Warning", "Gained" if gained else "NotGained", told)
    reason = _was(after, "reason")
    if (before.get("phase"), _was(before, "reason")) != (after["phase"], reason) and reason != "NoGpu":
        calm = after["phase"] in _CALM and reason in _USUAL
        yield Event("Normal" if calm else "Warning", reason, after["message"])


def died(before: Status, after: Status, work: Work) -> int:
    """Return how many pods have died since; not counted is one whose own error is why the search has failed."""
    more = int(after.get("run", {}).get("deaths", 0)) - int(before.get("run", {}).get("deaths", 0))
    return max(0, more) if work.state != "failed" or work.was_killed else 0


def is_true(status: Status, name: str) -> bool:
    """Tell whether a condition holds."""
    found = _find(status.get("conditions", ()), name)
    return found is not None and found["status"] == "True"


def _run(before: Status, facts: Facts, reason: str) -> dict[str, Any]:
    """Return what is to be remembered."""
    noted, work = facts.noted, facts.work
    # Where nothing is known of the work, deaths that were told of are not told of again.
    known = work.state != "absent" or facts.plan.action == "start"
    deaths = work.deaths if known else before.get("run", {}).get("deaths", 0)
    begins = facts.plan.action == "start again"  # and what it waits for next, it waits for from now on
    same = not begins and (before.get("phase"), _was(before, "reason")) == (facts.plan.phase, reason)
    since, now = before.get("run", {}).get("since") if same else None, timestamp(facts.now)
    series = before.get("run", {}).get("series") if facts.series is None else facts.series
    return {
        **({"series": dict(series)} if series else {}),
        "digest": noted.digest,
        "id": noted.id,
        "submitted": noted.submitted,
        "onCpu": noted.on_cpu,
        "again": facts.again,
        "deaths": deaths,
        "reason": reason,
        "since": since if since and since <= now else now,  # a clock that was set back would have it wait until then
    }


def _was(status: Status, key: str) -> str:
    return str(status.get("run", {}).get(key, ""))


def _conditions(before: Status, facts: Facts) -> list[dict[str, Any]]:
    plan, standing = facts.plan, facts.standing
    ended = {"Succeeded": "True", "Failed": "False", "Cancelled": "False"}.get(plan.phase, "Unknown")
    under_way = "True" if plan.phase == "Running" else "False"
    wanted = [
        ("Running", under_way, plan.reason, plan.message),
        ("Succeeded", ended, plan.reason if ended != "Unknown" else "NotYet", plan.message if ended != "Unknown" else ""),
        _store_condition(before, standing),
    ]
    if facts.gpus:
        wanted.append(_gpu_condition(before, facts))
    return [_condition(before, facts, *one) for one in wanted]


def _store_condition(before: Status, standing: Standing) -> tuple[str, str, str, str]:
    if not standing.asked:
        known = _find(before.get("conditions", ()), "StoreReachable") if standing.stays else None
        last = known or {"status": "Unknown", "reason": "NotYet", "message": ""}
        return "StoreReachable", last["status"], last["reason"], last["message"]
    if standing.error:
        return "StoreReachable", "False", "StoreUnavailable", f"The status may be old: {standing.error}"
    return "StoreReachable", "True", "StoreAnswers", ""


def _gpu_condition(before: Status, facts: Facts) -> tuple[str, str, str, str]:
    """Tell whether a node offers the GPUs: by the nodes where they can be seen, else by where pods with GPUs are."""
    work, what = facts.work, f"{facts.gpu_resource}: {facts.gpus}"
    last = _find(before.get("conditions", ()), "GpuOffered")
    if facts.plan.reason == "NoGpu":
        return "GpuOffered", "False", "NoGpu", facts.plan.message
    if not facts.noted.on_cpu:  # else its pods ask for none
        if facts.gpu_offered or (facts.gpu_offered is None and work.has_gpu):
            return "GpuOffered", "True", "GpuFound", ""
        if facts.gpu_offered is False:
            waits = " It waits for one, as `resources.fallback` is none." if work.state == "waiting" else ""
            said = f"No node that it may run on offers {what}.{waits}"
            return "GpuOffered", "False", "NoGpu", last["message"] if last and last["status"] == "False" else said
        if work.state == "waiting" and facts.gpu_resource and facts.gpu_resource in work.message:
            return "GpuOffered", "False", "NoGpu", work.message
    if last:
        return "GpuOffered", last["status"], last["reason"], last["message"]
    return "GpuOffered", "Unknown", "NotYet", ""


def _condition(before: Status, facts: Facts, name: str, status: str, reason: str, message: str) -> dict[str, Any]:
    last = _find(before.get("conditions", ()), name)
    since = last["lastTransitionTime"] if last and last["status"] == status else timestamp(facts.now)
    return {
        "type": name,
        "status": status,
        "reason": reason or "Unknown",
        "message": _shortened(message),
        "lastTransitionTime": since,
        "observedGeneration": facts.generation,
    }


def _shortened(message: str) -> str:
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"


def _find(conditions: Sequence[Condition], name: str) -> Condition | None:
    return next((c for c in conditions if c["type"] == name), None)
