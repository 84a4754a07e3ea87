"""Who may do what in the cluster: the rights of each account, asked of the cluster and tried."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from cluster import Cluster

Right = tuple[str, str, str, str]
"""A group of the API, a resource, a verb, and the one name it is for; empty where it is for all."""


def as_account(cluster: Cluster, account: str) -> str:
    """Return what Kubernetes calls a ServiceAccount of the release."""
    return f"system:serviceaccount:{cluster.namespace}:archsmith-{account}"


def kubectl(cluster: Cluster, user: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Do something as somebody else."""
    command = ["kubectl", "--context", cluster.context, "--namespace", cluster.namespace, "--as", user, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def flat(rules: list[dict[str, Any]]) -> set[Right]:
    """Return rules one right at a time."""
    return {
        (group, resource, verb, name)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames") or [""]
    }


def rights(cluster: Cluster, user: str) -> set[Right]:
    """Return what `kubectl auth can-i --list` says that somebody may do."""
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": cluster.namespace}}
    done = kubectl(cluster, user, "create", "--validate=false", "--filename", "-", "--output", "json", stdin=json.dumps(review))
    assert done.returncode == 0, done.stderr
    return flat(json.loads(done.stdout)["status"]["resourceRules"])


@pytest.fixture(scope="module")
def common(cluster: Cluster) -> set[Right]:
    """Return what an account may do that nobody has given a right: ask what it may do, and such."""
    return rights(cluster, as_account(cluster, "nobody"))


@pytest.fixture(scope="module")
def chart(cluster: Cluster) -> list[dict[str, Any]]:
    """Return the objects of the chart, as they were installed."""
    command = ["helm", "--kube-context", cluster.context, "--namespace", cluster.namespace, "get", "manifest", "archsmith"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def test_the_controller_may_do_what_the_chart_says_and_nothing_else(
    cluster: Cluster, chart: list[dict[str, Any]], common: set[Right]
) -> None:
    roles = [m for m in chart if m["kind"] in {"Role", "ClusterRole"} and m["metadata"]["name"].endswith("archsmith-controller")]
    said = flat([rule for role in roles for rule in role["rules"]])
    assert {(group, resource) for group, resource, *_ in said} == {
        ("archsmith.dev", "searches"), ("archsmith.dev", "searches/status"), ("archsmith.dev", "searches/finalizers"),
        ("batch", "jobs"), ("", "pods"), ("", "events"), ("", "nodes"),
    }  # fmt: skip
    assert rights(cluster, as_account(cluster, "controller")) - common == said


CORE, MINE = "/api/v1/namespaces", "/api/v1/namespaces/NAMESPACE"
MINIO = f"{MINE}/pods/archsmith-minio-0"
DEPLOYMENT = "/apis/apps/v1/namespaces/NAMESPACE/deployments/archsmith-mlflow?dryRun=All"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/NAMESPACE/roles?dryRun=All"
SEARCHES = "/apis/archsmith.dev/v1alpha1"
POLICY = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/searches.archsmith.dev?dryRun=All"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/searches.archsmith.dev?dryRun=All"

FORBIDDEN = {
    "list Secrets": ("list secrets", "get", f"{MINE}/secrets"),
    "read the keys of the store": ("get secrets", "get", f"{MINE}/secrets/archsmith-store"),
    "read the keys of MinIO's owner": ("get secrets", "get", f"{MINE}/secrets/archsmith-minio-root"),
    "read ConfigMaps": ("list configmaps", "get", f"{MINE}/configmaps"),
    "make a pod": ("create pods", "create", f"{MINE}/pods?dryRun=All"),
    "delete a pod": ("delete pods", "delete", f"{MINIO}?dryRun=All"),
    "run a command in a pod": ("create pods/exec", "create", f"{MINIO}/exec?command=true&stdout=true"),
    "read the log of a pod": ("get pods/log", "get", f"{MINIO}/log"),
    "reach into a pod": ("create pods/portforward", "create", f"{MINIO}/portforward?ports=9000"),
    "call a pod": ("get pods/proxy", "get", f"{MINIO}/proxy/"),
    "change a Deployment": ("update deployments", "replace", DEPLOYMENT),
    "delete a Deployment": ("delete deployments", "delete", DEPLOYMENT),
    "take the token of an account": (
        "create serviceaccounts/token", "create", f"{MINE}/serviceaccounts/archsmith-search/token",
    ),
    "give itself a right": ("create roles", "create", ROLES),
    "make a search in another namespace": ("create searches", "create", f"{SEARCHES}/namespaces/default/searches?dryRun=All"),
    "make a CronJob": ("create cronjobs", "create", "/apis/batch/v1/namespaces/NAMESPACE/cronjobs?dryRun=All"),
    "see the pods of another namespace": ("list pods", "get", f"{CORE}/kube-system/pods"),
    "see the Jobs of another namespace": ("list jobs", "get", "/apis/batch/v1/namespaces/default/jobs"),
    "see the searches of another namespace": ("list searches", "get", f"{SEARCHES}/namespaces/default/searches"),
    "see all searches": ("list searches", "get", f"{SEARCHES}/searches"),
    "see namespaces": ("list namespaces", "get", CORE),
    "change the resource": ("delete customresourcedefinitions", "delete", DEFINITION),
    "change the admission policy": ("delete validatingadmissionpolicies", "delete", POLICY),
    "change a node": ("update nodes", "replace", "/api/v1/nodes/NODE?dryRun=All"),
    "change the status of a node": ("update nodes/status", "replace", "/api/v1/nodes/NODE/status?dryRun=All"),
    "delete a node": ("delete nodes", "delete", "/api/v1/nodes/NODE?dryRun=All"),
}  # fmt: skip
"""What the controller must not do: the verb and the resource, and a request that would do it."""


@pytest.mark.parametrize(("right", "verb", "path"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_the_controller_is_forbidden_to(cluster: Cluster, right: str, verb: str, path: str) -> None:
    where = path.replace("NAMESPACE", cluster.namespace).replace("NODE", cluster.node)
    body = ("--filename", "-") if verb in {"create", "replace"} else ()
    done = kubectl(cluster, as_account(cluster, "controller"), verb, "--raw", where, *body, stdin="{}")
    assert done.returncode != 0, done.stdout
    asked, resource = right.split()
    assert f'cannot {asked} resource "{resource}"' in done.stderr


@pytest.mark.parametrize("account", ["search", "test", "mlflow", "minio", "provision"])
def test_the_other_accounts_may_do_nothing(cluster: Cluster, common: set[Right], account: str) -> None:
    cluster.kubectl("get", "serviceaccount", f"archsmith-{account}")
    assert rights(cluster, as_account(cluster, account)) == common
    for resource in ("pods", "secrets", "searches"):
        assert "forbidden" in kubectl(cluster, as_account(cluster, account), "get", resource).stderr


SEARCH = """\
{apiVersion: archsmith.dev/v1alpha1, kind: Search, metadata: {name: rights}, \
spec: {suspend: true, data: {name: digits}, space: {name: chain}}}
"""


@pytest.fixture
def people(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    """Give one person each the roles `edit` and `view` of the namespace; return their names."""
    names = {role: f"rights-{role}" for role in ("edit", "view")}
    for role, name in names.items():
        cluster.kubectl("create", "rolebinding", name, f"--clusterrole={role}", f"--user={name}")
    yield names
    cluster.kubectl("delete", "rolebinding", *names.values())


def test_who_may_edit_the_namespace_may_edit_searches_and_who_may_view_it_may_view_them(
    cluster: Cluster, people: Mapping[str, str]
) -> None:
    refused = kubectl(cluster, people["view"], "create", "--filename", "-", stdin=SEARCH)
    assert "forbidden" in refused.stderr
    made = kubectl(cluster, people["edit"], "create", "--filename", "-", stdin=SEARCH)
    assert made.returncode == 0, made.stderr
    patch = ("patch", "search", "rights", "--type=merge", "--patch", '{"spec": {"ttl": "1h"}}')
    assert "forbidden" in kubectl(cluster, people["view"], *patch).stderr
    assert kubectl(cluster, people["edit"], *patch).returncode == 0
    seen = kubectl(cluster, people["view"], "get", "search", "rights", "--output", "jsonpath={.spec.ttl}")
    assert seen.stdout == "1h"
    assert "forbidden" in kubectl(cluster, people["view"], "delete", "search", "rights").stderr
    gone = kubectl(cluster, people["edit"], "delete", "search", "rights")
    assert gone.returncode == 0, gone.stderr


def test_nobody_but_the_controller_writes_the_status_of_a_search(cluster: Cluster, people: Mapping[str, str]) -> None:
    patch = ("patch", "search", "any", "--subresource=status", "--type=merge", "--patch", '{"status": {"phase": "Succeeded"}}')
    assert "forbidden" in kubectl(cluster, people["edit"], *patch).stderr
