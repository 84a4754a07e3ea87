"""Kills estimate pods with SIGKILL at random moments while two work on one search in MinIO, and compares with an undisturbed one.

    python benchmarks/kill_pods.py --kills 20

A pod is a process that runs the estimate step, as in a pipeline, and is started again when it was killed. So that nobody can tell
at once that a process is gone, as on another machine, each pod takes itself for another host. Prints JSON: that no trial was lost
or changed, that none was run to its end twice, and how long the longest trial waited for somebody to take it over. Exits with 1
where one was.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kills import command, compared, told

from archsmith.machine.children import environment
from archsmith.search import parse
from archsmith.steps.main import STEPS
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.minio import MinioServer, minio_server

SEARCH = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: kill}
spec:
  data: {name: digits}
  space: {name: chain, layers: {min: 1, max: 3}, filters: [16, 32], strides: [1]}
  strategy: {name: evolution, population: 6, sample: 3}
  estimation: {epochs: 8}
  budget: {trials: 24}
  resources: {workers: 1, pods: 2, cpu: 1}
  tracking: {enabled: false}
"""

POD = """\
import sys
from archsmith.machine import process_id
host = process_id._host()
process_id._host = lambda: sys.argv[2]  # another machine, for all that anybody can tell
from archsmith.steps.main import run_step
run_step("estimate", "kill", sys.argv[1], -1, int(sys.argv[2]), 2)
"""


def main() -> None:
    """Run the comparison."""
    asked = command(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder, minio_server(Path(folder)) as server:
        os.environ.update(server.environ)
        verdict = compare(server, Path(folder), asked.kills, random.Random(asked.seed))
    print(json.dumps(verdict, indent=2))
    sys.exit(0 if verdict["same"] and not verdict["ended_twice"] else 1)


def compare(server: MinioServer, folder: Path, kills: int, rng: random.Random) -> dict[str, Any]:
    """Run one search undisturbed and others with pods that are killed; return what differs."""
    begun = time.monotonic()
    calm, _ = run(server, folder, [], rng)
    calm_s = time.monotonic() - begun
    killed, logs, moments = [], list[str](), list[float]()
    while len(moments) < kills:
        planned = [rng.uniform(0.1, 0.6) * calm_s for _ in range(min(4, kills - len(moments)))]
        trials, log = run(server, folder, planned, rng)
        moments += [round(m, 1) for m in planned]
        killed.append(trials)
        logs.append(log)
    return {"kills": len(moments), "pauses_s": moments, "undisturbed_s": round(calm_s, 1), **compared(calm, killed, logs)}


def run(server: MinioServer, folder: Path, pauses: list[float], rng: random.Random) -> tuple[dict[str, Any], str]:
    """Run a search, killing one of its pods after each pause; return its trials, and the log of its pods."""
    store = f"s3://{server.new_bucket()}/runs"
    STEPS["sample_space"](SEARCH, store)
    STEPS["propose"]("kill", store, -1)
    log = folder / f"{rng.random()}.log"
    pods = {str(k): _start(store, str(k), log) for k in range(2)}
    for pause in pauses:
        time.sleep(pause)
        name = rng.choice(sorted(pods))
        if pods[name].poll() is None:
            pods[name].send_signal(signal.SIGKILL)
            pods[name].wait()
        pods[name] = _start(store, name, log)
    while not all(pod.poll() == 0 for pod in pods.values()):
        for name, pod in pods.items():
            if pod.poll() not in (None, 0):
                pods[name] = _start(store, name, log)  # as Kubernetes does
        time.sleep(0.5)
    history = SearchFolder(open_store(store), "kill").history()
    return {t.id: told(t) for t in history}, log.read_text()


def _start(store: str, name: str, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as file:
        return subprocess.Popen([sys.executable, "-c", POD, store, name], stdout=file, stderr=file, env=environment())


if __name__ == "__main__":
    assert parse(SEARCH).spec.budget.rounds is None
    main()
