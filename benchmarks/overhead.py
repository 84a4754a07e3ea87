"""What the pipeline adds to each trial: wall time of a whole run less the time of training, over 60 trials.

    python benchmarks/overhead.py

The wall time is that of `archsmith run`, from the shell's prompt to the next. One worker, so that training times
add up. Prints JSON.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_S = 0.5

SEARCH = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: overhead}
spec:
  data: {name: digits}
  space: {name: chain, layers: {min: 2, max: 4}, filters: [16, 32]}
  estimation: {epochs: 4}
  objectives: [{metric: accuracy, goal: maximize}, {metric: n_params, limit: 60000}]
  budget: {trials: 60}
  resources: {workers: 1}
  retrain: {epochs: 5}
"""


def main() -> None:
    """Measure."""
    from archsmith.stores import open_store
    from archsmith.stores.folder import SearchFolder

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "search.yaml")
        file.write_text(SEARCH)
        begin = time.perf_counter()
        command = [sys.executable, "-m", "archsmith", "run", str(file), "--store", f"{folder}/runs"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        wall_s = time.perf_counter() - begin
        search = SearchFolder(open_store(f"{folder}/runs"), "overhead")
        trials = search.history().trials
        trained_s = sum(t.curve[-1].seconds for t in trials if t.curve)
        retrained_s = search.read_json("best/model.json")["model"]["seconds"]
    added_s = (wall_s - trained_s - retrained_s) / len(trials)
    figures = {
        "trials": len(trials),
        "wall_s": round(wall_s, 2),
        "training_s": round(trained_s + retrained_s, 2),
        "added_s_a_trial": round(added_s, 3),
        "limit_s": LIMIT_S,
        "within": added_s <= LIMIT_S,
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
