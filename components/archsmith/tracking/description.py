"""What MLflow's pages say of a search to people: its description, and who ran it with what."""

import getpass
import os
from collections.abc import Sequence
from importlib import metadata

from archsmith.tracking.content import number, text
from archsmith.tracking.dataset import data_name
from archsmith.tracking.tracked import TrackedSearch, Winner
from archsmith.values import History, SupernetEpoch, Trial, words
from archsmith.values.data_facts import SPLITS
from archsmith.values.families import families
from archsmith.values.outcome import UntrainedWinner
from archsmith.values.references import Worth
from archsmith.values.spending import spending
from archsmith.values.verdicts import Verdict


def origin_tags() -> dict[str, str]:
    """Return who runs this, with what: tags of a run that is made."""
    return {
        "mlflow.user": _user(),
        "mlflow.source.name": "archsmith",
        "mlflow.source.type": "LOCAL",
        "archsmith.version": _version(),
    }


def note(
    search: TrackedSearch,
    found: Winner | UntrainedWinner | None = None,
    *,
    ended: bool = False,
    trials: Sequence[Trial] = (),
    records: Sequence[SupernetEpoch] = (),
    verdicts: Sequence[Verdict] = (),
    worth: Worth | None = None,
) -> str:
    """Return the description of a search's run, in Markdown.

    Args:
        search: the search.
        found: its winner.
        ended: whether the search has ended.
        trials: its trials, among which a winner that was not trained has its number.
        records: of the training of shared weights.
        verdicts: what makes the answer of shared weights doubtful.
        worth: what the winner gains over simple networks.
    """
    spec = search.spec
    goals = [f"{o.goal} {o.metric}" if o.goal else f"{o.metric} limited to {o.limit:g}" for o in spec.objectives]
    budget = "" if search.shares else f"{_budget(search)}; "
    nested = "Each trial is a run nested in this one" + (", and so is the training of shared weights" if search.shares else "")
    lines = [
        f"Architecture search `{search.name}`: the space {spec.space.name}, searched by {spec.strategy.name}; "
        f"{budget}{', '.join(goals)}.",
        search.shares,
        _described_data(search),
        *(search.data.remarks if search.data else ()),
        _outcome(found, ended, trials),
        f"It is {worth.line}." if worth and worth.line else "",
        *(f"**Mind**: {said}" for said in ((*worth.advice(), *worth.failures) if worth else ())),
        *(f"**Mind**: {verdict.words}" for verdict in verdicts),
        _spent(search, trials, records),
        _inherited(trials),
        f"{nested}. `archsmith show {search.name}` shows the search.",
    ]
    return text("\n\n".join(line for line in lines if line))


def _budget(search: TrackedSearch) -> str:
    """Say how many trials there may be, or what they may cost."""
    budget = search.spec.budget
    both = [] if budget.trials is None and budget.trainings is not None else [f"{budget.n_trials} trials"]
    both += [] if budget.trainings is None else [f"{budget.trainings:g} full trainings' worth"]
    return f"{' and '.join(both)} at most"


def _described_data(search: TrackedSearch) -> str:
    data = search.data
    if data is None or not data.counts:
        return f"Looked up in the table `{data_name(search)}`." if search.spec.data is None else f"On {data_name(search)}."
    counts = ", ".join(f"{data.n(split):,} {split}" for split in SPLITS if split in data.counts)
    return f"On {data_name(search)}: {counts} images of {len(data.classes)} classes."


def _outcome(found: Winner | UntrainedWinner | None, ended: bool, trials: Sequence[Trial]) -> str:
    match found:
        case Winner():
            metrics = {k: found.model.metrics[k] for k in ("test_accuracy", "n_params", "flops") if k in found.model.metrics}
            reached = ", ".join(f"{name} {number(value)}" for name, value in metrics.items())
            return f"**The winner**, of trial {found.number:04d}: `{found.notation}`, trained in full: {reached}."
        case UntrainedWinner():
            reached = ", ".join(f"{name} {number(value)}" for name, value in found.metrics.items())
            number_of = {trial.id: f"{trial.proposal.number:04d}" for trial in trials}
            who = f"**The winner** is trial {number_of.get(found.trial, found.trial)}"
            return who + (f"; the table has {reached}." if reached else ".")
        case None:
            return "**No winner**: no trial is complete and within the limits." if ended else ""


def _spent(search: TrackedSearch, trials: Sequence[Trial], records: Sequence[SupernetEpoch]) -> str:
    """Say what was spent on training and avoided, and show it by rung, as Markdown has tables."""
    found = spending(History.of(trials), search.full, records) if search.full else None
    if found is None or found.is_plain:
        return ""
    line = words.spending_line(found, _duration)
    headings, *rows = words.filled(words.SPENDING_HEADINGS, words.spending_rows(found, _duration))
    table = [headings, ["---"] * len(headings), *rows]
    return "\n".join([f"{line[0].upper()}{line[1:]}.", "", *(f"| {' | '.join(row)} |" for row in table)])


def _inherited(trials: Sequence[Trial]) -> str:
    """Say how many trials began with the weights of others, and how the tree of them can be followed."""
    if not (line := words.family_line(families(History.of(trials)), _duration)):
        return ""
    return f"{line}. The tag `archsmith.inherits_run` of a trial's run is the run of its parent."


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.3g} h" if seconds >= 3600 else f"{seconds / 60:.3g} min" if seconds >= 60 else f"{seconds:.3g} s"


def _version() -> str:
    """Return the installed version of Archsmith, which is not imported for it."""
    try:
        return metadata.version("archsmith")
    except metadata.PackageNotFoundError:
        return "unknown"


def _user() -> str:
    """Return who runs this process: a name, or a number where the machine knows none, as in many a pod."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # KeyError before Python 3.13
        return str(os.getuid())
