import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

FILE = """
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: timed}
spec:
  data: {name: digits}
  space: {name: fabric, layers: 2, scales: 2, channels: 4}
  budget: {trials: 2}
  objectives: [{metric: accuracy, goal: maximize}]
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "search.yaml").write_text(FILE)
    return "search.yaml"


def test_latency_says_how_long_each_operation_takes_and_where_that_is_kept(run: Run, file: str, tmp_path: Path) -> None:
    status, out, _ = run("latency", file, "--rounds", "2", "--json")
    assert status == 0
    shown = json.loads(out)
    assert json.loads(Path(shown["kept_in"]).read_text())["operations"] == shown["operations"]
    assert shown["input_shape"] == [1, 8, 8]
    status, text, _ = run("latency", file, "--rounds", "2")
    assert status == 0
    lines = text.splitlines()
    for one in shown["operations"].values():
        assert any(line.startswith(one["places"][0]) and f"{one['flops']:,}" in line for line in lines)
    assert "images of 1 x 8 x 8, medians of 2" in lines[0]
    assert lines[-1] == f"table: {shown['kept_in']}"


def test_latency_of_a_file_that_is_not_there_is_wrong_use(run: Run) -> None:
    status, out, err = run("latency", "nothing.yaml")
    assert (status, out) == (2, "")
    assert "nothing.yaml" in err
