"""A pool of worker processes, one process a trial: what a trial does to its process, no other trial feels.

What takes less time than a process needs to begin, such as a look with shared weights on a GPU, may stay in one with others of
its kind.
"""

import enum
import multiprocessing
import os
import pickle
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, Generic, Literal, TypeVar

import psutil

from archsmith.errors import PermanentError
from archsmith.machine.children import safe_path
from archsmith.machine.container import limit_memory
from archsmith.steps.lifeline import die_with_parent

Item = TypeVar("Item")
Result = TypeVar("Result")

StartMethod = Literal["fork", "spawn"]

LOOK_EVERY_S = 0.25
"""Seconds between two looks at the workers' memory and clocks."""
STACKS_MB = 32.0
"""Addresses beyond its memory that a worker gets: the stacks of its threads, which are hardly used."""
LESS = "take a smaller `batch_size`, fewer `workers`, or more `resources.memory`."
ATTEMPTS = 2
"""Times that an item is begun whose worker is killed from outside, if nothing else is said."""


def nothing_stays(item: Any) -> bool:
    """Give each item a process of its own."""
    del item
    return False


class Later(enum.Enum):
    """Stands in place of an item where there is none now."""

    LATER = enum.auto()


LATER = Later.LATER


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may use; past it, the worker is killed."""

    memory_mb: float | None = None
    """Memory that a worker has to itself, in MB."""
    seconds: float | None = None
    """Wall time of a worker."""
    addresses: bool = False
    """Whether a worker gets no more addresses than memory, so that an allocation past it fails at once, and is not seen later."""


@dataclass(frozen=True, slots=True)
class Died:
    """A worker that ended without a result."""

    reason: str
    """Why, for people."""
    seconds: float
    """How long it ran."""


@dataclass(slots=True)
class _Running(Generic[Item]):
    item: Item
    """What it works on."""
    slot: int
    """Its number among those that run now."""
    attempt: int
    """How often the item was begun, from 1."""
    process: BaseProcess
    """The worker."""
    connection: Connection
    """Where its result comes from."""
    started: float
    """When, on the monotonic clock."""
    ask: Connection | None = None
    """Where another item goes, if it stays."""

    def over(self, limits: Limits) -> str | None:
        """Say which limit the worker has passed."""
        age = time.monotonic() - self.started
        if limits.seconds is not None and age > limits.seconds:
            return f"TimeLimitError: The trial ran for {age:.0f} s, past its limit of {limits.seconds:.0f} s, and was killed."
        if limits.memory_mb is None:
            return None
        try:
            used = psutil.Process(self.process.pid).memory_full_info().uss / 1e6
        except psutil.Error:
            return None
        if used > limits.memory_mb:
            return (
                f"OutOfMemoryError: The worker held {used:.0f} MB of its own, but its share of `resources.memory` is "
                f"{limits.memory_mb:.0f} MB; {LESS}"
            )
        return None


class Pool(Generic[Item, Result]):
    """Runs `work(item, slot)` for each item, `workers` at a time, each in a process of its own.

    Args:
        work: Called in the worker; `slot` is from 0 to `workers` - 1, a worker of its own at any time.
        workers: Workers at a time.
        limits: What each may use.
        method: How workers are started. Forks share what is loaded here at no cost, but hang where torch has computed on
            several threads before; `spawn` needs a `work` that can be pickled.
        attempts: Times that an item is begun whose worker is killed from outside.
        stays: Whether the worker of an item waits for another one that stays; else each has a process of its own.
    """

    def __init__(
        self, work: Callable[[Item, int], Result], *, workers: int, limits: Limits, method: StartMethod = "fork",
        attempts: int = ATTEMPTS, stays: Callable[[Item], bool] = nothing_stays,
    ) -> None:  # fmt: skip
        self._work, self._workers, self._limits, self._attempts, self._stays = work, workers, limits, attempts, stays
        self._context: BaseContext = multiprocessing.get_context(method)
        self._running: dict[int, _Running[Item]] = {}
        self._idle: dict[int, _Running[Item]] = {}
        """Workers that have done with an item and wait for another one, by their slots."""

    def run(
        self, items: Iterable[Item | Later], given_up: Callable[[], Collection[Item]] = tuple
    ) -> Iterator[tuple[Item, Result | Died]]:
        """Yield each item with its result, in order of completion.

        A worker that was killed from outside (by the kernel, say) is started once more.

        Args:
            items: Where there is none now, it yields `LATER`, and is asked again; it is asked when a worker is free, and so may
                depend on the results before.
            given_up: Called a few times a second; what it returns is not wanted any more, and its worker is killed.
        """
        source, again, more = iter(items), list[tuple[Item, int]](), True
        try:
            while True:
                more = self._fill(source, again, more=more)
                if not (self._running or more):
                    return
                self._give_up(given_up())
                for worker, over in self._ended():
                    outcome = self._outcome(worker, over)
                    if outcome is None:
                        again.append((worker.item, worker.attempt + 1))
                    else:
                        yield worker.item, outcome
        finally:
            for worker in (*self._running.values(), *self._idle.values()):
                worker.process.kill()
                worker.process.join()

    def _fill(self, source: Iterator[Item | Later], again: list[tuple[Item, int]], *, more: bool) -> bool:
        """Start workers while there are items and room; tell whether the source may have more."""
        while len(self._running) < self._workers and (again or more):
            if again:
                self._start(*again.pop())
                continue
            item = next(source, None)
            if item is None:
                return False
            if isinstance(item, Later):
                break
            self._start(item, 1)
        return more

    def _give_up(self, items: Collection[Item]) -> None:
        for worker in [worker for worker in self._running.values() if worker.item in items]:
            self._take_off(worker)

    def _start(self, item: Item, attempt: int) -> None:
        """Give an item to a worker that waits for one of its kind, or to a new one."""
        stays = self._stays(item)
        if stays and self._idle:
            slot, worker = self._idle.popitem()
            with suppress(OSError):  # where it is gone by now, that is seen as of any other
                assert worker.ask is not None
                worker.ask.send(item)
            self._running[slot] = replace(worker, item=item, attempt=attempt, started=time.monotonic())
            return
        free = set(range(self._workers)) - self._running.keys()
        slot = min(free - self._idle.keys() or free)
        if slot in self._idle:
            _end(self._idle.pop(slot))
        more_mb = self._limits.memory_mb if self._limits.addresses else None
        here, there = self._context.Pipe(duplex=False)
        more, ask = self._context.Pipe(duplex=False) if stays else (None, None)
        process = self._context.Process(  # type: ignore[attr-defined]
            target=_main, args=(self._work, item, slot, there, more, os.getpid(), more_mb), daemon=True
        )
        with safe_path():  # a fork does not care; one that is started afresh looks for modules
            process.start()
        there.close()
        if more is not None:
            more.close()
        self._running[slot] = _Running(item, slot, attempt, process, here, time.monotonic(), ask)

    def _ended(self) -> list[tuple[_Running[Item], str | None]]:
        """Wait a little, and return the workers that have sent something or are gone, and those past a limit with which."""
        ready = wait([worker.connection for worker in self._running.values()], timeout=LOOK_EVERY_S)
        looked = [(w, None if w.connection in ready else w.over(self._limits)) for w in self._running.values()]
        return [(worker, over) for worker, over in looked if over or worker.connection in ready]

    def _outcome(self, worker: _Running[Item], over: str | None) -> Result | Died | None:
        """Take a worker off, and return what it came to; None where it is to be started once more."""
        result = None if over else _received(worker.connection)
        if result is not None and not isinstance(result, BaseException | Died) and self._stays(worker.item):
            self._idle[worker.slot] = self._running.pop(worker.slot)
            return result  # type: ignore[no-any-return]
        self._take_off(worker)  # once its result is here, nothing that it has left to do matters
        if isinstance(result, BaseException):
            raise result
        if result is not None:
            return result  # type: ignore[no-any-return]
        if over is None and worker.attempt < self._attempts:
            return None
        code, times = worker.process.exitcode, f"{self._attempts} times " if self._attempts > 1 else ""
        died = f"WorkerDiedError: The worker ended {times}without a result (exit code {code}); out of memory?"
        return Died(over or died, time.monotonic() - worker.started)

    def _take_off(self, worker: _Running[Item]) -> None:
        _end(self._running.pop(worker.slot))


def _end(worker: _Running[Any]) -> None:
    worker.process.kill()
    worker.process.join()
    worker.connection.close()
    if worker.ask is not None:
        worker.ask.close()


def _main(
    work: Callable[[Item, int], Result], item: Item, slot: int, connection: Connection, more: Connection | None, parent: int,
    more_mb: float | None,
) -> None:  # fmt: skip
    die_with_parent(parent)
    begin = time.monotonic()
    try:
        if more_mb is not None:
            limit_memory(more_mb + STACKS_MB)
        connection.send(work(item, slot))
        while more is not None:
            begin, item = time.monotonic(), more.recv()
            connection.send(work(item, slot))
    except MemoryError:  # not where a candidate is measured, which is caught there
        connection.send(Died(f"OutOfMemoryError: The worker has no memory left; {LESS}", time.monotonic() - begin))
    except Exception as error:  # it is raised again in the parent, where nothing says any more where it came from
        traceback.print_exc()
        connection.send(_portable(error))


def _received(connection: Connection) -> Any:
    """Return what a worker has sent, or None where it was killed before all of it was here."""
    try:
        return connection.recv()
    except (EOFError, OSError):
        return None


def _portable(error: Exception) -> Exception:
    """Return the error, or one with its text where it can't go through a pipe."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  what this process has made itself
    except Exception:
        return PermanentError(f"{type(error).__name__}: {error}")
    return error
