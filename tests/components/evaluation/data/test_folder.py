from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from archsmith.errors import DataError
from archsmith.evaluation.data import Cache, folder, load
from archsmith.evaluation.data.folder import read_folder
from archsmith.evaluation.data.image_file import read_image
from archsmith.evaluation.data.layout import EXPECTED
from archsmith.evaluation.data.tree import File, Tree, walk
from archsmith.machine import container
from archsmith.spec import DataSpec
from archsmith.testing.buckets import InMemoryBucket
from archsmith.values.findings import Finding

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
    for k, name in enumerate(("cat", "dog")):
        for i in range(n):  # each image another one, in other splits too
            draw(root / name / f"{i}.png", mode, fill=60 + 15 * i + 7 * k + len(root.name) % 7)
    return root


def test_grey_images_keep_one_channel(tmp_path: Path) -> None:
    expected = draw(tmp_path / "cat" / "0.png")
    draw(tmp_path / "dog" / "0.PNG")
    splits = read_folder(SPEC, walk(tmp_path))
    assert splits.classes == ("cat", "dog")
    assert splits.train.images.shape == (2, 1, 7, 9)
    np.testing.assert_array_equal(splits.train.images[0, 0].numpy(), expected[:, :, 0])


def test_a_single_coloured_image_makes_all_of_them_coloured(tmp_path: Path) -> None:
    grey, coloured = draw(tmp_path / "cat" / "0.png"), draw(tmp_path / "dog" / "0.png", "RGB")
    images = read_folder(SPEC, walk(tmp_path)).train.images.permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(images[0], grey)
    np.testing.assert_array_equal(images[1], coloured)


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK"])
def test_every_mode_of_colour_becomes_rgb(tmp_path: Path, mode: str) -> None:
    suffix = "jpg" if mode == "CMYK" else "png"
    draw(tmp_path / "cat" / f"0.{suffix}", mode)
    draw(tmp_path / "dog" / "0.png", "RGB")
    with Image.open(tmp_path / "cat" / f"0.{suffix}") as image:
        expected = np.array(image.convert("RGB"))
    np.testing.assert_array_equal(read_folder(SPEC, walk(tmp_path)).train.images[0].permute(1, 2, 0).numpy(), expected)


def test_other_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    plain(tmp_path)
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "cat" / "notes.txt").write_text("about")
    (tmp_path / "cat" / "._0.png").write_bytes(b"what some systems leave behind")
    (tmp_path / ".cache").mkdir()
    splits = read_folder(SPEC, walk(tmp_path))
    assert splits.classes == ("cat", "dog")
    assert splits.train.labels.tolist() == [0] * 5 + [1] * 5


def test_a_folder_without_splits_is_split_in_three(tmp_path: Path) -> None:
    data = load(DataSpec(name="folder", path=str(plain(tmp_path, n=10)), test=0.2, validation=0.25), seed=0)
    assert (len(data.train), len(data.validation), len(data.test)) == (12, 4, 4)


@pytest.mark.parametrize("validation", ["validation", "val"])
def test_folders_of_splits_are_kept(tmp_path: Path, validation: str) -> None:
    for name, n in (("train", 4), ("test", 2), (validation, 3)):
        plain(tmp_path / name, n=n)
    splits = read_folder(SPEC, walk(tmp_path))
    assert {name: len(images) for name, images in splits.named.items()} == {"test": 4, "train": 8, "validation": 6}


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "bus"):
        draw(tmp_path / name / "0.png")
    assert read_folder(SPEC, walk(tmp_path)).classes == ("bus", "train")


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
        read_folder(SPEC, walk(tmp_path))


def test_images_of_different_sizes_are_resized_as_pillow_does_it(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "a.png", "RGB", size=(31, 23))
    draw(tmp_path / "dog" / "b.png", "RGB", size=(8, 12))
    images = read_folder(SPEC.model_copy(update={"image_size": 10}), walk(tmp_path)).train.images
    with Image.open(tmp_path / "cat" / "a.png") as image:
        expected = np.array(image.resize((10, 10), Image.Resampling.BILINEAR))
    assert np.abs(images[0].permute(1, 2, 0).numpy().astype(int) - expected).max() <= 1


def test_of_pictures_of_several_sizes_is_told_what_was_made_of_them(tmp_path: Path) -> None:
    for k, size in enumerate(((31, 23), (8, 12), (8, 13), (9, 9))):
        draw(tmp_path / ("cat", "dog")[k % 2] / f"{k}.png", size=size)
    spec = SPEC.model_copy(update={"image_size": 10})
    assert read_folder(spec, walk(tmp_path)).findings == (
        Finding(
            "sizes",
            "The pictures have 4 sizes, from 9 x 9 to 31 x 23 pixels; all were resized to 10 x 10. 1 is longer than wide "
            "or wider than high by more than a half, and so was squeezed.",
            4,
            ("cat/2.png",),
        ),
    )


