"""What the pages cost: 200 searches, one of them of 5,000 trials, in a real MinIO, looked at by 1 browser and by 20.

Prints as JSON the seconds until the list and the search are there, in the server and in a real Chromium, and how many of them the
server computed, which a busy machine does not change; the server's memory; and how many requests the store gets in a
minute. `make minio` gets the server, Debian's `chromium` is the browser.
"""

import argparse
import contextlib
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from archsmith.search import parse
from archsmith.stores.folder import SearchFolder
from archsmith.stores.store import Store
from archsmith.testing.browser import browser
from archsmith.testing.made_up import finish, made_trial, made_up
from archsmith.testing.minio import MinioServer, minio_server
from archsmith.testing.searches import TINY

LIST_DONE = (
    "document.querySelectorAll('#searches tbody tr').length >= N && !/read/.test(document.querySelector('#state').textContent)"
)
SEARCH_DONE = "document.querySelectorAll('#trials tbody tr').length === 100 && !!document.querySelector('#parallel canvas')"


def text_of(name: str, trials: int, epochs: int) -> str:
    """Return a search file."""
    changes = {
        "name: tiny": f"name: {name}",
        "budget: {trials: 6, rounds: 3}": f"budget: {{trials: {trials}}}",
        "estimation: {epochs: 2}": f"estimation: {{epochs: {epochs}}}",
        "layers: {min: 1, max: 2}": "layers: {min: 2, max: 5}",
        "kernels: [3]": "kernels: [3, 5]",
    }
    text = TINY
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def fill(store: Store, searches: int, trials: int) -> None:
    """Write the searches: small ones that have ended, and a large one that has not."""
    for k in range(searches - 1):
        text = text_of(f"small-{k:03d}", 30, 8)
        finish(made_up(store, text, 30, seed=k), parse(text))
    made_up(store, text_of("large", trials + 100, 8), trials)


class Counter:
    """Counts the requests that MinIO has answered, by its own metrics."""

    def __init__(self, server: MinioServer) -> None:
        self._url = f"{server.endpoint}/minio/metrics/v3/api/requests"

    def __call__(self) -> int:
        """Return how many there were so far."""
        with urlopen(self._url, timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith("minio_api_requests_total{"))


