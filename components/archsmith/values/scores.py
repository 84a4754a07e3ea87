"""The scores of networks that nobody has trained: what there is, in a line each, and who published it.

What computes them is in `archsmith.evaluation.scores`, and needs torch; this does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ScoreName = Literal[
    "n_params", "flops", "synflow", "jacov", "naswot", "snip", "grasp", "fisher", "grad_norm", "plain", "l2_norm", "zico",
    "expressivity", "progressivity", "trainability",
]  # fmt: skip
"""What a score is called in the search file, and as a metric of a trial."""


@dataclass(frozen=True, slots=True)
class ZeroCost:
    """What a score says of a network. The larger it is, the better the network is said to be."""

    doc: str
    """What is computed, in a line."""
    reference: str
    """Authors, year and arXiv id; empty where a score is nobody's."""


ZERO_COST: Mapping[ScoreName, ZeroCost] = {
    "n_params": ZeroCost("trainable parameters", ""),
    "flops": ZeroCost("multiply-adds of one image", ""),
    "synflow": ZeroCost("logarithm of what flows from end to end through the absolute weights", "Tanaka 2020, arXiv:2006.05467"),
    "jacov": ZeroCost("how differently the outputs depend on different images", "Mellor 2020, arXiv:2006.04647v1"),
    "naswot": ZeroCost("by how many signs of its units it tells images apart", "Mellor 2021, arXiv:2006.04647"),
    "snip": ZeroCost("sum of |weight x gradient|", "Lee 2019, arXiv:1810.02340"),
    "grasp": ZeroCost("sum of -weight x (Hessian x gradient)", "Wang 2020, arXiv:2002.07376"),
    "fisher": ZeroCost("sum of the squares of activation x gradient", "Turner 2020, arXiv:1906.04113"),
    "grad_norm": ZeroCost("sum over layers of the gradient's norm", "Abdelfattah 2021, arXiv:2101.08134"),
    "plain": ZeroCost("sum of weight x gradient", "Abdelfattah 2021, arXiv:2101.08134"),
    "l2_norm": ZeroCost("sum over layers of the norm of the weights", "Abdelfattah 2021, arXiv:2101.08134"),
    "zico": ZeroCost("size of gradients beside how they differ from batch to batch", "Li 2023, arXiv:2301.11300"),
    "expressivity": ZeroCost("in how many directions features spread, of AZ-NAS", "Lee, Ham 2024, arXiv:2403.19232"),
    "progressivity": ZeroCost("how that grows from block to block, of AZ-NAS", "Lee, Ham 2024, arXiv:2403.19232"),
    "trainability": ZeroCost("whether gradients keep their size in blocks, of AZ-NAS", "Lee, Ham 2024, arXiv:2403.19232"),
}
"""Every score by its name."""

SIZES: frozenset[ScoreName] = frozenset({"n_params", "flops"})
"""Those that are counted: no weights and no images are needed."""
