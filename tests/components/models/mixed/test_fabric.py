"""The whole fabric at once: its paths against stand-alone networks, what it derives against a list of all paths."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.fabric import MixedFabric, best_paths
from archsmith.models.mixed.network import Mix, Mixes
from archsmith.spaces.fabric import FabricConfig, FabricSpace, Link, Trellis
from archsmith.values import Fidelity

SHAPE, CLASSES, FULL = (3, 8, 8), 4, Fidelity(epochs=1)


@pytest.fixture
def space() -> FabricSpace:
    return FabricConfig(layers=4, scales=3, channels=4).build()


@pytest.fixture
def network(space: FabricSpace) -> MixedFabric:
    made = build_mixed(space, SHAPE, CLASSES, fidelity=FULL)
    assert isinstance(made, MixedFabric)
    return made


def probabilities(network: MixedFabric, seed: int, zeros: bool = False) -> dict[str, np.ndarray]:
    """Return random probabilities, of which some are zero where that is asked for."""
    rng, found = np.random.default_rng(seed), {}
    for point in network.points:
        drawn = rng.random(len(point.options)) ** 3
        if zeros:
            drawn[rng.integers(len(drawn))] = 0.0
        found[point.name] = drawn / drawn.sum()
    return found


def of_path(network: MixedFabric, architecture: Any, probabilities: dict[str, np.ndarray]) -> float:
    """Return how probable a path is: the product of what its links are at the nodes that they lead to."""
    return math.prod(probabilities[name][k] for name, places in network.path(architecture).items() for k in places)


def test_a_node_beyond_the_first_layer_is_a_point_that_weighs_the_links_to_it(network: MixedFabric) -> None:
    options = {point.name: point.options for point in network.points}
    assert len(options) == 3 * 3
    assert options["layer_2_scale_0"] == ("from_0", "from_1")
    assert options["layer_3_scale_1"] == ("from_0", "from_1", "from_2")
    assert options["layer_4_scale_2"] == ("from_1", "from_2", "within")
    assert {name: len(places) for name, places in network.mixtures().items()} == dict.fromkeys(options, 1)


@pytest.mark.parametrize("doubling", [False, True])
@pytest.mark.parametrize("path", ["0-0-1-2", "2-1-0-0", "1-1-1-1", "0-1-0-1"])
def test_a_single_path_computes_what_its_network_alone_does(path: str, doubling: bool, assert_agrees: Any) -> None:
    space = FabricConfig(layers=4, scales=3, channels=4, doubling=doubling).build()
    mixed = build_mixed(space, SHAPE, CLASSES, fidelity=FULL)
    architecture = space.from_text(path)
    names = {point.name: point.options for point in mixed.points}
    chosen = {name: names[name][places[0]] for name, places in mixed.path(architecture).items() if places}
    renamed = {}
    for link in space.trellis.along(space.path(architecture)):
        layer, scale = link.target
        if (node := f"layer_{layer}_scale_{scale}") in chosen:
            renamed[link.name] = f"{node}.{chosen[node]}"

    def rename(name: str) -> str:
        part, _, rest = name.partition(".")
        return f"{renamed.get(part, part)}.{rest}"

    assert_agrees(mixed, space, architecture, rename)


def test_what_no_mix_lets_pass_is_not_computed(network: MixedFabric, space: FabricSpace) -> None:
    architecture, called = space.from_text("0-1-1-2"), list[str]()
    for name, module in network.named_modules():
        if name.count(".") == 1 and name.startswith("layer"):
            module.register_forward_hook(lambda *_, name=name: called.append(name))
    mixes: Mixes = {
        p.name: Mix(torch.eye(len(p.options))[places[0]], (places[0],))
        for p in network.points
        if (places := network.path(architecture)[p.name])
    }
    network(torch.rand(2, *SHAPE), mixes)
    assert sorted(called) == ["layer_2_scale_1.from_0", "layer_3_scale_1.from_1", "layer_4_scale_2.from_1"]


def test_every_weight_of_the_whole_fabric_and_every_share_has_a_gradient(network: MixedFabric) -> None:
    shares = {p.name: torch.full((len(p.options),), 0.5, requires_grad=True) for p in network.points}
    mixes = {name: Mix(share, tuple(range(len(share)))) for name, share in shares.items()}
    network(torch.rand(3, *SHAPE), mixes).logsumexp(1).sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    assert all(share.grad is not None and share.grad.abs().sum() > 0 for share in shares.values())


def test_links_that_are_only_watched_take_no_gradient_from_those_that_are_not(network: MixedFabric) -> None:
    def gradients(watched: bool) -> tuple[list[torch.Tensor | None], list[torch.Tensor | None]]:
        # The end takes two links. Nodes on the way to the second one have been looked at on the way to the first one.
        shares, mixes = dict[str, torch.Tensor](), dict[str, Mix]()
        for p in network.points:
            n = len(p.options)
            active = {"layer_4_scale_2": (0, n - 1), "layer_4_scale_1": (0,)}.get(p.name, (n - 1,))
            shares[p.name] = torch.eye(n)[list(active)].sum(0).requires_grad_()
            others = tuple(k for k in range(n) if k not in active)
            mixes[p.name] = Mix(shares[p.name], active, others if watched else ())
        network.zero_grad(set_to_none=True)
        network(torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(0)), mixes).logsumexp(1).sum().backward()
        return [p.grad for p in network.parameters()], [share.grad for share in shares.values()]

    (weights, _), (expected, _) = gradients(watched=True), gradients(watched=False)
    assert [g is None for g in weights] == [g is None for g in expected]
    assert all(torch.allclose(a, b) for a, b in zip(weights, expected, strict=True) if a is not None and b is not None)
    _, shares = gradients(watched=True)
    at_end = shares[-1]
    assert at_end is not None
    assert (at_end != 0).all()


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_derived_are_the_most_probable_of_all_paths(
    network: MixedFabric, space: FabricSpace, seed: int, zeros: bool
) -> None:
    given = probabilities(network, seed, zeros)
    listed = {a: of_path(network, a, given) for a in space.enumerate()}
    assert sum(listed.values()) == pytest.approx(1)
    for n in (1, 7, len(listed), len(listed) + 5):
        derived = network.derive(given, n)
        assert len(set(derived)) == len(derived) == min(n, len(listed))
        expected = sorted(listed.values(), reverse=True)[:n]
        assert [listed[a] for a in derived] == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("layers", "scales"), [(2, 2), (3, 4), (5, 3)])
def test_the_n_best_paths_by_dynamic_programming_are_those_of_brute_force(layers: int, scales: int) -> None:
    trellis, rng = Trellis(layers, scales), np.random.default_rng(layers)
    space = FabricConfig(layers=layers, scales=scales).build()
    weights = {link: rng.normal() for node in trellis.nodes for link in trellis.links_to(node)}

    def sum_of(links: tuple[Link, ...]) -> float:
        return sum(weights[link] for link in links)

    listed = sorted((trellis.along(space.path(a)) for a in space.enumerate()), key=sum_of, reverse=True)
    assert best_paths(trellis, weights, 10) == listed[:10]
    assert best_paths(trellis, weights, 10**6) == listed


def test_a_path_is_read_from_its_links(space: FabricSpace) -> None:
    for architecture in space.enumerate():
        path = space.path(architecture)
        assert space.trellis.path_of(space.trellis.along(path)) == path
