"""What a training of shared weights has to say against itself: verdicts in plain words, a pure function of what was recorded.

References:
    - Liu, Simonyan, Yang, DARTS (arXiv:1806.09055, 2019), whose relaxation ends in skips on many spaces: Dong and Yang,
      NAS-Bench-201 (arXiv:2001.00326, 2020).
    - Zela, Elsken, Saikia, Marrakchi, Brox, Hutter, Understanding and Robustifying Differentiable Architecture Search
      (arXiv:1909.09656, 2020): before that, the largest eigenvalue grows. A window of 5 epochs, and growth to 1/.75, are its own.
    - Yu, Sciuto, Jaggi, Musat, Salzmann, Evaluating the Search Phase of Neural Architecture Search (arXiv:1902.08142, 2020):
      what ranks well with shared weights need not do so alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, variance
from typing import Literal

from archsmith.values.agreement import Agreement, agreement
from archsmith.values.looks import told_by
from archsmith.values.proposals import Architecture
from archsmith.values.supernets import SupernetEpoch
from archsmith.values.trials import History, Trial

Kind = Literal["collapse", "undecided", "sharp", "contradicted"]

FEWEST_SKIPS = 3
"""Fewer skips than these are no collapse, however few operations there are beside them."""
UNDECIDED = 0.95
"""Entropy, as a share of that of equal probabilities, from which on a choice is hardly made."""
PREFERRED = 2.0
"""An option that is so many times as probable as all equal ones would be is preferred, whatever the entropy is."""
WINDOW = 5
"""Epochs over which eigenvalues are averaged, or half of them where there are fewer than twice as many."""
GROWN = 1 / 0.75
"""Growth of the eigenvalue from one window to the next from which on it is told."""
ERRORS = 3.0
"""Standard errors that it has to have grown by, since of many windows some two differ by chance."""
FEWEST_EIGENVALUES = 6
"""Eigenvalues, after those of the first epochs, of which no growth can be told from scatter."""
FEWEST_PAIRS = 5
"""Trainings of which no order can be told from chance."""
SURE = 0.05
"""Probability of a disagreement at least as large by chance alone, below which it is taken for one."""


@dataclass(frozen=True, slots=True)
class Skips:
    """How many of some operations pass their input on, or nothing at all."""

    where: str
    """What the operations are of, such as `the normal cell`."""
    n: int
    """Those that pass it on."""
    of: int
    """All that could, and are active."""
    gaps: int = 0
    """Those that pass nothing on."""

    @property
    def most(self) -> int:
        """The more frequent of both."""
        return max(self.n, self.gaps)

    @property
    def is_collapse(self) -> bool:
        """Whether these are the most of all."""
        return self.most >= FEWEST_SKIPS and 2 * self.most > self.of


SkipsOf = Callable[[Architecture], Sequence[Skips]]
"""Counts the skips of an architecture, by cell where it has several."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Something that makes the answer of shared weights doubtful."""

    kind: Kind
    """What it is, in a word for programs."""
    said: str
    """What was seen, a sentence."""
    advice: str
    """What to do about it, a sentence."""

    @property
    def words(self) -> str:
        """Both."""
        return f"{self.said} {self.advice}"

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Reranking:
    """What was ranked with shared weights, and then trained alone."""

    shared: tuple[float, ...]
    """What each had with shared weights, more being better; where nothing was looked at, the later it was derived the less."""
    alone: tuple[float, ...]
    """What each has, trained alone, more being better."""
    by: str | None
    """The metric of looks that orders them; None where nothing was looked at, and they were derived in an order."""

    @property
    def agreement(self) -> Agreement:
        """How far the two agree."""
        return agreement(self.shared, self.alone)

    @property
    def best_was_last(self) -> bool:
        """Whether the best of them was the last one by shared weights."""
        best = self.shared[self.alone.index(max(self.alone))]
        return self.shared.count(best) == 1 and best == min(self.shared)


def verdicts(
    records: Sequence[SupernetEpoch], history: History, *, skips: SkipsOf, metric: str, sign: int, trained: bool, ended: bool
) -> tuple[Verdict, ...]:
    """Say what makes the answer of shared weights doubtful; nothing where nothing does.

    Args:
        records: Of the epochs so far.
        history: Looks and trainings.
        skips: Counts the skips of an architecture.
        metric: What trials are compared by.
        sign: +1 where more of it is better, -1 where less is.
        trained: Whether the training of shared weights is over; before, choices need not be made.
        ended: Whether all trials have ended; before, the best may be among those to come.
    """
    found = [_collapse(records, skips, trained=trained), _undecided(records) if trained else None, _sharp(records)]
    found += [_contradicted(reranking(records, history, metric, sign))] if ended else []
    return tuple(verdict for verdict in found if verdict)


def reranking(records: Sequence[SupernetEpoch], history: History, metric: str, sign: int) -> Reranking | None:
    """Return what was ranked with shared weights and trained alone then; None where there is none."""
    by = told_by(metric, history.looks)
    alone = _values(history.alone.trials, metric, sign)
    looks = _values(history.looks, by, sign if by == metric else -1)
    if both := [architecture for architecture in alone if architecture in looks]:
        return Reranking(tuple(looks[a] for a in both), tuple(alone[a] for a in both), by)
    if not records or not alone or looks:
        return None
    return Reranking(tuple(-float(place) for place in range(len(alone))), tuple(alone.values()), None)


