"""What `archsmith spaces` shows."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from archsmith.errors import SpecError, UnknownNameError
from archsmith.models.cost import cost_of
from archsmith.spaces import SPACES
from archsmith.spaces.chain import ChainConfig
from archsmith.views import gallery

EXAMPLE = str(Path(__file__).parents[3] / "examples" / "own-space.yaml")

SMALL = ("layers={min: 1, max: 2}", "operations=[conv]")


def test_every_space_is_listed_with_its_exact_size_and_its_settings() -> None:
    rows = {row["name"]: row for row in json.loads(json.dumps(gallery.listing()))}
    assert set(rows) >= set(SPACES)
    assert rows["nas-bench-201"]["size"] == 15_625
    assert rows["chain"]["size"] == ChainConfig().build().size()
    assert rows["yaml"]["size"] is None
    assert {s["name"] for s in rows["chain"]["settings"]} == set(ChainConfig.model_fields)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (42, "42"),
        (15_625, "15,625"),
        (999_999, "999,999"),
        (1_000_000, "1.00e+6"),
        (1_234_567, "1.23e+6"),
        (1234 * 10**400, "1.23e+403"),
        (None, "depends"),
    ],
)
def test_a_size_is_written_in_full_or_in_three_digits_however_large(size: int | None, said: str) -> None:
    row = {"name": "x", "summary": "A space.", "settings": [], "size": size}
    assert next(gallery.listing_lines([row])).split() == ["x", said, "A", "space."]


def test_a_space_that_can_not_be_used_is_listed_with_the_reason() -> None:
    assert next(gallery.listing_lines([{"name": "x", "error": "it is broken"}])) == "x  can't be used: it is broken"


def test_a_space_alone_is_shown_with_its_settings_its_size_and_its_decisions() -> None:
    shown = gallery.show("chain", settings=SMALL)
    space = ChainConfig.model_validate({"layers": {"min": 1, "max": 2}, "operations": ["conv"]}).build()
    assert shown["size"] == space.size()
    assert [d["name"] for d in shown["decisions"]] == [d.name for d in space.decisions]
    assert shown["samples"] == []
    text = "\n".join(gallery.lines(shown))
    assert f"{space.size():,} architectures, {len(space.decisions)} decisions" in text
    assert "  filters_2: 16, 32, 64, 96  (if op_2 is conv)" in text
    assert "    filters: [16, 32, 64, 96]" in text


def test_samples_are_those_of_the_seed_with_their_notation_and_costs() -> None:
    shown = gallery.show("chain", settings=SMALL, n=3, seed=5, shape=(1, 8, 8), classes=4)
    space = ChainConfig.model_validate({"layers": {"min": 1, "max": 2}, "operations": ["conv"]}).build()
    assert len(shown["samples"]) == 3
    for sample in shown["samples"]:
        architecture = space.from_text(sample["text"])
        cost = cost_of(space, architecture, (1, 8, 8), 4)
        assert (sample["id"], sample["n_params"], sample["flops"]) == (architecture.id, cost.n_params, cost.flops)
        assert f"{cost.n_params:,} parameters" in "\n".join(gallery.lines(shown))
    assert shown == gallery.show("chain", settings=SMALL, n=3, seed=5, shape=(1, 8, 8), classes=4)
    assert shown["samples"] != gallery.show("chain", settings=SMALL, n=3, seed=6, shape=(1, 8, 8), classes=4)["samples"]


def test_one_sample_is_drawn_into_the_file_and_several_into_numbered_ones(tmp_path: Path) -> None:
    one = gallery.show("chain", draw=tmp_path / "one.svg")
    assert [s["picture"] for s in one["samples"]] == [str(tmp_path / "one.svg")]
    several = gallery.show("chain", n=2, draw=tmp_path / "more.png")
    assert [s["picture"] for s in several["samples"]] == [str(tmp_path / f"more-{k}.png") for k in (1, 2)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["more-1.png", "more-2.png", "one.svg"]
    text = " ".join(ET.parse(tmp_path / "one.svg").getroot().itertext())
    assert "classifier" in text
    with Image.open(tmp_path / "more-1.png") as picture:
        assert picture.format == "PNG"


def test_a_space_of_a_search_file_is_shown_with_its_settings_and_its_name_may_be_left_out() -> None:
    assert gallery.show(None, file=EXAMPLE, n=1) == gallery.show("yaml", file=EXAMPLE, n=1)
    assert gallery.show(None, file=EXAMPLE)["size"] == 4800


def test_a_space_that_needs_settings_is_shown_without_a_size() -> None:
    shown = gallery.show("yaml")
    assert (shown["size"], shown["decisions"]) == (None, [])
    assert "Its size depends on settings that have no defaults." in gallery.lines(shown)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"name": "chian"}, UnknownNameError, "Unknown space 'chian'; valid: .*Did you mean 'chain'"),
        (
            {"name": "yaml", "n": 1},
            SpecError,
            "The space 'yaml' has no defaults for decisions; write them into a search file",
        ),
        ({"name": "chain", "settings": ["layers"]}, SpecError, "got 'layers', but must be of the form key=value"),
        ({"name": "chain", "settings": ["=3"]}, SpecError, "got '=3', but must be of the form key=value"),
        (
            {"name": "chain", "settings": ["lairs={min: 1, max: 2}"]},
            SpecError,
            r"^--set lairs=\{min: 1, max: 2\}: lairs: unknown key; .*Did you mean `layers`",
        ),
        (
            {"name": "chain", "settings": ["kernels=[3]", "filters=[8, 0]"]},
            SpecError,
            r"^--set filters=\[8, 0\]: filters\[1\]: got 0, but must be >= 1",
        ),
        (
            {"name": "chain", "settings": ["kernels=[3]", "kernels=[5]"]},
            SpecError,
            r"^--set kernels=\[5\]: `kernels` is given already, as kernels=\[3\]; keep one of them",
        ),
        ({"name": "chain", "settings": ["layers={min: 1"]}, SpecError, r"^--set layers=\{min: 1: the value is not YAML: "),
        (
            {"name": "chain", "settings": ["kernels=[3]\nfilters: [8]"]},
            SpecError,
            r"^--set kernels=\[3\] filters: \[8\]: the value is",
        ),
        ({"name": "chain", "settings": ["kernels="]}, SpecError, r"^--set kernels=: kernels: got nothing, but must be a list"),
        (
            {"name": "chain", "settings": ["ker nels=3"]},
            SpecError,
            r"^--set: got 'ker nels=3', but must be of the form key=value",
        ),
        ({"name": "chain", "settings": ["{=3"]}, SpecError, r"^--set: got '\{=3', but must be of the form key=value"),
        ({"name": "chain", "file": EXAMPLE}, SpecError, "has the space 'yaml' with its settings; give no others"),
        ({"name": "yaml", "file": EXAMPLE, "settings": ["a=1"]}, SpecError, "give no others beside `--file`"),
        (
            {"name": "chain", "draw": Path("/nowhere/at/all.svg")},
            SpecError,
            "'/nowhere/at/all.svg' can't be written: No such file",
        ),
    ],
)
def test_what_can_not_be_shown_is_refused_with_the_reason(arguments: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        gallery.show(**arguments)


def test_an_architecture_without_a_network_is_shown_with_the_reason(tmp_path: Path) -> None:
    text = Path(EXAMPLE).read_text()
    head, _, rest = text.partition("    network:\n")
    branches = "[[{op: maxpool, stride: 2}], [{op: maxpool, stride: 3}]]"
    block = f"      - {{branches: {branches}}}\n"
    (tmp_path / "search.yaml").write_text(f"{head}    network:\n{block}{rest}")
    shown = gallery.show(None, file=str(tmp_path / "search.yaml"), n=1)
    (sample,) = shown["samples"]
    assert "strides 2, 3 can't be joined" in sample["error"]
    assert any("no network: " in line for line in gallery.lines(shown))
