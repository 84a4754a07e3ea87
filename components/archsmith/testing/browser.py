"""A real Chromium without a window, for tests of pages: it does what it is told as a person would, and says what went wrong."""

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import websocket

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
"""Names of the program; any of them will do."""

_FAULTS = """axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations
  .filter((v) => ['serious', 'critical'].includes(v.impact))
  .map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.failureSummary}`).join('; ')}`))"""

_SMALL = """[...document.querySelectorAll('body *')]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
  .filter((e) => parseFloat(getComputedStyle(e).fontSize) < 11).map((e) => e.outerHTML.slice(0, 80))"""

_KEYS = {"End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Escape": 27}
"""Keys by name, and the number that Windows has for them, which Chromium asks for everywhere."""

_START_S = 60.0
"""A browser starts in a second; a busy machine takes longer."""


class Page:
    """A page of the browser, spoken to by Chrome's DevTools protocol.

    Args:
        url: WebSocket of the page.
    """

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(url, timeout=60, suppress_origin=True)
        self._numbers = itertools.count(1)
        self.said: list[str] = []
        """Errors and warnings of its console, and exceptions of its scripts."""
        self.requests: list[str] = []
        """The addresses that it has asked for."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; what happens meanwhile is taken note of."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Log.entryAdded" if params["entry"]["level"] in {"error", "warning"}:
                self.said.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Runtime.consoleAPICalled" if params["type"] in {"error", "warning", "assert"}:
                self.said.append(" ".join(str(a.get("value", a.get("description", ""))) for a in params["args"]))
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.said.append(details.get("exception", {}).get("description", details["text"]))
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set the window's size in pixels, and which theme its system prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def open(self, url: str) -> None:
        """Open an address, and wait until its document is there with all that it names."""
        self.call("Page.navigate", url=url)
        self.wait(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url.split('#')[0])})")

    def ask(self, script: str) -> Any:
        """Return what an expression of JavaScript comes to; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"].get("exception", {}).get("description", "the script failed"))
        return found["result"].get("value")

    def wait(self, script: str, seconds: float = 120.0) -> Any:
        """Wait until an expression is true and return what it comes to; raises `TimeoutError` where it does not."""
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(RuntimeError):  # of a page that is just replaced
                if found := self.ask(script):
                    return found
            if time.monotonic() > until:
                raise TimeoutError(
                    f"After {seconds} s it still does not hold: {script}\nThe page: {self.ask('document.body.innerText')[:2000]}"
                )
            time.sleep(0.05)

    def place(self, selector: str) -> tuple[float, float, float, float]:
        """Return left, top, width and height of an element in the window, into which it is scrolled."""
        script = (
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()"
        )
        left, top, width, height = self.ask(script)
        return left, top, width, height

    def move(self, x: float, y: float, *, pressed: bool = False) -> None:
        """Move the pointer."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, buttons=1 if pressed else 0)

    def click(self, selector: str) -> None:
        """Click in the middle of an element."""
        left, top, width, height = self.place(selector)
        x, y = left + width / 2, top + height / 2
        self.move(x, y)
        self.press(x, y)
        self.release(x, y)

    def press(self, x: float, y: float) -> None:
        """Press the pointer's button."""
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", buttons=1, clickCount=1)

    def release(self, x: float, y: float) -> None:
        """Let go of the pointer's button."""
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1)

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 8) -> None:
        """Drag from a place to another one."""
        self.move(*start)
        self.press(*start)
        for k in range(1, steps + 1):
            share = k / steps
            self.move(start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]), pressed=True)
        self.release(*end)

    def key(self, name: str) -> None:
        """Press a key and let go of it."""
        for what in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=what, key=name, code=name, windowsVirtualKeyCode=_KEYS[name])

    def faults(self, axe: Path) -> list[str]:
        """Return the serious faults that axe-core, in a file, finds in the page."""
        if not axe.exists():
            raise RuntimeError(f"There is no {axe}: `make axe` gets it from npm.")
        self.ask(f"{axe.read_text(encoding='utf-8')}; 0")
        found: list[str] = self.ask(_FAULTS)
        return found

    def small_texts(self) -> list[str]:
        """Return the elements whose text is smaller than 11 pixels."""
        found: list[str] = self.ask(_SMALL)
        return found

    def screenshot(self, *, whole: bool = True) -> bytes:
        """Return a picture of the page as PNG: all of it, or what the window shows."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(found["data"])

    def downloads_into(self, folder: Path) -> None:
        """Save what is downloaded into a folder, without asking."""
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def hosts(self) -> set[str]:
        """Return the hosts that it has asked for anything."""
        return {host for url in self.requests if (host := urlsplit(url).netloc)}

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()


def find_browser() -> str:
    """Return the path of the browser.

    Raises:
        RuntimeError: There is none.
    """
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise RuntimeError(f"Found none of {', '.join(BROWSERS)} on PATH. Install one: `apt-get install chromium`.")


@contextlib.contextmanager
def browser() -> Iterator[Page]:
    """Run a browser with a profile of its own until the block ends, and give its page."""
    with tempfile.TemporaryDirectory(prefix="archsmith-browser-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(  # noqa: S603
            [
                find_browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                "--disable-background-networking", "--disable-dev-shm-usage", "--force-color-profile=srgb",
                f"--user-data-dir={profile}", "--remote-debugging-port=0", "--window-size=1400,1000", "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        page = None
        try:
            page = Page(_page_of(Path(profile) / "DevToolsActivePort", process))
            yield page
        finally:
            if page:
                page.close()
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _page_of(port_file: Path, process: "subprocess.Popen[bytes]") -> str:
    """Return the WebSocket of the first page, once the browser has one."""
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError, ValueError, StopIteration):
            port = int(port_file.read_text().split()[0])
            with urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
                pages = json.load(answer)
            return str(next(p["webSocketDebuggerUrl"] for p in pages if p["type"] == "page"))
        time.sleep(0.1)
    raise RuntimeError("The browser did not start.")
