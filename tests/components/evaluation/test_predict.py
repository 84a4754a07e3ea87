import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from archsmith.errors import DataError, ExportError, NotFoundError
from archsmith.evaluation.batches import Batches
from archsmith.evaluation.data import Dataset, resize
from archsmith.evaluation.data.image_file import Picture, read_image
from archsmith.evaluation.device import Device
from archsmith.evaluation.export import export
from archsmith.evaluation.predict import find_images, predict, read_inputs
from archsmith.evaluation.training import Training
from archsmith.models import build
from archsmith.models.cost import FULL
from archsmith.spaces.chain import ChainSpace
from archsmith.spec import TrainingSpec
from archsmith.values import Architecture


class Colours(nn.Module):
    """Gives the mean of each channel as its logits: the class is the strongest colour."""

    def forward(self, x: Tensor) -> Tensor:
        return 10 * x.mean((2, 3))


def test_photos_are_not_held_as_large_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(100):
        Image.fromarray(np.full((30, 20), k, np.uint8)).save(tmp_path / f"{k:02}.png")
    held, most, lock = [0], [0], threading.Lock()

    def watched(*arguments: Any) -> Picture:
        picture = read_image(*arguments)
        assert isinstance(picture, Picture)
        with lock:
            held[0] += 1
            most[0] = max(most[0], held[0])
        weakref.finalize(picture.pixels, gone)
        return picture

    def gone() -> None:
        held[0] -= 1

    monkeypatch.setattr("archsmith.evaluation.predict.read_image", watched)
    read = read_inputs(sorted(tmp_path.iterdir()), (1, 4, 4))
    assert read[:, 0, 0, 0].mul(255).round().tolist() == list(range(100))
    assert most[0] < 60


@pytest.fixture(scope="module", name="network")
def _network(few: Dataset, space: ChainSpace, architecture: Architecture, cpu: Device) -> nn.Module:
    """A network that has learnt enough to tell some digits apart."""
    made = build(space, architecture, few.input_shape, 10, fidelity=FULL, mean=few.mean, std=few.std)
    settings = TrainingSpec(batch_size=16)
    training = Training(made, Batches(few.train, 16), Batches(few.validation, 64), settings, epochs=6, device=cpu, seed=0)
    assert list(training.run())[-1].val_accuracy > 0.4
    return training.network.to(memory_format=torch.contiguous_format).eval()


