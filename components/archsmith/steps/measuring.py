"""Networks are measured for a few seconds by the workers that will train them: as many at a time, with as many threads each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from archsmith.search import Search
from archsmith.steps.pool import Died, Limits, Pool
from archsmith.steps.preload import preload
from archsmith.steps.workers import Workers as Division
from archsmith.steps.workers import divide, room_mb, share_of
from archsmith.values import Architecture, Fidelity
from archsmith.values.durations import Speed
from archsmith.values.references import REFERENCES

BUDGET_S = 2.4
"""Seconds in which the networks of `speeds` are measured, about, at most one each."""
TRY_S = 20.0
"""Longest that a trial is tried out which has no steps that could be measured, or an epoch of shared weights."""

Result = TypeVar("Result")


class Workers:
    """Measures in processes of their own, as trials are measured; see `archsmith.steps.durations.Lab`.

    Args:
        search: The search, which has images. Nothing that computes with torch may have run in this process, or it measures here.
    """

    def __init__(self, search: Search) -> None:
        self._search, self._method = search, preload()
        from archsmith.steps.images import load_images

        self._images = load_images(search)
        share = share_of(search, rounds=search.spec.budget.rounds is not None)
        self._beside, self._alone = (self._divided(trials) for trials in (share, 1))

    def _divided(self, trials: int) -> Division:
        return divide(self._search.spec.resources, trials=trials, left_mb=room_mb(tracks=False))

    @property
    def at_once(self) -> int:
        """How many trials run side by side."""
        return self._beside.count

    def speeds(self, probes: Sequence[tuple[Architecture, Fidelity]], *, full: bool) -> Sequence[Speed | None]:
        """Measure how fast networks are trained."""
        from archsmith.steps.work import Measuring, Probe

        spec, workers = self._search.spec, self._alone if full else self._beside
        training = (spec.retrain.training or spec.training) if full else spec.training
        limit_s = min(1.0, BUDGET_S * workers.count / len(probes))
        work = Measuring(self._search, self._images, training, workers.threads, limit_s, not full)
        return self._run(work, [Probe(*probe) for probe in probes], workers, None)

    def trials(self, architectures: Sequence[Architecture], fidelity: Fidelity) -> Sequence[float | None]:
        """Measure the seconds of trials."""
        from archsmith.steps.work import Probe, Trying

        with TemporaryDirectory(prefix="archsmith-") as store:
            work = Trying(store, self._search, self._images, self._beside.threads)
            return self._run(work, [Probe(a, fidelity) for a in architectures], self._beside, TRY_S)

    def shared_epoch(self) -> float | None:
        """Measure an epoch of shared weights, by a few batches."""
        from archsmith.steps.supernet_work import MeasuringShared

        (found,) = self._run(MeasuringShared(self._search, self._images, self._alone.threads), [None], self._alone, TRY_S)
        return found

    def references(self, n_params: float, flops: float) -> Sequence[Speed | None]:
        """Measure how fast the references of a winner of this size are trained."""
        from archsmith.steps.referencing import MeasuringReference

        limit_s = BUDGET_S / 2 / len(REFERENCES)
        work = MeasuringReference(self._search, self._images, self._alone.threads, limit_s, n_params, flops)
        return self._run(work, REFERENCES, self._alone, TRY_S)

    def _run(
        self, work: Callable[[Any, int], Result | None], items: Sequence[Any], workers: Division, seconds: float | None
    ) -> list[Result | None]:
        """Do `work` in processes of their own, in the order of the items; None where one has ended without a result."""
        if self._method == "spawn":  # to start one afresh takes longer than to measure
            from archsmith.steps.work import here

            return here(work, items)
        limits = Limits(workers.memory_mb, seconds, addresses=not self._search.spec.resources.gpu)
        pool = Pool[int, Any](_Numbered(work, items), workers=workers.count, limits=limits, method=self._method, attempts=1)
        found = {k: None if isinstance(result, Died) else result for k, result in pool.run(range(len(items)))}
        return [found[k] for k in range(len(items))]


@dataclass(frozen=True, slots=True)
class _Numbered:
    """Does the work of an item by its number, as equal items may be there twice."""

    work: Callable[[Any, int], Any]
    """What is done."""
    items: Sequence[Any]
    """With what."""

    def __call__(self, number: int, slot: int) -> Any:
        """Do it."""
        return self.work(self.items[number], slot)
