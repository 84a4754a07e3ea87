"""Requests that hold as much as MLflow takes."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archsmith.tracking.content import Point, batches


def log(client: Any, run_id: str, points: Sequence[Point], params: Mapping[str, str]) -> None:
    """Log points and params in as few requests as there can be."""
    from mlflow.entities import Metric, Param

    for some_points, some_params in batches(points, params):
        client.log_batch(run_id, [Metric(*p) for p in some_points], [Param(*p) for p in some_params])


def upload(client: Any, run: Any, files: Mapping[str, bytes]) -> None:
    """Write files as artifacts of the run."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if files:
            client.log_artifacts(run.info.run_id, folder)
