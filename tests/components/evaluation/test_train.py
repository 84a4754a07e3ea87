import io
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from archsmith.errors import DivergedError, OutOfMemoryError, TimeLimitError, UnavailableError, UnbuildableError
from archsmith.evaluation.checkpoint import dump
from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.estimator import Checkpoints
from archsmith.evaluation.faults import candidate_fault
from archsmith.evaluation.train import TrainEstimator
from archsmith.models import build
from archsmith.models.blocks import Normalize
from archsmith.models.cost import FULL, cost_of
from archsmith.spaces.chain import ChainSpace
from archsmith.spaces.decisions import Decision
from archsmith.spec import TrainingSpec
from archsmith.testing.estimators import EstimatorConformance, Killed, Make, MemoryCheckpoints, outcome
from archsmith.testing.spaces import PlainSpace
from archsmith.values import Architecture, EpochRecord, Fidelity, GoesOn, Proposal, Stop, Trial

SETTINGS = TrainingSpec(batch_size=32, augment=("crop",))


@pytest.fixture
def estimator(few: Dataset, space: ChainSpace, cpu: Device) -> TrainEstimator:
    return TrainEstimator(few, space, SETTINGS, cpu, MemoryCheckpoints(), limit_s=60, data_seed=0, horizon=3, anneal="once")


def estimate(
    estimator: TrainEstimator,
    architecture: Architecture,
    *,
    seed: int = 0,
    epochs: int = 2,
    checkpoints: Checkpoints | None = None,
    **fidelity: float,
) -> Trial:
    """Measure an architecture from the beginning, unless there are checkpoints."""
    proposal = Proposal(architecture, Fidelity(epochs, **fidelity))
    fresh = replace(estimator, checkpoints=checkpoints or MemoryCheckpoints())
    return fresh.estimate(proposal, seed=seed, progress=lambda _: None)


def read(state: bytes) -> dict[str, Any]:
    return torch.load(io.BytesIO(state), weights_only=True)


class TestTrainEstimator(EstimatorConformance):
    @pytest.fixture
    def make(self, estimator: TrainEstimator) -> Make:
        return lambda checkpoints: replace(estimator, checkpoints=checkpoints)

    @pytest.fixture
    def bad(self, estimator: TrainEstimator) -> Make:
        diverging = SETTINGS.model_copy(update={"learning_rate": 1e30, "schedule": "constant"})
        return lambda checkpoints: replace(estimator, checkpoints=checkpoints, training=diverging)

    @pytest.fixture
    def proposal(self, architecture: Architecture) -> Proposal:
        return Proposal(architecture, Fidelity(3, data=0.8))


class OwnSpace(PlainSpace):
    """One whose networks draw from torch's own random numbers, in the beginning and in each step."""

    def layers(self, architecture: Architecture, input_shape: tuple[int, ...], n_classes: int, *_: Any) -> list[nn.Module]:
        width = int(architecture.choices[0] or 0)
        drops = [nn.Conv1d(input_shape[0], width, 5), nn.Dropout(0.3), nn.AdaptiveAvgPool1d(4), nn.Flatten()]
        return [nn.Flatten(2), *drops, nn.Linear(4 * width, n_classes)]


@pytest.fixture
def own(estimator: TrainEstimator) -> TrainEstimator:
    return replace(estimator, space=OwnSpace("own", [Decision("width", (4, 8))]))


def test_networks_of_ones_own_depend_on_the_seed_alone_too(own: TrainEstimator) -> None:
    first, other = (estimate(own, Architecture("own", (8,)), seed=1) for _ in range(2))
    assert outcome(first) == outcome(other)
    assert outcome(first) != outcome(estimate(own, Architecture("own", (8,)), seed=2))


