"""A corpus of image files: every mode, depth, orientation, transparency, damage and name, each with its decided outcome."""

import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from archsmith.errors import DataError
from archsmith.evaluation.data.image_file import Picture, quietly, read_each, read_image
from archsmith.evaluation.data.tree import File, show

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8)
"""A scene that looks different from each side."""
GREYS = RNG.integers(0, 256, (4, 6), dtype=np.uint8)
ALPHA = RNG.integers(0, 256, (4, 6), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (4, 6), dtype=np.uint16)
DEEP_COLOURS = RNG.integers(0, 65536, (4, 6, 3), dtype=np.uint16)
PALETTE = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 8, 7)], np.uint8)
INDICES = np.arange(24, dtype=np.uint8).reshape(4, 6) % 4


def saved(array: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    """Return an image as a file."""
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def oriented(array: np.ndarray, kind: str, orientation: int, **options: Any) -> bytes:
    """Return an image as a file whose EXIF says how to turn it."""
    image = Image.fromarray(array)
    exif = image.getexif()
    exif[0x0112] = orientation
    return saved(image, kind, exif=exif, **options)


def in_mode(mode: str, *channels: np.ndarray) -> Image.Image:
    return Image.frombytes(mode, (6, 4), np.dstack(channels).astype(np.uint8).tobytes())


def paletted() -> Image.Image:
    image = Image.fromarray(INDICES).convert("P")
    image.putpalette(PALETTE.tobytes())
    return image


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(rows: np.ndarray, colour: int, depth: int, *others: bytes, size: tuple[int, int] = (6, 4)) -> bytes:
    """Return a PNG file of a kind that PIL does not write: `colour` is its type, `others` are chunks before the pixels."""
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *others, chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def on_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return what is seen of pixels on white."""
    share = (alpha[..., None] if pixels.ndim == 3 else alpha) / 255
    seen: np.ndarray = pixels * share + 255 * (1 - share)
    return seen


def several(kind: str, **options: Any) -> bytes:
    """Return a file of three frames, of which the first is the scene."""
    frames = [Image.fromarray(np.roll(COLOURS, k, axis=1)) for k in range(3)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)


def profile(*primaries: tuple[float, float, float]) -> bytes:
    """Return an ICC profile with the curve of sRGB and these primaries as (X, Y, Z)."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    x = np.linspace(0, 1, 1024)
    linear = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    curve = b"curv" + bytes(4) + struct.pack(">I", 1024) + (linear * 65535).round().astype(">u2").tobytes()
    name = b"swapped"
    parts = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name + bytes(80),
        b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249),
    }
    parts |= {tag: b"XYZ " + bytes(4) + fixed(*xyz) for tag, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    parts |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, begin = b"", b"", 128 + 4 + 12 * len(parts)
    for tag, data in parts.items():
        data += bytes(-len(data) % 4)
        table += tag + struct.pack(">II", begin + len(body), len(data))
        body += data
    head = struct.pack(">I", begin + len(body)) + bytes(4) + bytes((2, 0x20, 0, 0)) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + fixed(0.9642, 1, 0.8249)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(parts)) + table + body


RED, GREEN, BLUE = (0.43607, 0.22250, 0.01393), (0.38506, 0.71688, 0.09710), (0.14308, 0.06062, 0.71417)
"""The primaries of sRGB."""

