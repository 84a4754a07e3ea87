"""The latency table of a space on this device: measured once, and kept in the store for all searches of that space."""

import json
import logging
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from archsmith.errors import NotFoundError, SpecError
from archsmith.search import Search
from archsmith.stores.damage import named
from archsmith.stores.store import Store

if TYPE_CHECKING:
    from archsmith.evaluation.device import Device
    from archsmith.evaluation.latency_measuring import LatencyPrices
    from archsmith.evaluation.latency_table import LatencyTable

log = logging.getLogger(__name__)

ROUNDS = 20
"""Measurements of each operation."""
SAVE_EVERY_S = 5.0
"""After how many seconds what has been measured is kept."""

Counting = Callable[[int], AbstractContextManager[Callable[[], None]]]
"""Given how many measurements there will be, returns what is called after each."""


def uncounted(_: int) -> AbstractContextManager[Callable[[], None]]:
    """Count nothing."""
    return nullcontext(lambda: None)


def measure_latencies(
    search: Search,
    store: Store,
    *,
    threads: int = 1,
    rounds: int = ROUNDS,
    counting: Counting = uncounted,
    save_every_s: float = SAVE_EVERY_S,
) -> tuple["LatencyTable", str]:
    """Return the latency table of a search's space on this device, and where it is kept; measure what is missing.

    What has been measured is kept every few seconds, and a later call goes on from there.

    Args:
        search: Gives the space, the images and the device.
        store: Where the table is kept.
        threads: Threads of a CPU that a network runs on.
        rounds: Measurements of each operation.
        counting: For a bar.
        save_every_s: How often it is kept.

    Raises:
        SpecError: The search has no networks, or no images that say what goes into them.
        UnbuildableError: The space has no networks for such images.
    """
    from archsmith.evaluation.latency_measuring import measured, plan_table
    from archsmith.evaluation.stopwatch import Stopwatch, device_name

    shape, n_classes = _network_input(search)
    device = _device(search)
    key = _key(search, shape, n_classes, device_name(device), threads)
    table = _read(store, key)
    if table is not None and table.rounds >= rounds:
        return table, store.uri(key)
    plan = plan_table(search.space, shape, n_classes, device, threads=threads)
    if table is not None:
        plan = replace(plan, table=plan.table.with_measurements_of(table))
    table, saved_at = plan.table, time.monotonic()
    log.info("measuring %d operations and %d networks on %s", len(plan.operations), len(plan.networks), table.device)
    with counting(sum(max(0, rounds - len(timed.seconds)) for timed in table.all.values())) as done:
        for table in measured(plan, Stopwatch(device, threads), rounds=rounds, done=done):
            if table.rounds >= rounds or time.monotonic() > saved_at + save_every_s:
                store.put(key, orjson.dumps(table.to_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
                saved_at = time.monotonic()
    return table, store.uri(key)


def latency_prices(search: Search, store: Store) -> "LatencyPrices":
    """Return what says of a module on an input how long it takes on this device; measure the table first where there is none."""
    from archsmith.evaluation.latency_measuring import LatencyPrices
    from archsmith.evaluation.stopwatch import Stopwatch

    table, where = measure_latencies(search, store)
    log.info("latencies are those of %s", where)
    return LatencyPrices(table, Stopwatch(_device(search), table.threads))


def _device(search: Search) -> "Device":
    from archsmith.evaluation.device import device_of

    return device_of(search.spec.resources)


def _network_input(search: Search) -> tuple[tuple[int, int, int], int]:
    """Return what goes into the networks of a search, and how many classes they tell apart."""
    if search.open:
        raise SpecError(
            "spec.space: it is chosen when the search begins; give the file that `archsmith auto` or the search wrote."
        )
    if not search.space_config.makes_networks:
        raise SpecError(f"spec.space: the space {search.space.name!r} has no networks, so none can be timed.")
    if search.spec.data is None:
        given = search.estimation.network_input
        if given is None:
            raise SpecError("spec.data: the search has no images, which say what goes into its networks; name some in `data`.")
        return given
    from archsmith.steps.images import load_images

    images = load_images(search)
    return images.input_shape, images.n_classes


def _key(search: Search, shape: tuple[int, int, int], n_classes: int, device: str, threads: int) -> str:
    """Return where the table is kept: the same for all that it depends on, and for nothing else."""
    from archsmith.evaluation.latency_measuring import TORCH

    settings = search.space_config.model_dump(mode="json")
    told = [search.space.name, settings, shape, n_classes, device, threads, TORCH]
    digest = sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
    slug = re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")[:60] or "device"
    return f"latency/{slug}-{digest}.json"


def _read(store: Store, key: str) -> "LatencyTable | None":
    from archsmith.evaluation.latency_table import LatencyTable

    try:
        data = store.get(key)
    except NotFoundError:
        return None
    with named(store.uri(key), "Remove it, and it is measured again."):
        return LatencyTable.from_dict(orjson.loads(data))