def test_networks_of_ones_own_go_on_after_a_kill_as_if_nothing_had_been(own: TrainEstimator) -> None:
    proposal, kept = Proposal(Architecture("own", (8,)), Fidelity(3)), MemoryCheckpoints()
    whole = own.estimate(proposal, seed=1, progress=lambda _: None)

    def kill(curve: tuple[EpochRecord, ...]) -> None:
        if len(curve) == 2:
            raise Killed

    with pytest.raises(Killed):
        replace(own, checkpoints=kept).estimate(proposal, seed=1, progress=kill)
    torch.manual_seed(99)  # another process has drawn other numbers before
    assert outcome(replace(own, checkpoints=kept).estimate(proposal, seed=1, progress=lambda _: None)) == outcome(whole)


def test_another_seed_measures_something_else(estimator: TrainEstimator, architecture: Architecture) -> None:
    first, other = (estimate(estimator, architecture, seed=seed) for seed in (1, 2))
    assert outcome(first) != outcome(other)


def test_accuracy_and_loss_are_those_of_the_last_epoch(estimator: TrainEstimator, architecture: Architecture) -> None:
    trial = estimate(estimator, architecture, epochs=4)
    last = trial.curve[-1]
    assert (trial.metrics["accuracy"], trial.metrics["loss"]) == (last.val_accuracy, last.val_loss)


def test_a_diverging_candidate_fails_with_its_error(estimator: TrainEstimator, architecture: Architecture) -> None:
    wild = replace(estimator, training=SETTINGS.model_copy(update={"learning_rate": 1e6, "schedule": "constant"}))
    trial = estimate(wild, architecture, epochs=20)
    assert trial.error is not None
    assert trial.error.startswith("DivergedError: The ")
    assert trial.error.endswith("try a lower `learning_rate`.")


def test_a_slow_candidate_ends_with_what_it_has_learned_where_it_is_cut_off(
    estimator: TrainEstimator, architecture: Architecture
) -> None:
    trial = estimate(replace(estimator, limit_s=1e-6, cut_off=True), architecture)
    assert trial.status == "complete"
    assert len(trial.curve) == 1
    assert trial.metrics["accuracy"] == trial.curve[-1].val_accuracy


def test_a_slow_candidate_fails_with_its_limit(estimator: TrainEstimator, architecture: Architecture) -> None:
    trial = estimate(replace(estimator, limit_s=1e-6), architecture)
    assert (trial.status, trial.error) == ("failed", "TimeLimitError: Epoch 1 of 2 ran past the limit of 1e-06 s a trial.")


def test_an_architecture_without_a_network_fails(estimator: TrainEstimator, architecture: Architecture) -> None:
    class Unbuildable(ChainSpace):
        def assignment(self, architecture: Architecture) -> dict[str, Any]:
            return {**super().assignment(architecture), "filters_1": -3}

    space = Unbuildable.__new__(Unbuildable)
    space.__dict__.update(estimator.space.__dict__)
    trial = estimate(replace(estimator, space=space), architecture)
    assert trial.status == "failed"
    assert trial.error is not None
    assert trial.error.startswith(f"UnbuildableError: No network can be built from {architecture.id} for images (1, 8, 8): ")
    assert trial.curve == ()


class Broken:
    """Checkpoints that raise what they are given, after some that are written."""

    def __init__(self, error: Exception, good: int = 0) -> None:
        self.error, self.good = error, good

    def read(self, trial: str) -> bytes | None:
        return None

    def write(self, trial: str, state: bytes) -> None:
        self.good -= 1
        if self.good < 0:
            raise self.error


@pytest.mark.parametrize("error", [UnavailableError("the store is away"), KeyError("our bug"), OSError("disk")], ids=repr)
def test_what_is_not_the_fault_of_the_candidate_is_raised(
    estimator: TrainEstimator, architecture: Architecture, error: Exception
) -> None:
    with pytest.raises(type(error)) as caught:
        estimate(estimator, architecture, checkpoints=Broken(error))
    assert caught.value is error


