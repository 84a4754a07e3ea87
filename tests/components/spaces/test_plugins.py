"""Spaces of other distributions, each installed in a folder on the path."""

import subprocess
import sys
from pathlib import Path

import pytest

from archsmith.errors import PluginError
from archsmith.spaces import SPACES
from archsmith.spaces.plugins import InstalledSpaces
from archsmith.spaces.space import Space
from archsmith.testing.plugins import TOWERS, install
from archsmith.testing.spaces import SpaceConformance


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of distributions on the path; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in ("towers", "broken", "other"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return tmp_path


class TestTowers(SpaceConformance):
    @pytest.fixture
    def space(self, site: Path) -> Space:
        install(site, "my-towers", {"towers": "towers:TowersConfig"}, towers=TOWERS)
        return InstalledSpaces(SPACES)["towers"]().build()


def test_a_space_of_another_distribution_stands_beside_ours(site: Path) -> None:
    install(site, "my-towers", {"towers": "towers:TowersConfig"}, towers=TOWERS)
    spaces = InstalledSpaces(SPACES)
    assert list(spaces) == [*SPACES, "towers"]
    assert len(spaces) == len(SPACES) + 1
    assert spaces["towers"].__name__ == "TowersConfig"
    assert all(spaces[name] is SPACES[name] for name in SPACES)


def test_nothing_is_imported_to_know_a_name(site: Path) -> None:
    install(site, "my-towers", {"towers": "towers:TowersConfig"}, towers=TOWERS)
    spaces = InstalledSpaces(SPACES)
    assert "towers" in spaces
    assert "chain" in spaces
    assert "towers" not in sys.modules
    assert "tower" not in spaces
    with pytest.raises(KeyError):
        spaces["tower"]


@pytest.mark.parametrize(
    ("value", "module", "said"),
    [
        (
            "broken:Config",
            "import nothing_of_this_name",
            "can't be imported: ModuleNotFoundError: No module named 'nothing_of_this_name'",
        ),
        ("broken:Config", "raise RuntimeError('no licence')", "can't be imported: RuntimeError: no licence"),
        ("broken:Config", "x = 1", "can't be imported: AttributeError: module 'broken' has no attribute 'Config'"),
        ("broken:Config", "Config = dict", "is <class 'dict'>, but must be a subclass of archsmith.spaces.space.SpaceConfig"),
        ("broken:Config", "Config = 3", "is 3, but must be a subclass"),
    ],
)
def test_a_space_that_can_not_be_used_names_its_distribution_and_breaks_no_other(
    site: Path, value: str, module: str, said: str
) -> None:
    install(site, "my-towers", {"towers": "towers:TowersConfig"}, towers=TOWERS)
    install(site, "bad-luck", {"broken": value}, broken=module)
    spaces = InstalledSpaces(SPACES)
    assert "broken" in spaces
    assert list(spaces) == [*SPACES, "towers"]
    with pytest.raises(PluginError) as caught:
        spaces["broken"]
    assert str(caught.value).startswith(f"The space 'broken' of the distribution 'bad-luck' (broken:Config) {said}")
    assert spaces.broken == {"broken": str(caught.value)}


def test_a_name_of_ours_stays_ours_and_the_list_of_the_broken_says_so(site: Path) -> None:
    install(site, "thief", {"chain": "towers:TowersConfig"}, towers=TOWERS)
    spaces = InstalledSpaces(SPACES)
    assert spaces["chain"] is SPACES["chain"]
    assert list(spaces) == list(SPACES)
    assert "of the distribution 'thief'" in spaces.broken["chain"]
    assert "has the name of one of Archsmith's own" in spaces.broken["chain"]


def test_two_distributions_that_quarrel_over_a_name_both_lose_it(site: Path) -> None:
    install(site, "my-towers", {"towers": "towers:TowersConfig"}, towers=TOWERS)
    install(site, "her-towers", {"towers": "other:TowersConfig"}, other=TOWERS)
    with pytest.raises(PluginError, match=r"'her-towers' \(other:TowersConfig\) has the same name as that of my-towers"):
        InstalledSpaces(SPACES)["towers"]


def test_entry_points_are_read_only_when_spaces_are_looked_up() -> None:
    code = (
        "import importlib.metadata as m, sys\n"
        "read = m.entry_points\n"
        "def refuse(**which):\n"
        "    assert which != {'group': 'archsmith.spaces'}\n"
        "    return read(**which)\n"
        "m.entry_points = refuse\n"
        "import archsmith.search, archsmith.cli\n"
        "assert 'chain' in archsmith.search.REGISTRIES['space']\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
