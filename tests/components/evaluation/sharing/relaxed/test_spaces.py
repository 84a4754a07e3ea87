"""Every space that can be relaxed: a training leads to architectures of the space, and knows how good they are."""

import math
from dataclasses import replace
from typing import Any

import pytest

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.sharing.make import make_training
from archsmith.models.mixed import MIXED
from archsmith.spaces import SPACES
from archsmith.spaces.mixing import unmixable
from archsmith.spec import TrainingSpec
from archsmith.spec.supernets import DARTS, GDAS, PROXYLESS, SNAS
from archsmith.values import Fidelity

ONE = {"branches": 1, "joins": ["sum"]}
CELL = {"channels": 4, "nodes": 2, "operations": ["skip_connect", "conv_3x3"]}
SMALL: dict[str, dict[str, Any]] = {
    "branch": {**ONE, "layers": {"min": 1, "max": 3}, "stem": 4, "filters": [4], "strides": [1], "kernels": [3]},
    "branch-of-cells": {**CELL, "macro": "residual"},
    "cell": {**CELL, "cells": 3},
    "chain": {"layers": {"min": 1, "max": 3}, "operations": ["conv", "sepconv"], "filters": [4], "strides": [1], "units": [4]},
    "fabric": {"layers": 4, "scales": 3, "channels": 4},
    "hierarchical": {**ONE, **CELL, "layers": {"min": 1, "max": 3}, "doublings": 1},
    "mobile": {"stem": 8, "stages": [{"channels": 8}, {"channels": 8, "stride": 2}], "depth": {"min": 1, "max": 2}, "head": 16},
    "nas-bench-201": {"cells": 1, "channels": 4},
}
METHODS = {"darts": DARTS, "gdas": GDAS, "snas": SNAS, "proxyless": PROXYLESS}


@pytest.mark.parametrize(("space", "method"), [(s, list(METHODS)[k % 4]) for k, s in enumerate(MIXED)])
def test_a_training_leads_to_architectures_of_the_space(few: Dataset, cpu: Device, space: str, method: str) -> None:
    made = SPACES[space].model_validate(SMALL[space]).build()
    assert unmixable(made) is None
    training = make_training(
        replace(METHODS[method], epochs=1, warmup=0.0), space=made, dataset=few, fidelity=Fidelity(1),
        training=TrainingSpec(batch_size=80), device=cpu, seed=0,
    )  # fmt: skip
    (record,) = training.run()
    derived = training.derived(3)
    assert len(set(derived)) == 3
    for architecture in derived:
        made.validate(architecture)
    assert derived[0] == record.derived
    assert math.isfinite(record.val_loss)
