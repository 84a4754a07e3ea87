"""What a policy that grows networks sees and does, and how likely it was: the values of `meta_controller`."""

from dataclasses import dataclass

import numpy as np

from archsmith.policy.lstm import Way


@dataclass(frozen=True, slots=True)
class Situation:
    """A network as the policy sees it, and what may be done to it."""

    tokens: np.ndarray
    """Features of its L layers: (L, n_features)."""
    may_widen: np.ndarray
    """Which of them have a next level: (L,), bool."""
    additions: np.ndarray
    """The layers that may be inserted, one a row: what each of S decisions chooses, (K, S), `SKIPPED` where it is not active."""


@dataclass(frozen=True, slots=True)
class Move:
    """What was done: one of the two."""

    widened: np.ndarray | None = None
    """Which layers were widened: (L,), bool, none that may not be."""
    added: np.ndarray | None = None
    """A row of the situation's `additions`: (S,)."""


@dataclass(frozen=True, slots=True)
class Odds:
    """The policy in a situation."""

    wider: np.ndarray
    """Probability that each layer is widened: (L,); 0 where it may not be."""
    deeper: np.ndarray
    """Probability of each of the situation's additions: (K,)."""


@dataclass(frozen=True, slots=True)
class Played:
    """The policy's way through a batch of B moves."""

    tokens: np.ndarray
    """Of their situations, (L, B, n_features); zero after the last layer."""
    ways: tuple[Way, Way, Way]
    """The encoder's from the first layer to the last, the other way round, and the deeper actor's."""
    rows: np.ndarray
    """What the deeper actor reads at each step, as a row of its table: (S, B)."""
    actions: tuple[np.ndarray, np.ndarray]
    """What was widened, (L, B), and what was chosen, (S, B), `SKIPPED` where there was no choice."""
    offered: tuple[np.ndarray, np.ndarray]
    """What might have been widened, (L, B), or chosen, (S, B, M): where the actor was not asked, nothing."""
    wider_logits: np.ndarray
    """(L, B)."""
    deeper_log_policy: np.ndarray
    """Logarithm of the probability of each choice: (S, B, M); 0 where there was none, far below where it was not offered."""

    @property
    def log_probs(self) -> np.ndarray:
        """Logarithm of the probability of each move: (B,)."""
        signs = np.where(self.actions[0], -1, 1)
        wider = -np.where(self.offered[0], np.logaddexp(0, signs * self.wider_logits), 0).sum(0)
        return np.asarray(wider + np.where(self.chosen, self.deeper_log_policy, 0).sum((0, 2)))

    @property
    def chosen(self) -> np.ndarray:
        """Whether the deeper actor chose it: (S, B, M), bool."""
        return np.asarray(self.actions[1][:, :, None] == np.arange(self.deeper_log_policy.shape[2]))

    @property
    def entropies(self) -> np.ndarray:
        """Sum of the entropies of each move's decisions, in nat: (B,)."""
        z, p = self.wider_logits, sigmoid(self.wider_logits)
        wider = np.where(self.offered[0], np.logaddexp(0, z) - p * z, 0).sum(0)
        return np.asarray(wider + self.deeper_entropies.sum(0))

    @property
    def deeper_entropies(self) -> np.ndarray:
        """Entropy of each decision of the deeper actor, in nat: (S, B)."""
        return np.asarray(-np.where(self.offered[1], np.exp(self.deeper_log_policy) * self.deeper_log_policy, 0).sum(2))


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z)), for any z."""
    return np.asarray((1 + np.tanh(z / 2)) / 2)
