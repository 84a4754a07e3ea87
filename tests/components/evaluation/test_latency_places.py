"""Which operations the networks of a space consist of, against a list of all of its networks."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archsmith.errors import UnbuildableError
from archsmith.evaluation.latency_places import OPTION, build_on_meta, operation, operations_of, take_inventory
from archsmith.models.mixed.network import Mixture
from archsmith.models.mixed.under_search import under_search
from archsmith.models.operations import OPERATIONS
from archsmith.models.parts import Place
from archsmith.spaces.fabric import FabricConfig
from archsmith.spaces.nas_bench_201 import OPERATIONS as EDGE_OPERATIONS
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spaces.space import Space
from archsmith.values import Architecture

SHAPE = (3, 8, 8)


@pytest.fixture(scope="module")
def space() -> Space:
    return FabricConfig(layers=3, scales=3, channels=4).build()


@pytest.mark.parametrize(("name", "n"), [("fabric", 3 + 2 + 2), ("nas-bench-201", 3 * 3)])
def test_an_inventory_has_the_operations_of_every_network_and_all_options(name: str, n: int, space: Space) -> None:
    # Of three scales to themselves, to the two coarser and the two finer ones; in NAS-Bench-201, three in each of three stages.
    searched = space if name == "fabric" else NasBench201Config(channels=4, cells=1).build()
    inventory = take_inventory(searched, SHAPE, 5, np.random.default_rng(0), patience=15)
    # Where edges are all the same operation, each is everywhere.
    drawn = searched.enumerate() if name == "fabric" else [Architecture(name, (op,) * 6) for op in EDGE_OPERATIONS]
    listed = [operations_of(build_on_meta(searched, a, SHAPE, 5), SHAPE) for a in drawn]
    places = {key: {name for network in listed for name, one in network if one.key == key} for key in inventory.operations}
    options = {key for key, names in inventory.places.items() if list(names) == [OPTION]}
    assert set(inventory.operations) - options == {one.key for network in listed for _, one in network}
    assert all(set(names) <= places[key] for key, names in inventory.places.items() if key not in options)
    decided = [names for names in inventory.places.values() if any("scale" in name or "edge" in name for name in names)]
    identities = 3 if name == "nas-bench-201" else 0
    assert len(decided) == n + identities
    assert not options  # each is an operation of networks alone, too


@pytest.mark.parametrize(("most", "complete"), [(3, False), (300, True)])
def test_an_inventory_says_whether_networks_were_still_new_when_it_ended(most: int, complete: bool) -> None:
    searched = FabricConfig(layers=5, scales=3, channels=4).build()
    inventory = take_inventory(searched, SHAPE, 5, np.random.default_rng(0), patience=10, most=most)
    assert inventory.complete == complete


def test_an_operation_that_is_known_need_not_be_computed(space: Space) -> None:
    architecture, known = space.at(7), {}
    first, again = (operations_of(build_on_meta(space, architecture, SHAPE, 5), SHAPE, known) for _ in range(2))
    alone = operations_of(build_on_meta(space, architecture, SHAPE, 5), SHAPE)
    assert [(name, one.key) for name, one in first] == [(name, one.key) for name, one in alone]
    assert all(a is b for (_, a), (_, b) in zip(first, again, strict=True))


def test_operations_come_in_the_order_of_their_calls_and_their_shapes_lead_from_one_to_the_next(space: Space) -> None:
    found = [one for _, one in operations_of(build_on_meta(space, space.at(3), SHAPE, 5), SHAPE)]
    assert found[0].inputs == ((1, *SHAPE),)
    assert found[-1].output == (1, 5)
    assert all(after.inputs == (before.output,) for before, after in pairwise(found))


class Twice(nn.ModuleDict):
    """Applies its part twice."""

    def forward(self, x: Tensor) -> Tensor:
        return self["part"](self["part"](x))  # type: ignore[no-any-return]


def test_a_part_that_is_called_twice_counts_twice() -> None:
    with torch.device("meta"):
        network = nn.Sequential(Twice({"part": nn.Conv2d(3, 3, 3, padding=1)}), Place("relu", nn.ReLU()))
    assert [name for name, _ in operations_of(network, SHAPE)] == ["0.part", "0.part", "1.relu"]


def test_the_same_layer_on_other_images_or_with_other_settings_is_another_operation() -> None:
    layer = nn.Conv2d(4, 4, 3, padding=1)
    found = [
        operation(layer, (4, 8, 8)),
        operation(layer, (4, 8, 4)),
        operation(nn.Conv2d(4, 4, 3, padding=1, bias=False), (4, 8, 8)),
    ]
    assert len({one.key for one in found}) == 3
    assert operation(nn.Conv2d(4, 4, 3, padding=1), (4, 8, 8)).key == found[0].key


@pytest.mark.parametrize("name", ["sep_conv_3x3", "max_pool_3x3", "avg_pool_3x3", "skip_connect"])
@pytest.mark.parametrize("stride", [1, 2])
def test_what_is_weighed_against_others_counts_as_in_a_network_of_its_own(name: str, stride: int) -> None:
    weighed, alone = under_search(OPERATIONS[name](4, 4, stride), 4), OPERATIONS[name](4, 4, stride)
    Mixture("point", {"option": weighed})  # it may take a ReLU from it
    assert operation(weighed, (4, 8, 8)).key == operation(alone, (4, 8, 8)).key
    assert all(m.weight is None for m in weighed.modules() if isinstance(m, nn.BatchNorm2d))  # it is a copy that has one


def test_a_space_without_networks_at_this_input_says_so(space: Space) -> None:
    class Broken(type(space)):  # type: ignore[misc]
        def layers(self, *_: object) -> list[nn.Module]:
            raise ValueError("the images are too small")

    broken = Broken(FabricConfig(layers=3, scales=3))
    with pytest.raises(UnbuildableError, match="the images are too small"):
        take_inventory(broken, SHAPE, 5, np.random.default_rng(0), patience=3)
