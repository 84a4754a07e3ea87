"""The winner of a search in MLflow: a run of its training, and a registered model under an alias; ONNX, never a pickle."""

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archsmith.tracking import content
from archsmith.tracking.aliases import settle
from archsmith.tracking.content import Point, batches, curve_points, number
from archsmith.tracking.dataset import dataset, log_dataset
from archsmith.tracking.description import origin_tags
from archsmith.tracking.tracked import TrackedSearch, Winner
from archsmith.values.promotion import Judgement


def log_champion(client: Any, run: Any, search: TrackedSearch, winner: Winner, end_ms: int, judgement: Judgement) -> str:
    """Log the winner as `log_trained` does, give its version the alias that it is judged to have, and return its URI."""
    version = log_trained(client, run, search, winner, end_ms)
    settle(client, version, judgement, by=f"the search {search.name}")
    return version_uri(version)


def log_trained(client: Any, run: Any, search: TrackedSearch, winner: Winner, end_ms: int, *, called: str = "winner") -> Any:
    """Log the training of a model and the model, and register it; what is there already is used.

    Each model has a run of its own, nested in the search's: a version then leads to the metrics of its own training,
    and not to those of a later one.

    Args:
        client: MLflow's.
        run: the run of the search.
        search: the search.
        winner: the winner, or another trial that was trained in full.
        end_ms: when the search ended, in milliseconds since the epoch of Unix.
        called: the name of its run, before the number of its trial.

    Returns:
        Its version.
    """
    version = registered(client, search, winner)
    if version is None:
        own = _own_run(client, run, search, winner, end_ms, called)
        model = _log_model(client, own, search, winner)
        _link(client, run, model.model_id)
        _log_training(client, own, search, winner, model, end_ms)
        version = _register(client, search, winner, own, model)
    for key, value in _facts(search, winner).items():
        if version.tags.get(key) != value:
            client.set_model_version_tag(version.name, version.version, key, value)
    return version


def registered(client: Any, search: TrackedSearch, winner: Winner) -> Any | None:
    """Return the version that holds this very model, if there is one."""
    versions = client.search_model_versions(f"name = '{model_name(search.model)}'")
    tags = _identity(search, winner)
    return next((v for v in versions if tags.items() <= v.tags.items() and v.status == "READY"), None)


def version_uri(version: Any) -> str:
    """Return the URI under which MLflow loads a version."""
    return f"models:/{version.name}/{version.version}"


def model_name(model: str) -> str:
    """Return the name of a registered model, by what it is called after: a search, or what several of them share."""
    return f"archsmith-{model}"


def _identity(search: TrackedSearch, winner: Winner) -> dict[str, str]:
    """Return the tags by which a model, its run and its version are recognised."""
    return {
        "archsmith.search": search.name,
        "archsmith.trial": winner.model.trial,
        "archsmith.model": hashlib.sha256(winner.onnx).hexdigest()[:12],
    }


def _facts(search: TrackedSearch, winner: Winner) -> dict[str, str]:
    """Return what one wants to know of a version without loading it."""
    facts = {
        "architecture": winner.model.architecture.id,
        "notation": winner.notation,
        "data": search.data.digest if search.data else "",
        "identity": search.key,
        **{name: number(value) for name, value in winner.model.metrics.items()},
    }
    return {f"archsmith.{name}": content.text(value) for name, value in facts.items() if value}


