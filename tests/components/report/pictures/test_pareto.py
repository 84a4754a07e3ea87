"""The front of a Pareto plot, against brute force."""

import numpy as np
import pytest

from archsmith.report.pictures.pareto import front


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_what_brute_force_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = [(float(c), float(a)) for c, a in rng.integers(1, 12, size=(30, 2))]
    beaten = {p for p in points for q in points if q != p and q[0] <= p[0] and q[1] >= p[1]}
    assert front(points) == sorted(set(points) - beaten)


def test_no_points_have_no_front() -> None:
    assert front([]) == []
