"""The images of a search, loaded by its steps."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archsmith.evaluation import data
from archsmith.search import Search, parse
from archsmith.steps import images
from archsmith.steps.begin_series import _is_same

OPEN = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: s}
spec:
  data: {name: folder, path: PATH}
  budget: {minutes: 5}
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twelve pictures of each of two classes, of two sizes."""
    rng = np.random.default_rng(0)
    for k in range(24):
        folder = tmp_path / "pictures" / "ab"[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (8 + k % 3, 8, 3), dtype=np.uint8)).save(folder / f"{k}.png")
    return tmp_path / "pictures"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the data that were read, each time."""
    found: list[str] = []

    def counted(reader: Callable[..., Any]) -> Callable[..., Any]:
        return lambda spec, path: (found.append(spec.name), reader(spec, path))[1]

    monkeypatch.setattr(data, "READERS", {name: counted(reader) for name, reader in data.READERS.items()})
    monkeypatch.setattr(images, "_LOADED", images._Loaded())
    return found


def open_search(path: Path) -> Search:
    return parse(OPEN.replace("PATH", str(path)))


@pytest.mark.parametrize(("many", "validation"), [(10, images.FEW_OF_MANY), (1000, 0.2)])
def test_however_many_there_are_they_are_read_once(
    pictures: Path, readings: list[str], monkeypatch: pytest.MonkeyPatch, many: int, validation: float
) -> None:
    monkeypatch.setattr(images, "MANY", many)
    search = open_search(pictures)
    for _ in range(2):  # as the process does from which steps are forked, and the first step
        section, why = images.fitted(search)
        assert section.validation == validation
        assert "sizes" in why
    dataset = images.load_as(search, section)
    assert readings == ["folder"]
    assert len(dataset.validation) == max(2, round(validation * (len(dataset.train) + len(dataset.validation))))


def test_the_next_time_of_an_open_series_is_skipped_where_the_same_would_be_chosen(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "_LOADED", images._Loaded())
    search = open_search(pictures)
    section, _ = images.fitted(search)
    chosen = parse(
        OPEN.replace("PATH}", f"{pictures}, image_size: {section.image_size}, clean: true}}\n  space: {{name: chain}}")
    )
    known = SimpleNamespace(digest=images.load_as(search, section).digest)
    folder: Any = SimpleNamespace(asked=lambda: search.text, data_facts=lambda: known)
    assert _is_same(search, folder, chosen)
    (pictures / "a" / "0.png").unlink()
    monkeypatch.setattr(images, "_LOADED", images._Loaded())  # the next night is another process
    assert not _is_same(search, folder, chosen)
