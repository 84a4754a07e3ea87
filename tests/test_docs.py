"""What the documents say is so: pages made from the code are up to date, links lead somewhere, examples are valid."""

import ast
import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest
import yaml

from archsmith.cli import cli
from archsmith.search import parse
from archsmith.spec.template import TEMPLATE

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Yield the code blocks of a language with the documents that they stand in."""
    for document in DOCUMENTS:
        for text in re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL):
            yield document.name, text


def commands(program: str) -> list[str]:
    """Return the calls of a program in the shell blocks, without what the shell adds to them."""
    lines = [line for _, text in blocks("sh") for line in text.splitlines()]
    found = [re.split(r" [|<>#&] ?", line)[0] for line in lines]
    return sorted({line.removeprefix(".venv/bin/") for line in found if re.match(rf"(\.venv/bin/)?{program} ", line)})


def files() -> list[str]:
    """Return the files of the repository that the documents name; `NAME` in one stands for any."""
    texts = [document.read_text() for document in DOCUMENTS]
    named = {path for text in texts for path in re.findall(r"\b(?:examples|benchmarks|docs)/[\w.-]+\.\w+", text)}
    return sorted(path for path in named if "NAME" not in path)


def headings(document: Path) -> set[str]:
    """Return the anchors of a document as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def reference() -> ModuleType:
    """Import the script that writes the reference pages."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_pages_say_what_the_code_does() -> None:
    written = {path.name: path.read_text() for path in (ROOT / "docs" / "reference").glob("*.md")}
    made = reference().pages()
    stale = [name for name in {**written, **made} if written.get(name) != made.get(name)]
    assert not stale, "run `make docs`"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", document.read_text()))
    for target in [t for t in targets if not t.startswith(("http://", "https://"))]:
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists(), target
        assert not anchor or anchor in headings(there), target


@pytest.mark.parametrize("line", commands("archsmith"))
def test_the_command_takes_every_call_of_it_in_the_documents(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    if not name.startswith("-"):
        cli.commands[name].make_context(name, arguments)  # it raises for what the command does not take


@pytest.mark.parametrize("path", files())
def test_every_file_that_the_documents_name_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("line", commands("make"))
def test_the_makefile_has_every_target_in_the_documents(line: str) -> None:
    patterns = re.findall(r"^([a-z%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    target = shlex.split(line)[1]
    assert any(re.fullmatch(pattern.replace("%", ".+"), target) for pattern in patterns)


@pytest.mark.parametrize(("document", "text"), list(blocks("yaml")))
def test_every_yaml_block_in_the_documents_is_a_valid_search_or_valid_values_of_the_chart(document: str, text: str) -> None:
    given = yaml.safe_load(text)
    if text.startswith("# values.yaml"):
        jsonschema.validate(given, json.loads((ROOT / "charts" / "archsmith" / "values.schema.json").read_text()))
        return
    if "apiVersion" not in given:  # a part of a spec
        whole = yaml.safe_load(TEMPLATE)
        if given.get("estimation", {}).get("name") == "table":
            del whole["spec"]["data"]
        given = {**whole, "spec": {**whole["spec"], **given}}
    parse(yaml.safe_dump(given), source=document)


@pytest.mark.parametrize(("document", "text"), list(blocks("python")))
def test_every_python_block_in_the_documents_is_python(document: str, text: str) -> None:
    ast.parse(text, filename=document)
