"""What MLflow is told about a search: pure functions from values to params, tags and points of metrics.

A point's step and time come from the trial, never from a clock: MLflow keeps equal points once, so
logging them again after a crash changes nothing.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from archsmith.spaces.skips import SKIPS
from archsmith.spec import SearchSpec
from archsmith.tracking.places import redact
from archsmith.values import Born, EpochRecord, Inherits, Orphan, Proposal, SupernetEpoch, Trial
from archsmith.values.data_facts import SPLITS, DataFacts
from archsmith.values.families import Families
from archsmith.values.proposals import origin_to_dict
from archsmith.values.references import Worth
from archsmith.values.spending import Spending

STATUS = {"complete": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
"""MLflow's status of a run, by the status of its trial."""

EPOCHS = "epochs"
"""The metric that closes what is logged of an epoch of shared weights."""

MAX_PARAMS = 100
"""Most params that one request may hold."""
MAX_POINTS = 900
"""Most points of metrics that one request may hold beside them; it may hold 1000 things in all."""
MAX_TEXT = 5000
"""Longest value of a param or tag: under the limits of all of MLflow's stores."""


class Point(NamedTuple):
    """A value of a metric."""

    key: str
    value: float
    timestamp_ms: int
    step: int


def start_ms(trial: Trial) -> int:
    """Return when the trial began, in milliseconds since the epoch of Unix."""
    return max(0, round((trial.finished_at - trial.seconds) * 1000))


def end_ms(trial: Trial) -> int:
    """Return when the trial ended, in milliseconds since the epoch of Unix."""
    return round(trial.finished_at * 1000)


def trial_tags(trial: Trial, *, in_rounds: bool) -> dict[str, str]:
    """Return what there is to know about the trial beside what was chosen and measured; `in_rounds` where there are rounds."""
    proposal = trial.proposal
    tags = {
        "trial": trial.id,
        "number": proposal.number,
        **({"round": proposal.round} if in_rounds else {}),
        "reason": proposal.reason,
        "rung": proposal.fidelity.words,
        **({"look": True} if proposal.is_look else _origin(proposal)),
        "status": trial.status,
        "error": trial.error,
        "checkpoint": trial.checkpoint,
        **_birth(trial),
        **({f"stop_{key}": value for key, value in trial.stop.to_dict().items()} if trial.stop else {}),
    }
    return {f"archsmith.{key}": text(value) for key, value in tags.items() if value not in {None, ""}}


def _origin(proposal: Proposal) -> dict[str, Any]:
    """Return where a training begins; its epochs are said to be those before, as nothing beside them tells."""
    return {"epochs_before" if k == "epochs" else k: value for k, value in (origin_to_dict(proposal.origin) or {}).items()}


def _birth(trial: Trial) -> dict[str, Any]:
    """Return what a trial that inherits has begun with: whether it computed what its parent did, or why it is an orphan."""
    match trial.birth:
        case Born(same=same, epochs=epochs):
            return {"epochs_inherited": epochs, "same_as_parent": same}
        case Orphan(why=why):
            return {"orphan": why}
        case None:
            return {}


def parent_of(trial: Trial) -> str | None:
    """Return the id of the trial whose weights another one began with; None where it began with none."""
    if isinstance(trial.birth, Orphan) or not isinstance(trial.proposal.origin, Inherits):
        return None
    return trial.proposal.origin.trial


def trial_params(trial: Trial, decisions: Sequence[str]) -> dict[str, str]:
    """Return the active decisions, the fidelity, and what the trial was measured with."""
    architecture = trial.proposal.architecture
    choices = zip(decisions, architecture.choices, strict=True)
    params = {f"decision.{name}": choice for name, choice in choices if choice is not None}
    params |= {f"fidelity.{name}": value for name, value in trial.proposal.fidelity.to_dict().items()}
    return params_of(params | {"architecture": architecture.id, "seed": trial.seed, "device": trial.device})


def params_of(values: Mapping[str, object]) -> dict[str, str]:
    """Return values as params, under names that MLflow takes."""
    return {_key(name): text(value) for name, value in values.items()}


def trial_points(trial: Trial) -> list[Point]:
    """Return the learning curve, its steps being epochs, and then the final metrics at the last epoch.

    Of a training that goes on it is the whole curve: what another trial has had of it lies before its own beginning, and nothing
    after its end. What a table does not tell is left out.
    """
    epoch, took_s = (trial.curve[-1].epoch, trial.curve[-1].seconds) if trial.curve else (0, 0.0)
    final = {**trial.metrics, **_born(trial), "seconds": trial.seconds}
    finals = [Point(_key(name), value, end_ms(trial), epoch) for name, value in final.items()]
    before_s = max((r.seconds for r in trial.curve if r.epoch <= trial.proposal.epochs_before), default=0.0)
    began_ms = min(start_ms(trial) - round(1000 * before_s), end_ms(trial) - round(1000 * took_s))
    curve = curve_points(trial.curve, began_ms)
    return [p for p in curve if trial.status == "failed" or not math.isnan(p.value)] + finals


