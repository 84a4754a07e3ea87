"""The training of shared weights by sampled architectures."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from archsmith.errors import DivergedError, InfeasibleError
from archsmith.evaluation.checkpoint import dump, loaded
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.ground import Ground
from archsmith.evaluation.sharing.look import SupernetEstimator
from archsmith.evaluation.sharing.make import make_training
from archsmith.evaluation.sharing.sampled import PRESETS, SampledTraining
from archsmith.models import build
from archsmith.models.shared.slices import SlicedBank
from archsmith.spaces.chain import ChainConfig, ChainSpace
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import Sampled
from archsmith.testing.supernet_trainings import told
from archsmith.values import Architecture, Fidelity

CHAIN = ChainConfig.model_validate({"layers": {"min": 1, "max": 2}, "filters": [4, 8], "kernels": [3, 5]}).build()

METHODS: Mapping[str, Sampled] = {
    "uniform": Sampled(2),
    "fair": Sampled(2, "fair"),
    "dropout": Sampled(2, "dropout"),
    "together": Sampled(2, "dropout", together=True, path_dropout=0.5),
    "policy": Sampled(2, "policy", policy_batch=3, policy_updates=2),
    "few-shot": Sampled(2, split="op_1"),
    "sliced": Sampled(2, slicing=True),
}


def training(make: Callable[..., Ground], name: str, **changes: Any) -> SampledTraining:
    space = None if METHODS[name].together else CHAIN  # else NAS-Bench-201, whose options can be mixed
    return SampledTraining(METHODS[name], make(space, **{"batch_size": 32, **changes}))


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


@pytest.mark.parametrize("name", METHODS)
def test_a_training_that_goes_on_after_an_epoch_ends_as_an_undisturbed_one(name: str, ground: Callable[..., Ground]) -> None:
    whole, again = training(ground, name), training(ground, name)
    epochs = whole.run()
    first = next(epochs)
    again.restore(loaded(dump(whole.state())))
    (second,) = epochs
    assert [told(record) for record in again.run()] == [told(second)]
    assert [(record.epoch, record.step) for record in (first, second)] == [(1, 2), (2, 4)]
    ended, undisturbed = (one.state() | {"seconds": 0} for one in (again, whole))
    assert equal(ended, undisturbed)
    assert again.derived(3) == whole.derived(3)
    assert (second.derived is None, second.probabilities == {}) == (name != "policy", name != "policy")


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_step_changes_only_the_tensors_of_what_was_sampled(optimizer: str, ground: Callable[..., Ground]) -> None:
    space = NasBench201Config(cells=1, channels=4).build()
    one = space.from_text("|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_3x3~2|")
    other = space.from_text("|nor_conv_1x1~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|")
    drawn = [one, one, other]
    space.sample = lambda rng: drawn.pop(0) if drawn else other
    made = SampledTraining(Sampled(4), ground(space, batch_size=32, optimizer=optimizer, weight_decay=0.1, learning_rate=0.01))
    epochs = made.run()
    next(epochs)  # two steps of the first one, which leave momenta
    before = made.state()
    next(epochs)  # two of the other one
    after = made.state()
    for kind in ("parameters", "buffers"):
        for key, tensor in after["bank"][kind].items():
            sampled = key.split(" ")[0] in made.bank.extract(other)
            known = before["bank"][kind].get(key)
            if known is not None:
                assert torch.equal(known, tensor) != (sampled and not key.startswith("normalize")), key
    untouched = [key for key in before["optimizer"]["memory"] if key.split(" ")[0] not in made.bank.extract(other)]
    assert untouched
    assert all(equal(before["optimizer"]["memory"][key], after["optimizer"]["memory"][key]) for key in untouched)


def test_only_the_parts_that_were_sampled_are_moved_where_networks_are_slices(ground: Callable[..., Ground]) -> None:
    layers = {f"{key}_{i}": v for i in (1, 2) for key, v in {"op": "conv", "stride": 1}.items()}

    def sized(filters: int, kernel: int) -> Architecture:
        sizes = {f"{key}_{i}": v for i in (1, 2) for key, v in (("filters", filters), ("kernel", kernel))}
        return CHAIN.architecture({"layers": 2, "dense": 0, **layers, **sizes})

    made = SampledTraining(Sampled(1, slicing=True), ground(CHAIN, weight_decay=0.1))
    bank = made.bank
    assert isinstance(bank, SlicedBank)
    x, y = torch.rand(8, 1, 8, 8), torch.arange(8) % 10
    made._step([sized(8, 5)], 0.0, x, y, averaged=True)  # leaves momenta everywhere
    before = bank.extract(sized(8, 5))
    made._step([sized(4, 5), sized(8, 3)], 0.0, x, y, averaged=True)
    after = bank.extract(sized(8, 5))
    changed = before["layer_2.conv.0.weight"] != after["layer_2.conv.0.weight"]
    expected = torch.zeros_like(changed)
    expected[:4, :4] = True
    expected[:, :, 1:4, 1:4] = True
    assert torch.equal(changed, expected)


def test_in_a_space_without_sizes_slicing_takes_no_more_paths_a_step(ground: Callable[..., Ground]) -> None:
    made = SampledTraining(Sampled(1, slicing=True), ground())
    assert isinstance(made.bank, SlicedBank)
    assert len(made._chooser(1).draw(0.0)) == 1


def test_a_step_of_one_path_is_that_of_the_network_alone(ground: Callable[..., Ground]) -> None:
    made = training(ground, "uniform", clip_gradient=0.5, label_smoothing=0.1)
    architecture, settings = CHAIN.sample(np.random.default_rng(0)), made._ground.training
    dataset = made._ground.dataset
    alone = build(CHAIN, architecture, (1, 8, 8), 10, fidelity=Fidelity(1), mean=dataset.mean, std=dataset.std)
    alone.load_state_dict(made.bank.extract(architecture))
    alone.train().to(memory_format=torch.channels_last)
    groups = [[p for p in alone.parameters() if (p.ndim > 1) == decayed] for decayed in (True, False)]
    optimizer = torch.optim.SGD(
        [{"params": groups[0], "weight_decay": settings.weight_decay}, {"params": groups[1]}],
        lr=settings.learning_rate, momentum=settings.momentum, nesterov=True,
    )  # fmt: skip
    x, y = torch.rand(8, 1, 8, 8).to(memory_format=torch.channels_last), torch.arange(8) % 10
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(alone(x), y, label_smoothing=0.1)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(alone.parameters(), 0.5)
        optimizer.step()
        assert torch.equal(made._step([architecture], 0.0, x, y, averaged=True), loss.detach())
    assert equal(made.bank.extract(architecture), {**alone.state_dict()})


def test_training_the_policy_leaves_weights_and_running_statistics_as_they_were(ground: Callable[..., Ground]) -> None:
    made = training(ground, "policy")
    next(made.run())
    before, policy = made.state()["bank"], made._policy
    assert policy is not None
    parameters = policy.controller.parameters.copy()
    made._train_policy(policy, 2)
    after = made.state()["bank"]
    shared = {kind: {key: after[kind][key] for key in before[kind]} for kind in ("parameters", "buffers")}
    assert equal(shared, {kind: before[kind] for kind in shared})
    assert not np.array_equal(policy.controller.parameters, parameters)


def test_the_record_of_an_epoch_says_what_the_policy_prefers(ground: Callable[..., Ground]) -> None:
    *_, last = training(ground, "policy").run()
    assert last.derived is not None
    assert 0 <= last.val_accuracy <= 1
    assert {"layers", "op_1", "filters_1"} <= set(last.probabilities)
    assert all(sum(options.values()) == pytest.approx(1) for options in last.probabilities.values())


@pytest.mark.parametrize("name", METHODS)
def test_what_is_looked_at_with_the_state_of_a_training_has_its_weights(name: str, ground: Callable[..., Ground]) -> None:
    made = training(ground, name)
    list(made.run())
    space = made._ground.space
    looks = SupernetEstimator.of(made._settings, made._ground, loaded(dump(made.state())))
    for seed in range(2):
        architecture = space.sample(np.random.default_rng(seed))
        assert looks.looker.look(architecture) == made._looker.look(architecture)


def test_only_a_policy_prefers_architectures(ground: Callable[..., Ground]) -> None:
    found = training(ground, "policy").derived(4)
    assert len(set(found)) == 4
    assert training(ground, "uniform").derived(4) == ()


def test_a_loss_that_is_not_finite_ends_the_training_and_says_what_to_do(ground: Callable[..., Ground]) -> None:
    wild = training(ground, "uniform", learning_rate=1e30, schedule="constant", clip_gradient=None)
    with pytest.raises(DivergedError, match=r"loss of the shared weights is (nan|inf) in epoch \d; try a lower `learning_rate`"):
        list(wild.run())


def test_architectures_without_a_network_are_passed_over_and_a_space_of_them_is_refused(ground: Callable[..., Ground]) -> None:
    class Fragile(ChainSpace):
        """Networks with four filters in the first layer can't be built."""

        def assignment(self, architecture: Architecture) -> dict[str, Any]:
            chosen = super().assignment(architecture)
            return {**chosen, "filters_1": -1} if chosen.get("filters_1") in self.bad else chosen

    def fragile(*bad: int) -> Fragile:
        space = Fragile.__new__(Fragile)
        space.__dict__.update(CHAIN.__dict__)
        space.bad = bad  # type: ignore[attr-defined]
        return space

    for name in METHODS:
        if name not in ("few-shot", "sliced", "together"):
            assert len(list(SampledTraining(METHODS[name], ground(fragile(4), batch_size=32)).run())) == 2
    ops = {"operations": ["conv"], "layers": {"min": 1, "max": 1}, "filters": [4], "kernels": [3]}
    nothing = fragile(4)
    nothing.__dict__.update(ChainConfig.model_validate(ops).build().__dict__)
    with pytest.raises(InfeasibleError, match="Of 100 draws from the space 'chain' none has a network"):
        list(SampledTraining(Sampled(1), ground(nothing)).run())


