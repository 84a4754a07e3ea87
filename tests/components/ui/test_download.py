"""Downloads, taken piece by piece by browsers that a test has in its hand."""

from collections.abc import Callable

import anyio
import pytest
from starlette.types import Message, Scope

from archsmith.ui import download
from archsmith.ui.download import PIECE, Download

DATA = bytes(range(256)) * (PIECE // 100)
"""More than two pieces."""


@pytest.fixture(params=["2.3", "2.4"])
def scope(request: pytest.FixtureRequest) -> Scope:
    return {"type": "http", "method": "GET", "asgi": {"spec_version": request.param}}


class Browser:
    """One that takes what it is sent once it may."""

    def __init__(self) -> None:
        self.may_take = anyio.Event()
        self.taken: list[Message] = []

    async def take(self, message: Message) -> None:
        await self.may_take.wait()
        self.taken.append(message)

    async def nothing(self) -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.taken)


def downloads(turns: int, read: Callable[[], bytes]) -> Download:
    return Download(read, anyio.CapacityLimiter(turns), "application/octet-stream", {"X-Told": "so"})


def test_no_more_files_are_in_memory_than_may_be_until_all_is_sent(scope: Scope) -> None:
    read: list[int] = []

    def reading() -> bytes:
        read.append(1)
        return DATA

    async def five() -> None:
        response, browsers = downloads(2, reading), [Browser() for _ in range(5)]
        async with anyio.create_task_group() as tasks:
            for browser in browsers:
                tasks.start_soon(response, scope, browser.nothing, browser.take)
            with anyio.fail_after(60):
                while len(read) < 2:
                    await anyio.sleep(0.01)
            for _ in range(3):
                await anyio.wait_all_tasks_blocked()
                await anyio.sleep(0.02)
            assert len(read) == 2
            for browser in browsers:
                browser.may_take.set()
        assert len(read) == 5
        assert all(browser.body == DATA for browser in browsers)
        assert all((b"content-length", str(len(DATA)).encode()) in browser.taken[0]["headers"] for browser in browsers)
        assert all((b"x-told", b"so") in browser.taken[0]["headers"] for browser in browsers)
        assert max(len(message.get("body", b"")) for message in browsers[0].taken) == PIECE

    anyio.run(five)


def test_a_browser_that_takes_nothing_loses_its_turn(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "STALLED_S", 0.01)

    async def two() -> None:
        response, stalled, quick = downloads(1, lambda: DATA), Browser(), Browser()
        quick.may_take.set()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(response, scope, stalled.nothing, stalled.take)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(response, scope, quick.nothing, quick.take)
        assert (stalled.body, quick.body) == (b"", DATA)

    anyio.run(two)
