"""The engine for clusters with Kubeflow Pipelines: a run of the compiled pipeline, submitted again when a pod's death ends it."""

import time
from collections.abc import Callable
from dataclasses import replace

from pydantic import ValidationError

from archsmith.cluster.connection import namespace_of
from archsmith.cluster.controller.config import KfpSettings, PodSettings
from archsmith.cluster.controller.pods import deaths, is_running, waits_for, with_gpu
from archsmith.cluster.controller.work import ABSENT, Order, Work, WorkState
from archsmith.cluster.following import Finish, GiveUp, Seen, SubmitAgain, decide, see
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.kube import Kube
from archsmith.cluster.run import Run
from archsmith.cluster.run_pods import RunPods
from archsmith.cluster.run_watch import RunWatch
from archsmith.cluster.submission import Submission, end_all, unfinished
from archsmith.errors import AccessDeniedError, ArchsmithError, PermanentError
from archsmith.search import Search
from archsmith.spec.cluster_spec import Toleration
from archsmith.stores.folder import SearchFolder
from archsmith.stores.retry import Backoff
from archsmith_pipelines.pods import QUEUE_LABEL

ONCE = Backoff(attempts=2, base_s=1.0)
"""The controller looks again in a few seconds anyway; a second attempt finds a run whose answer was lost."""


ENDING = Work("waiting", reason="Ending", message="Its last run is being ended.")


class KfpEngine:
    """Runs searches on Kubeflow Pipelines.

    Args:
        api: Kubeflow Pipelines.
        kube: Kubernetes, to read what KFP does not tell of its pods.
        settings: Where the pods are.
        store: URI of the store, where a search names none.
        pod: What all pods of searches have in common.
        clock: Seconds, from whenever.
    """

    name = "kfp"

    def __init__(
        self, api: KfpApi, kube: Kube, settings: KfpSettings, store: str, clock: Callable[[], float] = time.monotonic,
        pod: PodSettings | None = None,
    ) -> None:  # fmt: skip
        self._api = api
        self._store = store
        self._pod = pod or PodSettings()
        # With several users, a run's pods are where the run is: in our own namespace.
        told = settings.pods_namespace or (kube.namespace if settings.multi_user else "")
        # Else they are where KFP is, as far as its URL tells; we may have no right to see them there.
        self._namespace = told or namespace_of(settings.url) or ""
        pods = RunPods(kube if self._namespace else None, self._namespace, sure=bool(told), knows=api.knows)
        self._watch = RunWatch(pods, clock)

    def look(self, order: Order, id_: str) -> Work:
        """Return how the run stands; where its id was never noted, the one that is under way."""
        if id_:
            return self._work(order, id_)
        lives = self._lives(order, self._submission(order).folder)
        if under_way := [run for run, life in lives if life == "lives"]:
            return self._work(order, under_way[-1].id)
        if any(life == "ending" for _, life in lives):
            return ENDING
        return ABSENT

    def start(self, order: Order) -> str:
        """Submit what is left of the search; what KFP takes for a run under way is not one, and ends first."""
        self._end(order)
        return self._submission(order).submit(self._api, ONCE).id

    def stop(self, order: Order) -> bool:
        """End the runs."""
        self._end(order)
        return not any(life in ("lives", "ending") for _, life in self._lives(order, None))

    def answers(self) -> bool:
        """Tell whether Kubeflow Pipelines answers at all."""
        try:
            self._api.schedules("")
        except AccessDeniedError:
            return True
        except ArchsmithError:
            return False
        return True

    def _end(self, order: Order) -> None:
        """Tell all runs of a search to end; recurring ones are not made here, nor may be asked for where users are several."""
        end_all(self._api, order.search.name, _owner(order), ())

    def _submission(self, order: Order) -> Submission:
        store, search = order.search.spec.storage.uri or self._store, with_defaults(order.search, self._pod)
        return Submission(search, store, owner=_owner(order), gpus=order.gpus, backoff=ONCE)

    def _lives(self, order: Order, folder: SearchFolder | None) -> list[tuple[Run, str]]:
        """Return the runs that KFP takes for unfinished, and how they really stand; of those that end, no store is asked."""
        runs = unfinished(self._api, order.search.name, _owner(order), ())
        return [(run, self._watch.life(run, folder)) for run in runs]

    def _work(self, order: Order, id_: str) -> Work:
        folder = self._submission(order).folder
        seen = see(self._api, id_, folder, self._watch)
        decision = decide(seen, order.submitted, order.search.spec.cluster.retries)
        if isinstance(decision, Finish):
            return self._made("succeeded", order, id_, seen)
        if isinstance(decision, GiveUp):
            cancelled = seen.run is not None and seen.run.state in ("cancelled", "ending")
            reason = "Cancelled" if cancelled else type(decision.error).__name__
            failed = self._made("failed", order, id_, seen, reason, str(decision.error))
            return failed if cancelled else _with_death(failed, seen, folder)
        if isinstance(decision, SubmitAgain):
            lost = self._made("lost", order, id_, seen, "RunFailed", f"{decision.reason.rstrip('.')}.")
            return _with_death(lost, seen, folder)
        return self._under_way(order, id_, seen)

    def _under_way(self, order: Order, id_: str, seen: Seen) -> Work:
        """Return the work of a run that goes on, and whether a pod of it is held up, which KFP does not say."""
        trouble, works = waits_for(seen.sighting.objects), any(map(is_running, seen.sighting.objects))
        if trouble and not works:
            return self._made("waiting", order, id_, seen, trouble.reason, trouble.message)
        if seen.run is not None and seen.run.state == "ending":
            return self._made("waiting", order, id_, seen, ENDING.reason, ENDING.message)
        # After an outage, KFP takes minutes to notice that a run has begun; its pods show it.
        if (seen.run is not None and seen.run.state == "running") or works:
            beside = f" Another pod of it waits: {trouble.message}" if trouble else ""
            return self._made("running", order, id_, seen, "RunRunning", f"Kubeflow Pipelines runs it.{beside}")
        said = f" {seen.sighting.reason.rstrip('.')}." if seen.sighting.reason else ""
        return self._made("waiting", order, id_, seen, "Starting", f"Kubeflow Pipelines is about to run it.{said}")

    def _made(self, state: WorkState, order: Order, id_: str, seen: Seen, reason: str = "", message: str = "") -> Work:
        link = self._api.link(seen.run or Run(id_, "", "waiting"))
        pods, resource = seen.sighting.objects, order.search.spec.cluster.gpu_resource
        died = deaths(pods)
        death = died[-1].message if died else ""
        return Work(
            state, id_, reason=reason, message=message, link=link, deaths=len(died), death=death, namespace=self._namespace,
            has_gpu=with_gpu(pods, resource),
        )  # fmt: skip


