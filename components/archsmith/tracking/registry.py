"""The versions of a search's model in MLflow, for people who move the alias themselves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from archsmith.errors import NotFoundError, PermanentError
from archsmith.tracking.aliases import WHY, Reign, champion_of, crown, number, reigns_of
from archsmith.tracking.champion import model_name
from archsmith.tracking.session import Connect, connect, session
from archsmith.values.metrics import METRICS

TIMEOUT_S = 60
"""Longest wait for an answer of the server."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a search's model."""

    number: str
    """Its number, from 1."""
    aliases: tuple[str, ...]
    """What it is called."""
    made_at: float
    """When it was registered, in seconds since the epoch of Unix."""
    metrics: Mapping[str, float]
    """What it reaches, by the names of `values.metrics`, and `test_accuracy`."""
    notation: str
    """Its architecture."""
    why: str
    """Why it became champion or challenger; empty where nobody has said."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


class Registry:
    """The registered model of a search, or of several that share one.

    Args:
        search: What it is called after: the search's name, or its `tracking.model`.
        uri: The tracking URI, as `resolve_uri` gives it.
        connect: Makes MLflow's client of the URI.
    """

    def __init__(self, search: str, uri: str, *, connect: Connect = connect) -> None:
        self._search, self._uri, self._connect = search, uri, connect

    def versions(self) -> list[Version]:
        """Return the versions, the newest first; raises `NotFoundError` where there are none."""
        with session(self._uri, self._connect, TIMEOUT_S, self._search) as client:
            name = model_name(self._search)
            found = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda v: -int(v.version))
            if not found:
                raise self._none()
            aliases = client.get_registered_model(name).aliases
            return [_version(v, aliases) for v in found]

    def reigns(self) -> list[Reign]:
        """Return which versions have been the champion, the present one last."""
        with session(self._uri, self._connect, TIMEOUT_S, self._search) as client:
            return reigns_of(client, model_name(self._search)) if self._is_there(client) else []

    def promote(self, version: str, *, by: str, why: str) -> None:
        """Let a version be the champion.

        Args:
            version: Its number.
            by: Who says so.
            why: Why, for whoever asks later.

        Raises:
            NotFoundError: There is no such version.
        """
        with session(self._uri, self._connect, TIMEOUT_S, self._search) as client:
            name = model_name(self._search)
            found = {number(v): v for v in client.search_model_versions(f"name = '{name}'")}
            if not found:
                raise self._none()
            if version not in found:
                known = ", ".join(sorted(found, key=int))
                raise NotFoundError(f"There is no version {version!r} of the model {name!r}; it has: {known}.")
            crown(client, found[version], by=by, why=why)

    def roll_back(self, *, by: str, why: str) -> tuple[str, str]:
        """Let the champion before the present one be it again; return the numbers of the present and of the former one.

        Rolled back twice, it goes back to the one before that.

        Raises:
            NotFoundError: There is no model.
            PermanentError: No version was the champion before.
        """
        with session(self._uri, self._connect, TIMEOUT_S, self._search) as client:
            name = model_name(self._search)
            if not self._is_there(client):
                raise self._none()
            present, reigns = champion_of(client, name), reigns_of(client, name)
            there = {number(v): v for v in client.search_model_versions(f"name = '{name}'")}
            former = _former([r.version for r in reigns if r.version in there], present)
            if former is None:
                hint = f"`archsmith models {self._search}` lists the versions, and `archsmith promote` takes any of them"
                raise PermanentError(f"No other version of the model {name!r} is known to have been its champion; {hint}.")
            crown(client, there[former], by=by, why=why)
            return present, former

    def _is_there(self, client: Any) -> bool:
        return bool(client.search_registered_models(f"name = '{model_name(self._search)}'"))

    def _none(self) -> NotFoundError:
        return NotFoundError(
            f"MLflow has no model of the search {self._search!r}; it gets one when a winner is trained, or by "
            f"`archsmith sync {self._search}`."
        )


def _former(line: list[str], present: str) -> str | None:
    """Return who was before `present` in a line of champions, whose later part may be rollbacks already."""
    seen: list[str] = []
    for version in line:  # going back to one that was there before undoes all that came after it
        seen = [*seen[: seen.index(version)], version] if version in seen else [*seen, version]
    before = seen[: seen.index(present)] if present in seen else seen
    return before[-1] if before else None


def _version(version: Any, aliases: Mapping[str, Any]) -> Version:
    tags = version.tags
    names = ("test_accuracy", *METRICS)
    metrics = {name: float(tags[f"archsmith.{name}"]) for name in names if _is_number(tags.get(f"archsmith.{name}"))}
    called = tuple(sorted(alias for alias, of in aliases.items() if str(of) == number(version)))
    made_at = version.creation_timestamp / 1000
    return Version(number(version), called, made_at, metrics, tags.get("archsmith.notation", ""), tags.get(WHY, ""))


def _is_number(text: str | None) -> bool:
    try:
        return text is not None and float(text) == float(text)
    except ValueError:
        return False
