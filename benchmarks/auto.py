"""Runs `archsmith auto` over six image sets, and holds what comes to two simple networks trained alike and to the time it was given.

    python benchmarks/auto.py --minutes 5 --out auto.jsonl                          # all six, half an hour
    python benchmarks/auto.py --minutes 20 --sets digits fashion-mnist --out auto.jsonl
    python benchmarks/auto.py --minutes 5 --data photos/ --out auto.jsonl           # one's own

The sets are the digits, Fashion-MNIST, and the four of `auto_data.py`, which are made where they are missing. Each runs with the
command, alone, with two cores unless `--cores` says otherwise, in a store of its own that `--keep` leaves there. A row a set goes to
`--out` as it ends, and what is there for this set and these minutes is not run again. Prints JSON, and a table to stderr. Exits with 1
where one took more than 1.1 times its minutes, or its winner is below the better of its references by more than a standard error.
"""  # noqa: E501

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import auto_data

LATE = 1.1
"""Times its minutes that a run may take."""
NAMED = ("digits", "fashion-mnist")


def main() -> int:
    """Run the sets, and say what came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--sets", nargs="*", choices=[*NAMED, *auto_data.SETS], help="all six where left out")
    parser.add_argument("--data", nargs="+", default=[], metavar="DATA", help="what else `archsmith auto` takes")
    parser.add_argument("--folder", type=Path, default=Path("data/auto"), help="where the sets are, or are made")
    parser.add_argument("--out", type=Path, help="a file of rows, to which is added")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--keep", type=Path, metavar="STORE", help="where the searches stay; they are removed where left out")
    parser.add_argument("--limit", action="append", default=[], metavar="METRIC=NUMBER", help="handed on")
    given = parser.parse_args()
    chosen = given.sets if given.sets is not None else [] if given.data else [*NAMED, *auto_data.SETS]
    sets = {name: name if name in NAMED else str(auto_data.make(name, given.folder)) for name in chosen}
    sets |= {Path(data).stem: data for data in given.data}
    done = {(row["set"], row["minutes"]): row for row in read(given.out)}
    rows = []
    for name, data in sets.items():
        if (row := done.get((name, given.minutes))) is None:
            row = measured(name, data, given.minutes, cores=given.cores, limits=given.limit, keep=given.keep)
            if given.out:
                with given.out.open("a", encoding="utf-8") as file:
                    file.write(f"{json.dumps(row)}\n")
        print(told(row), file=sys.stderr, flush=True)
        rows.append(row)
    keeps = all(row["in_time"] and row["not_below"] for row in rows)
    print(json.dumps({"sets": rows, "limit": {"minutes": LATE, "standard errors below": 1}, "keeps": keeps}, indent=2))
    return 0 if keeps else 1


def read(out: Path | None) -> list[dict[str, Any]]:
    """Return the rows that are there."""
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] if out and out.exists() else []


def measured(name: str, data: str, minutes: float, *, cores: int, limits: Sequence[str], keep: Path | None) -> dict[str, Any]:
    """Run the command once; return what came."""
    with tempfile.TemporaryDirectory(prefix="archsmith-auto-") as folder:
        store = keep.absolute() if keep else Path(folder, "runs")
        data = data if data in NAMED or "://" in data else str(Path(data).absolute())
        limited = [word for limit in limits for word in ("--limit", limit)]
        command = [
            sys.executable, "-m", "archsmith", "auto", data, "--minutes", f"{minutes:g}", "--store", str(store), "--json",
            "--name", f"auto-{name}-{minutes:g}min".replace(".", "-").replace("_", "-").lower(), *limited,
        ]  # fmt: skip
        load, begin = os.getloadavg()[0], time.monotonic()
        ended = subprocess.run(command, capture_output=True, text=True, cwd=folder, preexec_fn=_on(cores), check=False)
        took_s = time.monotonic() - begin
    base = {
        "set": name,
        "minutes": minutes,
        "cores": cores,
        "load before": load,
        "took_s": took_s,
        "ratio": took_s / 60 / minutes,
    }
    if ended.returncode or not ended.stdout.strip():
        said = ended.stderr.strip()[-2000:]
        return {**base, "status": ended.returncode, "said": said, "in_time": False, "not_below": False}
    return {**base, "status": 0, **figures(json.loads(ended.stdout)), "in_time": took_s <= LATE * 60 * minutes}


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of the winner and its references."""
    held = {each["reference"]["name"]: each for each in (found["references"] or {"held": []})["held"]}
    best = max(held.values(), key=lambda each: each["gain"]["reference"], default=None)
    gain = best["gain"] if best else None
    error = None if gain is None else gain["binomial_error"] if gain["paired_error"] is None else gain["paired_error"]
    accuracy = found["test_accuracy"]
    return {
        "test_accuracy": accuracy,
        "test_images": gain["n"] if gain else None,
        "binomial_error": math.sqrt(accuracy * (1 - accuracy) / gain["n"]) if gain else None,
        "n_params": found["n_params"],
        "references": {name: each["reference"]["metrics"]["test_accuracy"] for name, each in held.items()},
        "failed references": (found["references"] or {"failed": {}})["failed"],
        "above": gain["difference"] if gain else None,
        "error": error,
        "verdict": gain["verdict"] if gain else None,
        "not_below": gain is not None and gain["difference"] >= -error,
        "trials": found["trials"],
        "seconds": found["seconds"],
        "choices": found["auto"]["choices"],
    }


def told(row: dict[str, Any]) -> str:
    """Write a row for people."""
    if row["status"]:
        return f"{row['set']:14} failed with {row['status']} after {row['took_s']:.0f} s: {row['said'][-300:]}"
    references = ", ".join(f"{name} {100 * value:.1f}" for name, value in row["references"].items())
    above = "" if row["above"] is None else f"; {100 * row['above']:+.1f} ± {100 * row['error']:.1f} beside the better"
    took = f"{row['took_s']:5.0f} s of {60 * row['minutes']:.0f} ({row['ratio']:.2f}{'' if row['in_time'] else ', LATE'})"
    below = "" if row["not_below"] else ", BELOW"
    return f"{row['set']:14} {took}: {100 * row['test_accuracy']:.1f} % of the test images; {references}{above}{below}"


def _on(cores: int) -> Any:
    """Return what keeps a process, and those that it starts, to so many cores; nothing where the system can't."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    mine = sorted(os.sched_getaffinity(0))[:cores]
    return lambda: os.sched_setaffinity(0, mine)


if __name__ == "__main__":
    sys.exit(main())