LOOKS: dict[str, tuple[bytes, np.ndarray]] = {
    "grey": (saved(GREYS, "PNG"), GREYS),
    "black and white": (saved(GREYS > 128, "PNG"), np.where(GREYS > 128, 255, 0)),
    "grey of 4 bits": (png(np.array([[0x0F, 0x5A, 0x3C]] * 4, np.uint8), 0, 4), np.array([[0, 15, 5, 10, 3, 12]] * 4) * 17),
    "grey with alpha": (png(np.dstack([GREYS, ALPHA]), 4, 8), on_white(GREYS, ALPHA)),
    "a transparent grey": (
        png(GREYS, 0, 8, chunk(b"tRNS", bytes((0, GREYS[1, 2])))), np.where(GREYS[1, 2] == GREYS, 255, GREYS)
    ),
    "a transparent grey of 4 bits": (
        png(np.array([[0x0F, 0x5A, 0x3C]] * 4, np.uint8), 0, 4, chunk(b"tRNS", bytes((0, 5)))),
        np.array([[0, 15, 15, 10, 3, 12]] * 4) * 17,
    ),
    "a transparent grey of 2 bits": (
        png(np.array([[0b00011011, 0b01100000]] * 4, np.uint8), 0, 2, chunk(b"tRNS", bytes((0, 1)))),
        np.array([[0, 3, 2, 3, 3, 2]] * 4) * 85,
    ),
    "colours": (saved(COLOURS, "PNG"), COLOURS),
    "colours with alpha": (png(np.dstack([COLOURS, ALPHA]), 6, 8), on_white(COLOURS, ALPHA)),
    "colours that are nowhere opaque": (png(np.dstack([COLOURS, 0 * ALPHA]), 6, 8), np.full((4, 6, 3), 255)),
    "opaque colours with alpha": (png(np.dstack([COLOURS, 0 * ALPHA + 255]), 6, 8), COLOURS),
    "a transparent colour": (
        png(COLOURS, 2, 8, chunk(b"tRNS", b"".join(bytes((0, c)) for c in COLOURS[0, 0]))),
        np.where((COLOURS[0, 0] == COLOURS).all(2, keepdims=True), 255, COLOURS),
    ),
    "a palette": (png(INDICES, 3, 8, chunk(b"PLTE", PALETTE.tobytes())), PALETTE[INDICES]),
    "a palette with alpha": (
        png(INDICES, 3, 8, chunk(b"PLTE", PALETTE.tobytes()), chunk(b"tRNS", bytes((255, 0, 100)))),
        on_white(PALETTE[INDICES], np.array((255, 0, 100, 255))[INDICES]),
    ),
    "16 bits": (png(DEEP.astype(">u2"), 0, 16), DEEP / 257),
    "16 bits with a transparent grey": (
        png(DEEP.astype(">u2"), 0, 16, chunk(b"tRNS", struct.pack(">H", DEEP[2, 3]))),
        np.where(DEEP[2, 3] == DEEP, 255, DEEP / 257),
    ),
    "16 bits with alpha": (png(np.dstack([DEEP, 0 * DEEP + 65535]).astype(">u2"), 4, 16), np.dstack([DEEP / 257] * 3)),
    "colours of 16 bits": (png(DEEP_COLOURS.astype(">u2"), 2, 16), DEEP_COLOURS / 257),
    "a transparent colour of 16 bits": (
        png(DEEP_COLOURS.astype(">u2"), 2, 16, chunk(b"tRNS", DEEP_COLOURS[0, 0].astype(">u2").tobytes())),
        np.where((DEEP_COLOURS[0, 0] == DEEP_COLOURS).all(2, keepdims=True), 255, DEEP_COLOURS / 257),
    ),
    "16 bits in TIFF": (saved(DEEP, "TIFF"), DEEP / 257),
    "16 bits of which 0 is white": (
        saved(DEEP, "TIFF").replace(struct.pack("<HHII", 262, 3, 1, 1), struct.pack("<HHII", 262, 3, 1, 0)), 255 - DEEP / 257
    ),
    "16 bits in PGM": (saved(DEEP, "PPM"), DEEP / 257),
    "CMYK": (saved(in_mode("CMYK", 255 - COLOURS, 0 * ALPHA), "TIFF"), COLOURS),
    "LAB": (saved(in_mode("LAB", INDICES % 2 * 255, 0 * ALPHA, 0 * ALPHA), "TIFF"), np.dstack([INDICES % 2 * 255] * 3)),
    "a transparent colour in GIF": (
        saved(paletted(), "GIF", transparency=1), np.where(INDICES[..., None] == 1, 255, PALETTE[INDICES])
    ),
    "a colour profile": (saved(COLOURS, "PNG", icc_profile=profile(GREEN, RED, BLUE)), COLOURS[..., [1, 0, 2]]),
    "a colour profile, and alpha": (
        saved(in_mode("RGBA", COLOURS, ALPHA), "PNG", icc_profile=profile(GREEN, RED, BLUE)),
        on_white(COLOURS[..., [1, 0, 2]], ALPHA),
    ),
    "a colour profile that is none": (saved(COLOURS, "PNG", icc_profile=b"x" * 200), COLOURS),
    "a colour profile of another kind of image": (
        saved(in_mode("CMYK", 255 - COLOURS, 0 * ALPHA), "TIFF", icc_profile=profile(RED, GREEN, BLUE)), COLOURS
    ),
    "PPM": (b"P6 6 4 255\n" + COLOURS.tobytes(), COLOURS),
    "BMP": (saved(COLOURS, "BMP"), COLOURS),
    "WebP": (saved(COLOURS, "WEBP", lossless=True), COLOURS),
    "TIFF": (saved(COLOURS, "TIFF", compression="tiff_lzw"), COLOURS),
}  # fmt: skip
"""What is particular of a file, the file, and how it looks."""


