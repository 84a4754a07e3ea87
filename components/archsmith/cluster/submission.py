"""A search, submitted to Kubeflow Pipelines: once, or on a schedule."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from kfp_server_api import models

from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.run import Recurring, Run
from archsmith.errors import SpecError
from archsmith.opening import going_on
from archsmith.search import Search, parse
from archsmith.spec.yaml_document import read_yaml, write_yaml
from archsmith.steps.last_error import clear_error
from archsmith.steps.rounds import open_rounds
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.stores.retry import Backoff
from archsmith_pipelines.search import documents, search_pipeline
from archsmith_pipelines.size import check_size


@dataclass(frozen=True, slots=True)
class Submission:
    """A search that KFP is to run; making one checks what can be checked from here.

    Raises:
        SpecError: The search can't run in pods of KFP.
    """

    search: Search
    """The search."""
    store: str
    """URI of the store, as the pods reach it."""
    experiment: str = ""
    """The experiment of KFP; that of `tracking` where it is empty."""
    owner: str = ""
    """NAMESPACE/NAME of its object; empty where it has none."""
    gpus: int | None = None
    """GPUs of a task that trains; as many as the file asks for where it is None."""
    backoff: Backoff | None = None
    """How faults of the store that pass are tried again; for half a minute where it is None."""

    def __post_init__(self) -> None:
        check_for_kfp(self.search, self.store)

    @property
    def folder(self) -> SearchFolder:
        """The search's folder in the store."""
        return SearchFolder(open_store(self.store, backoff=self.backoff), self.search.name)

    @property
    def whose(self) -> str:
        """Its object, or its store: what its runs say of themselves, to tell apart equal names of those who share a KFP."""
        return self.owner or self.store.rstrip("/")

    def submit(self, api: KfpApi, backoff: Backoff | None = None) -> Run:
        """Start a run of what is left of the search, and return it.

        Where the connection breaks just when the run is made, it is looked for before it is made again: each attempt
        leaves the same mark in the run's description.

        Raises:
            SpecError: The search is suspended.
            SearchConflictError: The store holds another search of this name.
            UnavailableError: KFP does not answer.
        """
        if self.search.spec.suspend:
            raise SpecError("spec.suspend is true: the search is held. Set it to false to submit it.")
        folder, mark = self.folder, f"submission {uuid4().hex}"
        self._open(folder)
        common = self._common(open_rounds(self.search, folder))

        def create() -> Run:
            if tried:
                for run in api.runs(self.search.name, unfinished=True):
                    if mark in run.description:
                        return run
            tried.append(True)
            experiment = api.experiment(self._experiment)
            return api.create_run(models.V2beta1Run(description=self._about(mark), experiment_id=experiment, **common))

        tried: list[bool] = []
        return (backoff or Backoff()).run(create)

    def schedule(self, api: KfpApi, cron: str, settle: Callable[[Sequence[Run]], None] = lambda _: None) -> str:
        """Have KFP begin a search of its own at each time of a schedule, in place of an earlier schedule; return its id.

        One that is the same already is left alone, with its run that may be under way. Else that run is ended before the
        schedule that it is of, for Kubernetes removes what a schedule owns. The first step of each run finds out of which time
        it is.

        Args:
            api: Where to.
            cron: The schedule in five fields, in UTC.
            settle: Called with runs that are being ended; may wait until they have.

        Raises:
            SpecError: KFP can't have its searches follow one another as the file says.
        """
        check_series_for_kfp(self.search, cron)
        scheduled = replace(self, search=_scheduled(self.search, cron))
        common, enabled = scheduled._common(series=True), not self.search.spec.suspend
        mark = f"schedule {self._digest(cron, common)}"
        before = schedules_of(api, self.search.name, self.whose)
        same = next((found for found in before if mark in found.description), None)
        if same is not None and same.enabled != enabled:
            api.enable_schedule(same.id, enabled=enabled)
        id_ = same.id if same is not None else self._make_schedule(api, cron, mark, common)
        # Once the new one is there, so that a failure leaves one of them.
        retire(api, [found for found in before if found.id != id_], settle)
        return id_

    def _make_schedule(self, api: KfpApi, cron: str, mark: str, common: Mapping[str, Any]) -> str:
        return api.create_schedule(
            models.V2beta1RecurringRun(
                description=self._about(mark),
                experiment_id=api.experiment(self._experiment),
                # Of the six fields that KFP reads, the first one is seconds; of five, it takes the first one for them.
                trigger=models.V2beta1Trigger(cron_schedule=models.V2beta1CronSchedule(cron=f"0 {cron}")),
                max_concurrency="1",
                no_catchup=True,
                mode="DISABLE" if self.search.spec.suspend else "ENABLE",
                namespace=api.namespace,
                **common,
            )
        )

    def _digest(self, cron: str, common: Mapping[str, Any]) -> str:
        """Return a digest of all that a recurring run is made of, but whether it is held."""
        made = {**common, "runtime_config": common["runtime_config"].parameters, "cron": cron, "in": self._experiment}
        return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def _experiment(self) -> str:
        return self.experiment or self.search.spec.tracking.experiment

    def _open(self, folder: SearchFolder) -> None:
        """Refuse another search of this name, and forget how the last run of this one ended."""
        if going_on(folder, self.search, self.store) is not None:
            folder.mark(done=False)
        clear_error(folder)

    def _common(self, rounds: range | None = None, *, series: bool = False) -> dict[str, Any]:
        """Return what runs and recurring runs have in common; raises `SpecError` for more than Argo can begin."""
        parameters = {"search": self.search.text, "store": self.store}
        namespace = self.owner.partition("/")[0]
        pipeline = documents(
            search_pipeline(self.search, self.store, gpus=self.gpus, namespace=namespace, rounds=rounds, series=series)
        )
        check_size(self.search, pipeline["pipeline_spec"], self.store)
        return {
            "display_name": self.search.name,
            "pipeline_spec": pipeline,
            "runtime_config": models.V2beta1RuntimeConfig(parameters=parameters),
            "service_account": self.search.spec.cluster.service_account,
        }

    def _about(self, mark: str) -> str:
        return f"Neural architecture search {self.search.name} of {self.whose} ({mark})"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What was ended."""

    runs: tuple[str, ...]
    """Ids of the runs."""
    schedules: tuple[str, ...]
    """Ids of the recurring runs."""


def owners(api: KfpApi, name: str) -> list[str]:
    """Return who has runs of this name that are not over, or recurring ones: objects, and the URIs of stores."""
    told = [run.description for run in api.runs(name, unfinished=True)] + [found.description for found in api.schedules(name)]
    return sorted({whose[1] for text in told if (whose := _WHOSE.search(text))})


_WHOSE = re.compile(r" of (\S+) \(")


def schedules_of(api: KfpApi, name: str, owner: str = "") -> list[Recurring]:
    """Return the recurring runs of the search `name`; only those of `owner`, where several share a name."""
    return api.schedules(name, _said_of(owner))


def _said_of(owner: str) -> str:
    """Return what the description of a run has that is `owner`'s; dev/x is not the end of team-dev/x."""
    return f" of {owner.rstrip('/')} (" if owner else ""


