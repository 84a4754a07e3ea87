"""Children a few steps from their parents, with whose weights they begin: shared by the strategies that grow networks."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import numpy as np

from archsmith.spaces.morphing import Morphism, unmorphable
from archsmith.spaces.space import Space
from archsmith.strategies.inheritance import origin
from archsmith.strategies.strategy import Problem
from archsmith.values import Architecture, Proposal, Trial

Step = Callable[[Architecture], Morphism | None]
"""Draws a step from an architecture; None where there is none."""


def refuse_unmorphable(space: Space, strategy: str) -> None:
    """Raise `ValueError` where no step of a space keeps what a network computes, so that `strategy` has nothing to go by."""
    if why := unmorphable(space):
        raise ValueError(f"The strategy {strategy!r} grows networks by steps that keep what they compute, but {why}.")


class Steps:
    """Draws steps of a kind. Those that lead on from an architecture are worked out once, as many children have one parent.

    Args:
        space: Where the architectures come from.
        kind: All steps of this kind, such as `morphisms`.
    """

    def __init__(self, space: Space, kind: Callable[[Space, Architecture], Iterable[Morphism]]) -> None:
        self._by_operation = lru_cache(maxsize=256)(lambda architecture: _by_operation(kind(space, architecture)))

    def draw(self, architecture: Architecture, rng: np.random.Generator) -> Morphism | None:
        """Draw a step: first its operation, each as likely as any other, then where; None where there is none.

        So a network of many layers, which can be widened in many ways, is deepened as often.
        """
        found = self._by_operation(architecture)
        if not found:
            return None
        several = found[int(rng.integers(len(found)))]
        return several[int(rng.integers(len(several)))]


def _by_operation(steps: Iterable[Morphism]) -> Sequence[Sequence[Morphism]]:
    groups: dict[str, list[Morphism]] = {}
    for step in steps:
        groups.setdefault(step.operation, []).append(step)
    return list(groups.values())


def child(problem: Problem, parent: Trial, step: Step, n_steps: int) -> Proposal | None:
    """Return what is up to `n_steps` steps from a trial, and begins with its weights; None where no step leads on from it."""
    architecture, taken = parent.proposal.architecture, list[str]()
    for _ in range(n_steps):
        if (morphism := step(architecture)) is None:
            break
        architecture = morphism.architecture
        taken.append(morphism.what)
    reason = f"child of {parent.id}: {', '.join(taken)}"
    return Proposal(architecture, problem.fidelity, origin(parent), reason) if taken else None
