"""How large the images of a folder are, by the first bytes of their files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from archsmith.evaluation.data.sizes import sizes
from archsmith.spec import DataSpec


def draw(path: Path, height: int, width: int, orientation: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.zeros((height, width), np.uint8))
    exif = image.getexif()
    exif[ExifTags.Base.Orientation] = orientation
    image.save(path, exif=exif)


@pytest.mark.parametrize(("orientation", "size"), [(1, (6, 9)), (3, (6, 9)), (6, (9, 6)), (8, (9, 6))])
def test_an_image_that_is_turned_has_the_size_of_what_is_seen(tmp_path: Path, orientation: int, size: tuple[int, int]) -> None:
    draw(tmp_path / "cat" / "a.jpg", 6, 9, orientation)
    draw(tmp_path / "dog" / "b.jpg", *size)
    assert list(sizes(DataSpec(name="folder", path=str(tmp_path)))) == [size, size]


def test_a_single_image_of_another_size_among_many_is_seen(tmp_path: Path) -> None:
    for k in range(5_000):  # one file under many names
        path = tmp_path / ("cat", "dog")[k % 2] / f"{k:04}.png"
        if k:
            path.parent.mkdir(exist_ok=True)
            path.hardlink_to(tmp_path / "cat" / "0000.png")
        else:
            draw(path, 6, 9)
    draw(tmp_path / "dog" / "1234x.png", 8, 9)
    assert set(sizes(DataSpec(name="folder", path=str(tmp_path)))) == {(6, 9), (8, 9)}


def test_what_is_no_image_is_passed_over(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "a.png", 6, 9)
    draw(tmp_path / "dog" / "b.png", 6, 9)
    (tmp_path / "dog" / "c.png").write_bytes(b"none")
    assert list(sizes(DataSpec(name="folder", path=str(tmp_path)))) == [(6, 9), (6, 9)]
