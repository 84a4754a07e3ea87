"""What rounds cost: 100 trials over a table in 13 rounds, as was the default once, and without rounds; here and on a cluster.

    python benchmarks/rounds.py                                                    # with `archsmith run`, on this machine
    python benchmarks/rounds.py --context kind-archsmith --namespace archsmith     # beside it, as a Job of a cluster

The cluster has the chart installed, as after `make cluster`. The table is one of made-up values, which is put into the
cluster's store; a trial of it takes no time to speak of, so what is measured is the pipeline. What it is on Kubeflow Pipelines is
counted and not run: tasks, pods (a driver and an executor a task, and a driver of the whole) and bytes of the compiled file.
Prints JSON.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

TRIALS, PODS = 100, 2
BUDGETS: Mapping[str, dict[str, int]] = {"rounds": {"trials": TRIALS, "rounds": 13}, "no_rounds": {"trials": TRIALS}}
MANY = 1000
"""Trials of which the compiled pipeline must stay below `MOST_BYTES`."""
MOST_BYTES = 100_000
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NOTATION = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
KEY = "tables/rounds.csv"


def search(name: str, table: str, budget: Mapping[str, int]) -> dict[str, Any]:
    """Return the search over a table at `table`."""
    spec = {
        "space": {"name": "nas-bench-201"},
        "strategy": {"name": "evolution"},
        "estimation": {"name": "table", "path": table, "architecture": "arch", "metrics": {"accuracy": "valid"}, "test": "test"},
        "budget": dict(budget),
        "resources": {"pods": PODS},
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


def on_cluster(context: str | None, namespace: str | None, name: str, budget: Mapping[str, int], *, keep: bool) -> dict[str, Any]:
    """Run the search on the cluster; return its trials, its pods, and the seconds from applying it to its end."""
    from archsmith.cluster.kube import connect
    from archsmith.cluster.remote import message, phase, watch_object
    from archsmith.cluster.remote_store import remote_store
    from archsmith.stores.folder import SearchFolder
    from archsmith_pipelines.pods import SEARCH_LABEL

    with connect(context, namespace) as kube, remote_store(kube, search(name, "", budget)) as (store, uri):
        store.put(KEY, table().encode())
        wanted = search(name, f"{uri}/{KEY}", budget)
        begin = time.perf_counter()
        kube.apply_search(wanted | {"metadata": {"name": name, "namespace": kube.namespace}})
        last = watch_object(kube, name, lambda _: None, tell=lambda text: print(text, file=sys.stderr))
        wall_s = time.perf_counter() - begin
        if phase(last) != "Succeeded":
            sys.exit(f"The search {name} is {phase(last)}: {message(last)}")
        folder = SearchFolder(store, name)
        found = {"trials": len(folder.history()), "pods": len(kube.pods(f"{SEARCH_LABEL}={name}")), "wall_s": round(wall_s, 1)}
        if not keep:
            kube.delete_search(name)
            folder.remove()
            store.delete([KEY])
    return found


def here(name: str, budget: Mapping[str, int]) -> dict[str, Any]:
    """Run the search with `archsmith run`; return its trials, and the seconds that the command took."""
    from archsmith.stores import open_store
    from archsmith.stores.folder import SearchFolder

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "table.csv").write_text(table())
        Path(folder, "search.yaml").write_text(json.dumps(search(name, "table.csv", budget)))
        begin = time.perf_counter()
        command = [sys.executable, "-m", "archsmith", "run", "search.yaml", "--store", f"{folder}/runs"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        wall_s = time.perf_counter() - begin
        return {"trials": len(SearchFolder(open_store(f"{folder}/runs"), name).history()), "wall_s": round(wall_s, 1)}


def compiled(budget: Mapping[str, int]) -> dict[str, int]:
    """Return what the pipeline is on Kubeflow Pipelines."""
    from archsmith.search import parse
    from archsmith_pipelines.search import compile_search, documents, search_pipeline

    made = parse(json.dumps(search("compiled", "s3://bucket/table.csv", budget)))
    tasks = len(documents(search_pipeline(made, "s3://bucket"))["pipeline_spec"]["root"]["dag"]["tasks"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pipeline.yaml")
        compile_search(made, "s3://bucket", path)
        return {"tasks": tasks, "pods": 2 * tasks + 1, "bytes": path.stat().st_size}


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--context", help="context of the kubeconfig; no cluster where it is left out")
    parser.add_argument("--namespace", help="namespace of the chart; that of the context")
    parser.add_argument("--name", default="bench", help="beginning of the names of the searches")
    parser.add_argument("--keep", action="store_true", help="leave the searches, their trials and the table on the cluster")
    given = parser.parse_args()
    found: dict[str, Any] = {
        "here": {kind: here(f"{given.name}-{kind.replace('_', '-')}", budget) for kind, budget in BUDGETS.items()},
        "kubeflow": {kind: compiled(budget) for kind, budget in BUDGETS.items()},
        f"kubeflow_{MANY}_trials": compiled({"trials": MANY}),
    }
    if given.context:
        found["cluster"] = {
            kind: on_cluster(given.context, given.namespace, f"{given.name}-{kind.replace('_', '-')}", budget, keep=given.keep)
            for kind, budget in BUDGETS.items()
        }
    size = found[f"kubeflow_{MANY}_trials"]["bytes"]
    print(json.dumps({**found, "limit_bytes": MOST_BYTES, "keeps_it": size < MOST_BYTES}, indent=2))


if __name__ == "__main__":
    main()
