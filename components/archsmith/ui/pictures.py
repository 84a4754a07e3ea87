"""Pictures of networks for pages, light or dark."""

import threading
from collections import OrderedDict
from typing import Literal

from archsmith.report import graph_svg
from archsmith.report.style import THEME
from archsmith.spaces.space import Space
from archsmith.values import Architecture

Theme = Literal["light", "dark"]

_KEPT = 200
"""Pictures that are kept, of some ten thousand bytes each."""


class Pictures:
    """Draws each network once. matplotlib's settings are global, so it draws one at a time."""

    def __init__(self) -> None:
        self._drawn: OrderedDict[tuple[Space, str, Theme], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def draw(self, space: Space, architecture: Architecture, theme: Theme) -> bytes:
        """Return a network as an SVG document.

        Args:
            space: The space that it is of.
            architecture: It.
            theme: Whether the page is light or dark.
        """
        key = (space, architecture.id, theme)
        with self._lock:
            if key not in self._drawn:
                self._drawn[key] = _coloured(graph_svg(space.graph(architecture), "network"), theme).encode()
                while len(self._drawn) > _KEPT:
                    self._drawn.popitem(last=False)
            self._drawn.move_to_end(key)
            return self._drawn[key]


def _coloured(picture: str, theme: Theme) -> str:
    """Give a picture the colours of a theme; a document by itself has no variables of the page."""
    for light, dark in THEME.values():
        picture = picture.replace(light, dark if theme == "dark" else light)
    return picture


def theme_css() -> str:
    """Return the colours of both themes as CSS variables: by what the system prefers, and by what the page's switch says."""
    light, dark = (
        "".join(f"--{name}: {pair[k]}; " for name, pair in {**THEME, "ground": ("#f4f6f8", "#0f1419")}.items()) for k in (0, 1)
    )
    return (
        f":root {{ color-scheme: light; {light}}}\n"
        f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ color-scheme: dark; {dark}}} }}\n"
        f":root[data-theme=dark] {{ color-scheme: dark; {dark}}}\n"
    )
