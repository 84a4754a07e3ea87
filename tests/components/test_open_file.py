import pytest
import yaml

from archsmith.cluster.controller.order import search_of
from archsmith.errors import SpecError
from archsmith.search import parse
from archsmith.spec import SearchObject

OPEN = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: s}
spec:
  data: {name: digits}
  budget: {minutes: 5}
"""

WRONG = {
    "a strategy": (
        f"{OPEN}  strategy: {{name: random}}\n",
        "7: spec.strategy: the section is given, but no space: it is chosen with the space where that is left out; name a space",
    ),
    "settings of what is chosen": (
        f"{OPEN}  space: {{name: auto, layers: 3}}\n",
        "7: spec.space.layers: the space 'auto' is chosen with all of its settings",
    ),
    "a number of trials": (
        OPEN.replace("minutes: 5", "minutes: 5, trials: 3"),
        "6: spec.budget.trials: how many trials there are is chosen, like the space",
    ),
    "no images": (
        OPEN.replace("  data: {name: digits}\n", ""),
        "4: spec.data: the key is missing, but what is chosen is chosen for images",
    ),
    "no time": (
        f"{OPEN}  space: {{name: auto}}\n".replace("minutes: 5", ""),
        "6: spec.budget.minutes: the key is missing; say how long it may take in all, as in `budget: {minutes: 30}`.",
    ),
    "a metric that nobody measures": (
        f"{OPEN}  objectives: [{{metric: grace, goal: maximize}}]\n",
        "7: spec.objectives[0].metric: Unknown metric 'grace'",
    ),
    "a forgotten space": (
        f"{OPEN}  estimation: {{name: table, path: t.csv}}\n".replace("  data: {name: digits}\n", ""),
        "6: spec.estimation: the section is given, but no space",
    ),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_what_an_open_file_may_not_say_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(SpecError) as raised:
        parse(text)
    assert f"search.yaml:{said}" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_file_without_a_space_is_open() -> None:
    search = parse(OPEN)
    assert search.open
    assert search == parse(OPEN)
    assert "5 minutes" in repr(search)
    assert not parse(OPEN.replace("  budget: {minutes: 5}\n", "  space: {name: chain}\n")).open


def test_another_time_or_other_images_are_another_search_and_another_store_is_not() -> None:
    asked = parse(OPEN)
    assert asked.differences(parse(OPEN.replace("minutes: 5", "minutes: 6"))) == ["spec.budget.minutes: 5.0 here, 6.0 there"]
    assert asked.differences(parse(OPEN.replace("digits", "cifar10")))
    assert not asked.differences(parse(f"{OPEN}  storage: {{uri: elsewhere}}\n  promote: {{when: never}}\n"))


def test_what_kubernetes_adds_by_default_leaves_a_file_open() -> None:
    spec = SearchObject.model_validate(yaml.safe_load(OPEN)).spec.model_dump(mode="json", exclude_none=True)
    assert search_of({"metadata": {"name": "s"}, "spec": spec}).identity() == parse(OPEN).identity()
    with pytest.raises(SpecError, match=r"spec\.strategy: the section is given"):
        search_of({"metadata": {"name": "s"}, "spec": {**spec, "strategy": {"name": "random"}}})
