"""What must hold of the networks of a space that run on one bank of tensors."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.models import build
from archsmith.models.shared.bank import Bank
from archsmith.models.shared.slices import Sliced
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Fidelity

SHAPE, N_CLASSES, FIDELITY = (3, 12, 12), 3, Fidelity(1)
"""Small images are enough."""


def bank_of(space: Space, *, seed: int = 0, cached: int = 128, make: type[Bank] = Bank) -> Bank:
    """Return a bank for small images."""
    return make(space, SHAPE, N_CLASSES, fidelity=FIDELITY, seed=seed, cached=cached)


def alone(space: Space, architecture: Architecture, weights: dict[str, Tensor]) -> nn.Module:
    """Return the network as `build` makes it, with these weights."""
    network = build(space, architecture, SHAPE, N_CLASSES, fidelity=FIDELITY)
    network.load_state_dict(weights)
    placed: nn.Module = network.to(memory_format=torch.channels_last)
    return placed


def check_agreement(bank: Bank, space: Space, architectures: Iterable[Architecture]) -> None:
    """Check that shared networks and those that `build` makes with the extracted weights agree bit for bit.

    They do in training, gradients and running statistics included, and in evaluation. What one architecture leaves behind
    is what the next one begins with.
    """
    generator = torch.Generator().manual_seed(0)
    for architecture in architectures:
        x = torch.rand(4, *SHAPE, generator=generator).to(memory_format=torch.channels_last)
        y = torch.randint(N_CLASSES, (4,), generator=generator)
        ours, theirs = bank.network(architecture), alone(space, architecture, bank.extract(architecture))
        for one in bank.touched(architecture):
            one.parameter.grad = None
        ours.train(), theirs.train()
        pair = [network(x) for network in (ours, theirs)]
        assert torch.equal(*pair), f"{architecture.id} differs in training"
        for logits in pair:
            F.cross_entropy(logits, y).backward()  # type: ignore[no-untyped-call]
        assert _equal(gradients(ours), gradients(theirs)), f"the gradients of {architecture.id} differ"
        assert _equal({**bank.extract(architecture)}, theirs.state_dict()), f"the running statistics of {architecture.id} differ"
        with torch.no_grad():
            assert torch.equal(ours.eval()(x), theirs.eval()(x)), f"{architecture.id} differs in evaluation"


def gradients(network: nn.Module) -> dict[str, Tensor | None]:
    """Return the gradient of each parameter of a network, shared or not, by its name there."""
    if not isinstance(network, Sliced):
        return {name: parameter.grad for name, parameter in network.named_parameters()}
    found = {}
    for name, part in network.parts.items():
        whole = part.parameter.grad
        found[name] = whole if whole is None or part.box is None else whole[part.box]
    return found


def _equal(a: dict[str, Tensor | None], b: dict[str, Tensor | None]) -> bool:
    """Tell whether two mappings have the same tensors."""
    if a.keys() != b.keys():
        return False
    pairs = [(a[name], b[name]) for name in a]
    return all((p is None and q is None) or (p is not None and q is not None and torch.equal(p, q)) for p, q in pairs)
