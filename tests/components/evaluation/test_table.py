"""The table estimator: the suite of all estimators, and what is particular to a table."""

import math
from collections.abc import Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from archsmith.errors import DataError
from archsmith.evaluation.estimator import KnowsTests
from archsmith.evaluation.table import TableEstimator, counted, read_table
from archsmith.evaluation.table_config import TableConfig
from archsmith.models.cost import cost_of
from archsmith.spaces.chain import ChainSpace
from archsmith.testing.estimators import EstimatorConformance, Make
from archsmith.values import Architecture, EpochRecord, Fidelity, GoesOn, Proposal, Stop, Trial

METRICS = {"accuracy": "acc", "loss": "loss"}


def estimator(folder: Path, space: ChainSpace, rows: Mapping[Architecture, str], **settings: Any) -> TableEstimator:
    """Write a table of accuracy, loss, seconds and test accuracy, and make the estimator that reads it."""
    path = folder / "t.csv"
    path.write_text("arch,acc,loss,cost,test\n" + "".join(f"{space.to_text(a)},{cells}\n" for a, cells in rows.items()))
    given = {"path": str(path), "architecture": "arch", "metrics": METRICS, "epochs": 12}
    config = TableConfig.model_validate({**given, **settings})
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
    return made.estimate(Proposal(architecture, Fidelity(12)), seed=0, progress=lambda _: None)


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


EPOCHS = 4
CURVE = {"accuracy": "acc_{epoch}", "loss": "loss_{epoch}"}


def curves(folder: Path, space: ChainSpace, architecture: Architecture, **settings: Any) -> TableEstimator:
    """Write a table with a curve of four epochs: accuracies 11, 22, 33, 44 %, losses 1/1 to 1/4, seconds 10, 30, 60, 100."""
    columns = {f"{name}_{e}": value for e in range(1, EPOCHS + 1) for name, value in (
        ("acc", 11 * e), ("loss", 1 / e), ("time", 5 * e * (e + 1)),
    )}  # fmt: skip
    columns |= {"acc_small": 7, "loss_small": 3, "time_small": 8, "sum": 200, "instant": 1e-6, "weights": 9}
    path = folder / "c.csv"
    cells = ",".join(map(str, columns.values()))
    path.write_text(f"arch,{','.join(columns)}\n{space.to_text(architecture)},{cells}\n")
    given = {"path": str(path), "architecture": "arch", "epochs": EPOCHS, "curve": CURVE, "metrics": {"n_params": "weights"}}
    config = TableConfig.model_validate({**given, **settings})
    return TableEstimator(read_table(config, space, path), config)


class TestCurve(EstimatorConformance):
    goes_on = False
    COLUMNS: ClassVar = {"curve": {**CURVE, "train_loss": "loss_{epoch}"}, "seconds": "instant"}

    @pytest.fixture
    def make(self, tmp_path: Path, space: ChainSpace, architecture: Architecture) -> Make:
        return lambda _: curves(tmp_path, space, architecture, **self.COLUMNS)

    @pytest.fixture
    def bad(self, tmp_path: Path, space: ChainSpace, deep: Architecture) -> Make:
        return lambda _: curves(tmp_path, space, deep, **self.COLUMNS)

    @pytest.fixture
    def proposal(self, architecture: Architecture) -> Proposal:
        return Proposal(architecture, Fidelity(3))

    @pytest.fixture
    def measured(self) -> Set[str]:
        return {"accuracy", "loss", "n_params"}


TIMES = {"a column an epoch": {"curve": {**CURVE, "seconds": "time_{epoch}"}}, "a sum": {"seconds": "sum"}}