def with_defaults(search: Search, pod: PodSettings) -> Search:
    """Return a search whose pods go where those of all searches go, where its file says nothing else; its text stays.

    Raises:
        PermanentError: What the controller was told can't be written into a pipeline.
    """
    given = (
        {key: value for key, value in taint.items() if key in Toleration.model_fields and value} for taint in pod.tolerations
    )
    try:
        tolerations = tuple(map(Toleration.model_validate, given))
    except ValidationError as error:
        raise PermanentError(f"`searches.tolerations` of the chart can't be used: {error}") from error
    own = search.spec.cluster
    cluster = own.model_copy(
        update={
            "node_selector": {**pod.node_selector, **own.node_selector},
            "tolerations": tolerations + own.tolerations,
            "image_pull_secrets": own.image_pull_secrets or tuple(secret["name"] for secret in pod.image_pull_secrets),
            "queue": own.queue or pod.labels.get(QUEUE_LABEL),
        }
    )
    new = search.spec.model_copy(update={"cluster": cluster})
    return replace(search, object=search.object.model_copy(update={"spec": new}))


def _with_death(work: Work, seen: Seen, folder: SearchFolder) -> Work:
    """Say of a run that has ended how its last pod died, which KFP does not tell; a step's own error says more."""
    died = deaths(seen.sighting.objects)
    if not died or seen.error is not None:
        return work
    last = next((death for death in reversed(died) if death.was_killed), died[-1])
    said = f"{last.message}{_measured(folder) if last.was_killed else ''}"
    reason = last.reason if last.was_killed else work.reason
    return replace(work, reason=reason, message=f"{said} {work.message}", death=said, was_killed=last.was_killed)


def _measured(folder: SearchFolder) -> str:
    """Say which trials were being measured when a pod died."""
    numbers = sorted(proposal.number for proposal, _ in folder.progress().values())
    if not numbers:
        return ""
    return f" It measured the trial{'s' * (len(numbers) > 1)} {', '.join(f'{number:04d}' for number in numbers)}."


def _owner(order: Order) -> str:
    """Return what tells the runs of an object from those of one that is called alike in another namespace."""
    metadata = order.owner["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"
