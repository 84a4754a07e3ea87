"""A folder of images a class."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from archsmith.errors import DataError
from archsmith.evaluation.data.dataset import Images, Splits
from archsmith.evaluation.data.depth import dark
from archsmith.evaluation.data.fingerprint import fingerprint
from archsmith.evaluation.data.image_file import Picture, quietly, read_each, read_image
from archsmith.evaluation.data.layout import EXPECTED, Labelled, Layout, find_layout
from archsmith.evaluation.data.resize import resize
from archsmith.evaluation.data.tree import File, Tree, show
from archsmith.machine.container import free_memory_bytes
from archsmith.spec import DataSpec
from archsmith.values.data_facts import LeftOut
from archsmith.values.findings import MOST_NAMED, Finding

DAMAGED = "no image that can be read"
"""Why a file was left out that is called as an image is."""
STRETCHED = 1.5
"""Times by which the ratio of a picture's sides may have changed without that being told."""


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
    size: tuple[int, int]
    """Its width and height in pixels, as the file has it."""


def read_folder(spec: DataSpec, tree: Tree) -> Splits:
    """Read the images of a folder, by class and perhaps by split; see `layout` for what it may look like.

    Images have one channel if all of them are grey, and three (RGB) otherwise; see `image_file` for what is read of a file.

    Raises:
        DataError: There are no images, or none of a class; one of them can't be read; they would fill
            the memory; or they differ in size and no `image_size` is set.
    """
    layout = find_layout(tree)
    first = _first(tree, layout, spec)
    found = read_each(lambda labelled: _read_as(first, labelled, spec), layout.files)
    images = [each for each in found if isinstance(each, _Read)]
    left_out = (*layout.left_out, *_left_out(layout, found))
    _check_complete(tree, layout, images, left_out, clean=spec.clean)
    channels = max(image.pixels.shape[0] for image in images)
    splits, marks, names = {}, {}, {}
    for split in layout.splits:
        mine = [image for image in images if image.labelled.split == split]
        none = images[0].pixels.expand(channels, -1, -1)[None, ...][:0]
        pixels = torch.stack([image.pixels.expand(channels, -1, -1) for image in mine]) if mine else none
        splits[split] = Images(pixels, torch.tensor([image.labelled.label for image in mine], dtype=torch.int64))
        marks[split] = [image.fingerprint for image in mine]
        names[split] = [_named(image.labelled.file) for image in mine]
    return Splits(
        layout.classes, splits["train"], splits.get("test"), splits.get("validation"), fingerprints=marks, left_out=left_out,
        warnings=(*layout.warnings, *_warnings(images)), findings=tuple(_findings(images, found, left_out)), names=names,
    )  # fmt: skip


