"""Who may talk to whom, worked out from the rendered policies as Kubernetes does: what no policy allows is refused."""

from collections.abc import Callable
from typing import Any

Objects = list[dict[str, Any]]
Render = Callable[..., Objects]
Labels = dict[str, str]

COMPONENTS = ("controller", "mlflow", "minio", "provision", "search", "test")


def labels(component: str) -> Labels:
    return {
        "app.kubernetes.io/name": "archsmith",
        "app.kubernetes.io/instance": "demo",
        "app.kubernetes.io/component": component,
    }


def selects(selector: dict[str, Any], of: Labels) -> bool:
    """Tell whether a label selector matches."""
    exact = all(of.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return exact and all(e["operator"] == "In" and of.get(e["key"]) in e["values"] for e in selector.get("matchExpressions", []))


def policies(objects: Objects, pod: Labels, direction: str) -> list[dict[str, Any]]:
    """Return the policies that select a pod for a direction."""
    specs = [m["spec"] for m in objects if m["kind"] == "NetworkPolicy"]
    return [s for s in specs if direction in s["policyTypes"] and selects(s["podSelector"], pod)]


def passes(rules: list[dict[str, Any]], peers: str, other: Labels, port: int) -> bool:
    """Tell whether a rule lets traffic with a pod of the same namespace pass."""
    for rule in rules:
        port_fits = "ports" not in rule or any(p["port"] == port and p.get("protocol", "TCP") == "TCP" for p in rule["ports"])
        selectors = [peer["podSelector"] for peer in rule.get(peers, []) if "podSelector" in peer]
        if port_fits and (peers not in rule or any(selects(s, other) for s in selectors)):
            return True
    return False


def reaches(objects: Objects, source: str, target: str, port: int) -> bool:
    """Tell whether a pod may open a connection to another one: its egress and the other one's ingress must allow it."""
    out = policies(objects, labels(source), "Egress")
    into = policies(objects, labels(target), "Ingress")
    leaves = not out or any(passes(p.get("egress", []), "to", labels(target), port) for p in out)
    enters = not into or any(passes(p.get("ingress", []), "from", labels(source), port) for p in into)
    return leaves and enters


SERVERS = {"mlflow": 5000, "minio": 9000, "controller": 8080}

MAY = {
    *((source, "minio") for source in ("controller", "mlflow", "provision", "search", "test")),
    *((source, "mlflow") for source in ("controller", "search", "test")),
}


def test_who_reaches_whom(render: Render) -> None:
    pairs = {(a, b) for a in COMPONENTS for b in SERVERS if a != b}
    assert {(a, b) for a, b in pairs if reaches(render(), a, b, SERVERS[b])} == MAY


def test_nobody_reaches_the_console_of_minio(render: Render) -> None:
    assert not any(reaches(render(), source, "minio", 9001) for source in COMPONENTS)


def test_without_policies_everybody_reaches_everybody(render: Render) -> None:
    assert reaches(render("second-release"), "test", "controller", 8080)


def test_every_pod_is_refused_what_it_is_not_allowed(render: Render, ci: str) -> None:
    if ci == "second-release":  # it asks for none
        assert not any(made["kind"] == "NetworkPolicy" for made in render(ci))
        return
    rendered = {made["metadata"]["labels"]["app.kubernetes.io/component"] for made in render(ci)}
    for component in {*COMPONENTS} & {*rendered, "search"}:
        for direction in ("Ingress", "Egress"):
            assert policies(render(ci), labels(component), direction), component


def test_everybody_may_ask_for_names(render: Render) -> None:
    for component in set(COMPONENTS) - {"minio"}:
        rules = [rule for p in policies(render(), labels(component), "Egress") for rule in p.get("egress", [])]
        assert any({"port": 53, "protocol": "UDP"} in rule.get("ports", []) for rule in rules), component


def test_the_store_itself_calls_nobody(render: Render) -> None:
    assert not any(p.get("egress") for p in policies(render(), labels("minio"), "Egress"))


def test_searches_download_from_no_private_network(render: Render) -> None:
    rules = [rule for p in policies(render(), labels("search"), "Egress") for rule in p.get("egress", [])]
    (block,) = (
        b for rule in rules for b in (peer.get("ipBlock") for peer in rule.get("to", [])) if b and b["cidr"] == "0.0.0.0/0"
    )
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(block["except"])
    off = [
        rule
        for p in policies(render(values={"networkPolicy.downloads": "false"}), labels("search"), "Egress")
        for rule in p.get("egress", [])
    ]
    assert not any("ipBlock" in peer for rule in off for peer in rule.get("to", []))


def test_the_pods_of_kubeflow_reach_the_store_and_mlflow(render: Render) -> None:
    for target in ("minio", "mlflow"):
        (policy,) = (p for p in policies(render("kfp"), labels(target), "Ingress") if p.get("ingress"))
        assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kubeflow"}}} in policy["ingress"][0]["from"]


def test_an_s3_server_of_ones_own_is_called_at_its_port(render: Render) -> None:
    made = render("external-store", {"store.endpoint": "https://s3.example.com:8443"})
    rules = [rule for p in policies(made, labels("search"), "Egress") for rule in p.get("egress", [])]
    assert {"ports": [{"port": 8443}]} in rules


def test_the_pages_reach_the_store_alone_and_only_the_clients_that_are_named_reach_them(render: Render) -> None:
    made = render("ui")
    assert {b for b in SERVERS if reaches(made, "ui", b, SERVERS[b])} == {"minio"}
    assert not any(reaches(made, other, "ui", 8080) for other in COMPONENTS)
    (policy,) = (p for p in policies(made, labels("ui"), "Ingress") if p.get("ingress"))
    assert policy["ingress"][0]["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
    ]
