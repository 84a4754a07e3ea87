"""The table estimator: the suite of all estimators, and what is particular to a table."""

from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import pytest

from archsmith.errors import DataError
from archsmith.evaluation.config import TableConfig
from archsmith.evaluation.estimator import KnowsTests
from archsmith.evaluation.table import TableEstimator, counted, read_table
from archsmith.models.cost import cost_of
from archsmith.spaces.chain import ChainSpace
from archsmith.testing.estimators import EstimatorConformance, Make
from archsmith.values import Architecture, Fidelity, Proposal, Trial

METRICS = {"accuracy": "acc", "loss": "loss"}


def estimator(folder: Path, space: ChainSpace, rows: Mapping[Architecture, str], **settings: Any) -> TableEstimator:
    """Write a table of accuracy, loss, seconds and test accuracy, and make the estimator that reads it."""
    path = folder / "t.csv"
    path.write_text("arch,acc,loss,cost,test\n" + "".join(f"{space.to_text(a)},{cells}\n" for a, cells in rows.items()))
    config = TableConfig.model_validate({"path": str(path), "architecture": "arch", "metrics": METRICS, **settings})
    return TableEstimator(read_table(config, space, path), config)


class TestTable(EstimatorConformance):
    @pytest.fixture
    def make(self, tmp_path: Path, space: ChainSpace, architecture: Architecture) -> Make:
        return lambda _: estimator(tmp_path, space, {architecture: "90.5,0.3,,"})

    @pytest.fixture
    def bad(self, tmp_path: Path, space: ChainSpace, deep: Architecture) -> Make:
        return lambda _: estimator(tmp_path, space, {deep: "90.5,0.3,,"})

    @pytest.fixture
    def proposal(self, architecture: Architecture) -> Proposal:
        return Proposal(architecture, Fidelity(12))

    @pytest.fixture
    def measured(self) -> Set[str]:
        return METRICS.keys()


def look_up(made: TableEstimator, architecture: Architecture) -> Trial:
    return made.estimate(Proposal(architecture, Fidelity(1)), seed=0, progress=lambda _: None)


def test_a_trial_has_what_the_table_has(tmp_path: Path, space: ChainSpace, architecture: Architecture) -> None:
    made = estimator(tmp_path, space, {architecture: "90.5,0.3,1800,92"}, seconds="cost", test="test")
    trial = look_up(made, architecture)
    assert trial.metrics == {"accuracy": 0.905, "loss": 0.3}
    assert (trial.seconds, trial.curve) == (1800.0, ())
    assert isinstance(made, KnowsTests)
    assert made.test(architecture) == {"test_accuracy": 0.92}


@pytest.mark.parametrize("name", ["latency_s", "n_params", "seconds"])
def test_what_can_not_be_less_than_nothing_is_refused_with_its_line(
    tmp_path: Path, space: ChainSpace, architecture: Architecture, deep: Architecture, name: str
) -> None:
    given = {"seconds": "cost"} if name == "seconds" else {"metrics": {"accuracy": "acc", name: "cost"}}
    with pytest.raises(DataError, match=rf"^Line 3 of the table .* has less than 0 in `cost`, but {name} can't be"):
        estimator(tmp_path, space, {architecture: "90,0.3,1,", deep: "90,0.3,-1,"}, **given)


def test_what_the_table_does_not_have_of_an_architecture_fails_its_trial_and_says_so(
    tmp_path: Path, space: ChainSpace, architecture: Architecture, deep: Architecture
) -> None:
    made = estimator(tmp_path, space, {architecture: "90.5,,,"}, test="test")
    assert str(look_up(made, architecture).error).endswith("t.csv' has no value of `loss`.")
    assert str(look_up(made, deep).error).endswith(f"t.csv' has no row of {space.to_text(deep)}.")
    assert made.test(architecture) == made.test(deep) == {}


def test_what_a_network_tells_without_training_can_be_counted(
    tmp_path: Path, space: ChainSpace, architecture: Architecture
) -> None:
    made = estimator(tmp_path, space, {architecture: "90.5,0.3,,"})
    trial = look_up(TableEstimator(made.table, made.config, counted(space, (3, 16, 16), 10)), architecture)
    expected = cost_of(space, architecture, (3, 16, 16), 10)
    assert (trial.metrics["n_params"], trial.metrics["flops"]) == (expected.n_params, expected.flops)
