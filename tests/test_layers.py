"""What an import costs; who may import whom is a contract in pyproject.toml, which `make layers` checks."""

import json
import subprocess
import sys

import pytest

HEAVY = {"kfp", "matplotlib", "minio", "mlflow", "onnx", "onnxruntime", "pandas", "scipy", "sklearn", "torch", "torchvision"}
"""Packages that take a tenth of a second to several seconds to import."""


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "archsmith",
        "archsmith.cli",
        "archsmith.evaluation",
        "archsmith.search",
        "archsmith.spaces",
        "archsmith.stores",
        "archsmith.strategies",
        "archsmith.tracking",
    ],
)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(f"import {module}") & HEAVY


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["init"], ["schema"], ["strategies"]])
def test_a_command_that_trains_nothing_loads_nothing_heavy(arguments: list[str]) -> None:
    run = f"import contextlib\nfrom archsmith.cli import main\nimport sys\nsys.argv[1:] = {arguments!r}"
    assert not loaded_by(f"{run}\nwith contextlib.suppress(SystemExit): main()") & HEAVY


def test_the_check_sees_what_is_loaded() -> None:
    assert {"torch", "archsmith"} <= loaded_by("import archsmith.models")
