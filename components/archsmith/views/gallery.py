"""What `archsmith spaces` shows: every space with its size, or one of them with its decisions and some architectures."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from archsmith.catalogue import describe_all
from archsmith.errors import SpecError, UnbuildableError, UnknownNameError
from archsmith.search import load
from archsmith.spaces import INSTALLED
from archsmith.spaces.decisions import Decision
from archsmith.spaces.space import Space, SpaceConfig
from archsmith.spec.yaml_document import read_pairs
from archsmith.spec.yaml_errors import describe
from archsmith.values import Architecture

_EXACT = 10**6
"""Sizes below it are written in full."""
_OPTION = "--set"
"""What errors in settings given to the command are said to stand in."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """A sampled architecture."""

    id: str
    """Its id."""
    text: str
    """Its notation."""
    n_params: int | None
    """Trainable parameters; None where there is no network."""
    flops: int | None
    """Multiply-adds of one image."""
    error: str | None = None
    """Why there is no network."""
    picture: str | None = None
    """The file that it was drawn into."""


def listing() -> list[dict[str, Any]]:
    """Return every space with its settings and its size by default, ready for JSON; the broken ones with their error."""
    rows = [{**row, "size": _default_size(INSTALLED[row["name"]])} for row in describe_all(INSTALLED)]
    return [*rows, *({"name": name, "error": error} for name, error in INSTALLED.broken.items())]


def listing_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Write the list for people."""
    wide = max(len(row["name"]) for row in rows)
    for row in rows:
        if "error" in row:
            yield f"{row['name']:<{wide}}  can't be used: {row['error']}"
            continue
        yield f"{row['name']:<{wide}}  {_size(row['size']):>10}  {row['summary']}"
        yield from _setting_lines(row["settings"])
    yield "\nThe number is the size with default settings; `archsmith spaces NAME --sample 3` shows some architectures."


def show(
    name: str | None,
    *,
    settings: Sequence[str] = (),
    file: str | None = None,
    n: int | None = None,
    draw: Path | None = None,
    seed: int = 0,
    shape: tuple[int, int, int] = (3, 32, 32),
    classes: int = 10,
) -> dict[str, Any]:
    """Return one space with its settings, its size, its decisions and some architectures, ready for JSON.

    Args:
        name: The space; that of the file where it is left out.
        settings: As `cells=4`; the others are the defaults.
        file: A search file to take the space with its settings from.
        n: Architectures to sample; one where they are to be drawn and nothing is said.
        draw: Where to draw: into this file, or for several architectures into NAME-1.svg, NAME-2.svg and so on.
        seed: Seed of the sampling.
        shape: Channels, height and width of the images that networks are counted on.
        classes: Outputs of the networks.

    Raises:
        UnknownNameError: There is no such space.
        PluginError: Another distribution's space can't be used.
        SpecError: The settings are wrong or missing, or the file is, or its space has another name.
    """
    wanted = n or (1 if draw else 0)
    if name is not None and not (wanted or settings or file) and _required(_config_of(name)):
        return {**_row(name), "size": None, "decisions": [], "samples": []}
    space = _open(name, settings, file)
    architectures = _sampled(space, wanted, seed)
    places = _drawn(space, architectures, draw) if draw else [None] * wanted
    samples = [_specimen(space, a, shape, classes, at) for a, at in zip(architectures, places, strict=True)]
    return {
        **_row(space.name),
        "size": space.size(),
        "decisions": [_decision(d) for d in space.decisions],
        "samples": [{k: v for k, v in asdict(s).items() if v is not None} for s in samples],
    }


def lines(shown: Mapping[str, Any]) -> Iterator[str]:
    """Write one space for people: with its decisions, or where there are architectures, with these instead."""
    yield f"{shown['name']}: {shown['summary']}"
    if shown["size"] is None:
        yield "Its size depends on settings that have no defaults."
    else:
        yield f"{_size(shown['size'])} architectures, {len(shown['decisions'])} decisions"
    if shown["samples"]:
        for specimen in shown["samples"]:
            yield from _specimen_lines(specimen)
        return
    yield "\nsettings and their defaults"
    yield from _setting_lines(shown["settings"])
    if shown["decisions"]:
        yield "\ndecisions"
    for decision in shown["decisions"]:
        condition = decision["condition"].replace("`", "")
        yield f"  {decision['name']}: {', '.join(map(str, decision['choices']))}{f'  (if {condition})' if condition else ''}"


