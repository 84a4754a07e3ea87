"""Every way to install the chart renders, and has what it should and nothing else."""

import json
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from archsmith.cluster.connection import MOUNTED
from archsmith.cluster.controller.config import ControllerConfig
from archsmith_pipelines.pods import CERTIFICATES_AT, SECRET

from .conftest import pods_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what MLflow takes from SQLAlchemy
    from mlflow.server.security_utils import should_block_cors_request

CHART = Path(__file__).parents[2] / "charts" / "archsmith"

Helm = Callable[..., subprocess.CompletedProcess[str]]
Objects = list[dict[str, Any]]
Render = Callable[..., Objects]


def names(objects: Objects, kind: str) -> set[str]:
    return {made["metadata"]["name"] for made in objects if made["kind"] == kind}


def components(objects: Objects) -> set[str]:
    return {made["metadata"]["labels"]["app.kubernetes.io/component"] for made in objects}


def container(objects: Objects, component: str) -> dict[str, Any]:
    (found,) = (m for m in objects if m["kind"] in {"Deployment", "StatefulSet"} and components([m]) == {component})
    made: dict[str, Any] = found["spec"]["template"]["spec"]["containers"][0]
    return made


def variables(objects: Objects, component: str) -> dict[str, Any]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container(objects, component)["env"]}


def test_helm_finds_nothing_to_complain_about(helm: Helm, ci: str) -> None:
    chosen = ["--values", str(CHART / "ci" / f"{ci}-values.yaml")] if ci else []
    done = helm("lint", "--strict", str(CHART), *chosen)
    assert done.returncode == 0, done.stdout


def test_every_object_is_named_after_the_release_and_labelled(render: Render, ci: str) -> None:
    for made in render(ci):
        assert made["metadata"]["labels"]["app.kubernetes.io/instance"] == "demo"
        assert made["metadata"]["labels"]["app.kubernetes.io/part-of"] == "archsmith"
        # The command and the pods of KFP look for the one ConfigMap by a name that they know.
        if made["metadata"]["labels"]["app.kubernetes.io/component"] not in ("crd", "store"):
            assert made["metadata"]["name"].removeprefix("lab-").startswith("demo-archsmith-")


def test_no_two_objects_share_kind_and_name(render: Render, ci: str) -> None:
    found = [(made["kind"], made["metadata"]["name"]) for made in render(ci)]
    assert len(found) == len(set(found))


def test_the_defaults_have_a_controller_mlflow_and_minio(render: Render) -> None:
    made = render()
    assert names(made, "Deployment") == {"demo-archsmith-controller", "demo-archsmith-mlflow"}
    assert names(made, "StatefulSet") == {"demo-archsmith-minio"}
    assert names(made, "Job") == {"demo-archsmith-provision-1"}
    assert names(made, "PodDisruptionBudget") == {f"demo-archsmith-{c}" for c in ("controller", "mlflow", "minio")}
    assert not names(made, "Ingress")


@pytest.mark.parametrize("component", ["controller", "mlflow"])
def test_the_tag_of_the_image_falls_back_to_the_version_of_the_application(render: Render, component: str) -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert container(render(), component)["image"] == f"archsmith:{version}"
    assert container(render(values={"image.tag": "next"}), component)["image"] == "archsmith:next"


def test_there_is_never_a_second_controller_nor_a_second_writer_of_sqlite(render: Render) -> None:
    found = {next(iter(components([m]))): m["spec"] for m in render() if m["kind"] == "Deployment"}
    for name in ("controller", "mlflow"):
        assert (found[name]["replicas"], found[name]["strategy"]) == (1, {"type": "Recreate"})


