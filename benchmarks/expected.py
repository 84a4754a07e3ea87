"""Holds what was said of a search's time before it began to what it took.

    python benchmarks/expected.py                                         # the examples that train for minutes
    python benchmarks/expected.py examples/digits.yaml --times 3
    python benchmarks/expected.py examples/fashion-mnist.yaml --set budget.trials=4 --set retrain.epochs=2

Each search runs with the command, alone, in a store of its own that is removed afterwards. Prints JSON: a row a search with the
parts as they were expected and as they came, in seconds, and the ratio of the wholes. Exits with 1 where one differs by more
than 30 % of what was expected. Run it on an idle machine: others that begin or end meanwhile change what comes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

LIMIT = 0.3
"""By how much of what was expected what comes may differ."""
EXAMPLES = ("digits", "inherit", "supernet", "tree-cell", "own-space")
"""Those that take minutes on two cores."""


def main() -> int:
    """Run the searches, and print what was expected and what came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    examples = Path(__file__).parent.parent / "examples"
    parser.add_argument("files", nargs="*", type=Path, default=[examples / f"{name}.yaml" for name in EXAMPLES])
    parser.add_argument("--times", type=int, default=1, help="runs of each search")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a key below `spec`, as in budget.trials=4"
    )
    given = parser.parse_args()
    rows = []
    for file in given.files:
        for k in range(given.times):
            rows.append(row := measured(file, given.set, k))
            print(json.dumps(row), file=sys.stderr, flush=True)
    worst = max((abs(row["ratio"] - 1) for row in rows if row["ratio"]), default=0.0)
    keeps = worst <= LIMIT
    print(json.dumps({"searches": rows, "cores": os.cpu_count(), "worst": worst, "limit": LIMIT, "keeps": keeps}, indent=2))
    return 0 if keeps else 1


def measured(file: Path, changes: list[str], k: int) -> dict[str, Any]:
    """Run a search; return what was expected and what came."""
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    for change in changes:
        key, value = change.split("=", 1)
        *sections, last = key.split(".")
        at = raw["spec"]
        for section in sections:
            at = at.setdefault(section, {})
        at[last] = yaml.safe_load(value)
    with tempfile.TemporaryDirectory(prefix="archsmith-expected-") as folder:
        search = Path(folder, "search.yaml")
        search.write_text(yaml.safe_dump(raw), encoding="utf-8")
        command = [sys.executable, "-m", "archsmith"]
        begin = time.monotonic()
        load = os.getloadavg()[0]
        subprocess.run(
            [*command, "run", str(search), "--store", f"{folder}/runs"], check=True, stdout=subprocess.DEVNULL, cwd=file.parent
        )
        took_s = time.monotonic() - begin
        shown = subprocess.run(
            [*command, "show", raw["metadata"]["name"], "--store", f"{folder}/runs", "--json"], check=True, capture_output=True
        )
    found = json.loads(shown.stdout)
    expected, seconds = found["expected"], found["seconds"]
    return {
        "search": raw["metadata"]["name"],
        "run": k,
        "load before": load,
        "expected": expected
        and {key: expected[key] for key in ("search_s", "retrain_s", "references_s", "overhead_s", "total_s")},
        "came": {"search_s": seconds["search"], "retrain_s": seconds["retrain"], "total_s": took_s},
        "ratio": took_s / expected["total_s"] if expected else None,
    }


if __name__ == "__main__":
    sys.exit(main())
