"""The step that trains the winner in full, tests it once, and publishes it; and whatever else is to be trained in full."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import orjson

from archsmith.evaluation.estimator import KnowsTests
from archsmith.search import Search
from archsmith.steps.alone import alone
from archsmith.steps.checkpoints import clear_left
from archsmith.steps.estimators import Means, make_estimator
from archsmith.steps.publishing import publish, published
from archsmith.steps.references import Refer, hold
from archsmith.stores.folder import SearchFolder
from archsmith.values import Proposal, digest
from archsmith.values.outcome import TrainedModel, UntrainedWinner

if TYPE_CHECKING:
    from archsmith.evaluation.data import Dataset  # with it comes torch

log = logging.getLogger(__name__)

Trained = tuple[TrainedModel, dict[str, bytes]]
"""The model, and the files of its folder by name."""

Train = Callable[[Proposal, str], Trained]

CHECKPOINTS = "retrain-"
"""What the ids of the checkpoints begin with."""

NOT_MOVED = {"model.json", "architecture.svg"}
"""Of a model's files those that are written anew where it is moved to: by `publish`, and by the report."""


def retrain(
    folder: SearchFolder, search: Search, store: str, *, train: Train | None = None, refer: Refer | None = None
) -> TrainedModel | UntrainedWinner | None:
    """Train the selected architectures, the winner first, and return it; return None where there is none.

    The winner and its exports are put into `best/`, each other one into a folder of its own in `front/`. Where the search has
    no images, what the estimator knows of the winner's test is put there instead. What was trained before with the same
    settings stays as it is, whatever it was then: the test images are touched once. Then the winner is held to simple networks.

    Args:
        folder: The search's folder.
        search: The search.
        store: URI of the store, which the process that trains opens for itself.
        train: Trains a proposal, and goes on from the checkpoint of this key; a process of its own where it is left out.
        refer: Likewise trains a reference.
    """
    selection = folder.selection()
    if selection is None or selection.winner is None:
        return None
    if not search.retrains:
        return _ask(folder, search, selection.winner)
    recipes = {trial: recipe_of(search, trial) for trial in selection.retrained}
    clear_left(folder, CHECKPOINTS, map(_checkpoint, recipes.values()))
    for trial in reversed(recipes):  # the winner last: what lies in its place may have to be moved out of it
        _move(folder, recipes[trial], selection.place(trial))
    proposals = {t.id: t.proposal for t in folder.history() if t.id in recipes}
    train = train or partial(_train, folder, search, store)
    models = [_trained(folder, train, proposals[trial], recipe, selection.place(trial)) for trial, recipe in recipes.items()]
    if search.has_references:
        hold(folder, search, store, models[0], refer=refer)
    return models[0]


def _ask(folder: SearchFolder, search: Search, winner: str) -> UntrainedWinner:
    """Keep what the estimator knows of the winner on test images, without training it."""
    architecture = next(t.proposal.architecture for t in folder.history() if t.id == winner)
    estimator = make_estimator(Means(search, folder))
    metrics = estimator.test(architecture) if isinstance(estimator, KnowsTests) else {}
    untrained = UntrainedWinner(winner, architecture, metrics)
    readable = {
        **untrained.to_dict(),
        "search": search.name,
        "notation": search.describe(architecture),
        "decisions": search.space.assignment(architecture),
    }
    folder.put("best/architecture.json", orjson.dumps(readable, option=orjson.OPT_INDENT_2))
    folder.write_json("best/untrained.json", untrained.to_dict())
    return untrained


def recipe_of(search: Search, trial: str) -> str:
    """Return a short id of what is trained and how."""
    spec = search.spec
    how = (spec.retrain.training or spec.training).model_dump_json()
    limit = "" if spec.retrain.minutes is None else f"/{spec.retrain.minutes:g} min"
    return digest(f"{trial}/{spec.retrain.epochs}{limit}/{how}/{spec.seed}")


def _trained(folder: SearchFolder, train: Train, proposal: Proposal, recipe: str, place: str) -> TrainedModel:
    """Return a model that was trained before, or train it and put it into its place."""
    if (model := _published(folder, recipe, place)) is None:
        model, files = train(proposal, _checkpoint(recipe))
        publish(folder, recipe, model, files, place)
    folder.delete_checkpoint(_checkpoint(recipe))
    folder.clear_progress(proposal.id)
    return model


def _published(folder: SearchFolder, recipe: str, place: str) -> TrainedModel | None:
    """Return the model in a folder if it was trained by this recipe, and its exports are there and whole."""
    return published(folder, recipe, place, lambda: folder.trained(place))


def _move(folder: SearchFolder, recipe: str, place: str) -> None:
    """Copy to its place what was trained by this recipe and lies elsewhere, as it was the winner then, or was not."""
    if _published(folder, recipe, place) is not None:
        return None
    keys = [PurePosixPath(key) for kind in ("best/", "front/") for key in folder.store.list(folder.key(kind))]
    base = folder.key("")
    for there in dict.fromkeys(str(key.parent).removeprefix(base) for key in keys if key.name == "model.json"):
        if (model := _published(folder, recipe, there)) is not None:
            names = [key.name for key in keys if str(key.parent) == base + there and key.name not in NOT_MOVED]
            return publish(folder, recipe, model, {name: folder.get(f"{there}/{name}") for name in names}, place)
    return None


def _checkpoint(recipe: str) -> str:
    return f"{CHECKPOINTS}{recipe}"


def _train(folder: SearchFolder, search: Search, store: str, proposal: Proposal, key: str) -> Trained:
    """Train in a process of its own, which goes on from the last epoch where it is killed."""

    def work(images: "Dataset", threads: int) -> Callable[[Proposal, int], Trained]:
        from archsmith.steps.work import Retraining

        return Retraining(store, search, images, threads, key)

    return alone(folder, search, proposal, work, f"Trial {proposal.number}")
