"""How busy the machine is, in MLflow, where its own switch for system metrics is on."""

import os
import socket
import threading

from archsmith.machine.container import in_pod
from archsmith.tracking.database import usable

SWITCH = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"
"""MLflow's own switch; how often it looks is its MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL."""


class Machine:
    """Has MLflow log processors, memory, disk, network and GPUs of this machine into the run of a search, while that runs.

    Args:
        uri: the tracking URI.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._is_on = os.environ.get(SWITCH, "").lower() in {"true", "1"}

    def watch(self, run_id: str | None) -> None:
        """Begin, unless that was done: MLflow ends it with the run, or when it can't be reached."""
        if run_id is None or not self._is_on or _is_watched():
            return
        # Several pods log into the run of one search, so there each has its name in its metrics.
        node = socket.gethostname() if in_pod(os.environ) else None
        try:
            from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

            SystemMetricsMonitor(run_id, resume_logging=True, node_id=node, tracking_uri=usable(self._uri)).start()
        except Exception:  # without what it measures with, or of a version that takes other arguments: trials are logged still
            self._is_on = False


def _is_watched() -> bool:
    """Tell whether MLflow's thread is there; it ends by itself."""
    return any(thread.name == "SystemMetricsMonitor" for thread in threading.enumerate())
