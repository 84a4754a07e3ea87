import copy
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from archsmith.errors import DivergedError
from archsmith.evaluation.checkpoint import dump
from archsmith.evaluation.sharing.relaxed.training import RelaxedTraining

METHODS: dict[str, dict[str, Any]] = {
    "first": {},
    "second": {"update": "second"},
    "exact": {"update": "second", "hessian": "exact"},
    "concrete": {"weights": "concrete", "update": "joint", "temperature": (1.0, 0.3)},
    "gumbel": {"weights": "gumbel", "temperature": (10.0, 0.1)},
    "gates": {"weights": "gates", "alpha_betas": (0.0, 0.999), "alpha_decay": 0.0, "warmup": 0.25},
    "guarded": {"beta_decay": 5.0, "most_skips": 1, "eigenvalue": True},
}


def run(training: RelaxedTraining) -> RelaxedTraining:
    for _ in training.run():
        pass
    return training


def measured(training: RelaxedTraining) -> tuple[object, ...]:
    """Return all that a training has come to, without its seconds."""
    weights = {name: value.tolist() for name, value in training.network.state_dict().items()}
    return weights, training.alphas.values.tolist(), [replace(e, seconds=0.0) for e in training.epochs]


@pytest.mark.parametrize("method", METHODS)
def test_a_training_that_was_cut_off_ends_as_an_undisturbed_one(begin: Any, method: str) -> None:
    undisturbed, cut = run(begin(**METHODS[method])), begin(**METHODS[method])
    next(cut.run())
    state = torch.load(io.BytesIO(dump(cut.state())), weights_only=True)
    torch.rand(3)  # nobody else who draws random numbers matters
    resumed = begin(**METHODS[method])
    resumed.restore(state)
    assert len(list(resumed.run())) == 1
    assert measured(resumed) == measured(undisturbed)