def _decision(decision: Decision) -> dict[str, Any]:
    """Return what there is to know of a decision."""
    return {
        "name": decision.name,
        "choices": decision.choices,
        "when": decision.when,
        "if_active": decision.if_active,
        "condition": decision.condition,
        "ordered": decision.ordered,
    }


def _config_of(name: str) -> type[SpaceConfig]:
    if name not in INSTALLED:
        raise UnknownNameError("space", name, INSTALLED)
    return INSTALLED[name]


def _row(name: str) -> dict[str, Any]:
    (row,) = describe_all({name: INSTALLED[name]})
    return row


def _required(config: type[SpaceConfig]) -> list[str]:
    """Return the settings that have no default."""
    return [key for key, info in config.model_fields.items() if info.is_required()]


def _open(name: str | None, settings: Sequence[str], file: str | None) -> Space:
    """Make a space from settings, or take that of a search file."""
    if file is not None:
        search = load(file)
        if settings or name not in (None, search.spec.space.name):
            raise SpecError(f"{file} has the space {search.spec.space.name!r} with its settings; give no others beside `--file`.")
        return search.space
    assert name is not None
    config = _config_of(name)
    if (required := _required(config)) and not settings:
        hint = "write them into a search file, and give that with `--file`"
        raise SpecError(f"The space {name!r} has no defaults for {' and '.join(required)}; {hint}.")
    return _built(config, settings)


def _sampled(space: Space, n: int, seed: int) -> list[Architecture]:
    """Draw architectures, as a search does."""
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(n)]


def _default_size(config: type[SpaceConfig]) -> int | None:
    """Return the size with default settings; None where some settings have none."""
    return None if _required(config) else config().build().size()


def _size(size: int | None) -> str:
    """Write a size: in full, or in three digits where it is large."""
    if size is None:
        return "depends"
    return f"{size:,}" if size < _EXACT else f"{Decimal(size):.3g}".lower()


def _setting_lines(settings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for setting in settings:
        yield f"    {setting['name']}: {'required' if setting['required'] else json.dumps(setting['default'])}"


def _built(config: type[SpaceConfig], settings: Sequence[str]) -> Space:
    """Make a space of settings as they are given to the command."""
    document = read_pairs(settings, _OPTION)
    try:
        return config.model_validate(document.value).build()
    except ValidationError as error:
        raise SpecError(describe(document, [(config, (), error)])) from error
    except ValueError as error:
        raise SpecError(f"{_OPTION}: {error}") from error


def _drawn(space: Space, architectures: Sequence[Architecture], picture: Path) -> list[str]:
    """Draw each architecture into a file of its own; return the files."""
    from archsmith.report.pictures.graph import graph_png, graph_svg

    places = []
    for k, architecture in enumerate(architectures, start=1):
        place = picture.with_stem(f"{picture.stem}-{k}") if len(architectures) > 1 else picture
        graph = space.graph(architecture)
        try:
            place.write_bytes(graph_png(graph) if place.suffix == ".png" else graph_svg(graph).encode())
        except OSError as error:
            raise SpecError(f"The picture {str(place)!r} can't be written: {error.strerror}.") from error
        places.append(str(place))
    return places


def _specimen(space: Space, architecture: Architecture, shape: tuple[int, int, int], n_classes: int, at: str | None) -> Specimen:
    """Measure an architecture without training it."""
    from archsmith.models.cost import cost_of

    text = space.to_text(architecture)
    try:
        cost = cost_of(space, architecture, shape, n_classes)
    except UnbuildableError as error:
        return Specimen(architecture.id, text, None, None, str(error), at)
    return Specimen(architecture.id, text, cost.n_params, cost.flops, picture=at)


def _specimen_lines(specimen: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n{specimen['text']}"
    if "error" in specimen:
        yield f"  {specimen['id']}: no network: {specimen['error']}"
    else:
        yield f"  {specimen['id']}: {specimen['n_params']:,} parameters, {specimen['flops']:,} multiply-adds"
    if "picture" in specimen:
        yield f"  {specimen['picture']}"