def test_what_the_search_file_says_of_the_training_comes_before_the_preset(ground: Callable[..., Ground]) -> None:
    plain, given = (training(ground, "uniform", **own)._ground.training for own in ({}, {"learning_rate": 0.3}))
    assert plain.learning_rate == PRESETS["uniform"]["learning_rate"]
    assert (given.learning_rate, given.schedule) == (0.3, "cosine")


def test_weights_are_split_after_their_share_of_the_epochs(ground: Callable[..., Ground]) -> None:
    made = training(ground, "few-shot")
    epochs = made.run()
    next(epochs)
    assert made.bank.state()["split"] is None
    next(epochs)
    assert made.bank.state()["split"] == made._settings.split


def test_the_training_of_the_settings_is_made(tiny: Dataset, cpu: Device) -> None:
    fidelity = Fidelity(2, data=0.5, width=0.5, resolution=0.5)
    space = NasBench201Config(cells=1, channels=8).build()
    made = make_training(
        Sampled(1), space=space, dataset=tiny, fidelity=fidelity, training=TrainingSpec(batch_size=8), device=cpu, seed=0
    )
    assert isinstance(made, SampledTraining)
    (record,) = made.run()
    assert record.step == 4  # half of 64 images, in batches of 8
    assert made.bank.extract(space.sample(np.random.default_rng(0)))["stem.0.weight"].shape == (4, 1, 3, 3)
