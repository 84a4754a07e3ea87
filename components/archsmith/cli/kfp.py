"""How the commands submit a search to Kubeflow Pipelines, follow it and end it."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from archsmith.cli.kfp_place import KfpPlace
    from archsmith.cluster.following import Seen
    from archsmith.cluster.kfp_api import KfpApi
    from archsmith.cluster.run import Run
    from archsmith.cluster.submission import Submission
    from archsmith.stores.folder import SearchFolder
    from archsmith.views.snapshot import Snapshot

ENDPOINT = "KF_PIPELINES_ENDPOINT"

EVERY_S = 5.0
"""Seconds between two looks at a search that is followed."""

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


def submit(place: "KfpPlace", submission: "Submission", cron: str | None, wait: bool) -> None:
    """Submit a search, once or on a schedule, and follow it if asked to."""
    name, api = submission.search.name, place.api
    if cron := cron or submission.search.spec.schedule:
        settle = _settle(place, submission.folder)
        id_ = submission.schedule(api, cron, settle)
        click.echo(f"{name}: the recurring run {id_} begins a search of its own at {cron!r} in UTC.")
        return
    run = _start(place, submission)
    click.echo(f"{name}: the run {run.id}\n{place.where(run)}")
    if wait:
        _follow(place, submission, run)


def cancel(place: "KfpPlace", name: str, owner: str | None, *, wait: bool = False) -> None:
    """End the runs of a search, and its schedule; wait until their pods have ended, where that matters.

    Args:
        place: Where they are.
        name: The search.
        owner: Its object, or the URI of its store; found out where it is None, and an error where that can't be.
        wait: Whether to wait.
    """
    from archsmith.cluster.submission import cancel as cancel_runs
    from archsmith.cluster.submission import unfinished

    owner, settle = owner or _owner(place.api, name), _settle(place, None)
    ended = cancel_runs(place.api, name, owner, settle=settle)
    if wait and (left := unfinished(place.api, name, owner)):
        settle(left)
    for kind, ids in (("run", ended.runs), ("recurring run", ended.schedules)):
        for id_ in ids:
            click.echo(f"{name}: ended the {kind} {id_}.")
    if not (ended.runs or ended.schedules):
        click.echo(f"{name}: nothing runs.")


def _owner(api: "KfpApi", name: str) -> str:
    """Return whose search of a name is meant: that of the store that this environment has, or the only one."""
    from archsmith.cluster.submission import owners
    from archsmith.stores import absolute_uri

    found, ours = owners(api, name), os.environ.get("ARCHSMITH_STORE")
    ours = absolute_uri(ours).rstrip("/") if ours else (found[0] if len(found) == 1 else "")
    if found and ours not in found:
        raise click.UsageError(
            f"Kubeflow Pipelines has runs named {name} of {', '.join(found)}; say with --owner which of these are to end."
        )
    return ours


def _settle(place: "KfpPlace", folder: "SearchFolder | None") -> "Callable[[Sequence[Run]], None]":
    """Return what waits until runs have ended that were told to, and says so; no longer than pods may take."""
    from archsmith.cluster.following import wait_for_end

    def settle(runs: "Sequence[Run]") -> None:
        _tell(f"Waiting for the end of {', '.join(run.id for run in runs)}.")
        wait_for_end(place.api, runs, place.watch, folder)

    return settle


def _start(place: "KfpPlace", submission: "Submission") -> "Run":
    """Submit the search, unless it runs already; what is still ending, or only seems to run, ends first."""
    from archsmith.cluster.submission import unfinished

    runs, folder = unfinished(place.api, submission.search.name, submission.whose), submission.folder
    lives = {run.id: place.watch.life(run, folder) for run in runs}
    if under_way := [run for run in runs if lives[run.id] == "lives"]:
        _tell("It runs already; this is its latest run.")
        return under_way[-1]
    for run in runs:
        if lives[run.id] == "lost":
            place.api.terminate(run.id)
    if ending := [run for run in runs if lives[run.id] == "ending"]:
        _settle(place, folder)(ending)
    return submission.submit(place.api)


def _follow(place: "KfpPlace", submission: "Submission", run: "Run") -> None:
    """Show the search until it is done; Ctrl-C leaves the run alone."""
    from archsmith.cluster.following import Patience, follow
    from archsmith.views.result import Result
    from archsmith.views.terminal import show_result, watching

    folder, search = submission.folder, submission.search
    try:
        with watching() as watch:
            view = _View(place, submission, watch)
            retries = search.spec.cluster.retries
            follow(
                place.api, run, folder, lambda: submission.submit(place.api),
                retries=retries, tell=_tell, look=view.look, watch=place.watch, patience=Patience(every_s=EVERY_S),
            )  # fmt: skip
    except KeyboardInterrupt:
        _tell("The run goes on without this command; the same command follows it again, `archsmith cancel` ends it.")
        sys.exit(130)
    show_result(Result(folder, search, submission.store))


class _View:
    """What is shown of a search that is followed: the live view of its store, and why a run does not go on."""

    def __init__(self, place: "KfpPlace", submission: "Submission", watch: "Callable[[Snapshot], None]") -> None:
        self._place = place
        self._submission = submission
        self._watch = watch
        self._begin = time.monotonic()
        self._told = ""

    def look(self, seen: "Seen") -> None:
        """Show how it stands."""
        from archsmith.cluster.held_up import held_up
        from archsmith.errors import TransientError
        from archsmith.views.snapshot import Snapshot

        begun, folder = False, self._submission.folder
        with contextlib.suppress(TransientError):
            if begun := folder.is_begun():
                self._watch(Snapshot.read(folder, self._submission.search))
        waited_s = time.monotonic() - self._begin
        text = held_up(seen, begun=begun, waited_s=waited_s, refusal=self._place.watch.pods.refusal)
        if text and text != self._told:
            _tell(text)
        self._told = text


def _tell(text: str) -> None:
    click.echo(text, err=True)
