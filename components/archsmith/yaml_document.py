"""Reads a YAML document so that each mistake in it can be shown with its line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from archsmith.errors import SpecError

Path = tuple[str | int, ...]
"""Keys and positions that lead from the top of a document to a value."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, which has the values of JSON: 1e-3 is a number, and `no`, 1:30 and 2026-01-01 are texts."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012  PyYAML's name; those of YAML 1.1 are not inherited


_SCALARS = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "merge": r"<<",
}
for _tag, _pattern in _SCALARS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), None)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))  # 010 is ten, and not octal


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML document that knows where its keys stand."""

    source: str
    """Its file, for messages."""
    value: Any
    """What it says."""
    root: yaml.Node
    """Its nodes."""

    def line(self, path: Path) -> int:
        """Return the line, from 1, of the key at `path`, or of the closest one above it."""
        return [self.root.start_mark.line, *(line for _, line in self._along(path))][-1] + 1

    def within(self, path: Path) -> Path:
        """Return the parts of `path` that lead through this document, without those that name nothing in it."""
        return tuple(part for part, _ in self._along(path))

    def _along(self, path: Path) -> Iterator[tuple[str | int, int]]:
        """Yield each part of `path` that is there, with its line."""
        node = self.root
        for part in path:
            if (found := _child(node, part)) is not None:
                line, node = found
                yield part, line


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line, value) for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line, node.value[part]
    return None


def read_yaml(text: str, source: str) -> Located:
    """Read a YAML document; `source` names it in errors.

    Raises:
        SpecError: It is not YAML, no mapping, or has a key twice.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
        if not isinstance(root, yaml.MappingNode):
            what = "the file is empty" if root is None else f"the file holds {_SAID[type(root)]}"
            raise SpecError(f"{source}: {what}, but must hold a mapping with the keys apiVersion, kind, metadata and spec.")
        for mapping in _mappings(root):
            _refuse_twice(mapping, source)
        return Located(source, yaml.load(text, Loader=_Loader), root)  # noqa: S506  a subclass of SafeLoader
    except yaml.YAMLError as error:
        raise SpecError(_not_yaml(error, source)) from error


def read_pairs(pairs: Sequence[str], source: str) -> Located:
    """Read settings given on a command line, `key=value`, as a YAML document with a line a pair; a value is YAML.

    Raises:
        SpecError: One is not of that form, its value is not YAML, or a key is there twice.
    """
    for pair in pairs:
        if not pair.partition("=")[0] or "=" not in pair:
            raise SpecError(f"{source}: got {pair!r}, but must be of the form key=value, as in `filters=[8, 16]`.")
    return read_yaml("\n".join(": ".join(pair.split("=", 1)) for pair in pairs) or "{}", source)


_SAID: dict[type[yaml.Node], str] = {yaml.ScalarNode: "a single value", yaml.SequenceNode: "a list"}


def _mappings(root: yaml.Node) -> Iterator[yaml.MappingNode]:
    """Yield every mapping once; an anchor may lead to the same one many times, or back to one that it is in."""
    nodes, seen = [root], set[int]()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            nodes += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value


def _refuse_twice(mapping: yaml.MappingNode, source: str) -> None:
    lines: dict[str, int] = {}
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line = key.start_mark.line + 1
        if key.value in lines:
            raise SpecError(f"{source}:{line}: the key `{key.value}` is in line {lines[key.value]} already; keep one of them.")
        lines[key.value] = line


def _not_yaml(error: yaml.YAMLError, source: str) -> str:
    """Say where a text is not YAML, and what is the matter there."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f"{source}: the file is not YAML: {' '.join(str(error).split())}."
    context, problem = error.context or "", str(error.problem).replace("'<stream end>'", "the end of the file")
    said = f"{context}, {problem}" if problem.startswith("but") else f"{problem} {context}".strip()
    hint = " Indent with spaces, not with tabs." if r"'\t'" in said else ""
    return f"{source}:{error.problem_mark.line + 1}: the file is not YAML: {said}.{hint}"
