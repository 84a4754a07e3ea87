"""A search that is run where files lie that are called as modules are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archsmith.machine.children import environment
from archsmith.testing.searches import looked_up

STRAY = (
    "random", "html", "string", "types", "json", "socket", "queue", "signal", "calendar", "tempfile", "statistics", "token",
    "numpy", "torch", "pandas", "mlflow", "kfp", "yaml", "jinja2", "orjson", "pydantic", "matplotlib", "archsmith",
    "archsmith_pipelines", "sitecustomize", "usercustomize",
)  # fmt: skip
"""Modules of Python, of what Archsmith needs, and those that Python looks for by itself."""

TRACKED = ("tracking: {enabled: false}", "tracking: {enabled: true}")


@pytest.mark.cluster  # for its length; it needs none
@pytest.mark.usefixtures("as_a_user")
def test_no_process_of_a_search_executes_a_file_of_the_current_folder(tmp_path: Path) -> None:
    file = looked_up(tmp_path, TRACKED, ("trials: 6, rounds: 3", "trials: 2, rounds: 1"))
    for name in STRAY:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path)!r} + '/executed', 'a').write('{name} ')")
    command = [str(Path(sys.executable).with_name("archsmith")), "run", str(file), "--store", "runs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    executed = tmp_path / "executed"
    assert not executed.exists(), executed.read_text()
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/mlflow.db").exists()  # the process that logs was among them


@pytest.mark.parametrize(
    ("given", "passed_on"), [("", None), (":", None), (":/a", "/a"), ("/a::/b:", "/a:/b"), (".:/a", ".:/a"), ("/a", "/a")]
)
def test_an_empty_entry_of_the_path_does_not_mean_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, passed_on: str | None
) -> None:
    monkeypatch.setenv("PYTHONPATH", given)
    assert environment().get("PYTHONPATH") == passed_on
    (tmp_path / "stray_module.py").write_text("")
    look = [sys.executable, "-c", "import importlib.util as u; print(u.find_spec('stray_module') is not None)"]
    found = subprocess.run(look, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True)
    assert found.stdout == f"{passed_on is not None and '.' in passed_on.split(os.pathsep)}\n"


def test_what_a_process_is_to_have_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "1")
    given = environment(MORE="2")
    assert (given["KEPT"], given["MORE"], given["PYTHONSAFEPATH"]) == ("1", "2", "1")
    assert "MORE" not in os.environ
