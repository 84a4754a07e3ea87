"""Which layers make a tensor what it is: those that could give zeros, or less of it, without a change of anything else."""

from collections import Counter
from collections.abc import Mapping

from archsmith.models.morphisms.channels import kind_of
from archsmith.models.morphisms.fits import Fit
from archsmith.models.morphisms.trace import Traced

_KEEP_ZEROS = frozenset(
    {"identity", "relu", "ReLU6", "relu6", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "GlobalPool", "mean", "getitem", "pad",
     "Flatten", "ReplicationPad2d", "ZeroPad2d", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d"}
)  # fmt: skip
_KEEP_FACTORS = _KEEP_ZEROS - {"ReLU6", "relu6"}


class Origins:
    """The layers of the child behind its tensors.

    Args:
        child: The child.
        fits: What its layers take, as far as that is known.
    """

    def __init__(self, child: Traced, fits: Mapping[str, Fit]) -> None:
        self._steps = child.steps
        self._fits = fits
        self._users = Counter(i for step in child.steps for i in step.inputs)

    def of_zeros(self, place: int, *, gate: bool = False) -> frozenset[str] | None:
        """Return the new layers that must give zeros for this tensor to be zeros; None where no new ones alone can.

        Args:
            place: Of the step whose tensor it is.
            gate: Whether a sigmoid may stand between, which makes 1/2 of zeros.
        """
        step = self._steps[place]
        if step.op == "zero":
            return frozenset()
        if step.op == "module" and step.module in self._fits:
            return frozenset({step.module}) if self._fits[step.module].way in ("identity", "fresh") else None
        if step.op in ("add", "cat"):
            return _all([self.of_zeros(i, gate=gate) for i in step.inputs])
        if step.op == "mul":
            return next((found for i in step.inputs if (found := self.of_zeros(i)) is not None), None)
        passes = step.op == "slice" or (
            step.op == "function" and kind_of(step.key) in _KEEP_ZEROS | ({"sigmoid"} if gate else set())
        )
        return self.of_zeros(step.inputs[0], gate=gate) if passes else None

    def of_shares(self, place: int) -> frozenset[str] | None:
        """Return the layers that scale this tensor and nothing else; None where there are none."""
        step = self._steps[place]
        if self._users[place] > 1:
            return None
        if step.op == "module" and step.module in self._fits:
            return frozenset({step.module})
        if step.op in ("add", "cat"):
            return _all([self.of_shares(i) for i in step.inputs])
        if step.op == "mul":
            return self.of_shares(step.inputs[0])
        passes = step.op == "function" and kind_of(step.key) in _KEEP_FACTORS
        return self.of_shares(step.inputs[0]) if passes else None

    def before(self, layer: str) -> frozenset[str]:
        """Return the new layers that a layer reads, and no other does."""
        (place,) = (k for k, step in enumerate(self._steps) if step.module == layer)
        found = set[str]()
        while len(self._steps[place].inputs) == 1:
            place = self._steps[place].inputs[0]
            step = self._steps[place]
            if self._users[place] > 1 or (step.op == "module" and self._is_old(step.module)):
                break
            found |= {step.module} if step.op == "module" else set()
        return frozenset(found)

    def _is_old(self, layer: str) -> bool:
        return layer not in self._fits or self._fits[layer].way not in ("identity", "fresh")


def _all(found: list[frozenset[str] | None]) -> frozenset[str] | None:
    """Return all of them; None where one is not known."""
    return frozenset[str]().union(*(some for some in found if some is not None)) if None not in found else None
