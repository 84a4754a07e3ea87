"""The compiled pipeline of every example, as a file: KFP reads it back and runs it. It needs minutes, and no cluster."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from archsmith.search import load, parse
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.stores import LocalStore
from archsmith.stores.folder import SearchFolder
from archsmith_pipelines.search import compile_search

SHORT = ("digits", "own-table")
"""Whose networks are trained, and whose trials are looked up; the others are long."""
EXAMPLES = [
    pytest.param(path, marks=() if path.stem in SHORT else pytest.mark.long, id=path.stem)
    for path in sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
]

RUN = """
import sys, warnings
from kfp import components, local
warnings.simplefilter("ignore")  # settings for Kubernetes that mean nothing here
ir, search, store, outputs = sys.argv[1:]
local.init(local.SubprocessRunner(use_venv=False), pipeline_root=outputs, raise_on_error=True)
components.load_component_from_file(ir)(search=open(search).read(), store=store)
"""
"""What a user of KFP does with the file, with nothing of ours but what the components import."""


def quick(example: Path, table: Path) -> dict[str, Any]:
    """Return an example with so little to train that its pipeline is what takes the time."""
    document: dict[str, Any] = yaml.safe_load(example.read_text())
    spec = document["spec"]
    if "space" not in spec:  # it is chosen, and so is all else
        return document | {"spec": {"data": {"name": "digits"}, "budget": {"minutes": 0.5}, "baseline": "none"}}
    spec["budget"] = {"trials": 2}
    if "data" in spec:
        spec["data"] = {"name": "digits"}
        spec["estimation"] = _brief(spec)
        spec["strategy"] |= {"epochs": 1, "top": 1} if "top" in spec["strategy"] else {}
        spec["retrain"] = {"epochs": 1}
        spec["baseline"] = "none"
    else:
        own = example.parent / spec["estimation"]["path"]
        spec["estimation"]["path"] = str(own if own.exists() else table)
    return document


def _brief(spec: dict[str, Any]) -> dict[str, Any]:
    """Return an estimation like that of `spec`, of an epoch."""
    short = {"epochs": 1, "data": 0.2}
    if spec["estimation"].get("name") == "supernet":
        return {"name": "supernet", "epochs": 1, "then": {**short, "top": 1}}
    return short


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a table of every architecture, with numbers that mean nothing."""
    space, rng = NasBench201Config().build(), np.random.default_rng(0)
    rows = [f"{space.to_text(a)},{rng.uniform(50, 90):.2f},{rng.uniform(50, 90):.2f}" for a in space.enumerate()]
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text("\n".join(["arch,cifar10_valid_12ep,cifar10_test_200ep", *rows]))
    return path


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_file_is_run_by_kfp_alone(example: Path, table: Path, tmp_path: Path) -> None:
    ir, text, store = tmp_path / "pipeline.yaml", tmp_path / "search.yaml", tmp_path / "runs"
    text.write_text(yaml.safe_dump(quick(example, table)))
    search = load(text)
    compile_search(search, "s3://bucket/prefix", ir)
    arguments = (str(ir), str(text), str(store), str(tmp_path / "outputs"))
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=False, timeout=900, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    folder = SearchFolder(LocalStore(store), search.name)
    assert (
        parse((folder.read("asked.yaml") or b"").decode() if search.open else folder.read_search() or "").object == search.object
    )
    n = len(folder.history().completed)
    assert n >= 1 if search.open else n == search.most_trials  # 2, or of weights that are shared what the file says
    assert folder.is_done()
    assert len(folder.supernet_epochs()) == (1 if search.supernet else 0)
    assert bool(folder.read("best/model.pt2")) == search.retrains
    assert b"<html" in (folder.read("report/index.html") or b"")
