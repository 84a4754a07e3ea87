"""Trials as the browser gets them: a row each, which never changes, so that only new ones are sent."""

import math
from typing import Any

import orjson

from archsmith.values import Born, GoesOn, Inherits, Orphan, Trial


def row(trial: Trial) -> bytes:
    """Return a trial as JSON; what is not there is left out, since a search may have thousands."""
    proposal = trial.proposal
    found: dict[str, Any] = {
        "id": trial.id,
        "number": proposal.number,
        "architecture": proposal.architecture.id,
        "choices": list(proposal.architecture.choices),
        "status": "look" if proposal.is_look and trial.status == "complete" else trial.status,
        "epochs": proposal.fidelity.epochs,
        "fidelity": proposal.fidelity.words,
        "cost": proposal.fidelity.cost,
        "metrics": {k: v for k, v in trial.metrics.items() if math.isfinite(v)},
        "curve": [[r.epoch, round(r.val_accuracy, 5)] for r in trial.curve if math.isfinite(r.val_accuracy)],
        "seconds": round(trial.seconds, 3),
        "ended": round(trial.finished_at, 3),
        **_origin(trial),
    }
    if proposal.reason:
        found["reason"] = proposal.reason
    if trial.error:
        found["error"] = trial.error.strip().splitlines()[0][:300] if trial.error.strip() else "no reason was given"
    if trial.stop:
        found["stop"] = {"epoch": trial.stop.epoch, "rule": trial.stop.rule, "predicted": trial.stop.predicted}
    return orjson.dumps(found)


def _origin(trial: Trial) -> dict[str, Any]:
    """Return where the training began, where that was not from scratch."""
    match trial.proposal.origin, trial.birth:
        case GoesOn(before, epochs), _:
            return {"before": before, "epochs_before": epochs}
        case _, Born(parent=parent, accuracy=accuracy):
            return {"parent": parent, "born": accuracy}
        case _, Orphan(parent=parent):
            return {"parent": parent, "orphan": True}
        case Inherits(parent), _:
            return {"parent": parent}
    return {}
