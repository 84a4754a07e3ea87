"""KFP's compiler writes YAML 1.1, and KFP's server reads YAML as Go does: a label of nodes `09` comes out as the number nine."""

from itertools import takewhile
from pathlib import Path

import yaml

from archsmith.spec.yaml_document import write_yaml


def settle(path: Path) -> None:
    """Write a file of KFP's compiler anew, so that everybody reads the same in it; the comments at its top stay."""
    text = path.read_text(encoding="utf-8")
    top = "".join(takewhile(lambda line: line.startswith("#"), text.splitlines(keepends=True)))
    documents = list(yaml.load_all(text, yaml.CSafeLoader))
    path.write_text(f"{top}{write_yaml(*documents)}", encoding="utf-8")
