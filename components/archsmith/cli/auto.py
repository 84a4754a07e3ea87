"""The command that needs images and minutes only."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import click

from archsmith.cli.command import JSON, STORE, command, warn
from archsmith.errors import SpecError, unknown
from archsmith.spec import API_VERSION, NAME, DataSpec
from archsmith.values.metrics import METRICS

FIRST_LINE = "# Chosen for "
"""How a file begins that this command has written: another one is not overwritten."""


@command(
    "archsmith auto photos/ --minutes 30\n  archsmith auto digits --minutes 5 --limit n_params=20000\n"
    "  archsmith auto s3://data/photos --minutes 60 --gpu 1 --dry-run"
)
@click.argument("data")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), required=True, help="Time for all of it.")
@click.option("--gpu", type=click.IntRange(min=0), default=0, help="GPUs that may be used.")
@click.option("--limit", "limits", multiple=True, metavar="METRIC=NUMBER", help="What the network may have at most; repeatable.")
@click.option("--name", metavar="NAME", help="Name of the search; made of the data and the minutes where left out.")
@STORE
@click.option("--dry-run", is_flag=True, help="Look, measure, say what would be done and how long it takes; write nothing.")
@JSON
def auto(
    data: str,
    minutes: float,
    gpu: int,
    limits: tuple[str, ...],
    name: str | None,
    store: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Search, train, test and export a network for the images of DATA, in so many minutes; all else is chosen.

    DATA is a folder with a folder of images a class, an .npz file, an s3:// URI of one of them, or one of digits, fashion-mnist
    and cifar10. What is chosen is said with reasons, and written as a search file, NAME.yaml, that repeats it. Run again, the
    command goes on where it stopped.
    """
    began = time.time()
    if name is not None and not re.fullmatch(NAME, name):
        text = (
            f"got {name!r}, but must be lower case letters, digits and dashes, at most 63 of them, and begin and end with no dash"
        )
        raise click.BadParameter(text, param_hint="--name")
    asked = asked_for(data, minutes, gpu, limits, name)
    if dry_run:
        _say_plan(asked, store, began, as_json)
    else:
        _run(asked, store, began, as_json)


def asked_for(data: str, minutes: float, gpu: int, limits: tuple[str, ...], name: str | None) -> dict[str, Any]:
    """Return the open search file of the command's arguments."""
    objectives = [{"metric": "accuracy", "goal": "maximize"}, *map(_limit, limits)]
    if twice := [metric for metric, n in Counter(o["metric"] for o in objectives).items() if n > 1]:
        raise click.BadParameter(f"{twice[0]} is given twice; keep one of them", param_hint="--limit")
    return {
        "apiVersion": API_VERSION,
        "kind": "Search",
        "metadata": {"name": name or _name(data, minutes)},
        "spec": {
            "data": _data(data),
            **({"objectives": objectives} if limits else {}),
            "budget": {"minutes": minutes},
            **({"resources": {"gpu": gpu}} if gpu else {}),
        },
    }


def _data(data: str) -> dict[str, str]:
    """Return the section `data` for what the user calls them."""
    known = [name for name in get_args(DataSpec.model_fields["name"].annotation) if name not in {"npz", "folder"}]
    if data in known:
        return {"name": data}
    remote = data.lower().startswith("s3://")
    try:
        path = data.rstrip("/") if remote else str(Path(data).expanduser().absolute())
        there = remote or Path(path).exists()
    except (RuntimeError, ValueError, OSError) as error:  # no such user, no such path, or none that one may see
        why = (error.strerror if isinstance(error, OSError) else None) or str(error).rstrip(".")
        raise SpecError(f"{data!r} can't be looked at: {why}.") from error
    if not there:
        raise SpecError(f"There is no {data!r} here; give a folder, an .npz file, an s3:// URI, or one of {', '.join(known)}.")
    return {"name": "npz" if data.lower().endswith(".npz") else "folder", "path": path}


def _name(data: str, minutes: float) -> str:
    """Make a name of the data and the minutes."""
    stem = re.sub(r"\.npz$", "", data.rstrip("/").rpartition("/")[2].lower())
    end = re.sub(r"[^a-z0-9]+", "-", f"{minutes:g}min")
    begin = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[: 62 - len(end)].strip("-") or "images"
    name = f"{begin}-{end}"
    assert re.fullmatch(NAME, name), name
    return name


def _limit(text: str) -> dict[str, Any]:
    metric, equals, number = text.partition("=")
    try:
        limit = float(number)
    except ValueError:
        limit = None
    if not equals or limit is None:
        raise click.BadParameter(f"got {text!r}, but must be like n_params=500000", param_hint="--limit")
    if metric not in METRICS:
        raise click.BadParameter(unknown("metric", metric, METRICS), param_hint="--limit")
    if metric == "accuracy":
        text = "accuracy is what is searched for; a limit says what a network may have at most, as in n_params=500000"
        raise click.BadParameter(text, param_hint="--limit")
    return {"metric": metric, "limit": limit}


def _run(asked: dict[str, Any], store: str | None, began: float, as_json: bool) -> None:
    from archsmith.runner import run as run_search
    from archsmith.views.chosen import plan_of
    from archsmith.views.places import present
    from archsmith.views.terminal import show_result, watching

    file = Path(f"{asked['metadata']['name']}.yaml")
    if file.exists() and not (file.is_file() and file.read_bytes().startswith(FIRST_LINE.encode())):
        raise SpecError(f"The file {file} is not one of this command's, which would write its own there; give another `--name`.")
    with watching(stderr=as_json) as watch:
        result = run_search(asked, store=store, watch=watch, warn=warn)
    kept = _keep(file, result.search.text)
    seconds, plan = time.time() - began, plan_of(result.folder)
    if as_json:
        found = result.snapshot.to_dict(present(result.folder, result.search, result.store))
        choices = [choice.to_dict() for choice in plan.choices] if plan else []
        auto = {"minutes": asked["spec"]["budget"]["minutes"], "seconds": seconds, "choices": choices, "file": str(file)}
        click.echo(json.dumps({**found, "auto": auto}, indent=2))
        return
    show_result(result)
    click.echo(f"It took {seconds / 60:.1f} of {asked['spec']['budget']['minutes']:g} minutes. {kept}")


def _keep(file: Path, text: str) -> str:
    """Write the search file, unless there is one that somebody may have changed; say what has come of it."""
    try:
        if file.exists() and file.read_text(encoding="utf-8") != text:
            return f"{file} is another one than was written for it, and is left as it is."
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        return f"{file} can't be written ({error.strerror}); the store has it, as search.yaml."
    return f"{file} repeats it, under another name."


def _say_plan(asked: dict[str, Any], store: str | None, began: float, as_json: bool) -> None:
    from archsmith.look import look_at_open
    from archsmith.runner import store_uri
    from archsmith.search import from_object

    search = from_object(asked, source="the search")
    found = look_at_open(search, store_uri(search, store), began)
    if as_json:
        choices = [choice.to_dict() for choice in found.choices]
        auto = {"minutes": search.spec.budget.minutes, "choices": choices, "seconds": dict(found.seconds)}
        said = {"name": search.name, "data": found.counted, "warnings": found.warnings}
        click.echo(json.dumps({**said, "auto": auto, "file": found.file}, indent=2))
        return
    for line in found.counted:
        click.echo(line)
    for choice in found.choices:
        click.echo(f"- {choice.words}")
    click.echo("Nothing was written; the same command without --dry-run does it.")
    for text in found.warnings:
        warn(text)
