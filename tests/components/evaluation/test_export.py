import io
import itertools
import json
import pickletools
import re
import zipfile
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from archsmith.errors import ExportError
from archsmith.evaluation.export import METADATA, Exports, export, open_pt2, predict_onnx, predict_pt2
from archsmith.models import build
from archsmith.models.cost import FULL
from archsmith.models.initialise import initialise
from archsmith.spaces.chain import ChainConfig

SHAPE = (3, 9, 7)
OLD_LAYOUT = torch.__version__ < "2.8"
"""Whether this torch writes weights as pickles."""
GREY = 0.123
"""Every pixel of one of the images that the exports were compared on."""
ABOUT = {"classes": ["a", "b", "ünïcode"], "input_shape": list(SHAPE)}


def images(n: int) -> Tensor:
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(n))


@pytest.fixture(scope="module", name="network")
def _network() -> nn.Module:
    """A network with every kind of layer, with windows that jut out, and with statistics that are not those of the start."""
    space = ChainConfig.model_validate(
        {"layers": {"min": 5, "max": 5}, "filters": [8], "units": [16], "strides": [1, 2, 3]}
    ).build()
    chosen: dict[str, str | int] = {"layers": 5, "dense": 1, "units_1": 16}
    for i, (op, stride) in enumerate((("conv", 1), ("avgpool", 3), ("sepconv", 1), ("maxpool", 2), ("avgpool", 1)), start=1):
        extra = {f"pool_{i}": 2} if "pool" in op else {f"filters_{i}": 8, f"kernel_{i}": 5}
        chosen |= {f"op_{i}": op, f"stride_{i}": stride, **extra}
    made = build(space, space.architecture(chosen), SHAPE, 3, fidelity=FULL, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
    initialise(made, torch.Generator().manual_seed(0))
    made.train()(images(50))
    return made.eval()


@pytest.fixture(scope="module", name="exports")
def _exports(network: nn.Module) -> Exports:
    return export(network, torch.cat([images(15), torch.full((1, *SHAPE), GREY)]), ABOUT)


@pytest.mark.parametrize("n", [1, 3, 64])
def test_both_exports_agree_with_the_network_at_any_batch_size(network: nn.Module, exports: Exports, n: int) -> None:
    x = images(n)
    with torch.no_grad():
        expected = network(x).numpy()
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(predict_pt2(exports.pt2, x), expected, atol=1e-5)
    np.testing.assert_allclose(predict_onnx(exports.onnx, x), expected, atol=1e-5)


def test_the_agreement_is_that_of_the_samples(exports: Exports) -> None:
    assert set(exports.agreement) == {"pt2", "onnx"}
    assert all(0 <= difference < 1e-5 for difference in exports.agreement.values())


def test_torch_alone_loads_the_pt2(network: nn.Module, exports: Exports) -> None:
    module = torch.export.load(io.BytesIO(exports.pt2)).module()
    x = images(5)
    torch.testing.assert_close(module(x), network(x))


def test_onnxruntime_alone_loads_the_onnx_and_finds_names_and_a_free_batch(exports: Exports) -> None:
    onnx.checker.check_model(onnx.load_from_string(exports.onnx), full_check=False)
    session = onnxruntime.InferenceSession(exports.onnx, providers=["CPUExecutionProvider"])
    (given,), (returned,) = session.get_inputs(), session.get_outputs()
    assert (given.name, returned.name) == ("images", "logits")
    assert given.shape == ["batch", *SHAPE]
    assert returned.shape == ["batch", 3]
    assert json.loads(session.get_modelmeta().custom_metadata_map[METADATA]) == ABOUT


def test_no_size_in_the_onnx_has_a_name_that_torch_made_up(exports: Exports) -> None:
    graph = onnx.load_from_string(exports.onnx).graph
    sizes = [d.dim_param for v in (*graph.input, *graph.output, *graph.value_info) for d in v.type.tensor_type.shape.dim]
    assert {name for size in sizes for name in re.findall(r"[A-Za-z]\w*", size)} == {"batch"}


def test_the_metadata_come_back(exports: Exports) -> None:
    assert open_pt2(exports.pt2)[1] == ABOUT


def members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def is_pickle(content: bytes) -> bool:
    try:
        opcodes = [opcode.name for opcode, _, _ in pickletools.genops(content)]
    except Exception:
        return False
    return opcodes[-1:] == ["STOP"]


@pytest.mark.skipif(OLD_LAYOUT, reason="this torch pickles the weights")
def test_there_is_no_pickle_in_the_pt2(exports: Exports) -> None:
    for name, content in members(exports.pt2).items():
        assert not content.startswith(b"PK"), name  # torch.save writes a zip with a pickle
        assert len(content) < 4 or not is_pickle(content), name
    assert not any(b'use_pickle": true' in content for content in members(exports.pt2).values())


def test_no_image_is_in_the_exports(exports: Exports) -> None:
    pattern = np.full(5, GREY, dtype=np.float32).tobytes()
    assert pattern not in exports.pt2
    assert pattern not in exports.onnx


class Counter(nn.Module):
    """Computes something else each time that it is called from Python, which no export can."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.calls = itertools.count()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.flatten(1)) + next(self.calls)


def test_an_export_that_disagrees_is_refused() -> None:
    with pytest.raises(ExportError, match=r"^The pt2 export differs from the trained model by \d.*, more than \d.*\.$"):
        export(Counter(), torch.rand(4, 1, 2, 2), {})


class Scaled(nn.Module):
    """Logits of a chosen size, with an error of a chosen share of it in whatever is exported."""

    def __init__(self, scale: float, error: float) -> None:
        super().__init__()
        self.scale, self.error = scale, error

    def forward(self, images: Tensor) -> Tensor:
        logits = self.scale * images.flatten(1)
        return logits * (1 + self.error) if torch.compiler.is_compiling() else logits


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_rounding_grows_with_the_logits(scale: float) -> None:
    images = torch.rand(4, 1, 2, 2).clamp(0.5, 1)
    export(Scaled(scale, 2e-5), images, {})
    with pytest.raises(ExportError, match="differs"):
        export(Scaled(scale, 3e-4), images, {})


def test_a_network_that_computes_nan_agrees_with_nothing() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    nn.init.constant_(network[1].weight, float("nan"))
    with pytest.raises(ExportError, match="differs from the trained model by nan"):
        export(network, torch.rand(4, 1, 2, 2), {})


def is_graph(name: str) -> bool:
    return name.endswith(("/models/model.json", "serialized_exported_program.json"))


def with_graph(contents: dict[str, bytes], old: bytes, new: bytes) -> dict[str, bytes]:
    (name,) = filter(is_graph, contents)
    assert old in contents[name]
    return {**contents, name: contents[name].replace(old, new)}


def with_pickled_weights(contents: dict[str, bytes]) -> dict[str, bytes]:
    if OLD_LAYOUT:
        return {**contents, "serialized_state_dict.pt": evil()}
    name = next(n for n in contents if n.endswith("weights_config.json"))
    return {**contents, name: contents[name].replace(b'"use_pickle": false', b'"use_pickle" : true')}


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this code ran",)


def evil() -> bytes:
    buffer = io.BytesIO()
    torch.save((Evil(),), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        (lambda m: {**m, "archive/data/sample_inputs/model.pt": evil()}, "The model holds 'archive/data/sample_inputs/model.pt'"),
        (lambda m: {**m, "archive/data/aotinductor/model/x.so": b"ELF"}, "The model holds 'archive/data/aotinductor/model/x.so'"),
        (lambda m: {**m, "archive/data/constants/custom_obj_0": evil()}, "The model holds 'archive/data/constants/custom_obj_0'"),
        (lambda m: {**m, "archive/data/weights/model.pt": evil()}, "The model holds a pickled __builtin__.print"),
        (with_pickled_weights, f"The model holds {'a pickled __builtin__.print' if OLD_LAYOUT else 'pickled weights'}"),
        (lambda m: with_graph(m, b"Symbol('s", b"print('this code ran') or Symbol('s"), "The model's graph holds "),
        (lambda m: with_graph(m, b'"images"', b'"images=print(chr(97))"'), "The model's graph holds "),
        (lambda m: {n: c for n, c in m.items() if "extra" not in n}, "This is no model exported by Archsmith"),
        (lambda m: {n: c for n, c in m.items() if not is_graph(n)}, "This is no model exported by Archsmith"),
        (lambda m: {n: b"{}" if is_graph(n) else c for n, c in m.items()}, "This is no model exported by Archsmith"),
    ],
    ids=[
        "pickled inputs",
        "compiled code",
        "object",
        "old weights",
        "pickled weights",
        "code as a size",
        "code as a name",
        "no metadata",
        "no graph",
        "other graph",
    ],
)
def test_a_tampered_model_is_refused_before_anything_in_it_runs(
    exports: Exports, tampered: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ExportError) as caught:
        open_pt2(packed(tampered(members(exports.pt2))))
    assert str(caught.value).startswith(said)
    assert "this code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 no zip"], ids=["empty", "text", "no zip"])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(ExportError, match=r"^This is no model exported by Archsmith, or it is damaged: ."):
        open_pt2(content)


def test_a_cut_model_is_refused(exports: Exports) -> None:
    with pytest.raises(ExportError):
        open_pt2(exports.pt2[: len(exports.pt2) // 2])


def test_a_model_of_torch_that_is_not_ours_is_refused() -> None:
    program = torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),))
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    with pytest.raises(ExportError):
        open_pt2(buffer.getvalue())