@contextlib.contextmanager
def pages(uri: str, environ: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Run the server of the pages, and give its address and process id."""
    command = [sys.executable, "-m", "archsmith", "ui", "--store", uri, "--port", "0"]
    with subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().split()[-1].rstrip("/"), process.pid
        process.terminate()


def get(url: str) -> tuple[Any, int]:
    """Return what an address has as JSON, and its bytes."""
    with urlopen(Request(url, headers={"Accept-Encoding": "gzip"}), timeout=120) as answer:
        data = answer.read()
        return json.loads(gzip.decompress(data) if answer.headers["Content-Encoding"] == "gzip" else data or "null"), len(data)


def peak_mb(pid: int) -> float:
    """Return the most memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def cpu_s(pid: int) -> float:
    """Return the seconds that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Figures:
    """What was measured, by its name."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def time(self, what: str, call: Callable[[], Any], pid: int | None = None) -> Any:
        """Take note of how long something takes, and how much of it a process computes."""
        begin, computed = time.monotonic(), cpu_s(pid) if pid else 0.0
        found = call()
        self.found[what] = {"seconds": round(time.monotonic() - begin, 2)}
        if pid:
            self.found[what]["server_cpu_s"] = round(cpu_s(pid) - computed, 2)
        print(f"{what}: {self.found[what]}", file=sys.stderr, flush=True)
        return found

    def note(self, what: str, value: Any) -> None:
        """Take note of a value."""
        self.found[what] = value
        print(f"{what}: {value}", file=sys.stderr, flush=True)


def look(url: str, seconds: float) -> None:
    """Ask as a browser with both pages open does."""
    until, known, era, have = time.monotonic() + seconds, "", "", 0
    while time.monotonic() < until:
        get(f"{url}/api/searches")
        with urlopen(f"{url}/api/searches/large?era={era}&have={have}&known={known}", timeout=60) as answer:
            data = answer.read()
        if data:
            told = json.loads(data if data[:1] == b"{" else gzip.decompress(data))
            era, have = told["era"], told["from"] + len(told["rows"])
            known = ",".join([told["state"], *told["digests"].values()])
        time.sleep(0.9)


def requests_of(url: str, count: Counter, browsers: int, seconds: float) -> float:
    """Return how many requests a minute the store gets while so many browsers look."""
    threads = [threading.Thread(target=look, args=(url, seconds)) for _ in range(browsers)]
    for thread in threads:
        thread.start()
    time.sleep(min(5.0, seconds / 3))
    begin, at = count(), time.monotonic()
    time.sleep(seconds - 6)
    n, passed = count() - begin, time.monotonic() - at
    for thread in threads:
        thread.join()
    return 60 * n / passed


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=40, help="for which browsers look")
    parser.add_argument("--browsers", type=int, default=20)
    args = parser.parse_args()
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder, minio_server(Path(folder)) as server:
        bucket = server.new_bucket()
        figures.time("writing", lambda: fill(server.store(bucket), args.searches, args.trials))
        with pages(f"s3://{bucket}", server.environ) as (url, pid):
            in_server(figures, url, pid)
        with pages(f"s3://{bucket}", server.environ) as (url, pid):
            figures.time("large search, of a server that has just started", lambda: get(f"{url}/api/searches/large"), pid)
            _until_whole(url)
            in_browser(figures, url, pid, args, made_up_folder(server, bucket))
            count = Counter(server)
            for browsers in 2 * (1, args.browsers):  # twice, as a busy machine reads less often
                n = requests_of(url, count, browsers, args.seconds)
                figures.found.setdefault(f"requests of the store a minute, of {browsers} with list and search", []).append(
                    round(n)
                )
            figures.note("memory_mb", round(peak_mb(pid)))
    limits = {"list_s": 1, "search_s": 2, "memory_mb": 400}
    print(json.dumps({"searches": args.searches, "trials": args.trials, **figures.found, "limits": limits}, indent=2))


def in_server(figures: Figures, url: str, pid: int) -> None:
    """Measure what the server takes to answer."""
    figures.time("list, first answer of a server that has just started", lambda: get(f"{url}/api/searches"), pid)
    figures.time("list, until every search is read", lambda: _until_whole(url), pid)
    figures.time("list, again", lambda: get(f"{url}/api/searches"), pid)
    size = figures.time("large search, first answer", lambda: get(f"{url}/api/searches/large"), pid)[1]
    figures.time("large search, again", lambda: get(f"{url}/api/searches/large"), pid)
    figures.note("large search, kB compressed", round(size / 1024))


def in_browser(figures: Figures, url: str, pid: int, args: argparse.Namespace, folder: SearchFolder) -> None:
    """Measure what a person waits for."""
    with browser() as page:
        page.size(1400, 1000)
        done = LIST_DONE.replace("N", str(args.searches))
        figures.time("Chromium, list", lambda: (page.open(f"{url}/"), page.wait(done, 120)), pid)
        figures.time("Chromium, large search", lambda: (page.open(f"{url}/searches/large"), page.wait(SEARCH_DONE, 120)), pid)
        trial = made_trial(parse(text_of("large", args.trials + 100, 8)), args.trials, seed=77)
        assert folder.record(trial)
        shown = f"/{args.trials + 1:,} trials/.test(document.querySelector('#trials-said').textContent)"
        figures.time("Chromium, until a trial that ends is shown", lambda: page.wait(shown, 120), pid)


def made_up_folder(server: MinioServer, bucket: str) -> SearchFolder:
    """Return the folder of the large search."""
    return SearchFolder(server.store(bucket), "large")


def _until_whole(url: str) -> None:
    while not get(f"{url}/api/searches")[0]["whole"]:
        time.sleep(0.05)


if __name__ == "__main__":
    main()
