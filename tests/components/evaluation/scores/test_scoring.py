"""Scores of architectures whose networks are built for it."""

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.scores.batch import Batch
from archsmith.evaluation.scores.scoring import scoring
from archsmith.models.cost import cost_of
from archsmith.spaces.chain import ChainSpace
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spaces.space import Space
from archsmith.values import Architecture
from archsmith.values.scores import ScoreName


@dataclass
class Unbuildable:
    """A space whose networks can't be built."""

    name: str = "chain"

    def assignment(self, architecture: Architecture) -> dict[str, Any]:
        del architecture
        return {"layers": 1, "op_1": "maxpool", "pool_1": -2, "stride_1": 1, "dense": 0}


def test_scores_are_those_of_a_function_of_the_architecture_alone(
    space: ChainSpace, architecture: Architecture, deep: Architecture
) -> None:
    names: tuple[ScoreName, ...] = ("snip", "n_params", "synflow", "flops")
    first, other = (scoring(space, names, (1, 8, 8), 10, seed=1) for _ in range(2))
    assert list(first(architecture)) == list(names)
    other(deep)
    assert first(architecture) == other(architecture)
    assert scoring(space, names, (1, 8, 8), 10, seed=2)(architecture)["snip"] != first(architecture)["snip"]
    assert first(architecture)["n_params"] == cost_of(space, architecture, (1, 8, 8), 10).n_params


def test_a_batch_is_what_the_network_sees(space: ChainSpace, architecture: Architecture, few: Dataset) -> None:
    batch = Batch.of(few, 12, 0, side=6)
    assert batch.images.shape == (12, 1, 6, 6)
    noise = scoring(space, ("snip", "synflow"), few.input_shape, few.n_classes)(architecture)
    seen = scoring(space, ("snip", "synflow"), few.input_shape, few.n_classes, batch=batch)(architecture)
    assert seen["snip"] != noise["snip"]


def test_images_that_are_all_the_same_tell_nothing(space: ChainSpace, architecture: Architecture) -> None:
    batch = Batch(torch.zeros(4, 1, 8, 8), torch.arange(4))
    assert math.isnan(scoring(space, ("naswot",), (1, 8, 8), 10, batch=batch)(architecture)["naswot"])


def test_what_can_not_be_built_has_no_scores() -> None:
    scores = scoring(cast("Space", Unbuildable()), ("n_params", "flops"), (1, 8, 8), 10)(Architecture("chain", ()))
    assert list(scores) == ["n_params", "flops"]
    assert all(math.isnan(value) for value in scores.values())


def test_two_spellings_of_a_network_have_the_same_scores() -> None:
    space = NasBench201Config(channels=8, cells=1).build()
    rng, score = np.random.default_rng(0), scoring(space, ("snip",), (3, 16, 16), 10)
    drawn = (space.sample(rng) for _ in range(200))
    spelled = next(a for a in drawn if space.canonical(a) != a)
    assert score(spelled) == score(space.canonical(spelled))