def file(folder: Path, content: bytes, name: str = "image.png") -> File:
    path = folder / name
    path.write_bytes(content)
    return File((name,), path, show(path))


def read(folder: Path, content: bytes, name: str = "image.png") -> Picture:
    picture = read_image(file(folder, content, name))
    assert isinstance(picture, Picture)
    return picture


@pytest.mark.parametrize(("content", "expected"), LOOKS.values(), ids=LOOKS)
def test_an_image_is_read_as_it_looks(tmp_path: Path, content: bytes, expected: np.ndarray) -> None:
    pixels = read(tmp_path, content).pixels
    assert pixels.dtype == np.uint8
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(float) - expected).max() <= 1


TURNED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}
"""How what is stored is seen, by EXIF orientation (EXIF 2.3, table 6)."""


@pytest.mark.parametrize("orientation", TURNED)
def test_an_image_is_turned_as_its_exif_says_in_every_format_that_has_it(tmp_path: Path, orientation: int) -> None:
    expected = TURNED[orientation](COLOURS)
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        np.testing.assert_array_equal(read(tmp_path, oriented(COLOURS, kind, orientation, **options)).pixels, expected)
    for kind in ("PNG", "TIFF"):
        deep = read(tmp_path, oriented(DEEP, kind, orientation)).pixels
        assert np.abs(deep - TURNED[orientation](DEEP) / 257).max() <= 0.5
        np.testing.assert_array_equal(read(tmp_path, oriented(GREYS, kind, orientation)).pixels, TURNED[orientation](GREYS))


@pytest.mark.parametrize("orientation", [*TURNED, 0, 9, 77])
def test_a_jpeg_is_turned_and_one_whose_exif_says_nothing_of_the_kind_is_left_as_it_is(tmp_path: Path, orientation: int) -> None:
    scene = np.kron(COLOURS, np.ones((8, 8, 1), np.uint8))
    with Image.open(io.BytesIO(saved(scene, "JPEG"))) as image:
        stored = np.asarray(image)
    expected = TURNED.get(orientation, TURNED[1])(stored)
    np.testing.assert_array_equal(read(tmp_path, oriented(scene, "JPEG", orientation)).pixels, expected)


