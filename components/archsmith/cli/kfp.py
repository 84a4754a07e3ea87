"""How the commands reach Kubeflow Pipelines, submit a search there and follow it."""

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from archsmith.cluster.kfp_api import KfpApi
    from archsmith.cluster.run import Run
    from archsmith.cluster.submission import Submission

ENDPOINT = "KF_PIPELINES_ENDPOINT"

_WHO = (
    click.option("--token-env", metavar="VARIABLE", help="With --kfp, the variable that holds a bearer token."),
    click.option("--token-file", metavar="FILE", help="The file that holds it; in a pod, the ServiceAccount's, where left out."),
    click.option("--kubeconfig-proxy", is_flag=True, help="Go there through the API server of Kubernetes, as kubectl does."),
)  # fmt: skip


def who(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say who we are at KFP."""
    for option in reversed(_WHO):
        function = option(function)
    return function


def url_option(*, environment: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that says where KFP is, which may come from the environment too."""
    where = f"; {ENDPOINT}, where left out" if environment else ""
    text = f"Kubeflow Pipelines, by its API, such as http://ml-pipeline.kubeflow:8888{where}."
    return click.option("--kfp", metavar="URL", envvar=ENDPOINT if environment else None, help=text)


def is_meant(kfp: str | None, context: str | None) -> bool:
    """Tell whether KFP is meant, and not the cluster: a context outdoes a URL of the environment."""
    named = click.get_current_context().get_parameter_source("kfp") is click.core.ParameterSource.COMMANDLINE
    return bool(kfp) and (named or context is None)


def refuse_without_url(**options: object) -> None:
    """Raise an error for options that mean something at KFP only."""
    for name, value in options.items():
        if value:
            raise click.UsageError(f"--{name.replace('_', '-')} is for Kubeflow Pipelines; give --kfp URL with it.")


def reach(
    kfp: str, namespace: str | None, context: str | None, *, token_env: str | None, token_file: str | None,
    kubeconfig_proxy: bool,
) -> "KfpApi":  # fmt: skip
    """Return Kubeflow Pipelines at a URL."""
    if sum(map(bool, (token_env, token_file, kubeconfig_proxy))) > 1:
        raise click.UsageError("Give only one of --token-env, --token-file and --kubeconfig-proxy.")
    if context and not kubeconfig_proxy:
        raise click.UsageError("--context says how to reach a cluster; with --kfp, it needs --kubeconfig-proxy.")
    from archsmith.cluster import connection
    from archsmith.cluster.kfp_api import KfpApi

    if kubeconfig_proxy:
        return KfpApi(connection.through_kubeconfig(kfp, context), namespace)
    named = connection.token_of_variable(token_env) if token_env else None
    token = named or (connection.token_of_file(token_file) if token_file else connection.token_of_pod())
    return KfpApi(connection.direct(kfp, token), namespace)


def submit(api: "KfpApi", submission: "Submission", cron: str | None, wait: bool) -> None:
    """Submit a search, once or on a schedule, and follow it if asked to."""
    name = submission.search.name
    if cron := cron or submission.search.spec.schedule:
        click.echo(f"{name}: the recurring run {submission.schedule(api, cron)}, at {cron!r} in UTC.")
        return
    run = _start(api, submission)
    click.echo(f"{name}: the run {run.id}\n{api.link(run)}")
    if wait:
        _follow(api, submission, run)


def cancel(api: "KfpApi", name: str) -> None:
    """End the runs of a search, and its schedule."""
    from archsmith.cluster.submission import cancel as cancel_runs

    ended = cancel_runs(api, name)
    for kind, ids in (("run", ended.runs), ("recurring run", ended.schedules)):
        for id_ in ids:
            click.echo(f"{name}: ended the {kind} {id_}.")
    if not (ended.runs or ended.schedules):
        click.echo(f"{name}: nothing runs.")


def _start(api: "KfpApi", submission: "Submission") -> "Run":
    """Submit the search, unless it runs already."""
    from archsmith.cluster.submission import running

    under_way = running(api, submission.search.name)
    if under_way:
        click.echo("It runs already; this is its latest run.", err=True)
    return under_way[-1] if under_way else submission.submit(api)


def _follow(api: "KfpApi", submission: "Submission", run: "Run") -> None:
    """Show the search until it is done; Ctrl-C leaves the run alone."""
    from archsmith.cluster.following import follow
    from archsmith.errors import TransientError
    from archsmith.result import Result
    from archsmith.snapshot import Snapshot
    from archsmith.terminal import show_result, watching

    folder, search = submission.folder, submission.search

    def tell(text: str) -> None:
        click.echo(text, err=True)

    try:
        with watching() as watch:

            def look() -> None:
                with contextlib.suppress(TransientError):
                    if folder.is_begun():
                        watch(Snapshot.read(folder, search))

            retries = search.spec.cluster.retries
            follow(api, run, folder, lambda: submission.submit(api), retries=retries, tell=tell, look=look)
    except KeyboardInterrupt:
        tell("The run goes on without this command; the same command follows it again, `archsmith cancel` ends it.")
        sys.exit(130)
    show_result(Result(folder, search, submission.store))
