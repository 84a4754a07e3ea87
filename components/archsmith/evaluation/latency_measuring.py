"""Measures how long operations take on a device, with care.

- In rounds: each takes every operation once, in another order, so that what slows the machine down for a while slows down all of
  them, and the median of the rounds knows nothing of it. Between two measurements of an operation all others have been at work,
  so that its weights have to come from memory, as they do in a network.
- Each by the rules of `archsmith.evaluation.stopwatch`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from archsmith.evaluation.device import Device
from archsmith.evaluation.latency_places import (
    InputShape,
    Operation,
    build_on_meta,
    operation,
    operations_of,
    take_inventory,
)
from archsmith.evaluation.latency_table import LatencyTable, Timed
from archsmith.evaluation.stopwatch import Runner, Stopwatch, device_name
from archsmith.models.cost import cost
from archsmith.spaces.space import Space
from archsmith.values import Architecture

TORCH = torch.__version__
"""Other versions are other kernels."""
ROUNDS = 20
"""Measurements of each operation."""
NETWORKS = 5
"""Whole networks that are measured beside the operations."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    table: LatencyTable
    """With the measurements that there are."""
    operations: Mapping[str, Operation]
    """Its operations, by their keys."""
    networks: Mapping[str, nn.Module]
    """Its networks on `meta`, by the ids of their architectures."""


def plan_table(space: Space, input_shape: InputShape, n_classes: int, device: Device, *, threads: int = 1, seed: int = 0) -> Plan:
    """Return what is to be measured of a space, and no measurements.

    Args:
        space: Its networks at full fidelity are what counts.
        input_shape: Channels, height and width of the images.
        n_classes: Outputs.
        device: Where they will run.
        threads: Threads of a CPU to run on.
        seed: Of the networks that are looked at.
    """
    rng = np.random.default_rng(seed)
    inventory = take_inventory(space, input_shape, n_classes, rng)
    operations, places = dict(inventory.operations), dict(inventory.places)
    networks, wholes = dict[str, nn.Module](), dict[str, Timed]()
    for architecture in _different(space, rng):
        network = networks[architecture.id] = build_on_meta(space, architecture, input_shape, n_classes)
        inside = operations_of(build_on_meta(space, architecture, input_shape, n_classes), input_shape)
        for name, one in inside:
            if one.key not in operations:
                operations[one.key], places[one.key] = one, [name]
        keys = " ".join(one.key for _, one in inside)
        flops = cost(network, input_shape).flops
        wholes[architecture.id] = Timed(space.to_text(architecture), ((1, *input_shape),), (1, n_classes), keys, flops)
    parts = {
        key: Timed(type(one.module).__name__, one.inputs, one.output, one.structure, _flops(one), tuple(places[key]))
        for key, one in operations.items()
    }
    table = LatencyTable(device_name(device), threads, input_shape, parts, wholes, inventory.complete)
    return Plan(table, operations, networks)


def _different(space: Space, rng: np.random.Generator) -> list[Architecture]:
    """Return the architectures whose networks are measured as wholes: a few, or all of a smaller space."""
    drawn: dict[Architecture, None] = {}
    for _ in range(10 * NETWORKS):
        if len(drawn) < NETWORKS:
            drawn[space.sample(rng)] = None
    return list(drawn)


def _flops(one: Operation) -> int:
    """Return the multiply-adds of an operation."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        one.module(*one.arguments)
    return int(counter.get_total_flops() // 2)


def measured(
    plan: Plan, stopwatch: Stopwatch, *, rounds: int = ROUNDS, seed: int = 0, done: Callable[[], None] = lambda: None
) -> Iterator[LatencyTable]:
    """Yield the table after each round, until everything in it has been measured as often as `rounds` says.

    Args:
        plan: What is to be measured, and has been.
        stopwatch: Measures it.
        rounds: Measurements of each.
        seed: Of the order within a round.
        done: Called after each measurement.
    """
    table = plan.table
    rng, runners = np.random.default_rng((seed, table.rounds)), dict[str, Runner]()
    image = (torch.zeros(1, *table.input_shape, device="meta"),)
    subjects = {key: (one.module, one.arguments) for key, one in plan.operations.items()}
    subjects |= {key: (network, image) for key, network in plan.networks.items()}
    seconds = {key: list(timed.seconds) for key, timed in table.all.items()}
    while any(len(found) < rounds for found in seconds.values()):
        lacking = [key for key, found in seconds.items() if len(found) < rounds]
        with stopwatch.ready():
            for k in rng.permutation(len(lacking)):
                key = lacking[k]
                if key not in runners:
                    runners[key] = Runner.of(*subjects[key], stopwatch)
                seconds[key].append(runners[key].measure(stopwatch))
                done()
        yield replace(table, operations=_with(table.operations, seconds), networks=_with(table.networks, seconds))


def _with(timed: Mapping[str, Timed], seconds: Mapping[str, list[float]]) -> dict[str, Timed]:
    return {key: replace(one, seconds=tuple(seconds[key])) for key, one in timed.items()}


class LatencyPrices:
    """Says of any module on any input how long it takes: from a table, or where that lacks it, by measuring it here.

    Args:
        table: Of this device.
        stopwatch: Measures what it lacks.
        rounds: Measurements of what it lacks.
    """

    def __init__(self, table: LatencyTable, stopwatch: Stopwatch, *, rounds: int = ROUNDS) -> None:
        self._table = table
        self._stopwatch = stopwatch
        self._rounds = rounds
        self._found: dict[str, float] = {}

    def __call__(self, module: nn.Module, input_shape: tuple[int, ...]) -> float:
        """Return how many seconds `module` takes on an input of this shape, (C, H, W), as in a network that stands alone."""
        one = operation(module, input_shape)
        key = one.key
        timed = self._table.operations.get(key)
        if timed is not None and timed.seconds:
            return timed.median_s
        if key not in self._found:
            with self._stopwatch.ready():
                runner = Runner.of(one.module, one.arguments, self._stopwatch)
                self._found[key] = float(np.median([runner.measure(self._stopwatch) for _ in range(self._rounds)]))
        return self._found[key]
