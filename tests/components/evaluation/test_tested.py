"""The look at the test images, against scikit-learn."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from torch import Tensor, nn

from archsmith.evaluation.data import Dataset, Images
from archsmith.evaluation.device import Device
from archsmith.evaluation.tested import LARGEST, N_EXAMPLES, look

CLASSES = ("cat", "dog", "<script>")


class Reader(nn.Module):
    """Has logits that stand in the first pixels of an image."""

    def forward(self, x: Tensor) -> Tensor:
        return 20 * x[:, 0, 0, : len(CLASSES)]


def dataset(pixels: np.ndarray, labels: np.ndarray) -> Dataset:
    images = Images(torch.from_numpy(pixels), torch.from_numpy(labels))
    return Dataset(images, images, images, CLASSES, (0.5,), (0.5,))


@pytest.fixture(name="data")
def _data() -> Dataset:
    rng = np.random.default_rng(0)
    return dataset(rng.integers(0, 256, (97, 3, 5, 4), dtype=np.uint8), rng.integers(0, 3, 97))


def probabilities(data: Dataset) -> np.ndarray:
    logits = 20 / 255 * data.test.images[:, 0, 0, :3].numpy()
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_confusion_accuracy_and_loss_are_those_of_scikit_learn(data: Dataset, cpu: Device) -> None:
    tested = look(Reader(), data, cpu, batch_size=10)
    true, found = data.test.labels.numpy(), probabilities(data)
    assert np.array(tested.confusion).tolist() == confusion_matrix(true, found.argmax(1), labels=[0, 1, 2]).tolist()
    assert tested.accuracy == pytest.approx(accuracy_score(true, found.argmax(1)))
    assert tested.loss == pytest.approx(log_loss(true, found), rel=1e-5)


def test_a_class_that_is_never_predicted_has_its_column(cpu: Device) -> None:
    pixels = np.zeros((4, 1, 5, 4), dtype=np.uint8)
    pixels[:, :, 0, 0] = 255
    assert look(Reader(), dataset(pixels, np.array([0, 1, 2, 2])), cpu, batch_size=3).confusion == (
        (1, 0, 0),
        (1, 0, 0),
        (2, 0, 0),
    )


def test_the_examples_are_the_surest_mistakes_and_known_images_of_every_class(data: Dataset, cpu: Device) -> None:
    tested = look(Reader(), data, cpu, batch_size=10)
    true, found = data.test.labels.numpy(), probabilities(data)
    wrong, known = tested.examples[:N_EXAMPLES], tested.examples[N_EXAMPLES:]
    surest = sorted((k for k in range(97) if found[k].argmax() != true[k]), key=lambda k: -found[k].max())[:N_EXAMPLES]
    assert [(e.label, e.predicted) for e in wrong] == [(true[k], found[k].argmax()) for k in surest]
    assert [e.probability for e in wrong] == pytest.approx([found[k].max() for k in surest])
    assert all(e.label == e.predicted for e in known)
    assert [e.label for e in known] == [0, 1, 2, 0, 1, 2, 0, 1]
    shown = np.asarray(Image.open(io.BytesIO(wrong[0].png)))
    assert (shown == data.test.images[surest[0]].permute(1, 2, 0).numpy()).all()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (2, None)])
def test_examples_are_small_grey_or_coloured_and_none_where_neither_can_be(channels: int, mode: str | None, cpu: Device) -> None:
    pixels = np.full((6, channels, 300, 200), 7, dtype=np.uint8)
    examples = look(Reader(), dataset(pixels, np.array([0, 1, 2, 0, 1, 2])), cpu, batch_size=4).examples
    assert {Image.open(io.BytesIO(e.png)).mode for e in examples} == ({mode} if mode else set())
    assert all(max(Image.open(io.BytesIO(e.png)).size) == LARGEST for e in examples)
