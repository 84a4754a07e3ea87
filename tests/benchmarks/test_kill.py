"""The benchmark that kills a search, at a few moments only."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("as_a_user")


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
@pytest.mark.parametrize(("name", "kills"), [("plain", 2), ("darts", 1)])
def test_a_search_that_is_killed_again_and_again_ends_like_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kills: int
) -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "kill.py"
    monkeypatch.syspath_prepend(path.parent)
    spec = importlib.util.spec_from_file_location("kill", path)
    assert spec is not None
    assert spec.loader is not None
    kill = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kill)
    small = kill.SEARCHES[name].replace("budget: {trials: 16}", "budget: {trials: 4}").replace("epochs: 12", "epochs: 5")
    verdict = kill.compare(tmp_path, kills=kills, seed=1, search=small)
    assert verdict["kills"] > 0
    assert verdict["same"], verdict
    assert verdict["ended_twice"] == []
    assert verdict["processes_left"] == 0
