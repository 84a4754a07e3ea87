"""The part of KFP's API, v2beta1, that a search needs: runs, recurring runs, experiments.

It stands on the generated client and not on `kfp.Client`, whose constructor speaks with the server for half a minute
before it fails, and which prints, warns, and keeps settings in the user's home.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import kfp_server_api
import urllib3
from kfp_server_api import models
from kfp_server_api.exceptions import ApiException

from archsmith.cluster.answers import answering, check_is_api
from archsmith.cluster.run import Recurring, Run
from archsmith.errors import ArchsmithError, NotFoundError, PermanentError

TIMEOUT_S = (5, 60)
"""Longest wait for a connection, and for an answer."""

PAGES_TIMEOUT_S = (2, 5)
"""The same, where it is only about what to print."""

PAGE = 100

Predicate = dict[str, Any]
"""A condition of a list, as KFP's filters write it."""


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
        trusted = configuration.ssl_ca_cert
        if trusted and Path(trusted).is_dir():  # which the client takes for a file
            self._client.rest_client.pool_manager.connection_pool_kw.update(ca_certs=None, ca_cert_dir=trusted)
        self._runs = kfp_server_api.RunServiceApi(self._client)
        self._schedules = kfp_server_api.RecurringRunServiceApi(self._client)
        self._experiments = kfp_server_api.ExperimentServiceApi(self._client)

    def experiment(self, name: str) -> str:
        """Return the id of an experiment; where there is none of that name, it is made."""
        listed = self._experiments.experiment_service_list_experiments
        for found in self._all(listed, "experiments", _is("display_name", name), **self._in_namespace()):
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

    def knows(self, id_: str) -> bool:
        """Tell whether there is a run of that id."""
        try:
            self.run(id_)
        except ArchsmithError:
            return False
        return True

    def runs(self, name: str | None = None, *, schedule: str | None = None, unfinished: bool = False) -> list[Run]:
        """Return runs, oldest first; KFP chooses them, as each of them holds its whole pipeline.

        Args:
            name: Only those of that display name.
            schedule: Only those of the recurring run of that id.
            unfinished: Only those that may still do something, as KFP has it.
        """
        wanted = [
            *(_is("display_name", name) if name is not None else ()),
            *(_is("recurring_run_id", schedule) if schedule is not None else ()),
            *(_is_one_of("state", Run.UNFINISHED) if unfinished else ()),
        ]
        listed = self._runs.run_service_list_runs
        return [Run.of(raw) for raw in self._all(listed, "runs", wanted, **self._in_namespace())]

    def terminate(self, id_: str) -> bool:
        """Have a run end, with its pods; tell whether there was anything to end.

        Where its Workflow is gone, KFP answers with a fault of its own, and calls the run CANCELING for ever; one that has
        ended meanwhile, or was told to end before, it refuses.
        """
        try:
            self._call(self._runs.run_service_terminate_run, id_)
        except NotFoundError:  # the run itself, or its Workflow
            return False
        except PermanentError:
            if self.run(id_).active:
                raise
            return False
        return True

    def create_schedule(self, body: models.V2beta1RecurringRun) -> str:
        """Make a recurring run; return its id."""
        return str(self._call(self._schedules.recurring_run_service_create_recurring_run, body).recurring_run_id)

    def schedules(self, name: str, said: str = "") -> list[Recurring]:
        """Return the recurring runs of that display name whose description has `said` in it."""
        listed = self._schedules.recurring_run_service_list_recurring_runs
        found = self._all(listed, "recurring_runs", _is("display_name", name), **self._in_namespace())
        return [Recurring.of(raw) for raw in found if said in (raw.description or "")]

    def enable_schedule(self, id_: str, *, enabled: bool) -> None:
        """Have a recurring run begin runs from now on, or begin none; one that is under way goes on."""
        schedules = self._schedules
        switch = (
            schedules.recurring_run_service_enable_recurring_run
            if enabled
            else schedules.recurring_run_service_disable_recurring_run
        )
        self._call(switch, id_)

    def delete_schedule(self, id_: str) -> None:
        """Remove a recurring run; Kubernetes removes the Workflows and pods of its runs too, and KFP does not notice."""
        with contextlib.suppress(NotFoundError):
            self._call(self._schedules.recurring_run_service_delete_recurring_run, id_)

    def serves_pages(self) -> bool:
        """Tell whether a browser finds KFP's pages at this URL; the API server alone has none."""
        try:
            answer = self._client.rest_client.GET(f"{self.url}/", _preload_content=True, _request_timeout=PAGES_TIMEOUT_S)
        except ApiException as error:  # a page to log in at is one that a browser opens
            return 300 <= (error.status or 0) < 400 or "html" in str((error.headers or {}).get("content-type"))
        except urllib3.exceptions.HTTPError:
            return False
        return "html" in (answer.getheader("content-type") or "")

    def link(self, run: Run) -> str:
        """Return where a person looks at a run; KF_PIPELINES_UI_ENDPOINT names the pages where the API is elsewhere."""
        pages = os.environ.get("KF_PIPELINES_UI_ENDPOINT") or self.url
        return f"{pages.rstrip('/')}/#/runs/details/{run.id}"

    def _in_namespace(self) -> Mapping[str, str]:
        return {"namespace": self.namespace} if self.namespace else {}

    def _all(self, listed: Callable[..., Any], field: str, wanted: list[Predicate], **where: str) -> Iterator[Any]:
        """Yield what a list has that keeps all predicates, page by page."""
        chosen = {"filter": json.dumps({"predicates": wanted})} if wanted else {}
        token = ""
        while True:
            page = self._call(listed, page_size=PAGE, page_token=token, **chosen, **where)
            yield from getattr(page, field) or ()
            if not (token := page.next_page_token or ""):
                return

    def _call(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        with answering(self.url):
            result = call(*arguments, _request_timeout=TIMEOUT_S, **options)
            check_is_api(self._client.last_response)
            return result


def _is(key: str, value: str) -> list[Predicate]:
    return [{"operation": "EQUALS", "key": key, "stringValue": value}]


def _is_one_of(key: str, values: tuple[str, ...]) -> list[Predicate]:
    return [{"operation": "IN", "key": key, "stringValues": {"values": list(values)}}]
