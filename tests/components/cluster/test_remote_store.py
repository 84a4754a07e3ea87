"""The store of a search on a cluster, opened from outside and from inside of it."""

from pathlib import Path

import pytest

from archsmith.cluster.kube import Kube
from archsmith.cluster.remote_store import Inside, inside, remote_store
from archsmith.errors import AccessDeniedError, NotFoundError, PermanentError
from archsmith.testing.kube_server import KubeServer
from archsmith.testing.kubectl import write_kubectl
from archsmith.testing.minio import MinioServer


@pytest.fixture(autouse=True)
def _no_keys_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)


def settings(server: KubeServer, minio: MinioServer, endpoint: str, uri: str, secret: str = "") -> None:
    named = {"ARCHSMITH_STORE_SECRET": secret} if secret else {}
    places = {"ARCHSMITH_S3_ENDPOINT": endpoint, "ARCHSMITH_STORE": uri, **named}
    server.put("configmaps", "team", "archsmith-store", data=places)
    keys = {"AWS_ACCESS_KEY_ID": minio.access_key, "AWS_SECRET_ACCESS_KEY": minio.secret_key}
    server.put_secret("team", secret or "archsmith-store", keys)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://minio.team.svc:9000", Inside("minio", "team", 9000)),
        ("https://minio.team.svc.cluster.local", Inside("minio", "team", 443)),
        ("http://minio", Inside("minio", "mine", 80)),
        ("http://minio.example.org:9000", None),
        ("http://s3.eu.svc.example.org", None),
        ("http://localhost:9000", None),
        ("http://127.0.0.1:9000", None),
        ("http://[::1]:9000", None),
        ("", None),
    ],
)
def test_a_service_of_the_cluster_is_told_by_its_url(url: str, found: Inside | None) -> None:
    assert inside(url, "mine") == found


@pytest.mark.parametrize("secret", ["", "theirs"])
def test_a_store_outside_is_opened_with_the_clusters_keys(
    kube: Kube, server: KubeServer, minio_server: MinioServer, secret: str
) -> None:
    bucket = minio_server.new_bucket()
    settings(server, minio_server, minio_server.endpoint, f"s3://{bucket}", secret)
    with remote_store(kube, {"spec": {}}) as (store, uri):
        store.put("a/b", b"x")
        assert (uri, store.list("")) == (f"s3://{bucket}", ["a/b"])
    with remote_store(kube, {"spec": {"storage": {"uri": f"s3://{bucket}/a"}}}) as (store, uri):
        assert (uri, store.get("b")) == (f"s3://{bucket}/a", b"x")


def test_where_pods_have_a_role_people_have_keys_of_their_own(
    kube: Kube, server: KubeServer, minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = minio_server.new_bucket()
    places = {"ARCHSMITH_S3_ENDPOINT": minio_server.endpoint, "ARCHSMITH_STORE": f"s3://{bucket}", "ARCHSMITH_STORE_SECRET": ""}
    server.put("configmaps", "team", "archsmith-store", data=places)
    for name, value in minio_server.environ.items():
        monkeypatch.setenv(name, value)
    with remote_store(kube, {"spec": {}}) as (store, _):
        store.put("k", b"x")
        assert store.get("k") == b"x"


def test_a_store_inside_is_opened_through_kubectl(
    kube: Kube, server: KubeServer, minio_server: MinioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, port = minio_server.new_bucket(), minio_server.endpoint.rpartition(":")[2]
    settings(server, minio_server, "http://archsmith-minio.chart.svc:9000", f"s3://{bucket}")
    calls = write_kubectl(tmp_path / "bin", f"Forwarding from 127.0.0.1:{port} -> 9000")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with remote_store(kube, {"spec": {}}) as (store, _):
        store.put("k", b"x")
        assert store.get("k") == b"x"
    assert "--context here -n chart port-forward --address 127.0.0.1 svc/archsmith-minio :9000" in calls.read_text()


def test_what_is_missing_or_refused_is_told_with_a_hint(kube: Kube, server: KubeServer) -> None:
    with pytest.raises(NotFoundError, match="chart makes it"), remote_store(kube, {"spec": {}}):
        pass
    server.forbidden.add("secrets")
    server.put("configmaps", "team", "archsmith-store", data={})
    with pytest.raises(AccessDeniedError, match=r"right to get.*'archsmith-store'"), remote_store(kube, {"spec": {}}):
        pass
    server.forbidden.clear()
    server.put_secret("team", "archsmith-store", {})
    with pytest.raises(PermanentError, match="only s3://"), remote_store(kube, {"spec": {"storage": {"uri": "/data"}}}):
        pass