def test_another_seed_gives_another_training(begin: Any) -> None:
    first, again, other = (run(begin(seed=seed, epochs=1)) for seed in (5, 5, 6))
    assert measured(first) == measured(again)
    assert all(a != b for a, b in zip(measured(first), measured(other), strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_weights_and_alphas_lie_in_different_optimizers_and_each_step_moves_only_its_own(begin: Any, method: str) -> None:
    training = begin(**METHODS[method])
    learner = training._learner  # a step by itself is nobody's business but this test's
    batches = list(training._images.weights.epoch(torch.Generator().manual_seed(0)))
    owned = [
        {id(p) for g in optimizer.param_groups for p in g["params"]} for optimizer in (learner.of_weights, learner.of_alphas)
    ]
    assert owned[0] == {id(p) for p in training.network.parameters()}
    assert owned[1] == {id(training.alphas.values)}

    training.network.train()
    learner.train_weights(0.5, batches[0])  # so that there are momenta
    before = copy.deepcopy(training.state())
    learner.train_alphas(0.5, batches[1], batches[2])
    after = training.state()
    assert_same_bits(before["learner"]["network"], after["learner"]["network"])
    assert_same_bits(before["learner"]["of_weights"], after["learner"]["of_weights"])
    assert not torch.equal(before["learner"]["alphas"], after["learner"]["alphas"])

    learner.train_weights(0.5, batches[3])
    assert torch.equal(after["learner"]["alphas"], training.alphas.values)
    assert not torch.equal(after["learner"]["network"]["stem.0.weight"], training.network.state_dict()["stem.0.weight"])


def assert_same_bits(first: Any, second: Any) -> None:
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_same_bits(first[key], second[key])
    elif isinstance(first, list):
        assert len(first) == len(second)
        for a, b in zip(first, second, strict=True):
            assert_same_bits(a, b)
    else:
        assert first == second


def test_what_is_not_sampled_is_not_trained(begin: Any) -> None:
    training = begin(weights="gumbel", temperature=(1.0, 1.0))
    with torch.no_grad():
        training.alphas.values.copy_(torch.tensor([50.0, 0, 0, 0, 50, 0, 0, 0, 50]))  # conv, skip, pool
    before = {name: value.clone() for name, value in training.network.state_dict().items()}
    batch = next(training._images.weights.epoch(torch.Generator().manual_seed(0)))
    training.network.train()
    training._learner.train_weights(0.5, batch)
    changed = {name for name, value in training.network.state_dict().items() if not torch.equal(value, before[name])}
    assert all("places" not in name or (name.startswith("places.0") and "conv" in name) or "places.2" in name for name in changed)
    assert {name.split(".")[0] for name in changed} == {"stem", "places", "classifier"}


def test_a_record_says_what_would_be_derived_and_how_good_it_is(begin: Any) -> None:
    training = run(begin(weights="gumbel", temperature=(10.0, 0.1)))
    assert [record.epoch for record in training.epochs] == [1, 2]
    assert [record.step for record in training.epochs] == [5, 10]
    assert [record.temperature for record in training.epochs] == pytest.approx([5.05, 0.1])
    last = training.epochs[-1]
    assert last.derived == training.derived(1)[0]
    assert 0 <= last.val_accuracy <= 1
    assert last.entropy is not None
    for name, options in training.alphas.probabilities().items():
        np.testing.assert_allclose(list(last.probabilities[name].values()), options)
        assert list(last.probabilities[name]) == ["conv", "skip", "pool"]


def test_looking_at_an_architecture_changes_nothing(begin: Any) -> None:
    training = begin()
    next(training.run())
    before = copy.deepcopy(training.state())
    first, again = (training._looked_at(training.derived(2)[1]) for _ in range(2))
    assert first == again
    assert_same_bits(before["learner"], training.state()["learner"])


def test_alphas_of_a_short_training_go_as_far_as_those_of_a_long_one(begin: Any) -> None:
    short, long = begin(epochs=1)._learner.of_alphas, begin(epochs=1200)._learner.of_alphas
    assert short.param_groups[0]["lr"] == pytest.approx(6 / 5)
    assert long.param_groups[0]["lr"] == pytest.approx(6 / 6000)
    assert begin(alpha_rate=3e-4)._learner.of_alphas.param_groups[0]["lr"] == 3e-4


def test_skips_are_limited_in_all_that_is_derived(begin: Any) -> None:
    training = begin(most_skips=1)
    with torch.no_grad():
        training.alphas.values.copy_(torch.tensor([0.0, 3, 0, 0, 5, 0, 1, 2, 0]))
    architectures = training.derived(5)
    assert all(a.choices.count("skip") <= 1 for a in architectures)
    assert architectures[0].choices == ("conv", "skip", "conv")


def test_a_training_ends_early_where_it_skips_too_much(begin: Any) -> None:
    training = begin(epochs=3, most_skips=1, end_at_skips=True)
    with torch.no_grad():
        training.alphas.values.copy_(torch.tensor([0.0, 30, 0, 0, 30, 0, 0, 30, 0]))
    assert len(list(training.run())) == 1
    resumed = begin(epochs=3, most_skips=1, end_at_skips=True)
    resumed.restore(training.state())
    assert list(resumed.run()) == []


def test_a_loss_that_is_not_finite_ends_it(begin: Any) -> None:
    with pytest.raises(DivergedError, match=r"The training loss is nan in epoch 1; try a lower `learning_rate`."):
        run(begin(learning_rate=1e30, clip_gradient=None))


def test_costly_options_become_less_probable_the_more_cost_weighs(begin: Any) -> None:
    prices = {f"cell.edge_{k}": torch.tensor([1.0, 0.0, 0.0]) for k in range(3)}
    free, dear = (run(begin(cost=cost, prices=prices)).epochs[-1].probabilities for cost in (1e-6, 30.0))
    assert all(dear[point]["conv"] < 0.5 * free[point]["conv"] for point in dear)
    with pytest.raises(ValueError, match="nothing says what the options cost"):
        begin(cost=1.0)
