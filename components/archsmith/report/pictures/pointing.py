"""What is said of places of a picture to whoever points at them: the page's script shows it, which a picture alone has not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Transform

MOST = 5_000
"""Places of a picture. Of more, so many are kept, evenly spread over them, so that a page does not become large."""
_POINTS_PER_INCH = 72.0

Spot = tuple[float, float, str]
"""x and y of a plot, and what is said there."""


class Spots(Artist):
    """Places of a plot. It is one of the plot's artists, so that it moves with its axes, and draws nothing.

    Args:
        at: x and y of each place, (N, 2), float64, in units of `transform`.
        said: What is said at each.
        transform: Leads from those units to pixels.
    """

    def __init__(self, at: np.ndarray, said: Sequence[str], transform: Transform) -> None:
        super().__init__()
        self.at, self.said = at, said
        self.set_transform(transform)
        self.set_in_layout(False)

    def draw(self, renderer: Any) -> None:
        """Draw nothing."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """The places of a picture, in points from its upper left corner."""

    at: tuple[tuple[float, float], ...]
    """x to the right, y downwards."""
    said: tuple[str, ...]
    """What is said at each."""


def point_out(axes: Axes, spots: Iterable[Spot], transform: Transform | None = None) -> None:
    """Say something of places of a plot; `transform` is that of its data where it is left out."""
    found = list(spots)
    kept = [found[k] for k in np.unique(np.linspace(0, len(found) - 1, min(len(found), MOST)).astype(int))] if found else []
    if kept:
        at = np.array([(x, y) for x, y, _ in kept], float)
        axes.add_artist(Spots(at, [said for *_, said in kept], transform or axes.transData))


def pointed(figure: Figure) -> Pointed:
    """Return what is said of the places of a figure that has been drawn; those outside of it are left out."""
    width, height = (float(inches) * _POINTS_PER_INCH for inches in figure.get_size_inches())
    at: list[tuple[float, float]] = []
    said: list[str] = []
    for spots in figure.findobj(Spots):
        assert isinstance(spots, Spots)
        pixels = spots.get_transform().transform(spots.at) * (_POINTS_PER_INCH / figure.dpi)
        for (x, up), words in zip(pixels.tolist(), spots.said, strict=True):
            if 0 <= x <= width and 0 <= up <= height:
                at.append((x, height - up))
                said.append(words)
    return Pointed(tuple(at), tuple(said))


def packed(pictures: Mapping[str, Pointed]) -> dict[str, Any]:
    """Return the places of all pictures of a page as JSON for its script: each text once, places in tenths of a point.

    Returns:
        `said`, all texts, and of each picture that has any places, by name, a flat list: x, y, the text's number, and so on.
    """
    numbers: dict[str, int] = {}
    places = {
        name: [
            part
            for (x, y), words in zip(found.at, found.said, strict=True)
            for part in (round(10 * x), round(10 * y), numbers.setdefault(words, len(numbers)))
        ]
        for name, found in pictures.items()
        if found.at
    }
    return {"said": list(numbers), "pictures": places}
