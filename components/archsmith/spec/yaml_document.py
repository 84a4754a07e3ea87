"""Reads a YAML document so that each mistake in it can be shown with its line, and writes one that everybody reads alike."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from archsmith.errors import SpecError

Path = tuple[str | int, ...]
"""Keys and positions that lead from the top of a document to a value."""


DEEPEST = 100
"""Levels of a document, of which a search file has about six."""
MOST_DIGITS = 300
"""Digits of an integer; the largest number that a float holds has 309."""


class _QuickLoader(yaml.CSafeLoader):
    """YAML 1.2's core schema, which has the values of JSON: 1e-3 is a number, and `no`, 1:30 and 2026-01-01 are texts."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012  PyYAML's name; those of YAML 1.1 are not inherited


class _Loader(yaml.SafeLoader):
    """The same, several times as slow, and it says best what is wrong with a text."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Read a node, unless it is nested deeper than any search file, which would be too deep for Python's stack."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise _DeepError(self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _DeepError(Exception):
    """A document is nested too deep."""

    def __init__(self, mark: yaml.Mark) -> None:
        super().__init__(mark)
        self.mark = mark


_TAG = "tag:yaml.org,2002:"
_SCALARS = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "merge": r"<<",
}
_KINDS: dict[type[yaml.Node], set[str]] = {
    yaml.ScalarNode: {"str", *_SCALARS}, yaml.SequenceNode: {"seq"}, yaml.MappingNode: {"map"},
}  # fmt: skip
"""The tags of the core schema, by what has them."""
for _tag, _pattern in _SCALARS.items():
    for _loader in (_QuickLoader, _Loader):
        _loader.add_implicit_resolver(f"{_TAG}{_tag}", re.compile(f"^(?:{_pattern})$"), None)
for _loader in (_QuickLoader, _Loader):
    _loader.add_constructor(f"{_TAG}int", lambda _, node: int(node.value))  # 010 is ten, and not octal


class _Dumper(yaml.CSafeDumper):
    """Puts into quotes whatever any reader of YAML takes for something else than text: 1.1, 1.2, and Go's, which is neither."""


for _tag, _pattern in _SCALARS.items():
    _Dumper.add_implicit_resolver(f"{_TAG}{_tag}", re.compile(f"^(?:{_pattern})$"), None)
