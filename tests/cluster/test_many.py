"""Several searches at once, and one of many trials in many rounds."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archsmith.search import parse
from cluster import Cluster, Start, digits

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "cluster_rounds.py"


@pytest.fixture
def many(cluster: Cluster) -> Iterator[str]:
    """Return the name of the search of many trials, which is taken away with its table."""
    yield "many-rounds"
    cluster.remove("many-rounds")
    cluster.store().delete(["tables/cluster-rounds.csv"])


def test_two_searches_at_once_do_not_see_each_other(cluster: Cluster, start: Start) -> None:
    """The same but for the seed and the filters: a trial that went astray would be seen by either."""
    space = {"name": "chain", "layers": {"min": 2, "max": 2}, "operations": ["conv"], "units": [16]}
    filters = {"many-a": [8, 12], "many-b": [16, 24]}
    for seed, (name, choices) in enumerate(filters.items()):
        start(digits(name, space={**space, "filters": choices}, seed=seed, resources={"workers": 1}))
    cluster.wait(
        lambda: all(any(pod["status"]["phase"] == "Running" for pod in cluster.pods(name)) for name in filters),
        "both searches have a pod that runs",
    )
    for name, choices in filters.items():
        done = cluster.until(name, "Succeeded")
        assert (done["status"]["trials"], done["status"]["failed"]) == ("6/6", 0)
        assert done["status"]["model"].endswith(f"/{name}/best/model.pt2")
        folder = cluster.folder(name)
        search = parse(folder.read_search() or "")
        said = [search.describe(trial.proposal.architecture) for trial in folder.history()]
        assert len(said) == 6
        used = {int(word.split("=")[1]) for text in said for word in text.split() if word.startswith("filters_")}
        assert used <= set(choices)
        assert {pod["metadata"]["labels"]["archsmith.dev/search"] for pod in cluster.pods(name)} == {name}


def test_two_hundred_trials_in_ten_rounds_over_a_table_in_the_store(cluster: Cluster, many: str) -> None:
    """What a round costs is measured and not judged: the machine may be busy."""
    where = ("--context", cluster.context, "--namespace", cluster.namespace, "--name", many, "--keep")
    done = subprocess.run([sys.executable, str(BENCHMARK), *where], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + cluster.story(many)
    print(done.stdout)
    measured = json.loads(done.stdout)
    for place in ("cluster", "here"):
        assert (measured[place]["trials"], measured[place]["rounds"], measured[place]["failed"]) == (200, 10, 0)
    history = cluster.folder(many).history()
    assert len({trial.proposal.architecture for trial in history}) == 200
    assert len(cluster.pods(many)) == 1
    status = cluster.search(many)["status"]
    assert (status["round"], status["trials"]) == ("10/10", "200/200")
