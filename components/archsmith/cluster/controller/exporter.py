"""The metrics of the controller, for Prometheus."""

from collections import Counter as Count
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric

from archsmith.cluster.status import PHASES


class Exporter:
    """Counts what the controller does, and shows how the searches stand.

    Its metrics are `archsmith_searches` by phase; `archsmith_search_trials`, `archsmith_search_failed_trials` and
    `archsmith_search_best` by search; `archsmith_pods_died_total`; `archsmith_reconcile_errors_total`; and the histogram
    `archsmith_reconcile_seconds`.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconcile_s = Histogram("archsmith_reconcile_seconds", "Seconds of a look at a search.", registry=self.registry)
        self.errors = Counter("archsmith_reconcile_errors", "Looks that ended with an error.", registry=self.registry)
        self.pods_died = Counter("archsmith_pods_died", "Pods of searches that died and were replaced.", registry=self.registry)
        self._searches: dict[str, Mapping[str, Any]] = {}
        self.registry.register(self)

    def serve(self, port: int) -> None:
        """Answer at `/metrics` on `port`, from a thread of its own."""
        start_http_server(port, registry=self.registry)

    def show(self, name: str, status: Mapping[str, Any]) -> None:
        """Show how a search stands."""
        self._searches[name] = status

    def forget(self, name: str) -> None:
        """Show a search no longer."""
        self._searches.pop(name, None)

    def collect(self) -> Iterator[Metric]:
        """Yield what is shown; Prometheus' client calls it."""
        searches = dict(self._searches)
        phases = Count(status.get("phase", "Pending") for status in searches.values())
        by_phase = GaugeMetricFamily("archsmith_searches", "Searches by phase.", labels=["phase"])
        for phase in PHASES:
            by_phase.add_metric([phase], phases[phase])
        yield by_phase
        yield _gauge("archsmith_search_trials", "Trials that are done.", {n: _done(s) for n, s in searches.items()})
        yield _gauge("archsmith_search_failed_trials", "Failed trials.", {n: s.get("failed") for n, s in searches.items()})
        yield _gauge("archsmith_search_best", "The incumbent's first objective.", {n: s.get("best") for n, s in searches.items()})


def _gauge(name: str, text: str, values: Mapping[str, Any]) -> GaugeMetricFamily:
    """Return a gauge with a value a search, of those that have one."""
    family = GaugeMetricFamily(name, text, labels=["search"])
    for search, value in values.items():
        if value is not None:
            family.add_metric([search], float(value))
    return family


def _done(status: Mapping[str, Any]) -> str | None:
    """Return the trials done, of "24/60"."""
    trials = status.get("trials")
    return trials.partition("/")[0] if trials else None
