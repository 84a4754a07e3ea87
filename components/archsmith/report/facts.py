"""What a report says in words and tables."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archsmith.report import classes, numbers
from archsmith.report.data import ReportData, latencies_differ, value
from archsmith.report.numbers import DASH
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Choice, Trial, words
from archsmith.values.metrics import METRICS, SPREAD
from archsmith.values.references import CALLED, Worth, place_of

Rows = Sequence[tuple[str, str]]
"""Terms and what is said of them."""

ROUNDING = 1e-9
"""Share of a budget by which a sum of costs may miss it."""

_HEADINGS = {
    "accuracy": "accuracy",
    "loss": "loss",
    "n_params": "parameters",
    "flops": "multiply-adds",
    "latency_s": "latency",
    "peak_memory_mb": "peak memory",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A trial in the leaderboard."""

    rank: int
    """From 1."""
    trial: str
    """Its number, from 0, as in the pictures: `#12`."""
    id: str
    """Its id."""
    architecture: str
    """The id of its architecture, which other trials may have measured too."""
    cells: tuple[str, ...]
    """Its metrics, one a heading."""
    notes: tuple[str, ...]
    """What is special about it: `winner`, `front`, `retrained`, `stopped early`, `look`, `beyond a limit`."""


def number(trial: Trial) -> str:
    """Return how a trial is called in the report."""
    return f"#{trial.proposal.number}"


def outcome(data: ReportData) -> str:
    """Return why the search is where it is."""
    budget, done = data.spec.budget, len(data.history)
    if data.most_trials is not None and done >= data.most_trials:
        return "finished: all its trials were used"
    if data.most_trainings is not None and data.trainings >= data.most_trainings * (1 - ROUNDING):
        return "finished: all its trainings were used"
    if budget.minutes is not None and data.searched_s >= 60 * budget.minutes:
        return "finished: its time was up"
    if architectures(data) >= data.space.size():
        return "finished: every architecture of the space was measured"
    return "ended before its budget was used" if data.model or data.untrained else "not finished"


def architectures(data: ReportData) -> int:
    """Return how many architectures were tried, which with rungs are fewer than trials."""
    return len({trial.proposal.architecture for trial in data.history})


def summary(data: ReportData) -> Rows:
    """Return what was searched, how, and what it took."""
    spec, history = data.spec, data.history
    stopped = sum(t.status == "stopped" for t in history)
    counts = f"{len(history.completed)} complete, {stopped} stopped early, {len(data.failed)} failed"
    counts = "; ".join(said_of for said_of in (words.looked_and_trained(history), counts) if said_of)
    size = f"{numbers.size(data.space.size())} architectures"
    limit = f" of {numbers.duration(60 * spec.budget.minutes)}" if spec.budget.minutes else ""
    took = f"{numbers.duration(data.searched_s)}{limit}"
    return [
        ("Status", outcome(data)),
        ("Data", _data(data)),
        *([("Images", said_of)] if (said_of := classes.splits_said(data)) else []),
        *([("Left out", left)] if (left := classes.left_out(data)) else []),
        ("Search space", f"{spec.space.name}: {size}, {len(data.space.decisions)} decisions"),
        ("Strategy", _named(spec.strategy.name, spec.strategy.settings)),
        ("Estimation", f"{spec.estimation.name}: {_fidelities(data)}"),
        ("Objectives", "; ".join(_objective(o.metric, o.goal, o.limit) for o in spec.objectives)),
        ("Trials", f"{words.counted(len(history), data.most_trials)} ({counts})"),
        *([("Trainings", trainings)] if (trainings := _trainings(data)) else []),
        *([("Shared weights", shared)] if (shared := words.shared_line(data.records, numbers.duration)) else []),
        ("Time of search", took),
        *([("Training", line)] if (line := spent(data)) else []),
        *([("Inherited weights", line)] if (line := inherited(data)) else []),
        *([("Time of retraining", numbers.duration(_retraining_s(data)))] if data.model else []),
    ]


def _trainings(data: ReportData) -> str:
    """Say what the trials cost in full trainings' worth, where the budget counts that."""
    if data.most_trainings is None:
        return ""
    return f"{words.counted(data.trainings, data.most_trainings)} full trainings' worth"


def spent(data: ReportData) -> str:
    """Say what was spent on training, and what rungs, stopping and checkpoints have avoided."""
    return words.spending_line(data.spending, numbers.duration) if data.spending else ""


def rungs(data: ReportData) -> list[tuple[str, ...]]:
    """Return what was spent and avoided as a table, its headings first; nothing where each was trained in full, once."""
    if data.spending is None or data.spending.is_plain:
        return []
    return words.filled(words.SPENDING_HEADINGS, words.spending_rows(data.spending, numbers.duration))


