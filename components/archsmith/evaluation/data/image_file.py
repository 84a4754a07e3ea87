"""An image file as pixels: as a viewer shows it, for training and prediction alike.

| what the file holds | what is read |
|---|---|
| EXIF orientation | the image turned and mirrored as it says |
| transparency, of any kind | the image laid on white |
| a palette, CMYK, YCbCr, LAB, HSV | RGB |
| a colour profile other than sRGB | the colours in sRGB |
| grey, or black and white | one channel |
| 16 bits a channel | 8 bits, from the whole range of 65,536 values |
| several frames or pages | the first one |

What nobody can tell the look of (32 bits or floats a pixel) is refused, and damage is an error that names the file.
"""

import io
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile

from archsmith.errors import DataError
from archsmith.evaluation.data.depth import eight_bits
from archsmith.evaluation.data.tree import File
from archsmith.machine.container import free_memory_bytes

NOT_READ = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"})
"""Formats that Pillow knows, but can't decode by itself; for EPS it would start Ghostscript."""

MARKED = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")
"""Formats whose first bytes are unmistakable: a file of theirs is an image, whatever it is called."""

PICTURES = frozenset({
    ".3fr", ".3gp", ".ai", ".arw", ".avi", ".cr2", ".cr3", ".crw", ".dcm", ".djvu", ".dng", ".emf", ".eps", ".erf", ".exr",
    ".hdr", ".heic", ".heics", ".heif", ".hif", ".iiq", ".jxl", ".jxr", ".kdc", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg",
    ".mrw", ".nef", ".nii", ".nrrd", ".nrw", ".orf", ".pdf", ".pef", ".psb", ".raf", ".raw", ".rw2", ".rwl", ".srw", ".svg",
    ".svgz", ".webm", ".wmf", ".wmv", ".x3f", ".xcf",
})  # fmt: skip
"""Endings of files that people take for images, and that are none that can be read."""

_PHOTOMETRIC = 262
"""The tag of a TIFF that says whether 0 is black (1) or white (0)."""

SIXTEEN_BITS = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
WHOLE = frozenset({"PNG", "PPM"})
"""Formats of which PIL's mode I holds 16 bits; it has no more in them."""

KNOWN = (
    (re.compile(rb"....ftyp(he[iv]|mif1|msf1)", re.DOTALL), "it is HEIC or HEIF, which Pillow does not read", "Convert it"),
    (re.compile(rb"version https://git-lfs"), "it is what Git LFS keeps in place of the image", "`git lfs pull` fetches it"),
)
"""What is no image that can be read, by its first bytes, and what to do."""

ONE_LOOK = frozenset({"CUR", "ICNS", "ICO", "MPO", "PSD"})
"""Formats whose frames are sizes or layers of one image, of which PIL takes the right one first."""

TRANSPARENT = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
GREY = frozenset({"1", "L", "LA", "La"})
MOST_PIXELS = 2 * 89_478_485
"""Pixels beyond which PIL takes an image for an attack on the memory."""

BYTES_A_PIXEL = 16
"""What a pixel takes at most while it is read: copies in several modes."""

T = TypeVar("T")
R = TypeVar("R")

Mode = Literal["L", "RGB"]
"""PIL's mode of grey or coloured images."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What was read of a file."""

    pixels: np.ndarray
    """(H, W) where it is grey, else (H, W, 3); uint8."""
    frames: bool = False
    """Whether it has further frames or pages, which were not read."""
    peak: int | None = None
    """The greatest value, where the file has 16 bits a channel."""


