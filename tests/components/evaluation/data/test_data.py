from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from archsmith.errors import DataError
from archsmith.evaluation.data import READERS, Cache, load
from archsmith.spec import DataSpec
from archsmith.testing.buckets import InMemoryBucket

DIGITS = DataSpec(name="digits", validation=0.25, test=0.1)


def test_there_is_a_reader_for_every_name_that_a_search_file_may_give() -> None:
    assert set(READERS) == set(DataSpec.model_json_schema()["properties"]["name"]["enum"])


def test_the_digits_are_split_into_parts_of_the_sizes_asked_for() -> None:
    data = load(DIGITS, seed=0)
    assert (len(data.train), len(data.validation), len(data.test)) == (1213, 404, 180)
    assert data.classes == tuple("0123456789")
    assert data.n_classes == 10
    assert data.input_shape == (1, 8, 8)


def test_every_digit_of_scikit_learn_is_in_exactly_one_split() -> None:
    data = load(DIGITS, seed=0)
    ours = Counter(
        (image.numpy().tobytes(), int(label))
        for part in (data.train, data.validation, data.test)
        for image, label in zip(part.images, part.labels, strict=True)
    )
    raw = load_digits()
    scaled = np.rint(raw.images * 255 / 16).astype(np.uint8)
    assert ours == Counter((image.tobytes(), int(label)) for image, label in zip(scaled, raw.target, strict=True))


def test_the_test_images_do_not_depend_on_the_seed_but_the_validation_images_do() -> None:
    a, b = load(DIGITS, seed=0), load(DIGITS, seed=1)
    assert torch.equal(a.test.images, b.test.images)
    assert not torch.equal(a.validation.images, b.validation.images)


def test_the_same_seed_gives_the_same_splits() -> None:
    a, b = load(DIGITS, seed=7), load(DIGITS, seed=7)
    assert torch.equal(a.train.images, b.train.images)
    assert torch.equal(a.validation.labels, b.validation.labels)


def test_mean_and_deviation_are_those_of_the_training_images_alone() -> None:
    data = load(DIGITS, seed=0)
    pixels = data.train.images.numpy() / 255
    np.testing.assert_allclose(data.mean, [pixels.mean()], rtol=1e-6)
    np.testing.assert_allclose(data.std, [pixels.std()], rtol=1e-6)


def test_images_are_resized_as_pillow_does_it() -> None:
    small, large = load(DIGITS, seed=0), load(DIGITS.model_copy(update={"image_size": 20}), seed=0)
    assert large.input_shape == (1, 20, 20)
    expected = Image.fromarray(small.test.images[0, 0].numpy()).resize((20, 20), Image.Resampling.BILINEAR)
    difference = large.test.images[0, 0].int() - torch.from_numpy(np.array(expected)).int()
    assert difference.abs().max() <= 1


def test_images_of_splits_that_differ_in_size_may_be_resized(tmp_path: Path) -> None:
    file = tmp_path / "two.npz"
    x, y = np.random.default_rng(0).integers(0, 256, (8, 8, 8), dtype=np.uint8), np.arange(8) % 2
    np.savez(file, x_train=x, y_train=y, x_test=x[:, :6], y_test=y)
    with pytest.raises(DataError, match=r"train are \(1, 8, 8\) .* those in test are \(1, 6, 8\)\. .*`data.image_size`"):
        load(DataSpec(name="npz", path=str(file)), seed=0)
    assert load(DataSpec(name="npz", path=str(file), image_size=5), seed=0).test.shape == (1, 5, 5)


def test_data_in_a_bucket_are_read_from_where_they_were_fetched_to(tmp_path: Path) -> None:
    np.savez(tmp_path / "here.npz", x=np.arange(320, dtype=np.uint8).reshape(20, 4, 4), y=np.arange(20) % 2)
    bucket = InMemoryBucket({"there.npz": (tmp_path / "here.npz").read_bytes()})
    data = load(DataSpec(name="npz", path="s3://bucket/there.npz"), seed=0, fetch=Cache(bucket.open, tmp_path))
    assert len(data.train) + len(data.validation) + len(data.test) == 20


def test_data_in_a_bucket_need_something_to_fetch_them_with() -> None:
    with pytest.raises(DataError, match=r"lie at s3://bucket/a.npz, but nothing was given to fetch them with; pass `fetch`"):
        load(DataSpec(name="npz", path="s3://bucket/a.npz"), seed=0)


def test_another_scheme_than_s3_is_refused() -> None:
    with pytest.raises(DataError, match=r"is 'https://example.org/a.npz', but must be a local path or begin with s3://"):
        load(DataSpec(name="npz", path="https://example.org/a.npz"), seed=0)


@pytest.mark.parametrize(
    ("n", "arrays", "message"),
    [
        (2, (), "The class '1' has 2 images to be split into training, test and validation, but needs at least 3, one for each"),
        (1, (), "The class '1' has 1 image to be split into training, test and validation, but needs at least 3"),
        (1, ("test",), "The class '1' has 1 image to be split into training and validation, but needs at least 2"),
    ],
)
def test_a_class_with_too_few_images_to_be_split_is_named_with_all_it_has(
    tmp_path: Path, n: int, arrays: tuple[str, ...], message: str
) -> None:
    x, y = np.arange(400, dtype=np.uint8).reshape(25, 4, 4), np.array([0] * (20 - n) + [1] * n)
    more = {f"{kind}_{name}": array for name in arrays for kind, array in (("x", x[-5:]), ("y", np.array([0, 1, 0, 1, 0])))}
    np.savez(tmp_path / "few.npz", x_train=x[:20], y_train=y, **more)
    with pytest.raises(DataError, match=message):
        load(DataSpec(name="npz", path=str(tmp_path / "few.npz")), seed=0)


def test_images_that_look_black_are_warned_of(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 2, (40, 8, 8), dtype=np.uint8)
    for name, scale in (("mask", 1), ("seen", 255)):
        np.savez(tmp_path / f"{name}.npz", x=x * np.uint8(scale), y=np.arange(40) % 2)
    assert load(DataSpec(name="npz", path=str(tmp_path / "mask.npz")), seed=0).warnings == (
        "The images look black: no value is above 1 of 255. If they were made of numbers from 0 to 1, scale them.",
    )
    assert load(DataSpec(name="npz", path=str(tmp_path / "seen.npz")), seed=0).warnings == ()
