"""What the browser is told of a search beside its trials, in parts: one that it has already is not sent again."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from archsmith.report import effects, facts
from archsmith.report.data import ReportData
from archsmith.report.failures import failures
from archsmith.report.pictures.incumbent import best_so_far
from archsmith.report.provenance import search_file
from archsmith.ui.following import Seen
from archsmith.values import SupernetEpoch
from archsmith.values.metrics import METRICS
from archsmith.views.chosen import plan_of
from archsmith.views.reported import reported
from archsmith.views.snapshot import Snapshot

Parts = Mapping[str, tuple[str, bytes]]
"""Of each part its digest and its JSON."""

_TROUBLES = 50
"""Failures and orphans that are told one by one."""


def parts_of(seen: Seen) -> Parts:
    """Return all parts of a search at a moment."""
    data = reported(seen.now)
    made = {
        "search": _search(seen, data),
        "shared": _shared(seen.now.records),
        "effects": _effects(data),
        "now": _now(seen, data),
    }
    written = {name: orjson.dumps(part) for name, part in made.items()}
    return {name: (hashlib.sha256(data_).hexdigest()[:16], data_) for name, data_ in written.items()}


def _search(seen: Seen, data: ReportData) -> dict[str, Any]:
    """Return what stays as it is: the file, the space, what is asked for, the images, and what was chosen and why."""
    now, search = seen.now, seen.now.search
    return {
        "name": search.name,
        "file": file_of(now, data),
        "space": search.spec.space.name,
        "strategy": search.spec.strategy.name,
        "estimator": search.spec.estimation.name,
        "decisions": [
            {"name": d.name, "choices": [facts.said(c) for c in d.choices], "values": list(d.choices)}
            for d in search.space.decisions
        ],
        "objectives": [
            {"metric": o.metric, "label": facts.heading(o.metric), "goal": o.goal, "limit": o.limit, "sign": o.sign}
            for o in search.spec.objectives
        ],
        "rungs": [rung.words for rung in search.ladder],
        "data": [*(now.data.summary() if now.data else ())],
        "warnings": [*(now.data.remarks if now.data else ())],
        "chosen": plan.rows if (plan := plan_of(seen.folder)) else (),
    }


def file_of(now: Snapshot, data: ReportData) -> str:
    """Return the search file as it was written, or written anew where its tracking URI holds a password."""
    return now.search.text if data.spec == now.search.spec else search_file(data)


def _shared(records: Sequence[SupernetEpoch]) -> dict[str, Any]:
    """Return how the training of shared weights went, and of its probabilities a table an option."""
    points: dict[str, dict[str, list[float | None]]] = {}
    for k, record in enumerate(records):
        for point, options in record.probabilities.items():
            for option, p in options.items():
                points.setdefault(point, {}).setdefault(option, [None] * len(records))[k] = round(p, 4)
    values = ("epoch", "train_loss", "val_loss", "val_accuracy", "entropy", "temperature", "eigenvalue", "seconds")
    return {"epochs": [{name: getattr(r, name) for name in values} for r in records], "points": points}


def _effects(data: ReportData) -> dict[str, Any]:
    found = effects.effects(data.space, data.compared, data.quality)
    return {
        "fewest": effects.FEWEST,
        "metric": data.quality,
        "effects": [
            {
                "decision": e.decision,
                "share": e.share,
                "sure": e.sure,
                "choices": [{"choice": facts.said(c.choice), "n": c.n, "mean": c.mean, "error": c.error} for c in e.choices],
            }
            for e in found
        ],
    }


def _now(seen: Seen, data: ReportData) -> dict[str, Any]:
    """Return what changes."""
    now, history = seen.now, seen.now.history
    total, done = now.progress
    numbered = {t.id: float(t.proposal.number) for t in history}
    metrics = facts.headings(data)
    return {
        "phase": now.phase,
        "changed": seen.changed_at,
        "alive": seen.alive,
        "progress": {"done": done, "total": total},
        "trials": {
            "ended": len(history), "complete": len(history.completed), "failed": len(history.failed),
            "stopped": sum(t.status == "stopped" for t in history), "looks": len(history.looks), "budget": now.most_trials,
        },
        "trainings": {"spent": now.trainings, "budget": now.most_trainings},
        "epochs_to_share": now.epochs_to_share,
        "busy": history.busy_s() + now.shared_s,
        "left": now.left_s() if now.phase in {"sharing", "searching"} else None,
        "metrics": [{"name": m, "label": facts.heading(m), "known": m in METRICS} for m in metrics],
        "quality": data.quality,
        "quality_label": facts.heading(data.quality),
        "sign": data.quality_sign,
        "objective": {
            "metric": data.objective.metric, "label": facts.heading(data.objective.metric), "sign": data.objective.sign,
        },
        "winner": now.selection.winner,
        "front": list(now.selection.front),
        "reason": now.selection.reason,
        "test_accuracy": now.test_accuracy,
        "said": now.said(now.winner) if now.winner else "",
        "notation": now.search.describe(now.winner.proposal.architecture) if now.winner else "",
        "incumbents": [trial.id for _, _, trial in best_so_far(data, numbered)],
        "beyond": [t.id for t in history.completed if not data.allowed(t)],
        "running": _running(seen),
        "spent": facts.spent(data),
        "spending": facts.rungs(data),
        "inherited": facts.inherited(data),
        "orphans": facts.orphans(data)[:_TROUBLES],
        "worth": now.worth.line if now.worth else "",
        "verdicts": [verdict.words for verdict in now.verdicts],
        "promotion": f"In MLflow it became the {now.promotion.alias}. {now.promotion.why}" if now.promotion else "",
        "failures": [
            {"reason": f.reason, "n": len(f.trials), "trials": [t.id for t in f.trials[:_TROUBLES]]}
            for f in failures(history.failed)[:_TROUBLES]
        ],
        "troubles": troubles(seen),
    }  # fmt: skip


def troubles(seen: Seen) -> list[str]:
    """Say why a search waits or has failed, as far as its store tells."""
    now = seen.now
    said = [seen.error] if seen.error else []
    if now.phase == "done" and now.selection.winner is None:
        said.append(f"There is no winner: {now.selection.reason}.")
    if now.note and not now.note.is_usual and now.phase != "done":
        said.append(now.note.words)
    elif now.phase == "searching" and not seen.alive and not seen.error:
        said.append("No worker says that it is at it. `archsmith run` with its file, or the controller, goes on from here.")
    return [*said, *now.damaged]


def _running(seen: Seen) -> list[dict[str, Any]]:
    """Return what is trained now, on which worker, and how far it is."""
    now, known = seen.now, {t.id for t in seen.now.history}
    return [
        {
            "id": trial,
            "number": proposal.number,
            "architecture": proposal.architecture.id,
            "notation": now.search.describe(proposal.architecture),
            "full": trial in known,
            "worker": seen.workers.get(trial, ""),
            "reason": proposal.reason,
            "epochs": now.search.spec.retrain.epochs if trial in known else proposal.fidelity.epochs,
            "curve": [[r.epoch, r.val_accuracy] for r in curve],
            "seconds": curve[-1].seconds if curve else 0.0,
        }
        for trial, (proposal, curve) in sorted(now.running.items(), key=lambda item: item[1][0].number)
    ]
