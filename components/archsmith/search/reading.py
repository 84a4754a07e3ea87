"""Reads a search from its file: every section is checked against the algorithm that it names, and then the whole."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from archsmith.elsewhere import ELSEWHERE
from archsmith.errors import PluginError, SpecError, unknown
from archsmith.evaluation import ESTIMATORS
from archsmith.evaluation import INSTALLED as INSTALLED_ESTIMATORS
from archsmith.evaluation.config import TrainConfig
from archsmith.evaluation.stopping import INSTALLED as INSTALLED_STOPPERS
from archsmith.evaluation.stopping import STOPPERS
from archsmith.open_file import is_open, open_faults
from archsmith.search.fitting import below_spec, metric_mistakes, try_out, unmeasured
from archsmith.search.search import Search
from archsmith.spaces import INSTALLED, SPACES
from archsmith.spec import AUTO, Named, SearchObject, SearchSpec
from archsmith.spec.yaml_document import Located, read_yaml, write_yaml
from archsmith.spec.yaml_errors import Mistake, describe
from archsmith.strategies import INSTALLED as INSTALLED_STRATEGIES
from archsmith.strategies import STRATEGIES

REGISTRIES: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "space": INSTALLED, "strategy": INSTALLED_STRATEGIES, "estimation": INSTALLED_ESTIMATORS, "stopping": INSTALLED_STOPPERS,
}  # fmt: skip
"""Where the sections that belong to an algorithm are looked up."""

OURS: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "space": SPACES, "strategy": STRATEGIES, "estimation": ESTIMATORS, "stopping": STOPPERS,
}  # fmt: skip
"""The same without what other distributions bring along."""

KINDS: Mapping[str, str] = {"space": "space", "strategy": "strategy", "estimation": "estimator", "stopping": "stopper"}
"""What the sections name."""


def load(path: str | Path) -> Search:
    """Read a search file; `-` is standard input, where relative paths begin in the working directory.

    Raises:
        SpecError: There is no such file, or it is wrong; the message has a line a mistake.
    """
    piped = str(path) == "-"
    try:
        text = (sys.stdin.buffer.read() if piped else Path(path).read_bytes()).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "`archsmith init` writes one to start from."
        raise SpecError(f"The search file {str(path)!r} can't be read: {reason}. {hint}") from error
    return parse(text, source="standard input") if piped else parse(text, source=str(path), beside=Path(path).absolute().parent)


def parse(text: str, *, source: str = "search.yaml", beside: Path | None = None, runs_here: bool = True) -> Search:
    """Read the text of a search file.

    Args:
        text: The text.
        source: What it is called in errors.
        beside: The folder for relative paths in it.
        runs_here: Whether its algorithms are to run in this process. Where they are not, and it has an image of its own, a name
            that is unknown here may be known there: something stands for it, which runs nothing.

    Raises:
        SpecError: It is wrong; the message has a line a mistake.
    """
    return _checked(text, read_yaml(text, source), beside, runs_here=runs_here)


def from_object(given: Mapping[str, Any], *, source: str, runs_here: bool = True) -> Search:
    """Make a search of a value, such as an object of Kubernetes; its text is that value, written as a search file.

    Nothing is read back from the text: what is text in the value stays text, also where it looks like a number.

    Args:
        given: The value.
        source: What it is called in errors.
        runs_here: As in `parse`.

    Raises:
        SpecError: It is wrong; the message has a line a mistake, and `source` in place of a file and its lines.
    """
    return _checked(write_yaml(given), Located(source, given), runs_here=runs_here)


def _checked(text: str, document: Located, beside: Path | None = None, *, runs_here: bool = True) -> Search:
    """Check a document as a whole, and return the search that it is."""
    open_, lenient = is_open(document.value), not runs_here and _has_an_image(document)
    configs, mistakes = _provisional(document) if open_ else _resolve(document, lenient=lenient)
    mistakes += metric_mistakes(document, configs)
    try:
        parsed = SearchObject.model_validate(document.value)
    except ValidationError as error:
        raise SpecError(describe(document, [(SearchObject, (), error), *mistakes])) from error
    if mistakes:
        raise SpecError(describe(document, mistakes))
    search = Search(text, parsed, configs["space"], configs["strategy"], configs["estimation"], configs.get("stopping"), beside)
    if not open_:
        try_out(document, search)
    elif mistakes := list(unmeasured(search)):
        raise SpecError(describe(document, mistakes))
    return search


def _provisional(document: Located) -> tuple[dict[str, Any], list[Mistake]]:
    """Return settings that stand for those which the first step chooses, and what is wrong with an open file.

    Whatever is chosen has this shape: no rounds, no shared weights, images that networks are trained on.
    """
    configs = {"space": SPACES["chain"](), "strategy": STRATEGIES["random"](), "estimation": TrainConfig()}
    return configs, list(below_spec(open_faults(document.value["spec"])))


def _has_an_image(document: Located) -> bool:
    """Tell whether a search says which image its pods have."""
    spec = document.value.get("spec")
    cluster = spec.get("cluster") if isinstance(spec, dict) else None
    return isinstance(cluster, dict) and bool(cluster.get("image"))


def _resolve(document: Located, *, lenient: bool = False) -> tuple[dict[str, Any], list[Mistake]]:
    """Check the sections that belong to an algorithm; return their settings by section, and what is wrong.

    Args:
        document: The document.
        lenient: Whether something stands for what is unknown.
    """
    configs: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for section, registry in REGISTRIES.items():
        named = _named(document, section)
        if named is None or (named.name == AUTO and not _says_name(document, section)):
            continue  # what is missing is said by `SearchObject`
        if named.name not in registry and lenient:
            registry = {named.name: ELSEWHERE[section]}
        if named.name not in registry:
            mistakes.append((Named, ("spec", section, "name"), unknown(KINDS[section], named.name, registry)))
            continue
        try:
            configs[section] = registry[named.name].model_validate(named.settings)
        except ValidationError as error:
            mistakes.append((registry[named.name], ("spec", section), error))
        except PluginError as error:
            mistakes.append((Named, ("spec", section, "name"), str(error)))
    return configs, mistakes


def _named(document: Located, section: str) -> Named | None:
    """Return a section as a name and its settings; None where it is not even that, which `SearchObject` says."""
    field = SearchSpec.model_fields[section]
    spec = document.value.get("spec")
    if not isinstance(spec, dict) or section not in spec:
        return None if field.is_required() else field.default
    try:
        return Named.model_validate({"name": getattr(field.default, "name", None), **spec[section]})
    except (TypeError, ValidationError):
        return None


def _says_name(document: Located, section: str) -> bool:
    spec = document.value.get("spec")
    given = spec.get(section) if isinstance(spec, dict) else None
    return isinstance(given, dict) and "name" in given
