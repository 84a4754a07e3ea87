"""Zero-cost scores: how good a network may be, said by one batch of images and no training.

A score is a function of a network whose weights are fresh, and of a batch; the larger it is, the better the network is said to
be. Each has its file. `scoring` builds the networks.

Reference: Abdelfattah, Mehrotra, Dudziak, Lane 2021, Zero-Cost Proxies for Lightweight NAS (arXiv:2101.08134), section 3, and
its published code, as NASLib (Ruchte et al. 2020) has it.
"""

import math
from collections.abc import Mapping
from copy import deepcopy

from torch import Tensor, nn

from archsmith.errors import UnscorableError
from archsmith.evaluation.scores.expressivity import expressivity
from archsmith.evaluation.scores.fisher import fisher
from archsmith.evaluation.scores.flops import flops
from archsmith.evaluation.scores.grad_norm import grad_norm
from archsmith.evaluation.scores.grasp import grasp
from archsmith.evaluation.scores.jacov import jacov
from archsmith.evaluation.scores.l2_norm import l2_norm
from archsmith.evaluation.scores.n_params import n_params
from archsmith.evaluation.scores.naswot import naswot
from archsmith.evaluation.scores.plain import plain
from archsmith.evaluation.scores.progressivity import progressivity
from archsmith.evaluation.scores.score import Score
from archsmith.evaluation.scores.snip import snip
from archsmith.evaluation.scores.synflow import synflow
from archsmith.evaluation.scores.trainability import trainability
from archsmith.evaluation.scores.zico import zico
from archsmith.values.scores import ScoreName

SCORES: Mapping[ScoreName, Score] = {
    "n_params": n_params,
    "flops": flops,
    "synflow": synflow,
    "jacov": jacov,
    "naswot": naswot,
    "snip": snip,
    "grasp": grasp,
    "fisher": fisher,
    "grad_norm": grad_norm,
    "plain": plain,
    "l2_norm": l2_norm,
    "zico": zico,
    "expressivity": expressivity,
    "progressivity": progressivity,
    "trainability": trainability,
}
"""What computes each score that `archsmith.values.scores.ZERO_COST` describes."""


def computed(name: ScoreName, network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return a score of a network that is left as it was: a copy of it is scored.

    Args:
        name: Which score.
        network: With fresh weights, on the device of the batch.
        images: (B, C, H, W), float32, of about zero mean and unit deviation a channel.
        labels: (B,), int64.

    Raises:
        UnscorableError: It is not a finite number.
    """
    value = SCORES[name](deepcopy(network).train(), images, labels)
    if not math.isfinite(value):
        raise UnscorableError(
            f"The score {name} of the untrained network is {value}, but must be finite; signals or gradients vanish or grow "
            "beyond all bounds on their way through it, it can't tell the images apart, or it is too small for this score."
        )
    return value
