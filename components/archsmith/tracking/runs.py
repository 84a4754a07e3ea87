"""Finding and making the runs of a search in MLflow.

A run is recognised by its tags, and one that was begun is used again, so that a crash between any
two requests leaves nothing twice. Two processes that log the same search at the same time may make a
run twice; whoever sees it deletes all but the one that both agree on.
"""

import os
from collections.abc import Iterator
from typing import Any

from archsmith.errors import PermanentError
from archsmith.tracking.places import artifact_root
from archsmith.tracking.tracked import TrackedSearch

ENDED = {"FINISHED", "FAILED", "KILLED"}
"""The statuses of a run that is over."""

KIND = {"mlflow.experimentKind": "custom_model_development"}
"""The tag of an experiment with which MLflow's pages open at its runs, and not at what they have for language models."""

_PAGE = 1000


def find_search(client: Any, uri: str, search: TrackedSearch) -> Any:
    """Return the run of the search; it is made where there is none.

    It is the run that MLFLOW_RUN_ID names, where that is set.
    """
    if run_id := os.environ.get("MLFLOW_RUN_ID"):
        client.set_tag(run_id, "archsmith.search", search.name)
        return client.get_run(run_id)
    experiment = _experiment(client, uri, search.spec.tracking.experiment)
    if not (runs := _search_runs(client, experiment, search)):
        client.create_run(experiment, tags=_search_tags(search), run_name=search.name)
        runs = _search_runs(client, experiment, search)
    first, *others = sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))
    for run in others:
        _delete(client, run)
    return first


def is_joined(run: Any) -> bool:
    """Tell whether the run belongs to somebody else, who named it in MLFLOW_RUN_ID: its status is theirs."""
    return bool(run.info.run_id == os.environ.get("MLFLOW_RUN_ID"))


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
    return {"archsmith.search": search.name, "archsmith.identity": search.key, "mlflow.source.name": "archsmith"}


def _search_runs(client: Any, experiment: str, search: TrackedSearch) -> list[Any]:
    """Return the runs of this search: one, unless two processes made it at the same time."""
    where = f"tags.archsmith.search = '{search.name}' AND tags.archsmith.identity = '{search.key}'"
    return list(_pages(client, experiment, where))


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
