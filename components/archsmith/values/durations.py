"""How long a search will take, from what was measured of a few of its networks before it starts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from archsmith.values.proposals import Fidelity

RESERVE = 0.9
"""Share of a limited time that is planned with; steps that were measured on a quiet machine take longer on a busy one."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a network is trained somewhere, and what an epoch of its training consists of."""

    step_s: float
    """Seconds of a step: a batch is taken and augmented, and the weights change."""
    image_s: float
    """Seconds of an image of validation."""
    steps: int
    """Steps of an epoch, >= 1."""
    images: int
    """Images that are validated after it."""
    leaving_s: float = 0.0
    """Seconds in which the state after an epoch is written down, so that the training can go on from there."""
    fixed_s: float = 0.0
    """Seconds before the first epoch and after the last one: the network is built, counted, and its latency measured."""

    @property
    def epoch_s(self) -> float:
        """Seconds of an epoch, with the validation after it."""
        return self.steps * self.step_s + self.images * self.image_s + self.leaving_s

    def training_s(self, epochs: float) -> float:
        """Return the seconds of a training of so many epochs."""
        return epochs * self.epoch_s + self.fixed_s

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(**raw)


@dataclass(frozen=True, slots=True)
class Course:
    """How long a training will be."""

    epochs: int
    """Passes over the training images, >= 1."""
    share: float = 1.0
    """Share of its only epoch that is trained, in (0, 1], where there is no time for all of it."""
    limit_s: float = math.inf
    """Seconds after which it is cut off, and validated a last time."""

    @classmethod
    def within(cls, seconds: float, speed: Speed, *, most: int) -> Self:
        """Return the longest that ends in so many seconds, with a reserve for what slows a machine down."""
        planned, validation_s = RESERVE * seconds, speed.images * speed.image_s + speed.leaving_s
        limit_s = max(0.0, seconds - validation_s)
        if (epochs := int(planned / speed.epoch_s)) >= 1:
            return cls(min(epochs, most), limit_s=limit_s)
        share = (planned - validation_s) / (speed.steps * speed.step_s)
        return cls(1, min(1.0, max(share, 1 / speed.steps)), limit_s)

    def to_dict(self) -> dict[str, Any]:
        """Return its plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Timed:
    """Trials of a kind, and how long one of them takes."""

    fidelity: Fidelity
    """What is spent on one."""
    trials: float
    """How many there will be; an expectation where a strategy decides that by what it finds."""
    trial_s: float
    """Seconds of one, the mean over networks of the space."""
    kind: str = "trials"
    """What they are, for people, in the plural: `trials` or `looks`."""


@dataclass(frozen=True, slots=True)
class Durations:
    """How long the parts of a search will take."""

    timed: tuple[Timed, ...]
    """The trials, the cheapest first."""
    at_once: int = 1
    """How many of them run side by side, >= 1."""
    rounds: int | None = None
    """Rounds with a barrier; None where nobody waits for others."""
    limit_s: float = math.inf
    """Seconds after which no trial is started; those that run then go on to their end."""
    shared_s: float = 0.0
    """Seconds in which shared weights are trained before."""
    retrain_s: float = 0.0
    """Seconds in which the winner, and what else is wanted, is trained in full."""
    references_s: float = 0.0
    """Seconds in which the references are trained that the winner is compared with."""
    overhead_s: float = 0.0
    """Seconds of all else: what is loaded, exported, drawn and logged."""
    notes: tuple[str, ...] = field(default=())
    """What may make it shorter or longer, a sentence each."""

    @property
    def trials_s(self) -> float:
        """Seconds until all trials have ended, if there were no limit.

        Workers share the work but for the last trials, when some have nothing to do: half of one on average, in each round.
        """
        total = sum(t.trials * t.trial_s for t in self.timed)
        n = sum(t.trials for t in self.timed)
        if not n:
            return 0.0
        barriers, mean = self.rounds or 1, total / n
        busy = min(self.at_once, max(1.0, n / barriers))
        return total / busy + barriers * mean * (busy - 1) / (2 * busy)

    @property
    def search_s(self) -> float:
        """Seconds until the last trial has ended, the training of shared weights before included."""
        whole = self.shared_s + self.trials_s
        longest = max((t.trial_s for t in self.timed), default=0.0)
        return min(whole, max(self.shared_s, self.limit_s) + longest / 2)

    @property
    def is_cut_off(self) -> bool:
        """Whether the time is over before the trials are."""
        return self.shared_s + self.trials_s > self.limit_s

    @property
    def trials_in_time(self) -> float:
        """How many trials there will be, those after the limit not among them."""
        n, left = sum(t.trials for t in self.timed), self.limit_s - self.shared_s
        return min(n, n * max(0.0, left) / self.trials_s) if self.is_cut_off and self.trials_s else n

    @property
    def total_s(self) -> float:
        """Seconds of all of it."""
        return self.search_s + self.retrain_s + self.references_s + self.overhead_s

    @property
    def words(self) -> str:
        """Say it in a sentence: `About 12 minutes here: 40 trials (8 minutes), the winner's training (3 minutes)`."""
        return f"About {rough(self.total_s)} here: {', '.join(self._parts())}."

    @property
    def lines(self) -> tuple[str, ...]:
        """All there is to say, a sentence each."""
        return (self.words, *self.notes)

    def _parts(self) -> Iterable[str]:
        if self.shared_s:
            yield f"shared weights ({rough(self.shared_s)})"
        if self.timed:
            yield f"{self._trials()}{f', {self.at_once} at a time' * (self.at_once > 1)} ({rough(self.search_s - self.shared_s)})"
        if self.retrain_s:
            yield f"the winner's training ({rough(self.retrain_s)})"
        if self.references_s:
            yield f"its references ({rough(self.references_s)})"
        if self.overhead_s:
            yield f"all else ({rough(self.overhead_s)})"

    def _trials(self) -> str:
        """Say how many trials there are, and of which kind."""
        n = sum(t.trials for t in self.timed)
        if self.is_cut_off:
            return f"about {self.trials_in_time:,.0f} of {n:,.0f} trials, as `budget.minutes` ends them"
        if len({t.kind for t in self.timed}) > 1:
            return " and ".join(f"{t.trials:,.0f} {t.kind if t.trials != 1 else t.kind.removesuffix('s')}" for t in self.timed)
        if len(self.timed) > 1:
            rungs = " + ".join(f"{t.trials:,.0f}" for t in self.timed)
            return f"about {n:,.0f} trials on {len(self.timed)} rungs ({rungs})"
        (timed,) = self.timed
        return f"{n:,.0f} {timed.kind if n != 1 else timed.kind.removesuffix('s')} of about {rough(timed.trial_s)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; a limit that there is not is null."""
        raw = asdict(self)
        limit = None if math.isinf(self.limit_s) else self.limit_s
        return {**raw, "limit_s": limit, "search_s": self.search_s, "total_s": self.total_s, "words": self.words}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        given = {name: value for name, value in raw.items() if name not in {"search_s", "total_s", "words"}}
        given["timed"] = tuple(Timed(**{**timed, "fidelity": Fidelity(**timed["fidelity"])}) for timed in raw["timed"])
        given["limit_s"] = math.inf if raw["limit_s"] is None else raw["limit_s"]
        return cls(**{**given, "notes": tuple(raw["notes"])})


