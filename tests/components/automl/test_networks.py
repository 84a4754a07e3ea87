import numpy as np
import pytest

from archsmith.automl import networks
from archsmith.models.cost import cost_of
from archsmith.steps.choosing import space_of

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 20), (3, 64, 64), (3, 4, 4), (1, 5, 90)]


@pytest.mark.parametrize("shape", SHAPES)
def test_what_networks_cost_is_what_those_that_are_built_cost(shape: tuple[int, int, int]) -> None:
    form = networks.forms(min(shape[1:]))[3]
    space, rng = space_of(networks.space(form)), np.random.default_rng(0)
    for architecture in (space.sample(rng) for _ in range(4)):
        chosen, stages = space.assignment(architecture), range(1, form.n_stages + 1)
        network = networks.Network(
            tuple(int(chosen[f"filters_{k}"]) for k in stages),
            tuple(int(chosen[f"blocks_{k}"]) for k in stages),
            int(chosen["first_kernel"]),
        )
        params, flops = networks.cost(form, network, shape, 7)
        built = cost_of(space, architecture, shape, 7)
        assert params == built.n_params
        assert flops == pytest.approx(built.flops, rel=0.02)  # normalisation does not count here


@pytest.mark.parametrize("side", range(4, 100, 3))
def test_a_space_holds_what_is_measured_first_and_the_last_maps_are_large_enough(side: int) -> None:
    for form in networks.forms(side)[::4]:
        space = space_of(networks.space(form))
        found = [space.from_text(network.text) for network in networks.first(form)]
        assert found[0] == space.from_text(networks.middle(form).text)
        assert len(set(found)) == len(found) == (4 if form.n_stages > 1 else 3)
        last = side / form.stride / 2 ** (form.n_stages - 1)
        assert last >= min(side, networks.SMALLEST_MAP) / form.stride


@pytest.mark.parametrize("side", [8, 28, 64])
def test_forms_are_in_the_order_of_what_they_cost(side: int) -> None:
    forms = [form for form in networks.forms(side) if form.base >= networks.USUAL_WIDTH]
    costs = [networks.cost(form, networks.middle(form), (3, side, side), 10)[1] for form in forms]
    assert costs == sorted(costs)
