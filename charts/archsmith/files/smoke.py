"""What `helm test` runs: what a search needs of the store and of MLflow works, with the rights that a search has."""

import os
import sys
import uuid

from archsmith.stores import open_store


def check_store() -> None:
    """Write, read and delete an object."""
    store, key, data = open_store(os.environ["ARCHSMITH_STORE"]), f"helm-test/{uuid.uuid4().hex}", b"archsmith"
    store.put(key, data)
    if store.get(key) != data:
        raise SystemExit(f"The store {os.environ['ARCHSMITH_STORE']} gives back something else than was written.")
    store.delete([key])
    sys.stdout.write(f"The store {os.environ['ARCHSMITH_STORE']} keeps what is written.\n")


def check_tracking() -> None:
    """Log a run with an artifact, and remove the run."""
    import mlflow

    mlflow.set_experiment("archsmith-helm-test")
    with mlflow.start_run() as run:
        mlflow.log_metric("answer", 42.0)
        mlflow.log_text("archsmith", "smoke.txt")
    text = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/smoke.txt")
    if text != "archsmith":
        raise SystemExit("MLflow gives back another artifact than was logged.")
    mlflow.delete_run(run.info.run_id)
    sys.stdout.write(f"MLflow at {mlflow.get_tracking_uri()} keeps runs and artifacts.\n")


if __name__ == "__main__":
    check_store()
    if os.environ.get("MLFLOW_TRACKING_URI"):
        check_tracking()
