"""The engine for clusters with Kubeflow Pipelines: a run of the compiled pipeline, submitted again when a pod's death ends it."""

from archsmith.cluster.controller.config import KfpSettings
from archsmith.cluster.controller.pods import deaths, waits_for
from archsmith.cluster.controller.work import ABSENT, Order, Work, WorkState
from archsmith.cluster.following import Finish, GiveUp, Seen, SubmitAgain, decide, see
from archsmith.cluster.kfp_api import KfpApi
from archsmith.cluster.kube import Kube
from archsmith.cluster.run import Run
from archsmith.cluster.submission import Submission, cancel, runs_of
from archsmith.errors import AccessDeniedError, ArchsmithError
from archsmith.stores.retry import Backoff
from archsmith_pipelines.pods import SEARCH_LABEL

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
    """

    name = "kfp"

    def __init__(self, api: KfpApi, kube: Kube, settings: KfpSettings, store: str) -> None:
        self._api = api
        self._kube = kube
        self._settings = settings
        self._store = store

    def look(self, order: Order, id_: str) -> Work:
        """Return how the run stands; where its id was never noted, the one that is under way."""
        if id_:
            return self._work(order, id_)
        runs = runs_of(self._api, order.search.name, _owner(order))
        if under_way := [run for run in runs if run.active]:
            return self._work(order, under_way[-1].id)
        return ENDING if any(run.has_pods for run in runs) else ABSENT

    def start(self, order: Order) -> str:
        """Submit the rounds that are left."""
        return self._submission(order).submit(self._api, ONCE).id

    def stop(self, order: Order) -> bool:
        """End the runs, and remove the recurring run."""
        cancel(self._api, order.search.name, _owner(order))
        return not any(run.has_pods for run in runs_of(self._api, order.search.name, _owner(order)))

    def schedule(self, order: Order) -> None:
        """Make a recurring run, in place of an earlier one."""
        self._submission(order).schedule(self._api, order.search.spec.schedule or "")

    def answers(self) -> bool:
        """Tell whether Kubeflow Pipelines answers at all."""
        try:
            self._api.schedules("")
        except AccessDeniedError:
            return True
        except ArchsmithError:
            return False
        return True

    def _submission(self, order: Order) -> Submission:
        store = order.search.spec.storage.uri or self._store
        return Submission(order.search, store, owner=_owner(order), gpus=order.gpus)

    def _work(self, order: Order, id_: str) -> Work:
        seen = see(self._api, id_, self._submission(order).folder)
        decision = decide(seen, order.submitted, order.search.spec.cluster.retries)
        if isinstance(decision, Finish):
            return self._made("succeeded", id_, seen)
        if isinstance(decision, GiveUp):
            cancelled = seen.run is not None and seen.run.state == "cancelled"
            reason = "Cancelled" if cancelled else type(decision.error).__name__
            return self._made("failed", id_, seen, reason, self._with_pods(order, str(decision.error)))
        if isinstance(decision, SubmitAgain):
            return self._made("lost", id_, seen, "RunFailed", self._with_pods(order, f"{decision.reason}."))
        return self._under_way(order, id_, seen)

    def _under_way(self, order: Order, id_: str, seen: Seen) -> Work:
        """Return the work of a run that goes on, and whether a pod of it is held up, which KFP does not say."""
        if trouble := waits_for(self._pods(order)):
            return self._made("waiting", id_, seen, trouble.reason, trouble.message)
        if seen.run is not None and seen.run.state == "running":
            return self._made("running", id_, seen, "RunRunning", "Kubeflow Pipelines runs it.")
        return self._made("waiting", id_, seen, "Starting", "Kubeflow Pipelines is about to run it.")

    def _made(self, state: WorkState, id_: str, seen: Seen, reason: str = "", message: str = "") -> Work:
        link = self._api.link(seen.run or Run(id_, "", "waiting"))
        return Work(state, id_, reason=reason, message=message, link=link)

    def _with_pods(self, order: Order, text: str) -> str:
        """Add how the last pod died to what KFP says of it, which is nothing."""
        died = deaths(self._pods(order))
        return f"{text} {died[-1].message}" if died else text

    def _pods(self, order: Order) -> list[dict[str, object]]:
        """Return the pods of the search, where the controller may see them."""
        namespace = self._settings.pods_namespace
        return self._kube.pods(f"{SEARCH_LABEL}={order.search.name}", namespace) if namespace else []


def _owner(order: Order) -> str:
    """Return what tells the runs of an object from those of one that is called alike in another namespace."""
    metadata = order.owner["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"
