"""The distribution as users get it: built, installed where no source tree is, imported and run from /."""

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from archsmith import __version__

ROOT = Path(__file__).parent.parent

IMPORT_ALL = """
import importlib, pkgutil, sys
import archsmith, archsmith_pipelines
for package in (archsmith, archsmith_pipelines):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith(".__main__"):
            print(importlib.import_module(module.name).__file__)
"""


def run(*command: str | Path, cwd: Path = Path("/")) -> str:
    """Run a command without any of this process's own settings for Python, and return what it prints."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "LANG": "C.UTF-8"}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", name="built")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module", name="clean")
def _clean(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own, which finds the dependencies in this one.

    A line of a .pth file adds a folder to the path but does not read the .pth files in it, so the editable
    Archsmith of this environment is not seen there.
    """
    venv = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    (wheel,) = built.glob("*.whl")
    run(sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    packages = Path(run(venv / "bin" / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv


@pytest.mark.cluster  # for its length; it needs none
def test_the_wheel_holds_both_packages_whole_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {
        str(file.relative_to(folder))
        for folder in (ROOT / "components", ROOT / "pipelines")
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert sources == packed
    assert {name.partition("/")[0] for name in packed} == {"archsmith", "archsmith_pipelines"}
    assert {"archsmith/py.typed", "archsmith_pipelines/py.typed", "archsmith/report/template.html.j2"} <= packed


@pytest.mark.cluster  # for its length; it needs none
def test_the_sdist_holds_what_the_documents_speak_of(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml"} <= packed
    assert {"examples/digits.yaml", "docs/architecture.md", "tests/test_packaging.py"} <= packed


@pytest.mark.cluster  # for its length; it needs none
def test_every_module_of_the_installed_wheel_can_be_imported_from_anywhere(clean: Path) -> None:
    places = run(clean / "bin" / "python", "-c", IMPORT_ALL).splitlines()
    assert len(places) > 50
    assert all(Path(place).is_relative_to(clean) for place in places)


@pytest.mark.cluster  # for its length; it needs none
def test_the_installed_command_works_from_anywhere(clean: Path, tmp_path: Path) -> None:
    archsmith, search = clean / "bin" / "archsmith", tmp_path / "search.yaml"
    assert "Usage: archsmith" in run(archsmith, "--help")
    assert run(clean / "bin" / "python", "-m", "archsmith", "--version").endswith(f"version {__version__}\n")
    search.write_text(run(archsmith, "init"))
    assert "is a valid search" in run(archsmith, "check", "--offline", search)
    run(archsmith, "compile", search, "-o", tmp_path / "pipeline.yaml")
    assert "exec-retrain" in (tmp_path / "pipeline.yaml").read_text()
