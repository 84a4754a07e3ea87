"""The command `archsmith`. What it does lies elsewhere; here are its words, its exit status, and nothing slow at import."""

import sys

import click

from archsmith import __version__
from archsmith.cli.benchmark import bench
from archsmith.cli.lists import estimators, spaces, strategies
from archsmith.cli.pipelines import cancel, submit
from archsmith.cli.prediction import predict
from archsmith.cli.search_files import check, compile_, init, schema
from archsmith.cli.searches import delete, run, show, sync, watch
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

COMMANDS = (
    init, check, schema, run, watch, show, sync, compile_, submit, cancel, predict, bench, delete, spaces, strategies, estimators,
)  # fmt: skip

WRONG_USE = (SpecError, DataError, NotFoundError, PluginError, SearchConflictError, UnknownNameError)
"""Errors that the user can mend: exit status 2. All others are 1."""

EXAMPLE = """\b
Example:
  archsmith init > search.yaml
  archsmith check search.yaml
  archsmith run search.yaml
  archsmith show my-search
"""


@click.group(commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLE)
@click.version_option(__version__)
def cli() -> None:
    """Neural architecture search: from a YAML file to a trained, exported model."""


def main() -> None:
    """Run the command; an error of ours is a line, never a traceback."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Stopped. The same command goes on from here.", err=True)
        sys.exit(130)
    except ArchsmithError as error:
        hint = " The same command goes on from here." if isinstance(error, TransientError) else ""
        click.echo(f"archsmith: {error}{hint}", err=True)
        sys.exit(2 if isinstance(error, WRONG_USE) else 1)
