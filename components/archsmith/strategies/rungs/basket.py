"""The basket of freeze-thaw: which trainings and architectures may be the best, and what one more step would tell of that.

Reference: Swersky, Snoek, Adams 2014 (arXiv:1406.3896), section 3.3 and Algorithm 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archsmith.strategies.bayesian.acquisition import log_expected_improvement
from archsmith.strategies.bayesian.codes import Codes, Rows
from archsmith.strategies.rungs.belief import Belief, Scale
from archsmith.strategies.rungs.entropy_search import Measurement, chances, information, root
from archsmith.strategies.rungs.learned import Learned
from archsmith.strategies.rungs.standing import Standing, Training
from archsmith.values import Architecture

CURVES = 300
"""Most architectures that the model looks at: those that may go on first, then those that went far, then the latest."""
RIVALS = 3
"""Of those that can't go on now, since they are at work or at their end, so many are compared with the others: of which most is
expected."""
LIKELY = 0.5
"""What is likelier than this to be the best of the basket goes on, as only what has reached its end can win."""


class Outlook:
    """What is believed at one moment of a search.

    Args:
        standing: What was measured.
        learned: What the model goes by.
        frozen: What may go on.
        at_work: What is running: the architectures, and the rungs that they are to reach.
    """

    def __init__(
        self, standing: Standing, learned: Learned, frozen: Sequence[Training], at_work: Sequence[tuple[Architecture, int]]
    ) -> None:
        self.standing, self.frozen = standing, frozen
        self._codes: Codes = standing.codes
        costs = standing.costs()
        rows = _looked_at(costs, [t.row for t in frozen])
        self._place = {int(row): k for k, row in enumerate(rows)}
        new = [a for a, _ in at_work if a not in standing.trainings]
        codes = np.concatenate([np.array(standing.rows)[rows], self._codes.encode(new)])
        self._features = self._codes.vectors(codes)
        values = Scale.of(costs).values(costs)[rows]
        self._belief = Belief(learned.given, values, self._features[: len(rows)], learned.times, learned.unit)
        self._at_work = [k for a, _ in at_work if (k := self._where(a, new)) is not None]
        if self._at_work:
            believed = self._believed(values, at_work, new)
            self._belief = Belief(learned.given, believed, self._features, learned.times, learned.unit)
        self._mean, self._variance = self._belief.marginal(self._features)
        self._codes_of = codes
        self._ended = [
            self._place[t.row] for t in standing.trainings.values() if t.row in self._place and t.is_at_its_end(costs.shape[1])
        ]

    def expected(self, training: Training) -> float:
        """Return the asymptote that is expected of a training."""
        return float(self._mean[self._place[training.row]])

    def best(self, n: int) -> Rows:
        """Return the codes of those of which most is expected, the best first."""
        return self._codes_of[np.argsort(-self._mean, kind="stable")[:n]]

    def improvement(self, rows: Rows) -> np.ndarray:
        """Return the logarithm of the expected improvement of architectures over the best, (n,); see `candidates.Score`."""
        return self._gain(*self._belief.marginal(self._codes.vectors(rows)))

    def basket(self, old: int, new: Sequence[Architecture]) -> "Basket":
        """Return the basket: up to `old` trainings that may go on, and new architectures."""
        places = [self._place[t.row] for t in self.frozen]
        gain = self._gain(self._mean[places], self._variance[places])
        chosen = np.argsort(-gain, kind="stable")[:old]
        rivals = sorted({*self._at_work, *self._ended}, key=lambda k: (-self._mean[k], k))[:RIVALS]
        olds = [self.frozen[k] for k in chosen]
        features = [
            self._features[[self._place[t.row] for t in olds]],
            self._codes.vectors(self._codes.encode(new)),
            self._features[rivals],
        ]
        mean, covariance = self._belief.joint(np.concatenate(features))
        steps = [self._belief.next_value(self._place[t.row], t.rung + 1) for t in olds]
        steps += [self._belief.next_value(None, 0) for _ in new]
        return Basket(olds, mean, covariance, [Measurement(k, s.share, s.variance) for k, s in enumerate(steps)])

    def _gain(self, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
        return log_expected_improvement(-mean, np.sqrt(variance), -float(self._mean.max()))

    def _where(self, architecture: Architecture, new: Sequence[Architecture]) -> int | None:
        """Return the row of the model that an architecture has."""
        training = self.standing.trainings.get(architecture)
        return len(self._place) + new.index(architecture) if training is None else self._place.get(training.row)

    def _believed(
        self, values: np.ndarray, at_work: Sequence[tuple[Architecture, int]], new: Sequence[Architecture]
    ) -> np.ndarray:
        """Return the curves as if what is running had shown what is expected of it."""
        mean, _ = self._belief.marginal(self._features)
        found = np.concatenate([values, np.full((len(new), values.shape[1]), np.nan)])
        for architecture, rung in at_work:
            if (k := self._where(architecture, new)) is not None:
                found[k, rung] = self._belief.next_value(k if k < len(values) else None, rung).mean(mean[k])
        return found


@dataclass(frozen=True, eq=False)
class Basket:
    """What is compared."""

    old: Sequence[Training]
    """Trainings that may go on; after them come new architectures, and then what can't go on now."""
    mean: np.ndarray
    """(m,), of their asymptotes."""
    covariance: np.ndarray
    """(m, m)."""
    steps: Sequence[Measurement]
    """What a step of each would show that can be made."""

    def choice(self, n_draws: int, rng: np.random.Generator) -> tuple[int, str] | None:
        """Return which member's step is to be made, and why; None where none can be."""
        if not self.steps:
            return None
        draws = rng.standard_normal((n_draws, len(self.mean)))
        shares = chances(self.mean + draws @ root(self.covariance))
        likeliest = int(shares.argmax())
        if shares[likeliest] > LIKELY and likeliest < len(self.old):
            return likeliest, f"it is the best of the basket with probability {shares[likeliest]:.2f}"
        told = [information(self.mean, self.covariance, step, draws) for step in self.steps]
        most = int(np.argmax(told))
        return most, f"its next step tells most about which is the best, {max(told[most], 0.0):.2g} nats"


def _looked_at(costs: np.ndarray, first: Sequence[int]) -> np.ndarray:
    """Return the rows that the model sees."""
    seen = (~np.isnan(costs)).sum(axis=1)
    rows = np.flatnonzero(seen)
    is_first = np.isin(rows, first)
    return np.sort(rows[np.lexsort((-rows, -seen[rows], ~is_first))][:CURVES])
