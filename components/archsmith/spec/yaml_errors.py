"""Writes what is wrong with a YAML document for people: the line, the key, what is given there, and what would be valid."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from archsmith.spec.yaml_document import Located, Path

Mistake = tuple[type[BaseModel], Path, ValidationError | str]
"""The model that was checked, where it stands in the document, and what is wrong."""

NAMED = frozenset({"data", "space", "strategy", "estimation", "stopping"})
"""Sections that name what they are about, and may have settings of it."""

RULES: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "finite_number": "a finite number",
    "greater_than": "> {gt}",
    "greater_than_equal": ">= {ge}",
    "less_than": "< {lt}",
    "less_than_equal": "<= {le}",
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of {max_length} or fewer",
}
"""What must be, by pydantic's kind of error."""


def describe(document: Located, mistakes: Sequence[Mistake]) -> str:
    """Write the mistakes in the order of the document, a line each: file and line, path, what is given, what is valid."""
    found = [(path, text) for mistake in mistakes for path, text in _texts(document, *mistake)]
    ordered = sorted(found, key=lambda f: document.line(f[0]))
    lines = [f"{document.place(path)}: {dotted(path)}: {text}" for path, text in ordered]
    return "\n".join(dict.fromkeys(lines))


def dotted(path: Path) -> str:
    """Write a path as people do: spec.objectives[1].goal."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") or "(top)"


def _texts(document: Located, model: type[BaseModel], prefix: Path, problem: ValidationError | str) -> Iterator[tuple[Path, str]]:
    """Yield the path and the text of each mistake."""
    if isinstance(problem, str):
        yield prefix, _sentence(problem)
        return
    by_path: dict[Path, list[Any]] = {}
    for error in filter(_counts, problem.errors()):
        by_path.setdefault(_place(document, (*prefix, *error["loc"]), error["type"]), []).append(error)
    for path, errors in by_path.items():
        yield path, _text(model, errors)


def _counts(error: Any) -> bool:
    """Tell whether an error is one by itself: a list counts as too short where wrong items have been taken out of it."""
    return error["type"] != "too_short" or bool(len(error["input"]) < error["ctx"]["min_length"])


def _place(document: Located, path: Path, kind: str) -> Path:
    """Return the path to show: pydantic's also names the members of a union, which are no keys of the document."""
    if kind == "missing":
        return (*document.within(path[:-1]), path[-1])
    return document.within(path[:-1] if kind == "invalid_key" else path)


def _text(model: type[BaseModel], errors: Sequence[Any]) -> str:
    """Say what is wrong at a path; several errors are those of a union's members, of which any would do."""
    first = errors[0]
    if first["type"] == "extra_forbidden":
        return _unknown_key(str(first["loc"][-1]), sorted(_keys(model, first["loc"][:-1])))
    if first["type"] == "missing":
        return "the key is missing, but must be given."
    if first["type"] == "invalid_key":
        return f"the key {_show(first['loc'][-1])} is not text, but must be; put it into quotes."
    if first["type"] == "value_error":
        return _sentence(str(first["ctx"]["error"]))
    rules = dict.fromkeys(map(_rule, errors))
    if None in rules:
        return f"got {_show(first['input'])}; {_sentence(first['msg'])}"
    return f"got {_show(first['input'])}, but must be {' or '.join(map(str, rules))}.{_hint(first['input'], errors)}"


def _unknown_key(key: str, valid: Sequence[str]) -> str:
    if not valid:
        return "unknown key; there is nothing to set here."
    near = get_close_matches(key, valid, n=1)
    return f"unknown key; valid here: {', '.join(valid)}.{f' Did you mean `{near[0]}`?' if near else ''}"


def _rule(error: Any) -> str | None:
    """Say what must be; None for a kind of error that has no words of ours."""
    if error["type"] == "literal_error":
        valid = _members(error)
        return f"one of {', '.join(valid)}" if len(valid) > 1 else valid[0]
    rule = RULES.get(error["type"])
    bounds = {name: f"{bound:g}" if isinstance(bound, float) else bound for name, bound in error.get("ctx", {}).items()}
    return None if rule is None else rule.format(**bounds)


def _hint(given: Any, errors: Sequence[Any]) -> str:
    if not isinstance(given, str):
        return ""
    kinds, key = {error["type"] for error in errors}, errors[0]["loc"][-1] if errors[0]["loc"] else ""
    if kinds & {"dict_type", "model_type", "model_attributes_type"} and key in NAMED:
        if key == "data" and re.search(r"[/\\.~]", given):
            return f" Write `data: {{name: folder, path: {given}}}`, or `name: npz` for a file of arrays."
        return f" Write `{key}: {{name: {given}}}`."
    number = kinds & {"int_type", "float_type"} and re.fullmatch(r"[-+]?[.\d]+([eE][-+]?\d+)?", given)
    if number or ("bool_type" in kinds and given in {"true", "false"}):
        return " Remove the quotes."
    valid = [member for error in errors if error["type"] == "literal_error" for member in _members(error)]
    near = get_close_matches(given, valid, n=1) if len(valid) > 1 else []
    return f" Did you mean {near[0]}?" if near else ""


def _members(error: Any) -> list[str]:
    """Return the values that a literal may have."""
    texts_or_numbers = re.findall(r"'([^']*)'|([-+.\w]+)(?= or |,|$)", error["ctx"]["expected"])
    return [text or number for text, number in texts_or_numbers]


def _show(value: Any) -> str:
    """Write a value much as it stands in a file: a text in quotes, so that '40' is seen to be none of the numbers."""
    if isinstance(value, list | tuple) and not value:
        return "an empty list"
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _keys(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that `model` takes at `path`."""
    for part in path:
        field = model.model_fields.get(str(part))
        variants: Mapping[str, type[BaseModel]] = getattr(model, "variants", {})  # of a section that names its model
        model = variants.get(str(part)) or (_model_of(field.annotation) if field else None) or model
    return list(model.model_fields)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """Find the pydantic model inside an annotation such as `tuple[Objective, ...]` or `X | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in getattr(annotation, "__args__", ()) if (m := _model_of(a)) is not None), None)
