"""Steps to operations with a larger kernel: in the cells of every space that has some."""

from collections.abc import Iterator, Mapping

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.morphing.steps import Chosen, Morphism, changed

FAMILIES = (
    ("conv_1x1", "conv_3x3", "conv_5x5"),
    ("nor_conv_1x1", "nor_conv_3x3"),
    ("conv_1x3_3x1", "conv_7x1_1x7"),
    ("sep_conv_3x3", "sep_conv_5x5", "sep_conv_7x7"),
    ("dil_conv_3x3", "dil_conv_5x5"),
)
"""Operations that differ in their kernel alone, the smaller first."""

LARGER: Mapping[str, tuple[str, ...]] = {op: family[k + 1 :] for family in FAMILIES for k, op in enumerate(family)}
"""Those with a larger kernel, by the operation."""
SMALLER: Mapping[str, tuple[str, ...]] = {op: family[:k] for family in FAMILIES for k, op in enumerate(family)}
"""Those with a smaller one."""


def larger_kernels(space: DecisionSpace, old: Chosen) -> Iterator[Morphism]:
    """Yield each operation with a larger kernel in the place of one."""
    for decision in space.decisions:
        for choice in LARGER.get(str(old.get(decision.name)), ()):
            if choice in decision.choices:
                yield changed(space, old, decision.name, choice, "kernel")


def smaller_kernels(space: DecisionSpace, old: Chosen) -> Iterator[Morphism]:
    """Yield each operation with a smaller kernel in the place of one."""
    for decision in space.decisions:
        for choice in SMALLER.get(str(old.get(decision.name)), ()):
            if choice in decision.choices:
                yield changed(space, old, decision.name, choice, "shrink")
