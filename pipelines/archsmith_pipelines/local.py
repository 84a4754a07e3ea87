"""Runs a search's pipeline on this machine: `python -m archsmith_pipelines.local STORE FIRST END PARENT < search.yaml`.

It is a process of its own, started by `archsmith run`: what KFP prints goes to the log, and it dies with its parent.
"""

import logging
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

from archsmith.search import Search, parse
from archsmith.steps.lifeline import die_with_parent
from archsmith.steps.server import served


def run_local(search: Search, store: str, rounds: range) -> None:
    """Run the pipeline, with these rounds, of `search` with kfp.local, in this process and one more a task."""
    scratch = tempfile.mkdtemp(prefix="archsmith-")
    tempfile.tempdir = scratch  # every task leaves a folder where temporary files go
    try:
        with served(search, store, Path(scratch)):
            from kfp import local  # takes a second, in which the server has begun to load torch

            from archsmith_pipelines.search import search_pipeline

            local.init(local.SubprocessRunner(use_venv=False), pipeline_root=f"{scratch}/outputs", raise_on_error=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # settings for Kubernetes that mean nothing here
                search_pipeline(search, store, rounds=rounds)(search=search.text)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    place, first, end, parent = sys.argv[1:]
    die_with_parent(int(parent))
    logging.basicConfig(level=logging.INFO)
    run_local(parse(sys.stdin.read()), place, range(int(first), int(end)))
