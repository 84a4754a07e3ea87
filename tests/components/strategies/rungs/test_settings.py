"""What the settings of rungs mean for a search, in sentences."""

import math

import pytest

from archsmith.search import parse
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spaces.space import Space
from archsmith.strategies import STRATEGIES
from archsmith.strategies.rungs.hyperband import HyperbandConfig
from archsmith.strategies.rungs.ladder import Lowest
from archsmith.strategies.rungs.settings import BracketsConfig
from archsmith.strategies.rungs.successive_halving import SuccessiveHalvingConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import ACCURACY, measured_by, without_waiting
from archsmith.values import Fidelity, History, seed_from

FILE = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: explained}
spec:
  data: {name: digits}
  space: {name: chain}
  strategy: {name: NAME}
  estimation: {epochs: 9}
  budget: {BUDGET}
"""


def explained(name: str, budget: str) -> tuple[str, ...]:
    return parse(FILE.replace("NAME", name).replace("{BUDGET}", budget)).explained


def test_a_search_says_what_a_bracket_is_and_how_many_the_budget_has():
    assert explained("successive-halving", "{trainings: 20}") == (
        "9 architectures at 1 epoch, 3 of them go on to 3 epochs, 1 to 9 epochs: 2.33 full trainings' worth.",
        "The budget of 20 full trainings' worth is 8 brackets; with what is left, the next best of them go on.",  # 18.7
    )
    assert explained("successive-halving", "{trainings: 7}")[-1] == "The budget of 7 full trainings' worth is 3 brackets."
    assert explained("successive-halving", "{trainings: 1}")[-1].endswith("is part of the first one.")
    assert explained("successive-halving", "{trials: 30}")[1:] == ()


WIDER = Lowest(epochs=1, width=0.25)


@pytest.mark.parametrize("config", [SuccessiveHalvingConfig(eta=2, lowest=WIDER), HyperbandConfig(eta=2, lowest=WIDER)])
def test_where_weights_are_widened_a_bracket_is_said_to_cost_what_is_spent(config: BracketsConfig) -> None:
    full, spaces = Fidelity(4), (ChainConfig().build(), NasBench201Config().build())
    spent = [sum(t.cost for t in first_bracket(config, space, full)) / full.cost for space in spaces]
    assert spent == pytest.approx([config.least(full, widens=widens).trainings for widens in (True, False)])
    assert spent[0] < 0.9 * spent[1]


def first_bracket(config: BracketsConfig, space: Space, full: Fidelity) -> History:
    n = sum(config.plans(len(config.ladder(full)))[0].sizes)
    problem = Problem(space, ACCURACY, full, budget=1000, trials=n)
    return without_waiting(config.build(problem), measured_by(lambda a: seed_from(a.id) / 2**64), at_once=1, proposals=n)[-1]


def test_hyperband_says_all_its_brackets():
    said = explained("hyperband", "{trainings: 11}")
    assert [line.partition(" architectures at ")[0] for line in said[:-1]] == ["9", "5", "3"]
    left = "with what is left, the next best of them go on"
    assert said[-1] == f"The budget of 11 full trainings' worth is 4 brackets; {left}."  # 7/3, 7/3, 3, 7/3, and 1 is left
    assert explained("hyperband", "{trainings: 10.5}")[-1].endswith(" is 4 brackets.")  # 6 of 9 epochs cost more than is left


def test_asha_says_what_an_architecture_costs():
    assert explained("asha", "{trainings: 20}") == (
        "Architectures begin at 1 epoch; of each rung, one in 3 goes on to 3 epochs, 9 epochs: 0.259 full trainings' worth an "
        "architecture.",  # (1 + 2 / 3 + 6 / 9) / 9 = 7 / 27
        "The budget of 20 full trainings' worth is about 77 architectures.",
    )


def test_pasha_says_which_rungs_may_stay_closed():
    said = explained("pasha", "{trainings: 20}")
    assert said[:2] == explained("asha", "{trainings: 20}")
    assert said[2].startswith("The rungs above 3 epochs open one by one, each only when the two below it disagree")


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_explains_itself_or_has_nothing_to_say(name: str):
    lines = list(STRATEGIES[name]().explain(Fidelity(9), math.inf))
    assert bool(lines) == (len(STRATEGIES[name]().ladder(Fidelity(9))) > 1)


@pytest.mark.parametrize("name", ["successive-halving", "hyperband", "asha", "bohb", "freeze-thaw"])
def test_with_the_least_budget_a_training_comes_to_its_end_and_with_much_less_none_does(name: str):
    full, config = Fidelity(27), STRATEGIES[name]()
    least = config.least(full)

    def complete(trials: float, cost: float) -> int:
        worth = math.ceil(min(cost / full.cost, trials))
        budget = {"budget": worth, "trials": trials, "trainings": cost / full.cost}
        problem = Problem(NasBench201Config().build(), ACCURACY, full, **budget)
        measure = measured_by(lambda a: seed_from(a.id) / 2**64)
        *_, whole = without_waiting(config.build(problem), measure, at_once=1, proposals=trials, cost=cost)
        return sum(t.proposal.fidelity == full for t in whole)

    assert complete(math.inf, least.trainings * full.cost)
    assert not complete(math.inf, least.trainings * full.cost / 2)
    # Of a rung of ASHA more than a third go on, where the better ones come later.
    assert not complete(least.trials / 2 if name == "asha" else least.trials - 1, math.inf)
