"""The client of Kubernetes, against a stand-in for its API server."""

from typing import Any

import pytest

from archsmith.cluster.kube import Kube, connect
from archsmith.errors import (
    AccessDeniedError,
    ConflictError,
    NotFoundError,
    PermanentError,
    SpecError,
    UnavailableError,
)
from archsmith.testing.kube_server import KubeServer, PodLog


def search(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "archsmith.dev/v1alpha1", "kind": "Search", "metadata": {"name": "x"}, "spec": spec}


def job(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "labels": labels}, "spec": {}}


def test_a_search_is_made_and_read_in_the_namespace_of_the_context(kube: Kube, server: KubeServer) -> None:
    made = kube.apply_search(search(seed=3))
    assert made["metadata"]["namespace"] == "team"
    assert kube.search("x")["spec"] == {"seed": 3}
    assert [found["metadata"]["name"] for found in kube.searches()] == ["x"]
    method, path, query = server.requests[0]
    assert (method, path) == ("POST", "/apis/archsmith.dev/v1alpha1/namespaces/team/searches")
    assert "fieldManager=archsmith" in query


def test_a_search_that_is_there_gets_the_new_spec_whole_and_keeps_status_and_metadata(kube: Kube, server: KubeServer) -> None:
    server.put("searches", "team", "x", spec={"seed": 3, "suspend": True}, metadata={"labels": {"a": "1"}, "finalizers": ["f"]})
    server.set_status("team", "x", phase="Suspended")
    new = search(seed=4)
    new["metadata"]["labels"] = {"b": "2"}
    made = kube.apply_search(new)
    assert made["spec"] == {"seed": 4}
    assert made["metadata"]["labels"] == {"a": "1", "b": "2"}
    assert made["metadata"]["finalizers"] == ["f"]
    assert (made["metadata"]["generation"], made["status"]["phase"]) == (2, "Suspended")


def test_a_search_that_is_being_deleted_is_not_given_a_spec(kube: Kube, server: KubeServer) -> None:
    server.put("searches", "team", "x", spec={}, metadata={"finalizers": ["f"]})
    kube.delete_search("x")
    with pytest.raises(ConflictError, match="still deleting"):
        kube.apply_search(search())


def test_a_change_by_someone_else_meanwhile_is_a_conflict(kube: Kube, server: KubeServer) -> None:
    server.put("searches", "team", "x", spec={})

    def change() -> None:
        server.kept["searches", "team", "x"]["metadata"]["resourceVersion"] = "999"

    server.faults += [lambda: None, lambda: None, change]
    with pytest.raises(ConflictError, match="has been modified"):
        kube.apply_search(search())


def test_a_merge_patch_changes_spec_or_status_and_nothing_else(kube: Kube, server: KubeServer) -> None:
    server.put("searches", "team", "x", spec={"seed": 3, "ttl": "1h"})
    assert kube.patch_search("x", {"spec": {"suspend": True, "ttl": None}})["spec"] == {"seed": 3, "suspend": True}
    patched = kube.patch_search("x", {"status": {"phase": "Running"}, "spec": {"seed": 9}}, status=True)
    assert (patched["spec"]["seed"], patched["status"]) == (3, {"phase": "Running"})


def test_a_search_is_made_once_and_one_that_is_there_is_left_alone(kube: Kube, server: KubeServer) -> None:
    assert kube.create_search(search())
    assert not kube.create_search({**search(), "spec": {"seed": 9}})
    assert kube.search("x")["spec"] == search()["spec"]


def test_a_job_is_made_once_and_deleted_as_asked(kube: Kube, server: KubeServer) -> None:
    assert kube.create_job(job("x-1", search="x"))
    assert not kube.create_job(job("x-1"))
    kube.create_job(job("y-1", search="y"))
    assert [found["metadata"]["name"] for found in kube.jobs("search=x")] == ["x-1"]
    assert kube.delete_job("x-1", "Foreground")
    assert server.bodies[-1]["propagationPolicy"] == "Foreground"
    assert not kube.delete_job("x-1")
    assert kube.jobs("search=x") == []


def test_a_long_list_is_read_page_by_page(kube: Kube, server: KubeServer) -> None:
    server.page = 2
    for k in range(5):
        server.put("pods", "other", f"p{k}", metadata={"labels": {"a": "b"}})
    assert [pod["metadata"]["name"] for pod in kube.pods("a=b", "other")] == [f"p{k}" for k in range(5)]
    assert len(server.requests) == 3


