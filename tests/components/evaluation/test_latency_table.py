"""What a latency table says of networks, against sums by hand."""

import json

import pytest

from archsmith.errors import PermanentError
from archsmith.evaluation.latency_table import LatencyTable, Timed


def timed(name: str, *seconds: float, structure: str = "") -> Timed:
    return Timed(name, ((1, 3, 8, 8),), (1, 4, 8, 8), structure or f"{name}()", 10, ("stem",), seconds)


OPERATIONS = {"a": timed("A", 1.0, 2.0, 9.0), "b": timed("B", 0.5, 0.5, 0.4)}
NETWORKS = {
    "x": timed("x", 4.6, 4.6, 4.6, structure="a a b"),
    "y": timed("y", 2.9, 3.1, 3.0, structure="a b"),
    "z": timed("z", 2.2, 2.2, 2.2, structure="a"),
}
TABLE = LatencyTable("cpu", 1, (3, 8, 8), OPERATIONS, NETWORKS)


def test_a_network_takes_as_long_as_its_operations_and_what_the_whole_ones_took_beyond_theirs() -> None:
    assert TABLE.fixed_s == pytest.approx(sorted([4.6 - 4.5, 3.0 - 2.5, 2.2 - 2.0])[1])
    assert TABLE.predict_s(["a", "b", "b"]) == pytest.approx(2.0 + 0.5 + 0.5 + 0.2)
    assert LatencyTable("cpu", 1, (3, 8, 8), OPERATIONS).predict_s(["a"]) == 2.0


def test_an_operation_that_was_not_measured_is_missed() -> None:
    with pytest.raises(PermanentError, match="The latency table of cpu lacks 2 of 3 operations; measure them first"):
        LatencyTable("cpu", 1, (3, 8, 8), {**OPERATIONS, "c": timed("C")}).predict_s(["a", "c", "d"])


def test_the_spread_is_half_of_the_range_of_the_middle_half() -> None:
    assert timed("A", 5.0, 1.0, 2.0, 3.0, 99.0).spread_s == (5 - 2) / 2
    assert timed("A", 5.0).spread_s == 0


def test_rounds_are_those_of_what_was_measured_least() -> None:
    assert TABLE.rounds == 3
    assert LatencyTable("cpu", 1, (3, 8, 8), {**OPERATIONS, "c": timed("C")}).rounds == 0


def test_a_table_goes_to_json_and_back() -> None:
    assert LatencyTable.from_dict(json.loads(json.dumps(TABLE.to_dict()))) == TABLE


def test_measurements_of_another_table_are_taken_over_where_the_operations_are_the_same() -> None:
    planned = LatencyTable("cpu", 1, (3, 8, 8), {"b": timed("B"), "c": timed("C")}, {"y": timed("y")})
    taken = planned.with_measurements_of(TABLE)
    assert {key: one.seconds for key, one in taken.all.items()} == {"b": (0.5, 0.5, 0.4), "c": (), "y": (2.9, 3.1, 3.0)}
