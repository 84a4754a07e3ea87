"""The ensemble of networks, against torch's gradients, torch's Adam, and a function that it must learn."""

import numpy as np
import pytest
import torch
from scipy import stats

from archsmith.strategies.bayesian.predictors import LEARNING_RATE, WEIGHT_DECAY, Ensemble, trained


def data(n=60, n_features=12, n_outputs=2):
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, size=(n, n_features)).astype(float)
    return features, features @ rng.normal(size=(n_features, n_outputs)) + features[:, :1] * features[:, 1:2]


def ensemble(n_members=3):
    return Ensemble.untrained(n_members, 12, 2, np.random.default_rng(1))


def in_torch(member):
    """Return one member as a torch module."""
    layers = []
    for weights, biases in zip(ensemble().weights, ensemble().biases, strict=True):
        linear = torch.nn.Linear(*weights.shape[1:], dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(weights[member].T), torch.tensor(biases[member, 0])
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def loss_in_torch(network, features, targets):
    return 0.5 * (network(torch.tensor(features)) - torch.tensor(targets)).square().sum(dim=1).mean()


@pytest.mark.parametrize("member", range(3))
def test_outputs_and_gradients_are_those_of_torch(member):
    features, targets = data()
    network = in_torch(member)
    loss_in_torch(network, features, targets).backward()
    outputs = ensemble().layers(features)[-1][member]
    np.testing.assert_allclose(outputs, network(torch.tensor(features)).detach().numpy(), atol=1e-12)
    by_weights, by_biases = ensemble().gradient(features, targets)
    for layer, weights, biases in zip(network[::2], by_weights, by_biases, strict=True):
        np.testing.assert_allclose(weights[member].T, layer.weight.grad.numpy(), atol=1e-12)
        np.testing.assert_allclose(biases[member, 0], layer.bias.grad.numpy(), atol=1e-12)


def test_training_is_that_of_adamw_in_torch():
    features, targets = data()
    network = in_torch(1)
    groups = [
        {"params": [layer.weight for layer in network[::2]], "weight_decay": WEIGHT_DECAY},
        {"params": [layer.bias for layer in network[::2]], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE)
    for _ in range(20):
        optimizer.zero_grad()
        loss_in_torch(network, features, targets).backward()
        optimizer.step()
    ours = trained(ensemble(), features, targets, 20)
    for layer, weights in zip(network[::2], ours.weights, strict=True):
        np.testing.assert_allclose(weights[1].T, layer.weight.detach().numpy(), atol=1e-9)


def test_mean_and_standard_deviation_are_those_of_the_members():
    features, _ = data()
    members = np.stack([in_torch(k)(torch.tensor(features)).detach().numpy() for k in range(3)])
    mean, sd = ensemble().predict(features)
    np.testing.assert_allclose(mean, members.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(sd, members.std(axis=0, ddof=1), atol=1e-12)


def test_it_learns_what_it_was_not_shown_and_is_surer_of_what_it_was():
    features, targets = data(200)
    targets = (targets - targets.mean(axis=0)) / targets.std(axis=0)
    learned = trained(ensemble(5), features[:100], targets[:100], 150)
    mean, _ = learned.predict(features[100:])
    assert stats.pearsonr(mean[:, 0], targets[100:, 0]).statistic > 0.9
    # No feature is ever above 1 in what it saw.
    assert learned.predict(features[:100])[1].mean() < learned.predict(3 * features[:100])[1].mean()


def test_training_leaves_the_ensemble_that_it_began_with_as_it_was():
    before, features, targets = ensemble(), *data()
    trained(before, features, targets, 3)
    assert all((a == b).all() for a, b in zip(before.weights, ensemble().weights, strict=True))