def test_config_maps_and_secrets_are_read_as_text(kube: Kube, server: KubeServer) -> None:
    server.put("configmaps", "team", "c", data={"A": "1"})
    server.put_secret("team", "s", {"KEY": "päss"})
    assert kube.config_map("c") == {"A": "1"}
    assert kube.secret("s") == {"KEY": "päss"}


def test_nodes_are_of_the_whole_cluster(kube: Kube, server: KubeServer) -> None:
    server.put("nodes", "", "n1")
    assert [node["metadata"]["name"] for node in kube.nodes()] == ["n1"]


def test_a_log_is_read_line_by_line_from_a_time_on(kube: Kube, server: KubeServer) -> None:
    server.put("pods", "team", "p")
    server.logs["p"] = PodLog([("2026-01-01T00:00:00Z", "one"), ("2026-01-01T00:00:09Z", "zwölf")], ended=True)
    assert list(kube.log("p")) == ["one", "zwölf"]
    assert list(kube.log("p", since="2026-01-01T00:00:05Z", timestamps=True)) == ["2026-01-01T00:00:09Z zwölf"]


def test_a_log_that_is_followed_gives_lines_as_they_come(kube: Kube, server: KubeServer) -> None:
    server.put("pods", "team", "p")
    log = server.logs["p"] = PodLog([("2026-01-01T00:00:00Z", "one")])
    lines = kube.log("p", follow=True)
    assert next(lines) == "one"
    log.say("2026-01-01T00:00:01Z", "two")
    assert next(lines) == "two"
    log.ended = True
    assert list(lines) == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, PermanentError), (401, AccessDeniedError), (403, AccessDeniedError), (409, ConflictError), (410, UnavailableError),
     (422, SpecError), (429, UnavailableError), (500, UnavailableError), (503, UnavailableError)],
)  # fmt: skip
def test_a_refusal_is_told_in_the_servers_words(kube: Kube, server: KubeServer, status: int, kind: type[Exception]) -> None:
    server.refuse(status, "Search x is invalid: spec.budget: too much")
    with pytest.raises(kind, match=r"spec\.budget: too much\.") as caught:
        kube.searches()
    assert type(caught.value) is kind
    assert len(server.requests) == 1  # nothing is sent twice


def test_a_missing_object_is_told_from_a_cluster_without_the_chart(kube: Kube, server: KubeServer) -> None:
    with pytest.raises(NotFoundError, match='searches "x" not found') as caught:
        kube.search("x")
    assert "helm install" not in str(caught.value)
    server.refuse(404, "the server could not find the requested resource")
    with pytest.raises(NotFoundError, match="helm install"):
        kube.search("x")


def test_a_server_that_is_not_there_is_unavailable(server: KubeServer, kube: Kube) -> None:
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:9 does not answer"):
        connect("other").searches()


def test_a_gateway_that_says_nothing_is_told_by_its_status(kube: Kube, server: KubeServer) -> None:
    server.refuse(502, "")
    with pytest.raises(UnavailableError, match="answers 502 for the search 'x' in the namespace 'team'"):
        kube.search("x")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('Search.archsmith.dev "x" is invalid: spec.budget.trials: Invalid value: -1: must be at least 1',
         "spec.budget.trials: Invalid value: -1: must be at least 1."),
        ('Search.archsmith.dev "x" is invalid: [spec.space: Required value, <nil>: Invalid value: null: some validation rules '
         "were not checked because the object was invalid; correct the existing errors to complete validation]",
         "spec.space: Required value."),
        ("searches.archsmith.dev \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: "
         "spec.space.nope: unknown key; valid here: layers.", "spec.space.nope: unknown key; valid here: layers."),
    ],
)  # fmt: skip
def test_of_admission_only_the_rule_that_refuses_is_told(kube: Kube, server: KubeServer, said: str, told: str) -> None:
    server.refuse(422, said)  # as Kubernetes 1.36 says it
    with pytest.raises(SpecError) as caught:
        kube.apply_search(search())
    assert str(caught.value) == f"Kubernetes refuses the search 'x' in the namespace 'team': {told}"