def _born(trial: Trial) -> dict[str, float]:
    """Return what a trial was born with, and which share of its weights it has inherited."""
    birth = trial.birth
    if not isinstance(birth, Born):
        return {}
    return {"born_accuracy": birth.accuracy, "inherited_exact": birth.exact, "inherited_approximate": birth.approximate}


def curve_points(curve: Iterable[EpochRecord], began_ms: int) -> list[Point]:
    """Return a learning curve that began at `began_ms`."""
    return [
        Point(name, getattr(record, name), began_ms + round(record.seconds * 1000), record.epoch)
        for record in curve
        for name in ("train_loss", "val_loss", "val_accuracy")
    ]


def supernet_points(records: Iterable[SupernetEpoch], began_ms: int) -> list[Point]:
    """Return how the training of shared weights went that began at `began_ms`: of each epoch, its number is the last point.

    `p.POINT.OPTION` is how probable an option of a choice is.
    """
    return [
        Point(_key(name), float(value), began_ms + round(1000 * record.seconds), record.epoch)
        for record in records
        for name, value in _of_epoch(record)
        if value is not None and math.isfinite(value)
    ]


def _of_epoch(record: SupernetEpoch) -> Iterator[tuple[str, float | None]]:
    yield from ((name, getattr(record, name)) for name in ("train_loss", "val_loss", "val_accuracy", "temperature", "eigenvalue"))
    yield "entropy", record.entropy
    yield "skips", sum(choice in SKIPS for choice in record.derived.choices) if record.derived else None
    yield from ((f"p.{point}.{option}", p) for point, options in record.probabilities.items() for option, p in options.items())
    yield EPOCHS, record.epoch


def progress_points(trials: Iterable[Trial], spec: SearchSpec) -> list[Point]:
    """Return the search's own curves: the best value of each objective so far, and counts of trials.

    A look with shared weights is counted, but never the best.

    Step k is the k-th trial to end. It is not the trial's number, because MLflow shows the value of
    the last step as the current one, and trials do not end in the order of their numbers. The count
    `trials` closes each step.
    """
    points: list[Point] = []
    best: dict[str, float] = {}
    trials = list(trials)
    looks = ["looks"] if any(trial.proposal.is_look for trial in trials) else []
    count = dict.fromkeys((*looks, "trials_failed", "trials_stopped", "trials"), 0)
    for step, trial in enumerate(sorted(trials, key=lambda t: (t.finished_at, t.proposal.number)), 1):
        best |= _improved(best, trial, spec)
        count["trials"] = step
        if trial.proposal.is_look:
            count["looks"] += 1
        if trial.status != "complete":
            count[f"trials_{trial.status}"] += 1
        points += [Point(key, value, end_ms(trial), step) for key, value in (best | count).items()]
    return points


def final_points(metrics: Mapping[str, float], at_ms: int, n_trials: int) -> list[Point]:
    """Return what a winner reaches, as the search's own metrics.

    Their step is the number of trials it was chosen from: that of a later winner, of more trials, is shown in its place.
    """
    return [Point(_key(name), value, at_ms, n_trials) for name, value in metrics.items()]


def spending_metrics(found: Spending) -> dict[str, float]:
    """Return what a search has spent on training and avoided, as metrics; nothing where each was trained in full, once."""
    if found.is_plain:
        return {}
    amounts = {
        "spent": found.spent,
        "avoided_by_rungs": found.by_rungs,
        "avoided_by_stopping": found.by_stopping,
        "avoided_by_going_on": found.by_going_on,
        **({"spent_on_shared_weights": found.shared.spent} if found.shared else {}),
        **({"avoided_by_sharing": found.by_sharing} if found.shared and found.shared.looks else {}),
    }
    return {f"{unit}_{name}": getattr(amount, unit) for name, amount in amounts.items() for unit in ("epochs", "seconds")}


def family_metrics(found: Families) -> dict[str, float]:
    """Return how many trials have inherited, and what that did for them, as metrics; nothing where none was to."""
    if found.are_none:
        return {}
    counts = {"inherited": float(len(found.children)), "orphans": float(len(found.orphans))}
    born = {"mean_born_accuracy": found.born_accuracy, "seconds_saved_by_inheriting": found.saved_s}
    return {**counts, **(born if found.children else {})}


