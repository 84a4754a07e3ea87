"""The suite that every training of shared weights passes."""

from collections.abc import Callable
from typing import Any

import pytest

from archsmith.evaluation.checkpoint import dump, loaded
from archsmith.evaluation.sharing.training import SupernetTraining
from archsmith.values import SupernetEpoch

Begin = Callable[[int], SupernetTraining]
"""Makes a training of three epochs, on a CPU, from a seed."""

EPOCHS = 3


class SupernetTrainingConformance:
    """Every training of shared weights passes it: subclass it and give the fixture `begin`."""

    @pytest.fixture
    def begin(self) -> Begin:
        raise NotImplementedError

    @pytest.fixture
    def whole(self, begin: Begin) -> tuple[list[SupernetEpoch], list[bytes], SupernetTraining]:
        """Train without disturbance; return the records, the states after each epoch, and the training."""
        training, records, states = begin(0), [], []
        for record in training.run():
            records.append(record)
            states.append(dump(training.state()))
        return records, states, training

    def test_a_training_that_goes_on_after_any_epoch_ends_as_an_undisturbed_one(self, begin: Begin, whole: Any) -> None:
        records, states, training = whole
        for epoch in range(EPOCHS + 1):
            again = begin(0)
            if epoch:
                again.restore(loaded(states[epoch - 1]))
            assert [told(record) for record in again.run()] == [told(record) for record in records[epoch:]]
            assert again.derived(3) == training.derived(3)

    def test_a_state_that_was_taken_changes_no_more(self, begin: Begin, whole: Any) -> None:
        records, _, _ = whole
        training = begin(0)
        epochs = training.run()
        next(epochs)
        state = training.state()
        list(epochs)
        again = begin(0)
        again.restore(loaded(dump(state)))
        assert [told(record) for record in again.run()] == [told(record) for record in records[1:]]

    def test_epochs_steps_and_seconds_are_counted_upwards(self, whole: Any) -> None:
        records, _, _ = whole
        assert [record.epoch for record in records] == list(range(1, EPOCHS + 1))
        for name in ("step", "seconds"):
            values = [getattr(record, name) for record in records]
            assert values == sorted(set(values))
        assert all(record.train_loss > 0 for record in records)

    def test_probabilities_are_some(self, whole: Any) -> None:
        records, _, _ = whole
        for record in records:
            for options in record.probabilities.values():
                assert sum(options.values()) == pytest.approx(1)
                assert min(options.values()) >= 0

    def test_what_is_derived_is_different_and_begins_with_what_the_last_record_says(self, whole: Any) -> None:
        records, _, training = whole
        found = training.derived(4)
        assert len(set(found)) == len(found) <= 4
        assert bool(found) == (records[-1].derived is not None)

    def test_another_seed_trains_something_else(self, begin: Begin, whole: Any) -> None:
        records, _, _ = whole
        other = list(begin(1).run())
        assert [told(record) for record in other] != [told(record) for record in records]

    def test_a_state_that_does_not_fit_is_refused(self, begin: Begin) -> None:
        with pytest.raises((KeyError, TypeError, ValueError, RuntimeError)):
            begin(0).restore({"nothing": 1})


def told(record: SupernetEpoch) -> dict[str, Any]:
    """Return what of a record depends on the seed alone: all but its seconds."""
    return {name: value for name, value in record.to_dict().items() if name != "seconds"}
