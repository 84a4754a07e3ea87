import numpy as np
import pytest

from archsmith.errors import DataError
from archsmith.evaluation.data.fingerprint import check_differ, digest_of, fingerprint

ABC = ("a", "b", "c")


def marks(*names: str) -> list[bytes]:
    return [name.encode() for name in names]


def test_only_images_with_the_same_pixels_share_a_fingerprint() -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((4, 6), (6, 4), (4, 6, 3), (3, 8))]
    images += [images[0].reshape(6, 4), images[0][::-1], images[2][..., ::-1]]
    assert len({fingerprint(image) for image in images}) == len(images)
    assert fingerprint(images[0].copy()) == fingerprint(np.asfortranarray(images[0])) == fingerprint(images[0])
    assert fingerprint(np.dstack([images[0]] * 3)) == fingerprint(images[0])


def test_the_digest_changes_with_classes_images_labels_order_and_splits() -> None:
    base = (ABC, {"train": marks("x", "y")}, {"train": [0, 1]})
    others = [
        (("a", "b", "d"), *base[1:]),
        (ABC, {"train": marks("x", "z")}, base[2]),
        (ABC, base[1], {"train": [0, 2]}),
        (ABC, {"train": marks("y", "x")}, base[2]),
        (ABC, {"train": marks("x"), "test": marks("y")}, {"train": [0], "test": [1]}),
        (ABC, {"test": marks("x", "y")}, {"test": [0, 1]}),
    ]
    digests = {digest_of(*each) for each in (base, *others)}
    assert len(digests) == len(others) + 1
    assert digest_of(*base) == digest_of(*base)
    assert all(len(digest) == 32 for digest in digests)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ("xxxx", (0, 1, 0, 1), "All 4 images are the same, pixel for pixel, so there is nothing to learn"),
        ("xyxy", (0, 0, 1, 1), "The classes 'a' and 'b' hold the same images, pixel for pixel; nothing tells them apart"),
        ("xyzxyw", (0, 0, 2, 1, 1, 2), "The classes 'a' and 'b' hold the same images"),
        ("xzxyyx", (0, 1, 2, 0, 2, 2), "The classes 'a' and 'c' hold the same images"),
    ],
)
def test_images_from_which_nothing_can_be_learnt_are_refused(images: str, labels: tuple[int, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_differ(ABC, {"train": marks(*images)}, {"train": labels})


def test_classes_that_share_some_images_are_not_refused() -> None:
    check_differ(ABC, {"train": marks(*"uvuxyz")}, {"train": (0, 0, 1, 1, 2, 2)})
