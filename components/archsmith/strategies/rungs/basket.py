"""The basket of freeze-thaw: which trainings and architectures may be the best, and what one more step would tell of that.

Reference: Swersky, Snoek, Adams 2014 (arXiv:1406.3896), section 3.3 and Algorithm 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archsmith.strategies.bayesian.acquisition import log_expected_improvement
from archsmith.strategies.bayesian.codes import Rows
from archsmith.strategies.rungs.belief import Belief, Learned, Next, Scale
from archsmith.strategies.rungs.entropy_search import chances, drawn, information
from archsmith.strategies.rungs.standing import Standing, Training
from archsmith.values import Architecture

CURVES = 120
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
        self.standing, self.frozen, self._learned = standing, frozen, learned
        trainings = _looked_at(standing, frozen)
        rows = [t.row for t in trainings]
        self._place = {row: k for k, row in enumerate(rows)}
        self._trainings = trainings
        self._seen = [t.seen for t in trainings]
        costs = standing.costs
        values = Scale.of(costs).values(costs)[rows]
        self._values = np.where(np.isnan(values), 0.0, values)
        self._features = standing.features[rows]
        self._belief = Belief(learned, self._values, self._seen, self._features)
        self._busy: list[int] = []
        if at_work:
            self._believe(at_work)

    def expected(self, training: Training) -> float:
        """Return the asymptote that is expected of a training."""
        return float(self._belief.mean[self._place[training.row]])

    def best(self, n: int) -> Rows:
        """Return the codes of those of which most is expected, the best first."""
        order = np.argsort(-self._belief.mean[: len(self._trainings)], kind="stable")[:n]
        return self.standing.codes.encode([self._trainings[k].trial.proposal.architecture for k in order])

    def improvement(self, rows: Rows) -> np.ndarray:
        """Return the logarithm of the expected improvement of new architectures, (n,)."""
        return self._gain(*self._belief.marginal(self.standing.codes.vectors(rows)))

    def basket(self, n_old: int, new: Sequence[Architecture]) -> "Basket":
        """Return the basket: up to `n_old` trainings that may go on, and new architectures."""
        belief, codes, learned = self._belief, self.standing.codes, self._learned
        places = np.array([self._place[t.row] for t in self.frozen], dtype=np.int64)
        chosen = np.argsort(-self._gain(belief.mean[places], belief.variance[places]), kind="stable")[:n_old]
        old, ends = [self.frozen[k] for k in chosen], [self._place[t.row] for t in self.standing.ends if t.row in self._place]
        rivals = sorted({*self._busy, *ends}, key=lambda k: (-belief.mean[k], k))[:RIVALS]
        vectors = codes.vectors(codes.encode(new)).reshape(len(new), self._features.shape[1])
        features = np.concatenate([self._features[places[chosen]], vectors, self._features[rivals]])
        steps = [learned.next(t.seen, t.rung + 1) for t in old] + [learned.next(0, 0)] * len(new)
        return Basket(old, steps, *belief.joint(features))

    def _gain(self, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
        return log_expected_improvement(-mean, np.sqrt(variance), -float(self._belief.mean.max()))

    def _believe(self, at_work: Sequence[tuple[Architecture, int]]) -> None:
        """Believe that what is running shows what is expected of it."""
        new = [a for a, _ in at_work if a not in self.standing.trainings]
        if new:
            codes = self.standing.codes
            self._features = np.concatenate([self._features, codes.vectors(codes.encode(new))])
            self._values = np.concatenate([self._values, np.zeros((len(new), self._values.shape[1]))])
        place_of_new = {a: len(self._trainings) + k for k, a in enumerate(new)}
        seen, mean = self._seen + [0] * len(new), self._belief.marginal(self._features)[0]
        for architecture, rung in at_work:
            training = self.standing.trainings.get(architecture)
            k = place_of_new[architecture] if training is None else self._place.get(training.row)
            if k is not None:
                step = self._learned.next(seen[k], rung)
                self._values[k, rung] = step.gain @ self._values[k] + step.share * mean[k]
                seen[k] |= 1 << rung
                self._busy.append(k)
        self._belief = Belief(self._learned, self._values, seen, self._features)


@dataclass(frozen=True, eq=False)
class Basket:
    """What is compared."""

    old: Sequence[Training]
    """Trainings that may go on; after them come new architectures, and then what can't go on now."""
    steps: Sequence[Next]
    """What a step of each would show that can be made."""
    mean: np.ndarray
    """(m,), of their asymptotes."""
    covariance: np.ndarray
    """(m, m)."""

    def choice(self, n_draws: int, rng: np.random.Generator) -> tuple[int, str] | None:
        """Return which member's step is to be made, and why; None where none can be."""
        if not self.steps:
            return None
        k, m = len(self.steps), len(self.mean)
        normals = rng.standard_normal((m + k, n_draws))
        draws = drawn(self.mean, self.covariance, normals[:m])
        likely = chances(draws)
        best = int(likely.argmax())
        if likely[best] > LIKELY and best < len(self.old):
            return best, f"the best of the basket with probability {likely[best]:.2f}"
        shares, variances = np.array([s.share for s in self.steps]), np.array([s.variance for s in self.steps])
        told = information(draws, self.covariance, shares, variances, normals[m:])
        most = int(told.argmax())
        return most, f"its next step tells {max(told[most], 0.0):.2g} nats about which is the best"


def _looked_at(standing: Standing, frozen: Sequence[Training]) -> list[Training]:
    """Return the trainings that the model sees."""
    seen = [t for t in standing.trainings.values() if t.seen]
    if len(seen) <= CURVES:
        return seen
    may_go_on = {t.row for t in frozen}
    return sorted(seen, key=lambda t: (t.row not in may_go_on, -t.rung, -t.row))[: max(CURVES, len(may_go_on))]
