"""NASWOT: by how many units' signs a network tells images apart.

Reference: Mellor, Turner, Storkey, Crowley 2021, Neural Architecture Search without Training (arXiv:2006.04647), eq. 2: for
each pair of images, the number of rectified units that are on for both or off for both, N_A - d_H; the score is the
logarithm of that matrix's determinant. In training mode, as in its code.

Deviation: other activations than ReLU, such as SiLU, count as on where their input is positive.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

_ATEN = torch.ops.aten
ACTIVATIONS = frozenset({
    _ATEN.relu.default, _ATEN.relu_.default, _ATEN.hardtanh.default, _ATEN.hardtanh_.default, _ATEN.silu.default,
    _ATEN.silu_.default, _ATEN.hardswish.default, _ATEN.hardswish_.default, _ATEN.gelu.default, _ATEN.elu.default,
    _ATEN.elu_.default, _ATEN.leaky_relu.default, _ATEN.leaky_relu_.default,
})  # fmt: skip
"""What is called on a tensor whose signs count; `hardtanh` is ReLU6 too."""


@torch.no_grad()
def naswot(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the logarithm of the determinant; minus infinity where two images are alike to all units."""
    del labels
    with _Alike(len(images)) as alike:
        network(images)
    sign, logarithm = torch.linalg.slogdet(alike.matrix)
    return float(logarithm) if float(sign) > 0 else -torch.inf


class _Alike(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts for each pair of images on how many units they agree."""

    def __init__(self, n: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.matrix = torch.zeros(n, n, dtype=torch.float64)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Take note of the signs of what an activation is called on, and compute."""
        if func in ACTIVATIONS and len(args[0]) == len(self.matrix):
            on = (args[0] > 0).flatten(1).float()
            self.matrix += (on @ on.T + (1 - on) @ (1 - on).T).double().cpu()
        return func(*args, **(kwargs or {}))
