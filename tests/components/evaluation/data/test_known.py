import gzip
import hashlib
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10, FashionMNIST
from torchvision.datasets.mnist import read_image_file, read_label_file

from archsmith.errors import DataError
from archsmith.evaluation.data import load
from archsmith.evaluation.data.known import FASHION_MNIST_CLASSES, SYSTEM_ROOTS, read_cifar10, read_fashion_mnist
from archsmith.spec import DataSpec

FASHION = DataSpec(name="fashion-mnist", download=False)
CIFAR = DataSpec(name="cifar10", download=False)
DEBIAN = SYSTEM_ROOTS[0] / "fashion-mnist"


def write_idx(folder: Path, *, packed: bool, n: int = 40, size: int = 6) -> dict[str, np.ndarray]:
    """Write tiny files in the format of MNIST, and return what they hold."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for prefix in ("train", "t10k"):
        arrays[f"{prefix}-images-idx3-ubyte"] = rng.integers(0, 256, (n, size, size), dtype=np.uint8)
        arrays[f"{prefix}-labels-idx1-ubyte"] = (np.arange(n) % 10).astype(np.uint8)
    for name, array in arrays.items():
        raw = struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()
        (folder / f"{name}.gz" if packed else folder / name).write_bytes(gzip.compress(raw) if packed else raw)
    return arrays


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", [".", "fashion-mnist", "FashionMNIST/raw"])
def test_fashion_mnist_is_read_compressed_or_not_from_any_of_its_places(tmp_path: Path, place: str, packed: bool) -> None:
    arrays = write_idx(tmp_path / place, packed=packed)
    splits = read_fashion_mnist(FASHION, tmp_path)
    assert splits.test is not None
    np.testing.assert_array_equal(splits.train.images[:, 0].numpy(), arrays["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(splits.test.images[:, 0].numpy(), arrays["t10k-images-idx3-ubyte"])
    np.testing.assert_array_equal(splits.test.labels.numpy(), arrays["t10k-labels-idx1-ubyte"])


def test_idx_files_are_read_as_torchvision_reads_them(tmp_path: Path) -> None:
    write_idx(tmp_path, packed=False)
    train = read_fashion_mnist(FASHION, tmp_path).train
    assert torch.equal(train.images[:, 0], read_image_file(str(tmp_path / "train-images-idx3-ubyte")))
    assert torch.equal(train.labels, read_label_file(str(tmp_path / "train-labels-idx1-ubyte")))


def test_the_classes_of_fashion_mnist_are_those_of_torchvision() -> None:
    assert list(FASHION_MNIST_CLASSES) == FashionMNIST.classes


def test_fashion_mnist_has_a_validation_split_after_loading(tmp_path: Path) -> None:
    write_idx(tmp_path, packed=True)
    data = load(FASHION.model_copy(update={"path": str(tmp_path), "validation": 0.25}), seed=0)
    assert (len(data.train), len(data.validation), len(data.test)) == (30, 10, 40)


def test_the_root_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path, packed=True)
    monkeypatch.setenv("ARCHSMITH_DATA", str(tmp_path))
    assert len(read_fashion_mnist(FASHION, None).train) == 40


def test_without_a_root_the_folder_data_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path / "data", packed=True)
    monkeypatch.delenv("ARCHSMITH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert len(read_fashion_mnist(FASHION, None).train) == 40


def test_what_a_package_of_the_system_has_put_there_is_found_by_itself(tmp_path: Path) -> None:
    write_idx(tmp_path / "system" / "fashion-mnist", packed=True)
    assert len(read_fashion_mnist(FASHION, tmp_path / "nothing", system=(tmp_path / "system",)).train) == 40


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_debians_fashion_mnist_is_the_whole_data_set(tmp_path: Path) -> None:
    splits = read_fashion_mnist(FASHION, tmp_path)
    assert splits.test is not None
    assert torch.bincount(splits.train.labels).tolist() == [6000] * 10
    assert torch.bincount(splits.test.labels).tolist() == [1000] * 10
    assert splits.train.shape == (1, 28, 28)


def test_missing_files_that_must_not_be_downloaded_are_named_with_what_to_do(tmp_path: Path) -> None:
    message = (
        f"Fashion-MNIST was not found. Looked in: {tmp_path}/FashionMNIST/raw, {tmp_path}/fashion-mnist, {tmp_path}. "
        "A download is ruled out by `data.download: false`. "
        "Install Debian's package dataset-fashion-mnist, or set `data.path` or ARCHSMITH_DATA to where it lies."
    )
    with pytest.raises(DataError) as caught:
        read_fashion_mnist(FASHION, tmp_path, system=())
    assert str(caught.value) == message


def test_a_file_that_is_missing_beside_the_others_is_named(tmp_path: Path) -> None:
    write_idx(tmp_path, packed=True)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(
        DataError, match=r"neither t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte.gz in .*, which holds other files"
    ):
        read_fashion_mnist(FASHION, tmp_path)


@pytest.mark.parametrize("kept", [-1, 6, 0])
def test_a_cut_off_file_is_named(tmp_path: Path, kept: int) -> None:
    write_idx(tmp_path, packed=False)
    file = tmp_path / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte is damaged: not an idx file of bytes with 3 axes"):
        read_fashion_mnist(FASHION, tmp_path)


@pytest.mark.parametrize("damage", [slice(0, -20), slice(0, 15), slice(3, None)])
def test_a_damaged_compressed_file_is_named(tmp_path: Path, damage: slice) -> None:
    write_idx(tmp_path, packed=True)
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[damage])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz can't be read: .* Remove it and try again"):
        read_fashion_mnist(FASHION, tmp_path)


def test_a_compressed_file_that_would_fill_the_memory_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path, packed=True)
    monkeypatch.setattr("archsmith.evaluation.data.known.MOST_BYTES", 100)
    with pytest.raises(DataError, match=r"-ubyte.gz unpacks to more than 1e-07 GB, so it is none of the data set"):
        read_fashion_mnist(FASHION, tmp_path)


def test_a_compressed_file_with_wrong_bytes_is_named(tmp_path: Path) -> None:
    write_idx(tmp_path, packed=True)
    file = tmp_path / "train-images-idx3-ubyte.gz"
    raw = bytearray(file.read_bytes())
    raw[12:40] = b"\xff" * 28
    file.write_bytes(raw)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz can't be read"):
        read_fashion_mnist(FASHION, tmp_path)


def test_images_and_labels_of_different_sources_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path, packed=False)
    write_idx(tmp_path / "other", packed=False, n=30)
    (tmp_path / "other" / "train-labels-idx1-ubyte").replace(tmp_path / "train-labels-idx1-ubyte")
    with pytest.raises(DataError, match=r"train-\* in .* hold 40 images, but 30 labels; take both from one source"):
        read_fashion_mnist(FASHION, tmp_path)


def tiny_cifar(source: Path) -> Callable[..., CIFAR10]:
    """Return torchvision's reader of CIFAR-10 with the checksums of tiny files, which it 'downloads' from `source`."""
    rng = np.random.default_rng(0)
    folder = source / "cifar-10-batches-py"
    folder.mkdir(parents=True)

    def write(name: str, value: object) -> str:
        raw = pickle.dumps(value)
        (folder / name).write_bytes(raw)
        return hashlib.md5(raw).hexdigest()

    def batch(name: str) -> list[str]:
        return [
            name,
            write(name, {"data": rng.integers(0, 256, (20, 3072), dtype=np.uint8), "labels": [i % 10 for i in range(20)]}),
        ]

    class Tiny(CIFAR10):
        train_list = [batch("data_batch_1"), batch("data_batch_2")]  # noqa: RUF012
        test_list = [batch("test_batch")]  # noqa: RUF012
        meta = {  # noqa: RUF012
            "filename": "batches.meta",
            "key": "label_names",
            "md5": write("batches.meta", {"label_names": list("abcdefghij")}),
        }

        def download(self) -> None:
            target = Path(self.root) / self.base_folder
            target.mkdir()
            for file in folder.iterdir():
                (target / file.name).write_bytes(file.read_bytes())

    return Tiny


