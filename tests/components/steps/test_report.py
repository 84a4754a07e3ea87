import pytest

from archsmith.steps.report import backoff_of


@pytest.mark.parametrize(("patience_s", "attempts"), [(0, 1), (5, 2), (600, 121)])
def test_mlflow_is_tried_for_as_long_as_the_patience_lasts(patience_s: float, attempts: int) -> None:
    assert backoff_of(patience_s).attempts == attempts