def read_image(file: File, mode: Mode | None = None) -> Picture | str:
    """Read an image file.

    Args:
        file: The file; what it is called decides only whether it must be an image.
        mode: What to make of it; grey remains grey and colours remain colours where it is left out.

    Returns:
        The image; or why it is none, to end a sentence, where its name does not promise one either.

    Raises:
        DataError: It is damaged, or can't be read in such a way that it looks as it does elsewhere.
    """
    if file.path.exists() and not file.path.is_file():
        return "no file"
    suffix = Path(file.parts[-1]).suffix.lower()  # a copy of an object in a bucket may be called otherwise
    promised = suffix in readable_suffixes()
    try:
        # Of a path, PIL maps some files into memory, and then turns those of TIFF wrongly.
        with file.path.open("rb") as raw, Image.open(raw, formats=_formats() if promised else MARKED) as image:
            return _picture(image, mode)
    except _UnknownLookError as error:
        raise DataError(f"The image {file.shown} {error}") from error
    except Exception as error:  # PIL's plugins raise whatever the damage leads them to
        if not promised and not isinstance(error, FileNotFoundError | PermissionError):
            return f"Pillow reads no {suffix}" if suffix in PICTURES else "no image"
        reason, hint = _reason(error, file.path)
        raise DataError(f"The image {file.shown} can't be read: {reason}. {hint}.") from error


def is_image(file: File) -> bool:
    """Tell whether a file is called as an image is, or begins as one."""
    if Path(file.parts[-1]).suffix.lower() in readable_suffixes():
        return True
    try:
        with quietly(), Image.open(file.path, formats=MARKED):
            return True
    except Exception:
        return False


class _Room:
    """Lets as many pixels be read at once as memory holds; one image alone may always be tried."""

    def __init__(self) -> None:
        self._taken, self._changed = 0, threading.Condition()

    @contextmanager
    def of(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many pixels; it is taken as long as the body runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + pixels <= free_memory_bytes() / 2 / BYTES_A_PIXEL)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()


_ROOM = _Room()
FEW_PIXELS = 4_000_000
"""Pixels of an image for which there is room in any case."""


def read_each(read: Callable[[T], R], files: Sequence[T]) -> list[R]:
    """Return what `read` makes of each of some image files, several at a time."""
    with quietly(), ThreadPoolExecutor() as pool:
        return list(pool.map(read, files))


@contextmanager
def quietly() -> Iterator[None]:
    """Keep PIL from warning: of what it would warn, the file is named in an error, or there is nothing to do."""
    with warnings.catch_warnings():  # they are the whole process's, so that it is done once, before threads are started
        warnings.simplefilter("ignore")
        yield


@lru_cache
def readable_suffixes() -> frozenset[str]:
    """Return the endings, in lower case, of the files that can be read."""
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in {*_formats(), "MPO"})


@lru_cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in Image.ID if name not in NOT_READ)


class _UnknownLookError(ValueError):
    """The image is whole, but can't be read as it looks."""


def _picture(image: Image.Image, mode: Mode | None) -> Picture:
    if (pixels := image.width * image.height) > MOST_PIXELS:
        raise Image.DecompressionBombError
    if pixels > FEW_PIXELS:
        with _ROOM.of(pixels):
            return _read(image, mode)
    return _read(image, mode)


def _read(image: Image.Image, mode: Mode | None) -> Picture:
    _scale_transparency(image)
    image.load()
    peak, plain = _as_shown(_upright(image), inverted=_is_inverted(image))
    if mode is not None and plain.mode != mode:
        plain = plain.convert(mode)
    return Picture(np.array(plain), _has_more(image), peak)


