"""Writes the Search resource and its admission policy into the chart, from the models of the search file: `make crd`."""

import sys
from pathlib import Path
from typing import Any

import yaml

from archsmith.cluster.crd import admission, definition

FOLDER = Path(__file__).parent / "archsmith" / "files"

HEAD = "# Written by `make crd` from the models of the search file; do not edit.\n"


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice: Kubernetes' readers of YAML need no anchors, and people even less."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Never refer to what was written before."""
        return True


def files() -> dict[str, str]:
    """Return the text of each file by its name."""
    policy, binding = admission()
    objects = {"search-crd.yaml": definition(), "search-policy.yaml": policy, "search-policy-binding.yaml": binding}
    return {name: HEAD + yaml.dump(made, Dumper=_Plain, sort_keys=False, width=130) for name, made in objects.items()}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{FOLDER / name}\n")


if __name__ == "__main__":
    main()