def test_of_pictures_of_one_size_is_told_that_they_were_squeezed(tmp_path: Path) -> None:
    for name in ("cat/a.png", "dog/b.png"):
        draw(tmp_path / name, size=(20, 8))
    (said,) = read_folder(SPEC.model_copy(update={"image_size": 10}), walk(tmp_path)).findings
    assert said.text == "The pictures are 20 x 8 pixels; all were resized to 10 x 10, and so were squeezed."
    assert read_folder(SPEC, walk(tmp_path)).findings == ()  # as they are


def test_names_of_files_are_told_as_they_may_be_printed(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "red\x1b[31m.png")
    draw(tmp_path / "dog" / "ü 1.png")
    assert read_folder(SPEC, walk(tmp_path)).names["train"] == ["cat/red\\x1b[31m.png", "dog/ü 1.png"]


def test_a_folder_without_images_is_named_with_what_is_expected_and_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "notes.txt").touch()
    with pytest.raises(DataError) as caught:
        read_folder(SPEC, walk(tmp_path))
    assert str(caught.value) == (
        f"There are no images in folders of classes in {tmp_path}. {EXPECTED} Files that were left out: 1 in cat (no image)."
    )


def test_a_single_class_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "cat" / "0.png")
    with pytest.raises(DataError, match="All images are of the one class 'cat'"):
        load(DataSpec(name="folder", path=str(tmp_path)), seed=0)


def test_a_class_without_images_is_named_by_its_folder(tmp_path: Path) -> None:
    (plain(tmp_path) / "emu").mkdir()
    with pytest.raises(
        DataError, match=rf"^There are no images in {tmp_path}/emu. Put some there, or move the folder elsewhere.$"
    ):
        load(DataSpec(name="folder", path=str(tmp_path)), seed=0)


def test_a_class_that_is_empty_in_one_split_is_named_there(tmp_path: Path) -> None:
    for split in ("train", "test"):
        plain(tmp_path / split)
    (tmp_path / "train" / "emu").mkdir()
    draw(tmp_path / "test" / "emu" / "0.png")
    (tmp_path / "train" / "emu" / "clip.mp4").touch()
    with pytest.raises(
        DataError, match=r"images in .*/train/emu\. .* Files that were left out: 1 in train/emu \(Pillow reads no .mp4\)"
    ):
        load(DataSpec(name="folder", path=str(tmp_path)), seed=0)


def test_images_that_would_fill_the_memory_are_refused_before_all_are_read(tmp_path: Path) -> None:
    Image.new("1", (8000, 8000)).save(tmp_path / "large.png")
    files = [File((name, f"{k}.png"), tmp_path / "large.png", f"{name}/{k}.png") for name in ("cat", "dog") for k in range(5_000)]
    message = (
        r"^10,000 images in root of 8000 x 8000 pixels, as cat/0.png has, take 640.0 GB, but .* GB of memory are free here\."
    )
    with pytest.raises(DataError, match=message):
        read_folder(SPEC, Tree.of("root", files))


def test_what_the_container_may_not_hold_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "memory_left_mb", lambda: 100.0)
    Image.new("1", (8000, 8000)).save(tmp_path / "large.png")
    files = [File((name, "0.png"), tmp_path / "large.png", f"{name}/0.png") for name in ("cat", "dog")]
    with pytest.raises(DataError, match=r"take 0\.1 GB, but 0\.1 GB of memory are free here"):
        read_folder(SPEC, Tree.of("root", files))


def test_the_first_image_of_another_size_is_told_before_the_others_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("1", (2000, 2000)).save(tmp_path / "large.png")
    draw(tmp_path / "small.png")
    files = [File(("cat", "0.png"), tmp_path / "small.png", "cat/0.png")]
    files += [File(("dog", f"{k}.png"), tmp_path / "large.png", f"dog/{k}.png") for k in range(300)]
    read: list[str] = []
    monkeypatch.setattr(folder, "read_image", lambda file: read.append(file.shown) or read_image(file))
    with pytest.raises(DataError, match=r"cat/0.png is 9 x 7 pixels, but dog/0.png is 2000 x 2000\."):
        read_folder(SPEC, Tree.of("root", files))
    assert len(read) < 200


