"""MLflow's system metrics in the run of a search."""

import threading
import time

import pytest

from archsmith.tracking import Tracker
from archsmith.tracking.machine import Machine


@pytest.mark.parametrize(("pod", "prefix"), [(False, "system/"), (True, "system/worker-1/")])
def test_the_machine_is_watched_where_mlflows_switch_is_on(search, sqlite_uri, look, monkeypatch, pod: bool, prefix: str) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    monkeypatch.setattr("socket.gethostname", lambda: "worker-1")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    if pod:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    tracker, machine, mlflow = Tracker(search, sqlite_uri), Machine(sqlite_uri), look(sqlite_uri)
    tracker.sync([])
    for _ in range(2):
        machine.watch(tracker.run_id)
    until = time.monotonic() + 30
    wanted = f"{prefix}cpu_utilization_percentage"
    while wanted not in (metrics := mlflow.runs()[0].data.metrics):
        assert time.monotonic() < until, metrics
        time.sleep(0.1)
    mlflow.client.set_terminated(tracker.run_id)  # which ends MLflow's thread
    while any(thread.name == "SystemMetricsMonitor" for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_else_it_is_not(search, sqlite_uri, look) -> None:
    tracker = Tracker(search, sqlite_uri)
    tracker.sync([])
    Machine(sqlite_uri).watch(tracker.run_id)
    assert not any(thread.name == "SystemMetricsMonitor" for thread in threading.enumerate())
