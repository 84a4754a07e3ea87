"""How long `import archsmith` and `archsmith --help` take, beside the interpreter alone.

    python benchmarks/startup.py

Each is run in a new process, in turn, so that a busy machine slows all of them alike; the first turn, which
fills the caches of the disk, does not count. Prints JSON: medians in seconds, and the ratio to `python -c pass`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

LIMIT_S = 0.3

COMMANDS = {
    "python": [sys.executable, "-c", "pass"],
    "import archsmith": [sys.executable, "-c", "import archsmith"],
    "archsmith --help": [str(Path(sys.executable).with_name("archsmith")), "--help"],
}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="measurements of each, of which the median counts")
    arguments = parser.parse_args()
    turns = [{name: seconds(command) for name, command in COMMANDS.items()} for _ in range(arguments.runs + 1)][1:]
    medians = {name: statistics.median(turn[name] for turn in turns) for name in COMMANDS}
    figures = {
        name: {"seconds": round(s, 3), "times_python": round(s / medians["python"], 2), "within": s <= LIMIT_S}
        for name, s in medians.items()
        if name != "python"
    }
    about = {"runs": arguments.runs, "limit_s": LIMIT_S, "python_s": round(medians["python"], 3)}
    print(json.dumps({**about, **figures}, indent=2))


def seconds(command: Sequence[str]) -> float:
    """Return the wall time of a command that must succeed."""
    # Python writes the compiled files of the modules that it imports only once.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
