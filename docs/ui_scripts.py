"""Fetches the scripts of others that the pages ship from their packages on npm: `make ui-scripts`, or with `--into` elsewhere.

The versions are those of `components/archsmith/ui/static/SOURCES.json`; where one is changed there, so is the digest here.
"""

import argparse
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

STATIC = Path(__file__).parent.parent / "components/archsmith/ui/static"
BESIDE = {"LICENSE": "LICENSE", "NOTICE": "NOTICE"}
"""What else of a package goes along."""


def fetch(package: str, version: str, folder: Path) -> tarfile.TarFile:
    """Fetch a package with npm, which checks what it gets, and open it."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{package}@{version}"]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]  # noqa: S603
    return tarfile.open(folder / name)


def read(package: tarfile.TarFile, path: str) -> bytes:
    """Return a file of a package."""
    found = package.extractfile(f"package/{path}")
    assert found is not None
    return found.read()


def main() -> None:
    """Fetch all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=STATIC, help="folder to write to")
    into: Path = parser.parse_args().into
    sources = json.loads((STATIC / "SOURCES.json").read_text())
    for name, of in sources.items():
        with tempfile.TemporaryDirectory() as folder, fetch(of["package"], of["version"], Path(folder)) as package:
            data = read(package, of["path"])
            of["sha256"] = hashlib.sha256(data).hexdigest()
            (into / name).write_bytes(data)
            for here, there in BESIDE.items():
                (into / f"{of['package']}.{here}").write_bytes(read(package, there))
        print(f"{name}: {of['package']} {of['version']}, {len(data):,} bytes, sha256 {of['sha256']}")  # noqa: T201
    (into / "SOURCES.json").write_text(json.dumps(sources, indent=2) + "\n")


if __name__ == "__main__":
    main()
