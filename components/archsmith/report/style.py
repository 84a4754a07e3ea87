"""One look for all pictures: colours, lines and letters, and a figure as bytes.

Colours are those of Okabe and Ito, "Color universal design" (2008), which colour-blind people tell
apart. Each has a twin for dark pages: an SVG names its colours through CSS variables of the page.
"""

import io
import re
import warnings
from collections.abc import Mapping
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

INK, MUTED, FAINT, GRID, PAPER = "#1f2a36", "#5b6876", "#aab4bf", "#e4e8ed", "#fefefe"
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"

THEME: Mapping[str, tuple[str, str]] = {
    "ink": (INK, "#e7ebf0"),
    "muted": (MUTED, "#9daab8"),
    "faint": (FAINT, "#6d7986"),
    "grid": (GRID, "#2b343e"),
    "paper": (PAPER, "#181e25"),
    "blue": (BLUE, "#45a5de"),
    "orange": (ORANGE, "#eeb02e"),
    "green": (GREEN, "#2dbb93"),
    "red": (RED, "#f0813a"),
    "purple": (PURPLE, "#d990b8"),
    "sky": (SKY, "#7cc6f0"),
}
"""Name of a colour to its value on a light page and on a dark one."""

SERIES = (BLUE, RED, GREEN, PURPLE, ORANGE)
"""Colours of lines that are to be told apart, in the order of use."""

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9.0,
    "text.color": INK,
    # A name that a user chose may hold a dollar sign.
    "text.parse_math": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlepad": 9.0,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "legend.handletextpad": 0.4,
    "legend.borderaxespad": 0.2,
    "lines.linewidth": 1.6,
    "figure.facecolor": PAPER,
    "svg.fonttype": "none",
}

styled = rc_context(STYLE)
"""Decorator of a function that draws."""

_DPI = 160.0
_LARGEST_PX = 30_000


def svg(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element; `name` begins each of its ids, so that pictures of one page do not clash."""
    text = _saved(figure, name, format="svg", transparent=True).decode()
    # The prologue, the document type and the metadata name addresses and have no place within a page.
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", text)


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, smaller than usual where it would be too large for its viewers."""
    return _saved(figure, "png", format="png", dpi=min(_DPI, _LARGEST_PX / max(figure.get_size_inches())))


def themed(picture: str) -> str:
    """Let an SVG element follow the page's colours, by name, from light to dark."""
    for name, (light, _) in THEME.items():
        picture = picture.replace(light, f"var(--{name})")
    return picture


def _saved(figure: Figure, salt: str, **options: Any) -> bytes:
    """Save without what differs between two runs: the time, and ids made at random."""
    nothing = {"Date": None} if options["format"] == "svg" else {"Software": None}
    buffer = io.BytesIO()
    with rc_context({**STYLE, "svg.hashsalt": salt}), warnings.catch_warnings():
        # A name in a script that the measuring font lacks: the browser has a font for it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, metadata=nothing, **options)
    return buffer.getvalue()
