"""Bits of a channel: 16 brought to 8, and images that use few of them."""

import numpy as np

WHOLE = 65_535
FULL = 16_384
"""Greatest values below this leave less than 64 of 256 levels."""


def eight_bits(values: np.ndarray) -> np.ndarray:
    """Return whole numbers of 16 bits as the nearest ones of 8: 65,535 becomes 255."""
    scaled: np.ndarray = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return scaled


NEARLY_BLACK = 16
"""Greatest values of 8 bits below this are seen by nobody."""


def black(peak: int) -> list[str]:
    """Return a warning where images of 8 bits use so little of them that they look black."""
    if peak >= NEARLY_BLACK:
        return []
    return [f"The images look black: no value is above {peak} of 255. If they were made of numbers from 0 to {peak}, scale them."]


def dark(peak: int) -> list[str]:
    """Return a warning where images of 16 bits use so little of them that most of their contrast is lost."""
    if peak >= FULL:
        return []
    bits = max(int(peak).bit_length(), 1)
    return [
        f"Images of 16 bits are read by their whole range, 0 to {WHOLE:,}, but these have values up to {peak:,} only, and so at "
        f"most {peak // 257 + 1} of 256 levels. If they are of {bits} bits, multiply them by {2 ** (16 - bits)} before."
    ]
