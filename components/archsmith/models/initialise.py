"""Random weights from a generator of one's own, so that a trial's weights depend on its seed alone."""

import math

import torch
from torch import Tensor, nn


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights of `network` in place; what `draw` does not know stays as it is.

    Args:
        network: Its weights lie where `generator` does, on the CPU.
        generator: The only source of randomness.
    """
    last = last_linear(network)
    for module in network.modules():
        # Other buffers, and what is not trained, are what somebody has made them: a mask, a filter.
        buffers = module.named_buffers(recurse=False) if isinstance(module, nn.BatchNorm2d) else ()
        weights = ((name, weight) for name, weight in module.named_parameters(recurse=False) if weight.requires_grad)
        for name, tensor in [*weights, *buffers]:
            draw(module, name, tensor, generator, is_last=module is last)


def last_linear(network: nn.Module) -> nn.Linear | None:
    """Return the linear layer that makes the logits; None where there is none."""
    linears = [module for module in network.modules() if isinstance(module, nn.Linear)]
    return linears[-1] if linears else None


@torch.no_grad()
def draw(module: nn.Module, name: str, tensor: Tensor, generator: torch.Generator, *, is_last: bool) -> bool:
    """Draw a tensor in place as one of a module; return whether there is a rule for it.

    Convolutions and hidden linear layers: normal, with variance 2 / fan. For convolutions, fan is the kernel's area times
    the output channels, which keeps the variance of the gradients, and transposed ones are drawn as others are; for linear
    layers it is the number of inputs, which keeps that of the activations. The last linear layer: torch's uniform default,
    whose small logits start the loss near log(n_classes). Biases: zero. Normalisation: the identity.

    Args:
        module: What it is a parameter or a buffer of.
        name: How it is called there.
        tensor: What to draw; it may be larger than the module has it.
        generator: The only source of randomness.
        is_last: Whether the module is the last linear layer of its network.

    Reference: He, Zhang, Ren, Sun 2015 (arXiv:1502.01852), eq. 14 for convolutions, eq. 10 for linear layers.
    """
    if isinstance(module, nn.BatchNorm2d):
        tensor.fill_(1 if name in ("weight", "running_var") else 0)
    elif name == "bias":
        tensor.zero_()
    elif name == "weight" and isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(tensor, mode="fan_out", nonlinearity="relu", generator=generator)
    elif name == "weight" and isinstance(module, nn.ConvTranspose2d):
        # Its output channels are the second dimension, which torch takes for the inputs.
        nn.init.kaiming_normal_(tensor, mode="fan_in", nonlinearity="relu", generator=generator)
    elif name == "weight" and isinstance(module, nn.Linear):
        bound = 1 / math.sqrt(tensor.shape[1])
        if is_last:
            nn.init.uniform_(tensor, -bound, bound, generator=generator)
        else:
            nn.init.kaiming_normal_(tensor, nonlinearity="relu", generator=generator)
    else:
        return False
    return True
