"""Search spaces that other distributions bring along: Python classes named by entry points.

A distribution says `[project.entry-points."archsmith.spaces"]` and a line `NAME = "module:Config"`; `Config` is a
`SpaceConfig`, and what it builds has the methods of `Space` and `layers`, which makes its networks.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from archsmith.errors import PluginError
from archsmith.spaces.space import SpaceConfig

GROUP = "archsmith.spaces"
"""The group of the entry points."""


class InstalledSpaces(Mapping[str, type[SpaceConfig]]):
    """Our own spaces, and those of installed distributions, looked for when they are first asked for.

    It goes over those that can be used; one that can't is still known by name, and asking for it says why.
    """

    def __init__(self, ours: Mapping[str, type[SpaceConfig]]) -> None:
        self._ours = ours

    @cached_property
    def _found(self) -> Mapping[str, list[EntryPoint]]:
        """The entry points by name; more than one where distributions quarrel over it."""
        found: dict[str, list[EntryPoint]] = {}
        for entry in sorted(entry_points(group=GROUP), key=lambda e: (e.name, _distribution(e))):
            found.setdefault(entry.name, []).append(entry)
        return found

    @cached_property
    def broken(self) -> Mapping[str, str]:
        """Why the spaces that can't be used can't be, by name."""
        reasons = {}
        for name in self._found:
            try:
                self._load(name)
            except PluginError as error:
                reasons[name] = str(error)
        return reasons

    def __getitem__(self, name: str) -> type[SpaceConfig]:
        """Return a space's settings.

        Raises:
            KeyError: There is no such space.
            PluginError: A distribution names one, but it can't be used.
        """
        return self._ours[name] if name in self._ours else self._load(name)

    def __contains__(self, name: object) -> bool:
        """Tell whether a space is known by this name, whether or not it can be used; its module is not imported."""
        return name in self._ours or name in self._found

    def __iter__(self) -> Iterator[str]:
        yield from self._ours
        yield from (name for name in self._found if name not in self._ours and name not in self.broken)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _load(self, name: str) -> type[SpaceConfig]:
        """Import what the entry point of this name stands for."""
        entry, *others = self._found[name]
        if name in self._ours:
            raise PluginError(f"{_named(entry)} has the name of one of Archsmith's own, which keeps it; give it another name.")
        if others:
            also = ", ".join(map(_distribution, others))
            raise PluginError(f"{_named(entry)} has the same name as that of {also}; uninstall one of them.")
        try:
            config = entry.load()
        except Exception as error:  # whatever a module of somebody else raises while it is imported
            raise PluginError(f"{_named(entry)} can't be imported: {type(error).__name__}: {error}") from error
        if not (isinstance(config, type) and issubclass(config, SpaceConfig)):
            raise PluginError(f"{_named(entry)} is {config!r}, but must be a subclass of archsmith.spaces.space.SpaceConfig.")
        return config


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unnamed distribution"


def _named(entry: EntryPoint) -> str:
    return f"The space {entry.name!r} of the distribution {_distribution(entry)!r} ({entry.value})"
