"""Kills a search with SIGKILL at random moments, starts it again, and compares it with an undisturbed one.

    python benchmarks/kill.py --kills 20

Prints JSON: that no trial was lost, changed, or run to its end twice, and no process left behind. Exits with 1 where
one was.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

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


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        verdict = compare(Path(folder), kills=arguments.kills, seed=arguments.seed)
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
    return {
        "kills": len(moments),
        "searches": len(stores),
        "moments_s": moments,
        "undisturbed_s": round(calm_s, 1),
        "trials": len(calm["trials"]),
        "lost": sorted({id_ for k in killed for id_ in calm["trials"].keys() - k["trials"].keys()}),
        "changed": sorted({id_ for k in killed for id_, trial in calm["trials"].items() if k["trials"].get(id_, trial) != trial}),
        "ended_twice": sorted({n for store in stores for n in _ended_twice(store)}),
        "same_model": all(k["model"] == calm["model"] for k in killed),
        "same": all(k == calm for k in killed),
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


def _ended_twice(store: Path) -> set[str]:
    """Return the numbers of the trials whose end stands in the log more than once."""
    ends = re.findall(r"trial (\d+) (?:complete|failed)", (store / "searches/kill/run.log").read_text())
    return {n for n in ends if ends.count(n) > 1}


def outcome(store: Path) -> dict[str, Any]:
    """Return all of a search that does not depend on the clock."""
    from archsmith.stores import open_store
    from archsmith.stores.folder import SearchFolder

    folder = SearchFolder(open_store(str(store)), "kill")
    trials = {
        t.id: [t.status, t.proposal.number, t.proposal.reason, t.metrics.get("accuracy"), t.metrics.get("loss")]
        + [[r.epoch, r.train_loss, r.val_loss, r.val_accuracy] for r in t.curve]
        for t in folder.history()
    }
    model = folder.read_json("best/model.json")["model"]
    return {"trials": trials, "model": [model["trial"], model["best_epoch"], model["metrics"]["test_accuracy"]]}


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
