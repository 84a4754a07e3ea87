"""The commands that list what there is to name in a search file: spaces, strategies, estimators, stoppers."""

import json
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from archsmith.cli.command import JSON, command


def _shape(_: click.Context, __: click.Parameter, text: str) -> tuple[int, ...]:
    """Read `3,32,32`."""
    parts = text.split(",")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) for part in parts):
        raise click.BadParameter(f"got {text!r}, but must be channels, height and width, as in 3,32,32")
    return tuple(map(int, parts))


def _picture(_: click.Context, __: click.Parameter, text: str | None) -> Path | None:
    """Read the name of a picture."""
    if text is not None and Path(text).suffix not in (".svg", ".png"):
        raise click.BadParameter(f"got {text!r}, but must end in .svg or .png")
    return Path(text) if text is not None else None


@command("archsmith spaces cell --sample 3 --draw out.svg")
@click.argument("name", required=False)
@click.option("--sample", "n", type=click.IntRange(min=1), help="Sample so many architectures, and count their parameters.")
@click.option("--draw", metavar="FILE", callback=_picture, help="Draw them: .svg or .png; several into FILE-1, FILE-2, ...")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sampling.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="A setting of the space; again for more.")
@click.option("--file", metavar="FILE", help="A search file, to take the space with its settings from there.")
@click.option("--shape", default="3,32,32", show_default=True, callback=_shape, help="Of the images: channels, height, width.")
@click.option("--classes", type=click.IntRange(min=1), default=10, show_default=True, help="Classes of the images.")
@JSON
def spaces(name: str | None, as_json: bool, **options: Any) -> None:
    """List the search spaces with their sizes, or show the one called NAME."""
    from archsmith.spaces import INSTALLED
    from archsmith.views import gallery

    shown: Any
    if name is None and options["file"] is None:
        if options["n"] or options["draw"] or options["settings"]:
            raise click.UsageError(
                f"--sample, --draw and --set need the NAME of a space, or a --file; NAME is one of: {', '.join(INSTALLED)}."
            )
        shown = gallery.listing()
        text = gallery.listing_lines(shown)
    else:
        shown = gallery.show(name, **options)
        text = gallery.lines(shown)
    click.echo(json.dumps(shown, indent=2) if as_json else "\n".join(text))


def _list(kind: str, module: str, more: Callable[[], Iterable[str]] = tuple) -> click.Command:
    """Make the command that lists a registry; its module is imported when it is called. `more` are lines for people after it."""

    def listing(as_json: bool) -> None:
        from archsmith.catalogue import describe_installed

        rows = describe_installed(import_module(module).INSTALLED)
        if as_json:
            click.echo(json.dumps(rows, indent=2))
            return
        for row in rows:
            if "error" in row:
                click.echo(f"{row['name']:<12} can't be used: {row['error']}")
                continue
            whose = f" (of {row['distribution']})" if row["distribution"] else ""
            click.echo(f"{row['name']:<12} {row['summary']}{whose}")
            for setting in row["settings"]:
                default = "required" if setting["required"] else json.dumps(setting["default"])
                click.echo(f"{'':<12}   {setting['name']}: {default}")
        for line in more():
            click.echo(line)

    listing.__name__, listing.__doc__ = kind, f"List the {kind}."
    return command(f"archsmith {kind} --json")(JSON(listing))


def _scores() -> Iterator[str]:
    """Yield a line for each score of untrained networks."""
    from archsmith.values.scores import ZERO_COST

    yield "\nWhat `score` may be, of zero-cost, and of a `screen`:"
    for name, facts in ZERO_COST.items():
        yield f"{name:<15} {facts.doc}{f' ({facts.reference})' if facts.reference else ''}"


strategies = _list("strategies", "archsmith.strategies")
estimators = _list("estimators", "archsmith.evaluation", _scores)
stoppers = _list("stoppers", "archsmith.evaluation.stopping")
