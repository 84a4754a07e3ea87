import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx.external_data_helper
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from archsmith.errors import ExportError
from archsmith.evaluation.export import METADATA, Exports, export
from archsmith.evaluation.exported import open_model
from archsmith.evaluation.predict import predict

ABOUT = {"classes": ["red", "green", "blue"], "input_shape": [3, 6, 4]}


class Colours(nn.Module):
    """Gives the mean of each channel, twentyfold, as its logits: the class is the strongest colour."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((3,), 20.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x.mean((2, 3))


@pytest.fixture(scope="module", name="exports")
def _exports() -> Exports:
    return export(Colours(), torch.rand(4, 3, 6, 4), ABOUT)


@pytest.mark.parametrize("kind", ["pt2", "onnx"])
def test_either_format_is_opened_by_what_is_in_it(exports: Exports, kind: str) -> None:
    network, about = open_model(getattr(exports, kind))
    x = torch.rand(5, 3, 6, 4)
    assert about == ABOUT
    with torch.inference_mode():
        torch.testing.assert_close(network(x), Colours()(x))


@pytest.mark.parametrize("kind", ["pt2", "onnx"])
def test_an_opened_network_can_be_told_to_evaluate_alone_and_within_another(exports: Exports, kind: str) -> None:
    network, _ = open_model(getattr(exports, kind))
    assert network.eval() is network
    whole = nn.Sequential(network, nn.Softmax(1)).eval()
    assert not network.training
    assert whole(torch.rand(2, 3, 6, 4)).sum().item() == pytest.approx(2)


def test_the_classes_of_an_image_come_by_probability(exports: Exports, tmp_path: Path) -> None:
    for name in ("model.pt2", "model.onnx"):
        (tmp_path / name).write_bytes(exports.pt2 if name.endswith("pt2") else exports.onnx)
    Image.new("RGB", (4, 6), (0, 102, 51)).save(tmp_path / "x.png")
    by_hand = np.exp([0.0, 8.0, 4.0]) / np.exp([0.0, 8.0, 4.0]).sum()  # 20 * (0, 102, 51) / 255
    for name in ("model.pt2", "model.onnx"):
        (found,) = predict(tmp_path / name, [tmp_path / "x.png"])
        assert found.label == "green"
        assert [label for label, _ in found.top(3)] == ["green", "blue", "red"]
        assert [label for label, _ in found.top(2)] == ["green", "blue"]
        assert [p for _, p in found.top(9)] == pytest.approx(sorted(by_hand, reverse=True), rel=1e-4)


def _without_metadata(proto: onnx.ModelProto) -> None:
    del proto.metadata_props[:]


def _poor_metadata(proto: onnx.ModelProto) -> None:
    (entry,) = [entry for entry in proto.metadata_props if entry.key == METADATA]
    entry.value = json.dumps({"classes": ["a"]})


def _no_json(proto: onnx.ModelProto) -> None:
    (entry,) = [entry for entry in proto.metadata_props if entry.key == METADATA]
    entry.value = "{"


def _elsewhere(proto: onnx.ModelProto) -> None:
    onnx.external_data_helper.set_external_data(proto.graph.initializer[0], "/etc/passwd")


def _elsewhere_by_a_constant(proto: onnx.ModelProto) -> None:
    constant = onnx.helper.make_node("Constant", [], ["w"], value=proto.graph.initializer[0])
    onnx.external_data_helper.set_external_data(constant.attribute[0].t, "/etc/passwd")
    proto.graph.node.insert(0, constant)


def _elsewhere_in_a_branch(proto: onnx.ModelProto) -> None:
    made = [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)]
    nodes = [onnx.helper.make_node("Identity", ["w"], ["y"])]
    branches = [onnx.helper.make_graph(nodes, f"g{k}", [], made, [proto.graph.initializer[0]]) for k in range(2)]
    node = onnx.helper.make_node("If", ["c"], ["z"], then_branch=branches[0], else_branch=branches[1])
    onnx.external_data_helper.set_external_data(node.attribute[1].g.initializer[0], "/etc/passwd")
    proto.graph.node.insert(0, node)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_elsewhere_by_a_constant, "keeps its weights in other files"),
        (_elsewhere_in_a_branch, "keeps its weights in other files"),
        (_without_metadata, "was not exported by Archsmith"),
        (_poor_metadata, "do not say what its classes are"),
        (_no_json, "damaged"),
        (_elsewhere, "keeps its weights in other files"),
    ],
)
def test_an_onnx_model_that_does_not_hold_what_is_needed_is_refused(
    exports: Exports, change: Callable[[onnx.ModelProto], None], said: str
) -> None:
    proto = onnx.load_from_string(exports.onnx)
    change(proto)
    with pytest.raises(ExportError, match=said):
        open_model(proto.SerializeToString())


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\3\4", b"\x08\x07\x12\x01"])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ExportError, match=r"no model exported by Archsmith|was not exported by Archsmith"):
        open_model(data)