def _named(file: File) -> str:
    """Return a file's name below the folder of the data, as it may be printed: names may hold what commands a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in "/".join(map(show, file.parts)))


def _read(labelled: Labelled, spec: DataSpec) -> _Read | tuple[Labelled, str]:
    size = spec.image_size
    try:
        picture = read_image(labelled.file)
    except DataError as error:
        if not spec.clean:
            raise DataError(f"{error} Or set `data.clean: true`, which leaves out what can't be read.") from error
        return labelled, DAMAGED
    if not isinstance(picture, Picture):
        return labelled, picture
    pixels = torch.from_numpy(picture.pixels)
    pixels = pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()
    small = pixels if size is None else resize(pixels[None], size)[0]
    size_ = (pixels.shape[2], pixels.shape[1])
    return _Read(labelled, small, fingerprint(picture.pixels), picture.frames, picture.peak, size_)


def _first(tree: Tree, layout: Layout, spec: DataSpec) -> _Read | None:
    """Return the first image that can be read, before all are; refuse them where as many of its size would fill the memory."""
    with quietly():
        first = next((read for each in layout.files if isinstance(read := _read(each, spec), _Read)), None)
    needed = first.pixels.numel() * len(layout.files) if first else 0
    free = free_memory_bytes()
    if first and needed > free:
        height, width = first.pixels.shape[1:]
        raise DataError(
            f"{len(layout.files):,} images in {tree.root} of {width} x {height} pixels, as {first.labelled.file.shown} has, take "
            f"{needed / 1e9:,.1f} GB, but {free / 1e9:,.1f} GB of memory are free here. Set a smaller `data.image_size`, or take "
            "fewer images."
        )
    return first


def _read_as(first: _Read | None, labelled: Labelled, spec: DataSpec) -> _Read | tuple[Labelled, str]:
    """Read an image, and refuse one of another size than the first: kept until all are read, such ones might fill the memory."""
    image = _read(labelled, spec)
    if first and isinstance(image, _Read) and image.pixels.shape[1:] != first.pixels.shape[1:]:
        (a, b), (c, d) = first.pixels.shape[1:], image.pixels.shape[1:]
        raise DataError(
            f"{first.labelled.file.shown} is {b} x {a} pixels, but {labelled.file.shown} is {d} x {c}. "
            "All images must have the same size; to resize them, set `data.image_size`."
        )
    return image


def _left_out(layout: Layout, found: Sequence[_Read | tuple[Labelled, str]]) -> list[LeftOut]:
    lost = Counter((layout.where(f[0].split, f[0].label), f[1]) for f in found if not isinstance(f, _Read))
    return [LeftOut(where, why, n) for (where, why), n in lost.items()]


def _check_complete(tree: Tree, layout: Layout, images: Sequence[_Read], left_out: Sequence[LeftOut], *, clean: bool) -> None:
    """Refuse a folder without images, and name the folders of classes that hold none, unless these are left out."""
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
    if empty and not clean:
        row = ", ".join(f"{tree.root}/{where}" for where in empty[:6])
        raise DataError(f"There are no images in {row}. Put some there, or move the folder elsewhere.{passed}")


def _warnings(images: Sequence[_Read]) -> list[str]:
    found = []
    if several := [image.labelled.file.shown for image in images if image.frames]:
        files = "1 file" if len(several) == 1 else f"{len(several):,} files"
        found.append(f"Of {files} with several frames or pages the first one was read: {', '.join(several[:3])}.")
    peaks = [image.peak for image in images if image.peak is not None]
    return found + (dark(max(peaks)) if peaks else [])


def _findings(
    images: Sequence[_Read], found: Sequence[_Read | tuple[Labelled, str]], left_out: Sequence[LeftOut]
) -> Iterator[Finding]:
    if damaged := [_named(f[0].file) for f in found if not isinstance(f, _Read) and f[1] == DAMAGED]:
        what, were = ("files can't be read as images", "were") if len(damaged) > 1 else ("file can't be read as an image", "was")
        more = " ..." if len(damaged) > MOST_NAMED else ""
        text = f"{len(damaged):,} {what} and {were} left out: {', '.join(damaged[:MOST_NAMED])}{more}."
        yield Finding("unreadable", text, len(damaged), tuple(damaged[:MOST_NAMED]))
    if pictures := [left for left in left_out if left.why.startswith("Pillow")]:
        places = dict.fromkeys(left.where for left in pictures)
        row = ", ".join(f"{sum(left.n for left in pictures if left.where == place)} in {place}" for place in list(places)[:6])
        row += f" and {len(places) - 6} more folders" if len(places) > 6 else ""
        text = f"Pictures in formats that Pillow can't read were left out: {row}. Convert them, to PNG say."
        yield Finding("unreadable", text, sum(left.n for left in pictures), tuple(places)[:3])
    yield from _sizes(images)


def _sizes(images: Sequence[_Read]) -> Iterator[Finding]:
    """Tell of pictures of several sizes what was made of them, and whose shape that has changed."""
    sizes, (height, width) = Counter(image.size for image in images), images[0].pixels.shape[1:]
    stretched = [image for image in images if _is_stretched(image)]
    if len(sizes) == 1:
        if stretched:
            was = next(iter(sizes))
            text = f"The pictures are {was[0]} x {was[1]} pixels; all were resized to {width} x {height}, and so were squeezed."
            yield Finding("sizes", text, 1, tuple(_named(image.labelled.file) for image in stretched[:3]))
        return
    small, large = (pick(sizes, key=lambda size: size[0] * size[1]) for pick in (min, max))
    text = (
        f"The pictures have {len(sizes):,} sizes, from {small[0]} x {small[1]} to {large[0]} x {large[1]} pixels; all were "
        f"resized to {width} x {height}."
    )
    if stretched:
        are, were = ("are", "were") if len(stretched) > 1 else ("is", "was")
        text += f" {len(stretched):,} {are} longer than wide or wider than high by more than a half, and so {were} squeezed."
    yield Finding("sizes", text, len(sizes), tuple(_named(image.labelled.file) for image in stretched[:3]))


def _is_stretched(image: _Read) -> bool:
    """Tell whether the shape of a picture has changed by more than a half when it was resized."""
    (before, after) = (width / height for width, height in (image.size, image.pixels.shape[:0:-1]))
    return max(before / after, after / before) > STRETCHED
