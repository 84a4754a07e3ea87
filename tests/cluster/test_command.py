"""The command `archsmith` on a machine that has a kubeconfig, and no search of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from cluster import Cluster, digits

Write = Callable[..., str]
"""The fixture `write`: writes a search file and returns its name; the search is taken away after the test."""


@dataclass(frozen=True)
class Machine:
    """A folder without `./runs`, and a kubeconfig whose context is the namespace."""

    folder: Path
    """The working directory."""
    environ: Mapping[str, str]
    """The environment; no store is in it."""

    def run(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the command, which ends with `status`."""
        command = [sys.executable, "-m", "archsmith", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == status, f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def archsmith(self, *arguments: str, status: int = 0) -> str:
        """Run the command and return what it prints, on either stream."""
        done = self.run(*arguments, status=status)
        return done.stdout + done.stderr


@pytest.fixture
def machine(cluster: Cluster, tmp_path: Path) -> Machine:
    config = cluster.kubectl("config", "view", "--minify", "--raw", "--flatten", "--output", "json")
    made = json.loads(config)
    made["contexts"][0]["context"]["namespace"] = cluster.namespace
    (tmp_path / "kubeconfig").write_text(json.dumps(made))
    (tmp_path / "kubeconfig").chmod(0o600)
    (tmp_path / "work").mkdir()
    ours = ("ARCHSMITH_", "AWS_", "MLFLOW_", "KF_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return Machine(tmp_path / "work", {**environ, "KUBECONFIG": str(tmp_path / "kubeconfig")})


@pytest.fixture
def write(cluster: Cluster, machine: Machine) -> Iterator[Write]:
    names: list[str] = []

    def written(name: str, **spec: object) -> str:
        names.append(name)
        (machine.folder / "search.yaml").write_text(yaml.safe_dump(digits(name, **spec)))
        return "search.yaml"

    yield written
    for name in names:
        cluster.remove(name)


def test_a_search_is_submitted_watched_shown_and_deleted(cluster: Cluster, machine: Machine, write: Write) -> None:
    said = machine.archsmith("submit", write("command"))
    assert "command: given to the cluster, in the namespace 'archsmith'" in said
    watched = machine.archsmith("watch", "command")
    assert all(f"trial {k:04d}  complete" in watched for k in range(6))
    assert "test images" in watched
    assert cluster.search("command")["status"]["phase"] == "Succeeded"
    shown = machine.archsmith("show", "command")
    assert "command: Succeeded" in shown
    assert "s3://searches" in shown
    found = json.loads(machine.run("show", "command", "--json").stdout)
    winner = cluster.folder("command").read_json("best/model.json")["model"]
    assert found["phase"] == "done"
    assert found["test_accuracy"] == winner["metrics"]["test_accuracy"]
    assert found["cluster"]["phase"] == "Succeeded"
    log = machine.archsmith("logs", "command")
    assert cluster.pods("command")[0]["metadata"]["name"] in log
    deleted = machine.archsmith("delete", "command", "--yes")
    assert "Deleted command." in deleted
    cluster.wait(lambda: "command" not in cluster.searches(), "the search is gone")
    assert cluster.folder("command").is_done()
    assert list(machine.folder.iterdir()) == [machine.folder / "search.yaml"]


@pytest.mark.long
def test_a_search_that_is_cancelled_goes_on_when_it_is_submitted_again(cluster: Cluster, machine: Machine, write: Write) -> None:
    slow = {"estimation": {"epochs": 8}, "training": {"learning_rate": 0.05, "batch_size": 8}, "resources": {"workers": 1}}
    file = write("command-cancelled", **slow)
    machine.archsmith("submit", file)
    cluster.wait(lambda: bool(cluster.folder("command-cancelled").history()), "a trial is done")
    said = machine.archsmith("cancel", "command-cancelled")
    assert "Its pods end, and what it has found stays" in said
    cluster.until("command-cancelled", "Suspended")
    cluster.wait(lambda: not cluster.pods("command-cancelled"), "its pods are gone")
    kept = cluster.folder("command-cancelled").history().trials
    assert kept
    assert "Succeeded" in machine.archsmith("submit", file, "--wait") + machine.archsmith("show", "command-cancelled")
    assert cluster.folder("command-cancelled").history().trials[: len(kept)] == kept


@pytest.mark.long
def test_logs_are_followed_to_the_end_of_a_search(cluster: Cluster, machine: Machine, write: Write) -> None:
    machine.archsmith("submit", write("command-logs", budget={"trials": 2}, retrain={"epochs": 1}))
    log = machine.archsmith("logs", "command-logs", "--follow")
    assert "trial" in log
    assert cluster.search("command-logs")["status"]["phase"] == "Succeeded"


def test_a_search_that_fails_is_an_error_of_the_command_that_waits(cluster: Cluster, machine: Machine, write: Write) -> None:
    said = machine.archsmith("submit", write("command-fails", data={"name": "npz", "path": "/none.npz"}), "--wait", status=1)
    last = said.strip().splitlines()[-1]
    assert last.startswith("archsmith: The search 'command-fails' is Failed: ")
    assert "/none.npz" in last


def test_a_wrong_file_is_refused_before_the_cluster_sees_it(machine: Machine, write: Write) -> None:
    said = machine.archsmith("submit", write("command-wrong", budget={"trial": 3}), status=2)
    assert "spec.budget.trial: unknown key" in said


def test_a_search_that_is_nowhere_is_one_line_that_names_the_places(machine: Machine) -> None:
    for command in ("watch", "show", "logs", "delete"):
        (line,) = machine.archsmith(command, "nowhere", status=2).splitlines()
        assert "'nowhere'" in line
        assert str(machine.folder / "runs") in line
        assert "namespace 'archsmith'" in line
