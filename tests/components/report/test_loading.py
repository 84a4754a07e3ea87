"""The code that a report tells its readers to copy."""

import ast
from collections.abc import Callable

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
