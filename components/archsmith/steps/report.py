"""The last step: the report, its pictures, and what MLflow is to have of the search."""

import logging
import math
import os

import numpy as np

from archsmith.ending import ended, missing, note_complete, note_end, note_missing
from archsmith.report import ReportData, graph_svg, pictures, render
from archsmith.search import Search
from archsmith.spec import SearchSpec
from archsmith.steps.finished import end
from archsmith.steps.stopping import foretold
from archsmith.steps.track import tracked_search
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder
from archsmith.stores.retry import Backoff
from archsmith.tracking import Tracker, Winner, redact, resolve_uri
from archsmith.values.outcome import Example, Selection, TrainedModel
from archsmith.views.places import places
from archsmith.views.snapshot import best_model, best_untrained, other_models
from archsmith.views.tracking_place import note_place

log = logging.getLogger(__name__)

PATIENCE = "ARCHSMITH_TRACKING_PATIENCE_S"
"""Names for how many seconds the step waits for an MLflow that does not answer; nobody may look after a pod that has ended."""

PAUSE_S = 5.0
"""Mean pause between two attempts."""

Files = dict[str, bytes]
"""Contents by name."""


def report(folder: SearchFolder, search: Search, store: str) -> tuple[str, Selection]:
    """Write the report and publish search and winner in MLflow; return the report's place and the selection.

    MLflow that does not answer is no error: after ARCHSMITH_TRACKING_PATIENCE_S, at once where that is not set, the log says
    so, and `archsmith sync` catches up.
    """
    data = read_data(folder, search, store)
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
        _shown(search.spec),
        search.space,
        history,
        selection,
        model,
        places(folder, search, store),
        untrained,
        other_models(folder, selection),
        folder.data_facts(),
        _examples(folder) if model else (),
        search.estimation.fidelity,
        int(search.most_trials) if math.isfinite(search.most_trials) else None,
        search.most_cost / search.estimation.fidelity.cost if math.isfinite(search.most_cost) else None,
        tuple(foretold(search, history)),
    )


def _examples(folder: SearchFolder) -> tuple[Example, ...]:
    """Return the test images that were kept to be looked at; damaged ones are passed over, as nothing hangs on them."""

    def read() -> tuple[Example, ...] | None:
        return folder.read_value("best/examples.json", lambda raw: tuple(map(Example.from_dict, raw)))

    return passed_over(read, log.warning) or ()


def publish(folder: SearchFolder, search: Search, store: str, data: ReportData, files: Files) -> None:
    """Bring MLflow up to date, and publish the winner there; where that fails, note what is missing."""
    uri = resolve_uri(search.spec.tracking.uri, store)
    tracker = Tracker(tracked_search(folder, search), uri)
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
    n = tracker.sync(trials)
    winner, *others = trained(folder, search, data) or (None,)
    end = ended(folder, data)
    version = tracker.publish(files, winner, data.untrained, ended=end, trials=trials, others=others)
    note_complete(folder)
    return n, version


def backoff_of(patience_s: float) -> Backoff:
    """Return what tries again for about so many seconds."""
    return Backoff(attempts=1 + math.ceil(patience_s / PAUSE_S), base_s=2 * PAUSE_S, cap_s=2 * PAUSE_S)


def _shown(spec: SearchSpec) -> SearchSpec:
    """Return the settings as a report may show them: without the password that a tracking URI may hold."""
    if spec.tracking.uri is None:
        return spec
    return spec.model_copy(update={"tracking": spec.tracking.model_copy(update={"uri": redact(spec.tracking.uri)})})


def trained(folder: SearchFolder, search: Search, data: ReportData) -> list[Winner]:
    """Return the trained winner as tracking publishes it, then what was trained beside it; nothing where nothing is trained."""
    models = [data.model, *data.others.values()] if data.model else []
    numbers = {trial.id: trial.proposal.number for trial in data.history}
    return [_published(folder, search, data.selection.place(m.trial), m, numbers.get(m.trial, 0)) for m in models]


def _published(folder: SearchFolder, search: Search, place: str, model: TrainedModel, number: int) -> Winner:
    example = np.full((1, *model.input_shape), 0.5, dtype=np.float32)
    onnx, pt2 = (folder.get(f"{place}/model.{kind}") for kind in ("onnx", "pt2"))
    return Winner(model, onnx, pt2, example, number, search.describe(model.architecture))
