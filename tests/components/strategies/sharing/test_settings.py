"""The settings of strategies that share weights: without any, they are the papers'; and each reaches the training."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from archsmith.evaluation.config import SupernetConfig
from archsmith.search import Search, parse
from archsmith.spec.supernets import DARTS, RELAXATIONS, Sampled
from archsmith.strategies import STRATEGIES
from archsmith.strategies.sharing.relaxed import DARTSConfig, RelaxedConfig
from archsmith.strategies.sharing.settings import LookingConfig

FILE = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: s}
spec:
  data: {name: digits}
  space: {name: nas-bench-201}
"""


def of(text: str) -> Search:
    return parse(FILE + text)


@pytest.mark.parametrize("name", RELAXATIONS)
def test_by_default_a_relaxation_is_that_of_its_paper(name: str) -> None:
    config = STRATEGIES[name]()
    assert isinstance(config, RelaxedConfig)
    assert config.supernet == RELAXATIONS[name]


@pytest.mark.parametrize(
    ("given", "there"),
    [
        ({"order": 2}, {"update": "second"}),
        ({"arch_learning_rate": 0.01}, {"alpha_rate": 0.01}),
        ({"arch_weight_decay": 0.0}, {"alpha_decay": 0.0}),
        ({"arch_share": 0.25}, {"alpha_share": 0.25}),
        ({"beta_decay": 50.0, "partial": 4}, {"beta_decay": 50.0, "partial": 4}),
        ({"max_skips": 2, "stop_at_skips": True}, {"most_skips": 2, "end_at_skips": True}),
        ({"cost": {"flops": 0.1}}, {"price": "flops", "cost": 0.1}),
        ({"cost": {"latency_s": 0.2}}, {"price": "latency_s", "cost": 0.2}),
        ({"eigenvalue": True}, {"eigenvalue": True}),
        ({"compile": True}, {"compile": True}),
    ],
)
def test_what_a_file_sets_reaches_the_training(given: dict[str, object], there: dict[str, object]) -> None:
    assert DARTSConfig.model_validate({"epochs": 7, **given}).supernet == replace(DARTS, epochs=7, **there)  # type: ignore[arg-type]


def test_a_temperature_has_both_ends() -> None:
    given = {"temperature": {"start": 5.0, "end": 0.5}}
    assert STRATEGIES["gdas"].model_validate(given).sharing.supernet.temperature == (5.0, 0.5)  # type: ignore[union-attr]
    with pytest.raises(ValidationError):
        STRATEGIES["snas"].model_validate({"temperature": {"start": 5.0}})


@pytest.mark.parametrize(
    ("text", "paths"),
    [("single-path", "uniform"), ("single-path, paths: fair", "fair"), ("one-shot", "dropout"), ("enas", "policy")],
)
def test_a_sampled_training_has_the_paths_of_its_method(text: str, paths: str) -> None:
    search = of(f"  strategy: {{name: {text}, epochs: 3}}\n")
    assert search.supernet == Sampled(3, paths)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("  strategy: {name: single-path}\n", 200),
        ("  strategy: {name: single-path, looks: 30}\n", 30),
        ("  strategy: {name: single-path, looks: 30}\n  budget: {trials: 20}\n", 20),
        ("  strategy: {name: single-path}\n  budget: {trials: 500}\n", 500),
        ("  estimation: {name: supernet}\n", 200),
        ("  estimation: {name: supernet}\n  budget: {trials: 50}\n", 50),
        ("  strategy: {name: darts}\n  budget: {trials: 50}\n", 0),
    ],
)
def test_the_budget_limits_looks_and_what_is_trained_alone_comes_on_top(text: str, looks: int) -> None:
    search = of(text)
    assert search.n_looks == looks
    assert search.most_trials == looks + 10


def test_only_how_many_are_trained_alone_may_change_when_a_search_goes_on() -> None:
    for text in ("strategy: {name: enas, top: 5}", "estimation: {name: supernet, then: {top: 5}}"):
        more, other = text.replace("top: 5", "top: 8"), text.replace("name: ", "epochs: 4, name: ")
        assert of(f"  {more}\n").differences(of(f"  {text}\n")) == []
        assert len(of(f"  {other}\n").differences(of(f"  {text}\n"))) == 1


def test_looks_and_trainings_are_at_the_fidelity_at_which_weights_are_shared() -> None:
    search = of("  estimation: {name: supernet, epochs: 9, then: {epochs: 2, width: 0.5}}\n")
    assert search.estimation.fidelity == SupernetConfig.model_validate({"then": {"epochs": 2, "width": 0.5}}).then.fidelity
    assert (search.estimation.fidelity.epochs, search.estimation.fidelity.width) == (2, 0.5)


def test_a_search_says_what_it_does_with_shared_weights() -> None:
    assert of("  strategy: {name: darts, epochs: 8, top: 1}\n").explained == (
        "Weights that all architectures share are trained for 8 epochs; of what they prefer, the best is trained alone: 5 "
        "epochs.",
    )
    assert of("  estimation: {name: supernet, epochs: 1, then: {epochs: 2, data: 0.5}}\n").explained == (
        "Weights that all architectures share are trained for 1 epoch; of 200 architectures that are measured with them, the "
        "best "
        "10 are trained alone: 2 epochs, 50 % of the images each.",
    )


def test_looks_are_asked_for_where_there_are_some() -> None:
    looking = {name for name, config in STRATEGIES.items() if issubclass(config, LookingConfig)}
    assert looking == {"single-path", "one-shot", "enas"}
