from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from archsmith.errors import DataError
from archsmith.evaluation.data import load
from archsmith.evaluation.data.folder import read_folder
from archsmith.spec import DataSpec

SPEC = DataSpec(name="folder", path="given below")


def draw(file: Path, mode: str = "L", size: tuple[int, int] = (9, 7), fill: int = 200) -> np.ndarray:
    """Draw a square on a dark ground, save it, and return its pixels as (H, W, 3)."""
    image = Image.new("RGB", size, (10, 20, 30))
    ImageDraw.Draw(image).rectangle((1, 1, 4, 4), fill=(fill, fill // 2, 0))
    image = image.convert(mode)
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file)
    return np.array(image.convert("RGB"))


def plain(root: Path, mode: str = "L", n: int = 5) -> Path:
    for name in ("cat", "dog"):
        for i in range(n):
            draw(root / name / f"{i}.png", mode, fill=100 + 20 * i)
    return root


def test_grey_images_keep_one_channel(tmp_path: Path) -> None:
    expected = draw(tmp_path / "cat" / "0.png")
    draw(tmp_path / "dog" / "0.PNG")
    splits = read_folder(SPEC, tmp_path)
    assert splits.classes == ("cat", "dog")
    assert splits.train.images.shape == (2, 1, 7, 9)
    np.testing.assert_array_equal(splits.train.images[0, 0].numpy(), expected[:, :, 0])


def test_a_single_coloured_image_makes_all_of_them_coloured(tmp_path: Path) -> None:
    grey, coloured = draw(tmp_path / "cat" / "0.png"), draw(tmp_path / "dog" / "0.png", "RGB")
    images = read_folder(SPEC, tmp_path).train.images.permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(images[0], grey)
    np.testing.assert_array_equal(images[1], coloured)


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK"])
def test_every_mode_of_colour_becomes_rgb(tmp_path: Path, mode: str) -> None:
    suffix = "jpg" if mode == "CMYK" else "png"
    draw(tmp_path / "cat" / f"0.{suffix}", mode)
    draw(tmp_path / "dog" / "0.png", "RGB")
    with Image.open(tmp_path / "cat" / f"0.{suffix}") as image:
        expected = np.array(image.convert("RGB"))
    np.testing.assert_array_equal(read_folder(SPEC, tmp_path).train.images[0].permute(1, 2, 0).numpy(), expected)


def test_other_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    plain(tmp_path)
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "cat" / "notes.txt").write_text("about")
    (tmp_path / "cat" / "._0.png").write_bytes(b"what some systems leave behind")
    (tmp_path / ".cache").mkdir()
    splits = read_folder(SPEC, tmp_path)
    assert splits.classes == ("cat", "dog")
    assert splits.train.labels.tolist() == [0] * 5 + [1] * 5


def test_a_folder_without_splits_is_split_in_three(tmp_path: Path) -> None:
    data = load(DataSpec(name="folder", path=str(plain(tmp_path, n=10)), test=0.2, validation=0.25), seed=0)
    assert (len(data.train), len(data.validation), len(data.test)) == (12, 4, 4)


@pytest.mark.parametrize("validation", ["validation", "val"])
def test_folders_of_splits_are_kept(tmp_path: Path, validation: str) -> None:
    for name, n in (("train", 4), ("test", 2), (validation, 3)):
        plain(tmp_path / name, n=n)
    splits = read_folder(SPEC, tmp_path)
    assert {name: len(images) for name, images in splits.named.items()} == {"test": 4, "train": 8, "validation": 6}


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "bus"):
        draw(tmp_path / name / "0.png")
    assert read_folder(SPEC, tmp_path).classes == ("bus", "train")


def test_classes_that_differ_between_splits_are_named(tmp_path: Path) -> None:
    plain(tmp_path / "train")
    plain(tmp_path / "test")
    (tmp_path / "test" / "dog").rename(tmp_path / "test" / "dogs")
    with pytest.raises(DataError, match="train has none of 'dogs'; test has none of 'dog'"):
        load(DataSpec(name="folder", path=str(tmp_path)), seed=0)


def test_images_of_different_sizes_are_named_with_the_way_out(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "a.png")
    draw(tmp_path / "dog" / "b.png", size=(8, 12))
    with pytest.raises(DataError, match=r"cat/a.png is 9 x 7 pixels, but .*dog/b.png is 8 x 12\. .*set `data.image_size`"):
        read_folder(SPEC, tmp_path)


def test_images_of_different_sizes_are_resized_as_pillow_does_it(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "a.png", "RGB", size=(31, 23))
    draw(tmp_path / "dog" / "b.png", "RGB", size=(8, 12))
    images = read_folder(SPEC.model_copy(update={"image_size": 10}), tmp_path).train.images
    with Image.open(tmp_path / "cat" / "a.png") as image:
        expected = np.array(image.resize((10, 10), Image.Resampling.BILINEAR))
    assert np.abs(images[0].permute(1, 2, 0).numpy().astype(int) - expected).max() <= 1


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"There is no folder {tmp_path}/none; set `data.path` to a folder"):
        read_folder(SPEC, tmp_path / "none")


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(
        DataError, match=rf"There are no images in {tmp_path}/CLASS/\. Looked for files that end in .bmp, .*.webp"
    ):
        read_folder(SPEC, tmp_path)


def test_a_single_class_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "0.png")
    with pytest.raises(DataError, match="All images are of the one class 'cat'"):
        load(DataSpec(name="folder", path=str(tmp_path)), seed=0)


def test_an_empty_class_is_named(tmp_path: Path) -> None:
    (plain(tmp_path) / "emu").mkdir()
    with pytest.raises(DataError, match="train has none of 'emu'"):
        load(DataSpec(name="folder", path=str(tmp_path)), seed=0)


def test_an_image_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (plain(tmp_path) / "cat" / "bad.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"cat/bad.png can't be read: .* Repair or remove it"):
        read_folder(SPEC, tmp_path)


def test_an_image_of_sixteen_bits_is_refused(tmp_path: Path) -> None:
    file = plain(tmp_path) / "cat" / "deep.png"
    Image.fromarray(np.full((7, 9), 40000, np.uint16)).save(file)
    with pytest.raises(DataError, match=r"cat/deep.png has PIL's mode 'I;16', but must have 8 bits a channel; convert it"):
        read_folder(SPEC, tmp_path)
