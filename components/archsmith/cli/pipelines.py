"""The commands for Kubeflow Pipelines: submit a search, end its runs."""

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from archsmith.cli.command import STORE, command

if TYPE_CHECKING:
    from archsmith.cluster.kfp_api import KfpApi
    from archsmith.cluster.run import Run
    from archsmith.cluster.submission import Submission

_REACHING = (
    click.option("--kfp", metavar="URL", envvar="KF_PIPELINES_ENDPOINT", required=True,
                 help="Its API, such as http://ml-pipeline.kubeflow:8888; KF_PIPELINES_ENDPOINT, where left out."),
    click.option("--namespace", metavar="NAME", help="Your namespace, where Kubeflow Pipelines has several users."),
    click.option("--token-env", metavar="VARIABLE", help="The environment variable that holds a bearer token."),
    click.option("--token-file", metavar="FILE", help="The file that holds it; in a pod, the ServiceAccount's, where left out."),
    click.option("--kubeconfig-proxy", is_flag=True, help="Go through the API server of Kubernetes, as kubectl does."),
)  # fmt: skip


def _kfp(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say where KFP is, and who we are there."""
    for option in reversed(_REACHING):
        function = option(function)
    return function


@command("archsmith submit search.yaml --kfp http://localhost:8888 --store s3://searches/team --wait")
@click.argument("file", type=click.Path())
@_kfp
@STORE
@click.option("--experiment", metavar="NAME", help="The experiment of the run; that of the file's `tracking`, where left out.")
@click.option(
    "--cron", metavar="SCHEDULE", help="Run it again and again, as in '0 2 * * *', in UTC; in place of its last schedule."
)
@click.option(
    "--wait/--no-wait", default=False, help="Follow the run to the end of the search, and submit it again when a pod fails it."
)
def submit(file: str, store: str | None, experiment: str | None, cron: str | None, wait: bool, **where: Any) -> None:
    """Submit the search of FILE to Kubeflow Pipelines; submit it again to go on where it stopped."""
    cron = _checked(cron)
    from archsmith.cluster.submission import Submission
    from archsmith.runner import store_uri
    from archsmith.search import load

    search = load(file)
    submission = Submission(search, store_uri(search, store), experiment or "")
    api = _api(**where)
    if cron := cron or search.spec.schedule:
        click.echo(f"{search.name}: the recurring run {submission.schedule(api, cron)}, at {cron!r} in UTC.")
        return
    run = _start(api, submission)
    click.echo(f"{search.name}: the run {run.id}\n{api.link(run)}")
    if wait:
        _follow(api, submission, run)


@command("archsmith cancel my-search --kfp http://localhost:8888")
@click.argument("name")
@_kfp
def cancel(name: str, **where: Any) -> None:
    """End the runs of the search NAME on Kubeflow Pipelines, and its schedule; what it has found stays in the store."""
    from archsmith.cluster.submission import cancel as cancel_runs

    ended = cancel_runs(_api(**where), name)
    for kind, ids in (("run", ended.runs), ("recurring run", ended.schedules)):
        for id_ in ids:
            click.echo(f"{name}: ended the {kind} {id_}.")
    if not (ended.runs or ended.schedules):
        click.echo(f"{name}: nothing runs.")


def _api(kfp: str, namespace: str | None, token_env: str | None, token_file: str | None, kubeconfig_proxy: bool) -> "KfpApi":
    if sum(map(bool, (token_env, token_file, kubeconfig_proxy))) > 1:
        raise click.UsageError("Give only one of --token-env, --token-file and --kubeconfig-proxy.")
    from archsmith.cluster import connection
    from archsmith.cluster.kfp_api import KfpApi

    if kubeconfig_proxy:
        return KfpApi(connection.through_kubeconfig(kfp), namespace)
    named = connection.token_of_variable(token_env) if token_env else None
    token = named or (connection.token_of_file(token_file) if token_file else connection.token_of_pod())
    return KfpApi(connection.direct(kfp, token), namespace)


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
                    if folder.read_json("space.json") is not None:
                        watch(Snapshot.read(folder, search))

            retries = search.spec.cluster.retries
            follow(api, run, folder, lambda: submission.submit(api), retries=retries, tell=tell, look=look)
    except KeyboardInterrupt:
        tell("The run goes on without this command; the same command follows it again, `archsmith cancel` ends it.")
        sys.exit(130)
    show_result(Result(folder, search, submission.store))


def _checked(cron: str | None) -> str | None:
    from archsmith.schedule import check_cron

    try:
        return None if cron is None else check_cron(cron)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--cron") from None
