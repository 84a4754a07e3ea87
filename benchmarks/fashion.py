"""The search of examples/fashion-mnist.yaml, and random search with the same budget beside it.

    python benchmarks/fashion.py --store runs

About an hour on two cores; what a store has already is not run again. Prints JSON: for each strategy the test accuracy
and the parameters of the retrained winner, and the minutes that its trials and its retraining took.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

EXAMPLE = Path(__file__).parents[1] / "examples" / "fashion-mnist.yaml"
LIMITS = {"test_accuracy": 0.925, "n_params": 300_000, "minutes": 45}


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", default="runs")
    arguments = parser.parse_args()
    example = yaml.safe_load(EXAMPLE.read_text())
    peer = yaml.safe_load(EXAMPLE.read_text())
    peer["metadata"]["name"] = "fashion-random"
    peer["spec"]["strategy"] = {"name": "random"}
    searches = {"evolution": example, "random": peer}
    print(json.dumps({name: run(search, arguments.store) for name, search in searches.items()} | {"limits": LIMITS}, indent=2))


def run(search: dict[str, Any], store: str) -> dict[str, Any]:
    """Run a search to its end and return what it reached."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "search.yaml")
        file.write_text(yaml.safe_dump(search))
        command = [sys.executable, "-m", "archsmith"]
        subprocess.run([*command, "run", str(file), "--store", store], check=True, stdout=sys.stderr)
    shown = subprocess.run(
        [*command, "show", search["metadata"]["name"], "--store", store, "--json"], check=True, capture_output=True
    )
    report = json.loads(shown.stdout)
    minutes = {name: seconds / 60 for name, seconds in report["seconds"].items()}
    return {
        "trials": report["trials"]["complete"] + report["trials"]["failed"],
        "best_trial_accuracy": round(report["winner"]["metrics"]["accuracy"], 4),
        "test_accuracy": round(report["test_accuracy"], 4),
        "n_params": report["n_params"],
        "flops": report["flops"],
        "minutes": {name: round(value, 1) for name, value in minutes.items()},
        "within": report["test_accuracy"] >= LIMITS["test_accuracy"]
        and report["n_params"] <= LIMITS["n_params"]
        and sum(minutes.values()) <= LIMITS["minutes"],
    }


if __name__ == "__main__":
    main()
