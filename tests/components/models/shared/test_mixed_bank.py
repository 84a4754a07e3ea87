"""Shared weights in a network that holds all options side by side."""

import numpy as np
import pytest
import torch
from torch import Tensor

from archsmith.models.shared.mixed_bank import MixedBank
from archsmith.spaces.macro.branch import BranchConfig
from archsmith.spaces.macro.hierarchical import HierarchicalConfig
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spaces.space import Space
from archsmith.spec.supernets import Sampled
from archsmith.values import Fidelity

SPACE = NasBench201Config(cells=1, channels=4).build()
ONE = SPACE.from_text("|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_3x3~2|")
OTHER = SPACE.from_text("|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|none~1|nor_conv_3x3~2|")


def made(seed: int = 0) -> MixedBank:
    return MixedBank(SPACE, (1, 8, 8), 10, fidelity=Fidelity(1), seed=seed)


def images() -> Tensor:
    return torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def moved(bank: MixedBank, *architectures: object) -> set[str]:
    """Return the parameters that have a gradient which is not zero."""
    for parameter in bank.parameters.values():
        parameter.grad = None
    bank.together(architectures).train()(images()).square().sum().backward()  # type: ignore[arg-type]
    return {name for name, p in bank.parameters.items() if p.grad is not None and p.grad.count_nonzero()}


def test_what_any_of_the_architectures_has_is_computed_and_nothing_else() -> None:
    bank = made()
    one, other, both = moved(bank, ONE), moved(bank, OTHER), moved(bank, ONE, OTHER)
    assert any("edge_0_2.nor_conv_3x3" in name for name in one)
    assert not any("edge_0_2.nor_conv_1x1" in name for name in one)
    assert any("edge_0_2.nor_conv_1x1" in name for name in other)
    assert {name for name in both if ".edge_0_2." in name} == {name for name in one | other if ".edge_0_2." in name}


def test_the_outputs_of_options_are_summed() -> None:
    bank = made()
    seen: dict[str, Tensor] = {}
    network = bank.together([ONE, OTHER]).eval()
    edge = next(m for name, m in network.named_modules() if name.endswith("stage_1_cell_1.edge_0_2"))
    options = dict(edge.named_children())
    for name in ("nor_conv_3x3", "nor_conv_1x1"):
        options[name].register_forward_hook(lambda _, __, y, name=name: seen.__setitem__(name, y))
    edge.register_forward_hook(lambda _, __, y: seen.__setitem__("sum", y))
    network(images())
    assert torch.allclose(seen["sum"], seen["nor_conv_3x3"] + seen["nor_conv_1x1"], atol=1e-6)


def test_it_begins_as_its_seed_says_and_is_restored() -> None:
    one, same, other = made(), made(), made(1)
    x = images()
    first, second, third = (bank.network(ONE).eval()(x) for bank in (one, same, other))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
    other.restore(one.state())
    assert torch.equal(other.network(ONE).eval()(x), first)


def test_a_part_is_in_the_mode_of_the_whole() -> None:
    bank = made()
    bank.network(ONE).eval()
    assert not bank.network(OTHER).training
    bank.network(ONE).train()
    assert bank.network(OTHER).training


@pytest.mark.parametrize("wrong", [{"paths": "uniform"}, {"slicing": True}, {"split": "op_0_1"}], ids=str)
def test_what_does_not_go_together_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="`together` is set, but it goes with the paths 'dropout' alone"):
        Sampled(1, **{"paths": "dropout", "together": True, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "space",
    [
        HierarchicalConfig(output="all", joins=["sum"], branches=1, channels=4).build(),
        BranchConfig(joins=["sum"], branches=1, filters=[16], strides=[1], stem=16).build(),
    ],
    ids=["hierarchical", "branch"],
)
def test_networks_of_several_depths_are_averaged_and_not_multiplied(space: Space) -> None:
    bank = MixedBank(space, (1, 8, 8), 10, fidelity=Fidelity(1), seed=0)
    rng = np.random.default_rng(0)
    architectures = [space.sample(rng) for _ in range(12)]
    with torch.no_grad():
        alone = max(float(bank.network(a).train()(images()).abs().max()) for a in architectures)
        assert float(bank.together(architectures).train()(images()).abs().max()) < 3 * alone
