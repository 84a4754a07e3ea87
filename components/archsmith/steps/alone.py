"""Work that takes torch and the images: in a process of its own, which goes on from its checkpoint where it is killed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from archsmith.errors import PermanentError
from archsmith.search import Search
from archsmith.steps.pool import Died, Limits, Pool
from archsmith.steps.preload import preload
from archsmith.steps.workers import divide, room_mb
from archsmith.stores.folder import SearchFolder

if TYPE_CHECKING:
    from archsmith.evaluation.data import Dataset  # with it comes torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def alone(
    folder: SearchFolder,
    search: Search,
    item: Item,
    prepare: Callable[["Dataset", int], Callable[[Item, int], Result]],
    called: str,
) -> Result:
    """Return what the work on an item comes to.

    Args:
        folder: The search's folder.
        search: The search, which must have images.
        item: What is worked on.
        prepare: Returns the work, for the images and a number of threads; called before the process is started.
        called: What to call the item where it can't be done.

    Raises:
        PermanentError: The process was killed every time, or took too much memory.
    """
    method = preload()
    from archsmith.steps.images import load_images

    images = load_images(search, folder)  # before memory is divided: the worker shares them
    workers = divide(search.spec.resources, trials=1, left_mb=room_mb(tracks=search.spec.tracking.enabled))
    threads = min(workers.threads, search.spec.retrain.threads or workers.threads)
    limits = Limits(workers.memory_mb, addresses=not search.spec.resources.gpu)
    pool = Pool[Item, Result](prepare(images, threads), workers=1, limits=limits, method=method)
    for _, result in pool.run([item]):
        if not isinstance(result, Died):
            return result
        raise PermanentError(f"{called} can't be retrained: {result.reason}")
    raise AssertionError("a pool yields a result for each item")
