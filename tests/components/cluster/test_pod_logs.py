"""The logs of pods that come and go."""

from collections.abc import Iterator

import pytest

from archsmith.cluster.following import Patience
from archsmith.cluster.kube import Kube
from archsmith.cluster.pod_logs import _in_utc, container, follow_logs, logs
from archsmith.errors import AccessDeniedError, UnavailableError
from archsmith.testing.kube_server import KubeServer, PodLog

SPEC = {"containers": [{"name": "search"}]}


@pytest.fixture(autouse=True)
def _search(server: KubeServer) -> None:
    server.put("searches", "team", "x", spec={})


def pod(server: KubeServer, name: str, made: int, *lines: str, phase: str = "Succeeded", of: str = "x") -> PodLog:
    meta = {"labels": {"archsmith.dev/search": of}, "creationTimestamp": f"2026-01-01T00:0{made}:00Z"}
    server.put("pods", "team", name, metadata=meta, spec=SPEC, status={"phase": phase})
    said = [(f"2026-01-01T00:0{made}:00.{k + 1}Z", line) for k, line in enumerate(lines)]
    server.logs[name] = PodLog(said, ended=phase != "Running")
    return server.logs[name]


def said(lines: Iterator[object]) -> list[tuple[str, str]]:
    return [(line.pod, line.text) for line in lines]  # type: ignore[attr-defined]


def test_logs_are_those_of_the_searchs_pods_the_latest_last(kube: Kube, server: KubeServer) -> None:
    pod(server, "b", 2, "three")
    pod(server, "a", 1, "one", "two")
    pod(server, "c", 3, "not ours", of="y")
    pod(server, "d", 4)
    del server.logs["d"]  # its container has not begun
    assert said(logs(kube, "x")) == [("a", "one"), ("a", "two"), ("b", "three")]


def test_following_goes_on_with_the_pod_that_replaces_a_dead_one(kube: Kube, server: KubeServer) -> None:
    first = pod(server, "a", 1, "one", phase="Running")

    def replace() -> None:
        del server.kept["pods", "team", "a"]
        pod(server, "b", 2, "two")

    def end() -> None:
        server.set_status("team", "x", phase="Succeeded")

    steps = iter((replace, end))
    first.ended = True
    followed = follow_logs(kube, "x", patience=Patience(1.0, 3.0, lambda _: next(steps)()))
    assert said(followed) == [("a", "one"), ("b", "two")]


def test_a_container_that_is_begun_anew_in_its_pod_is_read_on_and_nothing_twice(kube: Kube, server: KubeServer) -> None:
    log = pod(server, "a", 1, "one", "two", phase="Running")
    log.ended = True

    def restart() -> None:
        log.say("2026-01-01T00:01:00.25Z", "three")  # a text that sorts before .2Z, and a time after it
        server.kept["pods", "team", "a"]["status"]["phase"] = "Failed"
        server.set_status("team", "x", phase="Failed")

    followed = follow_logs(kube, "x", patience=Patience(1.0, 3.0, lambda _: restart()))
    assert [text for _, text in said(followed)] == ["one", "two", "three"]


def test_following_ends_with_a_search_that_is_deleted(kube: Kube, server: KubeServer) -> None:
    kube.delete_search("x")
    assert said(follow_logs(kube, "x")) == []


def test_following_outlives_a_cluster_that_is_away_for_a_while_only(kube: Kube, server: KubeServer) -> None:
    server.set_status("team", "x", phase="Succeeded")
    pod(server, "a", 1, "one")
    patience = Patience(1.0, 3.0, lambda _: None)
    server.refuse(503, times=3)
    assert said(follow_logs(kube, "x", patience=patience)) == [("a", "one")]
    server.refuse(503, times=9)
    with pytest.raises(UnavailableError):
        list(follow_logs(kube, "x", patience=patience))


def test_a_refusal_is_an_error_and_no_empty_log(kube: Kube, server: KubeServer) -> None:
    server.forbidden.add("pods")
    with pytest.raises(AccessDeniedError):
        list(logs(kube, "x"))


@pytest.mark.parametrize(
    ("names", "default", "chosen"),
    [(["only"], None, "only"), (["wait", "main"], None, "main"), (["a", "b"], "b", "b"), (["a", "b"], "gone", "a")],
)
def test_of_several_containers_the_one_that_works_is_read(names: list[str], default: str | None, chosen: str) -> None:
    annotations = {"kubectl.kubernetes.io/default-container": default} if default else {}
    body = {"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": name} for name in names]}}
    assert container(body) == chosen


def test_the_pods_of_a_search_on_kubeflow_are_where_its_status_says(kube: Kube, server: KubeServer) -> None:
    server.set_status("team", "x", engine="kfp", podsNamespace="kubeflow")
    for name, namespace in (("ours", "team"), ("theirs", "other")):
        labels = {"archsmith.dev/search": "x", "archsmith.dev/namespace": namespace}
        server.put("pods", "kubeflow", name, metadata={"labels": labels}, spec=SPEC, status={"phase": "Succeeded"})
        server.logs[name] = PodLog([("2026-01-01T00:00:00.1Z", f"said by {name}")], ended=True)
    assert said(logs(kube, "x")) == [("ours", "said by ours")]
    server.forbidden = {"pods/kubeflow"}
    with pytest.raises(AccessDeniedError, match="in the namespace 'kubeflow'"):
        list(logs(kube, "x"))


def test_pods_of_a_search_that_is_no_object_are_looked_for_in_the_namespace(kube: Kube, server: KubeServer) -> None:
    pod(server, "a", 1, "one", of="submitted-to-kfp")
    assert said(logs(kube, "submitted-to-kfp")) == [("a", "one")]


@pytest.mark.parametrize(
    ("at", "same"),
    [
        ("2026-01-01T12:00:00.123456789Z", "2026-01-01T12:00:00.123456789"),
        ("2026-01-01T12:00:00.1+02:00", "2026-01-01T10:00:00.100000000"),
        ("2026-01-01T00:30:00-05:30", "2026-01-01T06:00:00.000000000"),
        ("no time", "no time"),
    ],
)
def test_the_times_of_lines_compare_in_whichever_zone_a_node_tells_them(at: str, same: str) -> None:
    assert _in_utc(at) == same
