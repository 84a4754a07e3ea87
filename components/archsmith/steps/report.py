"""The last step: the report, its pictures, and what MLflow is to have of the search."""

import logging
import math
import os
from dataclasses import replace

import numpy as np

from archsmith.ending import ended, missing, note_complete, note_end, note_missing
from archsmith.report import ReportData, graph_svg, pictures, render
from archsmith.search import Search
from archsmith.steps.finished import end
from archsmith.steps.promotion import judged
from archsmith.steps.stopping import foretold
from archsmith.steps.track import tracked_search
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.stores.retry import Backoff
from archsmith.tracking import UNCONTESTED, Contest, SharedWeights, Tracker, Winner, redact, resolve_uri
from archsmith.values.outcome import Selection, TrainedModel
from archsmith.values.references import place_of
from archsmith.views.chosen import plan_of
from archsmith.views.places import places, present
from archsmith.views.promotions import note_version, promotion_of
from archsmith.views.reported import examples, shown
from archsmith.views.snapshot import best_model, best_untrained, other_models
from archsmith.views.tracking_place import note_place

log = logging.getLogger(__name__)

PATIENCE = "ARCHSMITH_TRACKING_PATIENCE_S"
"""Names for how many seconds the step waits for an MLflow that does not answer; nobody may look after a pod that has ended."""

PAUSE_S = 5.0
"""Mean pause between two attempts."""

SHARED_PICTURES = ("probability-map.png", "probability-curves.png", "supernet-training.png")
"""Those of the report that belong to the training of shared weights too, which has a run of its own in MLflow."""

CONTESTS = 3
"""Times that a winner is held to a champion that is another one by the time it is published."""

Files = dict[str, bytes]
"""Contents by name."""


def report(folder: SearchFolder, search: Search, store: str) -> tuple[str, Selection]:
    """Write the report and publish search and winner in MLflow; return the report's place and the selection.

    MLflow that does not answer is no error: after ARCHSMITH_TRACKING_PATIENCE_S, at once where that is not set, the log says
    so, and `archsmith sync` catches up.
    """
    data = read_data(folder, search, store)
    if search.spec.tracking.enabled:
        data = _with_promotion(folder, search, store, data)
    files = files_of(data, search)
    if "architecture.svg" in files:
        folder.put("best/architecture.svg", files["architecture.svg"])
    for trial, other in data.others.items():
        picture = graph_svg(search.space.graph(other.architecture))
        folder.put(f"{data.selection.place(trial)}/architecture.svg", picture.encode())
    for name, content in files.items():
        folder.put("report/index.html" if name == "report.html" else f"report/{name}", content)
    note_place(folder, search, store)
    note_end(folder, data)
    if search.spec.tracking.enabled:
        publish(folder, search, store, data, files)
    end(folder, search)
    return folder.uri("report/index.html"), data.selection


def _with_promotion(folder: SearchFolder, search: Search, store: str, data: ReportData) -> ReportData:
    """Add what becomes of the winner, as far as MLflow answers; `publish` tries again."""
    winner, *_ = trained(folder, search, data) or (None,)
    if winner is None:
        return data
    try:
        return replace(data, promotion=judged(folder, search, tracker_of(folder, search, store), winner))
    except Exception as error:  # whatever it is: the report is worth more than this line of it
        log.debug("Nobody knows yet what becomes of the winner: %s", error)
        return data


def tracker_of(folder: SearchFolder, search: Search, store: str) -> Tracker:
    """Return what logs the search."""
    return Tracker(tracked_search(folder, search), resolve_uri(search.spec.tracking.uri, store))


def files_of(data: ReportData, search: Search) -> Files:
    """Return the report and its pictures by name."""
    files = {"report.html": render(data).encode(), **pictures(data)}
    if found := data.model or data.untrained:
        files["architecture.svg"] = graph_svg(search.space.graph(found.architecture)).encode()
    return files