def test_an_image_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (plain(tmp_path) / "cat" / "bad.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"cat/bad.png can't be read: .* Repair or remove it"):
        read_folder(SPEC, walk(tmp_path))


def test_two_classes_that_differ_only_in_how_exif_turns_them_are_told_apart(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    segment = b"\xff\xe1" + (len(exif.tobytes()) + 2).to_bytes(2) + exif.tobytes()
    (tmp_path / "down").mkdir()
    for k in range(10):
        draw(tmp_path / "up" / f"{k}.jpg", "RGB", fill=100 + 10 * k)
        content = (tmp_path / "up" / f"{k}.jpg").read_bytes()
        (tmp_path / "down" / f"{k}.jpg").write_bytes(content[:2] + segment + content[2:])
    images = read_folder(SPEC, walk(tmp_path)).train
    up, down = (images.images[images.labels == label] for label in (1, 0))
    np.testing.assert_array_equal(down.numpy(), up.flip(2, 3).numpy())
    assert load(DataSpec(name="folder", path=str(tmp_path)), seed=0).warnings == ()


def test_all_that_is_known_of_a_folder_is_told(tmp_path: Path) -> None:
    for split, n in (("train", 5), ("valid", 3), ("test", 2)):
        for k in range(n):  # images of each split that no other one has
            for name in ("cat", "dog"):
                draw(tmp_path / split / name / f"{k}.png", fill=40 + 6 * n + 24 * k + 3 * (name == "dog"))
    draw(tmp_path / "train" / "cat" / "more" / "x.jfif.ppm", fill=10)
    loose = ("test/loose.png", "README.md", "unlabelled/1.png")
    for name in ("train/cat/notes.txt", "train/cat/more/list.csv", "train/dog/x.heic", "train/dog/x.mp4", *loose):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    facts = load(DataSpec(name="folder", path=str(tmp_path)), seed=0).facts
    assert facts.summary() == [
        "21 grey images of 9 x 7 pixels, 2 classes: train 11, validation 6, test 4",
        "train/validation/test of the classes: cat 6/3/2, dog 5/3/2",
        "files left out: 1 in . (in no class's folder), 1 in test (in no class's folder), 1 in unlabelled (no split), "
        "2 in train/cat (no image), 1 in train/dog (Pillow reads no .heic), 1 in train/dog (Pillow reads no .mp4)",
    ]
    assert facts.warnings == ("'unlabelled' is neither train nor validation nor test, and was left out.",)
    unreadable, *rest = facts.findings
    assert unreadable == Finding(
        "unreadable",
        "Pictures in formats that Pillow can't read were left out: 2 in train/dog. Convert them, to PNG say.",
        2,
        ("train/dog",),
    )
    assert {finding.kind for finding in rest} <= {"few", "near"}
    assert facts.own == ("train", "validation", "test")


def test_of_frames_and_of_dark_images_of_sixteen_bits_people_are_warned(tmp_path: Path) -> None:
    for k, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for n in range(2):
            pixels = np.full((5, 5), 2000 + 1000 * k + 300 * n, np.uint16)
            Image.fromarray(pixels).save(tmp_path / name / f"{n}.png")
    one = Image.new("L", (5, 5))
    one.save(tmp_path / "cat" / "moves.gif", save_all=True, append_images=[Image.new("L", (5, 5), 9)])
    frames, dark = read_folder(SPEC, walk(tmp_path)).warnings
    assert frames == f"Of 1 file with several frames or pages the first one was read: {tmp_path}/cat/moves.gif."
    assert dark == (
        "Images of 16 bits are read by their whole range, 0 to 65,535, but these have values up to 3,300 only, and so at most "
        "13 of 256 levels. If they are of 12 bits, multiply them by 16 before."
    )


def test_a_folder_in_a_bucket_is_read_as_one_of_this_machine(tmp_path: Path) -> None:
    for name, n in (("train", 4), ("Valid", 3)):
        plain(tmp_path / "local" / name, n=n)
    (tmp_path / "local" / ".DS_Store").touch()
    paths = [path for path in (tmp_path / "local").rglob("*") if path.is_file()]
    bucket = InMemoryBucket({f"d/{path.relative_to(tmp_path / 'local')}": path.read_bytes() for path in paths})
    fetch = Cache(bucket.open, tmp_path / "cache")
    here = load(DataSpec(name="folder", path=str(tmp_path / "local")), seed=0)
    there = load(DataSpec(name="folder", path="s3://bucket/d"), seed=0, fetch=fetch)
    assert there.facts == here.facts
    bucket.objects["d/train/cat/odd .name.png"] = bucket.objects["d/train/cat/0.png"][:60]
    with pytest.raises(DataError, match=r"The image s3://bucket/d/train/cat/odd .name.png can't be read: it is damaged"):
        load(DataSpec(name="folder", path="s3://bucket/d"), seed=0, fetch=fetch)
    del bucket.objects["d/train/cat/odd .name.png"]
    bucket.objects["d/train/cat/0.png"] = b"no image"
    with pytest.raises(DataError, match=r"The image s3://bucket/d/train/cat/0.png can't be read: it is no image"):
        load(DataSpec(name="folder", path="s3://bucket/d"), seed=0, fetch=fetch)
