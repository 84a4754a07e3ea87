import gc
import os
import signal
import struct
import time
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from archsmith.errors import PermanentError
from archsmith.steps.pool import LATER, Died, Limits, Pool


def run(work, items, *, workers=2, limits=None):
    pool = Pool(work, workers=workers, limits=limits or Limits())
    return dict(pool.run(items))


def test_each_item_comes_back_with_its_result() -> None:
    assert run(lambda item, _: item * item, range(7)) == {i: i * i for i in range(7)}


def test_each_item_has_a_process_of_its_own() -> None:
    pids = run(lambda _, __: os.getpid(), range(5), workers=1)
    assert len({*pids.values(), os.getpid()}) == 6


def test_no_more_workers_run_at_a_time_than_there_are_slots(tmp_path: Path) -> None:
    def work(item: int, slot: int) -> int:
        mark = tmp_path / f"slot-{slot}"
        mark.touch(exist_ok=False)  # fails where another worker has this slot
        time.sleep(0.05)
        mark.unlink()
        return slot

    assert set(run(work, range(8), workers=3).values()) == {0, 1, 2}


def test_a_worker_that_is_killed_is_started_once_more(tmp_path: Path) -> None:
    def work(item: int, _: int) -> str:
        first = tmp_path / "first"
        if not first.exists():
            first.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    assert run(work, [1]) == {1: "done"}


def test_a_worker_that_is_killed_each_time_has_died_and_the_others_go_on() -> None:
    def work(item: int, _: int) -> int:
        if item == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    results = run(work, range(3))
    assert (results[0], results[2]) == (0, 2)
    assert isinstance(results[1], Died)
    assert "ended 2 times without a result (exit code -9)" in results[1].reason


def test_a_worker_may_allocate_no_more_than_its_memory_where_addresses_count() -> None:
    def work(item: int, _: int) -> int:
        return len(bytearray(300_000_000 if item == 1 else 100_000_000))

    results = run(work, range(3), limits=Limits(memory_mb=150, addresses=True))
    assert (results[0], results[2]) == (100_000_000, 100_000_000)
    assert isinstance(results[1], Died)
    assert results[1].reason.startswith("OutOfMemoryError: The worker has no memory left; take a smaller `batch_size`")


def test_a_worker_past_its_memory_is_killed_with_the_numbers() -> None:
    def work(item: int, _: int) -> int:
        if item == 1:
            held = bytearray(300_000_000)
            held[::4096] = b"x" * len(held[::4096])
            time.sleep(30)
        return item

    results = run(work, range(3), limits=Limits(memory_mb=150))
    assert (results[0], results[2]) == (0, 2)
    assert isinstance(results[1], Died)
    assert results[1].reason.startswith("OutOfMemoryError: The worker held ")
    assert "150 MB" in results[1].reason


def test_a_worker_past_its_time_is_killed() -> None:
    begin = time.monotonic()
    results = run(lambda _, __: time.sleep(60), ["slow"], limits=Limits(seconds=0.5))
    assert results["slow"].reason.startswith("TimeLimitError: The trial ran for ")
    assert time.monotonic() - begin < 20


def test_an_error_of_the_work_is_raised_here_and_nobody_is_left_behind() -> None:
    def work(item: int, _: int) -> None:
        if item == 0:
            raise KeyError("ours")
        time.sleep(60)

    before = set(psutil.Process().children())
    with pytest.raises(KeyError, match="ours"):
        run(work, range(2))
    assert set(psutil.Process().children()) <= before


def test_items_may_come_later_and_depend_on_results_before() -> None:
    results: dict[int, int] = {}

    def items():
        yield 1
        yield 2
        while len(results) < 2:
            yield LATER
        yield from [sum(results.values()), LATER]

    pool = Pool(lambda item, _: 10 * item, workers=3, limits=Limits())
    for done in pool.run(items()):
        results.update([done])
    assert results == {1: 10, 2: 20, 30: 300}


def test_what_is_given_up_is_killed_and_the_others_go_on(tmp_path: Path) -> None:
    def work(item: int, _: int) -> int:
        if item == 1:
            (tmp_path / "begun").touch()
            time.sleep(60)
        return item

    begun = time.monotonic()
    pool = Pool(work, workers=2, limits=Limits())
    assert dict(pool.run([1, 2, 3], lambda: [1] if (tmp_path / "begun").exists() else [])) == {2: 2, 3: 3}
    assert time.monotonic() - begun < 20


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    def child(item: int, _: int) -> None:
        (tmp_path / f"{item}").write_text(str(os.getpid()))
        time.sleep(60)

    pid = os.fork()
    if pid == 0:
        run(child, range(2))
        os._exit(0)
    deadline = time.monotonic() + 60
    while len([p for p in tmp_path.iterdir() if p.read_text()]) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    workers = [int(p.read_text()) for p in tmp_path.iterdir()]
    deadline = time.monotonic() + 60
    while any(lives(worker) for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_that_is_killed_while_it_sends_its_result_is_started_once_more(tmp_path: Path) -> None:
    def work(item: int, _: int) -> str:
        first = tmp_path / "first"
        if not first.exists():
            first.touch()
            pipe = next(c for c in gc.get_objects() if type(c) is Connection and not c.closed and c.writable)
            os.write(pipe.fileno(), struct.pack("!i", 1000) + b"the beginning of a result")
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    assert run(work, [1]) == {1: "done"}


class TwoArgumentsError(Exception):
    """An error that pickle writes and can't read."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} in {where}")


def test_an_error_that_no_pipe_can_carry_comes_as_text() -> None:
    def work(item: int, _: int) -> None:
        raise TwoArgumentsError("fault", "the network")

    with pytest.raises(PermanentError, match="TwoArgumentsError: fault in the network"):
        run(work, [0])


def staying(work, items, *, workers=1):
    pool = Pool(work, workers=workers, limits=Limits(), stays=lambda item: item < 10)
    return dict(pool.run(items))


def test_a_worker_stays_for_what_is_of_its_kind_and_what_is_not_has_a_process_of_its_own() -> None:
    pids = staying(lambda _, __: os.getpid(), [1, 2, 11, 12, 3, 4])
    assert pids[1] == pids[2]
    assert pids[3] == pids[4]
    assert len({pids[1], pids[3], pids[11], pids[12], os.getpid()}) == 5


def test_workers_that_stay_are_no_more_than_there_are_slots_and_none_is_left_behind() -> None:
    def work(item: int, slot: int) -> tuple[int, int]:
        time.sleep(0.02)
        return os.getpid(), slot

    found = staying(work, [*range(8), 11, 12], workers=2)
    stayed = {found[k] for k in range(8)}
    assert {slot for _, slot in stayed} == {0, 1}
    assert len(stayed) == 2
    assert not [p for p in psutil.Process().children() if p.pid in {pid for pid, _ in found.values()}]


def test_a_worker_that_dies_while_it_waits_costs_nothing(tmp_path: Path) -> None:
    def items():
        yield 1
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        time.sleep(0.1)
        yield 2

    def work(item: int, _: int) -> int:
        (tmp_path / "pid").write_text(str(os.getpid()))
        return item

    assert staying(work, items()) == {1: 1, 2: 2}


def test_what_a_worker_that_stays_died_of_is_known(tmp_path: Path) -> None:
    def work(item: int, _: int) -> int:
        if item == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    found = staying(work, [1, 2, 3, 4])
    assert isinstance(found.pop(3), Died)
    assert found == {1: 1, 2: 2, 4: 4}
