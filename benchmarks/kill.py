"""Kills a search with SIGKILL at random moments, starts it again, and compares it with an undisturbed one.

    python benchmarks/kill.py --kills 20
    python benchmarks/kill.py --kills 20 --search darts        # or enas: most kills are in the training of shared weights

Prints JSON: that no trial was lost, changed, or run to its end twice, and no process left behind. Exits with 1 where
one was.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from kills import command, compared, told

MARK = "ARCHSMITH_KILL_BENCHMARK"
"""Set in the environment of every process that is started here, and so in that of all they start."""

SEARCH = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: kill}
spec:
  data: {name: digits}
  space: {name: chain, layers: {min: 1, max: 3}, filters: [16, 32], strides: [1]}
  strategy: {name: evolution, population: 6, sample: 3}
  estimation: {epochs: 12}
  budget: {trials: 16}
  resources: {workers: 2}
  retrain: {epochs: 12}
"""

SHARED = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: kill}
spec:
  data: {name: digits}
  space: {name: nas-bench-201, cells: 1, channels: 8}
  strategy: {name: STRATEGY, epochs: 25, top: 2}
  estimation: {epochs: 4}
  budget: {trials: 6}
  resources: {workers: 2}
  retrain: {epochs: 4}
"""
"""A search that spends most of its time on weights that all architectures share."""

SAME = {"model": "model", "shared_weights": "shared"}
"""What else must be as it is in the search that was left alone, by its name in the verdict and in `outcome`."""

SEARCHES = {"plain": SEARCH, "darts": SHARED.replace("STRATEGY", "darts"), "enas": SHARED.replace("STRATEGY", "enas")}


def main() -> None:
    """Run the comparison."""
    parser = command(__doc__)
    parser.add_argument("--search", choices=SEARCHES, default="plain")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        verdict = compare(Path(folder), kills=arguments.kills, seed=arguments.seed, search=SEARCHES[arguments.search])
    print(json.dumps(verdict, indent=2))
    sys.exit(0 if verdict["same"] and not verdict["ended_twice"] and not verdict["processes_left"] else 1)


def compare(folder: Path, *, kills: int, seed: int, search: str = SEARCH) -> dict[str, Any]:
    """Run one search undisturbed and others that are killed, `kills` times in all; return what differs."""
    file = folder / "search.yaml"
    file.write_text(search)
    begin = time.perf_counter()
    _finish(_start(file, folder / "calm"))
    calm_s = time.perf_counter() - begin
    moments, stores = _kill(file, folder, kills, random.Random(seed), 0.5 * calm_s)
    calm, killed = outcome(folder / "calm"), [outcome(store) for store in stores]
    logs = [(store / "searches/kill/run.log").read_text() for store in stores]
    found = compared(calm["trials"], [k["trials"] for k in killed], logs)
    same = {f"same_{what}": all(k[key] == calm[key] for k in killed) for what, key in SAME.items()}
    return {
        "kills": len(moments),
        "moments_s": moments,
        "undisturbed_s": round(calm_s, 1),
        **found,
        **same,
        "same": found["same"] and all(same.values()),
        "processes_left": _left_behind(file),
    }


def _kill(file: Path, folder: Path, kills: int, rng: random.Random, latest_s: float) -> tuple[list[float], list[Path]]:
    """Kill a search and start it again until it ends by itself, then another one; return the moments and the stores."""
    moments: list[float] = []
    stores = [folder / "killed-0"]
    while len(moments) < kills:
        moment = round(rng.uniform(0.2, latest_s), 2)
        process = _start(file, stores[-1])
        try:
            _finish(process, moment)
            stores.append(folder / f"killed-{len(stores)}")
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            moments.append(moment)
    _finish(_start(file, stores[-1]))
    return moments, stores


def outcome(store: Path) -> dict[str, Any]:
    """Return all of a search that does not depend on the clock."""
    from archsmith.stores import open_store
    from archsmith.stores.folder import SearchFolder

    folder = SearchFolder(open_store(str(store)), "kill")
    trials = {t.id: told(t) for t in folder.history()}
    model = folder.read_json("best/model.json")["model"]
    shared = {"epochs": [_timeless(epoch.to_dict()) for epoch in folder.supernet_epochs()], "weights": _weights(folder)}
    return {"trials": trials, "shared": shared, "model": [model["trial"], model["best_epoch"], model["metrics"]["test_accuracy"]]}


def _timeless(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "seconds"}


def _weights(folder: Any) -> str:
    """Return a digest of the shared weights, alphas, momenta and generators, bit for bit; empty where there are none."""
    from archsmith.evaluation.checkpoint import loaded

    state = folder.supernet_state()
    return hashlib.sha256("\n".join(_leaves(loaded(state))).encode()).hexdigest() if state else ""


def _leaves(state: Any, name: str = "") -> Iterator[str]:
    if isinstance(state, dict):
        for key, value in state.items():
            yield from _leaves(value, f"{name}/{key}")
    elif isinstance(state, list | tuple):
        for k, value in enumerate(state):
            yield from _leaves(value, f"{name}/{k}")
    elif not name.endswith("/seconds"):
        yield f"{name} {state.numpy().tobytes().hex() if hasattr(state, 'numpy') else state!r}"


def _start(file: Path, store: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "archsmith", "run", str(file), "--store", str(store)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=file.parent, env={**os.environ, MARK: str(file)})


def _finish(process: "subprocess.Popen[bytes]", timeout_s: float | None = None) -> None:
    """Wait for the end of a run, which must be a good one."""
    if status := process.wait(timeout_s):
        raise RuntimeError(f"A run ended by itself with the exit status {status}; what it printed says why.")


def _left_behind(file: Path) -> int:
    """Count processes that still work on the search; they have a moment to be gone."""
    time.sleep(1)
    return sum(_environment(process).get(MARK) == str(file) for process in psutil.process_iter())


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:  # it has ended, or is not ours
        return {}


if __name__ == "__main__":
    main()
