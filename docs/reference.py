"""Writes the pages in docs/reference/ from the code: `make docs`.

The search file's page is written from its JSON schema, those of the algorithms from their parts of it, and the
command's from the command itself; so a page is never at odds with what the code accepts.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import click
import yaml

from archsmith.cli import cli
from archsmith.schema import schema
from archsmith.search import REGISTRIES
from archsmith.values.metrics import METRICS, SPREAD
from archsmith.values.scores import ZERO_COST

FOLDER = Path(__file__).parent / "reference"
PAGES = {"space": "spaces", "strategy": "strategies", "estimation": "estimators", "stopping": "stoppers"}
"""The page of each section that belongs to an algorithm."""

Schema = Mapping[str, Any]


def pages() -> dict[str, str]:
    """Return the text of every page by the name of its file."""
    whole = schema()
    made = {"search-file": search_file(whole), "metrics": metrics(), "command": command()}
    made |= {PAGES[section]: algorithms(section, whole) for section in REGISTRIES}
    return {f"{name}.md": "\n".join([*lines, ""]) for name, lines in made.items()}


def search_file(whole: Schema) -> Iterator[str]:
    """Describe the search file, section by section."""
    yield from _head("The search file", "A YAML document. Every key is listed here; any other one is an error.")
    yield "`archsmith init` writes one with comments, `archsmith check FILE` checks one, and `archsmith schema` prints the"
    yield "JSON schema that this page is made from, for editors. What an objective may name: the [metrics](metrics.md).\n"
    yield from _table(whole["properties"], whole, required=whole["required"])
    pending, seen = ["Metadata", "SearchSpec"], set[str]()
    while pending:
        name = pending.pop(0)
        if name in seen:
            continue
        seen.add(name)
        section = whole["$defs"][name]
        yield from _section(_title(name), section, whole)
        pending += re.findall(r'"#/\$defs/(\w+)"', json.dumps({k: v for k, v in section["properties"].items() if k not in PAGES}))


def algorithms(section: str, whole: Schema) -> Iterator[str]:
    """Describe each algorithm that `section` of the search file may name."""
    part = whole["$defs"]["SearchSpec"]["properties"][section]
    title = PAGES[section].capitalize()
    yield from _head(title, f"What `spec.{section}.name` in a search file may be, and the keys that go beside the name.")
    shared = set[str]()
    for variant in part["oneOf"]:
        settings = {name: value for name, value in variant["properties"].items() if name != "name"}
        yield from _section(f"`{variant['properties']['name']['const']}`", {**variant, "properties": settings}, whole)
        shared |= _models(settings, whole)
    for name in sorted(shared):
        yield from _section(_title(name), whole["$defs"][name], whole)


def _models(part: Schema, whole: Schema) -> set[str]:
    """Return the models that a part of a schema refers to, directly or through others."""
    found, pending = set[str](), [part]
    while pending:
        new = set(re.findall(r'"#/\$defs/(\w+)"', json.dumps(pending.pop()))) - found
        found |= new
        pending += [whole["$defs"][name] for name in new]
    return found


def metrics() -> Iterator[str]:
    """Describe the metrics of a trial."""
    yield from _head("Metrics", "What a trial measures, and what an [objective](search-file.md#objective) may name.")
    yield from _rows(
        ("metric", "better", "unit", "meaning"),
        ((f"`{name}`", "more" if m.goal == "maximize" else "less", m.unit, m.doc) for name, m in METRICS.items()),
    )
    yield "A [table](../tables.md) may have metrics of your own beside these; an objective on one says which way is better.\n"
    yield f"\nBeside `latency_s`, a trial keeps `{SPREAD}`: half of the range of five measurements. A smaller difference between"
    yield "two networks is noise, and the report marks it. No objective names it.\n"
    yield "\n## Scores of untrained networks\n"
    yield "What `score` may be, of the estimator [`zero-cost`](estimators.md#zero-cost), whose trials have a metric of that name,"
    yield "and of a `screen` before training; more is better. What they are worth: [scores.md](../scores.md).\n"
    yield from _rows(("score", "meaning", "reference"), ((f"`{name}`", s.doc, s.reference) for name, s in ZERO_COST.items()))


def command() -> Iterator[str]:
    """Describe the command and its subcommands."""
    yield from _head("The command", "`archsmith COMMAND --help` says the same.")
    yield "Exit status: 0, or 1 where the work failed, or 2 where the call, the search file or the data are wrong, or 75 where"
    yield "the same call may succeed later (a server was away, a process was killed), or 130 after Ctrl-C, or 143 after SIGTERM."
    yield "An error is a line or two on standard error; where `ARCHSMITH_ERROR_FILE` names a file, it is there too, as JSON of at"
    yield "most 4096 bytes.\n"
    for name, sub in sorted(cli.commands.items()):
        about, _, example = (sub.help or "").partition("\b\nExample:")
        yield f"## `{_usage(name, sub)}`\n\n{about.strip()}\n"
        options = [p for p in sub.params if isinstance(p, click.Option)]
        if options:
            yield from _rows(("option", "meaning"), ((f"`{_option(o)}`", _about(o)) for o in options))
        yield f"```sh\n{dedent(example).strip()}\n```\n"


def _usage(name: str, sub: click.Command) -> str:
    arguments = [p for p in sub.params if isinstance(p, click.Argument)]
    return " ".join(["archsmith", name, *(f"{a.human_readable_name.upper()}{'...' * (a.nargs == -1)}" for a in arguments)])


def _option(option: click.Option) -> str:
    choices = f"{{{','.join(map(str, option.type.choices))}}}" if isinstance(option.type, click.Choice) else ""
    value = "" if option.is_flag else f" {option.metavar or choices or (option.name or '').upper()}"
    return ", ".join(option.opts) + value


def _about(option: click.Option) -> str:
    return (option.help or "") + (f" Default: `{option.default}`." if option.show_default else "")


def _head(title: str, about: str) -> Iterator[str]:
    yield f"# {title}\n"
    yield "<!-- Written by `make docs` from the code; do not edit. -->\n"
    yield f"{about}\n"


def _section(title: str, section: Schema, whole: Schema) -> Iterator[str]:
    yield f"## {title}\n\n{section.get('description', '')}\n"
    if section["properties"]:
        yield from _table(section["properties"], whole, required=section.get("required", []))


def _table(properties: Schema, whole: Schema, *, required: Iterable[str]) -> Iterator[str]:
    yield from _rows(
        ("key", "value", "default", "meaning"),
        (
            (f"`{key}`", _kind(key, value, whole), _default(value, key in required), value.get("description", ""))
            for key, value in properties.items()
        ),
    )


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Write a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in row)} |"
    yield ""


def _default(value: Schema, required: bool) -> str:
    """Write the default as in a search file; that of a whole section is said there, key by key."""
    if required:
        return "required"
    default = _without_none(value.get("default"))
    if default in (None, {}) or value.get("$ref", "").endswith("Spec"):
        return ""
    text = yaml.safe_dump(default, default_flow_style=True, sort_keys=False, width=1000)
    return f"`{text.removesuffix('...' + chr(10)).strip()}`"


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list) else value


def _kind(key: str, value: Schema, whole: Schema) -> str:
    """Say in words what a value may be."""
    if "oneOf" in value and key in PAGES:
        return f"one of the [{PAGES[key]}]({PAGES[key]}.md)"
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{_title(name)}](#{_anchor(_title(name))})"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    if options := value.get("anyOf", value.get("oneOf")):
        return " or ".join(dict.fromkeys(_kind(key, option, whole) for option in options if option.get("type") != "null"))
    if value.get("type") == "array":
        items = dict.fromkeys(_kind(key, item, whole) for item in value.get("prefixItems", [value.get("items")]))
        return f"list of: {', '.join(items)}"
    if value.get("type") == "object":
        return f"mapping of text to {_kind(key, value['additionalProperties'], whole)}"
    return _scalar(value)


def _scalar(value: Schema) -> str:
    words = {"string": "text", "number": "number", "integer": "integer", "boolean": "true or false"}
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {value[name]}" for name, sign in bounds.items() if name in value]
    pattern = [f"`{value['pattern']}`"] if "pattern" in value else []
    return ", ".join([words[value["type"]], *limits, *pattern])


def _title(name: str) -> str:
    """Write the name of a model as a heading: `BudgetSpec` is Budget, `SearchSpec` is Spec."""
    return {"SearchSpec": "Spec"}.get(name, name.removesuffix("Spec"))


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def main() -> None:
    """Write the pages, and remove those of former times."""
    FOLDER.mkdir(exist_ok=True)
    made = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{FOLDER}: {', '.join(sorted(made))}\n")


if __name__ == "__main__":
    main()
