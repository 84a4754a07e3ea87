"""What a round costs on a cluster beyond its work: 200 trials in 10 rounds over a table, and the same with `archsmith run` here.

    python benchmarks/cluster_rounds.py --context kind-archsmith --namespace archsmith

The cluster has the chart installed, as after `make cluster`. The table is one of made-up values, which is put into the
cluster's store; a trial of it takes no time to speak of. A round lasts from the last trial of the round before to its own
last one; its work is what its trials took. Prints JSON.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

ROUNDS, ROUND_SIZE = 10, 20
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NOTATION = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
KEY = "tables/cluster-rounds.csv"


def search(name: str, table: str) -> dict[str, Any]:
    """Return the search over a table at `table`."""
    spec = {
        "space": {"name": "nas-bench-201"},
        "strategy": {"name": "evolution"},
        "estimation": {"name": "table", "path": table, "architecture": "arch", "metrics": {"accuracy": "valid"}, "test": "test"},
        "budget": {"trials": ROUNDS * ROUND_SIZE, "rounds": ROUNDS},
        "tracking": {"enabled": False},
        "cluster": {"engine": "job"},
    }
    return {"apiVersion": "archsmith.dev/v1alpha1", "kind": "Search", "metadata": {"name": name}, "spec": spec}


def table() -> str:
    """Write a table of all cells, in which each operation of each edge is worth something by itself."""
    rng = random.Random(0)
    worth = [{operation: rng.uniform(0, 10) for operation in OPERATIONS} for _ in range(6)]
    rows = ["arch,valid,test"]
    for cell in product(OPERATIONS, repeat=6):
        value = 30 + sum(edge[operation] for edge, operation in zip(worth, cell, strict=True))
        rows.append(f"{NOTATION.format(*cell)},{value:.4f},{value + 1:.4f}")
    return "\n".join([*rows, ""])


def rounds_s(trials: Sequence[Any]) -> list[float]:
    """Return the seconds of each round but the first beyond what its trials took."""
    rounds = [trials[k : k + ROUND_SIZE] for k in range(0, len(trials), ROUND_SIZE)]
    ends = [max(trial.finished_at for trial in round_) for round_ in rounds]
    work = [sum(trial.seconds for trial in round_) for round_ in rounds]
    return [end - before - busy for (before, end), busy in zip(pairwise(ends), work[1:], strict=True)]


def on_cluster(context: str | None, namespace: str | None, name: str, *, keep: bool) -> tuple[Sequence[Any], float]:
    """Run the search on the cluster; return its trials, and the seconds from applying it to its end."""
    from archsmith.cluster.kube import connect
    from archsmith.cluster.remote import message, phase, watch_object
    from archsmith.cluster.remote_store import remote_store
    from archsmith.stores.folder import SearchFolder

    with connect(context, namespace) as kube, remote_store(kube, search(name, "")) as (store, uri):
        store.put(KEY, table().encode())
        wanted = search(name, f"{uri}/{KEY}")
        begin = time.perf_counter()
        kube.apply_search(wanted | {"metadata": {"name": name, "namespace": kube.namespace}})
        last = watch_object(kube, name, lambda _: None, tell=lambda text: print(text, file=sys.stderr))
        wall_s = time.perf_counter() - begin
        if phase(last) != "Succeeded":
            sys.exit(f"The search {name} is {phase(last)}: {message(last)}")
        folder = SearchFolder(store, name)
        trials = folder.history().trials
        if not keep:
            kube.delete_search(name)
            folder.remove()
            store.delete([KEY])
    return trials, wall_s


def here(name: str) -> tuple[Sequence[Any], float]:
    """Run the search with `archsmith run`; return its trials, and the seconds that the command took."""
    from archsmith.stores import open_store
    from archsmith.stores.folder import SearchFolder

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "table.csv").write_text(table())
        Path(folder, "search.yaml").write_text(json.dumps(search(name, "table.csv")))
        begin = time.perf_counter()
        command = [sys.executable, "-m", "archsmith", "run", "search.yaml", "--store", f"{folder}/runs"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        wall_s = time.perf_counter() - begin
        return SearchFolder(open_store(f"{folder}/runs"), name).history().trials, wall_s


def figures(trials: Sequence[Any], wall_s: float) -> dict[str, Any]:
    """Return what was measured of a search."""
    added = rounds_s(trials)
    return {
        "trials": len(trials),
        "failed": sum(trial.status == "failed" for trial in trials),
        "rounds": len(added) + 1,
        "wall_s": round(wall_s, 1),
        "work_s": round(sum(trial.seconds for trial in trials), 2),
        "added_s_a_round": {"median": round(statistics.median(added), 2), "most": round(max(added), 2)},
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--context", help="context of the kubeconfig; its current one")
    parser.add_argument("--namespace", help="namespace of the chart; that of the context")
    parser.add_argument("--name", default="cluster-rounds", help="name of the search")
    parser.add_argument("--keep", action="store_true", help="leave the search, its trials and the table on the cluster")
    given = parser.parse_args()
    there = figures(*on_cluster(given.context, given.namespace, given.name, keep=given.keep))
    local = figures(*here(given.name))
    ratio = there["added_s_a_round"]["median"] / local["added_s_a_round"]["median"]
    print(json.dumps({"cluster": there, "here": local, "ratio": round(ratio, 2)}, indent=2))


if __name__ == "__main__":
    main()
