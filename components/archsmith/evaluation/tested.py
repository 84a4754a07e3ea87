"""The one look at the test images: how many of each class were taken for what, and some of them to look at."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Dataset, Images
from archsmith.evaluation.device import Device
from archsmith.evaluation.preprocessing import MODES
from archsmith.values.outcome import Example

N_EXAMPLES = 8
"""Images that are kept of those that were classified correctly, and of those that were not."""
LARGEST = 96
"""Pixels of their longer side; larger ones are made smaller, for they are looked at and nothing else."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What a network makes of the test images."""

    loss: float
    """Mean cross-entropy, in nats."""
    confusion: tuple[tuple[int, ...], ...]
    """Images by their class (rows) and by what the network takes them for (columns)."""
    examples: tuple[Example, ...]
    """Of the mistakes those that the network was surest of, then images that it knows, of as many classes as can be."""
    known: tuple[bool, ...]
    """Of each image whether the network knows it, in the order of the data set."""

    @property
    def accuracy(self) -> float:
        """Share of the images that the network knows."""
        return sum(row[k] for k, row in enumerate(self.confusion)) / sum(map(sum, self.confusion))


@torch.inference_mode()
def look(network: nn.Module, dataset: Dataset, device: Device, *, batch_size: int) -> Tested:
    """Classify the test images once, in float32, as the exported model does; the network is left in evaluation mode."""
    network.eval()
    images, n = dataset.test, len(dataset.classes)
    loss = torch.zeros((), device=device.target)
    found: list[torch.Tensor] = []
    for x, y in Batches(images, batch_size, device=device.target, channels_last=True).evaluation():
        logits = network(x).float()
        loss += F.cross_entropy(logits, y, reduction="sum")
        sure, predicted = logits.softmax(1).max(1)
        found.append(torch.stack([predicted.double(), sure.double()]).cpu())
    predicted, sure = torch.cat(found, 1)
    counts = torch.bincount(images.labels * n + predicted.long(), minlength=n * n).reshape(n, n)
    confusion = tuple(tuple(row) for row in counts.tolist())
    known = tuple((predicted == images.labels).tolist())
    return Tested(loss.item() / len(images), confusion, tuple(_examples(images, predicted.long(), sure)), known)


def _examples(images: Images, predicted: torch.Tensor, sure: torch.Tensor) -> Iterator[Example]:
    """Yield some images; only grey ones and colours can be shown."""
    if images.shape[0] not in MODES:
        return
    known = predicted == images.labels
    wrong = torch.argsort(torch.where(known, -1.0, sure), descending=True, stable=True)[: min(N_EXAMPLES, int((~known).sum()))]
    for k in (*wrong.tolist(), *_one_a_class(images.labels, known)):
        yield Example(_png(images.images[k]), int(images.labels[k]), int(predicted[k]), float(sure[k]))


def _one_a_class(labels: torch.Tensor, known: torch.Tensor) -> list[int]:
    """Return the first known image of each class, then the second ones, and so on, as many as are shown."""
    turns: dict[int, int] = {}
    order = []
    for k in torch.nonzero(known).flatten().tolist():
        turn = turns[int(labels[k])] = turns.get(int(labels[k]), 0) + 1
        order.append((turn, int(labels[k]), k))
    return [k for _, _, k in sorted(order)[:N_EXAMPLES]]


def _png(image: torch.Tensor) -> bytes:
    """Write (C, H, W), uint8, as a PNG."""
    pixels = image.permute(1, 2, 0).contiguous().numpy()
    picture = Image.fromarray(pixels[..., 0] if len(image) == 1 else pixels)
    picture.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
