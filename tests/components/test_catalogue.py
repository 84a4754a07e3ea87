import json

import pytest
from pydantic import BaseModel, Field

from archsmith.catalogue import describe_all
from archsmith.evaluation import ESTIMATORS
from archsmith.evaluation.stopping import STOPPERS
from archsmith.spaces import SPACES
from archsmith.spec import Config
from archsmith.strategies import STRATEGIES


class Some(Config):
    """Something, in a line.

    And more of it.
    """

    needed: int
    """What must be given."""
    pair: tuple[int, ...] = (1, 2)
    made: dict[str, int] = Field(default_factory=lambda: {"a": 1})


def test_an_algorithm_is_described_by_its_first_line_and_its_settings() -> None:
    (row,) = describe_all({"some": Some})
    assert row == {
        "name": "some",
        "summary": "Something, in a line.",
        "settings": [
            {"name": "needed", "required": True, "default": None, "about": "What must be given."},
            {"name": "pair", "required": False, "default": [1, 2], "about": ""},
            {"name": "made", "required": False, "default": {"a": 1}, "about": ""},
        ],
    }


@pytest.mark.parametrize(
    "registry", [SPACES, STRATEGIES, ESTIMATORS, STOPPERS], ids=["spaces", "strategies", "estimators", "stoppers"]
)
def test_everything_there_is_has_a_line_and_every_setting_an_explanation(registry: dict[str, type[BaseModel]]) -> None:
    rows = json.loads(json.dumps(describe_all(registry), allow_nan=False))
    assert [row["name"] for row in rows] == list(registry)
    assert all(row["summary"].endswith(".") for row in rows)
    assert all(setting["about"] for row in rows for setting in row["settings"])
