"""What the winner is held to: simple networks, trained as it was; each once, and one that fails fails alone."""

import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from archsmith.errors import CorruptObjectError, TransientError
from archsmith.evaluation.settled import settled
from archsmith.search import Search
from archsmith.spec import TrainingSpec
from archsmith.steps.alone import alone
from archsmith.steps.checkpoints import clear_left
from archsmith.steps.publishing import publish, published
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.values import digest
from archsmith.values.outcome import TrainedModel
from archsmith.values.promotion import Paired
from archsmith.values.references import REFERENCES, Gain, Held, Reference, ReferenceName, Worth, place_of

if TYPE_CHECKING:
    from archsmith.evaluation.data import Dataset  # with it comes torch

log = logging.getLogger(__name__)

Referred = tuple[Reference, dict[str, bytes]]
"""The reference, and the files of its folder by name."""

CHECKPOINTS = "reference-"
"""What the ids of the checkpoints begin with."""

AT_LEAST_S = 30.0
"""Seconds that a reference gets, however fast its winner is trained: many small layers may take longer than few large ones."""

Refer = Callable[[ReferenceName, str], Referred]
"""Trains a reference, and goes on from the checkpoint of this key."""


def hold(folder: SearchFolder, search: Search, store: str, winner: TrainedModel, *, refer: Refer | None = None) -> Worth:
    """Train the references that are not trained yet, and note how the winner compares with each.

    Args:
        folder: The search's folder.
        search: The search.
        store: URI of the store, which the process that trains opens for itself.
        winner: The winner, which lies in `best/`.
        refer: Trains a reference; a process of its own where it is left out.
    """
    recipes: dict[ReferenceName, str] = {name: recipe_of(search, winner, name) for name in REFERENCES}
    clear_left(folder, CHECKPOINTS, map(_checkpoint, recipes.values()))
    refer = refer or _in_a_process(folder, search, store, winner)
    held, failed = list[Held](), dict[ReferenceName, str]()
    for name, recipe in recipes.items():
        try:
            reference = _ready(folder, name, recipe) or _train(folder, refer, name, recipe)
            held.append(Held(reference, gain(folder, winner, reference)))
        except (TransientError, CorruptObjectError):
            raise
        except Exception as error:  # whatever it is: the winner is worth more than what it is held to
            failed[name] = f"{type(error).__name__}: {error}"
            log.warning("The reference %s can't be trained: %s", name, error)
    worth = Worth(tuple(held), failed)
    folder.write_worth(winner.mark, worth)
    clear_left(folder, CHECKPOINTS, ())
    folder.clear_referring(REFERENCES)
    if worth.line:
        log.info("The winner is %s.", worth.line)
    return worth


def training_of(search: Search, winner: TrainedModel) -> TrainingSpec:
    """Return the settings that a winner was trained with."""
    return settled(search.spec.retrain.training or search.spec.training, search.space, winner.architecture)


def limit_s(winner: TrainedModel, allowed_s: float = math.inf) -> float:
    """Return the seconds that a reference may take: those of the winner's training, and no more than it is allowed."""
    return min(allowed_s, max(AT_LEAST_S, winner.seconds))


def recipe_of(search: Search, winner: TrainedModel, name: ReferenceName) -> str:
    """Return a short id of what is trained and how: another winner that was trained in the same way may have the same."""
    size = f"{winner.metrics['n_params']:.0f}/{winner.metrics['flops']:.0f}/" if name == "residual" else ""
    how, minutes = training_of(search, winner).model_dump_json(), search.spec.retrain.minutes
    limit = "" if minutes is None else f"/{minutes:g} min"
    return digest(f"{name}/{size}{winner.epochs}{limit}/{how}/{search.spec.seed}")


def gain(folder: SearchFolder, winner: TrainedModel, reference: Reference) -> Gain:
    """Compare a winner with a reference, image by image where it is noted which ones the winner knows."""
    of_winner = passed_over(lambda: folder.known("best"), log.warning)
    of_reference = passed_over(lambda: folder.known(place_of(reference.name)), log.warning)
    if of_winner and of_reference and len(of_winner) == len(of_reference):
        paired = Paired.of(of_winner, of_reference)
        return Gain(paired.n, paired.new, paired.old, paired.gained)
    n = sum(map(sum, winner.confusion)) or len(of_reference or ())
    return Gain(n, *(round(n * metrics["test_accuracy"]) for metrics in (winner.metrics, reference.metrics)))


def _ready(folder: SearchFolder, name: ReferenceName, recipe: str) -> Reference | None:
    """Return a reference that was trained before by this recipe, and whose files are whole."""
    return published(folder, recipe, place_of(name), lambda: folder.reference(name))


def _train(folder: SearchFolder, refer: Refer, name: ReferenceName, recipe: str) -> Reference:
    reference, files = refer(name, _checkpoint(recipe))
    publish(folder, recipe, reference, files, place_of(name))
    folder.delete_checkpoint(_checkpoint(recipe))
    folder.clear_referring([name])
    return reference


def _checkpoint(recipe: str) -> str:
    return f"{CHECKPOINTS}{recipe}"


def _in_a_process(folder: SearchFolder, search: Search, store: str, winner: TrainedModel) -> Refer:
    """Return what trains a reference in a process of its own, which goes on from the last epoch where it is killed."""

    def refer(name: ReferenceName, key: str) -> Referred:
        def work(images: "Dataset", threads: int) -> Callable[[ReferenceName, int], Referred]:
            from archsmith.steps.referencing import Referencing

            return Referencing(store, search, images, threads, key, winner)

        return alone(folder, search, name, work, f"The reference {name}")

    return refer
