"""Mini-batches of a split, on the device that trains."""

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Self

import torch

from archsmith.evaluation.augment import augmented, draw
from archsmith.evaluation.data.dataset import Images

Batch = tuple[torch.Tensor, torch.Tensor]
"""Images (B, C, H, W), float32, in [0, 1], and labels (B,), int64; both on the device."""


class Batches:
    """A split in mini-batches: shuffled and augmented for training, or in order for evaluation.

    Images stay bytes until they are batched, and are not normalised: an exported network takes values in
    [0, 1] and normalises them itself. On a GPU, the split is held in its memory where it fits;
    otherwise each batch is copied there from pinned memory while the one before is in work.

    Args:
        images: the split.
        batch_size: images a batch.
        augment: changes of the training images, of `flip`, `crop` and `cutout`.
        device: where batches are wanted.
        channels_last: whether they are wanted in that memory format.
        resident_share: share of a GPU's free memory that the split may take, in [0, 1]; it leaves the rest to training.
    """

    def __init__(
        self,
        images: Images,
        batch_size: int,
        *,
        augment: Sequence[str] = (),
        device: torch.device | str = "cpu",
        channels_last: bool = False,
        resident_share: float = 0.25,
    ) -> None:
        self._device = torch.device(device)
        self._copied = self._device.type != "cpu" and not _fits(images, resident_share, self._device)
        place = torch.device("cpu") if self._copied else self._device
        self._images, self._labels = images.images.to(place), images.labels.to(place)
        self._batch_size = batch_size
        self._augment = tuple(augment)
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._rank, self._size = 0, 1

    def part(self, rank: int, size: int) -> Self:
        """Return batches of which an epoch yields this part only: the same for all who share the work, drawn alike by each.

        What a batch has beyond equal parts is left out.

        Args:
            rank: Which part, from 0.
            size: How many there are.

        Raises:
            ValueError: A batch has fewer images than there are parts.
        """
        if min(self._batch_size, len(self._labels)) < size:
            raise ValueError(f"The value of `batch_size` is {self._batch_size}, but must be >= {size}: so many share each batch.")
        made = copy(self)
        made._rank, made._size = rank, size
        return made

    def plain(self) -> Self:
        """Return batches of the same images, which are not held twice, as they are: not augmented."""
        made = copy(self)
        made._augment = ()
        return made

    def __len__(self) -> int:
        """Return the batches of an epoch of training."""
        return max(1, len(self._labels) // self._batch_size)

    @property
    def n_images(self) -> int:
        """The images of the split."""
        return len(self._labels)

    def epoch(self, generator: torch.Generator) -> Iterator[Batch]:
        """Yield the batches of one epoch of training: each image at most once, in random order, augmented.

        The images that are left over after the last full batch are dropped, others in each epoch: batch norm
        fails on a batch of one image, and a few images give it poor statistics. Only where there
        is no full batch is the incomplete one kept.

        Args:
            generator: on the CPU; the only source of randomness.
        """
        n = min(len(self) * self._batch_size, len(self._labels))
        order = torch.randperm(len(self._labels), generator=generator)[:n].to(self._labels.device)
        height, width = self._images.shape[2:]
        draws = draw(self._augment, n, (height, width), generator)
        draws = {kind: drawn.to(self._device) for kind, drawn in draws.items()}
        for whole in _slices(n, self._batch_size):
            each = (whole.stop - whole.start) // self._size
            picked = slice(whole.start + self._rank * each, whole.start + (self._rank + 1) * each)
            x, y = self._gather(order[picked])
            yield self._as_input(augmented(x, {kind: drawn[picked] for kind, drawn in draws.items()})), y

    def evaluation(self) -> Iterator[Batch]:
        """Yield all images once, in order and as they are; the last batch may be smaller."""
        for picked in _slices(len(self._labels), self._batch_size):
            if self._copied:
                x, y = self._gather(torch.arange(len(self._labels))[picked])
            else:
                x, y = self._images[picked], self._labels[picked]
            yield self._as_input(x), y

    def _gather(self, index: torch.Tensor) -> Batch:
        """Return the images at `index`, still bytes, and their labels, on the device."""
        if not self._copied:
            return self._images.index_select(0, index), self._labels.index_select(0, index)  # many times faster than [index]
        # The pinned memory of a batch is not used again before its copy is done; torch sees to that.
        x = torch.empty((len(index), *self._images.shape[1:]), dtype=torch.uint8, pin_memory=True)
        torch.index_select(self._images, 0, index, out=x)
        y = self._labels[index].pin_memory()
        return x.to(self._device, non_blocking=True), y.to(self._device, non_blocking=True)

    def _as_input(self, x: torch.Tensor) -> torch.Tensor:
        return x.to(torch.float32).div_(255).contiguous(memory_format=self._format)


def _fits(images: Images, share: float, device: torch.device) -> bool:
    """Tell whether the split takes no more than that share of the GPU's free memory."""
    free, _ = torch.cuda.mem_get_info(device)
    return images.images.nbytes <= share * free


def _slices(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