def test_a_failed_trial_keeps_what_there_is_of_its_curve(estimator: TrainEstimator, architecture: Architecture) -> None:
    trial = estimate(estimator, architecture, epochs=5, checkpoints=Broken(DivergedError("later."), good=2))
    assert (trial.status, trial.error, len(trial.curve)) == ("failed", "DivergedError: later.", 3)
    assert trial.seconds >= trial.curve[-1].seconds


def test_a_shape_that_torch_refuses_is_the_fault_of_the_candidate(estimator: TrainEstimator, architecture: Architecture) -> None:
    trial = estimate(estimator, architecture, checkpoints=Broken(RuntimeError("shapes do not fit")))
    assert (trial.status, trial.error) == ("failed", "RuntimeError: shapes do not fit")


def too_much_memory() -> Exception:
    try:
        torch.empty(2**50)
    except RuntimeError as error:
        return error
    raise AssertionError


LESS = "take a smaller `batch_size`, fewer `workers`, or more `resources.memory`."


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DivergedError("d."), "DivergedError: d."),
        (TimeLimitError("t."), "TimeLimitError: t."),
        (OutOfMemoryError("o."), "OutOfMemoryError: o."),
        (UnbuildableError("u."), "UnbuildableError: u."),
        (ValueError("v"), "ValueError: v"),
        (MemoryError(), f"OutOfMemoryError: There was no memory left; {LESS}"),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
                "allocate 134217728 bytes. Error code 12 (Cannot allocate memory)"
            ),
            f"OutOfMemoryError: There was no memory for 134 MB more; {LESS}",
        ),
        (
            torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 20 GiB"),
            f"OutOfMemoryError: CUDA out of memory; {LESS}",
        ),
        (UnavailableError("s"), None),
        (KeyError("k"), None),
        (OSError("o"), None),
    ],
    ids=repr,
)
def test_a_fault_of_the_candidate_is_told_from_others(error: Exception, said: str | None) -> None:
    assert candidate_fault(error) == said


def test_memory_that_torch_does_not_get_is_the_fault_of_the_candidate() -> None:
    said = candidate_fault(too_much_memory())
    assert said is not None
    assert said.startswith("OutOfMemoryError: ")
    assert said.endswith(LESS)