@pytest.fixture(scope="module", name="digit_model")
def _digit_model(network: nn.Module, digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of grey images of 8 x 8."""
    path = tmp_path_factory.mktemp("digits") / "model.pt2"
    about = {"classes": [f"digit {name}" for name in digits.classes], "input_shape": list(digits.input_shape)}
    path.write_bytes(export(network, digits.validation.images[:8].float() / 255, about).pt2)
    return path


@pytest.fixture(scope="module", name="colour_model")
def _colour_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of coloured images of 6 x 4 that needs no training."""
    path = tmp_path_factory.mktemp("colours") / "model.pt2"
    about = {"classes": ["red", "green", "blue"], "input_shape": [3, 6, 4]}
    path.write_bytes(export(Colours(), torch.rand(4, 3, 6, 4), about).pt2)
    return path


def test_a_png_has_the_label_and_the_probabilities_that_the_network_gives(
    network: nn.Module, digit_model: Path, digits: Dataset, tmp_path: Path
) -> None:
    images = digits.test.images[:20]
    paths = [tmp_path / f"{k}.png" for k in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image[0].numpy(), "L").save(path)
    with torch.no_grad():
        expected = network(images.float() / 255).softmax(1)
    found = predict(digit_model, paths)
    assert [p.image for p in found] == [str(path) for path in paths]
    assert [p.label for p in found] == [f"digit {digits.classes[k]}" for k in expected.argmax(1)]
    assert len({p.label for p in found}) > 1
    for prediction, row in zip(found, expected.tolist(), strict=True):
        assert list(prediction.probabilities) == [f"digit {name}" for name in digits.classes]
        assert list(prediction.probabilities.values()) == pytest.approx(row, abs=1e-5)


def test_many_images_are_classified_in_parts(colour_model: Path, tmp_path: Path) -> None:
    for k in range(3):
        Image.new("RGB", (4, 6), tuple(255 * (c == k) for c in range(3))).save(tmp_path / f"{k}.png")
    paths = [tmp_path / f"{k % 3}.png" for k in range(600)]
    assert [p.label for p in predict(colour_model, paths)] == ["red", "green", "blue"] * 200


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK"])
def test_coloured_images_of_any_kind_and_size_fit(colour_model: Path, tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("image.tiff" if mode == "CMYK" else "image.png")
    Image.new("RGB", (50, 31), (10, 200, 30)).convert(mode).save(path)
    (found,) = predict(colour_model, [path])
    assert found.label == "green"
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_grey_image_fits_a_model_of_colours(colour_model: Path, tmp_path: Path) -> None:
    Image.new("L", (4, 6), 200).save(tmp_path / "grey.png")
    assert list(predict(colour_model, [tmp_path / "grey.png"])[0].probabilities.values()) == pytest.approx([1 / 3] * 3)


def test_a_coloured_image_of_another_size_is_brought_to_that_of_the_model_as_training_images_are(
    network: nn.Module, digit_model: Path, digits: Dataset, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (21, 17), dtype=np.uint8)
    Image.fromarray(np.stack([pixels] * 3, axis=2), "RGB").save(tmp_path / "large.png")
    with torch.no_grad():
        expected = network(resize(torch.from_numpy(pixels)[None, None], (8, 8)).float() / 255).softmax(1)[0]
    (found,) = predict(digit_model, [tmp_path / "large.png"])
    assert list(found.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "no.pt2", tmp_path):
        with pytest.raises(NotFoundError) as caught:
            predict(path, [])
        assert str(caught.value) == (
            f"There is no model at {str(path)!r}; `archsmith show NAME` says where a search has put its own."
        )


@pytest.mark.parametrize(("model", "image"), [("s3://b/k/model.onnx", "1.png"), ("model.onnx", "s3://b/k/1.png")])
def test_what_lies_in_a_bucket_is_to_be_copied_first(model: str, image: str) -> None:
    with pytest.raises(DataError, match=r"^s3://b/k/.* lies in S3, but predictions are made with files of this machine; copy it"):
        predict(Path(model), [Path(image)])


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    path.write_text("hello")
    with pytest.raises(ExportError, match=r"This is no model exported by Archsmith, or it is damaged: "):
        predict(path, [])


def test_a_file_that_is_no_image_is_named(colour_model: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    Image.new("RGB", (40, 60)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    (tmp_path / "notes.txt").write_text("hello")
    reasons = {
        "none.png": "can't be read: there is no such file, or it is a link that leads nowhere. Look at its path.",
        "none": "can't be read: there is no such file, or it is a link that leads nowhere. Look at its path.",
        "text.png": "can't be read: it is no image, and begins with b'hello'. Repair or remove it.",
        "cut.png": "can't be read: it is damaged (image file is truncated). Repair or remove it.",
    }
    for name, reason in reasons.items():
        with pytest.raises(DataError) as caught:
            predict(colour_model, [tmp_path / name])
        assert str(caught.value) == f"The image {tmp_path / name} {reason}"
    with pytest.raises(DataError, match=r"^The file .*/notes.txt can't be classified: no image.$"):
        predict(colour_model, [tmp_path / "notes.txt"])


def test_an_image_is_seen_as_a_viewer_shows_it(colour_model: Path, tmp_path: Path) -> None:
    Image.new("RGBA", (4, 6), (200, 0, 0, 0)).save(tmp_path / "clear.png")  # red where nobody sees it
    assert list(predict(colour_model, [tmp_path / "clear.png"])[0].probabilities.values()) == pytest.approx([1 / 3] * 3)
    Image.new("I;16", (4, 6), 65535 // 2).save(tmp_path / "deep.png")
    (found,) = read_inputs([tmp_path / "deep.png"], (1, 6, 4))
    assert found.unique().tolist() == pytest.approx([0.5], abs=0.01)
    wide, exif = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10, Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(wide).save(tmp_path / "turned.png", exif=exif)
    (found,) = read_inputs([tmp_path / "turned.png"], (1, 6, 4))
    np.testing.assert_allclose(found[0].numpy() * 255, np.rot90(wide, -1), atol=1e-4)


def test_a_folder_stands_for_the_images_in_it(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/c/1.JPG", "a.webp", "b/notes.txt", "b/.hidden.png", "x.unknown"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    Image.new("L", (2, 2)).save(tmp_path / "b" / "no-ending", "PNG")
    assert find_images([tmp_path / "x.unknown", tmp_path / "b"]) == [
        tmp_path / name for name in ("x.unknown", "b/2.png", "b/no-ending", "b/c/1.JPG")
    ]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no images in the folder .*/empty; look at its path"):
        find_images([tmp_path / "empty"])


def test_a_model_of_other_channels_takes_no_files(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    about = {"classes": ["a", "b"], "input_shape": [2, 3, 3]}
    path.write_bytes(export(Colours(), torch.rand(2, 2, 3, 3), about).pt2)
    with pytest.raises(DataError, match=r"^The model takes images of 2 channels, but those of a file have 1 "):
        predict(path, [tmp_path / "x.png"])
