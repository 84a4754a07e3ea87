"""The points on the layers of a network, and on what each reads beside the layer before it: of spaces with one branch.

A layer is a point; an output that it may add to what it reads is a point, too; and so is the number of layers, where it is
searched. What is decided on layers beyond the last one has no meaning.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from archsmith.models.mixed.derivation import Chosen, Slot, logs, slot
from archsmith.models.mixed.network import Mixes, Point
from archsmith.models.mixed.skips import options, read_join, skip, skip_points, skip_slot
from archsmith.spaces.macro.wiring import Layer, Wiring
from archsmith.values import Choice

LAYERS = "layers"
"""The point that says how many layers there are."""
OUTPUT = "output"
"""The reader that is the classifier."""


class SearchedWiring:
    """The points, and what is derived from them.

    Args:
        numbers: How many layers there may be, ascending.
        choices: What each layer may be, by the name of the option: its choices, without its number.
        skips: Those of the options that pass their input on.
    """

    def __init__(self, numbers: tuple[int, ...], choices: Mapping[str, Mapping[str, Choice]], skips: frozenset[str]) -> None:
        self.numbers = numbers
        self.choices = choices
        self.most = numbers[-1]
        self._skips = skips & set(choices)
        self.candidates = {str(i): tuple(reversed(range(i - 1))) for i in range(2, self.most + 1)}
        self.candidates[OUTPUT] = tuple(reversed(range(self.most)))

    def points(self) -> Iterator[Point]:
        """Yield the points; there is none where nothing is decided."""
        if len(self.numbers) > 1:
            yield Point(LAYERS, tuple(map(str, self.numbers)))
        if len(self.choices) > 1:
            yield from (Point(f"layer_{i}", tuple(self.choices), self._skips) for i in range(1, self.most + 1))
        yield from skip_points(self.candidates)

    @property
    def of_layers(self) -> frozenset[str]:
        """The names of the points that say how many layers there are, and what each of them is."""
        return frozenset({LAYERS, *(f"layer_{i}" for i in range(1, self.most + 1))})

    def slots(self, probabilities: Mapping[str, np.ndarray]) -> Iterator[Slot]:
        """Yield a slot a point."""
        if len(self.numbers) > 1:
            yield slot([{LAYERS: n} for n in self.numbers], logs(probabilities[LAYERS]))
        for i in range(1, self.most + 1):
            there = partial(self._has, i)
            if len(self.choices) > 1:
                name = f"layer_{i}"
                yield slot([{name: option} for option in self.choices], logs(probabilities[name]), there)
            yield from (skip_slot(skip(str(i), j), probabilities, there) for j in self.candidates.get(str(i), ()))
        for j in self.candidates[OUTPUT]:
            yield skip_slot(skip(OUTPUT, j), probabilities, partial(self._has, j + 1))

    def option(self, i: int, chosen: Chosen) -> str:
        """Return the option that is chosen for layer `i`."""
        return str(chosen.get(f"layer_{i}", next(iter(self.choices))))

    def layers(self, chosen: Chosen) -> range:
        """Return the numbers of the layers that are there."""
        return range(1, int(chosen.get(LAYERS, self.most)) + 1)

    def read(self, chosen: Chosen) -> dict[str, Choice]:
        """Return the decisions of the space."""
        n = len(self.layers(chosen))
        found: dict[str, Choice] = {LAYERS: n}
        for i in self.layers(chosen):
            found |= {f"{what}_{i}": choice for what, choice in self.choices[self.option(i, chosen)].items()}
            found |= read_join(str(i), self.candidates.get(str(i), ()), chosen)
        return found | read_join(OUTPUT, self.candidates[OUTPUT][-n:], chosen)

    def options(self, wiring: Wiring, named: Callable[[Layer], str]) -> dict[str, tuple[str, ...]]:
        """Return the options of the points in a network, given its wiring and what the option of a layer is called."""
        n = len(wiring.layers)
        found: dict[str, tuple[str, ...]] = {LAYERS: (str(n),)}
        for layer in wiring.layers:
            reader = str(layer.number)
            found |= {f"layer_{reader}": (named(layer),)} | options(reader, self.candidates.get(reader, ()), layer.skips)
        return found | options(OUTPUT, self.candidates[OUTPUT][-n:], wiring.skips)

    def deepest(self, mixes: Mixes) -> int:
        """Return the number of the last layer that has to be computed."""
        if LAYERS not in mixes:
            return self.most
        return max(self.numbers[k] for k in (*mixes[LAYERS].active, *mixes[LAYERS].watched))

    def _has(self, i: int, chosen: Chosen) -> bool:
        return i in self.layers(chosen)
