"""The commands that have a search run elsewhere: on a cluster, or on Kubeflow Pipelines."""

import sys
from typing import Any

import click

from archsmith.cli import kfp as pipelines
from archsmith.cli import kfp_place
from archsmith.cli.command import CONTEXT, NAMESPACE, command, warn


@command(
    "archsmith submit search.yaml --wait\n  archsmith submit search.yaml --kfp http://localhost:8888 --store s3://searches/team"
)
@click.argument("file", type=click.Path())
@NAMESPACE
@CONTEXT
@click.option("--store", metavar="URI", help="s3://bucket/prefix as pods reach it; the file's, or that of the cluster.")
@click.option("--cron", metavar="SCHEDULE", help="Begin a search of its own at each of these times, as in '0 2 * * *', in UTC.")
@click.option("--wait/--no-wait", default=False, help="Show the search until it is over; what fails is an error.")
@pipelines.url_option(environment=True)
@click.option("--experiment", metavar="NAME", help="With --kfp, the experiment; that of the file's `tracking`, where left out.")
@pipelines.who
def submit(
    file: str, namespace: str | None, context: str | None, store: str | None, cron: str | None, wait: bool, kfp: str | None,
    experiment: str | None, **who: Any,
) -> None:  # fmt: skip
    """Give the search of FILE to a cluster; submit it again to go on where it stopped, or with another budget.

    The cluster is the one that kubectl means, and must have Archsmith's chart. With --kfp, the search is submitted straight to
    Kubeflow Pipelines, and --wait submits it again when a pod fails it.
    """
    cron = _checked(cron)
    from archsmith.advice import advice, advice_elsewhere, advice_on_kubeflow
    from archsmith.search import load

    search = load(file)
    for text in (*advice(search), *advice_on_kubeflow(search), *advice_elsewhere(search)):
        warn(text)
    if wait and (cron or search.spec.schedule):
        warn(f"--wait is not used: a series has no end; `archsmith watch {search.name}` shows the last of its searches.")
        wait = False
    if kfp and pipelines.is_meant(kfp, context):
        from archsmith.cluster.submission import Submission
        from archsmith.runner import store_uri

        submission = Submission(search, store_uri(search, store), experiment or "")
        pipelines.submit(kfp_place.reach(kfp, namespace, context, **who), submission, cron, wait)
        return
    pipelines.refuse_without_url(experiment=experiment, **who)
    from archsmith.cli import clusters

    place = clusters.submit(clusters.reach(context, namespace or search.object.metadata.namespace), search, store, cron)
    if wait:
        _wait(place)


@command("archsmith cancel my-search\n  archsmith cancel my-search --kfp http://localhost:8888")
@click.argument("name")
@NAMESPACE
@CONTEXT
@pipelines.url_option(environment=True)
@click.option("--owner", metavar="STORE", help="With --kfp, whose search NAME it is: its store, or NAMESPACE/NAME of its object.")
@pipelines.who
def cancel(name: str, namespace: str | None, context: str | None, kfp: str | None, owner: str | None, **who: Any) -> None:
    """Hold the search NAME on a cluster: its pods end, and what it has found stays in the store.

    With --kfp, its runs on Kubeflow Pipelines are ended, and its schedule: those of the store in ARCHSMITH_STORE, where
    several people have a search of this name.
    """
    if kfp and pipelines.is_meant(kfp, context):
        pipelines.cancel(kfp_place.reach(kfp, namespace, context, **who), name, owner)
        return
    pipelines.refuse_without_url(owner=owner, **who)
    from archsmith.cli import clusters
    from archsmith.cli.place import find_on

    clusters.hold(find_on(clusters.reach(context, namespace), name))


def _wait(place: Any) -> None:
    """Show a search until it is over; Ctrl-C leaves it alone."""
    from archsmith.cli import clusters

    try:
        clusters.watch(place)
    except KeyboardInterrupt:
        click.echo(f"The search goes on without this command; `archsmith watch {place.name}` shows it again.", err=True)
        sys.exit(130)


def _checked(cron: str | None) -> str | None:
    from archsmith.spec.schedule import check_cron

    try:
        return None if cron is None else check_cron(cron)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--cron") from None
