"""Look for the architectures with the highest score in a space that is too large to list.

An evolution in the small: the best trials mutate, cross over and are joined by random architectures; then the candidates
of the highest score mutate, over and over. Each generation is made and scored as a whole, so a few milliseconds are enough;
to ask which of them are allowed comes on top.
"""

from collections.abc import Callable, Set

import numpy as np
import numpy.typing as npt

from archsmith.strategies.bayesian.codes import Codes, Rows
from archsmith.strategies.bayesian.gaussian_process import Array

Allowed = Callable[[npt.NDArray[np.int64]], bool]
"""Tells whether an architecture may be measured: (n_decisions,) -> whether it may."""

Score = Callable[[Rows], Array]
"""Tells how good it is to measure some architectures: (n, n_decisions) -> (n,), larger is better."""

GENERATIONS = (120, 120, 60)
"""Candidates of each generation."""
PARENTS = 10
"""How many of the best have children."""
ASKED = 3
"""How many of the best of each generation must be allowed; to ask may be dear."""
RANDOM = 0.2
"""Share of the first generation that is random, so that no region is out of reach."""
CROSSED = 0.2
"""Share of the first generation with two parents."""
MOST = 1000
"""Architectures that are scored where only some can be measured."""
DIGITS = 9
"""Decimals of a score that count. Equal architectures get scores that differ by rounding errors; order decides, not these."""


def best_candidates(
    score: Score, parents: Rows, codes: Codes, known: Set[bytes], rng: np.random.Generator, allowed: Allowed
) -> Rows:
    """Return candidates that are new, all different, the best first: (n, n_decisions); none where nothing new was met.

    The first `ASKED` that come back are allowed, as far as there are any, and so were those of each generation before.

    Args:
        score: What to maximise.
        parents: The best architectures that were measured, the best first.
        codes: Makes candidates.
        known: `tobytes` of the rows that are not to come back.
        rng: Source of the candidates.
        allowed: What may be measured; asked of as few as that takes, as it may be dear.
    """
    met, allowed = set(known), _remembered(allowed)
    rows, scores = parents[:0], np.zeros(0)
    for generation, size in enumerate(GENERATIONS):
        made = _children(rows[:PARENTS], size, codes, rng) if generation else _first(parents[:PARENTS], size, codes, rng)
        if not len(new := _unmet(made, met)):
            break
        rows, scores = np.concatenate([rows, new]), np.concatenate([scores, np.round(score(new), DIGITS)])
        order = np.argsort(-scores, kind="stable")
        rows, scores = rows[order], scores[order]
        out = _out(rows, allowed)
        rows, scores = np.delete(rows, out, axis=0), np.delete(scores, out)
        if not len(rows):
            break
    return rows


def _remembered(allowed: Allowed) -> Allowed:
    known: dict[bytes, bool] = {}

    def ask(row: npt.NDArray[np.int64]) -> bool:
        if (key := row.tobytes()) not in known:
            known[key] = allowed(row)
        return known[key]

    return ask


def _out(rows: Rows, allowed: Allowed) -> list[int]:
    """Return the places of those that are not allowed, up to the last of the first `ASKED` that are."""
    n, out = 0, list[int]()
    for k, row in enumerate(rows):
        if not allowed(row):
            out.append(k)
        elif (n := n + 1) == ASKED:
            break
    return out


def best_of(score: Score, rows: Rows, known: Set[bytes], rng: np.random.Generator, allowed: Allowed) -> Rows:
    """Return those of `rows` that are new, the best first, where there is nothing else to measure; of many, `MOST` at random."""
    drawn = rows[rng.permutation(len(rows))[: MOST + len(known)]]
    new = _unmet(drawn, set(known))[:MOST]
    if not len(new):
        return new
    best = new[np.argsort(-np.round(score(new), DIGITS), kind="stable")]
    return np.delete(best, _out(best, allowed), axis=0)


def _first(parents: Rows, size: int, codes: Codes, rng: np.random.Generator) -> Rows:
    """Return the first generation: random ones, mutations, half of them twice mutated, and crossovers."""
    n_random, n_crossed = int(RANDOM * size), int(CROSSED * size)
    crossed = codes.cross(_drawn(parents, n_crossed, rng), _drawn(parents, n_crossed, rng), rng)
    return np.concatenate([_children(parents, size - n_random - n_crossed, codes, rng), crossed, codes.sample(n_random, rng)])


def _children(parents: Rows, size: int, codes: Codes, rng: np.random.Generator) -> Rows:
    """Return mutations of parents at random; every other one is mutated again."""
    once = codes.mutate(_drawn(parents, size, rng), rng)
    once[::2] = codes.mutate(once[::2], rng)
    return once


def _drawn(rows: Rows, size: int, rng: np.random.Generator) -> Rows:
    return rows[rng.integers(len(rows), size=size)]


def _unmet(rows: Rows, met: set[bytes]) -> Rows:
    """Return the rows that were not met before, and remember them."""
    kept = []
    for k, row in enumerate(rows):
        if (key := row.tobytes()) not in met:
            met.add(key)
            kept.append(k)
    return rows[kept]
