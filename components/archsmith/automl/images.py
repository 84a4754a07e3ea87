"""At which size images are trained on, where they differ in size or are large."""

import math
from collections.abc import Sequence
from statistics import median

LARGEST = 64
"""Images of at most so many pixels squared are left as they are, whatever their shape."""

MANY = 8_000
"""Images, at five minutes on two cores, from which on small ones are taken; more minutes or cores take more."""

SIZES = (64, 48, 32)


def image_size(sizes: Sequence[tuple[int, int]], n: int, core_minutes: float, *, gpu: bool = False) -> tuple[int | None, str]:
    """Return height and width to resize images to, and why; None where they stay as they are.

    Args:
        sizes: Height and width of the images.
        n: How many images there are.
        core_minutes: Minutes of all cores together.
        gpu: Whether trainings run on a GPU.
    """
    different, sides = set(sizes), [math.isqrt(height * width) for height, width in sizes]
    if not sizes or (len(different) == 1 and sides[0] <= LARGEST):
        return None, ""
    per_image = core_minutes * (10 if gpu else 1) / 10 * MANY / max(1, n)
    affordable = SIZES[0] if per_image >= 1 else SIZES[1] if per_image >= 0.4 else SIZES[2]
    usual = int(median(sides))
    size = max(8, min(affordable, usual if usual < SIZES[-1] else max(s for s in SIZES if s <= usual)))
    if len(different) == 1:
        height, width = next(iter(different))
        return size, f"they are {width} x {height} pixels, of which networks can't see enough in this time."
    low, high = min(different), max(different)
    return size, f"they are of {len(different):,} different sizes, from {low[1]} x {low[0]} to {high[1]} x {high[0]} pixels."