def _register(client: Any, search: TrackedSearch, winner: Winner, own: Any, model: Any) -> Any:
    """Make a version of the registered model, which is made where there is none."""
    from mlflow.exceptions import MlflowException

    name, tags = model_name(search.model), _identity(search, winner) | _facts(search, winner)
    try:
        client.create_registered_model(name, description=f"The winners of the architecture search {search.model}.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # By its place, for `models:/ID` MLflow would look up at the process's global tracking URI.
    return client.create_model_version(name, model.artifact_location, own.info.run_id, tags=tags, model_id=model.model_id)


def _own_run(client: Any, run: Any, search: TrackedSearch, winner: Winner, end_ms: int, called: str) -> Any:
    """Return the run of a model's training, made where there is none."""
    tags = {key: value for key, value in _identity(search, winner).items() if key != "archsmith.search"}
    where = " AND ".join(f"tags.{key} = '{value}'" for key, value in ({"mlflow.parentRunId": run.info.run_id} | tags).items())
    if found := client.search_runs([run.info.experiment_id], filter_string=where, max_results=1):
        return found[0]
    tags |= origin_tags() | {"mlflow.parentRunId": run.info.run_id, "archsmith.notation": content.text(winner.notation)}
    began_ms = max(0, end_ms - round(winner.model.seconds * 1000))
    return client.create_run(run.info.experiment_id, began_ms, tags, f"{called} {winner.number:04d}")


def _log_model(client: Any, own: Any, search: TrackedSearch, winner: Winner) -> Any:
    """Return the logged model, made where there is none and completed where a crash has left it halfway."""
    params = {"architecture": winner.model.architecture.id}
    model = _begun(client, own) or client.create_logged_model(
        own.info.experiment_id, search.name, own.info.run_id, _identity(search, winner), params, "classifier"
    )
    if model.status != "READY":
        with tempfile.TemporaryDirectory() as folder:
            _save(Path(folder, "model"), own, model, winner)
            client.log_model_artifacts(model.model_id, str(Path(folder, "model")))
        _link(client, own, model.model_id)
        client.finalize_logged_model(model.model_id, "READY")
    return model


def _begun(client: Any, own: Any) -> Any | None:
    """Return the model that was logged for this run, if there is one."""
    where = f"source_run_id = '{own.info.run_id}'"
    return next(iter(client.search_logged_models([own.info.experiment_id], filter_string=where)), None)


def _save(folder: Path, own: Any, model: Any, winner: Winner) -> None:
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
            artifact_path=model.artifact_location, run_id=own.info.run_id, model_uuid=model.model_id, model_id=model.model_id
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
    """Say in a run that the model came out of it."""
    from mlflow.entities import LoggedModelOutput

    outputs = client.get_run(run.info.run_id).outputs
    if model_id not in {m.model_id for m in (outputs.model_outputs if outputs else [])}:
        client.log_outputs(run.info.run_id, [LoggedModelOutput(model_id, step=0)])


def _log_training(client: Any, own: Any, search: TrackedSearch, winner: Winner, model: Any, end_ms: int) -> None:
    """Log the curve of the training and the final metrics, as the run's and the model's, and end the run.

    Their times are those of the search, so that logging them again changes nothing.
    """
    from mlflow.entities import Metric, Param

    trained, seen = winner.model, dataset(search)
    points = curve_points(trained.curve, end_ms - round(trained.seconds * 1000))
    points += [Point(name, value, end_ms, trained.best_epoch) for name, value in trained.metrics.items()]
    of = {"model_id": model.model_id} | ({"dataset_name": seen.name, "dataset_digest": seen.digest} if seen else {})
    for some, params in batches(points, _params(search, winner)):
        client.log_batch(own.info.run_id, [Metric(*point, **of) for point in some], [Param(*param) for param in params])
    log_dataset(client, own, search)
    client.set_terminated(own.info.run_id, "FINISHED", end_ms)


def _params(search: TrackedSearch, winner: Winner) -> Mapping[str, str]:
    """Return what was trained, and how."""
    trained = winner.model
    chosen = zip(search.decisions, trained.architecture.choices, strict=True)
    params = {f"decision.{name}": choice for name, choice in chosen if choice is not None}
    params |= {"architecture": trained.architecture.id, "epochs": trained.epochs, "best_epoch": trained.best_epoch}
    return content.params_of(params | {"seed": trained.seed, "device": trained.device})