_Dumper.add_implicit_resolver(f"{_TAG}bool", re.compile("^[yYnN]$"), None)
# Go's reader takes 09 for the number nine and 0o17 for fifteen, with underscores anywhere.
_Dumper.add_implicit_resolver(f"{_TAG}float", re.compile(r"^[-+]?[.\d][\w.:+-]*$"), None)


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML document that knows where its keys stand."""

    source: str
    """Its file, for messages."""
    value: Any
    """What it says."""
    root: yaml.Node | None = None
    """Its nodes; None where it is no text but a value, and so has no lines."""
    pairs: tuple[str, ...] = ()
    """The settings of a command line that it was made of, a line each; none where it is anything else."""

    def line(self, path: Path) -> int:
        """Return the line, from 1, of the key at `path`, or of the closest one above it; 0 where there are no lines."""
        return [self.root.start_mark.line, *(line for _, line in self._along(path))][-1] + 1 if self.root else 0

    def place(self, path: Path) -> str:
        """Say where `path` is: the source, and the line where there are lines, or the setting that it is in."""
        if self.pairs:
            return f"{self.source} {self.pairs[self.line(path) - 1]}"
        return f"{self.source}:{self.line(path)}" if self.root else self.source

    def within(self, path: Path) -> Path:
        """Return the parts of `path` that lead through this document, without those that name nothing in it."""
        return tuple(part for part, _ in self._along(path))

    def _along(self, path: Path) -> Iterator[tuple[str | int, int]]:
        """Yield each part of `path` that is there, with its line."""
        node: Any = self.root or self.value
        for part in path:
            if (found := _child(node, part)) is not None:
                line, node = found
                yield part, line


def write_yaml(*documents: Mapping[str, Any]) -> str:
    """Write documents of plain values as YAML, the same to `read_yaml`, to readers of YAML 1.1, and to those of Kubernetes."""
    several = len(documents) > 1
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, explicit_start=several)


def write_line(document: Mapping[str, Any]) -> str:
    """Write a document on one line: as JSON, with what YAML takes for the end of a line, or for no text at all, escaped."""
    return _NOT_PLAIN.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    )


_NOT_PLAIN = re.compile("[\u2028\u2029\ufeff]|[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _child(node: Any, part: str | int) -> tuple[int, Any] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line, value) for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, Mapping):
        return next(((0, value) for key, value in node.items() if str(key) == str(part)), None)
    if isinstance(node, list) and isinstance(part, int):
        return (0, node[part]) if part < len(node) else None
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line, node.value[part]
    return None


def read_yaml(text: str, source: str) -> Located:
    """Read a YAML document; `source` names it in errors.

    Raises:
        SpecError: It is not YAML, no mapping, has a key twice, or a value that is not what its tag says.
    """
    try:
        loader, root = _composed(text)
        if not isinstance(root, yaml.MappingNode):
            what = "the file is empty" if root is None else f"the file holds {_SAID[type(root)]}"
            raise SpecError(f"{source}: {what}, but must hold a mapping with the keys apiVersion, kind, metadata and spec.")
        _refuse_vast(root, source)
        for node in _nodes(root):
            _refuse_mistagged(node, source)
            _refuse_twice(node, source) if isinstance(node, yaml.MappingNode) else _refuse_octal(node, source)
        return Located(source, loader.construct_document(root), root)
    except _DeepError as error:
        line = error.mark.line + 1
        raise SpecError(f"{source}:{line}: it is nested more than {DEEPEST} deep, but no search file is.") from None
    except yaml.YAMLError as error:
        raise SpecError(_not_yaml(error, source)) from error


def _composed(text: str) -> tuple[yaml.SafeLoader | yaml.CSafeLoader, yaml.Node | None]:
    """Return the nodes of a text, and what makes values of them; what is wrong with it is said by the slow loader."""
    try:
        if not _is_deep(text):  # it goes down in C, where nothing guards the stack
            quick = _QuickLoader(text)
            return quick, quick.get_single_node()
    except yaml.YAMLError:
        pass
    slow = _Loader(text)
    return slow, slow.get_single_node()


def _is_deep(text: str) -> bool:
    depth = 0
    for event in yaml.parse(text, Loader=_QuickLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return True
    return False


def _refuse_vast(root: yaml.Node, source: str) -> None:
    """Refuse anchors that lead back to where they stand, or that stand for more than any search file holds."""
    sizes: dict[int, int] = {}
    unfinished: list[yaml.Node] = [root]
    while unfinished:
        node = unfinished[-1]
        inner = _inner(node)
        if id(node) not in sizes:
            sizes[id(node)] = 0  # not known yet
            unfinished += [child for child in inner if id(child) not in sizes]
            if any(sizes.get(id(child)) == 0 for child in inner):
                raise SpecError(f"{source}:{node.start_mark.line + 1}: an alias stands within what it stands for; write it out.")
            continue
        unfinished.pop()
        if sizes[id(node)] == 0:
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in inner)
        if sizes[id(node)] > VASTEST:
            raise SpecError(f"{source}:{node.start_mark.line + 1}: it holds more than {VASTEST} values, but no search file does.")


def _inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def read_pairs(pairs: Sequence[str], source: str) -> Located:
    """Read settings given on a command line, `key=value`, as a YAML document with a line a pair; a value is YAML.

    Args:
        pairs: The settings.
        source: What errors say before a setting: the option.

    Raises:
        SpecError: One is not of that form, its value is not YAML, or a key is there twice.
    """
    given: dict[str, str] = {}
    for pair in pairs:
        key, mark, value = " ".join(pair.splitlines()).partition("=")
        if not mark or not re.fullmatch(r"\w[-.\w]*", key):
            raise SpecError(f"{source}: got {pair!r}, but must be of the form key=value, as in `filters=[8, 16]`.")
        if key in given:
            raise SpecError(f"{source} {key}={value}: `{key}` is given already, as {key}={given[key]}; keep one of them.")
        _check_value(value, f"{source} {key}={value}")
        given[key] = value
    document = read_yaml("\n".join(f"{key}: {value}" for key, value in given.items()) or "{}", source)
    return replace(document, pairs=tuple(f"{key}={value}" for key, value in given.items()))


def _check_value(value: str, place: str) -> None:
    """Raise `SpecError` where the value of a setting is not YAML by itself."""
    try:
        node = yaml.compose(value, Loader=_Loader)
        # In a line with its key, `a: b` would be another pair.
        if isinstance(node, yaml.MappingNode) and not node.flow_style:
            raise SpecError(f"{place}: the value is no single one; write a mapping as {{key: value}}.")
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or error
        raise SpecError(f"{place}: the value is not YAML: {' '.join(str(problem).split())}.") from error


VASTEST = 100_000
"""Values in a document, each counted as often as an alias stands for it."""

_SAID: dict[type[yaml.Node], str] = {yaml.ScalarNode: "a single value", yaml.SequenceNode: "a list"}


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Yield every node once; an anchor may lead to the same one many times, or back to one that it is in."""
    nodes, seen = [root], set[int]()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
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


def _refuse_mistagged(node: yaml.Node, source: str) -> None:
    """Refuse what is not of the core schema, as `!!set`; and a value that is not what its tag says, as in `!!int two`."""
    keys = [key for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    for found in (node, *keys):
        place, kind = f"{source}:{found.start_mark.line + 1}", found.tag.removeprefix(_TAG)
        tag = found.tag if kind == found.tag else f"!!{kind}"
        if kind not in _KINDS[type(found)]:
            raise SpecError(f"{place}: it has the tag {tag}, which no value of this kind has in a search file.")
        if isinstance(found, yaml.ScalarNode) and kind in _SCALARS and not re.fullmatch(_SCALARS[kind], found.value):
            raise SpecError(f"{place}: it has the tag {tag}, but {found.value[:40]!r} is no such value.")
        if kind == "int" and len(found.value) > MOST_DIGITS:
            raise SpecError(f"{place}: the number has {len(found.value):,} digits, which no setting has.")


def _refuse_octal(node: yaml.Node, source: str) -> None:
    """Refuse 010, which is ten here and eight on a cluster, where kubectl reads the file."""
    if node.tag == f"{_TAG}int" and re.fullmatch("[-+]?0[0-9]+", node.value):
        raise SpecError(
            f"{source}:{node.start_mark.line + 1}: the number is {node.value}, but must not begin with 0: kubectl reads it as "
            f"octal. Write {int(node.value)}, or put it into quotes where it is text."
        )


def _not_yaml(error: yaml.YAMLError, source: str) -> str:
    """Say where a text is not YAML, and what is the matter there."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f"{source}: the file is not YAML: {' '.join(str(error).split())}."
    context, problem = error.context or "", str(error.problem).replace("'<stream end>'", "the end of the file")
    said = f"{context}, {problem}" if problem.startswith("but") else f"{problem} {context}".strip()
    hint = " Indent with spaces, not with tabs." if r"'\t'" in said else ""
    return f"{source}:{error.problem_mark.line + 1}: the file is not YAML: {said}.{hint}"
