"""How large the images of a folder are, from the first bytes of their files: nothing is decoded."""

from collections.abc import Sequence
from pathlib import Path

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngImageFile

from archsmith.evaluation.data.image_file import read_each
from archsmith.evaluation.data.layout import find_layout
from archsmith.evaluation.data.remote import Cache
from archsmith.evaluation.data.tree import File, walk
from archsmith.machine.local_files import find, is_remote
from archsmith.spec import DataSpec

LYING = frozenset(range(5, 9))
"""Orientations of EXIF by which an image is shown with height and width exchanged."""

Size = tuple[int, int]
"""Height and width in pixels."""


def sizes(spec: DataSpec, *, fetch: Cache | None = None, beside: Path | None = None) -> Sequence[Size]:
    """Return the sizes of images as they are shown, one each; none where the data are no folder.

    What can't be opened is passed over.

    Raises:
        DataError: There is no such folder, or it is none of classes.
    """
    if spec.name != "folder" or spec.path is None:
        return ()
    if is_remote(spec.path, "data.path"):
        if fetch is None:
            return ()
        tree = fetch.tree(spec.path)
    else:
        path = find(spec.path, "data.path", beside, required=True)
        assert path is not None
        tree = walk(path)
    files = [labelled.file for labelled in find_layout(tree).files]
    return [size for size in read_each(_size, files) if size is not None]


def _size(file: File) -> Size | None:
    try:
        with Image.open(file.path) as image:
            width, height = image.size
            lying = _orientation(image) in LYING
    except Exception:  # the reader of the images says what is wrong, and what to do
        return None
    return (width, height) if lying else (height, width)


def _orientation(image: Image.Image) -> int:
    """Return how EXIF says that the image is shown; 1, as it is, where its EXIF can't be read, as a viewer takes it.

    In a PNG it stands before the pixels, or is not looked for: PIL would decode all of them.
    """
    if isinstance(image, PngImageFile) and "exif" not in image.info:
        return 1
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return 1
