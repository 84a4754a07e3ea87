"""A look at what a search needs, before it runs: its data or its table, its store, its GPUs. Nothing is written."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from archsmith.advice import advice, advice_on_kubeflow
from archsmith.machine.container import n_cores
from archsmith.runner import log_path, unwritable
from archsmith.search import Search
from archsmith.steps.sample_space import explore, refuse_other
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder


@dataclass(frozen=True, slots=True)
class Look:
    """What was found."""

    counted: tuple[str, ...]
    """What there is, a line each."""
    warnings: tuple[str, ...]
    """What is hardly meant, or should be known; a sentence or two each."""


def look(search: Search, store: str) -> Look:
    """Look at what a search needs on this machine, with the functions of its steps.

    Args:
        search: The search.
        store: URI of its store.

    Raises:
        ArchsmithError: The search would fail at once; it is what `run` would say.
    """
    _look_at_store(search, store)
    on_machine = list(_machine(search))
    explored = explore(search)
    return Look(tuple(explored["counted"]), (*advice(search), *advice_on_kubeflow(search), *explored["warnings"], *on_machine))


def _look_at_store(search: Search, store: str) -> None:
    """Raise where the search can't be kept, or another one is."""
    folder = SearchFolder(open_store(store), search.name)
    if (before := folder.read_search()) is not None:
        refuse_other(search, before, store)
    _check_writable(log_path(folder))


def _check_writable(log: Path) -> None:
    """Raise `PermanentError` where the log of a run could not be written; a folder is made and removed to try."""
    try:
        if log.exists():
            log.open("ab").close()
        else:
            tempfile.TemporaryDirectory(dir=next(p for p in log.absolute().parents if p.exists())).cleanup()
    except OSError as error:
        raise unwritable(log, error) from error


def _machine(search: Search) -> Iterator[str]:
    """Yield what this machine lacks; raises where it can't do without."""
    resources = search.spec.resources
    if search.estimation.looks_up and not search.retrains:
        return
    if resources.gpu:
        from archsmith.evaluation.device import choose_device

        if not choose_device(gpu=resources.gpu, fallback=resources.fallback).is_cuda:
            yield f"`resources.gpu` is {resources.gpu}, but torch finds no GPU here; trials run on the CPU."
    cores = n_cores()
    for key, wanted in (("cpu", resources.cpu), ("workers", resources.workers)):
        if isinstance(wanted, int) and wanted > cores and not (key == "workers" and resources.gpu):
            yield f"`resources.{key}` is {wanted}, but this machine has {cores} core{'s' * (cores != 1)}."
