"""A step of a relaxation against a plain one, a sampled path's step against it, and what two paths keep in memory.

    python benchmarks/mixed_step.py --pairs 5

The plain step is that of DARTS' equations as anyone would write them: every edge adds up its operations times their softmax, a
backward pass for the alphas and one for the weights, torch's own optimizers. Both have the same operations and the same cells.
Times are of the processor, in one thread, and taken in turns. What is kept for a backward pass is counted by
hooks, once for each piece of memory. Must show: no slower than the plain step; a path's step in at most a quarter of it; and in
the mobile space, two paths keep at most 1.3 times as much as one. Prints JSON; some two minutes.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archsmith.evaluation.device import choose_device
from archsmith.evaluation.sharing.relaxed.alphas import Alphas
from archsmith.evaluation.sharing.relaxed.learner import Learner
from archsmith.evaluation.sharing.relaxed.supernet import Supernet
from archsmith.models.initialise import initialise
from archsmith.models.mixed import build_mixed
from archsmith.models.mixed.network import Mixed, Mixture
from archsmith.spaces.cells.cell import CellConfig
from archsmith.spaces.mobile import MobileConfig
from archsmith.spaces.space import Space
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import DARTS, GDAS, PROXYLESS, Relaxed
from archsmith.values import Fidelity

SHAPE, CLASSES, BATCH = (3, 16, 16), 10, 16
LIMITS = {"mixed_to_plain": 1.0, "path_to_mixed": 0.25, "two_paths_to_one": 1.3}

Batch = tuple[Tensor, Tensor]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cells = CellConfig.model_validate({"cells": 4, "channels": 8}).build()
    ours, plain, path = learner(cells, DARTS), Plain(mixed(cells)), learner(cells, GDAS)
    train, held = batch(0), batch(1)

    def mixed_step() -> None:
        ours.train_alphas(0.5, train, held)
        ours.train_weights(0.5, train)

    def path_step() -> None:
        path.train_weights(0.5, train)

    def mixed_weights() -> None:
        ours.train_weights(0.5, train)

    steps = {"mixed": mixed_step, "plain": lambda: plain.step(train, held), "path": path_step, "mixed_weights": mixed_weights}
    taken = in_turns(steps, arguments.pairs)
    kept = {name: saved(MobileConfig().build(), turn) for name, turn in (("one_path", "weights"), ("two_paths", "alphas"))}
    found = {
        "mixed_to_plain": ratio(taken, "mixed", "plain"),
        "path_to_mixed": ratio(taken, "path", "mixed_weights"),
        "two_paths_to_one": kept["two_paths"] / kept["one_path"],
    }
    print(json.dumps({
        "cpu_seconds": {name: round(statistics.median(times), 4) for name, times in taken.items()},
        "saved_mb": {name: round(n / 1e6, 1) for name, n in kept.items()},
        **{name: {"found": round(v, 3), "limit": LIMITS[name], "within": v <= LIMITS[name]} for name, v in found.items()},
    }, indent=2))  # fmt: skip


def mixed(space: Space) -> Mixed:
    """Return the mixed network of a space, with its first weights."""
    network = build_mixed(space, SHAPE, CLASSES, fidelity=Fidelity(1))
    initialise(network, torch.Generator().manual_seed(0))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def learner(space: Space, settings: Relaxed) -> Learner:
    """Return what takes the steps of a method."""
    device, network, generator = choose_device(gpu=0, fallback="cpu"), mixed(space).train(), torch.Generator().manual_seed(0)
    alphas = Alphas(network.points, generator)
    return Learner(
        Supernet(network, device, TrainingSpec()), alphas, settings, generator, scaler=device.scaler("float32"), steps=1000
    )


def batch(seed: int) -> Batch:
    """Return images and labels."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(BATCH, *SHAPE, generator=generator).contiguous(memory_format=torch.channels_last)
    return x, torch.randint(CLASSES, (BATCH,), generator=generator)


class Plain:
    """DARTS to first order, as in its equations 2 and 5, on the cells of a mixed network whose mixtures are replaced.

    Args:
        network: Gives the operations, and what stands around them.
    """

    def __init__(self, network: Mixed) -> None:
        self.network = network.train()
        self.alphas = {p.name: torch.zeros(len(p.options), requires_grad=True) for p in network.points}
        for module in network.modules():
            if isinstance(module, Mixture):
                for option in module.values():  # each has its own ReLU, which a mixture takes out and applies once for all
                    if isinstance(option, nn.Sequential) and isinstance(option[0], nn.Identity):
                        option[0] = nn.ReLU()
                module.forward = self._sum_of(module)  # type: ignore[method-assign]
        self.of_weights = torch.optim.SGD(network.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
        self.of_alphas = torch.optim.Adam(self.alphas.values(), 3e-4, betas=(0.5, 0.999), weight_decay=1e-3)

    def step(self, train: Batch, held: Batch) -> None:
        """Take a step of the alphas, and one of the weights."""
        self.of_alphas.zero_grad()
        self._loss(held).backward()
        self.of_alphas.step()
        self.of_weights.zero_grad()
        self._loss(train).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.of_weights.step()

    def _loss(self, batch: Batch) -> Tensor:
        weights: Any = {name: alpha.softmax(0) for name, alpha in self.alphas.items()}
        return F.cross_entropy(self.network(batch[0], weights), batch[1])

    @staticmethod
    def _sum_of(mixture: Mixture) -> Callable[[Tensor, Any], Tensor]:
        for op in mixture.values():
            # What a mixture computes once for all operations, each has of its own here.
            if isinstance(op, nn.Sequential) and isinstance(op[0], nn.Identity):
                op[0] = nn.ReLU()

        def forward(x: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
            return sum(w * op(x) for w, op in zip(weights[mixture.point], mixture.values(), strict=True))  # type: ignore[return-value]

        return forward


def in_turns(steps: Mapping[str, Callable[[], None]], pairs: int) -> dict[str, list[float]]:
    """Return the seconds of each step, by its name."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(pairs + 1):
        for name, step in steps.items():
            begin = time.process_time()
            step()
            if turn:  # the first one warms up
                taken[name].append(time.process_time() - begin)
    return taken


def ratio(taken: Mapping[str, list[float]], a: str, b: str) -> float:
    """Return the median of the ratios of turns."""
    return statistics.median(x / y for x, y in zip(taken[a], taken[b], strict=True))


def saved(space: Space, turn: str) -> int:
    """Return the most bytes that a step of ProxylessNAS keeps for its backward pass, the weights themselves not counted."""
    made = learner(space, PROXYLESS)
    own = {w.untyped_storage().data_ptr() for w in made.of_weights.param_groups[0]["params"]}
    with torch.no_grad():  # the same blocks in both: the costliest, so that all is computed
        made.alphas.values.copy_(favourites(made.alphas))
    counted: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            counted[storage.data_ptr()] = storage.nbytes()
        kept.append(tensor)  # so that its memory is not used again while we count
        return tensor

    kept: list[Tensor] = []
    hooks: AbstractContextManager[Any] = torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor)
    with hooks:
        made.train_weights(0.5, batch(0)) if turn == "weights" else made.train_alphas(0.5, batch(0), batch(1))
    return sum(counted.values())


def favourites(alphas: Alphas) -> Tensor:
    """Return alphas with which two like options of each point are drawn, as good as surely: (n,)."""
    parts = []
    for point in alphas.points:
        part = torch.full((len(point.options),), -50.0)
        last = len(point.options) - 1 - (point.options[-1] in point.skips)
        part[[last, last - 1]] = 0.0
        parts.append(part)
    return torch.cat(parts)


if __name__ == "__main__":
    main()
