"""From the trials of a search to the stopping of one: what was seen, what it means for this training, and whom nobody stops."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from archsmith.evaluation.stopping.curves import Curves
from archsmith.evaluation.stopping.stopper import Give, Stopper, StopperConfig, Watch
from archsmith.spaces.space import Space
from archsmith.spec import Objective
from archsmith.values import CURVES, Architecture, EpochRecord, Fidelity, History, Proposal, Stop, Trial

GROWTH = 1.1
"""A stopper learns anew when there are so many times as many curves, if that is more than `refit`: what is learned changes less
and takes longer."""


@dataclass(frozen=True)
class Stopping:
    """A stopper in a search."""

    name: str
    """Its name."""
    config: StopperConfig
    """Its settings."""
    space: Space
    """Where the architectures come from."""
    objectives: tuple[Objective, ...]
    """What the search is after; the first one with a goal has the curves, and the others are limits."""
    prefixes: bool = True
    """Whether a shorter training is the beginning of a longer one; else only curves of the same schedule are compared."""
    _rows: "dict[int, _Row]" = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def objective(self) -> Objective:
        """The objective whose curves are looked at."""
        return next(o for o in self.objectives if o.goal)

    def before(self, seen: History, proposal: Proposal) -> "Before":
        """Return the curves that can be compared with that of `proposal`: the longest one of each architecture."""
        comparable = [t for t in seen if t.curve and self._compares(t.proposal, proposal)]
        longest = {t.proposal.architecture: t for t in sorted(comparable, key=lambda t: len(t.curve))}
        rows = [self._row(t) for t in sorted(longest.values(), key=lambda t: t.proposal.number)]
        horizon = proposal.fidelity.epochs
        values = np.full((len(rows), horizon), np.nan)
        for value, row in zip(values, rows, strict=True):
            value[: len(row.values)] = row.values[:horizon]
        features = np.stack([row.features for row in rows]) if rows else np.empty((0, 0))
        ended = np.isfinite(values[:, -1])
        allowed = np.array([row.allowed for row in rows], dtype=bool)
        ends = values[ended & allowed, -1]
        best = float(ends.max()) if len(ends) else -math.inf
        return Before(Curves(values, features), int(ended.sum()), best)

    def values(self, curve: Sequence[EpochRecord]) -> np.ndarray:
        """Return the values of a curve, (t,), higher is better."""
        name = CURVES[self.objective.metric]
        return self.objective.sign * np.array([getattr(record, name) for record in curve], dtype=float)

    def spares(self, architecture: Architecture) -> bool:
        """Tell whether this one is never stopped: a share of all, the same in every search."""
        return int(architecture.id[:8], 16) < self.config.spared * 16**8

    def _compares(self, past: Proposal, proposal: Proposal) -> bool:
        """Tell whether a curve of `past` has the same meaning, epoch by epoch, as that of `proposal`."""
        if past.architecture == proposal.architecture or not _alike(past.fidelity, proposal.fidelity):
            return False
        same = (past.fidelity.epochs, past.epochs_before) == (proposal.fidelity.epochs, proposal.epochs_before)
        return self.prefixes or same

    def _row(self, trial: Trial) -> "_Row":
        """Return what is looked at of a trial; it is worked out once."""
        row = self._rows.get(trial.proposal.number)
        if row is None or row.trial is not trial:
            allowed = all(o.allows(trial.metrics[o.metric]) for o in self.objectives if o.metric in trial.metrics)
            row = _Row(trial, self.values(trial.curve), self.space.features(trial.proposal.architecture), allowed)
            self._rows[trial.proposal.number] = row
        return row


@dataclass(frozen=True, eq=False, slots=True)
class _Row:
    """A trial as others are compared with it."""

    trial: Trial
    values: np.ndarray
    features: np.ndarray
    allowed: bool
    """Whether it is within the limits, as far as it was measured."""


def _alike(a: Fidelity, b: Fidelity) -> bool:
    """Tell whether two fidelities differ in nothing but their epochs."""
    return a == b or replace(a, epochs=b.epochs) == b


@dataclass(frozen=True, eq=False, slots=True)
class Before:
    """What there is to compare a training with."""

    curves: Curves
    """In the order of their trials' numbers."""
    n_ended: int
    """How many came to their end."""
    best: float
    """The best end of one within the limits; -inf where there is none."""

    def known(self, refit: int) -> Curves:
        """Return the curves up to the trial at whose end the stopper learned last."""
        n = learned_from(self.n_ended, refit)
        ended = np.cumsum(np.isfinite(self.curves.values[:, -1]))
        return self.curves.take(ended <= n) if n else self.curves


def learned_from(n: int, refit: int) -> int:
    """Return after how many ended trials the stopper learned last, when `n` have ended: it learns anew now and then."""
    at = 0
    while (following := max(at + refit, math.ceil(at * GROWTH))) <= n:
        at = following
    return at


class Remembering:
    """A stopper that keeps what it has learned last, for the next trials that are to be looked at with the same knowledge.

    Args:
        stopper: Learns.
        most: How many watches are kept; several, where trials of different length run side by side.
    """

    def __init__(self, stopper: Stopper, most: int = 4) -> None:
        self._stopper, self._most = stopper, most
        self._kept: dict[bytes, Watch] = {}

    def fit(self, before: Curves) -> Watch:
        """Return what was learned from these curves, or learn it; see `Stopper.fit`."""
        key = hashlib.sha256(repr(before.values.shape).encode() + before.values.tobytes() + before.features.tobytes()).digest()
        watch = self._kept.pop(key, None) or self._stopper.fit(before)
        self._kept[key] = watch  # the latest one last
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return watch


@dataclass(frozen=True, eq=False, slots=True)
class Looking:
    """Looks at one training after each epoch; the estimator calls it."""

    stopping: Stopping
    """The stopper in its search."""
    watch: Watch
    """What it has learned."""
    best: float
    """The best end so far."""

    def __call__(self, proposal: Proposal, curve: Sequence[EpochRecord]) -> Stop | None:
        """Say whether the training of `proposal` ends after this epoch, and why; see `archsmith.evaluation.estimator.Look`."""
        epoch = len(curve)
        if not max(proposal.epochs_before + 1, self.stopping.config.grace) <= epoch < proposal.fidelity.epochs:
            return None
        features = self.stopping.space.features(proposal.architecture)
        match self.watch.look(self.stopping.values(curve), features, self.best):
            case Give(prediction):
                sign = self.stopping.objective.sign
                return Stop(epoch, self.stopping.name, sign * prediction.mean, prediction.deviation)
            case _:
                return None


def prepared(stopping: Stopping, stopper: Stopper, seen: History, proposal: Proposal) -> Looking | None:
    """Return what looks at the training of `proposal`, whose maker had seen the trials `seen`; None where nobody does.

    A pure function that may take seconds, as the stopper learns in it; to be called outside of the trial.
    """
    return None if stopping.spares(proposal.architecture) else looking(stopping, stopper, seen, proposal)


def looking(stopping: Stopping, stopper: Stopper, seen: History, proposal: Proposal) -> Looking | None:
    """Return what would look at the training of `proposal` if it were not spared; None where too little is known."""
    before = stopping.before(seen, proposal)
    if before.n_ended < stopping.config.after:
        return None
    return Looking(stopping, stopper.fit(before.known(stopping.config.refit)), before.best)
