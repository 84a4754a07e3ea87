"""The graph in a .pt2 archive, checked before torch reads it.

torch evaluates symbolic sizes as Python, and writes names of the graph into Python source, which it compiles. So each text in
the graph must be a plain word, or be made of the few words that its place allows.
"""

import json
import re
from typing import Any

from archsmith.errors import ExportError

WORD = re.compile(r"[\w.+]*", re.ASCII)
"""Names, types, versions."""

SIZE = re.compile(
    r"(?:(?:Symbol|Integer|Add|Mul|FloorDiv|Mod|Max|Min)\(|'s\d+'|(?:integer|positive|nonnegative)=True"
    r"|s(?=\d)|\d|\*(?!\*)|[-+, )])+",
    re.ASCII,
)
SIGNATURE = re.compile(r'(?:[][{}:, \\"]|\d|null|type|context|children_spec|builtins\.(?:tuple|list|dict))+', re.ASCII)
OPERATION = re.compile(r"torch\.ops\.aten\.(?!from_file\b|save\b)\w+\.\w+|_operator\.\w+|torch\.sym_\w+", re.ASCII)
"""Tensors in, tensors out; the two that are excluded touch files."""

PLACES = {"expr_str": SIZE, "in_spec": SIGNATURE, "out_spec": SIGNATURE, "target": OPERATION}
"""What a text may be, by its key."""


def checked_graph(content: bytes) -> bytes:
    """Return the graph without its metadata, which are lines of source that it came from; raises `ExportError` for code in it."""
    return json.dumps(_checked(json.loads(content), "")).encode()


def _checked(value: Any, key: str) -> Any:
    """Return `value`, which stands under `key`, without metadata."""
    match value:
        case dict():
            return {_word(name, key): {} if name == "metadata" else _checked(entry, name) for name, entry in value.items()}
        case list():
            return [_checked(entry, key) for entry in value]
        case str():
            return _word(value, key)
    return value


def _word(text: str, key: str) -> str:
    if not PLACES.get(key, WORD).fullmatch(text):
        shown = text if len(text) < 60 else f"{text[:60]}…"
        raise ExportError(f"The model's graph holds {shown!r} as {key or 'name'}, which no model exported by Archsmith does.")
    return text
