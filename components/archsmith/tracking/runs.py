"""Finding and making the runs of a search in MLflow.

A run is recognised by its tags, and one that was begun is used again, so that a crash between any
two requests leaves nothing twice. Two processes that log the same search at the same time may make a
run twice; whoever sees it deletes all but the one that both agree on.
"""

import os
from collections.abc import Iterator
from typing import Any

from archsmith.errors import PermanentError
from archsmith.tracking.description import note, origin_tags
from archsmith.tracking.places import artifact_root
from archsmith.tracking.tracked import TrackedSearch

ENDED = {"FINISHED", "FAILED", "KILLED"}
"""The statuses of a run that is over."""

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""The tag of an experiment with which MLflow's pages open at its runs, and not at what they have for language models."""

NOTE = "mlflow.note.content"
"""The tag of a run that its page shows as its description."""

_PAGE = 1000


def find_search(client: Any, uri: str, search: TrackedSearch, began_ms: int | None = None) -> Any:
    """Return the run of the search; it is made where there is none.

    Args:
        client: MLflow's.
        uri: the tracking URI.
        search: the search.
        began_ms: when the search began; None stands for now.
    """
    experiment = _experiment(client, uri, search.spec.tracking.experiment)
    if not (runs := _search_runs(client, experiment, search)):
        client.create_run(experiment, began_ms, _search_tags(search), search.name)
        runs = _search_runs(client, experiment, search)
    first, *others = sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))
    for run in others:
        _delete(client, run)
    _link_task(client, first)
    return first


def find_trials(client: Any, parent: Any, search: TrackedSearch, since_ms: int = 0) -> dict[str, Any]:
    """Return the runs of the trials that started at `since_ms` or later, by trial; what is there twice is deleted."""
    found: dict[str, Any] = {}
    runs = _pages(
        client,
        parent.info.experiment_id,
        f"tags.mlflow.parentRunId = '{parent.info.run_id}' AND tags.archsmith.of = '{search.name}'"
        f" AND attributes.start_time >= {since_ms}",
    )
    for run in sorted(runs, key=lambda run: str(run.info.run_id)):
        first = found.setdefault(run.data.tags["archsmith.trial"], run)
        if first is not run:
            client.delete_run(run.info.run_id)
    return found


def find_supernet(client: Any, parent: Any, search: TrackedSearch, began_ms: int) -> Any:
    """Return the run of the training of shared weights, nested in the search's; it is made where there is none."""
    of = {"mlflow.parentRunId": parent.info.run_id, "archsmith.supernet": search.name}
    where = " AND ".join(f"tags.{key} = '{value}'" for key, value in of.items())
    if not (runs := list(_pages(client, parent.info.experiment_id, where))):
        client.create_run(parent.info.experiment_id, began_ms, of | origin_tags(), "shared weights")
        runs = list(_pages(client, parent.info.experiment_id, where))
    first, *others = sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))
    for run in others:
        client.delete_run(run.info.run_id)
    return first


def tag(client: Any, run: Any, tags: dict[str, str]) -> None:
    """Set those tags of a run that differ: one that is only looked at does not change."""
    from mlflow.entities import RunTag

    if changed := [RunTag(key, value) for key, value in tags.items() if run.data.tags.get(key) != value]:
        client.log_batch(run.info.run_id, tags=changed)


def _experiment(client: Any, uri: str, name: str) -> str:
    """Return the id of the experiment, which is made where there is none."""
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return str(client.create_experiment(name, artifact_root(uri), tags=KIND))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(name)
    if experiment.lifecycle_stage == "deleted":
        raise PermanentError(
            f"The experiment {name!r} is deleted in MLflow, so nothing can be logged into it; restore it with "
            f"`mlflow experiments restore --experiment-id {experiment.experiment_id}`, or name another in `tracking.experiment`."
        )
    return str(experiment.experiment_id)


def _search_tags(search: TrackedSearch) -> dict[str, str]:
    tags = {"archsmith.search": search.name, "archsmith.identity": search.key, NOTE: note(search)}
    return tags | origin_tags()


def _search_runs(client: Any, experiment: str, search: TrackedSearch) -> list[Any]:
    """Return the runs of this search: one, unless two processes made it at the same time."""
    where = f"tags.archsmith.search = '{search.name}' AND tags.archsmith.identity = '{search.key}'"
    return list(_pages(client, experiment, where))


def _link_task(client: Any, run: Any) -> None:
    """Link the search's run with the one that MLFLOW_RUN_ID names, if there is one: neither becomes a part of the other.

    Kubeflow Pipelines names a run of its own in each task. To log into that would scatter a search over its tasks.
    """
    from mlflow.exceptions import MlflowException

    theirs_id = os.environ.get("MLFLOW_RUN_ID")
    if not theirs_id or theirs_id == run.info.run_id:
        return
    try:
        theirs = client.get_run(theirs_id)
        page = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
        links = {"archsmith.run": run.info.run_id}
        if NOTE not in theirs.data.tags:
            links[NOTE] = f"A part of the architecture search [{run.info.run_name}]({page})."
        tag(client, theirs, links)
        tag(client, run, {"archsmith.pipeline_run": theirs.data.tags.get("mlflow.parentRunId", theirs_id)})
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "PERMISSION_DENIED"}:
            raise  # else it is a run of another server, a deleted one, or nothing of ours


def _delete(client: Any, run: Any) -> None:
    """Delete a run with the runs nested in it."""
    for child in list(_pages(client, run.info.experiment_id, f"tags.mlflow.parentRunId = '{run.info.run_id}'")):
        client.delete_run(child.info.run_id)
    client.delete_run(run.info.run_id)


def _pages(client: Any, experiment: str, where: str) -> Iterator[Any]:
    """Yield the runs that match, page by page."""
    token: str | None = None
    while True:
        page = client.search_runs([experiment], filter_string=where, max_results=_PAGE, page_token=token)
        yield from page
        if not (token := page.token):
            return
