"""What happens to a search when something that it stands on is gone: it succeeds all the same, and nothing is trained twice.

Controller, MinIO and MLflow are those of a second release, in a namespace of its own, so that no other test misses them.
"""

import time
from collections import Counter

import pytest

from cluster import Cluster
from faults import Survives, deaths


@pytest.fixture(scope="module", name="cluster")
def _second(second: Cluster) -> Cluster:
    return second


def test_a_search_does_not_notice_that_the_controller_is_gone(cluster: Cluster, survives: Survives) -> None:
    def fault(_: str) -> None:
        cluster.kubectl("delete", "pod", "--selector", "app.kubernetes.io/component=controller")

    found = survives("no-controller", fault)
    assert len(cluster.pods("no-controller")) == 1
    assert cluster.reasons("no-controller", "Succeeded") == ["Started", "PodRunning", "Promoted", "Succeeded"]
    assert deaths(found) == 0


def test_a_search_waits_for_minio_while_it_starts_anew(cluster: Cluster, survives: Survives) -> None:
    survives("no-minio", lambda _: cluster.kubectl("delete", "pod", "archsmith-minio-0", "--wait=false"))


@pytest.mark.long
def test_runs_are_complete_in_mlflow_after_it_was_away(cluster: Cluster, survives: Survives) -> None:
    def fault(_: str) -> None:
        cluster.kubectl("scale", "deployment", "archsmith-mlflow", "--replicas=0")
        time.sleep(20)
        cluster.kubectl("scale", "deployment", "archsmith-mlflow", "--replicas=1")
        cluster.kubectl("rollout", "status", "deployment", "archsmith-mlflow")

    survives("no-mlflow", fault, budget={"trials": 24})
    assert _statuses_in_mlflow(cluster, "no-mlflow") == Counter({"FINISHED": 25})


def _statuses_in_mlflow(cluster: Cluster, name: str) -> Counter[str]:
    """Return how many runs of a search MLflow has in which status: that of the search and those of its trials."""
    from mlflow import MlflowClient

    client = MlflowClient(cluster.mlflow_uri)
    experiment = client.get_experiment_by_name("archsmith")
    assert experiment is not None
    ids = [experiment.experiment_id]
    (parent,) = client.search_runs(ids, f"attributes.run_name = '{name}'", order_by=["attributes.start_time DESC"], max_results=1)
    trials = f"tags.mlflow.parentRunId = '{parent.info.run_id}' AND tags.archsmith.of = '{name}'"
    nested = client.search_runs(ids, trials)
    return Counter(run.info.status for run in [parent, *nested])
