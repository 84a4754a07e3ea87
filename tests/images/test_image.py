"""The image as pods run it: as some user, with a read-only root file system, no rights and no network."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from archsmith.stores import LocalStore
from archsmith.testing.searches import tiny

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
RESTRICTED = (
    *("--read-only", "--tmpfs", "/tmp", "--user", "12345:0", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--network", "none", "--env", "OMP_NUM_THREADS=1"),
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def docker(*arguments: str | Path, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["docker", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=timeout)


@pytest.fixture(scope="module", name="image")
def _image() -> str:
    """Return ARCHSMITH_IMAGE, or what `make image` builds."""
    if given := os.environ.get("ARCHSMITH_IMAGE"):
        return given
    name = "archsmith:tested"
    done = subprocess.run(["make", "image", f"IMAGE={name}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return name


@pytest.fixture(name="work")
def _work(tmp_path: Path) -> Path:
    """A volume that a user of any number may write to."""
    work = tmp_path / "work"
    work.mkdir()
    work.chmod(0o777)
    return work


@pytest.fixture(name="run")
def _run(image: str, work: Path) -> Run:
    """Run a command as pods do, with the volume."""
    return lambda *command: docker("run", "--rm", *RESTRICTED, "--volume", f"{work}:/work", image, *command)


def test_the_command_says_what_there_is(image: str) -> None:
    done = docker("run", "--rm", *RESTRICTED, image)
    assert done.returncode == 0, done.stderr
    assert "Usage: archsmith" in done.stdout


def test_a_search_runs_to_its_end_and_its_model_predicts(run: Run, work: Path) -> None:
    tiny(work)
    assert "is a valid search" in run("archsmith", "check", "search.yaml").stdout
    done = run("archsmith", "run", "search.yaml")
    assert done.returncode == 0, done.stderr
    from PIL import Image

    Image.new("L", (8, 8), 100).save(work / "grey.png")
    done = run("archsmith", "predict", "runs/searches/tiny/best/model.pt2", "grey.png", "--json")
    assert done.returncode == 0, done.stderr
    assert sum(json.loads(done.stdout)[0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_kfp_runs_a_component_as_it_does_in_a_pod(image: str, work: Path) -> None:
    """Its command replaces the entry point; the text is that of the compiled pipeline."""
    file = tiny(work)
    compiled = work / "pipeline.yaml"
    subprocess.run(
        [sys.executable, "-m", "archsmith", "compile", str(file), "-o", str(compiled)], check=True, capture_output=True
    )
    import yaml

    spec = next(yaml.load_all(compiled.read_text(), yaml.CSafeLoader))
    container = spec["deploymentSpec"]["executors"]["exec-sample-space"]["container"]
    inputs = {"inputs": {"parameterValues": {"search": file.read_text(), "store": "/work/runs"}},
              "outputs": {"outputFile": "/tmp/out.json", "parameters": {"Output": {"outputFile": "/tmp/Output"}}}}  # fmt: skip
    first, *rest = [*container["command"], *container["args"]]
    filled = [part.replace("{{$}}", json.dumps(inputs)) for part in rest]
    done = docker("run", "--rm", *RESTRICTED, "--volume", f"{work}:/work", "--entrypoint", first, image, *filled)
    assert done.returncode == 0, done.stderr
    assert (work / "runs/searches/tiny/space.json").exists()


@pytest.mark.long
def test_sigterm_ends_a_search_in_seconds_and_the_same_command_goes_on(image: str, run: Run, work: Path) -> None:
    tiny(work)
    started = docker("run", "--detach", *RESTRICTED, "--volume", f"{work}:/work", image, "archsmith", "run", "search.yaml")
    name = started.stdout.strip()
    try:
        deadline = time.monotonic() + 300
        while not any("/trials/" in key or key.endswith(".jsonl") for key in LocalStore(work / "runs").list("")):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        begin = time.monotonic()
        docker("stop", "--time", "60", name)
        took_s = time.monotonic() - begin
        status = docker("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip()
    finally:
        docker("rm", "--force", name)
    assert status == "143"
    assert took_s < 50  # else Docker had to kill it
    assert run("archsmith", "run", "search.yaml").returncode == 0


def test_mlflow_s_server_has_what_it_needs(run: Run) -> None:
    assert run("python", "-c", "import boto3, gunicorn, uvicorn").returncode == 0
    assert "--artifacts-destination" in run("mlflow", "server", "--help").stdout


def test_nobody_becomes_root_and_no_cache_is_left(image: str) -> None:
    assert docker("run", "--rm", image, "id", "-u").stdout.strip() == "1000"
    found = docker(
        "run", "--rm", "--user", "0", image, "sh", "-c", "find / -xdev -type f -perm /6000; find /root /tmp -type f -size +9k"
    )
    assert (found.stdout, found.returncode) == ("", 0)


def test_the_labels_say_what_it_is(image: str) -> None:
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", image).stdout)
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.version"]
