"""The part of KFP's API, v2beta1, that a search needs: runs, recurring runs, experiments.

It stands on the generated client and not on `kfp.Client`, whose constructor speaks with the server for half a minute
before it fails, and which prints, warns, and keeps settings in the user's home.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import kfp_server_api
from kfp_server_api import models

from archsmith.cluster.answers import answering, check_is_api
from archsmith.cluster.run import Run

TIMEOUT_S = (5, 60)
"""Longest wait for a connection, and for an answer."""

PAGE = 100


class KfpApi:
    """Kubeflow Pipelines, as one user of it sees it.

    Each method raises `UnavailableError` where KFP does not answer now, `AccessDeniedError` where it refuses us, and
    `PermanentError` where it refuses the request. Nothing is sent twice.

    Args:
        configuration: Where it is and who we are; see `archsmith.cluster.connection`.
        namespace: The namespace of the user, where KFP has several users; else nothing.
    """

    def __init__(self, configuration: kfp_server_api.Configuration, namespace: str | None = None) -> None:
        self.url: str = configuration.host
        self.namespace = namespace
        self._client = kfp_server_api.ApiClient(configuration)
        self._runs = kfp_server_api.RunServiceApi(self._client)
        self._schedules = kfp_server_api.RecurringRunServiceApi(self._client)
        self._experiments = kfp_server_api.ExperimentServiceApi(self._client)

    def experiment(self, name: str) -> str:
        """Return the id of an experiment; where there is none of that name, it is made."""
        listed = self._experiments.experiment_service_list_experiments
        for found in self._all(listed, "experiments", name, **self._in_namespace()):
            return str(found.experiment_id)
        wanted = models.V2beta1Experiment(display_name=name, namespace=self.namespace)
        made = self._call(self._experiments.experiment_service_create_experiment, wanted)
        return str(made.experiment_id)

    def create_run(self, body: models.V2beta1Run) -> Run:
        """Start a run."""
        return Run.of(self._call(self._runs.run_service_create_run, body))

    def run(self, id_: str) -> Run:
        """Return a run; raises `NotFoundError` where there is none of that id."""
        return Run.of(self._call(self._runs.run_service_get_run, id_))

    def runs(self, name: str | None = None) -> list[Run]:
        """Return the runs of that display name, or all of them."""
        listed = self._runs.run_service_list_runs
        return [Run.of(raw) for raw in self._all(listed, "runs", name, **self._in_namespace())]

    def terminate(self, id_: str) -> None:
        """Have a run end; its pods are killed."""
        self._call(self._runs.run_service_terminate_run, id_)

    def create_schedule(self, body: models.V2beta1RecurringRun) -> str:
        """Make a recurring run; return its id."""
        return str(self._call(self._schedules.recurring_run_service_create_recurring_run, body).recurring_run_id)

    def schedules(self, name: str, said: str = "") -> list[str]:
        """Return the ids of the recurring runs of that display name whose description has `said` in it."""
        listed = self._schedules.recurring_run_service_list_recurring_runs
        found = self._all(listed, "recurring_runs", name, **self._in_namespace())
        return [str(raw.recurring_run_id) for raw in found if said in (raw.description or "")]

    def delete_schedule(self, id_: str) -> None:
        """Remove a recurring run; what it has started goes on."""
        self._call(self._schedules.recurring_run_service_delete_recurring_run, id_)

    def link(self, run: Run) -> str:
        """Return where a person looks at a run; KF_PIPELINES_UI_ENDPOINT names the pages where the API is elsewhere."""
        pages = os.environ.get("KF_PIPELINES_UI_ENDPOINT") or self.url
        return f"{pages.rstrip('/')}/#/runs/details/{run.id}"

    def _in_namespace(self) -> Mapping[str, str]:
        return {"namespace": self.namespace} if self.namespace else {}

    def _all(self, listed: Callable[..., Any], field: str, name: str | None, **where: str) -> Iterator[Any]:
        """Yield what a list has of that display name, page by page."""
        predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
        wanted = {"filter": json.dumps({"predicates": [predicate]})} if name is not None else {}
        token = ""
        while True:
            page = self._call(listed, page_size=PAGE, page_token=token, **wanted, **where)
            yield from getattr(page, field) or ()
            if not (token := page.next_page_token or ""):
                return

    def _call(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        with answering(self.url):
            result = call(*arguments, _request_timeout=TIMEOUT_S, **options)
            check_is_api(self._client.last_response)
            return result
