"""Small searches for tests: real, and over in seconds."""

from pathlib import Path

from archsmith.search import parse
from archsmith.steps.main import STEPS
from archsmith.steps.rounds import all_rounds

TINY = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: tiny}
spec:
  data: {name: digits}
  space: {name: chain, layers: {min: 1, max: 2}, operations: [conv], filters: [8, 16], kernels: [3], strides: [1, 2]}
  strategy: {name: evolution, population: 4, sample: 2}
  estimation: {epochs: 2}
  training: {batch_size: 64}
  objectives: [{metric: accuracy, goal: maximize}, {metric: n_params, limit: 20000}]
  budget: {trials: 6, rounds: 3}
  resources: {workers: 2}
  retrain: {epochs: 3}
  baseline: none
  tracking: {enabled: false}
"""
"""Six chains on the digits, in three rounds; not tracked, and held to no reference."""

LOOKED_UP = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: looked-up}
spec:
  space: {name: chain, layers: {min: 1, max: 2}, operations: [conv], filters: [8, 16], kernels: [3], strides: [1, 2]}
  strategy: {name: evolution, population: 4, sample: 2}
  estimation: {name: table, path: TABLE, architecture: arch, metrics: {accuracy: valid}, seconds: cost, test: test, epochs: 12}
  objectives: [{metric: accuracy, goal: maximize}]
  budget: {trials: 6, rounds: 3}
  tracking: {enabled: false}
"""
"""Six chains, looked up in a table: neither torch nor images."""


def looked_up(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the search over a table, and the table, into `folder`, as `tiny` does; return the search file's path."""
    space = parse(TINY).space
    rows = [f"{space.to_text(a)},{30 + k * 7 % 50},60,{35 + k * 7 % 50}" for k, a in enumerate(space.enumerate())]
    table = folder / "table.csv"
    table.write_text("\n".join(["arch,valid,cost,test", *rows]), encoding="utf-8")
    return _write(folder, LOOKED_UP, ("TABLE", str(table)), *changes)


def run_steps(file: Path, store: str, *last: str) -> None:
    """Run the steps of a search's pipeline in this process: all rounds, and then those of `last`, or all where none is named."""
    text = file.read_text(encoding="utf-8")
    search, name = parse(text), STEPS["sample_space"](text, store)
    if search.supernet:
        STEPS["train_supernet"](name, store)
    for round_ in all_rounds(search):
        STEPS["derive"](name, store) if search.supernet else STEPS["propose"](name, store, round_)
        STEPS["estimate"](name, store, round_, 0, 1)
    for step in last or ("select", "retrain", "report"):
        STEPS[step](name, store)


def tiny(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the tiny search into `folder`, with each text of `changes` replaced by the other; return its path."""
    return _write(folder, TINY, *changes)


def _write(folder: Path, text: str, *changes: tuple[str, str]) -> Path:
    for old, new in changes:
        assert old in text, f"the search has no {old!r}"
        text = text.replace(old, new)
    path = folder / "search.yaml"
    path.write_text(text, encoding="utf-8")
    return path
