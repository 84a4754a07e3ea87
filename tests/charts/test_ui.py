"""The pages that show searches: where they are reached, with whose keys, and what their pod may do."""

import base64
from collections.abc import Callable
from typing import Any

Objects = list[dict[str, Any]]
Render = Callable[..., Objects]


def of_kind(objects: Objects, kind: str, name: str = "demo-archsmith-ui") -> dict[str, Any]:
    (found,) = (m for m in objects if m["kind"] == kind and m["metadata"]["name"] == name)
    return found


def container(objects: Objects) -> dict[str, Any]:
    (found,) = of_kind(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(found)


def keys(objects: Objects) -> str:
    """Return the Secret whose keys the pages have."""
    (name,) = {e["valueFrom"]["secretKeyRef"]["name"] for e in container(objects)["env"] if "valueFrom" in e}
    return str(name)


def test_there_are_no_pages_unless_they_are_asked_for(render: Render) -> None:
    assert not [m for m in render() if "archsmith-ui" in m["metadata"]["name"]]


def test_they_are_on_mlflows_host_below_a_path_which_they_know(render: Render) -> None:
    made = render("ui")
    (rule,) = of_kind(made, "Ingress")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == ("mlflow.example.com", "/archsmith", "Prefix")
    assert path["backend"]["service"] == {"name": "demo-archsmith-ui", "port": {"name": "http"}}
    assert "--base-path=/archsmith" in container(made)["command"]


def test_a_host_of_their_own_has_them_at_its_root(render: Render) -> None:
    made = render("ui", {"ingress.uiHost": "searches.example.com"})
    (rule,) = of_kind(made, "Ingress")["spec"]["rules"]
    assert (rule["host"], rule["http"]["paths"][0]["path"]) == ("searches.example.com", "/")
    assert "--base-path=" in container(made)["command"]


def test_their_keys_are_those_of_a_user_of_their_own_that_is_made_with_them(render: Render) -> None:
    made = render("ui")
    assert keys(made) == "demo-archsmith-ui"
    assert base64.b64decode(of_kind(made, "Secret")["data"]["AWS_ACCESS_KEY_ID"]) == b"archsmith-ui"
    (job,) = (m for m in made if m["kind"] == "Job")
    variables = {e["name"]: e for e in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert variables["UI_BUCKET"]["value"] == "searches"
    assert variables["UI_SECRET_KEY"]["valueFrom"]["secretKeyRef"]["name"] == "demo-archsmith-ui"
    assert keys(render("external-store", {"ui.enabled": "true"})) == "s3-searches"
    assert keys(render("external-store", {"ui.enabled": "true", "ui.existingSecret": "reader"})) == "reader"
    with_role = render("role", {"ui.enabled": "true"})
    assert not [e for e in container(with_role)["env"] if "valueFrom" in e]
    assert of_kind(with_role, "ServiceAccount")["metadata"]["annotations"]


def test_their_pod_has_no_token_and_no_rights(render: Render) -> None:
    made = render("ui")
    assert of_kind(made, "Deployment")["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    assert not [
        m for m in made if m["kind"] in {"RoleBinding", "ClusterRoleBinding"} and "archsmith-ui" in str(m.get("subjects"))
    ]
