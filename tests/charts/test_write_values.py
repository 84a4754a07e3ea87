"""The table of values and values.schema.json are made from the comments of values.yaml, and are up to date."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import jsonschema
import pytest
import yaml

CHARTS = Path(__file__).parents[2] / "charts"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, CHARTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


values = script("write_values")

TEXT = """\
# A comment for maintainers.
server:
  # -- Port of it.
  port: 80
  # -- (list of string) Names.
  names: []
  # -- (object) Requests.
  resources:
    requests: {cpu: 1}
# -- How much is said. One of: little, much.
log: little
"""


def test_the_files_are_up_to_date() -> None:
    for name, text in values.files().items():
        assert (CHARTS / "archsmith" / name).read_text() == text, f"{name} is out of date: `make chart` writes it"


def test_the_resource_and_its_policy_are_up_to_date() -> None:
    for name, text in script("write_crd").files().items():
        assert (CHARTS / "archsmith" / "files" / name).read_text() == text, f"{name} is out of date: `make crd` writes it"


def test_a_comment_makes_a_row_of_the_table() -> None:
    assert values.table(values.read(TEXT)).splitlines()[2:] == [
        "| `server.port` | integer | `80` | Port of it. |",
        "| `server.names` | list of string | `[]` | Names. |",
        '| `server.resources` | object | `{"requests": {"cpu": 1}}` | Requests. |',
        '| `log` | string | `"little"` | How much is said. One of: little, much. |',
    ]


def test_a_key_without_a_comment_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"`a\.b` has no comment, but must have one"):
        values.read("a:\n  b: 1\n")


@pytest.mark.parametrize(
    ("given", "is_valid"),
    [
        ("{}", True),
        ("server: {port: 443, names: [a], resources: {limits: {memory: 1Gi}}}", True),
        ("log: much", True),
        ("global: {anything: 1}", True),
        ("log: enough", False),
        ("server: {port: '443'}", False),
        ("server: {names: [1]}", False),
        ("server: {prot: 443}", False),
        ("servers: {}", False),
    ],
)
def test_the_schema_takes_what_the_comments_say(given: str, is_valid: bool) -> None:
    assert jsonschema.Draft7Validator(values.schema(values.read(TEXT))).is_valid(yaml.safe_load(given)) == is_valid


def test_the_chart_has_few_keys_at_the_top() -> None:
    assert len(yaml.safe_load((CHARTS / "archsmith" / "values.yaml").read_text())) <= 12


def test_the_schema_of_the_chart_is_valid_and_takes_its_own_values() -> None:
    schema = json.loads((CHARTS / "archsmith" / "values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load((CHARTS / "archsmith" / "values.yaml").read_text()), schema)


def test_every_feature_has_a_file_that_says_what_it_is() -> None:
    for path in (CHARTS / "archsmith" / "ci").iterdir():
        assert path.name.endswith("-values.yaml")
        assert path.read_text().startswith("# ")
