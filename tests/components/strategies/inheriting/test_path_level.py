"""Path-level transformations as a strategy."""

from typing import Any

import numpy as np
import pytest

from archsmith.spaces import SPACES
from archsmith.spaces.trees.tree import Tree, read
from archsmith.spaces.trees.tree_cell import TreeCellConfig, TreeCellSpace
from archsmith.strategies.inheriting.path_level import PathLevelConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.strategies import ACCURACY, FULL, InheritanceConformance, Make, measured_by, one_max, search
from archsmith.values import Architecture, FromScratch, History, Inherits, Proposal, Trial

OPERATIONS = ("identity", "conv_1x1", "conv_3x3", "max_pool_3x3")


class InOrder(TreeCellSpace):
    """Cells of which any two are different, also where they differ only in the order of what is summed."""

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the architecture itself."""
        return architecture


class OnTrees(InheritanceConformance):
    @pytest.fixture
    def problem(self) -> Problem:
        space = InOrder(TreeCellConfig(depth=1, branches=2, operations=OPERATIONS))
        return Problem(space, ACCURACY, FULL, budget=68)

    @pytest.fixture
    def large(self) -> Problem:
        return Problem(space_of(depth=2, branches=2), ACCURACY, FULL, budget=100)


class TestPathLevel(OnTrees):
    @pytest.fixture
    def make(self) -> Make:
        return PathLevelConfig(units=4).build


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
class TestPathLevelFromTheStartCellAlone(OnTrees):
    @pytest.fixture
    def make(self) -> Make:
        return PathLevelConfig(units=4, parents=0, batch=1).build


def space_of(**settings: Any) -> TreeCellSpace:
    return TreeCellConfig.model_validate({"operations": OPERATIONS, **settings}).build()


def problem_of(space: Any) -> Problem:
    return Problem(space, ACCURACY, FULL, budget=40)


def cell(space: TreeCellSpace, proposal: Proposal) -> str:
    return space.to_text(proposal.architecture)


def test_the_start_cell_comes_first_and_from_scratch_and_others_begin_with_weights_as_soon_as_there_are_some() -> None:
    space = space_of()
    strategy = PathLevelConfig(parents=0).build(problem_of(space))
    history = search(strategy, measured_by(lambda a: one_max(space, a)), rounds=range(20), size=1)
    first, *others = [trial.proposal for trial in history]
    assert cell(space, first) == "conv_3x3"
    assert first.origin == FromScratch()
    assert {p.origin for p in others} == {Inherits(history.trials[0].id)}


def test_the_best_grow_too() -> None:
    space = space_of()
    strategy = PathLevelConfig(parents=3).build(problem_of(space))
    measure = measured_by(lambda a: len(space.assignment(a)) / 100)
    history = search(strategy, measure, rounds=range(30), size=1)
    last = [t.proposal.origin.trial for t in history.trials[15:] if isinstance(t.proposal.origin, Inherits)]
    assert len(set(last)) > 1
    assert strategy.keeps(history) <= {t.id for t in history}
    assert len(strategy.keeps(history)) == 4


def test_where_the_start_cell_fails_cells_grow_from_scratch() -> None:
    space = space_of()
    strategy = PathLevelConfig().build(problem_of(space))
    failed = Trial(strategy.ask(History(), 1, np.random.default_rng(0))[0], "failed", error="OutOfMemoryError")
    (child,) = strategy.ask(History((failed,)), 1, np.random.default_rng(0))
    assert child.origin == FromScratch()
    assert child.reason.startswith("from scratch, from the start cell: ")


def test_training_settings_are_drawn_for_each_child() -> None:
    space = space_of(training={"learning_rate": [0.01, 0.1]})
    strategy = PathLevelConfig().build(problem_of(space))
    history = search(strategy, measured_by(lambda a: one_max(space, a)), rounds=range(3), size=5)
    assert {space.assignment(t.proposal.architecture)["training.learning_rate"] for t in history} == {0.01, 0.1}


@pytest.mark.parametrize("name", sorted({*SPACES} - {"tree-cell", "yaml"}))
def test_another_space_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"The space is {name!r}, but `path-level` turns edges of trees into branches"):
        PathLevelConfig().build(problem_of(SPACES[name]().build()))


def test_what_it_can_not_start_from_is_refused() -> None:
    with pytest.raises(ValueError, match="`operations` has no `identity`"):
        PathLevelConfig().build(problem_of(space_of(operations=["conv_3x3"])))
    with pytest.raises(ValueError, match="`start` is no cell of the space: `op_1`: Unknown choice 'conv_9x9'"):
        PathLevelConfig(start="conv_9x9").build(problem_of(space_of()))
    with pytest.raises(ValueError, match="No objective has a `goal`"):
        PathLevelConfig().build(Problem(space_of(), (), FULL, budget=3))


def operations_of(tree: Tree) -> list[str]:
    return [word for branch in tree.branches for word in (branch.operation, *operations_of(branch.tree))]


def test_what_is_better_becomes_likelier() -> None:
    """Cells are the better the more of their operations are poolings; the policy finds that out."""
    space = space_of(depth=3, branches=2)
    strategy = PathLevelConfig(units=4, parents=0).build(problem_of(space))

    def share(proposal: Proposal) -> float:
        operations = operations_of(read(cell(space, proposal)))
        return operations.count("max_pool_3x3") / len(operations)

    history = search(strategy, lambda p: Trial(p, "complete", {"accuracy": share(p)}), rounds=range(60), size=1)
    shares = [share(t.proposal) for t in history]
    assert np.mean(shares[-20:]) > 1.5 * np.mean(shares[:20])
