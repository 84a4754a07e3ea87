"""The winner of a search as a model in MLflow, registered under an alias; ONNX, never a pickle."""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from archsmith.tracking.content import Point, batches, curve_points
from archsmith.tracking.tracked import TrackedSearch, Winner

ALIAS = "champion"
"""What the current winner is called: `models:/archsmith-NAME@champion`."""


def log_champion(client: Any, run: Any, search: TrackedSearch, winner: Winner) -> str:
    """Log the winner's model, register it and give it the alias; what is there already is used.

    Returns:
        The URI of its version.
    """
    name = f"archsmith-{search.name}"
    tags = {
        "archsmith.search": search.name,
        "archsmith.trial": winner.model.trial,
        "archsmith.model": hashlib.sha256(winner.onnx).hexdigest()[:12],
    }
    version = _registered(client, name, tags)
    if version is None:
        model = _log_model(client, run, search, winner, tags)
        _log_training(client, run, winner, model)
        version = _register(client, name, run, tags, model)
    client.set_registered_model_alias(name, ALIAS, version.version)
    return f"models:/{name}/{version.version}"


def _registered(client: Any, name: str, tags: dict[str, str]) -> Any | None:
    """Return the version that holds this very model, if there is one."""
    versions = client.search_model_versions(f"name = '{name}'")
    return next((v for v in versions if tags.items() <= v.tags.items() and v.status == "READY"), None)


def _register(client: Any, name: str, run: Any, tags: dict[str, str], model: Any) -> Any:
    """Make a version of the registered model, which is made where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description="The winner of an architecture search.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # By its place, for `models:/ID` MLflow would look up at the process's global tracking URI.
    return client.create_model_version(name, model.artifact_location, run.info.run_id, tags=tags, model_id=model.model_id)


def _log_model(client: Any, run: Any, search: TrackedSearch, winner: Winner, tags: dict[str, str]) -> Any:
    """Return the logged model, made where there is none and completed where a crash has left it halfway."""
    model = _begun(client, run, tags) or client.create_logged_model(
        run.info.experiment_id, search.name, run.info.run_id, tags, {"architecture": winner.model.architecture.id}, "classifier"
    )
    if model.status != "READY":
        with tempfile.TemporaryDirectory() as folder:
            _save(Path(folder, "model"), run, model, winner)
            client.log_model_artifacts(model.model_id, str(Path(folder, "model")))
        _link(client, run, model.model_id)
        client.finalize_logged_model(model.model_id, "READY")
    return model


def _begun(client: Any, run: Any, tags: dict[str, str]) -> Any | None:
    """Return the model that was logged for this run with these tags, if there is one."""
    where = f"tags.archsmith.model = '{tags['archsmith.model']}'"
    models = client.search_logged_models([run.info.experiment_id], filter_string=where)
    return next((m for m in models if m.source_run_id == run.info.run_id and tags.items() <= m.tags.items()), None)


def _save(folder: Path, run: Any, model: Any, winner: Winner) -> None:
    """Write MLflow's folder of the model: ONNX with its signature and an input example, and the .pt2 file."""
    import mlflow.onnx
    import onnx

    network = onnx.load_model_from_string(winner.onnx)
    pt2 = folder.parent / "model.pt2"
    pt2.write_bytes(winner.pt2)
    mlflow.onnx.save_model(
        network,
        str(folder),
        mlflow_model=mlflow.models.Model(
            artifact_path=model.artifact_location, run_id=run.info.run_id, model_uuid=model.model_id, model_id=model.model_id
        ),
        signature=_signature(winner, network.graph.output[0].name),
        input_example=winner.example[:1],
        # Given, because to infer them MLflow starts another Python that loads the model.
        pip_requirements=mlflow.onnx.get_default_pip_requirements(),
        metadata={"classes": list(winner.model.classes), "trial": winner.model.trial},
        save_as_external_data=False,
        extra_files=[str(pt2)],
    )


def _signature(winner: Winner, output: str) -> Any:
    """Return what goes in and out: (n, C, H, W) images and (n, K) logits, both float32."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    float32 = np.dtype(np.float32)
    images = TensorSpec(float32, (-1, *winner.model.input_shape))
    logits = TensorSpec(float32, (-1, len(winner.model.classes)), name=output)
    return ModelSignature(inputs=Schema([images]), outputs=Schema([logits]))


def _link(client: Any, run: Any, model_id: str) -> None:
    """Say in the run that the model came out of it."""
    from mlflow.entities import LoggedModelOutput

    outputs = client.get_run(run.info.run_id).outputs
    if model_id not in {m.model_id for m in (outputs.model_outputs if outputs else [])}:
        client.log_outputs(run.info.run_id, [LoggedModelOutput(model_id, step=0)])


def _log_training(client: Any, run: Any, winner: Winner, model: Any) -> None:
    """Log the curve of the retraining and the final metrics, as the run's and the model's.

    Their times come from the model's, so that logging them again changes nothing.
    """
    from mlflow.entities import Metric

    trained, end_ms = winner.model, model.creation_timestamp
    points = curve_points(trained.curve, end_ms - round(trained.seconds * 1000), "retrain_")
    points += [Point(name, value, end_ms, trained.best_epoch) for name, value in trained.metrics.items()]
    for some, _ in batches(points, {}):
        client.log_batch(run.info.run_id, [Metric(*point, model_id=model.model_id) for point in some])
