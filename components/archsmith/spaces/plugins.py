"""Search spaces that other distributions bring along: Python classes named by entry points.

A distribution says `[project.entry-points."archsmith.spaces"]` and a line `NAME = "module:Config"`; `Config` is a
`SpaceConfig`, and what it builds has the methods of `Space` and `layers`, which makes its networks.
"""

from collections.abc import Mapping

from archsmith.plugins import Installed
from archsmith.spaces.space import Space, SpaceConfig

GROUP = "archsmith.spaces"
"""The group of the entry points."""


class InstalledSpaces(Installed[SpaceConfig]):
    """Our own spaces, and those of installed distributions."""

    def __init__(self, ours: Mapping[str, type[SpaceConfig]]) -> None:
        super().__init__(ours, kind="space", group=GROUP, base=SpaceConfig)


def foreign_fault(name: str, space: Space) -> str | None:
    """Say what a space from another distribution lacks; its class was found under `name`, and has made what is looked at here."""
    if space.name != name:
        return f"the space {name!r} calls itself {space.name!r}, but the two must be the same; it is in each architecture's id"
    if not hasattr(space, "layers"):
        return (
            f"the space {name!r} has no method `layers`, but needs it; it makes the networks, see archsmith.models.BuildsItself"
        )
    return None