def _collapse(records: Sequence[SupernetEpoch], skips: SkipsOf, *, trained: bool) -> Verdict | None:
    """Tell whether what is derived computes nothing in most places: in the end, or before it for some epochs in a row."""
    last = [record.derived for record in records[-1 if trained else -WINDOW :]]
    if len(last) < (1 if trained else WINDOW):
        return None
    counts = [_worst(skips(derived)) if derived else None for derived in last]
    worst = counts[-1]
    if worst is None or not all(count and count.is_collapse for count in counts):
        return None
    what = "skips, which compute nothing" if worst.n >= worst.gaps else "`none`, which pass nothing on"
    return Verdict(
        "collapse",
        f"What is derived has collapsed: {worst.most} of {worst.of} operations of {worst.where} are {what}.",
        "A relaxation prefers what needs no weights before the other options have learned anything. Take a guard (`max_skips`,"
        " `beta_decay`, `partial`), fewer epochs, or a method that samples paths, such as gdas or single-path.",
    )


def _worst(found: Sequence[Skips]) -> Skips | None:
    return max(found, key=lambda s: (s.is_collapse, s.most / s.of), default=None)


def _undecided(records: Sequence[SupernetEpoch]) -> Verdict | None:
    """Tell whether the choices were hardly made in the end."""
    if not records or (entropy := records[-1].entropy) is None or entropy < UNDECIDED:
        return None
    points = {name: tuple(p.values()) for name, p in records[-1].probabilities.items() if len(p) > 1}
    open_ = [name for name, p in points.items() if _is_open(p)]
    if 2 * len(open_) <= len(points):
        return None
    which = f"{len(open_)} of {len(points)} choices" if len(points) > 1 else "the choice"
    said = f"The choices were hardly made: in the end the options of {which} are nearly equally probable"
    return Verdict(
        "undecided",
        f"{said} (entropy {entropy:.3f} of 1), so what is derived is little better than drawn at random.",
        "Train for more epochs, or the parameters of the choices at a higher rate: they move by no more than rate times steps.",
    )


def _is_open(probabilities: Sequence[float]) -> bool:
    """Tell whether no option is preferred to the others."""
    n = len(probabilities)
    entropy = -math.fsum(p * math.log(p) for p in probabilities if p > 0) / math.log(n)
    return entropy >= UNDECIDED and max(probabilities) < PREFERRED / n


def _sharp(records: Sequence[SupernetEpoch]) -> Verdict | None:
    """Tell whether the eigenvalue has grown from one window to the next by more than it scatters, and is still as large.

    It always grows in the first epochs, in which weights become of use at all; these are passed over.
    """
    known = [(r.epoch, r.eigenvalue) for r in records if r.eigenvalue is not None and math.isfinite(r.eigenvalue)][WINDOW:]
    if len(known) < FEWEST_EIGENVALUES:
        return None
    k = min(WINDOW, len(known) // 2)
    windows = [[value for _, value in known[i : i + k]] for i in range(len(known) - k + 1)]
    now = windows[-1]
    grown = [i for i, w in enumerate(windows[:-k]) if _has_grown(w, windows[i + k]) and _has_grown(w, now)]
    if not grown:
        return None
    at = max(grown, key=lambda i: fmean(windows[i + k]) / fmean(windows[i]))
    epoch = known[at + k - 1][0]
    said = f"from {fmean(windows[at]):.3g} about epoch {epoch} to {fmean(now):.3g} in the last {k}"
    return Verdict(
        "sharp",
        f"The largest eigenvalue of the Hessian has grown {said}: what is cut out of the mixture now may lose much by it.",
        f"What was derived about epoch {epoch} may be the better answer: search again with so many epochs, or with more weight"
        " decay.",
    )


def _has_grown(before: Sequence[float], after: Sequence[float]) -> bool:
    old, new = fmean(before), fmean(after)
    error = math.sqrt((variance(before) + variance(after)) / len(before))
    return old > 0 and new >= GROWN * old and new - old > ERRORS * error


def _contradicted(found: Reranking | None) -> Verdict | None:
    """Tell whether trainings contradict the ranking.

    Of an order of derivation only where that is surely no chance: neighbours in it differ by an edge or two.
    """
    if found is None or len(found.alone) < FEWEST_PAIRS or math.isnan(found.agreement.tau):
        return None
    agreed, by = found.agreement, "the ranking by shared weights" if found.by else "the order in which they were derived"
    little = (
        f"That is little to go by: of {agreed.n} without any relation, it lies within ±{agreed.spread:.2f} in 19 of 20 cases."
    )
    among = f"among the {agreed.n} that were trained alone"
    tau = f"Kendall's tau is {agreed.tau:.2f}"
    if agreed.tau < 0 and agreed.chance < SURE:
        said = f"Trainings contradict {by}: {tau} {among}."
    elif found.by and agreed.tau <= 0:
        said = f"Trainings do not bear out {by}: {tau} {among}. {little}"
    elif found.by and found.best_was_last and agreed.chance >= SURE:
        said = f"The best {among} was the last of them in {by}; {tau}. {little}"
    else:
        return None
    return Verdict(
        "contradicted", said,
        "The winner was chosen by its training alone, so trust it and not the ranking: train more of them alone (`top`), or"
        " share weights for more epochs.",
    )  # fmt: skip


def _values(trials: Sequence[Trial], metric: str, sign: int) -> dict[Architecture, float]:
    """Return the metric of each architecture that was measured to the end, more being better."""
    values = {t.proposal.architecture: sign * t.metrics.get(metric, math.nan) for t in trials if t.status == "complete"}
    return {architecture: value for architecture, value in values.items() if math.isfinite(value)}
