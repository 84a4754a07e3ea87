"""Which version of a model is the champion, since when, by whose word and why; kept as aliases and tags in MLflow.

A version is held once to each champion that it meets: an alias that a person has moved stays where it is. That it was judged is
written last, so that after a crash in between the next call does the rest.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archsmith.tracking import content
from archsmith.values.promotion import Judgement

CHAMPION = "champion"
"""What the version is called that is to serve: `models:/archsmith-NAME@champion`."""
CHALLENGER = "challenger"
"""What the newest version is called that has not taken its place."""
REIGNS = "archsmith.champions"
"""The tag of a registered model that lists its champions, the present one last."""
JUDGED, AGAINST, WHY = "archsmith.judged", "archsmith.judged_against", "archsmith.why"
"""The tags of a version that say what it was called, which version was the champion then, and why."""
MODEL = "model.onnx"
"""The file of a version that holds the network."""


@dataclass(frozen=True, slots=True)
class Reign:
    """That a version became the champion."""

    version: str
    """Its number."""
    at: float
    """When, in seconds since the epoch of Unix."""
    by: str
    """Who moved the alias: a search, or a person."""
    why: str
    """Why, a sentence."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Contest:
    """The champion that a new version is to be held to."""

    against: str
    """The champion's version."""
    onnx: bytes | None
    """Its network; None where it can't be read any more."""


def judgement_of(version: Any) -> Judgement | None:
    """Return what a version says that became of it; None where it says nothing."""
    tags = version.tags
    if tags.get(JUDGED) not in (CHAMPION, CHALLENGER):
        return None
    return Judgement(tags[JUDGED], tags.get(WHY, ""), tags.get(AGAINST, ""), version=number(version))


def contest(client: Any, name: str, version: Any | None, held_to: str | None = None) -> Any | None:
    """Return the version of the champion that a version was not held to yet; None where there is none.

    Args:
        client: MLflow's.
        name: The registered model.
        version: The version; None where it is not registered yet.
        held_to: The number of the champion that it was held to, though it may not say so yet.
    """
    champion = of_alias(client, name, CHAMPION)
    if champion is None or number(champion) == held_to or (version is not None and _is_settled(version, number(champion))):
        return None
    return champion


def settle(client: Any, version: Any, judgement: Judgement, *, by: str) -> None:
    """Give a version the alias that it is judged to have, unless it was held to the present champion before.

    Where the champion is another one by now than it was judged against, nothing is done: the next call has it judged again.
    """
    champion = champion_of(client, version.name)
    if champion == number(version):
        if AGAINST in version.tags and JUDGED not in version.tags:  # a crash came in between
            _tag(client, version, {JUDGED: CHAMPION})
        return
    if _is_settled(version, champion) or judgement.against != champion:
        return
    _tag(client, version, {AGAINST: champion, WHY: judgement.why})
    if judgement.alias == CHAMPION:
        crown(client, version, by=by, why=judgement.why)
    else:
        client.set_registered_model_alias(version.name, CHALLENGER, version.version)
    _tag(client, version, {JUDGED: judgement.alias})


def is_settled(client: Any, version: Any) -> bool:
    """Tell whether a version is the champion, or was held to it, and says so."""
    unsaid = AGAINST in version.tags and JUDGED not in version.tags
    return not unsaid and _is_settled(version, champion_of(client, version.name))


def champion_of(client: Any, name: str) -> str:
    """Return the number of the version that is the champion; empty where none is."""
    champion = of_alias(client, name, CHAMPION)
    return number(champion) if champion else ""


def number(version: Any) -> str:
    """Return the number of a version, which is a number in some of MLflow's answers and a text in others."""
    return str(version.version)


def _is_settled(version: Any, champion: str) -> bool:
    """Tell whether a version is the champion, or was held to it; where there is none, whether it was judged without one."""
    return number(version) == champion or (JUDGED in version.tags and version.tags.get(AGAINST, "") == champion)


def _tag(client: Any, version: Any, tags: Mapping[str, str]) -> None:
    for key, value in tags.items():
        client.set_model_version_tag(version.name, version.version, key, content.text(value))


def crown(client: Any, version: Any, *, by: str, why: str) -> None:
    """Let a version be the champion from now on, and keep in mind who was before."""
    reigns = reigns_of(client, version.name)
    if not reigns or reigns[-1].version != number(version):
        reigns.append(Reign(number(version), time.time(), by, why))
    client.set_registered_model_tag(version.name, REIGNS, _written(reigns))
    client.set_registered_model_alias(version.name, CHAMPION, version.version)
    challenger = of_alias(client, version.name, CHALLENGER)
    if challenger is not None and number(challenger) == number(version):
        client.delete_registered_model_alias(version.name, CHALLENGER)


def reigns_of(client: Any, name: str) -> list[Reign]:
    """Return the champions of a registered model, the present one last; nothing where none is known."""
    try:
        return [Reign(**reign) for reign in json.loads(client.get_registered_model(name).tags.get(REIGNS, "[]"))]
    except (TypeError, ValueError):  # somebody has written there
        return []


def of_alias(client: Any, name: str, alias: str) -> Any | None:
    """Return the version of an alias; None where there is none, or no such model."""
    from mlflow.exceptions import MlflowException

    try:
        called = client.get_registered_model(name).aliases.get(alias)
        return None if called is None else client.get_model_version(name, str(called))
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":  # the model; or a version that is gone, whose alias is left
            return None
        raise


def _written(reigns: list[Reign]) -> str:
    """Return the last reigns as JSON that fits into a tag."""
    rows = [reign.to_dict() for reign in reigns]
    while len(rows) > 1 and len(json.dumps(rows)) > content.MAX_TEXT:
        del rows[0]
    return json.dumps(rows)


def network_of(client: Any, version: Any) -> bytes | None:
    """Read the network of a version; None where it is gone, or none of ours."""
    from mlflow.artifacts import download_artifacts, list_artifacts
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        try:
            # A server that has no such file fails as it does where it can't read it, so it is asked what there is.
            there = list_artifacts(artifact_uri=version.source, tracking_uri=client.tracking_uri)
            if MODEL not in {file.path.rpartition("/")[2] for file in there or ()}:
                return None
            where = f"{version.source.rstrip('/')}/{MODEL}"
            return Path(download_artifacts(where, dst_path=folder, tracking_uri=client.tracking_uri)).read_bytes()
        except OSError:
            return None
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