MODES = {
    "1": Image.fromarray(GREYS > 128), "L": Image.fromarray(GREYS), "LA": in_mode("LA", GREYS, ALPHA), "P": paletted(),
    "PA": paletted().convert("PA"), "RGB": Image.fromarray(COLOURS), "RGBA": in_mode("RGBA", COLOURS, ALPHA),
    "CMYK": in_mode("CMYK", COLOURS, ALPHA), "YCbCr": in_mode("YCbCr", COLOURS), "LAB": in_mode("LAB", COLOURS),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP", "GIF", "BMP", "JPEG2000", "AVIF", "TGA", "PCX", "SGI"])
def test_every_mode_that_a_format_has_looks_as_pillow_shows_it_turned_and_on_white(tmp_path: Path, kind: str) -> None:
    tried = 0
    for mode, orientation, transparent in product(MODES, (1, 6), ({}, {"transparency": 1})):
        exif = Image.Exif()
        exif[0x0112] = orientation
        try:
            content = saved(MODES[mode], kind, exif=exif, **transparent)
        except (OSError, ValueError, AttributeError, TypeError):
            continue  # the format has no such images
        with Image.open(io.BytesIO(content)) as image:
            turned = ImageOps.exif_transpose(image)
        opaque = turned.mode in {"CMYK", "YCbCr", "LAB"}
        seen = (turned.convert("RGB") if opaque else turned).convert("RGBA")
        expected = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
        pixels = read(tmp_path, content, f"image.{'jp2' if kind == 'JPEG2000' else kind}").pixels
        shown = np.asarray(expected.convert("RGB" if pixels.ndim == 3 else "L"))
        assert pixels.shape == shown.shape, (mode, orientation, transparent)
        assert np.abs(pixels.astype(int) - shown).max() <= 1, (mode, orientation, transparent)
        tried += 1
    assert tried


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_exif_that_nobody_can_read_is_passed_over_as_viewers_do(tmp_path: Path, exif: bytes) -> None:
    np.testing.assert_array_equal(read(tmp_path, saved(COLOURS, "PNG", exif=exif)).pixels, COLOURS)


@pytest.mark.parametrize(("kind", "options"), [("GIF", {}), ("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_of_several_frames_or_pages_the_first_is_read_and_that_there_are_more_is_told(
    tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    picture = read(tmp_path, several(kind, **options))
    assert picture.frames
    assert np.abs(picture.pixels.astype(int) - COLOURS).max() <= (60 if kind == "GIF" else 0)  # GIF has 256 colours
    assert not read(tmp_path, saved(COLOURS, kind, **options)).frames


def test_the_second_picture_of_a_photo_and_the_sizes_of_an_icon_are_no_frames(tmp_path: Path) -> None:
    for content in (several("MPO"), saved(Image.new("RGB", (64, 64)), "ICO", sizes=[(16, 16), (64, 64)])):
        assert not read(tmp_path, content, "image.jpg" if content[:1] == b"\xff" else "image.ico").frames


def test_the_greatest_value_of_16_bits_is_told(tmp_path: Path) -> None:
    assert read(tmp_path, png(DEEP.astype(">u2"), 0, 16)).peak == DEEP.max()
    assert read(tmp_path, saved(GREYS, "PNG")).peak is None


def test_grey_and_coloured_become_what_is_asked_for_as_pillow_makes_it(tmp_path: Path) -> None:
    grey, coloured = file(tmp_path, saved(GREYS, "PNG"), "grey.png"), file(tmp_path, saved(COLOURS, "PNG"))
    (a,), (b,) = [read_image(grey, "RGB")], [read_image(coloured, "L")]
    assert isinstance(a, Picture)
    assert isinstance(b, Picture)
    np.testing.assert_array_equal(a.pixels, np.dstack([GREYS] * 3))
    np.testing.assert_array_equal(b.pixels, np.asarray(Image.fromarray(COLOURS).convert("L")))


@pytest.mark.parametrize(
    "name",
    [
        "A.PNG",
        "a.jfif",
        "a.ppm",
        "no ending",
        "a.b.c",
        "ä é\u0301 💡.png",
        "-rf.png",
        "new\nline.png",
        "a.csv",
        "#1?.png",
        "a.webp",
    ],
)
def test_what_is_an_image_does_not_hang_on_its_name(tmp_path: Path, name: str) -> None:
    np.testing.assert_array_equal(read(tmp_path, saved(COLOURS, "PNG"), name).pixels, COLOURS)


def test_a_name_of_any_bytes_is_read_and_can_be_shown(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"caf\\xe9.png can't be read: it is empty"):
        read_image(File((path.name,), path, show(path)))
    path.write_bytes(saved(GREYS, "PNG"))
    assert isinstance(read_image(File((path.name,), path, show(path))), Picture)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("notes.txt", b"P1 is the first", "no image"),
        ("README", b"about", "no image"),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0", "no image"),
        ("empty", b"", "no image"),
        ("x.svg", b"<svg/>", "Pillow reads no .svg"),
        ("x.HEIC", b"\0\0\0\x18ftypheic", "Pillow reads no .heic"),
        ("film.avi", b"RIFF\0\0\0\0AVI ", "Pillow reads no .avi"),
        ("photo.NRW", b"II*\0", "Pillow reads no .nrw"),
        ("x.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "Pillow reads no .eps"),
        ("x", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image"),
    ],
)
def test_a_file_that_nobody_takes_for_an_image_is_left_out_with_the_reason(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    assert read_image(file(tmp_path, content, name)) == why


def test_a_pipe_is_left_out_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert read_image(File(("pipe.png",), tmp_path / "pipe.png", "pipe.png")) == "no file"


WHOLE = saved(COLOURS, "PNG")

BROKEN = {
    "nothing": (b"", "it is empty"),
    "text": (b"hello", r"it is no image, and begins with b'hello'"),
    "a page": (b"<!DOCTYPE html><html>", "it is no image, and begins with b'<!DOCTYPE ht'"),
    "cut in its head": (WHOLE[:20], "it is "),
    "cut in its pixels": (WHOLE[:-30], "it is damaged"),
    "a chunk's type": (WHOLE.replace(b"IDAT", b"IDaT"), "it is damaged"),
    "a chunk's type that is none": (WHOLE.replace(b"IDAT", b"I\xffAT"), "it is damaged"),
    "a checksum": (WHOLE.replace(b"IDAT", b"IDAT", 1)[:-20] + b"\0\0\0\0" + WHOLE[-16:], "it is damaged"),
    "compressed data": (WHOLE[:45] + b"\xff\xff\xff" + WHOLE[48:], "it is damaged"),
    "a text that is a bomb": (
        png(GREYS, 0, 8, chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**26)))), "it is damaged"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN)
def test_any_damage_names_the_file(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=rf"^The image {tmp_path}/image.png can't be read: {reason}.*\. Repair or remove it\.$"):
        read_image(file(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            png(np.zeros((1, 1), np.uint8), 0, 8, size=(30_000, 30_000)),
            "it has more than 179 million pixels, as a file has that is made to fill the memory. "
            "Make it smaller, or leave it out.",
        ),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "it is HEIC or HEIF, which Pillow does not read. Convert it."),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n",
            "it is what Git LFS keeps in place of the image. `git lfs pull` fetches it.",
        ),
    ],
    ids=["a bomb", "HEIC", "Git LFS"],
)
def test_what_is_whole_is_not_to_be_repaired_or_removed(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read_image(file(tmp_path, content))
    assert str(caught.value) == f"The image {tmp_path}/image.png can't be read: {said}"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("none.png", "there is no such file, or it is a link that leads nowhere. Look at its path."),
        ("a.png", "Too many levels of symbolic links. Look at the file, and who may read it."),
    ],
)
def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, target: str, said: str) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / target)
    with pytest.raises(DataError, match=f"a.png can't be read: {said}$"):
        read_image(File(("a.png",), tmp_path / "a.png", "a.png"))


