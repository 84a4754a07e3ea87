import pytest

from archsmith.errors import SpecError
from archsmith.inheritable import uninheritable
from archsmith.search import parse
from archsmith.values import Fidelity

HEAD = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: s}
spec:
  data: {name: digits}
  space: {name: chain}
  strategy: {name: evolution, inherit: true}
"""

NAMED = "the strategy 'evolution' lets networks begin with the weights of others"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "  estimation: {name: table, path: t.csv, metrics: {accuracy: a}}\n",
            f"8: spec.estimation.name: {NAMED}, but the estimator 'table' trains none, so there are no weights; "
            "take `estimation: {name: train}`, or a strategy that inherits nothing.",
        ),
        (
            "  estimation: {name: supernet}\n",
            f"8: spec.estimation.name: {NAMED}, but where all share their weights, each begins with those; "
            "take `estimation: {name: train}`, or a strategy that inherits nothing.",
        ),
        (
            "  estimation: {epochs: 9}\n  stopping: {name: median}\n",
            f"9: spec.stopping: {NAMED}, whose curves then begin at different heights, after different epochs, and can't be held "
            "against each other; leave it out, or take a strategy that inherits nothing.",
        ),
    ],
    ids=["nothing trains", "shared weights", "stopping"],
)
def test_inheriting_is_refused_where_it_makes_no_sense(more: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(HEAD + more)
    assert str(caught.value) == f"search.yaml:{said}"
    assert parse(HEAD.replace(", inherit: true", "") + more).name == "s", "it is the inheriting that does not fit"


def test_inheriting_fits_a_search_that_trains_each_by_itself() -> None:
    assert parse(f"{HEAD}  estimation: {{epochs: 3}}\n").strategy_config.inherits


def test_inheriting_is_refused_with_rungs() -> None:
    search = parse(f"{HEAD}  estimation: {{epochs: 3}}\n")
    ladder = [Fidelity(1), Fidelity(3)]
    ((key, said),) = uninheritable(search.spec, search.strategy_config, search.estimation, ladder)
    assert key == ("strategy", "name")
    assert "but here there are 2 rungs" in said
