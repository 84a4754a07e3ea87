"""Which architectures a step of the shared weights trains.

References:
    - `Uniform`: Guo, Zhang, Mu, Heng, Liu, Wei, Sun 2020, Single Path One-Shot Neural Architecture Search with Uniform
      Sampling (arXiv:1904.00420), section 3.2: one path a step, each decision uniform among its choices.
    - `Fair`: Chu, Zhang, Xu 2021, FairNAS (arXiv:1907.01845), section 3.3 and algorithm 1: a step has m paths, in which each of
      a decision's m choices comes once; their gradients are summed, and there is one update.
    - `Dropout`: Bender, Kindermans, Zoph, Vasudevan, Le 2018, Understanding and Simplifying One-Shot Architecture Search,
      section 3.2: each option is dropped at random, more and more of them as the training goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

import numpy as np

from archsmith.models.shared.slices import Extremes, with_choices
from archsmith.spaces.decisions import Decision
from archsmith.spaces.decisions.conditions import Pick, rules_out, walk
from archsmith.spaces.space import Space
from archsmith.spec.supernets import Sampled
from archsmith.values import Architecture, Choice

N_BETWEEN = 2
"""Networks of a step beside the largest and the smallest one, as in the paper."""


class Chooser(Protocol):
    """Chooses the architectures of each step. The training makes one anew for each epoch."""

    @property
    def averaged(self) -> bool:
        """Whether the gradients of a step's architectures are averaged; else they are summed."""
        ...

    def draw(self, share: float) -> Sequence[Architecture]:
        """Return the architectures of the next step, at least one.

        Args:
            share: How much of the training has passed, in [0, 1).
        """
        ...


class Uniform:
    """One path a step, each decision uniform among its choices."""

    averaged: ClassVar = True

    def __init__(self, space: Space, settings: Sampled, rng: np.random.Generator) -> None:
        del settings
        self._space, self._rng = space, rng

    def draw(self, share: float) -> Sequence[Architecture]:
        """Return one architecture."""
        del share
        return [self._space.sample(self._rng)]


class Fair:
    """As many paths a step as the decision with the most choices has, each choice of which comes once in them.

    Deviation: the paper's layers all have the same number of choices, and are all active. Here a decision goes through its
    choices in random order, again and again, from one path in which it is active to the next. So one with as many choices as
    there are paths, and always active, has each once a step; and never do the numbers of times that two choices of a decision
    came differ by more than one.
    """

    averaged: ClassVar = False

    def __init__(self, space: Space, settings: Sampled, rng: np.random.Generator) -> None:
        del settings
        self._space, self._rng, self._masks = space, rng, rules_out(space.decisions)
        self._left: list[list[Choice]] = [[] for _ in space.decisions]
        self._n_paths = max(len(decision.choices) for decision in space.decisions)

    def draw(self, share: float) -> Sequence[Architecture]:
        """Return as many architectures as a decision has choices."""
        del share
        return [_architecture(self._space, self._masks, self._next) for _ in range(self._n_paths)]

    def _next(self, k: int, decision: Decision) -> Choice:
        left = self._left[k]
        if not left:
            left.extend(decision.choices[i] for i in self._rng.permutation(len(decision.choices)))
        return left.pop()


class Dropout:
    """All options that are not dropped, in as few paths as have each of them at least once.

    Of m options each is dropped with a probability that rises linearly from 0 to r^(1/m), where r is `path_dropout`; one is kept
    by force, so that in the end all would be dropped with the probability r but for that.

    Deviation: the paper's network computes the kept options of a choice together and sums them, as `together` does. Without it,
    each path has one option a choice, as the networks have that are looked at later, and gradients are averaged over the paths.
    Which options a step trains has the paper's distribution; that they are summed, and learn to rely on each other, does not
    happen then.
    """

    averaged: ClassVar = True

    def __init__(self, space: Space, settings: Sampled, rng: np.random.Generator) -> None:
        self._space, self._rng, self._masks = space, rng, rules_out(space.decisions)
        self._most = settings.path_dropout

    def draw(self, share: float) -> Sequence[Architecture]:
        """Return as many architectures as the decision with the most options that are kept has of these."""
        kept = [self._kept(decision, share) for decision in self._space.decisions]
        n_paths = max(map(len, kept))
        return [_architecture(self._space, self._masks, _taking(kept, path)) for path in range(n_paths)]

    def _kept(self, decision: Decision, share: float) -> list[Choice]:
        """Return the options of a decision that are kept, in random order."""
        n = len(decision.choices)
        order = self._rng.permutation(n)
        kept = [decision.choices[i] for i in order if self._rng.random() >= share * self._most ** (1 / n)]
        return kept or [decision.choices[order[0]]]


class Sandwich:
    """The largest and the smallest network beside those that another chooser has chosen, at least two of them.

    What is no decision on the size is in both as in the first of the chosen ones.

    Args:
        inner: The other chooser.
        space: Its space.
        extremes: The decisions on the size, with the choices that make networks small and large.
        rng: Draws what becomes active.

    Reference: Yu, Huang 2019, Universally Slimmable Networks (arXiv:1903.05134), section 3.2, the sandwich rule; gradients are
    summed. Deviation: the smaller ones learn from the labels, and not from the largest one's outputs (section 3.3).
    """

    averaged: ClassVar = False

    def __init__(self, inner: Chooser, space: Space, extremes: Extremes, rng: np.random.Generator) -> None:
        self._inner, self._space, self._extremes, self._rng = inner, space, extremes, rng

    def draw(self, share: float) -> Sequence[Architecture]:
        """Return the largest one, the smallest one, and others."""
        chosen = [*self._inner.draw(share)]
        while len(chosen) < N_BETWEEN:
            chosen += self._inner.draw(share)
        return [*(self._extreme(chosen[0], end) for end in (1, 0)), *chosen]

    def _extreme(self, architecture: Architecture, end: int) -> Architecture:
        choices = {place: ends[end] for place, ends in self._extremes.items()}
        return with_choices(self._space, architecture, choices, self._rng)


def _taking(kept: Sequence[Sequence[Choice]], path: int) -> Pick:
    """Return a pick of the kept options one after the other, from path to path."""
    return lambda k, _: kept[k][path % len(kept[k])]


def _architecture(space: Space, masks: Sequence[Mapping[Choice | None, int]], pick: Pick) -> Architecture:
    return Architecture(space.name, walk(space.decisions, tuple(masks), pick))


CHOOSERS: Mapping[str, Callable[[Space, Sampled, np.random.Generator], Chooser]] = {
    "uniform": Uniform,
    "fair": Fair,
    "dropout": Dropout,
}
"""What chooses without learning, by its name in the settings."""
