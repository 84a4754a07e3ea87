"""The step that trains the winner in full, tests it once, and publishes it."""

import logging
from collections.abc import Mapping

import orjson

from archsmith.errors import PermanentError
from archsmith.evaluation.estimator import KnowsTests
from archsmith.outcome import TrainedModel, UntrainedWinner
from archsmith.search import Search
from archsmith.steps.container import memory_left_mb
from archsmith.steps.estimate import preload
from archsmith.steps.estimators import Means, make_estimator
from archsmith.steps.pool import Died, Limits, Pool
from archsmith.steps.workers import divide
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.values import Proposal, digest

log = logging.getLogger(__name__)

Trained = tuple[TrainedModel, dict[str, bytes]]
"""The model, and the files of `best/` by name."""


def retrain(folder: SearchFolder, search: Search, store: str) -> TrainedModel | UntrainedWinner | None:
    """Train the selected architecture and put model and exports into `best/`; return None where there is no winner.

    Where the search has no images, what the estimator knows of the winner's test is put there instead. What was trained
    before for the same winner and the same settings stays as it is: the test images are touched once.
    """
    selection = folder.selection()
    if selection is None or selection.winner is None:
        return None
    if not search.retrains:
        return _ask(folder, search, selection.winner)
    recipe = recipe_of(search, selection.winner)
    done = passed_over(folder.trained, log.warning)
    if done is not None and done[0] == recipe and folder.exports_are_whole():
        _clear(folder, selection.winner)
        return done[1]
    winner = next(t.proposal for t in folder.history() if t.id == selection.winner)
    model, files = _train(folder, search, store, winner, f"retrain-{recipe}")
    publish(folder, recipe, model, files)
    _clear(folder, winner.id)
    return model


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


def publish(folder: SearchFolder, recipe: str, model: TrainedModel, files: Mapping[str, bytes]) -> None:
    """Put a trained model into `best/`, in place of an earlier one.

    Args:
        folder: The search's folder.
        recipe: Its id, of `recipe_of`.
        model: What it reaches.
        files: Its exports by name.
    """
    folder.store.delete([folder.key("best/model.json")])  # first, as the files are no longer what it says
    for name, content in files.items():
        folder.put(f"best/{name}", content)
    written = {name: folder.fingerprint(f"best/{name}") for name in files}
    about = {"recipe": recipe, "model": model.to_dict(), "files": written}
    folder.write_json("best/model.json", about)  # last: it says that the rest is there


def recipe_of(search: Search, winner: str) -> str:
    """Return a short id of what is trained and how."""
    spec = search.spec
    how = (spec.retrain.training or spec.training).model_dump_json()
    return digest(f"{winner}/{spec.retrain.epochs}/{how}/{spec.seed}")


def _clear(folder: SearchFolder, winner: str) -> None:
    """Delete what retrainings leave to go on from, that of one included which was killed and then not wanted any more."""
    folder.store.delete(folder.store.list(folder.key("checkpoints/retrain-")))
    folder.clear_progress(winner)


def _train(folder: SearchFolder, search: Search, store: str, winner: Proposal, key: str) -> Trained:
    """Train in a process of its own, which goes on from the last epoch where it is killed."""
    method = preload()
    from archsmith.steps.images import load_images
    from archsmith.steps.work import Retraining

    images = load_images(search, folder)  # before memory is divided: the worker shares them
    workers = divide(search.spec.resources, trials=1, left_mb=memory_left_mb())
    work = Retraining(store, search, images, workers.threads, key)
    limits = Limits(workers.memory_mb, addresses=not search.spec.resources.gpu, left_mb=memory_left_mb)
    pool = Pool[Proposal, Trained](work, workers=1, limits=limits, method=method)
    for _, result in pool.run([winner], lambda: True):
        if not isinstance(result, Died):
            return result
        raise PermanentError(f"The winner can't be retrained: {result.reason}")
    raise AssertionError("a pool yields a result for each item")
