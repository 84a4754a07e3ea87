"""What other distributions bring along: classes of settings, named by entry points, that stand beside our own.

A distribution says `[project.entry-points."archsmith.strategies"]` and a line `NAME = "module:Config"`; likewise
`archsmith.spaces`, `archsmith.estimators` and `archsmith.stoppers`.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from archsmith.errors import PluginError

Config = TypeVar("Config")


class Installed(Mapping[str, type[Config]]):
    """Our own algorithms of a kind, and those of installed distributions, looked for when they are first asked for.

    It goes over those that can be used; one that can't is still known by name, and asking for it says why.

    Args:
        ours: Our own, which keep their names.
        kind: What they are, in the singular: `strategy`.
        group: The group of the entry points.
        base: What the settings of one are a subclass of.
        fault: Says what else such a class lacks; None where it lacks nothing.
    """

    def __init__(
        self,
        ours: Mapping[str, type[Config]],
        *,
        kind: str,
        group: str,
        base: type[Config],
        fault: Callable[[type[Any]], str | None] = lambda _: None,
    ) -> None:
        self._ours, self._kind, self._group, self._base, self._fault = ours, kind, group, base, fault

    @cached_property
    def _found(self) -> Mapping[str, list[EntryPoint]]:
        """The entry points by name; more than one where distributions quarrel over it."""
        found: dict[str, list[EntryPoint]] = {}
        for entry in sorted(entry_points(group=self._group), key=lambda e: (e.name, _distribution(e))):
            found.setdefault(entry.name, []).append(entry)
        return found

    @cached_property
    def broken(self) -> Mapping[str, str]:
        """Why those that can't be used can't be, by name."""
        reasons = {}
        for name in self._found:
            try:
                self._load(name)
            except PluginError as error:
                reasons[name] = str(error)
        return reasons

    def distribution(self, name: str) -> str | None:
        """Return the distribution that brings one along; None of ours."""
        return None if name in self._ours else _distribution(self._found[name][0])

    def __getitem__(self, name: str) -> type[Config]:
        """Return the settings of one.

        Raises:
            KeyError: There is none of this name.
            PluginError: A distribution names one, but it can't be used.
        """
        return self._ours[name] if name in self._ours else self._load(name)

    def __contains__(self, name: object) -> bool:
        """Tell whether one is known by this name, whether or not it can be used; its module is not imported."""
        return name in self._ours or name in self._found

    def __iter__(self) -> Iterator[str]:
        yield from self._ours
        yield from (name for name in self._found if name not in self._ours and name not in self.broken)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _load(self, name: str) -> type[Config]:
        """Import what the entry point of this name stands for."""
        entry, *others = self._found[name]
        named = f"The {self._kind} {entry.name!r} of the distribution {_distribution(entry)!r} ({entry.value})"
        if name in self._ours:
            raise PluginError(f"{named} has the name of one of Archsmith's own, which keeps it; give it another name.")
        if others:
            also = ", ".join(map(_distribution, others))
            raise PluginError(f"{named} has the same name as that of {also}; uninstall one of them.")
        try:
            config = entry.load()
        except Exception as error:  # whatever a module of somebody else raises while it is imported
            raise PluginError(f"{named} can't be imported: {type(error).__name__}: {error}") from error
        if not (isinstance(config, type) and issubclass(config, self._base)):
            base = f"{self._base.__module__}.{self._base.__qualname__}"
            raise PluginError(f"{named} is {config!r}, but must be a subclass of {base}.")
        if (fault := self._fault(config)) is not None:
            raise PluginError(f"{named} {fault}")
        return config


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unnamed distribution"


def lacks(config: type[Any], base: type[Any], method: str, why: str) -> str | None:
    """Say that a class of settings lacks a method that its base only names; None where it has it."""
    if getattr(config, method) is not getattr(base, method):
        return None
    return f"has no method `{method}`, but needs it; {why}"
