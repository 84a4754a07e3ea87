"""Searches that can't run: refused with the words of `archsmith check`, or told what is wrong and what to do about it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import Cluster

TINY = "space: {name: chain, layers: {min: 1, max: 2}, operations: [conv], filters: [8, 16]}"
TABLE = "estimation: {name: table, path: 's3://searches/none/table.csv', architecture: arch, metrics: {accuracy: valid}}"
"""A table in the bucket of the searches, where there is none."""


def file(name: str, *lines: str, data: str = "data: {name: digits}", space: str = TINY) -> str:
    """Write a search file; `lines` are added to its spec."""
    head = f"apiVersion: archsmith.dev/v1alpha1\nkind: Search\nmetadata: {{name: {name}}}\nspec:\n"
    return head + "".join(f"  {line}\n" for line in (data, space, "tracking: {enabled: false}", *lines) if line)


SAME_WORDS = {
    "an unknown key of the file": file("bad") + "seeds: 1\n",
    "an unknown key of a section": file("bad", "budget: {trial: 3}"),
    "a key of another strategy": file("bad", "strategy: {name: tpe, population: 4}"),
    "an unknown key of a space": file("bad", space="space: {name: cell, cels: 3}"),
    "data without the path that they need": file("bad", data="data: {name: npz}"),
    "no data for an estimator that trains": file("bad", data=""),
    "limits without a goal": file("bad", "objectives: [{metric: n_params, limit: 5}]"),
    "a metric twice": file("bad", "objectives: [{metric: accuracy, goal: maximize}, {metric: accuracy, limit: 0.5}]"),
    "more rounds than trials": file("bad", "budget: {trials: 3, rounds: 5}"),
    "more tasks than a pipeline holds": file("bad", "budget: {trials: 3000, rounds: 100}", "resources: {pods: 4}"),
    "a toleration of nothing": file("bad", "cluster: {tolerations: [{value: gpu}]}"),
}
"""Files of one mistake each, of which `archsmith check` and the cluster say the same."""

OWN_WORDS = {
    "a number that is text": (file("bad", "seed: '0'"), "spec.seed", "must be of type integer"),
    "a share of more than one": (file("bad", "estimation: {data: 1.5}"), "spec.estimation.data", "less than or equal to 1"),
    "a budget of nothing": (file("bad", "budget: {trials: 0}"), "spec.budget.trials", "greater than or equal to 1"),
    "an unknown metric": (file("bad", "objectives: [{metric: speed, goal: maximize}]"), "spec.objectives[0].metric", "latency_s"),
    "a name that is too long": (file("b" * 64), "metadata.name", "63"),
}
"""Files that both refuse; of types, ranges and choices Kubernetes speaks in its own words: the key, and what is valid."""


def refusal(cluster: Cluster, text: str) -> str:
    """Return what `kubectl apply` says of a file that it refuses."""
    command = ["kubectl", "--context", cluster.context, "--namespace", cluster.namespace, "apply", "--filename", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode != 0, f"it was admitted: {done.stdout}"
    return done.stderr


def told(text: str, folder: Path) -> list[str]:
    """Return the lines of `archsmith check` about a file, without file, line and guesses at what was meant."""
    (folder / "search.yaml").write_text(text)
    command = [sys.executable, "-m", "archsmith", "check", "search.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 2, done.stdout
    lines = done.stderr.removeprefix("archsmith: ").splitlines()
    return [line.split(": ", 1)[1].partition(" Did you mean ")[0] for line in lines]


@pytest.mark.parametrize("text", SAME_WORDS.values(), ids=SAME_WORDS)
def test_a_wrong_file_is_refused_with_the_words_of_check(cluster: Cluster, tmp_path: Path, text: str) -> None:
    path, words = told(text, tmp_path)[0].split(": ", 1)
    said = refusal(cluster, text)
    assert words in said
    assert path.partition("[")[0] in said  # which item of a list it is, a rule of Kubernetes can't say


@pytest.mark.parametrize(("text", "path", "rule"), OWN_WORDS.values(), ids=OWN_WORDS)
def test_a_wrong_value_is_refused_with_its_key_and_what_is_valid(
    cluster: Cluster, tmp_path: Path, text: str, path: str, rule: str
) -> None:
    assert told(text, tmp_path)[0].startswith(f"{path}: ")
    said = refusal(cluster, text)
    assert path.partition("[")[0] in said
    assert rule in said


@dataclass(frozen=True)
class Fate:
    """What becomes of a search that is admitted, and can't run here."""

    text: str
    """Its file."""
    phase: str
    """Where it ends, or waits."""
    reason: str
    """Of the condition."""
    says: tuple[str, ...]
    """What its message must have: what is wrong, and what to do."""


