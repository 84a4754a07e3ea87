"""A trained network in its folder: a file that says what it is, written last, and its exports."""

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.values.outcome import TrainedModel
from archsmith.values.references import Reference

log = logging.getLogger(__name__)

Made = TypeVar("Made", TrainedModel, Reference)


def published(folder: SearchFolder, recipe: str, place: str, read: Callable[[], tuple[str, Made] | None]) -> Made | None:
    """Return what a folder holds if it was trained by a recipe, and its exports are there and whole.

    Args:
        folder: The search's folder.
        recipe: Its id.
        place: The model's folder in that of the search.
        read: Reads the recipe by which it was trained, and what it is.
    """
    done = passed_over(read, log.warning)
    return done[1] if done is not None and done[0] == recipe and folder.exports_are_whole(place) else None


def publish(
    folder: SearchFolder, recipe: str, model: TrainedModel | Reference, files: Mapping[str, bytes], place: str = "best"
) -> None:
    """Put a trained model into its folder, in place of an earlier one.

    Args:
        folder: The search's folder.
        recipe: Its id, of `recipe_of`.
        model: What it reaches.
        files: Its exports by name.
        place: The model's folder in that of the search.
    """
    folder.store.delete([folder.key(f"{place}/model.json")])  # first, as the files are no longer what it says
    for name, content in files.items():
        folder.put(f"{place}/{name}", content)
    written = {name: folder.fingerprint(f"{place}/{name}") for name in files}
    about = {"recipe": recipe, "model": model.to_dict(), "files": written}
    folder.write_json(f"{place}/model.json", about)  # last: it says that the rest is there
