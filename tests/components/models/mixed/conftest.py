"""Mixes that choose, and networks alone with the weights of a mixed one."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import nn

from archsmith.models import build
from archsmith.models.initialise import initialise
from archsmith.models.mixed.network import Mix, Mixed
from archsmith.models.mixed.under_search import NormedPool
from archsmith.spaces.space import Space
from archsmith.values import Architecture, Fidelity

SHAPE, CLASSES = (3, 8, 8), 4
FULL = Fidelity(epochs=1)
Agree = Callable[..., None]


def alone_mixes(network: Mixed, path: Mapping[str, tuple[int, ...]]) -> dict[str, Mix]:
    """Return mixes of the options on a path; where there are none, the first one counts for nothing."""
    weights = {p.name: torch.zeros(len(p.options)) for p in network.points}
    for name, places in path.items():
        weights[name][list(places)] = 1.0
    return {name: Mix(weights[name], places or (0,)) for name, places in path.items()}


def without_norms_of_poolings(network: nn.Module) -> None:
    """Take away what only poolings under search have."""
    for module in network.modules():
        if isinstance(module, NormedPool):
            module.norm = nn.Identity()


@pytest.fixture(scope="session")
def assert_agrees() -> Agree:
    """Check that a mixed network on the path of an architecture computes what the stand-alone network with its weights does."""

    def check(
        mixed: Mixed,
        space: Space,
        architecture: Architecture,
        rename: Callable[[str], str] = str,
        *,
        path: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        initialise(mixed, torch.Generator().manual_seed(0))
        without_norms_of_poolings(mixed)
        alone = build(space, architecture, SHAPE, CLASSES, fidelity=FULL)
        weights = mixed.state_dict()
        carried = {name: weights[rename(name)] for name in alone.state_dict() if rename(name) in weights}
        left = {name for name, _ in alone.named_parameters()} - set(carried)
        norms = {
            f"{name}.{what}" for name, m in alone.named_modules() if isinstance(m, nn.BatchNorm2d) for what in ("weight", "bias")
        }
        assert left <= norms  # all but scale and shift, which are the identity at first
        alone.load_state_dict(carried, strict=False)
        x = torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(mixed(x, alone_mixes(mixed, path or mixed.path(architecture))), alone(x), rtol=1e-5, atol=1e-5)

    return check
