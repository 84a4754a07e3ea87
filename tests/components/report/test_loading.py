"""The code that a report tells its readers to copy."""

import ast
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageCms
from scipy.special import softmax
from torch import Tensor, nn

from archsmith.evaluation.export import export
from archsmith.evaluation.predict import predict
from archsmith.report import ReportData
from archsmith.report.loading import local, remote, snippets

Make = Callable[..., ReportData]
AWKWARD = 'it\'s "quoted" \\ <b>'


def test_the_python_code_parses_and_holds_the_classes_as_they_are(search: Make) -> None:
    classes = [AWKWARD, *(f"a rather long name of class {i}" for i in range(30))]
    found = [s for s in snippets(search(classes=classes)) if "Python" in s.title]
    assert len(found) == 2
    for snippet in found:
        statements = [n for n in ast.parse(snippet.code).body if isinstance(n, ast.Assign)]
        assigned = {ast.unparse(n.targets[0]): n.value for n in statements}
        assert ast.literal_eval(assigned["classes"]) == classes
        assert "(1, 3, 32, 24)" in snippet.code
        assert "\nimages = " in snippet.code
        assert max(map(len, snippet.code.splitlines())) < 120


def test_the_command_is_quoted_for_a_shell(search: Make) -> None:
    command = snippets(search(places={"model": "/my runs/model.pt2"}))[0].code
    assert command == "archsmith predict '/my runs/model.pt2' image.png"


def test_places_become_paths() -> None:
    assert local("/runs/model.pt2") == "/runs/model.pt2"
    assert local("file:///my%20runs/model.pt2") == "/my runs/model.pt2"
    assert local("s3://bucket/searches/a/best/model.pt2") == "model.pt2"


def test_exports_in_a_remote_store_are_to_be_fetched(search: Make) -> None:
    data = search(places={"model": "s3://bucket/model.pt2", "onnx": "/runs/model.onnx", "mlflow": "https://mlflow"})
    assert remote(data) == ["s3://bucket/model.pt2"]


def test_there_is_nothing_to_load_without_a_model(search: Make) -> None:
    assert snippets(search(trained=False)) == []


class Pixels(nn.Module):
    """Has the pixels themselves as logits, and so tells how an image was read."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


def image(kind: str) -> Image.Image:
    """Make an image of another size and shape than the model's."""
    rng = np.random.default_rng(0)
    shapes = {
        "grey": (30, 21),
        "deep": (30, 21),
        "coloured": (17, 40, 3),
        "turned": (17, 40, 3),
        "transparent": (9, 12, 4),
        "profile": (17, 40, 3),
    }
    most, dtype = (2**16, np.uint16) if kind == "deep" else (2**8, np.uint8)
    made = Image.fromarray(rng.integers(0, most, shapes[kind], dtype=dtype))
    made.getexif()[ExifTags.Base.Orientation] = 6 if kind == "turned" else 1
    return made


def exchanged() -> bytes:
    """Return a profile under which red and green are exchanged: that of sRGB with two of its tags under each other's names."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    renamed = profile.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    return renamed.replace(b"rXYZ", b"xXYZ").replace(b"gXYZ", b"rXYZ").replace(b"xXYZ", b"gXYZ")


@pytest.mark.parametrize("shape", [(3, 4, 6), (1, 5, 4)])
def test_the_code_reads_images_as_predict_does(
    search: Make, tmp_path: Path, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = [f"pixel {k}" for k in range(math.prod(shape))]
    made = export(Pixels(), torch.rand(2, *shape), {"input_shape": shape, "classes": classes})
    (tmp_path / "model.pt2").write_bytes(made.pt2)
    (tmp_path / "model.onnx").write_bytes(made.onnx)
    data = search(classes=classes, places={"model": "model.pt2", "onnx": "model.onnx"})
    assert data.model is not None
    found = snippets(replace(data, model=replace(data.model, input_shape=shape)))
    monkeypatch.chdir(tmp_path)
    for kind in ("grey", "deep", "coloured", "turned", "transparent", "profile"):
        picture = image(kind)
        picture.save("image.png", exif=picture.getexif(), icc_profile=exchanged() if kind == "profile" else None)
        (told,) = predict(Path("model.pt2"), [Path("image.png")])
        for snippet in found[1:]:
            known: dict[str, Any] = {}
            exec(snippet.code, known)
            expected = [told.probabilities[name] for name in classes]
            assert np.abs(softmax(known["logits"][0]) / expected - 1).max() < 2 / 255  # rounding of Pillow's filter and torch's