def test_what_holds_data_outlives_the_release(render: Render) -> None:
    kept = {m["kind"] for m in render() if m["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"}
    assert kept >= {"CustomResourceDefinition", "PersistentVolumeClaim", "Secret"}
    (minio,) = (m for m in render() if m["kind"] == "StatefulSet")
    assert "persistentVolumeClaimRetentionPolicy" not in minio["spec"]  # Kubernetes' own default keeps them


def test_mlflow_answers_by_its_own_names_and_hands_artifacts_on(render: Render) -> None:
    hosts = variables(render(), "mlflow")["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert {"demo-archsmith-mlflow.lab.svc", "demo-archsmith-mlflow.lab.svc:*", "localhost:*"} <= set(hosts)
    assert "*" not in hosts
    assert {"--serve-artifacts", "--artifacts-destination=s3://mlflow"} <= set(container(render(), "mlflow")["command"])


def test_with_an_s3_server_of_ones_own_there_is_nothing_of_minio(render: Render) -> None:
    made = render("external-store")
    assert not components(made) & {"minio", "provision", "secrets"}
    assert variables(made, "controller")["ARCHSMITH_S3_ENDPOINT"] == "https://s3.example.com"
    assert variables(made, "mlflow")["MLFLOW_S3_ENDPOINT_URL"] == "https://s3.example.com"
    assert "demo-archsmith-minio" not in json.dumps(made)


def test_where_a_role_serves_pods_have_no_keys_and_their_accounts_say_which(render: Render) -> None:
    made = render("role")
    assert "AWS_ACCESS_KEY_ID" not in json.dumps(made)
    accounts = {m["metadata"]["name"]: m["metadata"].get("annotations", {}) for m in made if m["kind"] == "ServiceAccount"}
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/searches"}
    assert accounts == {f"demo-archsmith-{c}": role for c in ("controller", "search", "mlflow", "test")}
    in_minios = render(values={"serviceAccount.annotations.a": "b"})
    accounts = {m["metadata"]["name"]: m["metadata"].get("annotations") for m in in_minios if m["kind"] == "ServiceAccount"}
    assert (accounts["demo-archsmith-search"], accounts["demo-archsmith-minio"]) == ({"a": "b"}, None)


def test_certificates_of_ones_own_are_in_every_pod_that_calls_the_store(render: Render) -> None:
    def pods(made: Objects) -> dict[str, Any]:
        (config,) = (yaml.safe_load(m["data"]["controller.yaml"])["pod"] for m in made if "controller.yaml" in m.get("data", {}))
        return {**pods_of(made), "search": {"spec": {"volumes": config["volumes"], "containers": [config]}}}

    bundle = {"configMap": {"name": "lab-ca", "items": [{"key": "bundle.pem", "path": "ca.crt"}]}}
    of_mlflow = render("external-store", {"store.caBundle.secret": "lab-ca", "store.caBundle.key": "bundle.pem"})
    secret = {"secret": {"secretName": "lab-ca", "items": [{"key": "bundle.pem", "path": "ca.crt"}]}}
    for made, expected, component in (
        (render("private-ca"), bundle, "controller"), (render("private-ca"), bundle, "search"),
        (render("private-ca"), bundle, "test"), (of_mlflow, secret, "mlflow"), (of_mlflow, secret, "search"),
    ):  # fmt: skip
        spec = pods(made)[component]["spec"]
        assert {"name": "ca", **expected} in spec["volumes"], component
        container = spec["containers"][0]
        (mount,) = (m for m in container["volumeMounts"] if m["name"] == "ca")
        env = {item["name"]: item.get("value") for item in container["env"]}
        assert env["AWS_CA_BUNDLE"] == f"{mount['mountPath']}/ca.crt"
        own = made is not of_mlflow  # the server of the chart is called by HTTP
        assert ("MLFLOW_TRACKING_SERVER_CERT_PATH" in env) == own
    assert "AWS_CA_BUNDLE" not in json.dumps(render("external-store"))


def test_the_proxy_is_for_what_is_outside_of_the_cluster(render: Render) -> None:
    env = variables(render("private-ca"), "controller")
    (places,) = (m["data"] for m in render("private-ca") if m["metadata"]["name"] == "archsmith-store")
    assert {name: places[name] for name in ("HTTPS_PROXY", "NO_PROXY", "AWS_CA_BUNDLE")}.items() <= env.items()
    assert places["AWS_CA_BUNDLE"] == f"{CERTIFICATES_AT}/ca.crt"  # where the pods of KFP have it
    assert env["HTTPS_PROXY"] == "http://proxy.lab.example:3128"
    assert {".svc", ".cluster.local", ".lab.example"} <= set(env["NO_PROXY"].split(","))
    assert "HTTPS_PROXY" not in json.dumps(render())


@pytest.mark.parametrize("store", [{}, {"store.endpoint": "https://s3.lab.example:8443", "store.existingSecret": "keys"}])
def test_pods_may_reach_the_proxy_that_they_are_told_of(render: Render, store: dict[str, str]) -> None:
    made = render(values={**store, "store.proxy": "http://proxy.lab.example:3128"})
    policies = {m["metadata"]["name"]: m for m in made if m["kind"] == "NetworkPolicy"}
    for name, policy in policies.items():
        if name.endswith(("-search", "-controller")):
            assert [{"port": 3128}] in [rule["ports"] for rule in policy["spec"]["egress"] if "to" not in rule]


def test_names_that_look_like_numbers_stay_text(helm: Helm) -> None:
    looks = [
        "store.bucket=1e3", "store.region=007", "minio.storageClass=1e3", "mlflow.storageClass=007", "image.tag=1e3",
        "ingress.className=1e3", "ingress.tlsSecret=007", "ingress.mlflowHost=1e3.com", "controller.kfpPodsNamespace=007",
        "searches.priorityClassName=1e3", "store.existingSecret=007", "mlflow.databaseSecret=1e3",
    ]  # fmt: skip
    given = [part for pair in [*looks, "serviceAccount.annotations.a=1e3"] for part in ("--set-string", pair)]
    done = helm("template", "123", str(CHART), "--namespace", "007", "--set", "ingress.enabled=true", *given)
    assert done.returncode == 0, done.stderr
    numbers = re.compile(r"(?m)^\s*(?:- )?[\w./-]+: (1e3|007|123)$|[:{,] ?(1e3|007|123)[,}]")
    assert not [line for line in done.stdout.splitlines() if numbers.search(line)]


@pytest.mark.parametrize("release", ["my.release", "1.archsmith", "09", "x" * 39 + ".archsmith"])
def test_a_service_has_a_name_that_kubernetes_takes_whatever_the_release_is_called(helm: Helm, release: str) -> None:
    done = helm("template", release, str(CHART), "--namespace", "123")
    assert done.returncode == 0, done.stderr
    objects = [made for made in yaml.load_all(done.stdout, yaml.CSafeLoader) if made]
    services = names(objects, "Service")
    assert len(services) == 3
    assert all(re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name) for name in services)  # RFC 1035
    assert all(f"http://{name}.123.svc:" in done.stdout for name in services if not name.endswith("-controller"))


def test_with_a_database_of_ones_own_there_is_no_volume_for_sqlite(render: Render) -> None:
    made = render("external-database")
    assert not names(made, "PersistentVolumeClaim")
    assert variables(made, "mlflow")["MLFLOW_BACKEND_STORE_URI"] == {"secretKeyRef": {"name": "mlflow-database", "key": "uri"}}
    assert "sqlite:" not in json.dumps(made)


def test_with_a_tracking_server_of_ones_own_there_is_no_mlflow(render: Render) -> None:
    made = render("external-mlflow")
    assert "mlflow" not in components(made)
    assert variables(made, "controller")["MLFLOW_TRACKING_URI"] == "https://mlflow.example.com"
    assert not any(name.endswith("-artifacts") for name in names(made, "Secret"))


def test_the_ingresses_have_their_certificate(render: Render) -> None:
    made = [m for m in render("ingress") if m["kind"] == "Ingress"]
    assert {m["spec"]["rules"][0]["host"] for m in made} == {"mlflow.example.com", "s3.example.com"}
    for ingress in made:
        assert ingress["spec"]["tls"] == [{"hosts": [ingress["spec"]["rules"][0]["host"]], "secretName": "example-tls"}]
    hosts = variables(render("ingress"), "mlflow")["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert "mlflow.example.com" in hosts


def test_an_ingress_without_a_host_is_refused_with_a_hint(helm: Helm) -> None:
    done = helm("template", "demo", str(CHART), "--set", "ingress.enabled=true")
    assert "give ingress.mlflowHost, or ingress.minioHost" in done.stderr


def test_a_second_release_has_nothing_of_the_whole_cluster(render: Render) -> None:
    of_the_cluster = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
    kinds = {made["kind"] for made in render("second-release")}
    assert not kinds & of_the_cluster
    assert not any(kind.startswith("ValidatingAdmissionPolicy") for kind in kinds)


def test_the_resource_is_the_one_that_the_models_make(render: Render) -> None:
    (made,) = (m for m in render() if m["kind"] == "CustomResourceDefinition")
    assert made["spec"] == yaml.safe_load((CHART / "files" / "search-crd.yaml").read_text())["spec"]


def test_the_controller_knows_what_to_give_the_pods_of_searches(render: Render) -> None:
    (config,) = (m for m in render("gpu-queue") if m["kind"] == "ConfigMap" and components([m]) == {"controller"})
    pod = yaml.safe_load(config["data"]["controller.yaml"])["pod"]
    assert pod["labels"]["app.kubernetes.io/component"] == "search"
    assert pod["labels"]["kueue.x-k8s.io/queue-name"] == "research"
    assert pod["serviceAccountName"] in names(render("gpu-queue"), "ServiceAccount")
    assert {"name": "ARCHSMITH_STORE", "value": "s3://searches"} in pod["env"]


def test_the_controller_takes_its_settings(render: Render, ci: str) -> None:
    for made in render(ci):
        if "controller.yaml" in made.get("data", {}):
            config = ControllerConfig.model_validate(yaml.safe_load(made["data"]["controller.yaml"]))
            assert config.pod.service_account_name in names(render(ci), "ServiceAccount")
            assert config.kfp.url == "http://ml-pipeline.kubeflow:8888"


def test_a_kubeflow_of_several_users_gets_a_token_of_its_own(render: Render) -> None:
    made = render(values={"controller.kfpMultiUser": "true", "controller.kfpPages": "https://kubeflow.example.com"})
    (config,) = (m for m in made if "controller.yaml" in m.get("data", {}))
    kfp = yaml.safe_load(config["data"]["controller.yaml"])["kfp"]
    assert (kfp["multiUser"], kfp["pages"]) == (True, "https://kubeflow.example.com")
    (deployment,) = (m for m in made if m["kind"] == "Deployment" and components([m]) == {"controller"})
    (volume,) = (v for v in deployment["spec"]["template"]["spec"]["volumes"] if v["name"] == "kfp-token")
    assert volume["projected"]["sources"][0]["serviceAccountToken"]["audience"] == "pipelines.kubeflow.org"
    (mount,) = (m for m in container(made, "controller")["volumeMounts"] if m["name"] == "kfp-token")
    assert f"{mount['mountPath']}/token" == MOUNTED
    assert "kfp-token" not in json.dumps(render())
    asked = [rule for m in made if m["kind"] == "Role" for rule in m["rules"] if rule["apiGroups"] == ["pipelines.kubeflow.org"]]
    assert {rule["resources"][0]: rule["verbs"] for rule in asked} == {
        "runs": ["get", "list", "create", "terminate"], "experiments": ["get", "list", "create"],
    }  # fmt: skip
    assert "pipelines.kubeflow.org" not in json.dumps(render())
    flows = [rule["verbs"] for m in made if m["kind"] == "Role" for rule in m["rules"] if rule["apiGroups"] == ["argoproj.io"]]
    assert flows == [["list"]]


def test_the_page_of_mlflow_may_ask_for_its_runs_by_every_name_that_it_has(render: Render) -> None:
    given = {"ingress.enabled": "true", "ingress.mlflowHost": "mlflow.lab.example", "mlflow.allowedHosts": "{gate.lab.example,*}"}
    origins = variables(render(values=given), "mlflow")["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"].split(",")
    for asked in ("https://mlflow.lab.example", "http://gate.lab.example:30500", "https://gate.lab.example:8443"):
        assert not should_block_cors_request(asked, "POST", origins)
    assert should_block_cors_request("https://evil.example", "POST", origins)


def test_people_and_pipelines_find_where_store_and_mlflow_are_in_a_config_map(render: Render, ci: str) -> None:
    (places,) = (m["data"] for m in render(ci) if m["kind"] == "ConfigMap" and m["metadata"]["name"] == "archsmith-store")
    assert places["ARCHSMITH_STORE"].startswith("s3://")
    assert not [key for key in places if key in SECRET]
    given = {"external-store": "s3-searches", "private-ca": "s3-searches", "given-secrets": "my-store", "role": ""}
    given = given.get(ci, "demo-archsmith-store")
    assert places["ARCHSMITH_STORE_SECRET"] == given


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("mlfow.enabled=true", "mlfow"),
        ("minio.sizes=1Gi", "sizes"),
        ("controller.engine=argo", "engine"),
        ("crds.keep=maybe", "keep"),
        ("searches.nodeSelector.gpu=true", "gpu"),
    ],
)
def test_a_value_that_is_none_is_refused(helm: Helm, value: str, complaint: str) -> None:
    done = helm("template", "demo", str(CHART), "--set", value)
    assert done.returncode != 0
    assert complaint in done.stderr


