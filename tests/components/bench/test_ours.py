"""Strategies named in a line, and searching a table."""

import numpy as np
import pytest

from archsmith.bench import Ours, Task, parse_strategies, play
from archsmith.errors import SpecError, UnknownNameError
from archsmith.strategies.evolution.evolution import EvolutionConfig
from archsmith.strategies.plain.random import RandomConfig
from archsmith.testing.strategies import small_problem

EVOLUTION = Ours("evolution", EvolutionConfig(population=10, sample=5))


def test_settings_stand_after_the_name() -> None:
    random, small, evolution = parse_strategies("random,evolution:population=10,sample=3,evolution")
    assert random == Ours("random", RandomConfig())
    assert small == Ours("evolution:population=10,sample=3", EvolutionConfig(population=10, sample=3))
    assert evolution == Ours("evolution", EvolutionConfig())


def test_random_search_always_runs_along() -> None:
    assert [s.label for s in parse_strategies("evolution")] == ["random", "evolution"]
    assert parse_strategies(None)[0].label == "random"


def test_a_name_or_a_setting_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown strategy 'evolutoin'.* Did you mean 'evolution'"):
        parse_strategies("evolutoin")
    with pytest.raises(
        SpecError, match=r"strategy 'evolution' populaton=10: populaton: unknown key; .* Did you mean `population`"
    ):
        parse_strategies("evolution:populaton=10")
    with pytest.raises(SpecError, match=r"'asha' trains at several fidelities, but a benchmark .* at one; name others: random, "):
        parse_strategies("asha:eta=4")
    with pytest.raises(SpecError, match=r"'enas' trains weights that all architectures share, but .* name others: random, "):
        parse_strategies("enas")
    for inheriting in ("lemonade", "evolution:inherit=true"):
        with pytest.raises(
            SpecError, match=rf"'{inheriting}' lets networks begin with the weights of others, but .* there are none"
        ):
            parse_strategies(inheriting)
    with pytest.raises(SpecError, match="'random' is named twice"):
        parse_strategies("random,random")


def test_the_seed_decides_about_a_search(task: Task) -> None:
    first, again, other = (play(EVOLUTION, task, seed, trials=40) for seed in (1, 1, 2))
    assert first.regret.tolist() == again.regret.tolist()
    assert first.regret.tolist() != other.regret.tolist()


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_a_strategy_finds_the_best_of_an_easy_landscape_either_way(make_task, goal: str) -> None:
    regrets = [play(EVOLUTION, make_task(goal=goal), seed, trials=150).regret[-1] for seed in range(5)]
    assert np.median(regrets) == 0


def test_a_strategy_goes_on_past_what_the_table_does_not_have(make_task) -> None:
    run = play(EVOLUTION, make_task(without=0.4), seed=0, trials=60)
    assert run.regret[-1] < run.regret[10] or run.regret[10] == 0
    assert not np.isnan(run.ask_s).any()


@pytest.mark.parametrize(("at_once", "together", "seen"), [
    (1, False, [0, 1, 2, 3, 4, 5, 6, 7]),
    (3, False, [0, 0, 0, 1, 2, 3, 4, 5]),
    (3, True, [0, 0, 0, 3, 3, 3, 6, 6]),
])  # fmt: skip
def test_what_is_at_work_at_once_is_running_for_whoever_proposes(at_once: int, together: bool, seen: list[int]) -> None:
    known: list[tuple[int, int]] = []

    class Noted(RandomConfig):
        def build(self, problem):
            strategy = super().build(problem)

            class Watched:
                def ask(self, history, n, rng):
                    asked = strategy.ask(history, n, rng)
                    known.extend((len(history), len(history.running)) for _ in asked)
                    return asked

            return Watched()

    ask, tell = Ours("noted", Noted(), at_once, together).solve(small_problem(), 0)
    for _ in range(8):
        assert ask() is not None
        tell({"accuracy": 0.5})
    assert [s for s, _ in known[:8]] == seen
    assert [r for _, r in known[:8]] == [0] * 8 if together else [k - s for k, s in enumerate(seen)]
