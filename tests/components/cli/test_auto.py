import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from archsmith.cli.auto import _keep, asked_for
from archsmith.errors import SpecError
from archsmith.search import from_object


@pytest.mark.parametrize(
    ("data", "section"),
    [
        ("digits", {"name": "digits"}),
        ("s3://data/photos/", {"name": "folder", "path": "s3://data/photos"}),
        ("s3://data/x.npz", {"name": "npz", "path": "s3://data/x.npz"}),
    ],
)
def test_what_is_given_is_an_open_search(data: str, section: dict[str, str]) -> None:
    asked = asked_for(data, 5.0, 0, (), None)
    search = from_object(asked, source="x")
    assert search.open
    assert asked["spec"] == {"data": section, "budget": {"minutes": 5.0}}


def test_a_folder_is_known_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "My Photos").mkdir()
    monkeypatch.chdir(tmp_path)
    asked = asked_for("My Photos/", 0.5, 1, ("n_params=5e5", "latency_s=0.01"), None)
    assert asked["metadata"]["name"] == "my-photos-0-5min"
    assert asked["spec"]["data"] == {"name": "folder", "path": str(tmp_path / "My Photos")}
    assert asked["spec"]["resources"] == {"gpu": 1}
    limits = [(o["metric"], o["limit"]) for o in asked["spec"]["objectives"][1:]]
    assert limits == [("n_params", 500_000), ("latency_s", 0.01)]
    assert from_object(asked, source="x").open


@pytest.mark.parametrize("stem", ["x" * 200, "---", "\u00e4\u00f6", "a.b_c", "-x-"])
def test_whatever_the_data_are_called_the_name_is_one(stem: str) -> None:
    assert from_object(asked_for(f"s3://b/{stem}", 123.456, 0, (), None), source="x").open


@pytest.mark.parametrize("data", ["~nobody-of-this-name/photos", "x" * 5000])
def test_data_that_can_not_be_looked_at_are_refused(data: str) -> None:
    with pytest.raises(SpecError, match=r"can't be looked at: .*\."):
        asked_for(data, 5.0, 0, (), None)


@pytest.mark.parametrize("name", ["a" * 300, "A", "a/b", ""])
def test_a_name_that_no_search_can_have_is_refused(run, name: str) -> None:
    status, _, errors = run("auto", "digits", "--minutes", "5", "--name", name)
    assert status == 2
    assert "must be lower case letters, digits and dashes" in errors


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (("accuracy=0.9",), "accuracy is what is searched for; a limit says what a network may have at most"),
        (("n_params=5", "n_params=6"), "n_params is given twice"),
    ],
)
def test_limits_are_of_what_a_network_may_have_and_each_once(limits: tuple[str, ...], said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        asked_for("digits", 5.0, 0, limits, None)


def test_data_that_are_nowhere_are_refused() -> None:
    with pytest.raises(SpecError, match=r"There is no 'nowhere' here; give a folder, an \.npz file, an s3://"):
        asked_for("nowhere", 5.0, 0, (), None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--limit", "n_params"), "must be like n_params=500000"),
        (("--limit", "n_parms=3"), "Did you mean 'n_params'"),
        (("--minutes", "0"), "0.0 is not in the range x>0"),
    ],
)
def test_wrong_use_is_said(run, arguments: tuple[str, ...], said: str) -> None:
    status, _, errors = run("auto", "digits", "--minutes", "5", *arguments)
    assert status == 2
    assert said in errors


@pytest.mark.parametrize("arguments", [("auto", "digits", "--minutes", "5", "--dry-run"), ("check", "open.yaml")])
def test_limits_that_nothing_keeps_are_seen_before_the_search(
    run, tmp_path: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archsmith.steps.workers.n_cores", lambda: 1)  # or this process could fork nothing that trains any more
    limit = {"metric": "n_params", "goal": "minimize", "limit": 10}
    text = {"apiVersion": "archsmith.dev/v1alpha1", "kind": "Search", "metadata": {"name": "open"}}
    spec = {
        "data": {"name": "digits"},
        "budget": {"minutes": 5},
        "objectives": [{"metric": "accuracy", "goal": "maximize"}, limit],
    }
    (tmp_path / "open.yaml").write_text(yaml.safe_dump({**text, "spec": spec}))
    status, _, errors = run(*arguments, *(("--limit", "n_params=10") if arguments[0] == "auto" else ()))
    assert status == 2
    assert "n_params" in errors


def test_a_file_of_the_users_own_is_not_overwritten(run, tmp_path: Path) -> None:
    (tmp_path / "digits-5min.yaml").write_text("mine")
    status, _, errors = run("auto", "digits", "--minutes", "5")
    assert status == 2
    assert "digits-5min.yaml is not one of this command's" in errors
    assert (tmp_path / "digits-5min.yaml").read_text() == "mine"


@pytest.mark.cluster  # for its length; it needs none
def test_data_in_and_a_model_out(tmp_path: Path) -> None:
    def archsmith(*arguments: str) -> str:
        command = [sys.executable, "-m", "archsmith", *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    foreseen = json.loads(archsmith("auto", "digits", "--minutes", "0.5", "--dry-run", "--json"))
    assert list(tmp_path.iterdir()) == []
    assert {choice["what"] for choice in foreseen["auto"]["choices"]} >= {"space", "strategy", "retraining", "time"}
    found = json.loads(archsmith("auto", "digits", "--minutes", "0.5", "--json"))
    assert found["phase"] == "done"
    assert found["test_accuracy"] > 0.2  # chance is .1, and other tests may take most of half a minute's cores
    assert Path(found["places"]["model"]).exists()
    assert yaml.safe_load((tmp_path / "digits-0-5min.yaml").read_text())["spec"]["space"]["name"] == "yaml"
    assert "Chosen for 0.5 minutes" in archsmith("show", "digits-0-5min")
    assert "digits-0-5min.yaml repeats it" in archsmith("auto", "digits", "--minutes", "0.5")  # which is done already


def test_the_file_of_a_search_is_written_once_and_no_change_of_somebody_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "digits.yaml"
    assert _keep(file, "a: 1\n") == _keep(file, "a: 1\n") == f"{file} repeats it, under another name."
    file.write_text("a: 2 # mine\n")
    assert _keep(file, "a: 1\n") == f"{file} is another one than was written for it, and is left as it is."
    assert file.read_text() == "a: 2 # mine\n"
    place = tmp_path / "nowhere" / "digits.yaml"
    assert _keep(place, "a: 1\n") == f"{place} can't be written (No such file or directory); the store has it, as search.yaml."
