"""What strategies are told of networks that nobody has trained."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from archsmith.errors import InfeasibleError, SpecError
from archsmith.models.cost import cost_of
from archsmith.search import Search, parse
from archsmith.steps.propose import propose, strategy_of
from archsmith.steps.sample_space import sample_space
from archsmith.steps.scores import FILE, scores_of, screened
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.strategies.strategy import Problem, Strategy, StrategyConfig, everything
from archsmith.testing.searches import looked_up, tiny
from archsmith.values.scores import ScoreName

SIZES: tuple[ScoreName, ...] = ("n_params", "flops")


@dataclass(frozen=True)
class Given:
    """A strategy that only keeps its problem."""

    problem: Problem


class Wishes(StrategyConfig):
    """A strategy that wants to know what networks cost."""

    @property
    def wanted_scores(self) -> tuple[ScoreName, ...]:
        return SIZES

    def build(self, problem: Problem) -> Strategy:
        return Given(problem)  # type: ignore[return-value]


def opened(file: Path) -> tuple[Search, SearchFolder]:
    """Put a search into a store, and let its strategy want scores."""
    store = str(file.parent / "runs")
    name = sample_space(file.read_text(), store)
    return replace(parse(file.read_text()), strategy_config=Wishes()), SearchFolder(open_store(store), name)


def told(search: Search, folder: SearchFolder) -> Problem:
    """Return what its strategy is told."""
    strategy = strategy_of(folder, search)
    assert isinstance(strategy, Given)
    return strategy.problem


def test_a_strategy_is_told_what_a_counter_finds(tmp_path: Path) -> None:
    search, folder = opened(tiny(tmp_path))
    scores = told(search, folder).scores
    assert scores is not None
    for architecture in list(search.space.enumerate())[:5]:
        counted = cost_of(search.space, architecture, (1, 8, 8), 10)
        assert scores(architecture) == {"n_params": counted.n_params, "flops": counted.flops}


def test_a_strategy_that_wants_no_scores_is_told_none(tmp_path: Path) -> None:
    search, folder = opened(tiny(tmp_path))
    assert scores_of(replace(search, strategy_config=StrategyConfig()), folder) is None


def test_what_a_table_has_is_taken_from_there(tmp_path: Path) -> None:
    file = looked_up(tmp_path, ("{accuracy: valid}", "{accuracy: valid, n_params: size, flops: macs}"))
    table = tmp_path / "table.csv"
    header, *lines = table.read_text().splitlines()
    rows = [[*line.split(","), f"{k}", f"{3 * k}"] for k, line in enumerate(lines[:-1])]
    table.write_text("\n".join([f"{header},size,macs", *map(",".join, rows)]))
    search, folder = opened(file)
    scores = told(search, folder).scores
    assert scores is not None
    known: Mapping[str, list[str]] = {row[0]: row for row in rows}
    *listed, missing = search.space.enumerate()
    for architecture in listed:
        row = known[search.space.to_text(architecture)]
        assert scores(architecture) == {"n_params": float(row[4]), "flops": float(row[5])}
    assert all(math.isnan(value) for value in scores(missing).values())


def test_a_table_without_networks_to_count_tells_none(tmp_path: Path) -> None:
    search, folder = opened(looked_up(tmp_path))
    assert told(search, folder).scores is None


SCREEN = ("estimation: {epochs: 2}", "estimation: {epochs: 2, screen: {score: SCORE, keep: 0.25, sample: 60}}")


def screened_search(folder: Path, score: str, *changes: tuple[str, str]) -> tuple[Search, SearchFolder]:
    """Put the tiny search with a screen into a store."""
    file = tiny(folder, SCREEN, ("SCORE", score), *changes)
    name = sample_space(file.read_text(), str(folder / "runs"))
    return parse(file.read_text()), SearchFolder(open_store(str(folder / "runs")), name)


def test_a_quarter_of_the_space_passes_a_screen(tmp_path: Path) -> None:
    search, folder = screened_search(tmp_path, "synflow", (", {metric: n_params, limit: 20000}", ""))
    assert search.screen is not None
    passes = screened(search, folder, search.screen, everything)
    space = {search.space.canonical(a) for a in search.space.enumerate()}
    assert len(space) == 80  # three quarters of it are in the sample
    assert 0.15 <= sum(map(passes, space)) / len(space) <= 0.35


def test_of_what_keeps_the_limits_those_with_most_parameters_are_proposed(tmp_path: Path) -> None:
    search, folder = screened_search(tmp_path, "n_params", ("limit: 20000", "limit: 1000"), ("[8, 16]", "[8]"))
    sizes = {a: cost_of(search.space, a, (1, 8, 8), 10).n_params for a in search.space.enumerate()}
    within = sorted((n for n in sizes.values() if n <= 1000), reverse=True)
    assert propose(folder, search, 0) == 2
    proposals = folder.proposals(0)
    assert proposals is not None
    least = within[max(1, round(0.25 * len(within))) - 1]
    assert all(least <= sizes[p.architecture] <= 1000 for p in proposals)


@pytest.mark.cluster  # for its length; it needs none
def test_what_a_screen_asks_for_is_kept_and_found_again_where_it_is_lost_or_damaged(tmp_path: Path) -> None:
    search, folder = screened_search(tmp_path, "l2_norm")
    strategy_of(folder, search)
    written = folder.read_json(FILE)
    next((tmp_path / "runs").rglob(FILE)).unlink()
    strategy_of(folder, search)
    assert folder.read_json(FILE) == written
    folder.put(FILE, b"{")
    strategy_of(folder, search)
    assert folder.read_json(FILE) == written
    folder.write_json(FILE, {**written, "least": 1e30})
    with pytest.raises(InfeasibleError):
        propose(folder, search, 0)


def test_a_score_that_no_network_has_screens_nothing(tmp_path: Path) -> None:
    search, folder = screened_search(tmp_path, "progressivity", ("layers: {min: 1, max: 2}", "layers: {min: 1, max: 1}"))
    with pytest.raises(InfeasibleError, match="0 can be scored by progressivity"):
        propose(folder, search, 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("score: SCORE", "score: sinflow")], "sinflow"),
        ([("keep: 0.25", "keep: 1")], "keep"),
        ([("score: SCORE", "score: synflow"), ("name: evolution, population: 4, sample: 2", "name: single-path"),
          ("budget: {trials: 6, rounds: 3}", "budget: {trials: 6}")], "looks with shared weights cost"),
    ],
)  # fmt: skip
def test_a_screen_that_can_not_be_is_an_error_of_the_file(tmp_path: Path, changes: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        parse(tiny(tmp_path, SCREEN, *changes).read_text())


def test_a_screen_is_told_of(tmp_path: Path) -> None:
    search = parse(tiny(tmp_path, SCREEN, ("SCORE", "synflow")).read_text())
    assert "not among the best 25% of 60 architectures" in search.explained[0]
