"""A convolution that is torch's, but for a fault of its gradients."""

from torch import Tensor, nn
from torch.nn import functional as F


class Conv2d(nn.Conv2d):
    """`torch.nn.Conv2d`, which picks every other pixel first where a kernel of one pixel has a stride.

    That is the same, number by number. As one convolution with a stride, torch 2.15's gradients of a dozen channels or fewer,
    channels last, with two threads or more of a CPU write beyond their memory, and the process dies sooner or later.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  torch's name
        """(B, C_in, H, W) -> (B, C_out, H', W')."""
        if self.kernel_size != (1, 1) or self.stride == (1, 1) or self.padding != (0, 0):
            return super().forward(input)
        down, right = self.stride
        return F.conv2d(input[:, :, ::down, ::right], self.weight, self.bias, groups=self.groups)
