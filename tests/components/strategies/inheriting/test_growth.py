"""What EAS sees of chain networks: steps against the space's morphisms and the networks' own layers."""

import numpy as np
import pytest
import torch

from archsmith.models import build
from archsmith.models.initialise import initialise
from archsmith.models.morphisms import inherit
from archsmith.policy.moves import Move
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.morphing import morphisms
from archsmith.spaces.settings import Range
from archsmith.spaces.training import TrainingChoices
from archsmith.strategies.inheriting.growth import Growth
from archsmith.testing.strategies import small_space
from archsmith.values import Fidelity

TRAINED = ChainConfig(dense_layers=Range(min=0, max=2), training=TrainingChoices(batch_size=(32, 64), optimizer=("sgd", "adamw")))
SPACES = {
    "default": ChainConfig().build(),
    "with training": TRAINED.build(),
    "small": small_space(),
    "one operation": ChainConfig(operations=("conv",), kernels=(3,)).build(),
    "poolings only": ChainConfig(operations=("maxpool", "avgpool")).build(),
    "no order": ChainConfig(filters=(64, 16, 32), units=(128, 32, 64), kernels=(5, 3)).build(),
}
EACH = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())


def sampled(space, n=25):
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(n)]


def layers(space, architecture):
    """Return what the layers are, without their numbers."""
    return [(node.kind, tuple(node.details.items())) for node in space.graph(architecture).nodes[1:-1]]


@EACH
def test_a_layer_can_be_inserted_where_that_is_a_morphism_and_nowhere_else(space):
    for architecture in sampled(space):
        prospect = Growth(space).prospect(architecture)
        exact = {m.architecture for m in morphisms(space, architecture) if m.operation == "deepen"}
        assert set(prospect.deeper.values()) == exact
        assert len(prospect.deeper) == len(prospect.situation.additions) == len(exact)
        old = layers(space, architecture)
        for addition, child in prospect.deeper.items():
            new, place = layers(space, child), addition[0]
            most = sum(d.name.startswith("op_") for d in space.decisions)
            at = place if place < most else place - most + space.assignment(architecture)["layers"] + 1
            assert new[:at] + new[at + 1 :] == old


@EACH
def test_a_layer_is_widened_to_the_next_of_its_numbers_where_that_is_a_morphism(space):
    for architecture in sampled(space):
        growth, old = Growth(space), space.assignment(architecture)
        prospect = growth.prospect(architecture)
        exact = {m.architecture for m in morphisms(space, architecture) if m.operation == "widen"}
        next_ones = {d.name: sorted(c for c in d.choices if c > old[d.name])[:1] for d in space.decisions
                     if d.name in old and d.name.startswith(("filters_", "units_"))}  # fmt: skip
        assert {(space.decisions[k].name, choice) for _, k, choice in prospect.wider} == {
            (n, c) for n, some in next_ones.items() for c in some
        }
        assert prospect.situation.may_widen.sum() == len(prospect.wider)
        n = len(prospect.situation.tokens)
        assert {growth.child(architecture, Move(widened=np.arange(n) == k)) for k, *_ in prospect.wider} <= exact


@EACH
def test_each_move_is_told_by_its_child(space):
    growth, rng = Growth(space), np.random.default_rng(1)
    for architecture in sampled(space):
        prospect = growth.prospect(architecture)
        for row in prospect.situation.additions:
            found = growth.move(architecture, growth.child(architecture, Move(added=row)))
            assert found.added.tolist() == row.tolist()
        widened = prospect.situation.may_widen & (rng.random(len(prospect.situation.tokens)) < 0.7)
        child = growth.child(architecture, Move(widened=widened))
        space.validate(child)
        assert growth.move(architecture, child).widened.tolist() == widened.tolist()


def test_what_is_no_step_is_no_move():
    space, (a, b, *_) = SPACES["default"], sampled(SPACES["default"])
    assert Growth(space).move(a, b) is None


@EACH
def test_a_token_has_a_feature_for_each_thing_that_its_layer_is(space):
    growth = Growth(space)
    seen = {}
    for architecture in sampled(space):
        tokens = growth.prospect(architecture).situation.tokens
        kinds = layers(space, architecture)
        assert tokens.shape == (len(kinds), growth.n_features)
        for token, kind in zip(tokens.tolist(), kinds, strict=True):
            assert seen.setdefault(tuple(token), kind) == kind  # different layers have different tokens
    assert len(set(seen.values())) == len(seen)


@EACH
def test_a_small_network_has_the_fewest_layers_of_the_least_width(space):
    growth, rng = Growth(space), np.random.default_rng(0)
    drawn = {growth.small(rng) for _ in range(40)}
    assert len(drawn) > 1
    for architecture in drawn:
        space.validate(architecture)
        for name, choice in space.assignment(architecture).items():
            if name in ("layers", "dense") or name.startswith(("filters_", "units_")):
                assert choice == min(next(d.choices for d in space.decisions if d.name == name))


def test_the_training_that_a_network_decides_on_is_that_of_its_children():
    space, growth = SPACES["with training"], Growth(SPACES["with training"])
    for architecture in sampled(space):
        for child in growth.single(architecture):
            assert child.choices[-2:] == architecture.choices[-2:]


def test_moves_are_told_in_words():
    space = SPACES["with training"]
    growth = Growth(space)
    old = space.from_text(
        "layers=2 op_1=conv filters_1=16 kernel_1=3 stride_1=1 op_2=maxpool pool_2=2 stride_2=2 dense=1 units_1=32 "
        "training.optimizer=sgd training.batch_size=32"
    )
    wider = Move(widened=np.array([True, False, False, True]))
    assert growth.words(old, wider) == "filters_1 16 → 32, units_1 32 → 64"
    said = {growth.words(old, Move(added=row)) for row in growth.prospect(old).situation.additions}
    places = {
        f"{op} {k}x{k} as layer {i}" for op in ("conv", "sepconv") for k in (3, 5) for i in (2, 3)
    }  # beside an equal one, after
    assert said == places | {"dense 32 as dense layer 2"}


def test_layers_that_are_widened_together_compute_the_same():
    space = ChainConfig(filters=(4, 6, 8), units=(6, 8)).build()
    growth, images = Growth(space), torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for k, architecture in enumerate(sampled(space, 12)):
        child = growth.child(architecture, Move(widened=growth.prospect(architecture).situation.may_widen))
        old, new = (build(space, a, (3, 8, 8), 5, fidelity=Fidelity(1)) for a in (architecture, child))
        for network, seed in ((old, k), (new, k + 100)):
            initialise(network, torch.Generator().manual_seed(seed))
        old.train()(images)  # statistics that are not those of a fresh network
        found = inherit(old, new, images=images, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            expected, logits = old.eval()(images), new.eval()(images)
        assert found.same
        assert (logits - expected).abs().max() <= 1e-5 * expected.abs().max()