@pytest.mark.parametrize(
    ("settings", "until"), [(TIMES["a column an epoch"], (0, 10, 30, 60, 100)), (TIMES["a sum"], (0, 50, 100, 150, 200))]
)
def test_a_rung_costs_the_seconds_of_its_new_epochs_and_has_the_whole_curve(
    tmp_path: Path, space: ChainSpace, architecture: Architecture, settings: dict[str, Any], until: tuple[float, ...]
) -> None:
    made, before = curves(tmp_path, space, architecture, **settings), 0
    for epochs in (1, 3, 4):
        origin = {"origin": GoesOn("a", before)} if before else {}
        trial = made.estimate(Proposal(architecture, Fidelity(epochs), **origin), seed=0, progress=lambda _: None)
        assert trial.metrics == {"accuracy": pytest.approx(0.11 * epochs), "loss": pytest.approx(1 / epochs), "n_params": 9}
        assert trial.seconds == pytest.approx(until[epochs] - until[before])
        assert [(r.epoch, r.val_accuracy, r.val_loss, r.seconds) for r in trial.curve] == [
            pytest.approx((e, 0.11 * e, 1 / e, until[e])) for e in range(1, epochs + 1)
        ]
        assert all(math.isnan(r.train_loss) for r in trial.curve)
        before = epochs


def test_a_trial_is_ended_where_a_look_at_its_curve_says_so_and_has_what_was_measured_until_then(
    tmp_path: Path, space: ChainSpace, architecture: Architecture
) -> None:
    looked: list[int] = []

    def look(proposal: Proposal, curve: tuple[EpochRecord, ...]) -> Stop | None:
        looked.append(len(curve))
        return Stop(len(curve), "rule", 0.4, 0.1) if len(curve) == 3 else None

    made = replace(curves(tmp_path, space, architecture, **TIMES["a column an epoch"]), look=look)
    trial = made.estimate(Proposal(architecture, Fidelity(4), GoesOn("a", 1)), seed=0, progress=lambda _: None)
    assert (trial.status, trial.stop, len(trial.curve), trial.seconds, looked) == (
        "stopped",
        Stop(3, "rule", 0.4, 0.1),
        3,
        50,
        [2, 3],
    )
    assert trial.metrics == {"accuracy": pytest.approx(0.33), "loss": pytest.approx(1 / 3), "n_params": 9}
    assert made.estimate(Proposal(architecture, Fidelity(3)), seed=0, progress=lambda _: None).status == "complete"


def test_a_lower_fidelity_has_its_own_columns_and_any_other_one_fails(
    tmp_path: Path, space: ChainSpace, architecture: Architecture
) -> None:
    small = {"epochs": 2, "data": 0.5, "metrics": {"accuracy": "acc_small", "loss": "loss_small"}, "seconds": "time_small"}
    made = curves(tmp_path, space, architecture, fidelities=[small], seconds="sum")
    trial = made.estimate(Proposal(architecture, Fidelity(2, data=0.5)), seed=0, progress=lambda _: None)
    assert trial.metrics == {"accuracy": pytest.approx(0.07), "loss": 3, "n_params": 9}  # percent, as the other columns are
    assert (trial.curve, trial.seconds) == ((), 8)
    other = made.estimate(Proposal(architecture, Fidelity(1, data=0.5)), seed=0, progress=lambda _: None)
    assert str(other.error).endswith("c.csv' has nothing of 1 epoch, 50 % of the images.")


def test_a_column_of_an_epoch_that_is_missing_or_goes_back_in_time_is_named(
    tmp_path: Path, space: ChainSpace, architecture: Architecture
) -> None:
    with pytest.raises(DataError, match=r"no column `acc_5`, .* of 5 epochs has one for each; it has 4 of them, from `acc_1` to"):
        curves(tmp_path, space, architecture, epochs=5)
    with pytest.raises(DataError, match=r"Unknown column 'ac_1'"):
        curves(tmp_path, space, architecture, curve={"accuracy": "ac_{epoch}"})
    with pytest.raises(DataError, match=r"^Line 2 of the table .* has less in `loss_2` than in `loss_1`, but both must count"):
        curves(tmp_path, space, architecture, curve={**CURVE, "seconds": "loss_{epoch}"})
