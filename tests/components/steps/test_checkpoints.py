"""Which checkpoints are kept."""

from archsmith.spaces.decisions import Decision
from archsmith.spec import Objective
from archsmith.steps.checkpoints import needed_for_more
from archsmith.strategies.evolution.evolution import EvolutionConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.spaces import PlainSpace
from archsmith.values import Fidelity, History, Inherits, Proposal, Trial


def test_what_open_proposals_begin_with_is_kept_for_a_larger_budget() -> None:
    space = PlainSpace("s", [Decision("a", tuple(range(50)))])
    problem = Problem(space, (Objective(metric="accuracy", goal="maximize"),), Fidelity(1), budget=40)
    strategy = EvolutionConfig(population=5, sample=2, inherit=True).build(problem)
    trials = [
        Trial(Proposal(space.architecture({"a": k}), Fidelity(1), number=k), "complete", {"accuracy": k / 50}, checkpoint=f"{k}")
        for k in range(20)
    ]
    old = trials[0]  # out of the population since long
    open_ = Proposal(space.architecture({"a": 30}), Fidelity(1), Inherits(old.id), number=20)
    assert old.id not in needed_for_more(strategy, History.of(trials), 0)
    assert old.id in needed_for_more(strategy, History(tuple(trials), (open_,)), 0)
