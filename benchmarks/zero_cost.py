"""Our zero-cost scores of networks that NASLib has scored: whether they rank alike, and what such scores are worth.

    python benchmarks/zero_cost.py 201 --count 60
    python benchmarks/zero_cost.py 301 --count 20 --scores synflow,jacov,snip,grad_norm,fisher
    python benchmarks/zero_cost.py 101 --count 20 --scores synflow,jacov,snip,grad_norm,fisher
    python benchmarks/zero_cost.py report

The tables are those of NAS-Bench-Suite-Zero (Krishnakumar et al. 2022, arXiv:2210.03230): `shared/bench/zero-cost-nasbench*.csv`.
Of each space the first networks without dead edges are built as published, in widths and numbers of cells; their parameters must
be equal, which says that they are the same. They are scored at 32 x 32 pixels and on a batch of 32, which the published jacov
says, as it is about minus the size of the batch. Weights are drawn as theirs are: by torch's defaults, and by the code of
NAS-Bench-101, and not as in our trainings.

CIFAR-10 is not at hand. The images are crops of the two photographs that scikit-learn has, with random labels: jacov asks how
differently a network responds to different images, and ranks on noise less as on photographs. One draw of weights and
images is noise in itself, theirs too; how well two seeds of ours agree says how much.

A row a network and seed is added to `zero-cost-scores.csv`; what it has is not scored again.
"""

import argparse
import ast
import csv
import json
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import cast

import nas_bench_101_networks as nas_bench_101
import numpy as np
import torch
from recorded import append, ids
from scipy.stats import spearmanr
from shown import track
from sklearn.datasets import load_sample_images
from torch import Tensor, nn

from archsmith.errors import UnscorableError
from archsmith.evaluation.data.resize import resize
from archsmith.evaluation.scores import SCORES, computed
from archsmith.models import build
from archsmith.models.cell import CellStack, framed
from archsmith.spaces.cells.cell import CellConfig, Kind
from archsmith.spaces.cells.genotype import CellGenotype, Genotype
from archsmith.spaces.nas_bench_201 import EDGES, NasBench201Config, pruned
from archsmith.values import Architecture, Fidelity
from archsmith.values.scores import ScoreName

OUT = Path(__file__).with_name("zero-cost-scores.csv")
COLUMNS = ("id", "table", "arch", "seed", "seconds", *SCORES)
BATCH, SIDE, CLASSES = 32, 32, 10
FULL = Fidelity(epochs=1)

OPERATIONS_201 = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
EDGES_201 = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
OPERATIONS_301 = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
"""NASLib's numbers of operations, and its order of edges."""


@dataclass(frozen=True, slots=True)
class Row:
    """A network of a table."""

    table: str
    """Which table: 101, 201 or 301."""
    arch: str
    """In NASLib's numbers."""
    published: Mapping[str, float]
    """All columns that are numbers."""


def main() -> None:
    """Score what is not scored yet, or report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=[*BUILD, "report"])
    parser.add_argument("--tables", type=Path, default=Path("shared/bench"), help="Folder of the published tables.")
    parser.add_argument("--count", type=int, default=60, help="Networks.")
    parser.add_argument("--seeds", type=int, default=1, help="Draws of weights and images.")
    parser.add_argument("--scores", default=",".join(SCORES))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.table == "report":
        print(json.dumps(report(arguments.tables, arguments.out), indent=2))
        return
    names = [cast("ScoreName", name) for name in dict.fromkeys(["n_params", "flops", *arguments.scores.split(",")])]
    done = ids(arguments.out)
    rows = list(islice(alive(published(arguments.tables, arguments.table)), arguments.count))
    for row, seed in track([(row, seed) for seed in range(arguments.seeds) for row in rows], "Scoring"):
        if (key := f"{row.table}/{row.arch}/{seed}") not in done:
            append(
                arguments.out,
                COLUMNS,
                {"id": key, "table": row.table, "arch": row.arch, "seed": seed, **scored(row, names, seed)},
            )


def published(folder: Path, table: str) -> list[Row]:
    """Read the networks of a table that were scored on CIFAR-10."""
    with (folder / f"zero-cost-nasbench{table}.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["dataset"] == "cifar10"]
    return [
        Row(table, line["arch"], {k: float(v) for k, v in line.items() if k not in ("dataset", "arch") and v}) for line in lines
    ]


def alive(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the networks that were scored without dead edges, as ours are built: in NAS-Bench-201, those without any."""
    for row in rows:
        if row.table != "201" or pruned(cell := _cell_201(ast.literal_eval(row.arch))) == cell:
            yield row