def read_data(folder: SearchFolder, search: Search, store: str) -> ReportData:
    """Read from the store what a report is made of."""
    selection, history = folder.selection() or Selection(None, (), "not selected yet"), folder.history()
    model, untrained = best_model(folder, selection), best_untrained(folder, selection)
    return ReportData(
        search.name,
        shown(search.spec),
        search.space,
        history,
        selection,
        model,
        _places(folder, search, store),
        untrained,
        other_models(folder, selection),
        folder.data_facts(),
        examples(folder, log.warning) if model else (),
        search.estimation.fidelity,
        int(search.most_trials) if math.isfinite(search.most_trials) else None,
        search.most_cost / search.estimation.fidelity.cost if math.isfinite(search.most_cost) else None,
        tuple(foretold(search, history)),
        folder.supernet_epochs(log.warning),
        passed_over(lambda: promotion_of(folder, model), log.warning) if model else None,
        passed_over(lambda: folder.worth(model.mark), log.warning) if model and search.has_references else None,
        plan.rows if (plan := plan_of(folder)) else (),
    )


def _places(folder: SearchFolder, search: Search, store: str) -> dict[str, str]:
    """Return where people find what there is, and the report that is being made."""
    there = {*present(folder, search, store), "report"}
    return {name: place for name, place in places(folder, search, store).items() if name in there}


def publish(folder: SearchFolder, search: Search, store: str, data: ReportData, files: Files) -> None:
    """Bring MLflow up to date, and publish the winner there; where that fails, note what is missing."""
    uri, tracker = resolve_uri(search.spec.tracking.uri, store), tracker_of(folder, search, store)
    try:
        backoff = backoff_of(float(os.environ.get(PATIENCE, "0")))
        _, champion = backoff.run(lambda: catch_up(folder, search, tracker, data, files))
    except Exception as error:  # whatever it is, such as the driver of a database that is missing: the search has ended well
        note_missing(folder, tracker.run_id is not None, redact(str(error)))
        log.warning("%s", missing(folder))
    else:
        log.info("MLflow at %s is up to date; the winner there: %s.", redact(uri), champion or "none that was trained")


def catch_up(folder: SearchFolder, search: Search, tracker: Tracker, data: ReportData, files: Files) -> tuple[int, str | None]:
    """Log the trials that MLflow lacks, and what the search has led to; return how many they were, and the winner's version."""
    trials = data.history.trials
    shared = SharedWeights(tuple(data.records), {name: files[name] for name in SHARED_PICTURES if name in files})
    n = tracker.sync(trials, shared)
    winner, *others = trained(folder, search, data) or (None,)
    for attempt in range(CONTESTS):
        judgement = judged(folder, search, tracker, winner) if winner else UNCONTESTED
        if attempt and judgement != data.promotion:
            data = replace(data, promotion=judgement)
            files = files_of(data, search)
            folder.put("report/index.html", files["report.html"])
        version = tracker.publish(
            {**files, **_references(folder, data)},
            winner,
            data.untrained,
            ended=ended(folder, data),
            judgement=judgement,
            trials=trials,
            others=others,
            shared=shared,
            verdicts=data.verdicts,
            worth=data.worth,
        )
        if not winner or not isinstance(tracker.contested(winner, judgement.against, reads=False), Contest):
            break  # else another search has ended meanwhile, and its winner is the champion
    if winner and version:
        note_version(folder, winner.model, version)
    note_complete(folder)
    return n, version


def _references(folder: SearchFolder, data: ReportData) -> Files:
    """Return the models of the references, for whoever prefers one."""
    places = [place_of(held.reference.name) for held in data.worth.held] if data.worth else []
    return {f"{place}/model.onnx": model for place in places if (model := folder.read(f"{place}/model.onnx")) is not None}


def backoff_of(patience_s: float) -> Backoff:
    """Return what tries again for about so many seconds."""
    return Backoff(attempts=1 + math.ceil(patience_s / PAUSE_S), base_s=2 * PAUSE_S, cap_s=2 * PAUSE_S)


def trained(folder: SearchFolder, search: Search, data: ReportData) -> list[Winner]:
    """Return the trained winner as tracking publishes it, then what was trained beside it; nothing where nothing is trained."""
    models = [data.model, *data.others.values()] if data.model else []
    numbers = {trial.id: trial.proposal.number for trial in data.history}
    return [_published(folder, search, data.selection.place(m.trial), m, numbers.get(m.trial, 0)) for m in models]


def _published(folder: SearchFolder, search: Search, place: str, model: TrainedModel, number: int) -> Winner:
    example = np.full((1, *model.input_shape), 0.5, dtype=np.float32)
    onnx, pt2 = (folder.get(f"{place}/model.{kind}") for kind in ("onnx", "pt2"))
    return Winner(model, onnx, pt2, example, number, search.describe(model.architecture))
