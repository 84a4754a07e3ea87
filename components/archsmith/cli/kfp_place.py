"""Kubeflow Pipelines as a command reaches it: its API, the pages that people see, and the pods of its runs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from archsmith.errors import ArchsmithError

if TYPE_CHECKING:
    from archsmith.cluster.kfp_api import KfpApi
    from archsmith.cluster.run import Run
    from archsmith.cluster.run_pods import RunPods
    from archsmith.cluster.run_watch import RunWatch

PAGES = "KF_PIPELINES_UI_ENDPOINT"


@dataclass(frozen=True, slots=True)
class KfpPlace:
    """Kubeflow Pipelines, and what may be seen of its pods."""

    api: "KfpApi"
    """Its API."""
    watch: "RunWatch"
    """Tells how a run really stands."""
    namespace: str
    """The namespace of KFP itself, as far as the URL tells."""
    browsable: bool
    """Whether its URL is one that a browser may open."""

    def where(self, run: "Run") -> str:
        """Return where a person looks at a run: a link that opens, or how to get one."""
        import os

        if os.environ.get(PAGES) or (self.browsable and self.api.serves_pages()):
            return self.api.link(run)
        return (
            f"Its page: kubectl port-forward --namespace {self.namespace} svc/ml-pipeline-ui 8080:80, and then "
            f"http://localhost:8080/#/runs/details/{run.id}"
        )


def reach(
    kfp: str, namespace: str | None, context: str | None, *, token_env: str | None, token_file: str | None,
    kubeconfig_proxy: bool,
) -> KfpPlace:  # fmt: skip
    """Return Kubeflow Pipelines at a URL."""
    if sum(map(bool, (token_env, token_file, kubeconfig_proxy))) > 1:
        raise click.UsageError("Give only one of --token-env, --token-file and --kubeconfig-proxy.")
    if context and not kubeconfig_proxy:
        raise click.UsageError("--context says how to reach a cluster; with --kfp, it needs --kubeconfig-proxy.")
    from archsmith.cluster import connection
    from archsmith.cluster.kfp_api import KfpApi
    from archsmith.cluster.run_watch import RunWatch

    if kubeconfig_proxy:
        api = KfpApi(connection.through_kubeconfig(kfp, context), namespace)
    else:
        named = connection.token_of_variable(token_env) if token_env else None
        token = named or (connection.token_of_file(token_file) if token_file else connection.token_of_pod())
        api = KfpApi(connection.direct(kfp, token), namespace)
    service = connection.namespace_of(kfp)
    pods = _pods(api, context, namespace or service, sure=kubeconfig_proxy)
    return KfpPlace(api, RunWatch(pods), service or "kubeflow", browsable=not kubeconfig_proxy)


def _pods(api: "KfpApi", context: str | None, namespace: str | None, *, sure: bool) -> "RunPods":
    """Return what may be seen of the pods: in the cluster of the kubeconfig, or that we are in, if KFP is there."""
    from archsmith.cluster import kubeconfig
    from archsmith.cluster.kube import connect
    from archsmith.cluster.run_pods import RunPods

    if not kubeconfig.is_reachable():
        return RunPods(None)
    try:
        return RunPods(connect(context), namespace or "", sure=sure, knows=api.knows)
    except ArchsmithError:
        return RunPods(None)
