"""When more inputs, or more channels, leave what a multi-branch network computes as it is.

A concatenation may get more, if what reads it mixes channels: it gives them weights of zero. A sum may, where the new input is
brought to the other ones' channels by a projection, which gives zeros at first. Nothing may shrink the sides. And where
channels come to agree, so that a projection is left out, its weights are lost.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.macro.wiring import Layer, Wiring
from archsmith.spaces.morphing.steps import Chosen, choices_of, completed
from archsmith.values import Architecture

OUTPUT = 0
"""Stands for the classifier where readers are numbered: the stem, which has that number, reads nothing."""

Inputs = tuple[tuple[int, ...], str]
"""What a reader reads, the main input first, and how it joins them."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """A wiring with what is known of each tensor."""

    wiring: Wiring
    """The layers."""
    joined: dict[int, int]
    """Channels of what a layer reads."""
    channels: dict[int, int]
    """Channels of what it gives, and of the stem."""
    shrunk: dict[int, int]
    """By how much the sides of what it gives are smaller than the stem's."""

    def inputs(self) -> dict[int, Inputs]:
        """Return what each layer and the classifier read."""
        layers = {layer.number: (layer.inputs, layer.join) for layer in self.wiring.layers}
        return {**layers, OUTPUT: (self.wiring.inputs, self.wiring.join)}

    def sides(self, numbers: Collection[int]) -> int:
        """Return by how much the sides of what is joined are smaller."""
        return max(self.shrunk[j] for j in numbers)

    def is_projected(self, numbers: tuple[int, ...], j: int) -> bool:
        """Tell whether a sum brings an input to other channels."""
        return self.channels[j] != self.channels[numbers[0]]


def joined_channels(layer: Layer, channels: dict[int, int]) -> int:
    """Return the channels of what a layer reads."""
    return sum(channels[j] for j in layer.inputs) if layer.join == "concat" else channels[layer.main]


def keeps(old: Shaped, new: Shaped) -> bool:
    """Tell whether all readers that both have can get what they got, whatever is joined to it."""
    after = new.inputs()
    return all(_reads_on(old, new, inputs, after[number]) for number, inputs in old.inputs().items())


def _reads_on(old: Shaped, new: Shaped, before: Inputs, after: Inputs) -> bool:
    """Tell whether a reader can go on reading what it read."""
    (olds, old_join), (news, new_join) = before, after
    if tuple(j for j in news if j in olds) != olds or old.sides(olds) != new.sides(news):
        return False
    if len(olds) > 1 and old_join != new_join:
        return False
    if len(news) == 1 or new_join != "sum":
        return True
    return all(new.is_projected(news, j) or (j in olds and not old.is_projected(olds, j)) for j in news[1:])


def more_inputs(space: DecisionSpace, old: Chosen, readers: Collection[str]) -> Iterator[tuple[str, Architecture]]:
    """Yield each way in which a reader joins one more of the earlier outputs, and what changes.

    Args:
        space: One whose decisions are those of `wiring_decisions`.
        old: What is chosen.
        readers: Numbers of layers, and `output`.
    """
    for reader in readers:
        name = f"join_{reader}"
        joins = [old[name]] if old.get(name, "none") != "none" else [c for c in choices_of(space, name) if c != "none"]
        for join in joins if name in old else ():
            joining = completed(space, {**old, name: join}, lambda _: False)
            chosen = space.assignment(joining)
            skips = [skip for skip in chosen if skip.startswith(f"skip_{reader}_")]
            said = [] if join == old[name] else [f"{name} {old[name]} → {join}"]
            if said and not skips:
                yield said[0], joining
            for skip in skips:
                if not chosen[skip]:
                    yield ", ".join([*said, f"{skip} False → True"]), space.architecture({**chosen, skip: True})
