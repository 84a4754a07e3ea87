"""The gradient of the choices after a step of the weights that is taken only in thought.

Reference: Liu, Simonyan, Yang 2019, DARTS (arXiv:1806.09055), eq. 6 to 8, and footnote 3 for epsilon. The step is the one that
the weights' optimizer would take next: with its momentum and its weight decay, as in the authors' code; not clipped, as there.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.optim import SGD

from archsmith.evaluation.sharing.relaxed.gradients import Gradients
from archsmith.spec.supernets import Hessian

Weights = Sequence[Tensor]
Loss = Callable[[Weights], Tensor]
"""From the weights to the loss, which depends on the choices beside; called anew, it has the same images and the same noise."""

EPSILON = 0.01
"""The two points of the finite difference lie this far from the weights, to either side."""


def unrolled(
    train: Loss, validation: Loss, choices: Tensor, optimizer: SGD, gradients: Gradients, *, hessian: Hessian,
    in_full: Loss | None = None,
) -> Tensor:  # fmt: skip
    """Return the gradient by the choices of the validation loss after the next step of the weights.

    Nothing is changed: neither the weights nor the optimizer's momenta.

    Args:
        train: The training loss, which the step goes down.
        validation: The validation loss.
        choices: What both losses depend on beside the weights, of any shape.
        optimizer: Of the weights, all in one group.
        gradients: Finds the gradients.
        hessian: `exact`, a second derivative, or `difference`, the paper's difference of two gradients.
        in_full: `train` in the precision of the weights, for the difference, where it is computed in a lower one.
    """
    weights: Weights = optimizer.param_groups[0]["params"]
    slope = gradients.local(train(weights), weights, graph=hessian == "exact")
    ahead, rate = step_ahead(optimizer, gradients.mean(slope))
    by_choices, *vector = gradients.of(validation(ahead), [choices, *ahead])  # eq. 7, first term; and the vector of the second
    if hessian == "exact":
        along = torch.stack([(g * v).sum() for g, v in zip(slope, vector, strict=True)]).sum()
        (product,) = gradients.of(along, [choices])
    else:
        product = _difference(in_full or train, choices, weights, vector, gradients)
    return by_choices - rate * product


def step_ahead(optimizer: SGD, slope: Weights) -> tuple[list[Tensor], float]:
    """Return the weights after the optimizer's next step, and by how much their gradient enters into it.

    Args:
        optimizer: What would take the step; its momenta stay as they are.
        slope: The gradients of the weights, one each.
    """
    (group,) = optimizer.param_groups
    momentum, rate, ahead = group["momentum"], group["lr"], []
    with torch.no_grad():
        for weight, gradient in zip(group["params"], slope, strict=True):
            step = gradient + group["weight_decay"] * weight
            buffer = optimizer.state[weight].get("momentum_buffer") if weight in optimizer.state else None
            if buffer is not None:
                moved = momentum * buffer + step
                step = step + momentum * moved if group["nesterov"] else moved
            elif group["nesterov"]:
                step = (1 + momentum) * step
            ahead.append((weight - rate * step).requires_grad_())
    return ahead, rate * (1 + momentum if group["nesterov"] else 1)


def _difference(train: Loss, choices: Tensor, weights: Weights, vector: Weights, gradients: Gradients) -> Tensor:
    """Return the product of the mixed second derivatives and `vector`, as in eq. 8."""
    length = torch.stack([v.square().sum() for v in vector]).sum().sqrt()
    epsilon = EPSILON / length.clamp_min(torch.finfo(length.dtype).tiny)
    sides = []
    for sign in (1, -1):
        moved = [(w + sign * epsilon * v).detach() for w, v in zip(weights, vector, strict=True)]
        sides += gradients.of(train(moved), [choices])
    return (sides[0] - sides[1]) / (2 * epsilon)