def _scale_transparency(image: Image.Image) -> None:
    """Bring the transparent colour of a PNG to the 8 bits that PIL makes of its pixels; it says it in the bits of the file."""
    transparent = image.info.get("transparency")
    raw = image.tile[0][3] if isinstance(image, PngImageFile) and image.tile else None
    if raw in ("L;2", "L;4") and isinstance(transparent, int):
        image.info["transparency"] = transparent * (255 // (2 ** int(raw[2]) - 1))
    elif raw == "RGB;16B" and isinstance(transparent, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in transparent)


def _upright(image: Image.Image) -> Image.Image:
    """Turn the image as its EXIF orientation says; a viewer passes over EXIF that it can't read."""
    try:
        orientation = image.getexif().get(0x0112, 1)
    except Exception:
        return image
    if orientation not in range(2, 9):
        return image
    bare = image.copy()  # without the rest of the metadata, which may be damaged, and which PIL would write anew
    bare.info = {key: value for key, value in image.info.items() if key in {"transparency", "icc_profile"}}
    bare.format = image.format
    bare.getexif()[0x0112] = orientation
    upright = ImageOps.exif_transpose(bare)
    upright.format = image.format
    return upright


def _is_inverted(image: Image.Image) -> bool:
    """Tell whether 0 is white, as a TIFF may have it; of 16 bits PIL leaves the values as they are."""
    return image.mode in SIXTEEN_BITS and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0


def _as_shown(image: Image.Image, *, inverted: bool) -> tuple[int | None, Image.Image]:
    """Return the greatest value where there are 16 bits, and the image with 8 bits a channel, grey or RGB, and opaque."""
    if image.mode in SIXTEEN_BITS or (image.mode == "I" and image.format in WHOLE):
        return _eight_bits(image, inverted=inverted)
    if image.mode in {"I", "F"} or image.mode.startswith("I;"):
        raise _UnknownLookError(
            f"has 32 bits a pixel (PIL's mode {image.mode!r}), of which nobody can tell what is black and what is white; "
            "convert it to 8 or 16 bits."
        )
    mode: Mode = "L" if image.mode in GREY else "RGB"
    profile = image.info.get("icc_profile")
    if image.mode in TRANSPARENT or "transparency" in image.info:
        whole = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        if profile and mode == "RGB":
            whole = _in_srgb(whole, profile)
        return None, Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert(mode)
    plain = image.convert("RGB") if image.mode == "P" else image
    if profile and mode == "RGB":
        plain = _in_srgb(plain, profile)
    return None, plain.convert(mode)


def _eight_bits(image: Image.Image, *, inverted: bool) -> tuple[int, Image.Image]:
    """Bring 16 bits to 8 by their whole range; PIL would cut everything off above 255."""
    values = np.asarray(image).astype(np.int64)
    pixels = 255 - eight_bits(values) if inverted else eight_bits(values)
    if isinstance(transparent := image.info.get("transparency"), int):
        pixels[values == transparent] = 255
    return int(values.max()), Image.fromarray(pixels)


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return the image with its colours in sRGB; as it is where its profile can't be used."""
    try:
        transform = _transform(profile, image.mode)
        return image if transform is None else ImageCms.applyTransform(image, transform) or image
    except (ImageCms.PyCMSError, ValueError, OSError):
        return image


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if "srgb" in ImageCms.getProfileDescription(given).lower():
        return None
    return ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, "RGBA" if mode == "RGBA" else "RGB")


def _has_more(image: Image.Image) -> bool:
    try:
        return image.format not in ONE_LOOK and bool(getattr(image, "is_animated", False))
    except Exception:  # a later frame is damaged, and there is none that could be shown
        return False


def _reason(error: Exception, path: Path) -> tuple[str, str]:
    """Say why PIL can't read a file, in words that help, and what to do."""
    hint = "Repair or remove it"
    match error:
        case Image.DecompressionBombError():
            said = f"it has more than {MOST_PIXELS / 1e6:.0f} million pixels, as a file has that is made to fill the memory"
            return said, "Make it smaller, or leave it out"
        case MemoryError():
            return "it takes more memory than there is", "Make it smaller, or leave it out"
        case FileNotFoundError():
            return "there is no such file, or it is a link that leads nowhere", "Look at its path"
        case UnidentifiedImageError():
            with path.open("rb") as file:
                begins = file.read(32)
            if known := next((known for known in KNOWN if known[0].match(begins)), None):
                return known[1:]
            if any(accepts(begins) for name, (_, accepts) in Image.OPEN.items() if accepts and name in MARKED):
                return "it is damaged", hint
            return f"it is no image, and begins with {begins[:12]!r}" if begins else "it is empty", hint
        case OSError(strerror=str() as said):
            return said, "Look at the file, and who may read it"
    return f"it is damaged ({error or type(error).__name__})", hint
