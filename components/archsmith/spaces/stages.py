"""Stages of equal cells, with a residual block between two of them: what several spaces stack their cells into.

Reference: Dong, Yang 2020, NAS-Bench-201 (arXiv:2001.00326), section 2.1 and figure 1.
"""

from collections.abc import Iterator

from archsmith.spaces.graph import Node

STAGES = 3
"""Stages of the network; each has twice the channels of the one before."""


def stack(channels: int, cells: int) -> Iterator[Node]:
    """Yield the nodes of the network from the image to the classifier.

    Args:
        channels: Of the first stage.
        cells: Of each stage.
    """
    yield Node("input", "image", "input")
    yield Node("stem", f"conv 3x3, {channels}", "conv", {"kernel": "3", "filters": str(channels), "followed by": "batch norm"})
    for stage in range(STAGES):
        width = channels * 2**stage
        if stage:
            details = {"convolutions": "2 of 3x3", "shortcut": "average pool 2x2, conv 1x1", "filters": str(width), "stride": "2"}
            yield Node(f"residual_{stage}", f"residual block, {width}, /2", "residual-conv", details)
        times = f"{cells} cells" if cells > 1 else "cell"
        yield Node(f"stage_{stage + 1}", f"{times}, {width}", "cell", {"channels": str(width)})
    yield Node("norm", "batch norm, ReLU", "norm")
    yield Node("global_pool", "global average pool", "global-pool")
    yield Node("output", "classifier", "output")