def inherited(data: ReportData) -> str:
    """Say how many trials began with the weights of others, and what that did for them."""
    return words.family_line(data.families, numbers.duration)


def births(data: ReportData) -> list[tuple[str, ...]]:
    """Return the births as a table, its headings first; nothing where there are none."""
    rows = words.family_rows(data.families, numbers.duration)
    return words.filled(words.FAMILY_HEADINGS, rows) if rows else []


def orphans(data: ReportData) -> list[str]:
    """Say of each trial that was to inherit and could not, why."""
    return words.orphan_lines(data.families)


def _retraining_s(data: ReportData) -> float:
    held = data.worth.held if data.worth else ()
    return sum(model.seconds for model in (data.model, *data.others.values(), *(h.reference for h in held)) if model)


def sentence(data: ReportData) -> str:
    """Return the search in one sentence."""
    spec, seen, n = data.spec, architectures(data), data.space.size()
    trials = "" if data.history.looks or seen == len(data.history) else f" in {len(data.history):,} trials"
    all_ = f"{numbers.size(n)} architectures of the {spec.space.name} space{f' on {spec.data.name}' if spec.data else ''}"
    return f"The strategy {spec.strategy.name} {_did(data, seen, all_)}{trials}, in {numbers.duration(data.searched_s)}."


def _did(data: ReportData, seen: int, all_: str) -> str:
    """Say what was done with so many of all architectures."""
    n = len(data.history.alone)
    if data.history.looks:
        return f"looked at {seen:,} of {all_} with shared weights, and trained {n:,} of these by themselves"
    if data.records:
        return f"trained weights that all {all_} share, and {n:,} of these by themselves"
    return f"measured {seen:,} of {all_}"


def vitals(data: ReportData) -> Rows:
    """Return the winner's numbers beside its accuracy: of the trained model, or of its trial where there is none.

    Of a table those are left out that it does not have.
    """
    winner = data.winner
    if data.model is not None:
        found: Mapping[str, float] = data.model.metrics
        accuracy = ("in validation", numbers.percent(found.get("val_accuracy")))
    elif data.untrained is not None:
        found = winner.metrics if winner else {}
        accuracy = ("in validation", numbers.metric(data.quality, found.get(data.quality)))
    else:
        found = winner.metrics if winner else {}
        accuracy = ("validation loss", numbers.metric("loss", found.get("loss")))
    rest = [(_HEADINGS[m], measured(m, found)) for m in ("n_params", "flops", "latency_s", "peak_memory_mb")]
    return [accuracy, *(row for row in rest if data.untrained is None or row[1] != DASH)]


def tested(data: ReportData) -> tuple[str, float] | None:
    """Return the name of what a winner that isn't trained reaches on test images, and the value; None where none is known."""
    return next(iter(data.untrained.metrics.items()), None) if data.untrained else None


def decisions(space: Space, architecture: Architecture) -> Rows:
    """Return the active decisions of an architecture and their choices."""
    pairs = zip(space.decisions, architecture.choices, strict=True)
    return [(decision.name, said(choice)) for decision, choice in pairs if choice is not None]


def said(choice: Choice) -> str:
    """Write a choice as people would."""
    return {True: "yes", False: "no"}[choice] if isinstance(choice, bool) else str(choice)


def headings(data: ReportData) -> list[str]:
    """Return the metrics that the leaderboard shows: those of the objectives first, then what else was measured."""
    first = [o.metric for o in data.spec.objectives]
    measured = {m for t in data.history.completed for m in t.metrics}
    own = sorted(measured - METRICS.keys() - {SPREAD})
    return list(dict.fromkeys([*first, *(m for m in METRICS if m in measured), *own]))


def heading(metric: str) -> str:
    """Return the heading of a metric's column."""
    return _HEADINGS.get(metric, metric)


def leaderboard(data: ReportData) -> list[Row]:
    """Return the trials with metrics, best first."""
    metrics = headings(data)
    return [
        Row(rank, number(t), t.id, t.proposal.architecture.id, tuple(measured(m, t.metrics) for m in metrics), notes(data, t))
        for rank, t in enumerate(data.ranked, 1)
    ]


def retrained(data: ReportData) -> list[tuple[str, ...]]:
    """Return what was trained in full, the winner first: its trial, what it reaches, what it costs, and its folder."""
    models = [data.model, *data.others.values()] if data.model else []
    numbered = {t.id: number(t) for t in data.history}
    shown = ("test_accuracy", "val_accuracy", "n_params", "flops", "latency_s")
    return [
        (numbered.get(m.trial, DASH), m.trial, *(measured(name, m.metrics) for name in shown), data.selection.place(m.trial))
        for m in models
    ]


def gained(data: ReportData) -> str:
    """Say what the search has gained over simple networks, the best first; nothing where it is held to none."""
    return f"It is {data.worth.line}." if data.worth and data.worth.line else ""


