"""The table that is made from the benchmark's files, against a stand-in that answers as `nats_bench` documents it."""

import importlib.util
import io
from pathlib import Path
from typing import Any

from archsmith.evaluation.measurements import measurements
from archsmith.evaluation.sheet import Sheet
from archsmith.search import load

FOLDER = Path(__file__).parents[2]


class Api:
    """Two cells; accuracies tell what was asked for."""

    cells = ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|")

    def __len__(self) -> int:
        return len(self.cells)

    def arch(self, index: int) -> str:
        return self.cells[index]

    def get_more_info(self, index: int, dataset: str, *, hp: str, is_random: bool) -> dict[str, float]:
        assert not is_random
        base = 10.0 * index + {"cifar10-valid": 1, "cifar10": 2, "cifar100": 3, "ImageNet16-120": 4}[dataset]
        if dataset == "cifar10-valid":  # it is validated, and not tested, on what is left of the training images
            return {"valid-accuracy": base + int(hp) / 1000}
        tested = {"test-accuracy": base + int(hp) / 1000}
        return tested if dataset == "cifar10" else {"valid-accuracy": base + int(hp) / 1000, **tested}


def write_table() -> Any:
    spec = importlib.util.spec_from_file_location("nas_bench_201_table", FOLDER / "benchmarks" / "nas_bench_201_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.write_table


def test_the_table_has_the_columns_that_the_example_reads(tmp_path: Path) -> None:
    made, path = io.StringIO(), tmp_path / "nas-bench-201.csv"
    write_table()(Api(), made)
    path.write_text(made.getvalue())
    search = load(FOLDER / "examples" / "nas-bench-201.yaml")
    estimation: Any = search.estimation
    columns = ["cifar10_valid_12ep", "cifar100_valid_12ep", "imagenet16_valid_12ep"]
    columns += ["cifar10_test_200ep", "cifar100_test_200ep", "imagenet16_test_200ep"]
    assert {estimation.metrics.accuracy, estimation.test} <= set(columns)
    table = measurements(Sheet.read(path), search.space, columns, architecture=estimation.architecture)
    assert [search.space.to_text(a) for a in table.rows] == list(Api.cells)
    assert [list(map(float, table.columns[c])) for c in columns] == [
        [1.012, 11.012], [3.012, 13.012], [4.012, 14.012], [2.2, 12.2], [3.2, 13.2], [4.2, 14.2],
    ]  # fmt: skip