@dataclass(frozen=True, slots=True)
class Line:
    """Seconds as a function of what a network computes: a fixed part, and so much a multiply-add; neither is negative."""

    fixed: float
    """Seconds of a network that computes nothing."""
    slope: float
    """Seconds a multiply-add."""

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]]) -> Self:
        """Return the line of least squares among those that have no negative part.

        Args:
            points: Multiply-adds and seconds of a network each; at least one.
        """
        n, xs, ys = len(points), [x for x, _ in points], [y for _, y in points]
        x, y = sum(xs) / n, sum(ys) / n
        spread = sum((a - x) ** 2 for a in xs)
        slope = sum((a - x) * (b - y) for a, b in points) / spread if spread else 0.0
        if slope < 0:
            return cls(y, 0.0)
        if (fixed := y - slope * x) < 0:
            squares = sum(a * a for a in xs)
            return cls(0.0, sum(a * b for a, b in points) / squares)
        return cls(fixed, slope)

    def mean(self, sizes: Sequence[float]) -> float:
        """Return the mean seconds of networks of these multiply-adds."""
        return self.fixed + self.slope * sum(sizes) / len(sizes)


def images_at(counts: Sequence[int], fraction: float) -> int:
    """Return how many training images are used of so many of each class: a part of each, at least one."""
    return sum(counts) if fraction == 1 else sum(max(1, int(n * fraction + 0.5)) for n in counts if n)


def steps_of(n_images: int, batch_size: int) -> int:
    """Return the steps of an epoch: full batches, at least one."""
    return max(1, n_images // batch_size)


def rough(seconds: float) -> str:
    """Write a duration that is known about: `5 seconds`, `40 seconds`, `12 minutes`, `3 hours`, `2.5 days`."""
    if seconds < 57.5:
        n = round(seconds) if seconds < 10 else 5 * round(seconds / 5)
        return _n(max(1, n), "second")
    if (minutes := seconds / 60) < 100:
        return _n(round(2 * minutes) / 2 if minutes < 5 else round(minutes), "minute")
    if (hours := minutes / 60) < 48:
        return _n(round(2 * hours) / 2 if hours < 10 else round(hours), "hour")
    return _n(round(2 * hours / 24) / 2 if hours < 240 else round(hours / 24), "day")


def _n(number: float, what: str) -> str:
    return f"{number:g} {what}{'s' * (number != 1)}"
