"""A folder of images a class."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil
import torch

from archsmith.errors import DataError
from archsmith.evaluation.data.dataset import Images, Splits
from archsmith.evaluation.data.depth import dark
from archsmith.evaluation.data.fingerprint import fingerprint
from archsmith.evaluation.data.image_file import Picture, quietly, read_image
from archsmith.evaluation.data.layout import EXPECTED, Labelled, Layout, find_layout
from archsmith.evaluation.data.resize import resize
from archsmith.evaluation.data.tree import Tree
from archsmith.spec import DataSpec
from archsmith.values.data_facts import LeftOut


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """An image that was read, resized already: photos as they are would fill the memory."""

    labelled: Labelled
    pixels: torch.Tensor
    """(C, H, W), uint8."""
    fingerprint: bytes
    """Of its pixels before they were resized."""
    frames: bool
    peak: int | None


def read_folder(spec: DataSpec, tree: Tree) -> Splits:
    """Read the images of a folder, by class and perhaps by split; see `layout` for what it may look like.

    Images have one channel if all of them are grey, and three (RGB) otherwise; see `image_file` for what is read of a file.

    Raises:
        DataError: There are no images, or none of a class; one of them can't be read; they would fill
            the memory; or they differ in size and no `image_size` is set.
    """
    layout = find_layout(tree)
    _check_fits(tree, layout, spec.image_size)
    with quietly(), ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda labelled: _read(labelled, spec.image_size), layout.files))
    images = [each for each in found if isinstance(each, _Read)]
    left_out = (*layout.left_out, *_left_out(layout, found))
    _check_complete(tree, layout, images, left_out)
    _check_sizes(images)
    channels = max(image.pixels.shape[0] for image in images)
    splits, marks = {}, {}
    for split in layout.splits:
        mine = [image for image in images if image.labelled.split == split]
        pixels = torch.stack([image.pixels.expand(channels, -1, -1) for image in mine])
        splits[split] = Images(pixels, torch.tensor([image.labelled.label for image in mine]))
        marks[split] = [image.fingerprint for image in mine]
    warnings = (*layout.warnings, *_warnings(images, left_out))
    return Splits(
        layout.classes, splits["train"], splits.get("test"), splits.get("validation"),
        fingerprints=marks, left_out=left_out, warnings=warnings,
    )  # fmt: skip


def _read(labelled: Labelled, size: int | None) -> _Read | tuple[Labelled, str]:
    picture = read_image(labelled.file)
    if not isinstance(picture, Picture):
        return labelled, picture
    pixels = torch.from_numpy(picture.pixels)
    pixels = pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()
    small = pixels if size is None else resize(pixels[None], size)[0]
    return _Read(labelled, small, fingerprint(picture.pixels), picture.frames, picture.peak)


def _check_fits(tree: Tree, layout: Layout, size: int | None) -> None:
    """Refuse images that would fill the memory, by the first of them, before all are read."""
    with quietly():
        first = next((read for each in layout.files if isinstance(read := _read(each, size), _Read)), None)
    needed = first.pixels.numel() * len(layout.files) if first else 0
    free = psutil.virtual_memory().available
    if first and needed > free:
        height, width = first.pixels.shape[1:]
        raise DataError(
            f"{len(layout.files):,} images in {tree.root} of {width} x {height} pixels, as {first.labelled.file.shown} has, take "
            f"{needed / 1e9:,.1f} GB, but {free / 1e9:,.1f} GB of memory are free here. Set a smaller `data.image_size`, or take "
            "fewer images."
        )


def _left_out(layout: Layout, found: Sequence[_Read | tuple[Labelled, str]]) -> list[LeftOut]:
    lost = Counter((layout.where(f[0].split, f[0].label), f[1]) for f in found if not isinstance(f, _Read))
    return [LeftOut(where, why, n) for (where, why), n in lost.items()]


def _check_complete(tree: Tree, layout: Layout, images: Sequence[_Read], left_out: Sequence[LeftOut]) -> None:
    """Refuse a folder without images, and name the folders of classes that hold none."""
    reasons = ", ".join(f"{left.n} in {left.where} ({left.why})" for left in left_out[:6])
    passed = f" Files that were left out: {reasons}." if left_out else ""
    if not images:
        raise DataError(f"There are no images in folders of classes in {tree.root}. {EXPECTED}{passed}")
    held = {(image.labelled.split, image.labelled.label) for image in images}
    folders = {folder for folder in tree.folders if len(folder) <= 2}
    empty = [
        where
        for split in layout.splits
        for label in range(len(layout.classes))
        if (split, label) not in held and tuple((where := layout.where(split, label)).split("/")) in folders
    ]
    if empty:
        row = ", ".join(f"{tree.root}/{where}" for where in empty[:6])
        raise DataError(f"There are no images in {row}. Put some there, or move the folder elsewhere.{passed}")


def _check_sizes(images: Sequence[_Read]) -> None:
    for image in images:
        if image.pixels.shape[1:] != images[0].pixels.shape[1:]:
            (a, b), (c, d) = images[0].pixels.shape[1:], image.pixels.shape[1:]
            raise DataError(
                f"{images[0].labelled.file.shown} is {b} x {a} pixels, but {image.labelled.file.shown} is {d} x {c}. "
                "All images must have the same size; to resize them, set `data.image_size`."
            )


def _warnings(images: Sequence[_Read], left_out: Sequence[LeftOut]) -> list[str]:
    found = []
    if several := [image.labelled.file.shown for image in images if image.frames]:
        files = "1 file" if len(several) == 1 else f"{len(several):,} files"
        found.append(f"Of {files} with several frames or pages the first one was read: {', '.join(several[:3])}.")
    if pictures := [left for left in left_out if left.why.startswith("Pillow")]:
        places = dict.fromkeys(left.where for left in pictures)
        row = ", ".join(f"{sum(left.n for left in pictures if left.where == place)} in {place}" for place in list(places)[:6])
        row += f" and {len(places) - 6} more folders" if len(places) > 6 else ""
        found.append(f"Pictures in formats that Pillow can't read were left out: {row}. Convert them, to PNG say.")
    peaks = [image.peak for image in images if image.peak is not None]
    return found + (dark(max(peaks)) if peaks else [])
