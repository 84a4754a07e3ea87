import numpy as np
import pytest

from archsmith.evaluation.data.depth import black, dark, eight_bits


def test_sixteen_bits_become_the_nearest_eight_and_all_that_eight_can_say_stay_as_they_are() -> None:
    values = np.arange(65536, dtype=np.uint16)
    exact = values / 257
    assert np.abs(eight_bits(values) - exact).max() <= 0.5
    np.testing.assert_array_equal(eight_bits(np.arange(256, dtype=np.uint16) * 257), np.arange(256))


@pytest.mark.parametrize(
    ("peak", "says"),
    [
        (4095, "at most 16 of 256 levels. If they are of 12 bits, multiply them by 16 before"),
        (1023, "at most 4 of 256 levels. If they are of 10 bits, multiply them by 64 before"),
        (16383, "at most 64 of 256 levels. If they are of 14 bits, multiply them by 4 before"),
        (0, "at most 1 of 256 levels"),
    ],
)
def test_images_of_fewer_bits_than_sixteen_are_warned_of(peak: int, says: str) -> None:
    assert says in dark(peak)[0]


def test_images_that_use_a_quarter_of_their_bits_or_more_are_fine() -> None:
    assert (dark(16384), dark(65535), black(16), black(255)) == ([], [], [], [])
