"""The command `archsmith`. What it does lies elsewhere; here are its words, its exit status, and nothing slow at import."""

import os
import signal
import sys
from typing import NoReturn

import click

from archsmith import __version__
from archsmith.cli.auto import auto
from archsmith.cli.benchmark import bench
from archsmith.cli.controller import controller
from archsmith.cli.error_file import leave_error
from archsmith.cli.latency import latency
from archsmith.cli.lists import estimators, spaces, stoppers, strategies
from archsmith.cli.logs import logs
from archsmith.cli.models import models, promote, rollback
from archsmith.cli.output import writable_output
from archsmith.cli.pipelines import cancel, submit
from archsmith.cli.prediction import predict
from archsmith.cli.search_files import check, compile_, init, schema
from archsmith.cli.searches import delete, list_, run, show, sync, watch
from archsmith.cli.ui import ui
from archsmith.errors import (
    ArchsmithError,
    DataError,
    NotFoundError,
    PluginError,
    SearchConflictError,
    SpecError,
    TransientError,
    UnknownNameError,
)
from archsmith.machine import environment
from archsmith.views.plain_text import tolerate

COMMANDS = (
    auto, init, check, schema, run, watch, show, list_, logs, sync, compile_, submit, cancel, predict, models, promote,
    rollback, bench, latency, delete, controller, ui, spaces, strategies, estimators, stoppers,
)  # fmt: skip

WRONG_USE = (SpecError, DataError, NotFoundError, PluginError, SearchConflictError, UnknownNameError)
"""Errors that the user can mend: exit status 2. One that may be retried is EX_TEMPFAIL, all others are 1."""

STOPPED = "Stopped."
GOES_ON = " The same command goes on from here."
RESUMED = {"auto", "run", "submit", "latency"}
"""Commands that go on where they were stopped."""

EXAMPLE = """\b
Example:
  archsmith auto photos/ --minutes 30
  archsmith init > search.yaml
  archsmith check search.yaml
  archsmith run search.yaml
  archsmith show my-search
"""


@click.group(commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLE)
@click.version_option(__version__)
def cli() -> None:
    """Neural architecture search: from a YAML file to a trained, exported model."""
    environment.tidy()


class _Terminated(SystemExit):
    """SIGTERM came. Being an exit, it is caught nowhere on its way, and ends what was started as Ctrl-C does."""


def main() -> None:
    """Run the command; an error of ours is a line, never a traceback."""
    before = signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        tolerate(stream)
    try:
        with writable_output():
            cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        _stopped(130)
    except _Terminated:
        _stopped(143)
    except ArchsmithError as error:
        leave_error(error)
        hint = GOES_ON if isinstance(error, TransientError) else ""
        click.echo(f"archsmith: {error}{hint}", err=True)
        sys.exit(exit_status(error))
    finally:
        signal.signal(signal.SIGTERM, before)


def _stopped(status: int) -> NoReturn:
    goes_on = sys.argv[1:2] and sys.argv[1] in RESUMED
    click.echo(STOPPED + (GOES_ON if goes_on else ""), err=True)
    sys.exit(status)


def _terminate(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not cut off the end
    raise _Terminated


def exit_status(error: ArchsmithError) -> int:
    """Return what the command exits with after `error`."""
    if isinstance(error, TransientError):
        return os.EX_TEMPFAIL
    return 2 if isinstance(error, WRONG_USE) else 1
