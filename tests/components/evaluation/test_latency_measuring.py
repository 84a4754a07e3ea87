"""How latencies are measured, on a clock that the modules themselves move."""

import time
from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from archsmith.evaluation.device import Device
from archsmith.evaluation.latency_measuring import LatencyPrices, Plan, measured, plan_table
from archsmith.evaluation.latency_places import operation
from archsmith.evaluation.latency_table import LatencyTable, Timed
from archsmith.evaluation.stopwatch import Runner, Stopwatch
from archsmith.spaces.fabric import FabricConfig
from archsmith.spaces.space import Space


class Clock:
    """Stands still but while a module of this file is at work."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def __call__(self) -> float:
        return self.now


class Busy(nn.Module):
    """Takes its time."""

    def __init__(self, clock: Clock, name: str, seconds: float) -> None:
        super().__init__()
        self.clock, self.name, self.takes_s = clock, name, seconds

    def __deepcopy__(self, _: object) -> "Busy":
        return Busy(self.clock, self.name, self.takes_s)  # with the same clock

    def extra_repr(self) -> str:
        return self.name

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_meta:
            self.clock.now += self.takes_s
            self.clock.calls.append(self.name)
        return x


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stopwatch(clock: Clock, cpu: Device) -> Stopwatch:
    return Stopwatch(cpu, clock=clock)


@pytest.fixture
def plan(clock: Clock) -> Plan:
    operations = {name: operation(Busy(clock, name, s), (3, 4, 4)) for name, s in (("a", 0.25), ("b", 0.5), ("c", 0.125))}
    table = LatencyTable(
        "cpu", 1, (3, 4, 4),
        {name: Timed("Busy", one.inputs, one.output, one.structure, 0, ("x",)) for name, one in operations.items()},
        {"n": Timed("n", ((1, 3, 4, 4),), (1, 3, 4, 4), "a b", 0)},
    )  # fmt: skip
    return Plan(table, operations, {"n": nn.Sequential(Busy(clock, "n", 0.75), Busy(clock, "glue", 0.25))})


def test_each_round_measures_everything_once_in_another_order(plan: Plan, stopwatch: Stopwatch, clock: Clock) -> None:
    orders, done = [], list[int]()
    for table in measured(plan, stopwatch, rounds=4, done=lambda: done.append(1)):
        orders.append(tuple(name for name in clock.calls if name != "glue"))
        clock.calls.clear()
        assert {len(one.seconds) for one in table.all.values()} == {len(orders)}
    assert all(Counter(order) == dict.fromkeys("abcn", 1) for order in orders[1:])
    assert Counter(orders[0]) == dict.fromkeys("abcn", 1 + 2)  # warm-up
    assert len(set(orders[1:])) > 1
    assert len(done) == 4 * 4
    assert {key: one.median_s for key, one in table.all.items()} == {"a": 0.25, "b": 0.5, "c": 0.125, "n": 1.0}
    assert table.fixed_s == 0.25


def test_what_has_been_measured_is_not_measured_again(plan: Plan, stopwatch: Stopwatch, clock: Clock) -> None:
    half = next(measured(plan, stopwatch, rounds=4))
    operations = {**half.operations, "b": replace(half.operations["b"], seconds=(0.5,) * 4)}
    clock.calls.clear()
    *_, table = measured(replace(plan, table=replace(half, operations=operations)), stopwatch, rounds=4)
    assert Counter(clock.calls) == dict.fromkeys(("a", "c", "n", "glue"), 2 + 3)
    assert table.rounds == 4
    assert list(measured(replace(plan, table=table), stopwatch, rounds=4)) == []


def test_what_is_short_is_run_until_a_millisecond_has_passed(stopwatch: Stopwatch, clock: Clock) -> None:
    runner = Runner.of(Busy(clock, "short", 2.0**-13), (torch.zeros(1, 3, 4, 4, device="meta"),), stopwatch)
    clock.calls.clear()
    assert runner.measure(stopwatch) == 2.0**-13
    assert len(clock.calls) == 9  # the first number of runs with 2**-13 s each that is not below 1 ms


class Waiting(nn.Module):
    """Waits, as a process does while another one has the core."""

    def forward(self, x: Tensor) -> Tensor:
        time.sleep(0.02)
        return x


@pytest.mark.parametrize(("threads", "waits"), [(1, False), (2, True)])
def test_on_one_thread_the_clock_stands_still_while_the_process_waits(threads: int, waits: bool, cpu: Device) -> None:
    seconds = Stopwatch(cpu, threads).seconds(Waiting(), (torch.zeros(1),))
    assert (seconds > 0.015) == waits


def test_a_price_is_that_of_the_table_and_else_measured(plan: Plan, stopwatch: Stopwatch, clock: Clock) -> None:
    a, b = (plan.operations[name].module for name in "ab")
    known = {plan.operations["a"].key: Timed("Busy", (), (), "", 0, ("x",), (7.0,))}
    prices = LatencyPrices(replace(plan.table, operations=known), stopwatch, rounds=3)
    assert prices(a, (3, 4, 4)) == 7.0
    assert prices(b, (3, 4, 4)) == prices(b, (3, 4, 4)) == 0.5
    assert Counter(clock.calls) == {"b": 2 + 3}


@pytest.fixture(scope="module")
def space() -> Space:
    return FabricConfig(layers=2, scales=2, channels=4).build()


def test_the_table_of_a_space_says_how_long_each_of_its_networks_takes(space: Space, cpu: Device) -> None:
    plan, before = plan_table(space, (1, 4, 4), 3, cpu), torch.get_num_threads()
    *_, table = measured(plan, Stopwatch(cpu), rounds=2)
    assert set(plan.networks) == {a.id for a in space.enumerate()}  # there are four
    for network in table.networks.values():
        assert 0 < table.sum_s(network.structure.split()) < 1
    assert table.operations.keys() == plan.operations.keys()
    assert sum(one.flops for one in table.operations.values()) > 0
    assert torch.get_num_threads() == before
