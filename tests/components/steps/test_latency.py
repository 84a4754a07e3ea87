"""The latency table of a search's space, in a local store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archsmith.errors import CorruptObjectError, SpecError
from archsmith.evaluation.latency_table import LatencyTable
from archsmith.models.blocks import ConvBlock
from archsmith.search import Search, parse
from archsmith.steps.latency import latency_prices, measure_latencies
from archsmith.stores import LocalStore, Store

TEXT = """
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: timed}
spec:
  data: {name: digits}
  space: {name: fabric, layers: 2, scales: 2, channels: 4}
  budget: {trials: 2}
  objectives: [{metric: accuracy, goal: maximize}]
"""


class Counting:
    """Counts measurements, and stops after some."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.total = self.done = 0
        self.stop_after = stop_after

    @contextmanager
    def __call__(self, total: int) -> Iterator[Callable[[], None]]:
        self.total = total
        yield self._count

    def _count(self) -> None:
        self.done += 1
        if self.done == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def search() -> Search:
    return parse(TEXT)


def test_a_table_is_measured_once_for_all_searches_of_its_space(search: Search, store: Store) -> None:
    counting = Counting()
    table, where = measure_latencies(search, store, rounds=2, counting=counting)
    assert counting.done == counting.total == 2 * len(table.all) > 0
    (key,) = store.list("latency/")
    assert where.endswith(key)
    again, counting = parse(TEXT.replace("name: timed", "name: other")), Counting()
    assert measure_latencies(again, store, rounds=2, counting=counting) == (table, where)
    assert counting.total == 0
    measure_latencies(search, store, rounds=3, counting=counting)
    assert counting.done == counting.total == len(table.all)


@pytest.mark.parametrize(("before", "after"), [("channels: 4", "channels: 8"), ("name: digits", "name: digits, test: 0.1")])
def test_another_space_has_a_table_of_its_own_and_other_data_of_the_same_size_has_not(
    search: Search, store: Store, before: str, after: str
) -> None:
    for text in (TEXT, TEXT.replace(before, after)):
        measure_latencies(parse(text), store, rounds=1)
    assert len(store.list("latency/")) == (2 if "channels" in before else 1)


def test_a_measurement_that_was_stopped_goes_on_with_what_is_missing(search: Search, store: Store, tmp_path: Path) -> None:
    n = len(measure_latencies(search, LocalStore(tmp_path / "other"), rounds=1)[0].all)
    with pytest.raises(KeyboardInterrupt):
        measure_latencies(search, store, rounds=4, counting=Counting(stop_after=2 * n + 3), save_every_s=0)
    counting = Counting()
    table, _ = measure_latencies(search, store, rounds=4, counting=counting)
    assert counting.total == 2 * n
    assert {len(timed.seconds) for timed in table.all.values()} == {4}


def test_prices_are_those_of_the_table(search: Search, store: Store) -> None:
    prices = latency_prices(search, store)
    table, _ = measure_latencies(search, store)
    halving = next(t for t in table.operations.values() if t.inputs == ((1, 4, 8, 8),) and t.output == (1, 4, 4, 4))
    assert prices(ConvBlock(4, 4, 3, 2), (4, 8, 8)) == halving.median_s


def test_a_damaged_table_is_named(search: Search, store: Store) -> None:
    measure_latencies(search, store, rounds=1)
    (key,) = store.list("latency/")
    store.put(key, b'{"device": "cpu"}')
    with pytest.raises(CorruptObjectError, match=r"latency/.*\.json is damaged.* Remove it, and it is measured again"):
        measure_latencies(search, store)


def test_a_file_that_leaves_its_space_open_has_nothing_to_time(store: Store) -> None:
    head = "apiVersion: archsmith.dev/v1alpha1\nkind: Search\nmetadata: {name: s}\n"
    text = f"{head}spec: {{data: {{name: digits}}, budget: {{minutes: 5}}}}"
    with pytest.raises(SpecError, match="it is chosen when the search begins"):
        measure_latencies(parse(text), store)


def test_a_search_over_a_table_without_images_has_nothing_to_time(store: Store, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("op,accuracy\na,1\nb,2\n")
    text = f"""
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {{name: looked-up}}
spec:
  space: {{name: yaml, decisions: [{{name: op, choices: [a, b]}}]}}
  estimation: {{name: table, path: {tmp_path}/table.csv, metrics: {{accuracy: accuracy}}}}
  objectives: [{{metric: accuracy, goal: maximize}}]
"""
    with pytest.raises(SpecError, match=r"spec.space: the space 'yaml' has no networks, so none can be timed"):
        measure_latencies(parse(text), store)


def test_a_table_is_json_that_says_what_was_measured(search: Search, store: Store) -> None:
    table, _ = measure_latencies(search, store, rounds=1)
    assert LatencyTable.from_dict(table.to_dict()) == table
    assert {"stem", "classifier", "layer_2_scale_0_to_1"} <= {name for one in table.operations.values() for name in one.places}
