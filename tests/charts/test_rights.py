"""What the chart lets whom do in the cluster: this list, and nothing else."""

from collections.abc import Callable
from typing import Any

Objects = list[dict[str, Any]]
Render = Callable[..., Objects]

CONTROLLER = {
    ("archsmith.dev", "searches", "get list watch create patch delete"),
    ("archsmith.dev", "searches/status", "patch"),
    ("archsmith.dev", "searches/finalizers", "update"),
    ("batch", "jobs", "list create delete"),
    ("", "pods", "list"),
    ("", "events", "create"),
}


def rules(objects: Objects, kind: str, name: str) -> list[dict[str, Any]]:
    (made,) = (m for m in objects if m["kind"] == kind and m["metadata"]["name"] == name)
    found: list[dict[str, Any]] = made["rules"]
    return found


def flat(found: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(g, r, " ".join(rule["verbs"])) for rule in found for g in rule["apiGroups"] for r in rule["resources"]}


def test_the_controller_may_do_this_in_its_namespace(render: Render) -> None:
    assert flat(rules(render(), "Role", "demo-archsmith-controller")) == CONTROLLER


def test_nobody_may_read_a_secret(render: Render, ci: str) -> None:
    for made in render(ci):
        assert "secrets" not in [resource for rule in made.get("rules", []) for resource in rule["resources"]]


def test_the_pods_and_workflows_of_kubeflow_are_listed_only_where_the_values_name_their_namespace(render: Render) -> None:
    made = render(values={"controller.kfpPodsNamespace": "kubeflow"})
    assert flat(rules(made, "Role", "lab-demo-archsmith-controller")) == {
        ("", "pods", "list"),
        ("argoproj.io", "workflows", "list"),
    }
    there = [m for m in made if m["metadata"].get("namespace") == "kubeflow"]
    assert [m["kind"] for m in there] == ["Role", "RoleBinding"]
    assert there[1]["roleRef"]["name"] == there[0]["metadata"]["name"]
    assert there[1]["subjects"] == [{"kind": "ServiceAccount", "name": "demo-archsmith-controller", "namespace": "lab"}]


def test_of_the_cluster_the_controller_may_see_the_nodes(render: Render) -> None:
    assert flat(rules(render(), "ClusterRole", "lab-demo-archsmith-controller")) == {("", "nodes", "list")}


def test_there_are_no_other_roles(render: Render, ci: str) -> None:
    found = {(m["kind"], m["metadata"]["name"]) for m in render(ci) if m["kind"] in {"Role", "ClusterRole"}}
    assert found <= {
        ("Role", "demo-archsmith-controller"),
        ("ClusterRole", "lab-demo-archsmith-controller"),
        ("ClusterRole", "searches.archsmith.dev-edit"),
        ("ClusterRole", "searches.archsmith.dev-view"),
    }


def test_users_may_do_with_searches_what_they_may_do_in_a_namespace(render: Render) -> None:
    for role in ("edit", "view"):
        (made,) = (m for m in render() if m["metadata"]["name"] == f"searches.archsmith.dev-{role}")
        assert made["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{role}"] == "true"
        assert {(r["apiGroups"][0], r["resources"][0]) for r in made["rules"]} == {("archsmith.dev", "searches")}
    assert flat(rules(render(), "ClusterRole", "searches.archsmith.dev-view")) == {
        ("archsmith.dev", "searches", "get list watch")
    }


def test_only_the_controller_is_bound_to_a_role(render: Render, ci: str) -> None:
    for made in render(ci):
        if made["kind"] in {"RoleBinding", "ClusterRoleBinding"}:
            assert [(s["kind"], s["name"], s["namespace"]) for s in made["subjects"]] == [
                ("ServiceAccount", "demo-archsmith-controller", "lab")
            ]
            assert made["roleRef"]["name"].endswith("demo-archsmith-controller")


def test_no_right_is_a_star(render: Render, ci: str) -> None:
    for made in render(ci):
        for rule in made.get("rules", []):
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]


def test_each_pod_has_an_account_of_its_own_without_a_token(render: Render, ci: str) -> None:
    accounts = {m["metadata"]["name"]: m for m in render(ci) if m["kind"] == "ServiceAccount"}
    assert not any(m["automountServiceAccountToken"] for m in accounts.values())
    specs = [m["spec"]["template"]["spec"] for m in render(ci) if m["kind"] in {"Deployment", "StatefulSet", "Job"}]
    used = [spec["serviceAccountName"] for spec in specs]
    assert len(used) == len(set(used))
    assert set(used) <= set(accounts)
