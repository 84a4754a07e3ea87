"""Print the versions that pip chooses today for what Archsmith needs: `python versions.py pyproject.toml > requirements.txt`.

It runs in the base image, where torch may be installed already. torch and what only torch needs are left out, because they
differ between CPU and CUDA; the Dockerfile installs them first, within these versions.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

TORCH = ("torch", "triton", "nvidia-", "cuda-", "sympy", "setuptools")
"""Beginnings of the names that are left out."""

HEAD = "# What the image holds beside torch, on Python 3.13. Made by `make image-versions`."


def main(pyproject: Path) -> None:
    """Resolve, install nothing, and print."""
    project = tomllib.loads(pyproject.read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["server"]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-", *wanted]
    report = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)  # noqa: S603  pip, and our own bounds
    found = {entry["metadata"]["name"].lower().replace("_", "-"): entry["metadata"]["version"] for entry in report["install"]}
    lines = [f"{name}=={version}" for name, version in sorted(found.items()) if not name.startswith(TORCH)]
    sys.stdout.write("\n".join([HEAD, *lines]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
