"""What may be downloaded of a search: nothing but what is named here."""

from collections.abc import Mapping
from dataclasses import dataclass

from archsmith.ui.following import Seen
from archsmith.values.references import REFERENCES, place_of


@dataclass(frozen=True, slots=True)
class Kind:
    """A file that people may have."""

    place: str
    """Where it lies in the folder of what was trained; in that of the search where it has a slash."""
    title: str
    """What it is."""
    media: str
    """Its type, as browsers are told of it."""
    ending: str
    """How the name ends under which it is saved."""


FILES: Mapping[str, Kind] = {
    "model": Kind("model.pt2", "Model, for torch", "application/octet-stream", "pt2"),
    "onnx": Kind("model.onnx", "Model, as ONNX", "application/octet-stream", "onnx"),
    "facts": Kind("model.json", "What the model reaches, and how it was trained", "application/json", "json"),
    "architecture": Kind("architecture.json", "Architecture", "application/json", "architecture.json"),
    "report": Kind("report/index.html", "Report", "text/html; charset=utf-8", "html"),
}
"""By the name that the address has. The search file is not among them: it is written anew, without passwords."""


def name_of(kind: Kind, seen: Seen, trial: str | None = None) -> str | None:
    """Return the file's name in the folder of the search; None where there is none.

    Args:
        kind: What is wanted.
        seen: The search.
        trial: That of which it is, where several are trained in full, or the name of a reference; the winner's where left out.
    """
    selection = seen.now.selection
    if trial in REFERENCES:
        folder = place_of(trial)
    elif trial is not None and trial not in selection.retrained:
        return None
    else:
        folder = "best" if trial is None else selection.place(trial)
    name = kind.place if "/" in kind.place else f"{folder}/{kind.place}"
    return name if seen.folder.key(name) in seen.folder.store.list(seen.folder.key(name)) else None


def saved_as(kind: Kind, seen: Seen, trial: str | None = None) -> str:
    """Return the name under which a browser saves it: of letters, digits and dashes, as the names of searches and trials are."""
    whose = "" if trial is None or trial == seen.now.selection.winner else f"-{trial}"
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in f"{seen.now.search.name}{whose}")
    return f"{safe}.{kind.ending}"