def worth_metrics(worth: Worth) -> dict[str, float]:
    """Return what the references reach, and by how much the winner is better, as metrics."""
    return {
        name: value
        for held in worth.held
        for name, value in (
            (f"reference_{held.reference.name}_test_accuracy", held.reference.metrics["test_accuracy"]),
            (f"gain_over_{held.reference.name}", held.gain.difference),
            (f"gain_over_{held.reference.name}_error", held.gain.error),
        )
    }


def worth_tags(worth: Worth) -> dict[str, str]:
    """Return whether the winner is better than all references, as a tag; nothing where none could be trained."""
    return {} if worth.gained is None else {"archsmith.gained": "yes" if worth.gained else "no"}


def search_params(spec: SearchSpec, data: DataFacts | None) -> dict[str, str]:
    """Return the settings of the search as flat params, `budget.trials`, and how many images there are: `images.train`."""
    raw = spec.model_dump(mode="json", exclude={"tracking"}, exclude_none=True)
    return params_of(dict((*_flat(raw), *_images(data))))


def number(value: float) -> str:
    """Return a measured value as people write it, for a tag."""
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"


def text(value: object) -> str:
    """Return a value as MLflow shows it."""
    written = value if isinstance(value, str) else json.dumps(value, default=str)
    return redact(written)[:MAX_TEXT]


def trial_table(trials: Sequence[Trial], decisions: Sequence[str], *, in_rounds: bool) -> bytes:
    """Return all trials as CSV, a row each: MLflow's pages show it as a table, and whatever reads tables reads it.

    Where some were looked at with shared weights, a column says which.
    """
    looked = any(trial.proposal.is_look for trial in trials)
    metrics = sorted({name for trial in trials for name in trial.metrics})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    chosen, measured = [f"decision.{name}" for name in decisions], ["seconds", "reason", "error"]
    place = ["number", "trial", *(["round"] if in_rounds else [])]
    writer.writerow(
        [*place, *(["weights"] if looked else []), "status", "fidelity", "architecture", *metrics, *chosen, *measured]
    )
    for trial in trials:
        p, m = trial.proposal, trial.metrics
        row: list[object] = [
            p.number,
            trial.id,
            *([p.round] if in_rounds else []),
            *(["shared" if p.is_look else "own"] if looked else []),
            trial.status,
            p.fidelity.words,
            p.architecture.id,
        ]
        row += [m.get(name, "") for name in metrics]
        choices = ["" if choice is None else choice for choice in p.architecture.choices]
        writer.writerow([*row, *choices, trial.seconds, p.reason, trial.error or ""])
    return redact(out.getvalue()).encode()


def batches(points: Sequence[Point], params: Mapping[str, str]) -> Iterator[tuple[Sequence[Point], list[tuple[str, str]]]]:
    """Cut points and params into requests that MLflow takes, in order."""
    pairs = list(params.items())
    n_requests = max(-(-len(points) // MAX_POINTS), -(-len(pairs) // MAX_PARAMS))
    for i in range(n_requests):
        yield points[MAX_POINTS * i : MAX_POINTS * (i + 1)], pairs[MAX_PARAMS * i : MAX_PARAMS * (i + 1)]


def _improved(best: Mapping[str, float], trial: Trial, spec: SearchSpec) -> dict[str, float]:
    """Return the objectives' values that are new bests; a trial outside of a limit has none."""
    limited = [o for o in spec.objectives if o.limit is not None]
    if (
        trial.status == "failed"
        or trial.proposal.is_look
        or not all(o.metric in trial.metrics and o.allows(trial.metrics[o.metric]) for o in limited)
    ):
        return {}
    found = {}
    for objective in spec.objectives:
        key, cost = f"best_{objective.metric}", objective.cost(trial)
        if objective.goal and cost < -objective.sign * best.get(key, -objective.sign * float("inf")):
            found[key] = trial.metrics[objective.metric]
    return found


def _images(data: DataFacts | None) -> Iterator[tuple[str, Any]]:
    """Yield how many images each split has, and what they are like; nothing where there are none."""
    if data is None or not data.counts:
        return
    yield from ((f"images.{split}", data.n(split)) for split in SPLITS if split in data.counts)
    yield "images.classes", len(data.classes)
    yield "images.shape", "×".join(map(str, data.input_shape))
    if data.left_out:
        yield "images.left_out", sum(left.n for left in data.left_out)


def _flat(raw: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings under dotted names."""
    for name, value in raw.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _key(name: str) -> str:
    """Return a name that MLflow takes."""
    return re.sub(r"[^\w.\- :]", "_", name)[:250]
