"""Which filters a smaller layer keeps: those of the largest norm, the same ones wherever channels are added up."""

from collections.abc import Sequence

import torch
from torch import Tensor

from archsmith.models.morphisms.layers import kind_of
from archsmith.models.morphisms.parent import Known, Parent


class Kept:
    """Chooses the filters to keep.

    Tensors whose channels are added, multiplied or normalised one by one are of one group. What counts is the norm of the
    filters that give a channel, of all in the group.

    Args:
        parent: The trained network.
    """

    def __init__(self, parent: Parent) -> None:
        steps, modules = parent.traced.steps, parent.traced.modules
        self._group = list(range(len(steps)))
        self._place = {step.module: k for k, step in enumerate(steps) if step.module}
        for k, step in enumerate(steps):
            mixing = step.op == "module" and kind_of(modules[step.module]) in ("dense", "linear", "transposed")
            for i in step.inputs if step.op in ("module", "function", "add", "mul") and not mixing else ():
                if steps[i].channels == step.channels:
                    self._join(i, k)
        self._norms: dict[int, Tensor] = {}
        for name, known in parent.layers.items():
            if known.kind in ("dense", "linear", "transposed"):
                weight: Tensor = modules[name].weight  # type: ignore[assignment]
                dims = [0, 2, 3] if known.kind == "transposed" else [*range(1, weight.ndim)]
                norm, group = weight.pow(2).sum(dims), self._root(self._place[name])
                self._norms[group] = self._norms.get(group, torch.zeros_like(norm)) + norm

    def __call__(self, layer: Known, n: int) -> Sequence[int]:
        """Return the filters of a layer to keep, ascending.

        Args:
            layer: Of the parent.
            n: How many, at most all.
        """
        norms = self._norms.get(self._root(self._place[layer.name]))
        if norms is None:
            return range(n)
        return sorted(norms.topk(n).indices.tolist())

    def _root(self, k: int) -> int:
        while self._group[k] != k:
            k = self._group[k]
        return k

    def _join(self, a: int, b: int) -> None:
        self._group[self._root(b)] = self._root(a)
