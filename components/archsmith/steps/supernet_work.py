"""What a process does that trains shared weights, and one that measures with them."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import torch

from archsmith.errors import CorruptObjectError, DataError, PermanentError, TransientError
from archsmith.evaluation.checkpoint import dump, loaded
from archsmith.evaluation.data import Dataset, subset
from archsmith.evaluation.device import Device, device_of
from archsmith.evaluation.faults import candidate_fault
from archsmith.evaluation.sharing.group import ALONE, Group, joined
from archsmith.evaluation.sharing.make import make_training
from archsmith.evaluation.sharing.training import SupernetTraining
from archsmith.models.mixed.prices import PriceOf
from archsmith.search import Search
from archsmith.spec.supernets import Relaxed, Sampled, SupernetSettings
from archsmith.steps.latency import latency_prices, measure_latencies
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.stores.supernets import STATE
from archsmith.values import SupernetEpoch
from archsmith.values.durations import images_at

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SupernetWork:
    """Trains the shared weights of a search, leaving each epoch in the store."""

    store: str
    """URI of the store."""
    search: Search
    """The search."""
    dataset: Dataset
    """Its images, loaded before the worker was forked."""
    threads: int
    """Threads of torch."""
    until_s: float = math.inf
    """Seconds of training in all, from its beginning, after which no epoch is begun."""
    size: int = 1
    """Processes that train together, one a GPU."""
    meeting: str = ""
    """A folder in which they find each other."""

    def __call__(self, rank: int, slot: int) -> int:
        """Train as the process number `rank` of those that train together; return how many epochs it has trained."""
        del slot
        torch.set_num_threads(self.threads)
        folder = SearchFolder(open_store(self.store), self.search.name)
        device = device_of(self.search.spec.resources, rank)
        with joined(rank, self.size, self.meeting, device) as group, group.whole_batches():
            latency_of = _latency_of(self.search, folder, group)
            return train(folder, lambda: begin(self.search, self.dataset, device, group, latency_of), self.until_s, group)


def train(folder: SearchFolder, begun: Callable[[], SupernetTraining], until_s: float = math.inf, group: Group = ALONE) -> int:
    """Train from the state in the store on, and leave each epoch there; return how many were trained.

    Args:
        folder: The search's folder.
        begun: Makes the training as it is before its first epoch.
        until_s: Seconds of training in all after which no epoch is begun, if there are any yet.
        group: The processes that train together; the first of them writes.
    """
    n, unwritten = 0, None
    try:
        training = restored(folder, begun, leads=group.leads)
        for record in training.run():
            n += 1
            unwritten = _keep(folder, record, dump(training.state())) if group.leads else None
            looked = f", validation accuracy {record.val_accuracy:.4f}" if math.isfinite(record.val_accuracy) else ""
            log.info("epoch %d: loss %.4f%s", record.epoch, record.train_loss, looked)
            if not group.agreed(record.seconds < until_s):
                break
    except Exception as error:
        if not (fault := candidate_fault(error)):
            raise
        raise PermanentError(f"The shared weights can't be trained: {fault}") from error
    if unwritten is not None:
        _write(folder, *unwritten)  # it raises where the store is still away
    return n


def begin(
    search: Search, dataset: Dataset, device: Device, group: Group = ALONE, latency_of: PriceOf | None = None
) -> SupernetTraining:
    """Make the training of a search's shared weights, as it is before its first epoch.

    Args:
        search: The search, which has such a training.
        dataset: Its images.
        device: Where to train.
        group: The processes that train together.
        latency_of: Says what costs how many seconds; what the training has led to can be asked without.
    """
    spec, settings = search.spec, search.supernet
    assert settings is not None
    if weighs_latency(settings) and latency_of is None:
        settings = replace(settings, cost=0.0)
    return make_training(
        settings,
        space=search.space,
        dataset=dataset,
        fidelity=search.estimation.fidelity,
        training=spec.training,
        device=device,
        seed=spec.seed,
        group=group,
        latency_of=latency_of,
    )


def _latency_of(search: Search, folder: SearchFolder, group: Group) -> PriceOf | None:
    """Return what says how many seconds a module takes, from the same table in all processes; None where nobody weighs that."""
    assert search.supernet is not None
    if not weighs_latency(search.supernet):
        return None
    if group.leads:
        measure_latencies(search, folder.store)
    group.agreed(True)  # so long the others wait
    return latency_prices(search, folder.store)


def weighs_latency(settings: SupernetSettings) -> TypeGuard[Relaxed]:
    """Tell whether a training needs to know how long options take."""
    return isinstance(settings, Relaxed) and bool(settings.cost) and settings.price == "latency_s"


def restored(folder: SearchFolder, begun: Callable[[], SupernetTraining], *, leads: bool = True) -> SupernetTraining:
    """Return the training as it was left; from its beginning where nothing is left of it, or what there is can't be used.

    Then the first of the processes that train together, which `leads`, deletes what was noted of weights that are gone.
    """
    saved, training = folder.supernet_state(), begun()
    if saved is None:
        return training
    try:
        training.restore(loaded(saved))
    except (torch.OutOfMemoryError, MemoryError):
        raise  # there is no fault in what was trained
    except Exception as error:  # a damaged file fails in many ways
        log.warning("The shared weights in %s can't be used, and are trained anew: %s", folder.uri(STATE), error)
        if leads:
            folder.forget_supernet()
        return begun()
    return training


def shared_state(folder: SearchFolder) -> dict[str, Any]:
    """Return the state of weights whose training has ended.

    Raises:
        CorruptObjectError: It is missing or damaged.
    """
    try:
        return loaded(folder.supernet_state() or b"")
    except Exception as error:  # a damaged file fails in many ways
        said = f"The shared weights in {folder.uri(STATE)} are missing, or damaged ({type(error).__name__})."
        raise CorruptObjectError(f"{said} Remove what is there, and `archsmith run` trains them anew.") from None


def _write(folder: SearchFolder, record: SupernetEpoch, state: bytes) -> None:
    """Write an epoch, and then the state after it: a kill between the two repeats the epoch, and writes the same."""
    folder.write_supernet_epoch(record)
    folder.write_supernet_state(state)


def _keep(folder: SearchFolder, record: SupernetEpoch, state: bytes) -> tuple[SupernetEpoch, bytes] | None:
    """Keep an epoch; return it where the store is away, which stops no training that has other epochs to come."""
    try:
        _write(folder, record, state)
    except TransientError as error:
        log.warning("Epoch %d of the shared weights is not written: %s", record.epoch, error)
        return record, state
    return None


@dataclass(frozen=True, slots=True)
class MeasuringShared:
    """Measures how long an epoch of the training of shared weights takes, by a few batches of it."""

    search: Search
    """The search."""
    dataset: Dataset
    """Its images."""
    threads: int
    """Threads of torch."""
    batches: int = 6
    """Batches of an epoch that is measured; the first epoch warms up."""

    def __call__(self, _: None, slot: int) -> float | None:
        """Return the seconds of an epoch; None where it can't be trained, or too few images are left to train with."""
        torch.set_num_threads(self.threads)
        assert self.search.supernet is not None
        settings, device = self.search.supernet, device_of(self.search.spec.resources, slot)
        if weighs_latency(settings):
            settings = replace(settings, cost=0.0)
        wanted, settings = self._few(settings)
        n = images_at(self.dataset.counts("train"), self.search.estimation.fidelity.data)
        train = subset(self.dataset.train, min(wanted, n) / len(self.dataset.train), self.search.spec.seed, least=2)
        share = len(train) / n
        few = replace(
            self.dataset, train=train, validation=subset(self.dataset.validation, min(1.0, share), self.search.spec.seed)
        )
        try:
            if not (isinstance(settings, Relaxed) and settings.eigenvalue):
                return self._epoch_s(settings, few, device) / share
            # It is found once an epoch, however many images that has.
            plain_s = self._epoch_s(replace(settings, eigenvalue=False), few, device)
            return plain_s / share + max(0.0, self._epoch_s(settings, few, device) - plain_s)
        except Exception as error:
            if not (candidate_fault(error) or isinstance(error, DataError)):
                raise
            return None

    def _few(self, settings: SupernetSettings) -> tuple[int, SupernetSettings]:
        """Return how many images are measured, and the settings with as large a share of the updates of a policy."""
        size = self.search.spec.training.batch_size
        if not isinstance(settings, Sampled) or settings.paths != "policy":
            return self.batches * size, settings
        n = images_at(self.dataset.counts("train"), self.search.estimation.fidelity.data)
        in_all = math.ceil(n / size)
        updates = settings.updates_of(in_all)
        batches = min(in_all, 4 * self.batches, max(self.batches, round(in_all / updates)))
        return batches * size, replace(settings, policy_updates=max(1, round(updates * batches / in_all)))

    def _epoch_s(self, settings: SupernetSettings, few: Dataset, device: Device) -> float:
        """Return the seconds of the second of two epochs."""
        spec, fidelity = self.search.spec, self.search.estimation.fidelity
        training = make_training(
            replace(settings, epochs=2), space=self.search.space, dataset=few, fidelity=replace(fidelity, data=1.0),
            training=spec.training, device=device, seed=spec.seed,
        )  # fmt: skip
        first, second = training.run()
        return second.seconds - first.seconds
