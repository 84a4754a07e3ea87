"""What the controller says of a search, and what `kubectl get searches` shows of it."""

from collections.abc import Mapping
from typing import Any

from archsmith.cluster.structural import PRESERVE

PHASES = ("Pending", "Scheduled", "Running", "Suspended", "Succeeded", "Failed", "Cancelled")
"""What a search can be in; the last three are final until its spec asks for other work."""

FINAL = PHASES[-3:]
"""After these, nothing more happens."""

AGAIN = "archsmith.dev/again"
"""The annotation that asks for another attempt at a search that has failed: any text that it did not have before."""


def again(search: Mapping[str, Any]) -> str:
    """Return which further attempt an object asks for; empty where it asks for none."""
    return str((search["metadata"].get("annotations") or {}).get(AGAIN, ""))


def is_seen(search: Mapping[str, Any]) -> bool:
    """Tell whether the status of an object is about what it asks for now."""
    status = search.get("status") or {}
    asked = str(status.get("run", {}).get("again", ""))
    return bool(status.get("observedGeneration") == search["metadata"].get("generation", 0) and asked == again(search))


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _count(description: str) -> dict[str, Any]:
    return {"type": "integer", "format": "int64", "minimum": 0, "description": description}


_CONDITION: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "status", "lastTransitionTime", "reason", "message"],
    "properties": {
        "type": _text("What it is about.", maxLength=316),
        "status": _text("Whether it holds.", enum=["True", "False", "Unknown"]),
        "reason": _text("Why, in a word for programs.", maxLength=1024),
        "message": _text("Why, and what to do about it, for people.", maxLength=32768),
        "lastTransitionTime": _text("Since when.", format="date-time"),
        "observedGeneration": _count("The generation of the spec that it is about."),
    },
}

STATUS: Mapping[str, Any] = {
    "type": "object",
    "description": "How the search stands; the controller writes it.",
    "properties": {
        "phase": _text("Where it is in its life.", enum=list(PHASES)),
        "message": _text("What it does or why it waits, for people."),
        "engine": _text("What runs it: `kfp` or `job`."),
        "podsNamespace": _text("The namespace of its pods on Kubeflow Pipelines."),
        "trials": _text("Trials done, of all: 24/60; without an end to it, where only what they cost counts."),
        "trainings": _text("What they have cost, of what they may, in full trainings' worth: 3.7/40; where that counts."),
        "round": _text("Rounds done, of all: 3/10; where the budget names rounds."),
        "shared": _text("How weights that all architectures share were trained, and how many trials looked with them."),
        "verdicts": {
            "type": "array",
            "description": "What makes the answer of shared weights doubtful.",
            "items": {
                "type": "object",
                "required": ["kind", "said", "advice"],
                "properties": {
                    "kind": _text("What it is, in a word for programs."),
                    "said": _text("What was seen."),
                    "advice": _text("What to do about it."),
                },
            },
        },
        "spent": _text("What was spent on training, and what rungs, stopping and checkpoints have avoided."),
        "inherited": _text("How many trials began with the weights of others, and what that did for them."),
        "failed": _count("Failed trials among them."),
        "best": _text("The incumbent's value of the first objective."),
        "model": _text("URI of the trained model."),
        "promotion": {
            "type": "object",
            "description": "What has become of the trained model in MLflow.",
            "required": ["alias", "why"],
            "properties": {
                "alias": _text("What it is called: champion or challenger."),
                "why": _text("Why."),
                "version": _text("Its version of the registered model, once it is there."),
            },
        },
        "lastScheduleTime": _text("The last time of the schedule at which a search began.", format="date-time"),
        "nextScheduleTime": _text("The next time of the schedule.", format="date-time"),
        "lastSearch": _text("The search that the schedule began last."),
        "champion": {
            "type": "object",
            "description": "The last champion among the searches of the schedule; people may have moved the alias since.",
            "required": ["search"],
            "properties": {
                "search": _text("The search whose winner it is."),
                "version": _text("Its version of the registered model."),
                "accuracy": _text("Its accuracy on the test images."),
            },
        },
        "references": {
            "type": "object",
            "description": "What the winner gains over simple networks that are trained as it was.",
            "required": ["said", "advice"],
            "properties": {
                "gained": {"type": "boolean", "description": "Whether it is better than each, by more than a standard error."},
                "said": _text("By how much it is better or worse than each, on the test images."),
                "advice": {"type": "array", "items": {"type": "string"}, "description": "Which were not beaten, or have failed."},
            },
        },
        "startedAt": _text("When it first ran.", format="date-time"),
        "finishedAt": _text("When it was over.", format="date-time"),
        "observedGeneration": _count("The generation of the spec that this is about."),
        "incumbent": {
            "type": "object",
            "description": "The best trial so far: its id, its architecture in words and its metrics.",
            PRESERVE: True,
        },
        "links": {
            "type": "object",
            "description": "Where to look further: report, tracking, pipeline.",
            "additionalProperties": {"type": "string"},
        },
        "conditions": {
            "type": "array",
            "description": "What holds, and why.",
            "items": _CONDITION,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    },
    PRESERVE: True,
}
"""The schema of `status`; it keeps what the controller notes there for itself."""

COLUMNS: tuple[Mapping[str, str | int], ...] = (
    {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
    {"name": "Trials", "type": "string", "jsonPath": ".status.trials"},
    {"name": "Trainings", "type": "string", "jsonPath": ".status.trainings", "priority": 1},
    {"name": "Failed", "type": "integer", "jsonPath": ".status.failed"},
    {"name": "Best", "type": "string", "jsonPath": ".status.best"},
    {"name": "Model", "type": "string", "jsonPath": ".status.model"},
    {"name": "Last", "type": "date", "jsonPath": ".status.lastScheduleTime"},
    {"name": "Next", "type": "string", "jsonPath": ".status.nextScheduleTime"},
    {"name": "Champion", "type": "string", "jsonPath": ".status.champion.version"},
    {"name": "Accuracy", "type": "string", "jsonPath": ".status.champion.accuracy"},
    {"name": "Last Search", "type": "string", "jsonPath": ".status.lastSearch", "priority": 1},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
)
"""The columns of `kubectl get searches`, after the name; those of a priority are shown with `--output wide`."""