NOTES = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data:
  notes: |
    {{- tpl (.Files.Get "NOTES.txt") . | nindent 4 }}
"""


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        ("", "service/demo-archsmith-mlflow 5000"),
        ("ingress", "https://mlflow.example.com"),
        ("external-mlflow", "MLflow:           https://mlflow.example.com"),
        ("external-store", "https://s3.example.com, bucket searches"),
        ("role", "with the role of their ServiceAccount"),
        ("storage-only", "so searches wait"),
    ],
)
def test_the_notes_say_how_to_go_on(helm: Helm, tmp_path: Path, feature: str, says: str) -> None:
    # `helm template` prints no notes, so a copy of the chart has them as an object.
    shutil.copytree(CHART, tmp_path / "chart")
    (tmp_path / "chart" / "templates" / "NOTES.txt").rename(tmp_path / "chart" / "NOTES.txt")
    (tmp_path / "chart" / "templates" / "notes.yaml").write_text(NOTES)
    chosen = ["--values", str(CHART / "ci" / f"{feature}-values.yaml")] if feature else []
    done = helm("template", "demo", str(tmp_path / "chart"), "--namespace", "lab", "--show-only", "templates/notes.yaml", *chosen)
    notes = yaml.safe_load(done.stdout)["data"]["notes"]
    for said in (says, "kubectl --namespace lab apply -f search.yaml", "helm test demo --namespace lab"):
        assert said in notes
