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


@pytest.mark.parametrize(
    ("images", "labels", "warnings"),
    [
        ("uvwxyz", (0, 0, 1, 1, 2, 2), []),
        ("uvuxyz", (0, 0, 1, 1, 2, 2), [
            "1 image is in several classes at once, pixel for pixel the same, such as one in 'a' and 'b'.",
        ]),
        ("uuwxyz", (0, 0, 1, 1, 2, 2), [
            "All images of 'a' in train are the same, pixel for pixel.",
            "Of 6 images in train, 1 is a copy of another one there; parts that are split off may share it.",
        ]),
    ],
)  # fmt: skip
def test_images_that_are_the_same_are_warned_of(images: str, labels: tuple[int, ...], warnings: list[str]) -> None:
    assert check_differ(ABC, {"train": marks(*images)}, {"train": labels}) == warnings


def test_images_of_other_splits_that_were_trained_on_are_warned_of_where_they_are_a_hundredth() -> None:
    train, labels = marks(*map(str, range(400))), [k % 3 for k in range(400)]
    test = marks("0", *map(str, range(400, 499)))
    assert check_differ(ABC, {"train": train, "test": test}, {"train": labels, "test": labels[:100]}) == [
        "Of 100 images in test, 1 is also in train, so that results with them say too much."
    ]
    test += marks("499")
    assert check_differ(ABC, {"train": train, "test": test}, {"train": labels, "test": labels[:101]}) == []
