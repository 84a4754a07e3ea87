"""Three stages of equal cells, with a residual block between two of them.

Reference: Dong, Yang 2020, NAS-Bench-201 (arXiv:2001.00326), section 2.1 and figure 1.
"""

from collections.abc import Callable

from torch import Tensor, nn

from archsmith.models.blocks import GlobalPool
from archsmith.models.operations import ReluConvBn
from archsmith.models.parts import Parts
from archsmith.spaces.stages import STAGES


def staged(
    channels: int, n_cells: int, input_shape: tuple[int, int, int], n_classes: int, cell: Callable[[int], nn.Module]
) -> Parts:
    """Return the stages with what stands before, between and after them.

    Args:
        channels: Of the first stage; each has twice those of the one before.
        n_cells: Of each stage.
        input_shape: Channels, height and width.
        n_classes: Outputs.
        cell: Makes a cell of so many channels, (B, C, H, W) -> (B, C, H, W).

    Returns:
        Parts that take normalised images, (B, C, H, W), to logits, (B, n_classes), one after the other.
    """
    convolution = nn.Conv2d(input_shape[0], channels, 3, padding=1, bias=False)
    parts: dict[str, nn.Module] = {"stem": nn.Sequential(convolution, nn.BatchNorm2d(channels))}
    for stage in range(STAGES):
        if stage:
            parts[f"residual_{stage}"] = ResidualBlock(channels, 2 * channels)
            channels *= 2
        parts |= {f"stage_{stage + 1}_cell_{k + 1}": cell(channels) for k in range(n_cells)}
    norm = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
    return {**parts, "norm": norm, "global_pool": GlobalPool(), "classifier": nn.Linear(channels, n_classes)}


class ResidualBlock(nn.Module):
    """Two convolutions of 3x3, of which the first halves height and width, beside an average pooling with a 1x1 convolution."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(ReluConvBn(c_in, c_out, 2, kernel=3), ReluConvBn(c_out, c_out, 1, kernel=3))
        # With ceil_mode, it halves odd sides as the convolution does.
        pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
        self.shortcut = nn.Sequential(pool, nn.Conv2d(c_in, c_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_in, H, W) -> (B, C_out, ceil(H / 2), ceil(W / 2))."""
        return self.convolutions(x) + self.shortcut(x)  # type: ignore[no-any-return]
