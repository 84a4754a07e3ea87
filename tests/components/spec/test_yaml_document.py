import json
import math
import random
import re
from typing import Any

import pytest
import yaml

from archsmith.errors import SpecError
from archsmith.spec.yaml_document import read_yaml, write_line, write_yaml

HOLD = "but must hold a mapping with the keys apiVersion, kind, metadata and spec."


def _no_tag(tag: str) -> str:
    return f"f.yaml:1: it has the tag {tag}, which no value of this kind has in a search file."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", f"f.yaml: the file is empty, {HOLD}"),
        ("# only a comment\n", f"f.yaml: the file is empty, {HOLD}"),
        ("- a\n- b\n", f"f.yaml: the file holds a list, {HOLD}"),
        ("hello\n", f"f.yaml: the file holds a single value, {HOLD}"),
        ("a: 1\nb:\n  c: 2\n  d: 3\n  c: 4\n", "f.yaml:5: the key `c` is in line 3 already; keep one of them."),
        (
            "a: 1\nb: [010]\n",
            "f.yaml:2: the number is 010, but must not begin with 0: kubectl reads it as octal. Write 10, or put it into quotes "
            "where it is text.",
        ),
        ("a: {b: 1, b: 2}\n", "f.yaml:1: the key `b` is in line 1 already; keep one of them."),
        ("a:\n  - {b: 1}\n  - b: 1\n    b: 2\n", "f.yaml:4: the key `b` is in line 3 already; keep one of them."),
        (
            "a: {b: 1\n",
            "f.yaml:2: the file is not YAML: expected ',' or '}', but got the end of the file while parsing a flow mapping.",
        ),
        (
            "a: 1\n b: 2\n",
            "f.yaml:2: the file is not YAML: mapping values are not allowed here.",
        ),
        (
            "a:\n\tb: 1\n",
            "f.yaml:2: the file is not YAML: found character '\\t' that cannot start any token while scanning for the next "
            "token. Indent with spaces, not with tabs.",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "f.yaml:2: the file is not YAML: expected a single document in the stream, but found another document.",
        ),
        ("a: !!python/object:os.system {}\n", _no_tag("!!python/object:os.system")),
        ("a: !!set {b: 1}\n", _no_tag("!!set")),
        ("a: !!timestamp 2001-99-99\n", _no_tag("!!timestamp")),
        ("a: !!int [1]\n", _no_tag("!!int")),
        ("a: !mine b\n", _no_tag("!mine")),
        ("? !!binary YQ==\n: 1\n", _no_tag("!!binary")),
        ("a: !!int two\n", "f.yaml:1: it has the tag !!int, but 'two' is no such value."),
        ("a: 1\nb: {!!float x: 1}\n", "f.yaml:2: it has the tag !!float, but 'x' is no such value."),
        ("a: !!bool yes\n", "f.yaml:1: it has the tag !!bool, but 'yes' is no such value."),
        (f"a: {'9' * 5000}\n", "f.yaml:1: the number has 5,000 digits, which no setting has."),
        (f"a: 1{'0' * 300}\n", "f.yaml:1: the number has 301 digits, which no setting has."),
        (f"a: {'0' * 5000}\n", "f.yaml:1: the number has 5,000 digits, which no setting has."),
        ("? [a]\n: 1\n", "f.yaml:1: the file is not YAML: found unhashable key while constructing a mapping."),
        ("a: *b\n", "f.yaml:1: the file is not YAML: found undefined alias 'b'."),
        ("a: \0\n", None),
    ],
)
def test_what_is_no_yaml_or_no_mapping_is_said_with_its_line(text: str, said: str | None) -> None:
    with pytest.raises(SpecError) as caught:
        read_yaml(text, "f.yaml")
    if said is None:
        assert str(caught.value).startswith("f.yaml")
        assert "the file is not YAML: " in str(caught.value)
        assert "\n" not in str(caught.value)
    else:
        assert str(caught.value) == said


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("-2.5e+1", -25.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("'010'", "010"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        (".inf", math.inf),
        ("'1'", "1"),
        # Texts in YAML 1.2, which YAML 1.1 takes for something else:
        ("no", "no"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("e3", "e3"),
        ("1e", "1e"),
    ],
)
def test_values_are_those_of_yaml_1_2(written: str, value: Any) -> None:
    read = read_yaml(f"a: {written}\n", "f.yaml").value["a"]
    assert read == value
    assert type(read) is type(value)


def test_anchors_and_merges_work_and_may_be_used_many_times() -> None:
    text = "a: &x {k: 1}\nb: *x\nc: {<<: *x, l: 2}\n"
    assert read_yaml(text, "f.yaml").value == {"a": {"k": 1}, "b": {"k": 1}, "c": {"k": 1, "l": 2}}


TEXT = """\
a: 1
b:
  c:
    - d: 1
    -
      d: 2
      e: [3,
          4]
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("a",), 1),
        (("b",), 2),
        (("b", "c"), 3),
        (("b", "c", 0, "d"), 4),
        (("b", "c", 1), 6),
        (("b", "c", 1, "e", 1), 8),
        (("b", "c", 1, "nothing"), 6),
        (("b", "nothing", "d"), 2),
        (("nothing",), 1),
        (("b", "c", 7), 3),
    ],
)
def test_a_path_leads_to_its_line_or_to_the_closest_one_above(path: tuple[str | int, ...], line: int) -> None:
    assert read_yaml(TEXT, "f.yaml").line(path) == line


def test_a_path_is_cut_to_what_is_there() -> None:
    document = read_yaml(TEXT, "f.yaml")
    assert document.within(("b", "c", 1, "e")) == ("b", "c", 1, "e")
    assert document.within(("b", "literal['auto']")) == ("b",)
    assert document.within(("b", "int", "c")) == ("b", "c")


NASTY = (
    "", " ", "~", "null", "Null", "yes", "No", "on", "OFF", "y", "N", "true", "False", "1", "-1", "+1", "007", "09", "0x10",
    "0o17", "0b11", "1_000", "1e3", "1E-3", "1.5e+3", ".5", "1.", "1.0.0", ".inf", "-.Inf", ".NaN", "1:30", "190:20:30.15",
    "2026-01-01", "2026-01-01T02:03:04Z", "=", "<<", "!x", "&x", "*x", "#x", "a #b", "a: b", "a:", "- a", "-", "?", "|", ">",
    "? a", "0_9", "%a", "@a", "`a", "{}", "[]", "{a: 1}", "a\nb", "a\n", "\na", "\n", " a", "a ", "\ta", "a\tb", "'", '"',
    "'a'", "a'b", '"a"', "\\", "\\n", "a\\", "---", "...", "--- a", "\x7f", "\x85", "\u2028", "a\u2029b", "\ufeff", "\ufffe",
    "\r", "a\r\nb", "\x01", "\x1b[0m", "x" * 300, "a b " * 100, "größe", "日本", "🚀",
)  # fmt: skip
"""Texts that one reader of YAML or another takes for something else, or that are hard to write."""

PLAIN_IN_GO = re.compile(r"[-+]?(0[xXoObB])?[.\d][\d_a-fA-F.]*([eE][-+]?\d+)?|~|y|n|yes|no|on|off|null|true|false", re.IGNORECASE)
"""What the reader of kubectl and of KFP's server takes for no text, where it stands without quotes."""


def nasty_values(seed: int) -> Any:
    """Draw a nested value with nasty texts as keys and values."""
    rng = random.Random(seed)

    def draw(depth: int) -> Any:
        kind = rng.choice(["text"] * 4 + ["number", "other", *(["list", "map"] * (depth < 4))])
        if kind == "list":
            return [draw(depth + 1) for _ in range(rng.randrange(4))]
        if kind == "map":
            return {rng.choice(NASTY): draw(depth + 1) for _ in range(rng.randrange(4))}
        if kind == "text":
            return rng.choice(NASTY) + rng.choice(["", "", rng.choice(NASTY)])
        return rng.choice([0, -7, 10**20, 0.1, 1e-9, 1e22, -2.5, 3.0] if kind == "number" else [True, False, None])

    return {text: draw(0) for text in rng.sample(NASTY, 8)}


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_a_text_is_written_so_that_every_reader_of_yaml_reads_that_text(text: str) -> None:
    document = {"a": text, "b": [text], "c": {text: 1}}
    written = write_yaml(document)
    assert read_yaml(written, "f.yaml").value == document
    assert yaml.safe_load(written) == document
    scalar = written.splitlines()[0].removeprefix("a:").strip()
    assert not PLAIN_IN_GO.fullmatch(scalar)


@pytest.mark.parametrize("seed", range(200))
def test_a_value_comes_back_as_it_was_written(seed: int) -> None:
    value = nasty_values(seed)
    assert read_yaml(write_yaml(value), "f.yaml").value == value
    assert yaml.safe_load(write_yaml(value)) == value
    (line,) = write_line(value).split("\n")
    assert read_yaml(line, "f.yaml").value == value
    assert json.loads(line) == value


def test_several_documents_are_several() -> None:
    assert list(yaml.safe_load_all(write_yaml({"a": 1}, {"b": "no"}))) == [{"a": 1}, {"b": "no"}]


def test_a_document_that_is_nested_beyond_reason_is_refused_with_its_line() -> None:
    for text in ("\n" + "[" * 5000, "a: " + "{a: " * 5000, "\n".join(" " * k + "a:" for k in range(1500)), "- " * 3000):
        with pytest.raises(SpecError, match=r"^f\.yaml:\d+: it is nested more than 100 deep"):
            read_yaml(text, "f.yaml")
    assert read_yaml("a: " + "[" * 90 + "]" * 90, "f.yaml").value


def test_aliases_that_stand_for_more_than_any_file_holds_are_refused() -> None:
    bomb = "\n".join(
        [
            'a0: &a0 ["lol", "lol", "lol", "lol", "lol", "lol", "lol", "lol", "lol"]',
            *(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 12)),
        ]
    )
    with pytest.raises(SpecError, match=r"^f\.yaml:\d+: it holds more than 100000 values"):
        read_yaml(bomb, "f.yaml")


@pytest.mark.parametrize("text", ["a: &x [1, *x]\n", "a: &a [*a]", "a: &a {b: {c: *a}}", "a: &a {b: &b [*a], c: *b}"])
def test_an_alias_within_its_own_anchor_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=r"^f\.yaml:1: an alias stands within what it stands for"):
        read_yaml(text, "f.yaml")


def test_an_anchor_may_be_used_more_than_once() -> None:
    assert read_yaml("a: &a [1, &b {x: 2}]\nc: *a\nd: [*a, *b, *b]", "f.yaml").value["d"] == [[1, {"x": 2}], {"x": 2}, {"x": 2}]
