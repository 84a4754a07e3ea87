"""How cells that are trees grow, question by question."""

from itertools import product

import numpy as np
import pytest

from archsmith.spaces.trees.tree import Tree, at, read, written
from archsmith.spaces.trees.tree_cell import TreeCellConfig
from archsmith.strategies.inheriting.branching import Branching, Question, nodes_by_level

OPERATIONS = ("identity", "conv_3x3", "max_pool_3x3")


def branching(depth: int = 2, branches: int = 2) -> Branching:
    return Branching(TreeCellConfig(depth=depth, branches=branches, operations=OPERATIONS))


def grown(text: str, answers: list[int], growth: Branching) -> tuple[list[str], str]:
    """Return what is asked, and what a cell becomes by these answers."""
    growing, asked, left = growth.grow(read(text)), list[str](), list(answers)
    question = next(growing)
    while True:
        asked.append(f"{question.kind} {'.'.join(map(str, question.path))}".strip())
        try:
            question = growing.send(left.pop(0))
        except StopIteration as end:
            assert not left
            return asked, written(end.value)


@pytest.mark.parametrize(
    ("text", "answers", "asked", "becomes"),
    [
        ("conv_3x3", [0, 0], "branch, insert 1", "conv_3x3"),
        ("conv_3x3", [1, 0, 0], "branch, insert 1, insert 2", "add(conv_3x3,conv_3x3)"),
        ("conv_3x3", [2, 0, 0], "branch, insert 1, insert 2", "concat(conv_3x3,conv_3x3)"),
        ("max_pool_3x3", [2, 0, 0], "branch, insert 1, insert 2", "split-concat(max_pool_3x3,max_pool_3x3)"),
        # What is inserted does nothing; then it is branched, and only then its branches become something else.
        (
            "conv_3x3", [0, 1, 2, 1, 0], "branch, insert 1, branch 1, operation 1.1, operation 1.2",
            "conv_3x3>split-concat(conv_3x3,identity)",
        ),
        ("conv_3x3", [0, 1, 0, 2], "branch, insert 1, branch 1, operation 1.1", "conv_3x3>max_pool_3x3"),
        ("add(conv_3x3,identity)", [2, 0, 0], "operation 2, insert 1, insert 2", "add(conv_3x3,max_pool_3x3)"),
        ("conv_3x3>conv_3x3", [1], "branch 1", "conv_3x3>add(conv_3x3,conv_3x3)"),
    ],
)  # fmt: skip
def test_a_cell_becomes_what_the_answers_say(text: str, answers: list[int], asked: str, becomes: str) -> None:
    assert grown(text, answers, branching()) == (asked.split(", "), becomes)


@pytest.mark.parametrize("text", ["conv_3x3", "add(identity,conv_3x3>identity)", "split-concat(identity,max_pool_3x3)"])
def test_the_answers_that_led_to_a_cell_are_read_off_it(text: str) -> None:
    growth, rng = branching(depth=3, branches=3), np.random.default_rng(0)
    for _ in range(50):
        growing, steps = growth.grow(read(text)), list[tuple[Question, int]]()
        question: Question | None = next(growing)
        while question is not None:
            answer = int(rng.integers(growth.n_answers[("branch", "operation", "insert").index(question.kind)]))
            steps.append((question, answer))
            try:
                question = growing.send(answer)
            except StopIteration as end:
                tree, question = end.value, None
        assert growth.retrace(read(text), tree) == steps


@pytest.mark.parametrize(
    "other", ["max_pool_3x3", "split-add(conv_3x3,conv_3x3)", "add(conv_3x3,max_pool_3x3)", "split-concat(conv_3x3,conv_3x3)"]
)
def test_a_cell_that_does_not_grow_from_another_has_no_answers(other: str) -> None:
    assert branching().retrace(read("conv_3x3"), read(other)) is None


def test_a_cell_that_is_deep_and_has_no_edge_without_effect_is_done() -> None:
    growth = branching()
    done = read("add(conv_3x3>add(conv_3x3,max_pool_3x3),conv_3x3>add(conv_3x3,conv_3x3))")
    assert not growth.can_grow(done)
    assert growth.can_grow(read("add(conv_3x3>add(conv_3x3,identity),conv_3x3>add(conv_3x3,conv_3x3))"))
    assert growth.can_grow(read("add(conv_3x3>add(conv_3x3,conv_3x3),conv_3x3)"))


def test_nodes_have_their_places_level_by_level() -> None:
    tree, branches = read("add(conv_3x3,identity>add(max_pool_3x3,conv_3x3),conv_3x3>identity)"), 3
    paths = [(), *product((1, 2, 3), repeat=1), *product((1, 2, 3), repeat=2)]
    found = list(nodes_by_level(tree, 2, branches))
    assert [(paths[place], node) for place, _, node in found] == [(p, at(tree, p)) for p, _ in by_level(tree)]
    operations = [operation for _, operation, _ in found]
    assert operations == [None, "conv_3x3", "identity", "conv_3x3", "max_pool_3x3", "conv_3x3", "identity"]


def by_level(tree: Tree) -> list[tuple[tuple[int, ...], Tree]]:
    return sorted(tree.nodes(), key=lambda pair: (len(pair[0]), pair[0]))
