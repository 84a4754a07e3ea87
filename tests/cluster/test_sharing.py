"""How processes share the cluster; threads stand for them, since each opens the files of the locks anew."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from sharing import Shared


@pytest.fixture
def shared() -> Iterator[Shared]:
    shared = Shared(f"{os.getpid()}-test")
    shared.join()
    yield shared
    shared.leave()


def begin(work: Callable[[], object]) -> threading.Thread:
    """Start a thread and give it time to wait for a lock."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    time.sleep(0.2)
    return thread


def test_who_waits_to_be_alone_lets_nobody_in_before(shared: Shared) -> None:
    order: list[str] = []

    def enter(name: str, *, alone: bool) -> None:
        with shared.room(alone=alone):
            order.append(name)
            time.sleep(0.1)
            order.append(name)

    with ExitStack() as inside:
        inside.enter_context(shared.room(alone=False))
        begin(lambda: enter("beside", alone=False)).join(5)
        threads = [begin(lambda: enter("alone", alone=True)), begin(lambda: enter("late", alone=False))]
        assert order == ["beside", "beside"]
    for thread in threads:
        thread.join(5)
    assert order == ["beside", "beside", "alone", "alone", "late", "late"]


def test_what_is_shared_is_made_once_and_the_last_to_leave_gets_it(shared: Shared) -> None:
    other = Shared(f"{os.getpid()}-test")
    other.join()
    assert shared.once(lambda: {"made": 1}) == {"made": 1}
    assert other.once(lambda: {"made": 2}) == {"made": 1}
    assert other.leave() is None
    assert shared.leave() == {"made": 1}
    assert not shared.folder.exists()
    shared.join()
