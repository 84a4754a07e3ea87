"""Summaries, against a simulation of what they estimate."""

import numpy as np
import pytest

from archsmith.bench import Run, summarize
from archsmith.bench.summary import influence, standard_error


def runs(task: str, searcher: str, regrets: np.ndarray, test: float = 50.0) -> list[Run]:
    return [Run(task, searcher, seed, np.array([9.0, r]), test, np.array([1e-3, 3e-3])) for seed, r in enumerate(regrets)]


def test_the_relative_regret_is_a_ratio_of_means() -> None:
    rows = summarize([*runs("a", "random", np.array([1.0, 3.0])), *runs("a", "x", np.array([0.0, 1.0]), test=60.0)])
    (random, x) = rows
    assert (random.relative, random.relative_se) == (1.0, 0.0)
    assert (x.regret, x.relative, x.test, x.ask_ms) == (0.5, 0.25, 60.0, 2.0)
    assert x.regret_se == pytest.approx(np.std([0, 1], ddof=1) / np.sqrt(2))


def test_the_standard_error_of_a_ratio_is_what_it_varies_by_over_many_experiments() -> None:
    rng, n = np.random.default_rng(0), 100

    def experiment() -> tuple[float, float]:
        reference = rng.gamma(4.0, 0.5, n)
        mine = 0.15 * reference + rng.gamma(1.0, 0.1, n)
        ratio, parts = influence(runs("a", "x", mine), runs("a", "random", reference))
        return ratio, standard_error(parts)

    ratios, errors = np.array([experiment() for _ in range(400)]).T
    assert ratios.mean() == pytest.approx(0.2, rel=0.02)
    assert errors.mean() == pytest.approx(ratios.std(), rel=0.1)


def test_over_several_tasks_there_is_a_mean_of_the_ratios() -> None:
    a = [*runs("a", "random", np.array([2.0, 2.0])), *runs("a", "x", np.array([1.0, 1.0]))]
    b = [*runs("b", "random", np.array([10.0, 10.0])), *runs("b", "x", np.array([1.0, 1.0]))]
    *_, mean = summarize([*a, *b])
    assert (mean.task, mean.searcher, mean.seeds) == ("all", "x", 2)
    assert mean.relative == pytest.approx((0.5 + 0.1) / 2)
    assert mean.to_dict()["regret"] is None


def test_where_random_search_always_finds_the_best_there_is_no_ratio() -> None:
    random, x = summarize([*runs("a", "random", np.zeros(2)), *runs("a", "x", np.array([0.0, 1.0]))])
    assert np.isnan([random.relative, x.relative, x.relative_se]).all()
    assert x.to_dict()["relative"] is None


def test_a_single_seed_has_no_standard_error() -> None:
    (row,) = summarize(runs("a", "random", np.array([1.0])))
    assert np.isnan(row.regret_se)
    assert row.to_dict()["regret_se"] is None
