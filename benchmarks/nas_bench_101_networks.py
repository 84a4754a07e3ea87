"""Networks of NAS-Bench-101, of which our spaces have no equal: cells of up to seven vertices, in three stacks of three.

Reference: Ying, Klein, Christiansen, Real, Murphy, Hutter 2019, NAS-Bench-101: Towards Reproducible Neural Architecture Search
(arXiv:1902.09635), section 2 and its published code: the cell's output concatenates what its last vertices give, whose channels
add up to its own; what the input gives to a vertex, or to the output, passes a 1x1 convolution; max pooling between stacks.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool

OPERATIONS = ("input", "output", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu")
"""What a vertex does, in the order of NASLib's numbers."""


class ConvBnRelu(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, c_in: int, c_out: int, kernel: int) -> None:
        convolution = nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(c_out), nn.ReLU())


class Cell(nn.Module):
    """A cell: (B, C_in, H, W) -> (B, C_out, H, W).

    Args:
        matrix: Which vertex leads to which, upper triangular, the input first and the output last.
        operations: What each vertex does.
        c_in: Channels of the input.
        c_out: Channels of the output.
    """

    def __init__(self, matrix: np.ndarray, operations: Sequence[str], c_in: int, c_out: int) -> None:
        super().__init__()
        self.matrix, self.last = matrix, len(matrix) - 1
        self.channels = vertex_channels(c_in, c_out, matrix)
        inner = range(1, self.last)
        self.projections = nn.ModuleDict({str(v): ConvBnRelu(c_in, self.channels[v], 1) for v in inner if matrix[0, v]})
        self.operations = nn.ModuleDict({str(v): _operation(operations[v], self.channels[v]) for v in inner})
        self.shortcut = ConvBnRelu(c_in, c_out, 1) if matrix[0, self.last] else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply the cell."""
        outputs: dict[int, Tensor] = {}
        for v in range(1, self.last):
            given = [outputs[u][:, : self.channels[v]] for u in range(1, v) if self.matrix[u, v]]
            given += [self.projections[str(v)](x)] if self.matrix[0, v] else []
            outputs[v] = self.operations[str(v)](sum(given))
        joined = [outputs[v] for v in range(1, self.last) if self.matrix[v, self.last]]
        if not joined:
            assert self.shortcut is not None
            return self.shortcut(x)  # type: ignore[no-any-return]
        y = torch.cat(joined, 1)
        return y if self.shortcut is None else y + self.shortcut(x)


def vertex_channels(c_in: int, c_out: int, matrix: np.ndarray) -> list[int]:
    """Return the channels of each vertex: those that the output concatenates share its own, the first ones the remainder.

    Any other vertex has as many as the widest of those that it leads to.
    """
    n = len(matrix)
    channels = [c_in] + [0] * (n - 2) + [c_out]
    ends = [v for v in range(1, n - 1) if matrix[v, n - 1]]
    for k, v in enumerate(ends):
        channels[v] = c_out // len(ends) + (k < c_out % len(ends))
    for v in range(n - 3, 0, -1):
        if v not in ends:
            channels[v] = max(channels[w] for w in range(v + 1, n - 1) if matrix[v, w])
    return channels


def pruned(matrix: np.ndarray, operations: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Leave out the vertices that the input does not reach, or that do not reach the output."""
    n = len(matrix)
    paths = np.linalg.matrix_power(np.eye(n, dtype=int) + matrix, n) > 0
    kept = [v for v in range(n) if paths[0, v] and paths[v, n - 1]]
    return matrix[np.ix_(kept, kept)], [operations[v] for v in kept]


def network(matrix: np.ndarray, operations: Sequence[str], n_classes: int, channels: int = 128) -> nn.Sequential:
    """Build the network of a cell for images of three channels, its weights drawn from torch's own generator.

    They are drawn as in the code that NASLib has: normal, with variance 2 / fan-out, and with a deviation of 0.01 in the
    last layer.

    Args:
        matrix: See `Cell`.
        operations: What each vertex does, of `OPERATIONS`.
        n_classes: Outputs.
        channels: Of the first stack.
    """
    matrix, operations = pruned(matrix, operations)
    parts: list[nn.Module] = [ConvBnRelu(3, channels, 3)]
    c_in = channels
    for stack in range(3):
        parts += [nn.MaxPool2d(2)] if stack else []
        for _ in range(3):
            parts.append(Cell(matrix, operations, c_in, channels << stack))
            c_in = channels << stack
    made = nn.Sequential(*parts, GlobalPool(), nn.Linear(c_in, n_classes))
    for module in made.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
            nn.init.zeros_(module.bias)
    return made


def _operation(name: str, channels: int) -> nn.Module:
    if name == "maxpool3x3":
        return nn.MaxPool2d(3, 1, 1)
    return ConvBnRelu(channels, channels, 1 if name == "conv1x1-bn-relu" else 3)
