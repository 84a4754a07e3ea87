from collections import Counter

import pytest

from archsmith.search import Search, parse
from archsmith.steps.simulation import simulate
from archsmith.testing.searches import TINY


def searching(strategy: str, *, epochs: int = 9, budget: str = "{trainings: 12}") -> Search:
    text = TINY.replace("{name: evolution, population: 4, sample: 2}", strategy).replace("epochs: 2", f"epochs: {epochs}")
    wide = text.replace("{min: 1, max: 2}", "{min: 1, max: 6}").replace("{trials: 6, rounds: 3}", budget)
    return parse(wide)


def rungs(search: Search) -> dict[int, int]:
    """Return how many trials there are at each number of epochs."""
    simulated = simulate(search, limit_s=60.0)
    assert simulated is not None
    assert simulated.share == 1.0
    return dict(sorted(Counter(p.fidelity.epochs for p in simulated.proposals).items()))


def test_successive_halving_has_a_third_of_its_trials_on_each_next_rung() -> None:
    found = rungs(searching("{name: successive-halving}", budget="{trials: 26}"))
    assert found == {1: 18, 3: 6, 9: 2}  # two brackets of 9 + 3 + 1


@pytest.mark.parametrize("name", ["asha", "hyperband", "bohb", "pasha", "freeze-thaw"])
def test_what_is_proposed_costs_what_the_budget_has(name: str) -> None:
    search = searching(f"{{name: {name}}}", budget="{trainings: 5}")
    simulated = simulate(search, limit_s=60.0)
    assert simulated is not None
    dearest = 9 - 3  # epochs: with rungs, less may be left over
    assert 5 * 9 - dearest < sum(p.cost for p in simulated.proposals) < 6 * 9
    assert [p.number for p in simulated.proposals] == list(range(len(simulated.proposals)))


def test_as_long_as_there_is_time_only_a_share_of_the_budget_is_proposed() -> None:
    search = searching("{name: asha}", budget="{trainings: 300}")
    simulated = simulate(search, limit_s=0.0)
    assert simulated is not None
    (first,) = simulated.proposals
    assert simulated.share == pytest.approx(first.cost / (300 * 9))


def test_what_inherits_has_other_networks_to_come_from() -> None:
    simulated = simulate(searching("{name: hill-climbing, start: 2}", budget="{trials: 8}"), limit_s=60.0)
    assert simulated is not None
    assert len(simulated.proposals) == 8


def test_a_space_that_is_tried_out_ends_the_search() -> None:
    search = parse(
        TINY.replace("{name: evolution, population: 4, sample: 2}", "{name: grid}").replace(
            "{trials: 6, rounds: 3}", "{trials: 5000}"
        )
    )
    simulated = simulate(search, limit_s=60.0)
    assert simulated is not None
    assert (len(simulated.proposals), simulated.share) == (search.space.size(), 1.0)
