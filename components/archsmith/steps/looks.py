"""Measuring with shared weights: what is loaded before a worker is started, and what the worker makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device, choose_device, device_of
from archsmith.evaluation.estimator import Estimator
from archsmith.evaluation.sharing.make import make_looks
from archsmith.search import Search
from archsmith.spec.supernets import Sampled
from archsmith.steps.supernet_work import shared_state
from archsmith.steps.workers import n_gpus
from archsmith.stores.folder import SearchFolder


@dataclass(frozen=True, slots=True)
class Looks:
    """The shared weights of a search, in memory that all workers share."""

    search: Search
    """The search."""
    dataset: Dataset
    """Its images."""
    state: Mapping[str, Any]
    """The weights."""
    estimator: Estimator | None = None
    """What looks on the CPU; made before workers are forked, so that each of them has it at once."""
    on_gpu: dict[int, Estimator] = field(default_factory=dict, compare=False)
    """What looks on a GPU, by its number; made in the worker, once for all of its looks."""

    @classmethod
    def load(cls, search: Search, folder: SearchFolder, dataset: Dataset) -> "Looks":
        """Load the weights.

        Raises:
            CorruptObjectError: They are missing or damaged.
        """
        looks = cls(search, dataset, shared_state(folder))
        if n_gpus(search.spec.resources):  # a process that forks must not touch CUDA
            return looks
        return replace(looks, estimator=looks._make(choose_device(gpu=0, fallback="cpu")))

    def at(self, slot: int) -> Estimator:
        """Return what looks, on the GPU number `slot` where there are GPUs."""
        if self.estimator:
            return self.estimator
        if slot not in self.on_gpu:
            self.on_gpu[slot] = self._make(device_of(self.search.spec.resources, slot))
        return self.on_gpu[slot]

    def _make(self, device: Device) -> Estimator:
        search = self.search
        assert isinstance(search.supernet, Sampled)  # what is relaxed is derived, and not looked at
        return make_looks(
            search.supernet,
            self.state,
            space=search.space,
            dataset=self.dataset,
            fidelity=search.estimation.fidelity,
            training=search.spec.training,
            device=device,
            seed=search.spec.seed,
        )
