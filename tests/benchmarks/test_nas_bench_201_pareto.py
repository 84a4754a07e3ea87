"""The hypervolume of the benchmark with two objectives, against counting the points of a fine grid."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def hypervolume(monkeypatch: pytest.MonkeyPatch) -> Callable[[np.ndarray], float]:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as the benchmark does for its own process; here it is undone
    spec = importlib.util.spec_from_file_location("nas_bench_201_pareto", FOLDER / "nas_bench_201_pareto.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[np.ndarray], float] = module.hypervolume
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_hypervolume_is_the_share_of_the_square_that_a_point_dominates(
    hypervolume: Callable[[np.ndarray], float], seed: int
) -> None:
    points = np.random.default_rng(seed).random((8, 2))
    at = (np.arange(500) + 0.5) / 500
    x, y = np.meshgrid(at, at)
    dominated = ((points[:, 0, None, None] <= x) & (points[:, 1, None, None] <= y)).any(axis=0)
    assert hypervolume(points) == pytest.approx(dominated.mean(), abs=0.01)
