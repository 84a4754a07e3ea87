"""The graph of an archive, as torch writes it and as someone else might."""

import json
from typing import Any

import pytest

from archsmith.errors import ExportError
from archsmith.evaluation.exported_graph import checked_graph

GRAPH: dict[str, Any] = {
    "nodes": [{"target": "torch.ops.aten.linear.default", "metadata": {"stack_trace": "File '/home/me/x.py'"}, "name": "linear"}],
    "sizes": [{"as_expr": {"expr_str": "Symbol('s31', positive=True, integer=True)", "hint": {"as_int": 2}}}, {"as_int": 4}],
    "in_spec": '[1, {"type": "builtins.tuple", "context": "null", "children_spec": [{"type": null, "context": null}]}]',
    "forward_arg_names": ["images"],
    "torch_version": "2.15.0+cu132",
    "eps": 1e-05,
    "missing": None,
}


def test_a_graph_is_the_same_but_for_where_it_came_from() -> None:
    expected = json.loads(json.dumps(GRAPH))
    expected["nodes"][0]["metadata"] = {}
    assert json.loads(checked_graph(json.dumps(GRAPH).encode())) == expected


@pytest.mark.parametrize(
    "size", ["s0", "16*s0 + 4", "Mul(Integer(3), Symbol('s0', integer=True))", "FloorDiv(s0 - 1, 2)", "Max(1, s12)"]
)
def test_arithmetic_of_symbols_is_a_size(size: str) -> None:
    checked_graph(json.dumps({"expr_str": size}).encode())


@pytest.mark.parametrize(
    "graph",
    [
        {"expr_str": "__import__('os').system('id')"},
        {"expr_str": "Symbol('s0').__class__"},
        {"expr_str": "9**9**9**9"},
        {"expr_str": "s0\n"},
        {"forward_arg_names": ["images=print()"]},
        {"forward_arg_names": ["images, x"]},
        {"guards_code": ["print()"]},
        {"name": "a'b"},
        {"a b": 1},
        {"target": "torch.os.system"},
        {"target": "torch.ops.aten.from_file.default"},
        {"target": "torch.ops.aten.save.default"},
        {"in_spec": '[1, {"type": "collections.defaultdict", "context": "[\\"os\\", \\"system\\"]"}]'},
        {"deep": [[{"deeper": "print()"}]]},
    ],
    ids=json.dumps,
)
def test_what_torch_would_run_is_refused(graph: dict[str, Any]) -> None:
    with pytest.raises(ExportError, match="which no model exported by Archsmith does"):
        checked_graph(json.dumps(graph).encode())


def test_a_long_text_fails_at_once() -> None:
    """A pattern that tries every way of splitting a text would take for ever."""
    for text in ("1" * 5000 + "!", "s1" * 3000 + "!", " " * 5000 + "!"):
        with pytest.raises(ExportError):
            checked_graph(json.dumps({"expr_str": text, "in_spec": text}).encode())
