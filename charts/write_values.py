"""Writes what is made of values.yaml: the table in the chart's README, values.schema.json, a copy for templates: `make chart`.

A comment `# -- (list of object) Text. One of: a, b.` above a key of values.yaml says what the key means, its type where the
default does not show it, and its choices where they are few. Keys below such a key are its value; all other keys are sections.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent / "archsmith"

RETIRED: Mapping[tuple[str, ...], str] = {("searches", "secrets"): "list of string"}
"""Values that earlier charts had: they mean nothing any more, but an upgrade that brings them along is no error."""

BEGIN, END = "<!-- values: written by `make chart` from values.yaml -->", "<!-- end of values -->"

COPY = "# The values of values.yaml, which templates can't read: made by `make chart`, see templates/_values.tpl.\n"

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """A key of values.yaml that users may set."""

    path: tuple[str, ...]
    """The keys that lead to it."""
    default: Any
    """Its value."""
    about: str
    """What it means."""
    kind: str
    """Its type in words: `text`, `list of object`."""
    choices: tuple[str, ...]
    """What it may be, where that is a few words."""

    @property
    def schema(self) -> Schema:
        """Its JSON schema."""
        made: Schema = {"description": self.about, **_type(self.kind)}
        return {**made, "enum": list(self.choices)} if self.choices else made


def read(text: str) -> list[Value]:
    """Return the documented values of a values.yaml.

    Raises:
        ValueError: A key that is no section has no comment, so that nobody learns of it.
    """
    comments = dict(_comments(text))
    return list(_values(yaml.safe_load(text), (), comments))


def _comments(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path of each key that has a `# --` comment, and the comment."""
    path: list[tuple[int, str]] = []
    comment = ""
    for line in text.splitlines():
        if found := re.fullmatch(r"\s*# -- (.*)", line):
            comment = found[1]
        elif found := re.match(r"( *)([\w.-]+):", line):
            indent = len(found[1])
            path = [*((i, key) for i, key in path if i < indent), (indent, found[2])]
            if comment:
                yield tuple(key for _, key in path), comment
            comment = ""


def _values(tree: Any, path: tuple[str, ...], comments: Mapping[tuple[str, ...], str]) -> Iterator[Value]:
    for key, default in tree.items():
        here = (*path, key)
        if here in comments:
            yield _value(here, default, comments[here])
        elif isinstance(default, dict) and default:
            yield from _values(default, here, comments)
        else:
            raise ValueError(
                f"The value `{'.'.join(here)}` has no comment, but must have one; write `# -- What it is.` above it."
            )


def _value(path: tuple[str, ...], default: Any, comment: str) -> Value:
    given = re.match(r"\(([\w ]+)\) ", comment)
    about = comment[given.end() :] if given else comment
    choices = re.search(r" One of: (.*)\.$", about)
    kind = given[1] if given else {bool: "boolean", int: "integer", str: "string"}[type(default)]
    return Value(path, default, about, kind, tuple(choices[1].split(", ")) if choices else ())


def _type(kind: str) -> Schema:
    if kind.startswith("list of "):
        return {"type": "array", "items": _type(kind.removeprefix("list of "))}
    if kind.startswith("object of "):
        return {"type": "object", "additionalProperties": _type(kind.removeprefix("object of "))}
    return {"type": kind, "minimum": 0} if kind == "integer" else {"type": kind}


def schema(values: Iterable[Value]) -> Schema:
    """Return the JSON schema of a values.yaml: an unknown key is an error in every section."""
    root = _section()
    for value in values:
        section = root
        for key in value.path[:-1]:
            section = section["properties"].setdefault(key, _section())
        section["properties"][value.path[-1]] = value.schema
    for path, kind in RETIRED.items():
        if path[0] in root["properties"]:
            was = {"description": "Not used any more.", **_type(kind)}
            root["properties"][path[0]]["properties"][path[1]] = {**was, "type": [was["type"], "null"]}
    # Helm hands `global` to every chart, and a chart that is a part of another one gets it unasked.
    root["properties"]["global"] = {"type": ["object", "null"]}
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values", **root}


def _section() -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def table(values: Iterable[Value]) -> str:
    """Return the Markdown table."""
    rows = (f"| `{'.'.join(v.path)}` | {v.kind} | `{json.dumps(v.default)}` | {v.about} |" for v in values)
    return "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows])


def files(chart: Path = CHART) -> dict[str, str]:
    """Return the text of each file of the chart that is made from its values.yaml, by name."""
    text = (chart / "values.yaml").read_text(encoding="utf-8")
    values = read(text)
    readme = (chart / "README.md").read_text(encoding="utf-8")
    before, after = readme.partition(BEGIN)[0], readme.partition(END)[2]
    return {
        "values.schema.json": json.dumps(schema(values), indent=2) + "\n",
        "files/values.yaml": f"{COPY}{json.dumps(yaml.safe_load(text), indent=2)}\n",
        "README.md": f"{before}{BEGIN}\n\n{table(values)}\n\n{END}{after}",
    }


def main() -> None:
    """Write the files."""
    for name, text in files().items():
        (CHART / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{CHART / name}\n")


if __name__ == "__main__":
    main()
