import pytest
import torch

from archsmith.evaluation.augment import augmented, draw
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Images

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(n: int, size: int = 16) -> Images:
    """Images of noise whose labels are their positions."""
    pixels = torch.randint(0, 256, (n, 3, size, size), generator=seeded()).to(torch.uint8)
    return Images(pixels, torch.arange(n))


def test_an_epoch_is_a_permutation_of_the_images_with_their_labels() -> None:
    images = numbered(12)
    x, y = (torch.cat(parts) for parts in zip(*Batches(images, 4).epoch(seeded()), strict=True))
    assert sorted(y.tolist()) == list(range(12))
    assert y.tolist() != list(range(12))
    assert torch.equal(x, images.images[y].float() / 255)


def test_batches_are_floats_from_zero_to_one() -> None:
    x, y = next(Batches(numbered(12), 4).epoch(seeded()))
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
    assert 0 <= x.min() < 0.1 < 0.9 < x.max() <= 1


@pytest.mark.parametrize(("n", "sizes"), [(12, [4, 4, 4]), (15, [4, 4, 4]), (4, [4]), (3, [3]), (1, [1])])
def test_the_incomplete_batch_is_dropped_unless_it_is_the_only_one(n: int, sizes: list[int]) -> None:
    batches = Batches(numbered(n), 4, augment=("flip",))
    assert [len(y) for _, y in batches.epoch(seeded())] == sizes
    assert len(batches) == len(sizes)


def test_other_images_are_dropped_in_each_epoch() -> None:
    generator = seeded()
    batches = Batches(numbered(9), 4)
    dropped = [set(range(9)) - {label for _, y in batches.epoch(generator) for label in y.tolist()} for _ in range(8)]
    assert all(len(left) == 1 for left in dropped)
    assert len(set.union(*dropped)) > 1


def test_the_seed_decides_the_order_and_the_changes() -> None:
    batches = Batches(numbered(16), 4, augment=("flip", "crop", "cutout"))
    first, again, other = (torch.cat([x for x, _ in batches.epoch(seeded(seed))]) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_epochs_of_one_generator_differ() -> None:
    generator, batches = seeded(), Batches(numbered(16), 4)
    first, second = ([label for _, y in batches.epoch(generator) for label in y.tolist()] for _ in range(2))
    assert first != second


def test_an_epoch_goes_on_from_the_state_of_its_generator() -> None:
    generator, batches = seeded(), Batches(numbered(16), 4, augment=("crop",))
    list(batches.epoch(generator))
    state = generator.get_state()
    undisturbed = torch.cat([x for x, _ in batches.epoch(generator)])
    resumed = torch.Generator()
    resumed.set_state(state)
    assert torch.equal(torch.cat([x for x, _ in batches.epoch(resumed)]), undisturbed)


def test_nothing_touches_the_global_random_state() -> None:
    before = torch.get_rng_state()
    list(Batches(numbered(16), 4, augment=("flip", "crop", "cutout")).epoch(seeded()))
    assert torch.equal(torch.get_rng_state(), before)


def test_each_image_is_changed_by_what_was_drawn_for_it() -> None:
    images, kinds = numbered(10), ("flip", "crop", "cutout")
    x, y = (torch.cat(parts) for parts in zip(*Batches(images, 5, augment=kinds).epoch(seeded()), strict=True))
    generator = seeded()
    order = torch.randperm(10, generator=generator)
    expected = augmented(images.images[order], draw(kinds, 10, (16, 16), generator))
    assert torch.equal(y, order)
    assert torch.equal(x, expected.float() / 255)


def test_the_images_themselves_are_never_changed() -> None:
    images = numbered(16)
    before = images.images.clone()
    batches = Batches(images, 4, augment=("flip", "crop", "cutout"))
    for x, _ in [*batches.epoch(seeded()), *batches.evaluation()]:
        x.zero_()
    assert torch.equal(images.images, before)


def test_evaluation_goes_through_all_images_in_order_and_as_they_are() -> None:
    images = numbered(10)
    parts = list(Batches(images, 4, augment=("flip", "crop", "cutout")).evaluation())
    assert [len(y) for _, y in parts] == [4, 4, 2]
    assert torch.equal(torch.cat([x for x, _ in parts]), images.images.float() / 255)
    assert torch.equal(torch.cat([y for _, y in parts]), images.labels)


@pytest.mark.parametrize("channels_last", [False, True])
def test_batches_come_in_the_memory_format_asked_for(channels_last: bool) -> None:
    batches = Batches(numbered(8), 4, augment=("flip", "crop"), channels_last=channels_last)
    for x, _ in [*batches.epoch(seeded()), *batches.evaluation()]:
        assert x.is_contiguous(memory_format=torch.channels_last) == channels_last
        assert x.is_contiguous() != channels_last


@GPU
@pytest.mark.parametrize("share", [1.0, 0.0])
def test_a_gpu_gets_the_same_batches_as_the_cpu_from_its_own_memory_or_by_copies(share: float) -> None:
    images, kinds = numbered(50), ("flip", "crop", "cutout")
    here = Batches(images, 8, augment=kinds)
    there = Batches(images, 8, augment=kinds, device="cuda", resident_share=share)
    for ours, theirs in ((here.epoch(seeded()), there.epoch(seeded())), (here.evaluation(), there.evaluation())):
        for (x, y), (x_there, y_there) in zip(ours, theirs, strict=True):
            assert x_there.is_cuda
            assert torch.equal(x_there.cpu(), x)
            assert torch.equal(y_there.cpu(), y)
