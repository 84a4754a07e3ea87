"""Nothing secret lies in values, in objects that are no Secrets, or in two places."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts" / "archsmith"

Objects = list[dict[str, Any]]
Render = Callable[..., Objects]

SECRET = ("PASSWORD", "SECRET_KEY", "SECRET_ACCESS_KEY", "ACCESS_KEY_ID", "TOKEN", "ROOT_USER", "ACCESS_KEY")


def secrets(objects: Objects) -> dict[str, dict[str, str]]:
    return {m["metadata"]["name"]: m["data"] for m in objects if m["kind"] == "Secret"}


def environments(value: Any) -> list[dict[str, Any]]:
    """Return every entry of every `env`, wherever it is."""
    if isinstance(value, dict):
        own = value["env"] if isinstance(value.get("env"), list) else []
        return [*own, *(item for inner in value.values() for item in environments(inner))]
    return [item for inner in value for item in environments(inner)] if isinstance(value, list) else []


def test_a_secret_variable_comes_from_a_secret(render: Render, ci: str) -> None:
    objects = render(ci)
    configs = [yaml.safe_load(m["data"]["controller.yaml"]) for m in objects if "controller.yaml" in m.get("data", {})]
    found = [item for item in environments([*objects, *configs]) if item["name"].endswith(SECRET)]
    assert found or ci == "role"
    for item in found:
        assert "value" not in item, item["name"]
        assert set(item["valueFrom"]) == {"secretKeyRef"}


def test_every_secret_that_is_named_is_made_or_given(render: Render, ci: str) -> None:
    objects = render(ci)
    given = {"s3-searches", "s3-artifacts", "mlflow-database", "my-store", "my-artifacts", "my-root"}
    named = {i["valueFrom"]["secretKeyRef"]["name"] for i in environments(objects) if "secretKeyRef" in i.get("valueFrom", {})}
    assert named <= {*secrets(objects), *given}


def test_what_is_made_is_long_and_in_no_other_object(render: Render, ci: str) -> None:
    objects = render(ci)
    others = json.dumps([m for m in objects if m["kind"] != "Secret"])
    for data in secrets(objects).values():
        (key,) = (base64.b64decode(v).decode() for k, v in data.items() if k in {"AWS_SECRET_ACCESS_KEY", "MINIO_ROOT_PASSWORD"})
        assert len(key) == 40
        assert key not in others


def test_the_values_have_no_place_for_a_password() -> None:
    text = (CHART / "values.yaml").read_text()
    keys = {line.split(":")[0].strip() for line in text.splitlines() if ":" in line and not line.lstrip().startswith("#")}
    assert not [key for key in keys if "password" in key.lower() or "token" in key.lower()]


def test_given_secrets_are_not_made(render: Render) -> None:
    assert secrets(render("given-secrets")) == {}


def test_rendering_twice_differs_in_what_is_made_and_nowhere_else(render: Render) -> None:
    once, again = render(), render(values={"global.again": "true"})  # which means nothing; what is the same is rendered once
    assert [m for m in once if m["kind"] != "Secret"] == [m for m in again if m["kind"] != "Secret"]
    for name, data in secrets(once).items():
        differing = {key for key, value in data.items() if secrets(again)[name][key] != value}
        assert differing <= {"AWS_SECRET_ACCESS_KEY", "MINIO_ROOT_PASSWORD"}
        assert differing


def test_an_upgrade_looks_for_the_secrets_that_are_there() -> None:
    text = (CHART / "templates" / "secrets.yaml").read_text()
    assert 'lookup "v1" "Secret"' in text


def test_searches_and_mlflow_have_different_users(render: Render) -> None:
    users = [base64.b64decode(d["AWS_ACCESS_KEY_ID"]) for d in secrets(render()).values() if "AWS_ACCESS_KEY_ID" in d]
    assert sorted(users) == [b"archsmith", b"mlflow"]


def test_only_minio_and_its_job_know_the_root_of_the_store(render: Render) -> None:
    who = {
        made["metadata"]["labels"]["app.kubernetes.io/component"]
        for made in render()
        if "demo-archsmith-minio-root" in json.dumps(made.get("spec", {}))
    }
    assert who == {"minio", "provision"}
