"""Reads YAML so that each mistake can be shown with its line, and writes pydantic's errors for people."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from archsmith.errors import SpecError

Path = tuple[str | int, ...]
Problem = tuple[type[BaseModel], Path, ValidationError | str]
"""The model that was checked, where it stands in the document, and what is wrong."""


class _Loader(yaml.SafeLoader):
    """YAML's safe subset, with the numbers of YAML 1.2: 1e-3 is a number, not a text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


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
        node, line = self.root, self.root.start_mark.line
        for part in path:
            found = _child(node, part)
            if found is None:
                break
            line, node = found
        return line + 1


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((k.start_mark.line, v) for k, v in node.value if k.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line, node.value[part]
    return None


def read_yaml(text: str, source: str) -> Located:
    """Read a YAML document; raises `SpecError` where it is no mapping, or has a key twice."""
    try:
        root = yaml.compose(text, Loader=_Loader)
        if not isinstance(root, yaml.MappingNode):
            raise SpecError(f"{source}: it must be a mapping with apiVersion, kind, metadata and spec.")
        _refuse_twice(root, source)
        return Located(source, yaml.load(text, Loader=_Loader), root)  # noqa: S506  a subclass of SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark else source
        raise SpecError(f"{where}: it is not YAML: {getattr(error, 'problem', None) or error}.") from error


def _refuse_twice(node: yaml.Node, source: str) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, child in node.value:
            if key.value in seen:
                raise SpecError(f"{source}:{key.start_mark.line + 1}: the key `{key.value}` is there twice; keep one.")
            seen.add(key.value)
            _refuse_twice(child, source)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_twice(child, source)


def describe(document: Located, problems: Sequence[Problem]) -> str:
    """Write the problems a line each: file and line, path, what was given, what is valid."""
    lines: list[str] = []
    for model, prefix, problem in problems:
        if isinstance(problem, str):
            lines.append(f"{document.source}:{document.line(prefix)}: {dotted(prefix)}: {problem}")
            continue
        for error in problem.errors():
            path = (*prefix, *(p for p in error["loc"] if not _is_internal(p)))
            lines.append(f"{document.source}:{document.line(path)}: {dotted(path)}: {_say(model, error)}")
    return "\n".join(dict.fromkeys(lines))


def dotted(path: Path) -> str:
    """Write a path as people do: spec.objectives[1].goal."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".") or "(top)"


def _is_internal(part: str | int) -> bool:
    """Tell pydantic's own marks in a path (the members of a union) from keys of the file."""
    return isinstance(part, str) and bool(re.search(r"[\[\(]|^(int|float|str|bool|literal)$", part))


def _say(model: type[BaseModel], error: Any) -> str:
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden":
        valid = sorted(_fields(model, error["loc"][:-1]))
        near = get_close_matches(str(error["loc"][-1]), valid, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        return f"unknown key; valid here: {', '.join(valid)}.{hint}"
    if kind == "missing":
        return "missing; it must be given."
    if kind == "value_error":
        return str(error["ctx"]["error"]) + "."
    rule = error["msg"][0].lower() + error["msg"][1:]
    hint = " Remove the quotes." if isinstance(given, str) and re.fullmatch(r"[-+.\deE]+", given) and "string" not in kind else ""
    return f"got {_show(given)}, but {rule.replace('input ', 'it ')}.{hint}"


def _show(value: Any) -> str:
    text = repr(value)
    kind = {str: "text", bool: "yes/no", dict: "a mapping", list: "a list"}.get(type(value))
    return (text if len(text) <= 60 else text[:57] + "...") + (f" ({kind})" if kind else "")


def _fields(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that `model` takes at `path`."""
    for part in path:
        if _is_internal(part) or isinstance(part, int):
            continue
        field = model.model_fields.get(str(part))
        inner = _model_of(field.annotation) if field else None
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """Find the pydantic model inside an annotation such as `tuple[Objective, ...]` or `X | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in getattr(annotation, "__args__", ()) if (m := _model_of(a)) is not None), None)
