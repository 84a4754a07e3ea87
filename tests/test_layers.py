"""What an import costs; who may import whom is a contract in pyproject.toml, which `make layers` checks."""

import json
import subprocess
import sys
from collections.abc import Sequence

HEAVY = {"kfp", "matplotlib", "minio", "mlflow", "onnx", "onnxruntime", "pandas", "scipy", "sklearn", "torch", "torchvision"}
"""Packages that take a tenth of a second to several seconds to import."""


def loaded_by(*statements: str) -> dict[str, set[str]]:
    """Return the top-level packages that a fresh interpreter has loaded after each statement; it runs one after the other."""
    said = "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    code = "\n".join(["import contextlib, io, json, sys", *(f"{statement}\n{said}" for statement in statements)])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {s: set(json.loads(line)) for s, line in zip(statements, done.stdout.splitlines(), strict=True)}


def heavy(statements: Sequence[str]) -> dict[str, set[str]]:
    """Return what is heavy among the packages that each statement has loaded, where there is any."""
    return {statement: found for statement, loaded in loaded_by(*statements).items() if (found := loaded & HEAVY)}


def test_importing_a_package_loads_nothing_heavy() -> None:
    names = ("spaces", "strategies", "stores", "evaluation", "tracking", "search", "cli", "views.terminal", "runner")
    assert heavy(["import archsmith", *(f"import archsmith.{name}" for name in names)]) == {}


def test_a_command_that_trains_nothing_loads_nothing_heavy() -> None:
    calls = (["--help"], ["run", "--help"], ["init"], ["schema"], ["strategies"])
    run = "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):"
    statements = [f"sys.argv[1:] = {call!r}\n{run} main()" for call in calls]
    assert heavy(["from archsmith.cli import main", *statements]) == {}


def test_the_check_sees_what_is_loaded() -> None:
    assert {"minio", "archsmith"} <= loaded_by("import archsmith.stores.s3")["import archsmith.stores.s3"]
