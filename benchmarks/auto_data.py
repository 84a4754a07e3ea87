"""Makes four image sets of kinds that users have; with the digits and Fashion-MNIST they are what `auto.py` runs over.

    python benchmarks/auto_data.py FOLDER                    # all four, in a minute
    python benchmarks/auto_data.py FOLDER --sets photos uneven

| set | what it is |
|---|---|
| `photos` | a folder of 1,600 colour photographs of 80 to 19,000 pixels and all shapes, in 10 classes: crops of scikit-image's pictures, those to test with from a part of each picture that no training crop reaches |
| `drawings` | 300 coloured drawings in all, of 6 things at any place, size and tilt, without a split: one .npz file |
| `uneven` | Fashion-MNIST with 1,000 training images of its first class, and fewer of each that follows down to 50 of its last: 1:20; tested on 200 of each |
| `glyphs` | 40 letters and digits in colour, in all fonts that this machine has, tilted and blurred; tested in fonts that are in no training image |

All but `uneven` are made anew from a seed. `photos` needs scikit-image, of which only the pictures are read; `uneven` needs
Fashion-MNIST, as Debian's package dataset-fashion-mnist has it. Prints JSON: of each set where it is and how many images it has.
"""  # noqa: E501

import argparse
import importlib.util
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SEED = 14
PICTURES = {
    "brick": "brick.png", "cat": "chelsea.png", "coffee": "coffee.png", "grass": "grass.png", "gravel": "gravel.png",
    "motorcycle": "motorcycle_left.png", "retina": "retina.jpg", "rocket": "rocket.jpg", "stars": "hubble_deep_field.jpg",
    "tissue": "ihc.png",
}  # fmt: skip
CHARACTERS = "ABDEFGHJKMNPQRTVWXYabdefghmnqrty23456789"
"""Of letters whose two cases look alike in many fonts, one."""
FRONT = 0.7
"""Share of a picture's width from which training crops are taken; test crops come from the rest."""

Drawing = Callable[[ImageDraw.ImageDraw, Callable[[float, float], tuple[float, float]], Sequence[tuple[int, ...]]], None]


def main() -> int:
    """Make the sets and say what they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=sorted(SETS))
    given = parser.parse_args()
    print(json.dumps({name: str(make(name, given.folder)) for name in given.sets}, indent=2))
    return 0


def make(name: str, folder: Path) -> Path:
    """Return where a set lies; it is made where it is not there."""
    place = folder / (name if name == "photos" else f"{name}.npz")
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        SETS[name](place)
    return place


def photos(place: Path, train: int = 120, test: int = 40) -> None:
    """Crop photographs into a folder a split and class."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        raise SystemExit("The pictures of scikit-image are needed: pip install scikit-image")
    rng = np.random.default_rng(SEED)
    part = place.with_name(f"{place.name}.part")
    for name, file in PICTURES.items():
        with Image.open(Path(found.origin).parent / "data" / file) as image:
            whole = image.convert("RGB")
        border = int(whole.width * FRONT)
        for split, (left, right), n in (("train", (0, border), train), ("test", (border, whole.width), test)):
            (part / split / name).mkdir(parents=True, exist_ok=True)
            for k in range(n):
                crop = cropped(whole.crop((left, 0, right, whole.height)), rng)
                crop.save(part / split / name / f"{k:03d}.jpg", quality=int(rng.integers(70, 96)))
    part.rename(place)


def cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return a part of a picture of any size and shape, lighter or darker, in any size."""
    area, shape = rng.uniform(0.06, 0.25) * image.width * image.height, math.exp(rng.uniform(-0.5, 0.5))
    width = int(min(image.width, math.sqrt(area * shape)))
    height = int(min(image.height, math.sqrt(area / shape)))
    left, top = (int(rng.integers(0, most - size + 1)) for most, size in ((image.width, width), (image.height, height)))
    part = image.crop((left, top, left + width, top + height))
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    scale = rng.uniform(32, 120) / max(part.size)
    part = part.resize((max(8, int(part.width * scale)), max(8, int(part.height * scale))), Image.Resampling.BICUBIC)
    gain, more = rng.uniform(0.7, 1.2), rng.uniform(-20, 20)
    return part.point(lambda value: gain * value + more)


def drawings(place: Path, n: int = 300, side: int = 48) -> None:
    """Draw things of which each has a shape of its own and any colours."""
    rng = np.random.default_rng(SEED)
    names = list(THINGS)
    images = np.stack([drawn(THINGS[names[k % len(names)]], rng, side) for k in range(n)])
    np.savez_compressed(place, x=images, y=np.arange(n) % len(names), classes=names)


def drawn(thing: Drawing, rng: np.random.Generator, side: int) -> np.ndarray:
    """Draw a thing somewhere, at some size and tilt, on a ground that is not plain."""
    ground = np.linspace(rng.integers(90, 256, 3), rng.integers(90, 256, 3), 4 * side)[:, None].repeat(4 * side, 1)
    image = Image.fromarray(ground.astype(np.uint8))
    tilt, scale = rng.uniform(-0.35, 0.35), rng.uniform(0.9, 1.7) * side
    x, y = rng.uniform(0.38, 0.62, 2) * 4 * side

    def at(a: float, b: float) -> tuple[float, float]:
        return (
            x + scale * (a * math.cos(tilt) - b * math.sin(tilt)),
            y + scale * (a * math.sin(tilt) + b * math.cos(tilt)),
        )

    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 4))):  # what lies about
        a, b, r = *(rng.uniform(0, 4 * side, 2)), rng.uniform(4, 20)
        draw.ellipse((a - r, b - r, a + r, b + r), fill=tuple(rng.integers(0, 256, 3).tolist()))
    thing(draw, at, [tuple(rng.integers(0, 200, 3).tolist()) for _ in range(4)])
    pixels = np.array(image.resize((side, side), Image.Resampling.BOX)).astype(float)
    return np.clip(pixels + rng.normal(0, 10, pixels.shape), 0, 255).astype(np.uint8)


def house(draw: Any, at: Any, colours: Any) -> None:
    """Draw walls, a roof and a door."""
    draw.polygon([at(-0.6, -0.1), at(0.6, -0.1), at(0.6, 0.8), at(-0.6, 0.8)], fill=colours[0])
    draw.polygon([at(-0.8, -0.1), at(0, -0.8), at(0.8, -0.1)], fill=colours[1])
    draw.polygon([at(-0.15, 0.3), at(0.15, 0.3), at(0.15, 0.8), at(-0.15, 0.8)], fill=colours[2])


def tree(draw: Any, at: Any, colours: Any) -> None:
    """Draw a trunk and three tiers of branches."""
    draw.polygon([at(-0.1, 0.3), at(0.1, 0.3), at(0.1, 0.9), at(-0.1, 0.9)], fill=colours[0])
    for tier in range(3):
        y = 0.4 - 0.45 * tier
        draw.polygon([at(-0.7 + 0.15 * tier, y), at(0, y - 0.6), at(0.7 - 0.15 * tier, y)], fill=colours[1])


def car(draw: Any, at: Any, colours: Any) -> None:
    """Draw a body, a cabin and two wheels."""
    draw.polygon([at(-0.9, 0), at(0.9, 0), at(0.9, 0.4), at(-0.9, 0.4)], fill=colours[0])
    draw.polygon([at(-0.5, 0), at(-0.3, -0.35), at(0.35, -0.35), at(0.55, 0)], fill=colours[1])
    for x in (-0.5, 0.5):
        draw.polygon(ring(at, x, 0.42, 0.22), fill=colours[2])


def fish(draw: Any, at: Any, colours: Any) -> None:
    """Draw a body, a tail and an eye."""
    draw.polygon(ring(at, 0.1, 0, 0.65, 0.38), fill=colours[0])
    draw.polygon([at(-0.4, 0), at(-0.95, -0.4), at(-0.95, 0.4)], fill=colours[1])
    draw.polygon(ring(at, 0.45, -0.08, 0.08), fill=colours[2])


def face(draw: Any, at: Any, colours: Any) -> None:
    """Draw a head, two eyes and a mouth."""
    draw.polygon(ring(at, 0, 0, 0.75), fill=colours[0])
    for x in (-0.28, 0.28):
        draw.polygon(ring(at, x, -0.2, 0.11), fill=colours[1])
    draw.polygon([at(-0.35, 0.25), at(0.35, 0.25), at(0.15, 0.42), at(-0.15, 0.42)], fill=colours[2])


def boat(draw: Any, at: Any, colours: Any) -> None:
    """Draw a hull, a mast and a sail."""
    draw.polygon([at(-0.8, 0.4), at(0.8, 0.4), at(0.5, 0.75), at(-0.5, 0.75)], fill=colours[0])
    draw.polygon([at(-0.04, -0.8), at(0.04, -0.8), at(0.04, 0.4), at(-0.04, 0.4)], fill=colours[1])
    draw.polygon([at(0.08, -0.75), at(0.7, 0.3), at(0.08, 0.3)], fill=colours[2])


def ring(at: Any, x: float, y: float, across: float, high: float | None = None) -> list[tuple[float, float]]:
    """Return the points of an ellipse."""
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    return [at(x + across * math.cos(t), y + (high or across) * math.sin(t)) for t in angles]


THINGS: Mapping[str, Drawing] = {"boat": boat, "car": car, "face": face, "fish": fish, "house": house, "tree": tree}


def uneven(place: Path) -> None:
    """Take fewer and fewer images of each class of Fashion-MNIST."""
    from archsmith.evaluation.data.known import read_fashion_mnist
    from archsmith.spec import DataSpec

    splits = read_fashion_mnist(DataSpec(name="fashion-mnist", download=False), None)
    assert splits.test is not None
    rng = np.random.default_rng(SEED)
    numbers = np.round(1000 * 20 ** (-np.arange(10) / 9)).astype(int)
    arrays: dict[str, np.ndarray] = {"classes": np.array(splits.classes)}
    for split, images, counts in (("train", splits.train, numbers), ("test", splits.test, np.full(10, 200))):
        labels = images.labels.numpy()
        taken = np.concatenate([rng.permutation(np.flatnonzero(labels == c))[:n] for c, n in enumerate(counts)])
        taken = rng.permutation(taken)
        arrays |= {f"x_{split}": images.images.numpy()[taken, 0], f"y_{split}": labels[taken]}
    np.savez_compressed(place, **arrays)


def glyphs(place: Path, train: int = 100, test: int = 20, side: int = 28) -> None:
    """Write characters in many fonts and colours."""
    rng = np.random.default_rng(SEED)
    fonts = known_fonts()
    held = {fonts[k] for k in rng.permutation(len(fonts))[: len(fonts) // 5]}
    arrays: dict[str, Any] = {"classes": list(CHARACTERS)}
    for split, its, n in (("train", [f for f in fonts if f not in held], train), ("test", sorted(held), test)):
        pixels, labels = [], []
        for label, character in enumerate(CHARACTERS):
            for _ in range(n):
                pixels.append(written(character, its[rng.integers(len(its))], rng, side))
                labels.append(label)
        order = rng.permutation(len(labels))
        arrays |= {f"x_{split}": np.stack(pixels)[order], f"y_{split}": np.array(labels)[order]}
    np.savez_compressed(place, **arrays)


def written(character: str, font: str, rng: np.random.Generator, side: int) -> np.ndarray:
    """Write a character in some size, place, tilt and colour on some ground."""
    dark, light = sorted(rng.integers(0, 256, (2, 3)).tolist(), key=sum)
    if sum(light) - sum(dark) < 200:
        dark, light = [value // 3 for value in dark], [255 - value // 3 for value in light]
    ground, ink = (tuple(colour) for colour in ((dark, light) if rng.random() < 0.5 else (light, dark)))
    image = Image.new("RGB", (3 * side, 3 * side), ground)
    loaded = ImageFont.truetype(font, int(rng.uniform(1.6, 2.6) * side))
    x, y = rng.uniform(1.3, 1.7, 2) * side
    ImageDraw.Draw(image).text((x, y), character, font=loaded, fill=ink, anchor="mm")
    image = image.rotate(rng.uniform(-15, 15), Image.Resampling.BICUBIC, fillcolor=ground)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2.5))).resize((side, side), Image.Resampling.BOX)
    return np.clip(np.array(image).astype(float) + rng.normal(0, 12, (side, side, 3)), 0, 255).astype(np.uint8)


def known_fonts() -> list[str]:
    """Return a file of each font here that has all characters, those that come with matplotlib included."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    files = [entry.fname for entry in font_manager.FontManager().ttflist] + font_manager.findSystemFonts()
    found: dict[str, str] = {}
    for file in sorted(files):
        face = FT2Font(file)
        symbols = any(word in face.family_name.lower() for word in ("symbol", "cmsy", "cmex", "cmmi", "math", "size"))
        if not symbols and all(face.get_char_index(ord(character)) for character in CHARACTERS):
            found.setdefault(f"{face.family_name} {face.style_name}", file)
    return sorted(found.values())


SETS: Mapping[str, Callable[[Path], None]] = {"photos": photos, "drawings": drawings, "uneven": uneven, "glyphs": glyphs}


if __name__ == "__main__":
    sys.exit(main())