def unfinished(api: KfpApi, name: str, owner: str = "", schedules: Sequence[Recurring] | None = None) -> list[Run]:
    """Return the runs of the search `name` that KFP takes for unfinished, oldest first; those of its schedule too.

    Args:
        api: Where they are.
        name: The search.
        owner: Only that one's, where several share a name.
        schedules: Its recurring runs, where they are known; KFP is asked where they are left out.
    """
    schedules = schedules_of(api, name, owner) if schedules is None else schedules
    found = [run for run in api.runs(name, unfinished=True) if _said_of(owner) in run.description]
    # KFP gives the runs of a schedule names of their own.
    known = {run.id for run in found}
    return found + [run for run in _of_schedules(api, schedules) if run.id not in known]


def _of_schedules(api: KfpApi, schedules: Sequence[Recurring]) -> list[Run]:
    return [run for found in schedules for run in api.runs(schedule=found.id, unfinished=True)]


def running(api: KfpApi, name: str, owner: str = "") -> list[Run]:
    """Return the runs of the search `name` that are under way, as KFP has it; the parameters are those of `unfinished`."""
    return [run for run in unfinished(api, name, owner) if run.active]


def end_all(api: KfpApi, name: str, owner: str = "", schedules: Sequence[Recurring] | None = None) -> Cancelled:
    """Tell all runs of a search to end, and its schedule to begin no more; neither is gone then.

    Args:
        api: Where they are.
        name: The search.
        owner: Only that one's, where several share a name.
        schedules: Its recurring runs, where they are known; KFP is asked where they are left out.
    """
    schedules = schedules_of(api, name, owner) if schedules is None else schedules
    for found in schedules:
        if found.enabled:
            api.enable_schedule(found.id, enabled=False)
    runs = [run for run in unfinished(api, name, owner, schedules) if run.active]
    for run in runs:
        api.terminate(run.id)
    return Cancelled(tuple(run.id for run in runs), tuple(found.id for found in schedules))


