"""Several searches at once, and one of many trials, in rounds and without."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archsmith.search import parse
from cluster import Cluster, Note, Start, digits

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "rounds.py"


@pytest.fixture
def many(cluster: Cluster) -> Iterator[str]:
    """Return what the names of the searches of many trials begin with; they are taken away with their table."""
    yield "many"
    for kind in ("rounds", "no-rounds"):
        cluster.remove(f"many-{kind}")
    cluster.store().delete(["tables/rounds.csv"])


@pytest.mark.long
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


@pytest.mark.long
def test_a_hundred_trials_over_a_table_in_the_store_in_rounds_and_without(cluster: Cluster, many: str, note: Note) -> None:
    """What rounds cost is measured and not judged: the machine may be busy."""
    where = ("--context", cluster.context, "--namespace", cluster.namespace, "--name", many, "--keep")
    done = subprocess.run([sys.executable, str(BENCHMARK), *where], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + cluster.story(f"{many}-no-rounds")
    measured = json.loads(done.stdout)
    for place in ("cluster", "here"):
        assert {kind: found["trials"] for kind, found in measured[place].items()} == {"rounds": 100, "no_rounds": 100}
    assert measured["keeps_it"]
    status = {kind: cluster.search(f"{many}-{kind}")["status"] for kind in ("rounds", "no-rounds")}
    assert [found["trials"] for found in status.values()] == ["100/100"] * 2
    assert (status["rounds"]["round"], "round" in status["no-rounds"]) == ("13/13", False)
    for kind in status:
        assert len({trial.proposal.architecture for trial in cluster.folder(f"{many}-{kind}").history()}) == 100
        assert len(cluster.pods(f"{many}-{kind}")) == 1
    note(f"100 trials over a table: {measured['here']} here, {measured['cluster']} as a Job")
