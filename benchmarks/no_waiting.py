"""How busy two workers are in real searches whose trainings differ in time by five: without rounds, and with a barrier.

    python benchmarks/no_waiting.py

Each search trains the same random chains on the digits, of 4 to 64 filters and one to three layers, in two workers of a thread
each, through the steps of the pipeline in one process. Prints the share of the workers' time in which they train, from the first
beginning to the last end, and how much longer the slowest trial took than the fastest.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is there, so that workers can be forked

import numpy as np

from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import run_steps

SEARCH = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: waiting}
spec:
  data: {name: digits}
  space: {name: chain, layers: {min: 1, max: 3}, operations: [conv], filters: [4, 16, 64], kernels: [3, 5], strides: [1]}
  strategy: {name: random}
  estimation: {epochs: 10}
  budget: BUDGET
  resources: {workers: 2, cpu: 2}
  tracking: {enabled: false}
"""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=32)
    parser.add_argument("--one", help="the budget of the search to run in this process")
    options = parser.parse_args()
    if options.one:
        return measure(options.one)
    for budget in (f"{{trials: {options.trials}}}", f"{{trials: {options.trials}, rounds: {options.trials // 8}}}"):
        subprocess.run([sys.executable, __file__, "--one", budget], check=True)
    return None


def measure(budget: str) -> None:
    """Run a search, and print how busy its workers were."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "search.yaml"
        file.write_text(SEARCH.replace("BUDGET", budget))
        run_steps(file, folder, "select")
        trials = SearchFolder(open_store(folder), "waiting").history().trials
    seconds = np.array([t.seconds for t in trials])
    span = max(t.finished_at for t in trials) - min(t.finished_at - t.seconds for t in trials)
    times = np.quantile(seconds, 0.95) / np.quantile(seconds, 0.05)
    print(f"{budget:28} busy {seconds.sum() / (2 * span):.1%} of {span:.0f} s; times differ by {times:.1f}", flush=True)


if __name__ == "__main__":
    main()
