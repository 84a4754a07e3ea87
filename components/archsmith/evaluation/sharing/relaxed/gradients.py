"""Gradients: over the processes that share the work, and safe from vanishing in float16."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Average = Callable[[Sequence[Tensor]], None]
"""Replaces gradients in place by their means over the processes that train together; all of them call it alike."""


def alone(gradients: Sequence[Tensor]) -> None:
    """Leave them: nobody else trains."""
    del gradients


class Gradients:
    """Finds gradients of losses; everything that a training differentiates goes through here.

    Args:
        scaler: Scales losses so that gradients in float16 do not vanish; its scale is taken out again.
        average: Averages over processes.
    """

    def __init__(self, scaler: torch.amp.GradScaler, average: Average = alone) -> None:
        self._scaler, self._average = scaler, average

    def of(self, loss: Tensor, inputs: Sequence[Tensor], *, again: bool = False) -> list[Tensor]:
        """Return the gradient of a loss by each input, averaged over processes; zero where it does not depend on it.

        Args:
            loss: A scalar.
            inputs: What to differentiate by.
            again: Whether there is more to differentiate on the way to `loss`.
        """
        return self.mean(self.local(loss, inputs, again=again))

    def local(self, loss: Tensor, inputs: Sequence[Tensor], *, graph: bool = False, again: bool = False) -> list[Tensor]:
        """Return the gradient by the images of this process; with a `graph`, it can be differentiated itself."""
        scale = self._scaler.get_scale()
        found = torch.autograd.grad(
            loss * scale, inputs, create_graph=graph, retain_graph=graph or again, allow_unused=True, materialize_grads=True
        )
        return [g / scale for g in found] if scale != 1 else list(found)

    def mean(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Return the averages over processes."""
        means = [g.detach() for g in gradients]
        self._average(means)
        return means

    def into(self, loss: Tensor, weights: Sequence[Tensor], others: Sequence[Tensor] = ()) -> list[Tensor]:
        """Put the gradients into the weights, still scaled, for the scaler's optimizer step; return those by `others`.

        A weight that the loss does not depend on has none, and its optimizer leaves it as it is.
        """
        found = torch.autograd.grad(self._scaler.scale(loss), [*weights, *others], allow_unused=True)
        for weight, gradient in zip(weights, found, strict=False):
            weight.grad = gradient
        rest = [torch.zeros_like(o) if g is None else g for o, g in zip(others, found[len(weights) :], strict=True)]
        self._average([g for g in found[: len(weights)] if g is not None] + rest)
        return [g / self._scaler.get_scale() for g in rest]