def shapes(estimator: TrainEstimator, architecture: Architecture, **fidelity: float) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights that were trained."""
    checkpoints = MemoryCheckpoints()
    estimate(estimator, architecture, checkpoints=checkpoints, **fidelity)
    (state,) = checkpoints.states.values()
    return {name: tuple(value.shape) for name, value in read(state)["network"].items() if name.endswith("weight")}


def test_less_data_is_fewer_steps(estimator: TrainEstimator, architecture: Architecture) -> None:
    whole, half = (estimate(estimator, architecture, data=data) for data in (1.0, 0.5))
    assert [r.step for r in whole.curve] == [5, 10]  # 160 images in batches of 32
    assert [r.step for r in half.curve] == [2, 4]  # about 80


def test_the_part_of_the_data_is_the_same_for_all_trials(estimator: TrainEstimator, architecture: Architecture) -> None:
    one, again = (estimate(estimator, architecture, data=0.5) for _ in range(2))
    other = estimate(replace(estimator, data_seed=1), architecture, data=0.5)
    assert outcome(one) == outcome(again) != outcome(other)


def test_a_lower_width_and_depth_train_a_smaller_network(estimator: TrainEstimator, deep: Architecture) -> None:
    full, narrow, shallow = shapes(estimator, deep), shapes(estimator, deep, width=0.5), shapes(estimator, deep, depth=0.5)
    assert {shape[0] for shape in full.values()} == {16, 10}
    assert {shape[0] for shape in narrow.values()} == {8, 10}
    assert len(narrow) == len(full) > len(shallow)


@pytest.mark.parametrize(("resolution", "shape"), [(1.0, (1, 8, 8)), (0.75, (1, 6, 6)), (0.5, (1, 4, 4))])
def test_a_lower_resolution_trains_and_validates_on_smaller_images(
    estimator: TrainEstimator, architecture: Architecture, resolution: float, shape: tuple[int, int, int]
) -> None:
    seen: set[tuple[int, ...]] = set()

    def look(module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        if isinstance(module, Normalize) and len(inputs[0]) > 1:  # a single image goes through the deployed network
            seen.add(tuple(inputs[0].shape[1:]))

    hook = nn.modules.module.register_module_forward_pre_hook(look)
    try:
        estimate(estimator, architecture, resolution=resolution)
    finally:
        hook.remove()
    assert seen == {shape}


@pytest.mark.parametrize("lower", [{"width": 0.5}, {"depth": 0.5}, {"resolution": 0.5}, {"data": 0.5}], ids=str)
def test_parameters_and_flops_are_those_of_the_network_that_would_be_deployed(
    estimator: TrainEstimator, deep: Architecture, lower: dict[str, float]
) -> None:
    trial = estimate(estimator, deep, **lower)
    full = cost_of(estimator.space, deep, (1, 8, 8), 10)
    assert (trial.metrics["n_params"], trial.metrics["flops"]) == (full.n_params, full.flops)
    network = build(estimator.space, deep, (1, 8, 8), 10, fidelity=FULL)
    assert trial.metrics["n_params"] == sum(p.numel() for p in network.parameters())


def test_the_seconds_before_an_interruption_count(estimator: TrainEstimator, architecture: Architecture) -> None:
    checkpoints = MemoryCheckpoints()
    estimate(estimator, architecture, checkpoints=checkpoints)
    ((id_, saved),) = checkpoints.states.items()
    state = read(saved)
    state["curve"][-1][-1] = 40.0
    checkpoints.write(id_, dump(state))
    assert 40 < estimate(estimator, architecture, checkpoints=checkpoints).seconds < 50


def climb(estimator: TrainEstimator, *rungs: Proposal) -> list[Trial]:
    """Train rung after rung, each one going on from the one before."""
    made = replace(estimator, checkpoints=MemoryCheckpoints())
    return [made.estimate(rung, seed=0, progress=lambda _: None) for rung in rungs]


def after(rung: Proposal, **fidelity: Any) -> Proposal:
    """Return what goes on from `rung`."""
    return replace(rung, fidelity=replace(rung.fidelity, **fidelity), origin=GoesOn(rung.id, rung.fidelity.epochs))


@pytest.mark.parametrize("grown", [{"data": 1.0}, {"resolution": 1.0}], ids=str)
def test_data_and_resolution_may_grow_on_the_way(
    estimator: TrainEstimator, architecture: Architecture, grown: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    low = Proposal(architecture, Fidelity(1, **dict.fromkeys(grown, 0.5)))
    first, second = climb(estimator, low, after(low, epochs=3, **grown))
    assert (first.curve, len(second.curve), second.status) == (second.curve[:1], 3, "complete")
    assert second.curve[2].step - second.curve[1].step == 5
    assert caplog.text == ""


def test_another_depth_begins_anew_and_the_log_says_so(
    estimator: TrainEstimator, deep: Architecture, caplog: pytest.LogCaptureFixture
) -> None:
    shallow = Proposal(deep, Fidelity(1, depth=0.5))
    _, full = climb(estimator, shallow, after(shallow, epochs=3, depth=1.0))
    assert outcome(full) == outcome(estimate(estimator, deep, epochs=3))
    assert "passed over" in caplog.text
    assert f"Trial {full.id} can't go on from trial {shallow.id} after epoch 1, and begins anew." in caplog.text


def test_a_chain_goes_on_in_greater_width(
    estimator: TrainEstimator, deep: Architecture, caplog: pytest.LogCaptureFixture
) -> None:
    narrow = Proposal(deep, Fidelity(1, width=0.5))
    low, wide = climb(estimator, narrow, after(narrow, epochs=3, width=1.0))
    assert (wide.status, wide.curve[:1], len(wide.curve)) == ("complete", low.curve, 3)
    assert caplog.text == ""


def test_a_rung_that_anneals_by_itself_is_a_training_of_its_own(estimator: TrainEstimator, architecture: Architecture) -> None:
    by_rung = replace(estimator, anneal="rung")
    low = Proposal(architecture, Fidelity(1))
    first, second = climb(by_rung, low, after(low, epochs=3))
    alone = estimate(replace(estimator, horizon=1), architecture, epochs=1)
    assert outcome(first) == outcome(alone) != outcome(climb(estimator, low)[0])
    (lost,) = climb(by_rung, after(low, epochs=3))
    assert outcome(second) == outcome(lost) != outcome(climb(estimator, low, after(low, epochs=3))[1])


def test_the_test_images_are_not_touched(few: Dataset, estimator: TrainEstimator, architecture: Architecture) -> None:
    class Untouchable:
        """Test images of which nothing can be asked."""

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} of the test images was read")

    made: Any = replace(few, test=Untouchable())
    assert estimate(replace(estimator, dataset=made), architecture).status == "complete"


def test_a_training_ends_where_a_look_says_so(estimator: TrainEstimator, architecture: Architecture) -> None:
    looked: list[int] = []

    def look(proposal: Proposal, curve: tuple[EpochRecord, ...]) -> Stop | None:
        looked.append(len(curve))
        return Stop(len(curve), "some rule", 0.3, 0.1) if len(curve) == 2 else None

    whole = estimate(estimator, architecture, epochs=3)
    trial = estimate(replace(estimator, look=look), architecture, epochs=3)
    assert (trial.status, trial.stop, looked) == ("stopped", Stop(2, "some rule", 0.3, 0.1), [1, 2])
    assert [r.val_loss for r in trial.curve] == [r.val_loss for r in whole.curve[:2]]
    assert (trial.metrics["accuracy"], trial.metrics["n_params"]) == (trial.curve[-1].val_accuracy, whole.metrics["n_params"])
    looked.clear()
    assert estimate(replace(estimator, look=look), architecture, epochs=2).status == "complete"  # it is at its end there anyway
    assert looked == [1]


def test_a_training_that_was_killed_where_it_was_to_end_ends_there(estimator: TrainEstimator, architecture: Architecture) -> None:
    def look(proposal: Proposal, curve: tuple[EpochRecord, ...]) -> Stop | None:
        return Stop(1, "some rule", 0.3, 0.1) if len(curve) == 1 else None

    def dies(proposal: Proposal, curve: tuple[EpochRecord, ...]) -> Stop | None:
        raise Killed

    checkpoints = MemoryCheckpoints()
    with pytest.raises(Killed):
        estimate(replace(estimator, look=dies), architecture, epochs=3, checkpoints=checkpoints)
    assert checkpoints.states
    resumed = estimate(replace(estimator, look=look), architecture, epochs=3, checkpoints=checkpoints)
    assert outcome(resumed) == outcome(estimate(replace(estimator, look=look), architecture, epochs=3))
    assert len(resumed.curve) == 1


def test_nobody_looks_at_epochs_that_another_trial_has_had(estimator: TrainEstimator, architecture: Architecture) -> None:
    looked: list[int] = []

    def look(proposal: Proposal, curve: tuple[EpochRecord, ...]) -> None:
        looked.append(len(curve))

    checkpoints = MemoryCheckpoints()
    first = estimate(estimator, architecture, epochs=1, checkpoints=checkpoints)
    second = Proposal(architecture, Fidelity(3), GoesOn(first.id, 1))
    replace(estimator, look=look, checkpoints=checkpoints).estimate(second, seed=0, progress=lambda _: None)
    assert looked == [2]