@pytest.mark.parametrize("place", [".", "cifar-10-batches-py"])
def test_cifar10_is_read_from_its_root_or_its_folder(tmp_path: Path, place: str) -> None:
    splits = read_cifar10(CIFAR, tmp_path / place, reader=tiny_cifar(tmp_path))
    raw = pickle.loads((tmp_path / "cifar-10-batches-py" / "data_batch_1").read_bytes())["data"]
    assert splits.test is not None
    assert splits.classes == tuple("abcdefghij")
    assert splits.train.images.shape == (40, 3, 32, 32)
    np.testing.assert_array_equal(splits.train.images[:20].flatten(1).numpy(), raw)
    assert splits.test.labels.tolist() == [i % 10 for i in range(20)]


def test_a_download_is_put_whole_under_the_root_and_leaves_nothing_else(tmp_path: Path) -> None:
    reader = tiny_cifar(tmp_path / "server")
    splits = read_cifar10(DataSpec(name="cifar10"), tmp_path / "root", reader=reader)
    assert len(splits.train) == 40
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["cifar-10-batches-py"]
    assert len(read_cifar10(CIFAR, tmp_path / "root", reader=reader).train) == 40


def test_damaged_files_of_cifar10_are_refused(tmp_path: Path) -> None:
    reader = tiny_cifar(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(b"cut off")
    with pytest.raises(DataError, match=r"files in .*cifar-10-batches-py are damaged or not those of CIFAR-10; remove them"):
        read_cifar10(CIFAR, tmp_path, reader=reader)


def test_what_is_not_in_a_bucket_is_not_downloaded_into_the_cache(tmp_path: Path) -> None:
    spec = DataSpec(name="cifar10", path="s3://bucket/cifar")
    with pytest.raises(
        DataError, match=r"^CIFAR-10 was not found below s3://bucket/cifar; put its files there, or leave `data.pa"
    ):
        read_cifar10(spec, tmp_path, reader=lambda *_, **__: pytest.fail("it was downloaded"))


def test_a_download_that_fails_says_where_it_looked_and_why(tmp_path: Path) -> None:
    def offline(root: Path, download: bool) -> None:
        raise OSError("no route to host")

    with pytest.raises(DataError) as caught:
        read_cifar10(DataSpec(name="cifar10"), tmp_path, reader=offline)
    assert str(caught.value) == (
        f"CIFAR-10 was not found. Looked in: {tmp_path}/cifar-10-batches-py. "
        f"The download to {tmp_path} failed: no route to host. "
        f"Unpack cifar-10-python.tar.gz into {tmp_path}, or set `data.path` or ARCHSMITH_DATA to where it lies."
    )
    assert list(tmp_path.iterdir()) == []
