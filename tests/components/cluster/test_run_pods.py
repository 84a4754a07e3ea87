"""What may be seen of the pods and Workflows of runs, and what may not."""

import pytest

from archsmith.cluster.kube import Kube
from archsmith.cluster.run_pods import RunPods
from archsmith.testing.kube_server import KubeServer


def put(server: KubeServer, plural: str, name: str, *, run: str = "r", space: str = "kubeflow", **fields: object) -> None:
    phase = {"workflows.argoproj.io/phase": str(fields["status"]["phase"])} if plural == "workflows" else {}  # type: ignore[index]
    metadata = {"labels": {"pipeline/runid": run, **phase}, **fields.pop("metadata", {})}  # type: ignore[dict-item]
    server.put(plural, space, name, metadata=metadata, **fields)


@pytest.mark.parametrize(
    ("phases", "leaving", "pods"),
    [
        ([], False, "none"),
        (["Succeeded", "Failed"], False, "ended"),
        (["Succeeded", "Pending"], False, "working"),
        (["Running"], False, "working"),
        (["Succeeded", "Running"], True, "leaving"),
    ],
)
def test_the_pods_of_a_run_are_counted_by_what_they_may_still_do(
    kube: Kube, server: KubeServer, phases: list[str], leaving: bool, pods: str
) -> None:
    for k, phase in enumerate(phases):
        metadata = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaving and phase == "Running" else {}
        put(server, "pods", f"p{k}", metadata=metadata, status={"phase": phase})
    put(server, "pods", "other", run="s", status={"phase": "Running"})
    assert RunPods(kube, "kubeflow").see("r").pods == pods


def test_a_workflow_says_why_it_fails_by_its_nodes_or_itself(kube: Kube, server: KubeServer) -> None:
    server.argo = True
    assert RunPods(kube, "kubeflow").see("r").workflow == "gone"
    put(server, "workflows", "w", status={"phase": "Running"})
    assert RunPods(kube, "kubeflow").see("r").workflow == "goes on"
    server.kept.clear()
    put(server, "workflows", "w", status={"phase": "Error", "message": "configmaps is forbidden"})
    seen = RunPods(kube, "kubeflow").see("r")
    assert (seen.workflow, seen.reason) == ("failed", "configmaps is forbidden")
    server.kept.clear()
    nodes = {"a": {"type": "Pod", "phase": "Pending", "message": "exceeded quota"}, "b": {"type": "DAG", "phase": "Running"}}
    put(server, "workflows", "w", status={"phase": "Running", "nodes": nodes})
    assert RunPods(kube, "kubeflow").see("r").reason == "exceeded quota"


def test_what_may_not_be_read_is_unseen_and_why_is_kept(kube: Kube, server: KubeServer) -> None:
    server.argo = True
    server.forbidden = {"pods", "workflows"}
    pods = RunPods(kube, "kubeflow")
    assert (pods.see("r").pods, pods.see("r").workflow) == ("unseen", "unseen")
    assert "403" in pods.refusal
    server.forbidden = {"workflows"}
    assert (pods.see("r").pods, pods.see("r").workflow, pods.refusal != "") == ("none", "unseen", True)
    assert RunPods(None).see("r").pods == "unseen"


def test_a_cluster_without_workflows_has_none_to_tell(kube: Kube) -> None:
    assert RunPods(kube, "kubeflow").see("r").workflow == "unseen"


def test_what_is_not_there_proves_nothing_where_kfp_may_be_elsewhere(kube: Kube, server: KubeServer) -> None:
    pods = RunPods(kube, "", sure=False, knows=lambda id_: id_ == "mine")
    assert pods.see("r").pods == "unseen"
    put(server, "pods", "theirs", run="of another KFP", status={"phase": "Running"})
    assert pods.see("r").pods == "unseen"
    put(server, "pods", "ours", run="mine", space="team", status={"phase": "Succeeded"})
    assert pods.see("r").pods == "none"


def test_a_run_that_was_seen_once_is_known_to_be_there(kube: Kube, server: KubeServer) -> None:
    pods = RunPods(kube, "", sure=False)
    put(server, "pods", "p", status={"phase": "Running"})
    assert pods.see("r").pods == "working"
    server.collect("pipeline/runid", "r")
    assert pods.see("r").pods == "none"


def test_who_may_not_list_all_pods_looks_where_kfp_usually_is(kube: Kube, server: KubeServer) -> None:
    server.forbidden = {"pods/", "workflows"}
    put(server, "pods", "p", status={"phase": "Running"})
    assert RunPods(kube, "", sure=False).see("r").pods == "working"


def test_of_a_run_that_goes_on_no_more_is_read_than_the_labels_of_its_workflow(kube: Kube, server: KubeServer) -> None:
    server.argo = True
    put(server, "workflows", "w", status={"phase": "Running", "message": "x"})
    put(server, "pods", "p", status={"phase": "Running"})
    seen = RunPods(kube, "kubeflow").see("r")
    assert (seen.workflow, seen.reason, len(server.requests)) == ("goes on", "", 2)
    assert "status" not in kube.workflows("pipeline/runid=r", "kubeflow", metadata=True)[0]