def scored(row: Row, names: Sequence[ScoreName], seed: int) -> dict[str, float | str]:
    """Score a network; its parameters must be those that are published."""
    begun = time.process_time()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = BUILD[row.table](ast.literal_eval(row.arch))
    images, labels = photographs(seed)
    found: dict[str, float | str] = {}
    for name in names:
        try:
            found[name] = f"{computed(name, network, images, labels):.6g}"
        except UnscorableError:
            found[name] = math.nan
    n_params = sum(p.numel() for p in network.parameters())
    if f"{n_params / 1e6:.5g}" != f"{row.published['params']:.5g}":
        raise SystemExit(f"{row.arch} has {n_params} parameters, but the table says {row.published['params']} million.")
    return {**found, "seconds": round(time.process_time() - begun, 2)}


@cache
def photographs(seed: int) -> tuple[Tensor, Tensor]:
    """Return crops of photographs, (BATCH, 3, SIDE, SIDE), of zero mean and unit deviation a channel, and random labels."""
    generator = torch.Generator().manual_seed(seed)
    crops = []
    for k in range(BATCH):
        photograph = torch.from_numpy(load_sample_images().images[k % 2].copy()).permute(2, 0, 1)[None]
        half = resize(photograph, (photograph.shape[2] // 2, photograph.shape[3] // 2))[0].float() / 255
        i, j = (int(torch.randint(side - SIDE + 1, (), generator=generator)) for side in half.shape[1:])
        crops.append(half[:, i : i + SIDE, j : j + SIDE])
    x = torch.stack(crops)
    x = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)
    return x, torch.randint(CLASSES, (BATCH,), generator=generator)


def _cell_201(arch: Sequence[int]) -> tuple[str, ...]:
    operations = dict(zip(EDGES_201, (OPERATIONS_201[k] for k in arch), strict=True))
    return tuple(operations[edge] for edge in EDGES)


def _network_201(arch: Sequence[int]) -> nn.Module:
    space = NasBench201Config(channels=16, cells=5).build()
    return build(space, Architecture(space.name, _cell_201(arch)), (3, SIDE, SIDE), CLASSES, fidelity=FULL)


def _cell_101(arch: Sequence[int]) -> tuple[np.ndarray, list[str]]:
    n = round(math.sqrt(len(arch) + 0.25) - 0.5)  # n^2 entries of the matrix, and n operations
    return np.array(arch[: n * n]).reshape(n, n), [nas_bench_101.OPERATIONS[k] for k in arch[n * n :]]


def _network_101(arch: Sequence[int]) -> nn.Module:
    return nas_bench_101.network(*_cell_101(arch), CLASSES)


def _network_301(arch: Sequence[Sequence[tuple[int, int]]]) -> nn.Module:
    """Build DARTS' network in NASLib's way: the normalisations in cells have no weights, and poolings have one, too."""
    cells = (CellGenotype(tuple((OPERATIONS_301[op], state) for state, op in cell), (2, 3, 4, 5)) for cell in arch)
    genotype, config = Genotype(*cells), CellConfig(cells=8, channels=32)

    def stacked(kinds: Mapping[int, Kind], c_in: int, channels: int) -> tuple[nn.Module, int]:
        stack = CellStack(genotype, kinds, c_in, channels)
        for name, module in list(stack.named_modules()):
            if isinstance(module, nn.BatchNorm2d) and ".in_" not in name:
                module.weight = module.bias = None  # type: ignore[assignment]
            elif isinstance(module, nn.Sequential) and isinstance(module[0], nn.MaxPool2d | nn.AvgPool2d):
                width = channels << sum(kind == "reduction" and f"cell_{k}" <= name.split(".")[0] for k, kind in kinds.items())
                module.append(nn.BatchNorm2d(width, affine=False))
        return stack, stack.c_out

    return nn.Sequential(OrderedDict(framed(config, (3, SIDE, SIDE), CLASSES, FULL, stacked)))


BUILD: Mapping[str, Callable[..., nn.Module]] = {"101": _network_101, "201": _network_201, "301": _network_301}
"""What builds the networks of each table."""


def report(folder: Path, out: Path) -> dict[str, object]:
    """Return all figures."""
    with out.open(newline="") as file:
        lines = list(csv.DictReader(file))
    tables = {table: _table(published(folder, table), [line for line in lines if line["table"] == table]) for table in BUILD}
    return {**tables, "mobile": _mobile(folder / "accel-nasbench.csv")}


def _table(rows: Sequence[Row], lines: Sequence[Mapping[str, str]]) -> dict[str, object]:
    """Compare our scores with the published ones, and both with accuracy."""
    theirs = {row.arch: row.published for row in rows}
    archs = list(dict.fromkeys(line["arch"] for line in lines))
    seeds = [{line["arch"]: line for line in lines if line["seed"] == seed} for seed in sorted({line["seed"] for line in lines})]
    same: dict[str, float] = {}
    agree: dict[str, float] = {}
    accuracy: dict[str, float] = {}
    for name in SCORES:
        values = np.array([[float(seed[a][name] or "nan") if a in seed else math.nan for a in archs] for seed in seeds])
        if not np.isfinite(values).any():
            continue
        mean = np.nanmean(values, axis=0)
        column = {"n_params": "params"}.get(name, name)
        if column in rows[0].published:
            same[name] = rank(mean, [theirs[a][column] for a in archs])
        if len(seeds) > 1 and np.isfinite(values[1]).any():
            agree[name] = rank(values[0], values[1])
        accuracy[name] = rank(mean, [theirs[a]["val_accuracy"] for a in archs])
    columns = [name for name in rows[0].published if name not in ("val_accuracy", "epe_nas")]
    all_accuracies = [row.published["val_accuracy"] for row in rows]
    return {
        "networks": len(archs),
        "seeds": len(seeds),
        "ours_and_published": same,
        "two_seeds_of_ours": agree,
        "ours_and_accuracy": accuracy,
        "published_and_accuracy": {name: rank([row.published[name] for row in rows], all_accuracies) for name in columns},
        "published_screen": {name: kept([row.published[name] for row in rows], all_accuracies) for name in columns},
        "published_networks": len(rows),
    }


def _mobile(table: Path) -> dict[str, object]:
    """Say how well sizes rank MobileNet-like networks, which nobody has published other scores of."""
    with table.open(newline="") as file:
        lines = list(csv.DictReader(file))
    values = {name: [float(line[name]) for line in lines] for name in ("params_m", "macs_m", "valid_top1")}
    return {
        "published_networks": len(lines),
        "n_params": rank(values["params_m"], values["valid_top1"]),
        "flops": rank(values["macs_m"], values["valid_top1"]),
        "screen": {name: kept(values[name], values["valid_top1"]) for name in ("params_m", "macs_m")},
    }


def kept(scores: Sequence[float], accuracies: Sequence[float]) -> float:
    """Return what share of the most accurate twentieth is in the best quarter by a score: what a screen lets pass."""
    n = len(scores)
    best, passing = (set(np.argsort(-np.array(x), kind="stable")[: n // k].tolist()) for x, k in ((accuracies, 20), (scores, 4)))
    return round(len(best & passing) / len(best), 2)


def rank(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> float:
    """Return Spearman's rank correlation of what both have."""
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    both = np.isfinite(x) & np.isfinite(y)
    return round(float(spearmanr(x[both], y[both]).statistic), 3)


if __name__ == "__main__":
    main()
