"""Networks on shared tensors against those that `build` makes with the extracted weights: bit for bit, in every space.

    python benchmarks/shared_tensors.py --architectures 200

For each architecture: logits and gradients in training, running statistics after it, logits in evaluation. What one leaves
behind is what the next one begins with. Spaces are all of ours, one of a user's own in YAML, one in
Python, and those whose layers can be parts of larger ones once more as such. Prints a line of JSON a space; ends with 1 where
one differs.
"""

import argparse
import json
import sys
import time
import types
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from archsmith.models.shared.bank import Bank
from archsmith.models.shared.slices import SlicedBank
from archsmith.spaces import SPACES
from archsmith.spaces.space import Space
from archsmith.testing.plugins import TOWERS
from archsmith.testing.shared_tensors import bank_of, check_agreement

OWN: Mapping[str, Any] = {
    "decisions": [
        {"name": "op", "choices": ["conv", "mbconv", "max_pool_3x3", "sep_conv_3x3", "se"]},
        {"name": "kernel", "choices": [3, 5], "when": {"op": ["conv", "mbconv"]}},
        {"name": "width", "choices": [8, 16, 24], "ordered": True},
        {"name": "depth", "choices": [1, 2, 3]},
    ],
    "network": [
        {"op": "conv", "filters": "$width", "stride": 2},
        {
            "repeat": "$depth",
            "blocks": [
                {
                    "when": {"op": ["conv", "mbconv"]},
                    "blocks": [{"residual": [{"op": "$op", "filters": "$width", "kernel": "$kernel"}]}],
                },
                {"when": {"op": ["max_pool_3x3", "sep_conv_3x3", "se"]}, "blocks": [{"op": "$op"}]},
            ],
        },
        {"branches": [[{"op": "conv", "filters": 4}], [{"op": "avgpool", "kernel": 3}], []], "join": "concat"},
        {"op": "dense", "units": 8},
    ],
}
"""A space of a user's own."""
SMALL: Mapping[str, dict[str, Any]] = {
    "cell": {"cells": 6, "channels": 8},
    "branch-of-cells": {"blocks": 2, "cells": 2, "channels": 8},
    "nas-bench-201": {"cells": 2, "channels": 8},
    "yaml": dict(OWN),
}
"""Settings other than a space's own, so that all of it takes some ten minutes of one core."""
SLICED = ("chain", "branch", "mobile", "yaml")


def main() -> int:
    """Check every space."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", type=int, default=200)
    parser.add_argument("--spaces", nargs="+", default=[*SPACES, "towers"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    agree = [checked(name, Bank, arguments.architectures) for name in arguments.spaces]
    agree += [checked(name, SlicedBank, arguments.architectures) for name in SLICED if name in arguments.spaces]
    return 0 if all(agree) else 1


def checked(name: str, make: type[Bank], n: int) -> bool:
    """Check a space, and print how it went."""
    space, rng, begin = _space(name), np.random.default_rng(0), time.process_time()
    fault = None
    try:
        bank = bank_of(space, make=make)
        check_agreement(bank, space, [space.sample(rng) for _ in range(n)])
    except AssertionError as error:
        fault = str(error)
    row = {"space": name, "bank": make.__name__, "architectures": n, "fault": fault, "cpu_s": time.process_time() - begin}
    print(json.dumps({**row, "tensors": len(bank.parameters)}), flush=True)
    return fault is None


def _space(name: str) -> Space:
    if name == "towers":
        module = types.ModuleType(name)
        exec(TOWERS, module.__dict__)
        return module.TowersConfig().build()  # type: ignore[no-any-return]
    return SPACES[name].model_validate(SMALL.get(name, {})).build()


if __name__ == "__main__":
    sys.exit(main())
