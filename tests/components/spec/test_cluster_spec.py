from typing import Any

import pytest
from pydantic import ValidationError

from archsmith.search import parse
from archsmith.spec.cluster_spec import ClusterSpec, Toleration
from archsmith.testing.searches import TINY


@pytest.mark.parametrize(
    "given",
    [{"engine": "argo"}, {"image": ""}, {"retries": -1}, {"retries": "3"}, {"queues": "a"}, {"node_selector": {"a": 1}},
     {"env": [{"name": "A=B", "secret": "s", "key": "k"}]}, {"env": [{"name": "A", "value": "secret"}]},
     {"tolerations": [{"key": "a", "effect": "Never"}]}],
)  # fmt: skip
def test_what_a_cluster_does_not_take_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ClusterSpec.model_validate(given)


def test_a_toleration_names_a_taint_or_tolerates_all() -> None:
    assert Toleration(operator="Exists").key is None
    with pytest.raises(ValidationError, match="`key` is missing"):
        Toleration(value="a")
    with pytest.raises(ValidationError, match="takes none"):
        Toleration(key="a", operator="Exists", value="b")


def test_where_and_when_a_search_runs_may_change_while_it_goes_on() -> None:
    elsewhere = """
  cluster: {engine: job, retries: 1}
  schedule: 0 2 * * *
  suspend: true
  ttl: 7d
  on_delete: remove
"""
    assert parse(TINY + elsewhere).differences(parse(TINY)) == []
