"""Every pod keeps the Pod Security Standard "restricted", and says what it needs of its node."""

from typing import Any

import pytest

Pods = dict[str, dict[str, Any]]

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
PROFILES = {"RuntimeDefault", "Localhost"}


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [*spec.get("initContainers", []), *spec["containers"], *spec.get("ephemeralContainers", [])]


def breaches(spec: dict[str, Any]) -> list[str]:
    """Return what of a pod breaks the standard; the order is that of its documentation, baseline first."""
    pod = spec.get("securityContext", {})
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    found += ["windowsOptions"] * ("windowsOptions" in pod) + ["sysctls"] * bool(pod.get("sysctls"))
    found += [f"volume {v['name']}" for v in spec.get("volumes", []) if not set(v) - {"name"} <= VOLUMES]
    for item in containers(spec):
        own = item.get("securityContext", {})
        caps = own.get("capabilities", {})
        broken = {
            "privileged": own.get("privileged", False),
            "hostPort": any(port.get("hostPort") for port in item.get("ports", [])),
            "hostProcess": "windowsOptions" in own,
            "procMount": own.get("procMount", "Default") != "Default",
            "seLinux": "seLinuxOptions" in own or "seLinuxOptions" in pod,
            "appArmor": own.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in PROFILES,
            "escalation": own.get("allowPrivilegeEscalation", True),
            "root": not own.get("runAsNonRoot", pod.get("runAsNonRoot", False)),
            "root user": 0 in (own.get("runAsUser"), pod.get("runAsUser")),
            "seccomp": own.get("seccompProfile", pod.get("seccompProfile", {})).get("type") not in PROFILES,
            "capabilities": "ALL" not in caps.get("drop", []) or bool(set(caps.get("add", [])) - {"NET_BIND_SERVICE"}),
            "host probe": any(
                "host" in item.get(p, {}).get("httpGet", {}) for p in ("livenessProbe", "readinessProbe", "startupProbe")
            ),
        }
        found += [f"{item['name']}: {name}" for name, is_broken in broken.items() if is_broken]
    return found


GOOD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [{"name": "c", "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}],
}


def test_the_check_takes_the_least_that_the_standard_asks_for() -> None:
    assert breaches(GOOD) == []


@pytest.mark.parametrize(
    ("change", "breach"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volume v"),
        ({"securityContext": {}}, "c: root"),
        ({"securityContext": {"runAsNonRoot": True}}, "c: seccomp"),
        ({"containers": [{"name": "c"}]}, "c: escalation"),
        ({"initContainers": [{"name": "i"}]}, "i: capabilities"),
    ],
)
def test_the_check_finds_a_breach(change: dict[str, Any], breach: str) -> None:
    assert breach in breaches({**GOOD, **change})


def test_every_pod_is_restricted(pods: Pods) -> None:
    assert {component: breaches(pod["spec"]) for component, pod in pods.items()} == {component: [] for component in pods}


def test_no_container_writes_outside_of_its_volumes(pods: Pods) -> None:
    for pod in pods.values():
        for item in containers(pod["spec"]):
            assert item["securityContext"]["readOnlyRootFilesystem"]
            assert "/tmp" in {mount["mountPath"] for mount in item["volumeMounts"]}


def test_no_emptydir_grows_without_bounds(pods: Pods) -> None:
    for pod in pods.values():
        assert all(volume["emptyDir"]["sizeLimit"] for volume in pod["spec"]["volumes"] if "emptyDir" in volume)


def test_every_container_says_what_it_needs_and_no_more_than_it_may_have(pods: Pods) -> None:
    for pod in pods.values():
        for item in containers(pod["spec"]):
            assert set(item["resources"]["requests"]) >= {"cpu", "memory"}, item["name"]
            assert "memory" in item["resources"]["limits"], item["name"]


def test_every_server_says_how_it_is(pods: Pods) -> None:
    for component in {"controller", "mlflow", "minio"} & set(pods):
        (server,) = pods[component]["spec"]["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(server)
        ports = {port["name"] for port in server["ports"]}
        assert {server[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")} <= ports


def test_only_the_controller_has_a_token(pods: Pods) -> None:
    with_token = {component for component, pod in pods.items() if pod["spec"]["automountServiceAccountToken"]}
    assert with_token == {"controller"} & set(pods)