KEYS = (
    "cluster: {env: [{name: AWS_ACCESS_KEY_ID, secret: archsmith-artifacts, key: AWS_ACCESS_KEY_ID}, "
    "{name: AWS_SECRET_ACCESS_KEY, secret: archsmith-artifacts, key: AWS_SECRET_ACCESS_KEY}]}"
)
"""The keys of MLflow's user, who may not use the bucket of the searches."""

FATES = {
    "an unknown space": Fate(
        file("no-space", space="space: {name: chains}"), "Failed", "InvalidSearch",
        ("spec.space.name", "'chains'", "Did you mean"),
    ),
    "an unknown strategy": Fate(
        file("no-strategy", "strategy: {name: evolutoin}"), "Failed", "InvalidSearch",
        ("spec.strategy.name", "'evolutoin'", "Did you mean 'evolution'"),
    ),
    "a store that is a folder of the pod": Fate(
        file("no-store", "storage: {uri: /data/searches}"), "Failed", "SpecError",
        ("spec.storage.uri", "'/data/searches'", "s3://bucket/prefix"),
    ),
    "data that are not in the pod": Fate(
        file("no-data", data="data: {name: npz, path: /data/images.npz}"), "Failed", "DataError",
        ("/data/images.npz", "`data.path`", "s3://bucket/key"),
    ),
    "a table that is not in the store": Fate(
        file("no-table", TABLE, data="", space="space: {name: nas-bench-201}"), "Failed", "DataError",
        ("s3://searches/none/table.csv", "`path` in the search file"),
    ),
    "limits that no network keeps": Fate(
        file("no-network", "objectives: [{metric: accuracy, goal: maximize}, {metric: n_params, limit: 10}]"),
        "Failed", "SpecError", ("n_params", "10"),
    ),
    "keys that may not use the bucket": Fate(
        file("no-right", KEYS), "Failed", "AccessDeniedError", ("refuses access to bucket 'searches'", "Give these credentials"),
    ),
    "a Secret that is not there": Fate(
        file("no-secret", "cluster: {env: [{name: TOKEN, secret: no-such-secret, key: token}]}"),
        "Pending", "CreateContainerConfigError", ("no-such-secret", "starts by itself"),
    ),
    "an image that is not there": Fate(
        file("no-image", "cluster: {image: 'localhost/no-such-image:1'}"),
        "Pending", "ImagePullBackOff", ("localhost/no-such-image:1", "`cluster.image`", "`cluster.image_pull_secrets`"),
    ),
    "a node that is not there": Fate(
        file("no-node", "cluster: {node_selector: {zone: nowhere}}"),
        "Pending", "Unschedulable", ("node", "`cluster.node_selector`"),
    ),
}  # fmt: skip


def running(search: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the condition that says why a search runs or does not."""
    found: Mapping[str, Any] = next(c for c in search["status"]["conditions"] if c["type"] == "Running")
    return found


@pytest.fixture(scope="module")
def admitted(cluster: Cluster) -> Iterator[None]:
    """Apply all of them at once, and take them away again."""
    names = [yaml.safe_load(fate.text)["metadata"]["name"] for fate in FATES.values()]
    cluster.kubectl("apply", "--filename", "-", input="---\n".join(fate.text for fate in FATES.values()))
    yield
    for name in names:
        cluster.delete(name)


@pytest.mark.parametrize("fate", FATES.values(), ids=FATES)
def test_what_can_not_run_says_why_and_what_to_do(cluster: Cluster, admitted: None, fate: Fate) -> None:
    name = yaml.safe_load(fate.text)["metadata"]["name"]

    def known(search: Mapping[str, Any]) -> bool:
        status = search.get("status", {})
        return status.get("phase") == fate.phase and running(search)["reason"] == fate.reason

    search = cluster.until(name, known)
    message = search["status"]["message"]
    print(f"{fate.phase}: {fate.reason}: {message}")
    assert running(search)["message"] == message
    for part in fate.says:
        assert part in message
    told = [event for event in cluster.events(name, fate.reason) if event["reason"] == fate.reason]
    assert {event["type"] for event in told} == {"Warning"}
    assert any(part in event["message"] for event in told for part in fate.says)


@pytest.mark.parametrize("what", ["space", "strategy"])
def test_what_another_image_might_know_is_told_with_the_words_of_check(
    cluster: Cluster, admitted: None, tmp_path: Path, what: str
) -> None:
    fate = FATES[f"an unknown {what}"]
    status = cluster.until(f"no-{what}", fate.phase)["status"]
    assert told(fate.text, tmp_path)[0] in status["message"]
