"""How long it takes to read a long history from MinIO and to ask a strategy for what comes next.

    python benchmarks/history.py                                # starts a MinIO server of its own
    python benchmarks/history.py --endpoint http://minio:9000 --bucket BUCKET   # AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY

Prints JSON: seconds and requests of each step, the median of several runs. Every run is a new
process's view: a new client without connections, and nothing kept from the run before.
"""

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import urllib3

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.space import Space
from archsmith.spec import Objective
from archsmith.stores import Store
from archsmith.stores.folder import SearchFolder
from archsmith.stores.rounds import encode_segment
from archsmith.stores.s3 import S3Store
from archsmith.stores.s3_client import Endpoint, new_pool
from archsmith.stores.segments import Segment, merged
from archsmith.strategies.evolution.evolution import EvolutionConfig
from archsmith.strategies.strategy import Problem
from archsmith.testing.minio import minio_server
from archsmith.values import Architecture, EpochRecord, Fidelity, FromScratch, Proposal, Trial

FIDELITY = Fidelity(epochs=8, data=0.25, width=0.5)
ROUND_SIZE = 8


class CountingPool(urllib3.PoolManager):
    """Counts the requests that are really sent."""

    requests = 0

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request."""
        self.requests += 1
        return super().urlopen(*args, **kwargs)


def main() -> None:
    """Build the history, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", help="URL of a MinIO server that runs; one is started where this is left out")
    parser.add_argument("--bucket", default="archsmith-benchmark", help="made where --endpoint is left out")
    parser.add_argument("--trials", type=int, default=20_000, help="trials of the history, 8 a round")
    parser.add_argument("--runs", type=int, default=5, help="measurements, of which the median counts")
    args = parser.parse_args()
    space = ChainConfig().build()
    with server(args.endpoint, args.bucket):
        rounds = build(SearchFolder(open_counting(args.bucket)[0], "long"), space, args.trials)
        runs = [measure(args.bucket, space, rounds) for _ in range(args.runs)]
    print(json.dumps({"trials": args.trials, "rounds": rounds} | {k: statistics.median(r[k] for r in runs) for k in runs[0]}))


@contextlib.contextmanager
def server(endpoint: str | None, bucket: str) -> Iterator[None]:
    """Put a server into the environment: the one at `endpoint`, or a new one with a bucket."""
    if endpoint:
        os.environ["ARCHSMITH_S3_ENDPOINT"] = endpoint
        yield
        return
    with tempfile.TemporaryDirectory() as folder, minio_server(Path(folder)) as minio:
        os.environ.update(minio.environ)
        minio.client().make_bucket(bucket)
        yield


def open_counting(bucket: str) -> tuple[Store, CountingPool]:
    """Open a store whose requests are counted."""
    endpoint, kw = Endpoint.of(os.environ), new_pool(Endpoint.of(os.environ).url).connection_pool_kw
    pool = CountingPool(**kw)
    return S3Store(bucket, "", endpoint.connect(http=pool), endpoint=endpoint.url), pool


def build(folder: SearchFolder, space: Space, n_trials: int) -> int:
    """Write the objects that a search of `n_trials` trials leaves, compacted; return its number of rounds."""
    rng = np.random.default_rng(0)
    architectures: dict[Architecture, None] = {}
    while len(architectures) < n_trials:
        architectures[space.sample(rng)] = None
    trials = [make_trial(architecture, number, rng) for number, architecture in enumerate(architectures)]
    rounds = [trials[i : i + ROUND_SIZE] for i in range(0, n_trials, ROUND_SIZE)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda r: folder.write_proposals(r, [t.proposal for t in rounds[r]]), range(len(rounds))))
    for segment in segments(len(rounds)):
        folder.put(segment.name, encode_segment(t for r in rounds[segment.first : segment.last + 1] for t in r))
    return len(rounds)


def segments(n_rounds: int) -> Sequence[Segment]:
    """Return the segments that compacting each round in turn would leave."""
    found: set[Segment] = set()
    for done in range(n_rounds):
        whole, parts = merged(Segment(done, done), found)
        found = (found - set(parts)) | {whole}
    return sorted(found)


def make_trial(architecture: Architecture, number: int, rng: np.random.Generator) -> Trial:
    """Make a trial with a curve of 8 epochs and all the metrics."""
    proposal = Proposal(
        architecture, FIDELITY, FromScratch(), "mutation of 0123456789ab: op_3 conv → pool", number, number // ROUND_SIZE
    )
    values = rng.random((FIDELITY.epochs, 3)).tolist()
    curve = tuple(EpochRecord(e + 1, 94 * (e + 1), a, b, c, 1.7 * (e + 1)) for e, (a, b, c) in enumerate(values))
    metrics = {
        "accuracy": values[-1][2],
        "loss": values[-1][1],
        "n_params": float(rng.integers(10**4, 10**6)),
        "flops": float(rng.integers(10**6, 10**8)),
        "latency_s": float(rng.random() / 100),
        "peak_memory_mb": 312.5,
    }
    return Trial(proposal, "complete", metrics, curve, None, 14.2, 1.8e9 + number, number, "cpu")


def measure(bucket: str, space: Space, rounds: int) -> dict[str, float]:
    """Read the history and ask for the next round."""
    problem = Problem(space, (Objective(metric="accuracy", goal="maximize"),), FIDELITY, 10**6)
    strategy = EvolutionConfig(population=100, sample=25).build(problem)
    store, pool = open_counting(bucket)
    start, cpu = time.perf_counter(), time.process_time()
    history = SearchFolder(store, "long").history()
    read = time.perf_counter()
    proposals = strategy.ask(history, ROUND_SIZE, np.random.default_rng(rounds))
    done, cpu_done = time.perf_counter(), time.process_time()
    assert len(history) == ROUND_SIZE * rounds
    assert len(proposals) == ROUND_SIZE
    return {
        "history_s": round(read - start, 3),
        "ask_s": round(done - read, 3),
        "total_s": round(done - start, 3),
        "cpu_s": round(cpu_done - cpu, 3),
        "requests": pool.requests,
    }


if __name__ == "__main__":
    main()
