"""The data set of a search as MLflow knows one: an input of a run, with its name, its fingerprint and its counts."""

import json
from collections.abc import Mapping
from typing import Any

from archsmith.tracking.places import redact
from archsmith.tracking.tracked import TrackedSearch
from archsmith.values import digest
from archsmith.values.data_facts import SPLITS, DataFacts

CONTEXT = {"mlflow.data.context": "search"}
"""What an input is for, as a tag of it."""


def dataset(search: TrackedSearch) -> Any | None:
    """Return what the search measures on, as MLflow's data set; None where nothing is known of it."""
    from mlflow.entities import Dataset

    data, path = search.data, _path(search)
    if search.spec.data is None and path is None:
        return None
    counted = data if data is not None and data.counts else None
    fingerprint = (
        counted.digest if counted else search.source_digest
    ) or f"of-facts-{digest(json.dumps(_facts(search), default=str))}"
    kind = "s3" if (path or "").startswith("s3://") else "local" if path else "archsmith"
    source = redact(path) if path else f"the data set {search.spec.data.name if search.spec.data else ''}"
    return Dataset(
        name=data_name(search),
        digest=fingerprint[:36],
        source_type=kind,
        source=json.dumps({"uri": source}),
        schema=_schema(counted) if counted else None,
        profile=json.dumps(_profile(counted)) if counted else None,
    )


def log_dataset(client: Any, run: Any, search: TrackedSearch) -> None:
    """Log what a run measures on as its input, unless it has one: what a later look could say of the files may differ."""
    from mlflow.entities import DatasetInput, InputTag

    found = client.get_run(run.info.run_id).inputs
    if (found and found.dataset_inputs) or (seen := dataset(search)) is None:
        return
    client.log_inputs(run.info.run_id, [DatasetInput(seen, [InputTag(*tag) for tag in CONTEXT.items()])])


def data_name(search: TrackedSearch) -> str:
    """Return what people call the data: that of the file, or of the known data set."""
    path = _path(search)
    if search.spec.data is not None and (path is None or search.spec.data.name not in {"npz", "folder"}):
        return search.spec.data.name
    return redact((path or "").rstrip("/")).rpartition("/")[2] or "data"


def _path(search: TrackedSearch) -> str | None:
    """Return where the images lie, or the table."""
    spec = search.spec
    path = spec.data.path if spec.data is not None else spec.estimation.settings.get("path")
    return path if isinstance(path, str) else None


def _facts(search: TrackedSearch) -> dict[str, Any]:
    spec = search.spec
    return {
        "data": spec.data.model_dump() if spec.data else _path(search),
        "facts": search.data.to_dict() if search.data else None,
    }


def _schema(data: DataFacts) -> str:
    """Return what goes in, in MLflow's words: images as networks get them, and the number of the class."""
    import numpy as np
    from mlflow.types import Schema, TensorSpec

    images = Schema([TensorSpec(np.dtype(np.float32), (-1, *data.input_shape), name="images")])
    labels = Schema([TensorSpec(np.dtype(np.int64), (-1,), name="labels")])
    return json.dumps({"mlflow_tensorspec": {"features": images.to_json(), "targets": labels.to_json()}})


def _profile(data: DataFacts) -> Mapping[str, Any]:
    """Return the numbers of images, by split and by class."""
    by_class = {split: dict(zip(data.classes, counts, strict=False)) for split, counts in data.counts.items()}
    return {
        **{f"n_{split}": data.n(split) for split in SPLITS if split in data.counts},
        "by_class": by_class,
        "left_out": [left.to_dict() for left in data.left_out],
        "findings": [finding.to_dict() for finding in data.findings],
    }
