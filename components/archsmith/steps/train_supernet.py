"""The step that trains the weights which all architectures share, before any of them is measured."""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from tempfile import TemporaryDirectory

from archsmith.errors import PermanentError, TransientError
from archsmith.search import Search
from archsmith.steps.pods import Pods
from archsmith.steps.pool import ATTEMPTS, Died, Limits, Pool
from archsmith.steps.preload import preload
from archsmith.steps.workers import divide, n_gpus, room_mb
from archsmith.stores.folder import SearchFolder

log = logging.getLogger(__name__)

SHARE = 2 / 3
"""Share of a budget of minutes that this step may take: what is left is for looks and for what is trained alone."""

Train = Callable[[float], None]
"""Trains until there were so many seconds of training in all, and keeps each epoch in the store."""


def train_supernet(folder: SearchFolder, search: Search, store: str, *, train: Train | None = None) -> int:
    """Train the shared weights from where they are; return how many epochs they have had.

    Once something was derived from them they stay as they are: looks with other weights would not compare. Nor are they trained
    on where a budget of minutes has ended their training.

    Args:
        folder: The search's folder.
        search: The search; one that shares no weights has nothing to train here.
        store: URI of the store, which the process that trains opens for itself.
        train: Trains; a process of its own, or one a GPU, where it is left out.
    """
    if search.supernet is None:
        return 0
    begun = folder.supernet_state() is not None
    if not begun:
        folder.forget_supernet()  # epochs, and what was derived, of weights that are gone
    if folder.derived() is None:
        minutes = search.spec.budget.minutes
        until_s = math.inf if minutes is None else SHARE * 60 * minutes
        if until_s > folder.supernet_seconds() or not begun:
            (train or partial(_train, folder, search, store))(until_s)
    return len(folder.supernet_epochs())


def _train(folder: SearchFolder, search: Search, store: str, until_s: float) -> None:
    """Train in a process of its own, which goes on from the last epoch where it is killed, or in one a GPU side by side."""
    method = preload()
    from archsmith.steps.images import load_images
    from archsmith.steps.supernet_work import SupernetWork

    images = load_images(search, folder)  # before memory is divided: the workers share them
    resources, size = search.spec.resources, max(1, n_gpus(search.spec.resources))
    room = room_mb(tracks=search.spec.tracking.enabled)
    each = divide(resources.model_copy(update={"workers": size}), trials=size, left_mb=room)
    limits = Limits(each.memory_mb, addresses=not resources.gpu)
    # Where several train together and one of them dies, the others wait for it: all go on from the last epoch then.
    together, each_alone = (1, ATTEMPTS) if size == 1 else (ATTEMPTS, 1)
    why = ""
    with beating(folder) as beat:
        for attempt in range(1, together + 1):
            with TemporaryDirectory(prefix="archsmith-") as meeting:
                work = SupernetWork(store, search, images, each.threads, until_s, size, meeting)
                pool = Pool[int, int](work, workers=size, limits=limits, method=method, attempts=each_alone)
                died = next((result for _, result in pool.run(range(size), beat) if isinstance(result, Died)), None)
            if died is None:
                return
            why = died.reason
            if attempt < together:
                log.warning("What trains the shared weights has died, and goes on from its last epoch: %s", why)
    raise PermanentError(f"The shared weights can't be trained: {why}")


@contextmanager
def beating(folder: SearchFolder) -> Iterator[Callable[[], tuple[()]]]:
    """Give what is to be called now and then, so that this pod is known to live, as long as the body runs."""
    pods = Pods(folder)

    def beat() -> tuple[()]:
        with suppress(TransientError):
            pods.beat()
        return ()

    try:
        yield beat
    finally:
        with suppress(TransientError):
            pods.leave()
