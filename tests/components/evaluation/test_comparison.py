"""Two exported models on the same test images: each tells a class by the mean of a channel, so what it knows is known."""

import pytest
import torch
from torch import Tensor, nn

from archsmith.errors import ExportError
from archsmith.evaluation.comparison import compare, known
from archsmith.evaluation.data import Dataset, Images
from archsmith.evaluation.export import export

CLASSES = ("red", "green", "blue")
PICTURES = torch.randint(0, 256, (300, 3, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
STRONGEST = PICTURES.float().mean((2, 3)).argmax(1)


class Channels(nn.Module):
    """Takes the strongest of some channels for the class."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights))

    def forward(self, x: Tensor) -> Tensor:
        return self.weights * x.mean((2, 3))


def exported(*weights: float, classes: tuple[str, ...] = CLASSES, shape: tuple[int, int, int] = (3, 4, 5)) -> bytes:
    about = {"classes": list(classes), "input_shape": list(shape)}
    return export(Channels(*weights), torch.rand(4, *shape), about).onnx


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Images of the strongest channel's class, but every third one, which is said to be the class after it."""
    labels = STRONGEST.clone()
    labels[::3] = (labels[::3] + 1) % 3
    images = Images(PICTURES, labels)
    return Dataset(images, images, images, CLASSES, (0.5,) * 3, (0.3,) * 3)


@pytest.fixture(scope="module")
def good() -> bytes:
    return exported(1.0, 1.0, 1.0)


@pytest.mark.cluster  # for its length; it needs none
def test_what_each_knows_is_counted_image_by_image(good: bytes, dataset: Dataset) -> None:
    blind = exported(1.0, 1.0, 0.0)  # never says blue
    right = dataset.test.labels == STRONGEST
    seen = PICTURES.float().mean((2, 3))[:, :2].argmax(1) == dataset.test.labels
    assert known(good, dataset) == right.tolist()
    found = compare(good, blind, dataset)
    assert not isinstance(found, str)
    assert (found.n, found.new, found.old) == (300, int(right.sum()), int(seen.sum()))
    assert (found.gained, found.lost) == (int((right & ~seen).sum()), int((seen & ~right).sum()))
    assert found.lost > 0


def test_models_of_other_classes_or_images_are_not_compared_and_say_so(good: bytes, dataset: Dataset) -> None:
    other = exported(1.0, 1.0, 1.0, classes=("cat", "dog", "owl"))
    said = compare(good, other, dataset)
    assert said == "it tells apart 3 classes (cat, dog, owl), and these images are of 3 classes (red, green, blue)"
    assert compare(good, exported(1.0, 1.0, 1.0, shape=(3, 8, 8)), dataset) == (
        "it takes images of (3, 8, 8), and these are of (3, 4, 5)"
    )
    assert str(compare(good, b"no model", dataset)).startswith("it can't be loaded (This is no model exported by Archsmith")
    with pytest.raises(ExportError):
        compare(b"no model", good, dataset)
