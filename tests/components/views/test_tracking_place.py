"""Where a person finds MLflow's runs of a search that was logged elsewhere."""

from pathlib import Path

import pytest

from archsmith.search import Search, parse
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import TINY
from archsmith.views.places import places
from archsmith.views.tracking_place import FILE, note_place

SEARCH = parse(TINY.replace("tracking: {enabled: false}", "seed: 0"))


@pytest.fixture
def folder(tmp_path: Path) -> SearchFolder:
    return SearchFolder(open_store(str(tmp_path)), "tiny")


def shown(folder: SearchFolder, search: Search = SEARCH) -> str | None:
    return places(folder, search, "s3://bucket").get("mlflow")


def test_the_server_of_the_pods_is_named_and_not_a_file_of_this_machine(
    folder: SearchFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(shown(folder)).startswith("sqlite:")
    with monkeypatch.context() as pod:
        pod.setenv("MLFLOW_TRACKING_URI", "https://me:s3cret@mlflow.team.svc:5000")
        note_place(folder, SEARCH, "s3://bucket")
    assert shown(folder) == "https://***@mlflow.team.svc:5000"
    assert b"s3cret" not in folder.get(FILE)
    note_place(folder, SEARCH, "s3://bucket")  # it goes on, on this machine
    assert str(shown(folder)).startswith("sqlite:")


def test_a_file_of_a_pod_is_named_to_nobody(folder: SearchFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as pod:
        pod.setenv("KFP_POD_NAME", "tiny-report")
        note_place(folder, SEARCH, "s3://bucket")
    assert shown(folder) is None


def test_what_is_tracked_on_this_machine_leaves_nothing(folder: SearchFolder) -> None:
    note_place(folder, SEARCH, "s3://bucket")
    note_place(folder, parse(TINY), "s3://bucket")
    assert folder.read(FILE) is None
    assert shown(folder, parse(TINY)) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"3"])
def test_one_that_is_damaged_is_passed_over(folder: SearchFolder, damage: bytes) -> None:
    folder.put(FILE, damage)
    assert str(shown(folder)).startswith("sqlite:")