def references(data: ReportData) -> list[tuple[str, ...]]:
    """Return the winner and the simple networks that it is held to: what they reach and cost, and by how much it is better."""
    if data.model is None or data.worth is None:
        return []
    shown = ("n_params", "flops", "latency_s")
    rows = [("winner", _reached(data.model.metrics, data.worth), "", *(measured(m, data.model.metrics) for m in shown),
             str(data.model.epochs), numbers.duration(data.model.seconds), "best")]  # fmt: skip
    for held in data.worth.held:
        reference, gain = held.reference, held.gain
        difference = f"{100 * gain.difference:+.2f} ± {100 * gain.error:.2f}"
        rows.append((
            f"{CALLED[reference.name]}: {reference.network}", _reached(reference.metrics, data.worth), difference,
            *(measured(m, reference.metrics) for m in shown),
            str(reference.epochs), numbers.duration(reference.seconds), place_of(reference.name),
        ))  # fmt: skip
    return rows


def _reached(metrics: Mapping[str, float], worth: Worth) -> str:
    """Write a test accuracy with its binomial standard error."""
    n = next((held.gain.n for held in worth.held), 0)
    share = metrics["test_accuracy"]
    error = f" ± {100 * math.sqrt(share * (1 - share) / n):.2f}" if n else ""
    return f"{100 * share:.2f}{error} %"


def paired(data: ReportData) -> bool:
    """Tell whether it is known of each image which networks know it."""
    return bool(data.worth and data.worth.held and all(held.gain.gained is not None for held in data.worth.held))


def noise(data: ReportData) -> str:
    """Say how well latencies can be told apart; nothing where their spreads are not known."""
    known = [t for t in data.history.alone.completed if SPREAD in t.metrics and "latency_s" in t.metrics]
    if not known:
        return ""
    said = "A latency is the median of five measurements, and ± is half of their range."
    others = [t for t in known if t is not data.winner]
    if data.winner is None or data.winner not in known or not others:
        return said
    alike = sum(not latencies_differ(t.metrics, data.winner.metrics) for t in others)
    differ = f"Those of {alike} of {len(others)} other trials differ from the winner's by no more than that"
    return f"{said} {differ}, which may be noise."


def measured(name: str, metrics: Mapping[str, float]) -> str:
    """Write a metric, and of a latency how far its measurements lie apart."""
    if name == "latency_s":
        return numbers.time(metrics.get(name), metrics.get(SPREAD, math.nan))
    return numbers.metric(name, metrics.get(name))


def _data(data: ReportData) -> str:
    spec = data.spec.data
    if spec is None:
        return f"none: the estimator is a {data.spec.estimation.name}"
    known = data.model or data.images
    parts = [spec.name if spec.path is None else f"{spec.name} {spec.path}"]
    if known:
        parts += [f"{len(known.classes)} classes", f"{' x '.join(map(str, known.input_shape))} values an image"]
    return ", ".join(parts)


def _named(name: str, settings: Mapping[str, object]) -> str:
    said_of = ", ".join(f"{k} {v}" for k, v in settings.items())
    return f"{name} ({said_of})" if said_of else name


def _fidelities(data: ReportData) -> str:
    """Write the fidelities of the trials; a few by name, many by number."""
    if path := data.spec.estimation.settings.get("path"):
        return str(path)
    if score := data.spec.estimation.settings.get("score"):
        return f"{score} of the untrained networks"
    seen = list(dict.fromkeys(t.proposal.fidelity for t in data.history))
    if not seen:
        return ", ".join(f"{k} {v}" for k, v in data.spec.estimation.settings.items()) or "as by default"
    if len(seen) > 3:
        return f"{len(seen)} fidelities, of {min(f.epochs for f in seen)} to {max(f.epochs for f in seen)} epochs"
    return "; ".join(f.words for f in seen)


def _objective(metric: str, goal: str | None, limit: float | None) -> str:
    words = [goal, heading(metric)] if goal else [heading(metric)]
    if limit is not None:
        side = "at least" if (goal or METRICS[metric].goal) == "maximize" else "at most"
        words[-1] += f"{',' if goal else ''} {side} {numbers.metric(metric, limit)}"
    return " ".join(words)


def notes(data: ReportData, trial: Trial) -> tuple[str, ...]:
    """Return what is special about a trial, as in `Row.notes`."""
    said_of = {
        "winner": trial.id == data.selection.winner,
        "front": data.several and trial in data.front,
        "retrained": trial.id in data.others,
        "stopped early": trial.status == "stopped",
        "look": trial.proposal.is_look,
        "beyond a limit": not data.allowed(trial),
        "no finite " + heading(data.objective.metric): math.isnan(value(trial, data.objective.metric)),
    }
    return tuple(name for name, holds in said_of.items() if holds)