@pytest.mark.parametrize(
    ("content", "mode"), [(saved(DEEP.astype(np.int32), "TIFF"), "I"), (saved(DEEP.astype(np.float32), "TIFF"), "F")]
)
def test_what_has_no_black_and_white_is_refused(tmp_path: Path, content: bytes, mode: str) -> None:
    with pytest.raises(DataError, match=rf"image.png has 32 bits a pixel \(PIL's mode '{mode}'\), of which nobody can tell"):
        read_image(file(tmp_path, content))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG"])
def test_a_file_with_any_byte_changed_is_read_or_refused_by_its_name_and_warns_of_nothing(tmp_path: Path, kind: str) -> None:
    whole = oriented(COLOURS, kind, 6) if kind in {"PNG", "JPEG", "TIFF", "WEBP"} else saved(COLOURS, kind)
    refused = 0
    with warnings.catch_warnings(), quietly():
        for k in range(0, len(whole), 1 + len(whole) // 100):
            damaged = whole[:k] + bytes((whole[k] ^ 0xFF,)) + whole[k + 1 :]
            try:
                read(tmp_path, damaged)
            except DataError as error:
                assert str(error).startswith(f"The image {tmp_path}/image.png ")  # noqa: PT017
                refused += 1
    assert refused


def test_images_are_read_in_their_order_and_without_a_warning(tmp_path: Path) -> None:
    many = [file(tmp_path, saved(np.full((2, 2), k, np.uint8), "PNG"), f"{k}.png") for k in range(40)]
    pictures = read_each(read_image, many)
    assert [p.pixels[0, 0] for p in pictures if isinstance(p, Picture)] == list(range(40))
    large = file(tmp_path, png(np.zeros((1, 1), np.uint8), 0, 8, size=(9500, 9500)))  # PIL would warn of its size
    with pytest.raises(DataError, match="truncated"):
        read_each(read_image, [large])