def cancel(
    api: KfpApi, name: str, owner: str = "", settle: Callable[[Sequence[Run]], None] = lambda _: None
) -> Cancelled:  # fmt: skip
    """End the runs of the search `name`, and then its schedule, which would begin another one; what it has found stays.

    Args:
        api: Where they are.
        name: The search.
        owner: Only that one's, where several share a name.
        settle: Called with the runs that are being ended; may wait until they have.
    """
    ended = end_all(api, name, owner)
    if ended.schedules and (left := unfinished(api, name, owner, [Recurring(id_) for id_ in ended.schedules])):
        settle(left)
    for id_ in ended.schedules:
        api.delete_schedule(id_)
    return ended


def retire(api: KfpApi, schedules: Sequence[Recurring], settle: Callable[[Sequence[Run]], None]) -> None:
    """Remove recurring runs: what they have begun ends first, as Kubernetes would remove it and KFP not notice."""
    for found in schedules:
        if found.enabled:
            api.enable_schedule(found.id, enabled=False)
    runs = _of_schedules(api, schedules)
    for run in runs:
        if run.active:
            api.terminate(run.id)
    if runs:
        settle(runs)
    for found in schedules:
        api.delete_schedule(found.id)


def _scheduled(search: Search, cron: str) -> Search:
    """Return the search with this schedule in its file."""
    if search.spec.schedule == cron:
        return search
    raw: dict[str, Any] = read_yaml(search.text, search.name).value
    return parse(write_yaml({**raw, "spec": {**raw["spec"], "schedule": cron}}))


def check_series_for_kfp(search: Search, cron: str) -> None:
    """Raise `SpecError` where KFP alone can't do what a file says of its series."""
    series = search.spec.series
    only = "only the controller of Archsmith's chart does that; give the file to it, with `archsmith submit` without --kfp"
    if series.concurrency == "replace":
        raise SpecError(
            f"spec.series.concurrency is replace, but a recurring run of Kubeflow Pipelines waits for the last; {only}."
        )
    if given := sorted({"keep", "starting_deadline"} & series.model_fields_set):
        raise SpecError(f"spec.series.{given[0]} is given, but Kubeflow Pipelines keeps all runs and begins late ones; {only}.")
    if re.search(r"[L#]", cron.upper().replace("JUL", "")) or re.search(r"7", cron.split(" ")[4]):
        raise SpecError(f"The schedule is {cron!r}, but Kubeflow Pipelines knows neither L nor # nor the weekday 7; {only}.")


def check_for_kfp(search: Search, store: str) -> None:
    """Raise `SpecError` for a search that runs on a laptop but can't run in pods of KFP."""
    cluster = search.spec.cluster
    if not store.startswith("s3://"):
        raise SpecError(
            f"The store is {store!r}, but must be s3://bucket/prefix: pods share no folder with this machine. "
            "Give it in `--store`, `spec.storage.uri` or ARCHSMITH_STORE."
        )
    if cluster.engine == "job":
        raise SpecError("spec.cluster.engine is 'job', but must be 'kfp' or 'auto' to submit to Kubeflow Pipelines.")
    if cluster.priority_class is not None:
        raise SpecError(
            f"spec.cluster.priority_class is {cluster.priority_class!r}, but Kubeflow Pipelines gives its pods none; "
            "leave it out, or take `engine: job`."
        )
