"""Every object of a store, damaged in every way: no command ends in a traceback, and no trial is lost."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archsmith.errors import CorruptObjectError
from archsmith.opening import open_search
from archsmith.search import parse
from archsmith.steps.finished import is_finished
from archsmith.steps.main import STEPS
from archsmith.stores import open_store
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import LOOKED_UP, looked_up, run_steps
from archsmith.values import Trial

Run = Callable[..., tuple[int, str, str]]
Damage = Callable[[bytes], bytes]

NAME = "looked-up"

DAMAGES: dict[str, Damage] = {
    "empty": lambda _: b"",
    "cut": lambda data: data[: len(data) * 2 // 3],
    "a list": lambda _: b"[]",
    "an object": lambda _: b'{"other": 1}',
    "binary": lambda _: b"\xff\x00\x80",
    "another version": lambda data: _versioned(data),
    "other types": lambda data: _versioned(data, _retyped),
}


def _versioned(data: bytes, change: Callable[[object], object] | None = None) -> bytes:
    """Return each line of JSON with every key called otherwise, or changed; what is no JSON with a line before it."""
    try:
        lines = [json.loads(line) for line in data.splitlines() if line] if b"\n{" in data else [json.loads(data)]
    except ValueError:
        return b"version: 2\n" + data
    return b"".join(json.dumps((change or _renamed)(line)).encode() + b"\n" for line in lines) + b"\n"


def _retyped(value: object) -> object:
    """Return it with a list for each number, and a number for each text."""
    if isinstance(value, dict):
        return {key: _retyped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_retyped(item) for item in value]
    return 5 if isinstance(value, str) else [value]


def _renamed(value: object) -> object:
    if isinstance(value, dict):
        return {f"{key}_v2": _renamed(item) for key, item in value.items()}
    return [_renamed(item) for item in value] if isinstance(value, list) else value


def _half(file: Path, store: str) -> None:
    """Run a round and a half, and leave what processes that were killed leave."""
    text = file.read_text()
    name = STEPS["sample_space"](text, store)
    STEPS["propose"](name, store, 0)
    STEPS["estimate"](name, store, 0, 0, 1)
    STEPS["propose"](name, store, 1)
    STEPS["estimate"](name, store, 1, 0, 1)
    folder = SearchFolder(open_store(store), name)
    pending = folder.trials(1)[-1].proposal
    claims = [key for key in folder.store.list(folder.key("rounds/")) if "/claims/" in key and pending.id not in key]
    # The one claim that is left is that of a pod that is gone.
    folder.store.delete([folder.key(f"rounds/000001/trials/{pending.id}.json"), *claims])
    folder.write_progress(pending, ())
    folder.write_checkpoint(pending.id, b"state")
    folder.write_json("error.json", {"kind": "DataError", "message": "There are no images."})


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A search that has ended, and one in the middle of its second round."""
    folder = tmp_path_factory.mktemp("whole")
    file = looked_up(folder)
    run_steps(file, str(folder / "ended"))
    _half(file, str(folder / "half"))
    return {kind: folder / kind for kind in ("ended", "half")}


def _objects(store: Path) -> list[str]:
    return open_store(str(store)).list("")


ENDED = (
    "index/looked-up", "search.yaml", "space.json", "rounds/000000/proposals.json", "rounds/000001/proposals.json",
    "rounds/000002/proposals.json", "history/000000-000001.jsonl", "history/000002-000002.jsonl", "selection.json",
    "best/untrained.json",
    "best/architecture.json", "best/architecture.svg", "report/index.html", "done",
)  # fmt: skip
HALF = (
    "search.yaml", "space.json", "rounds/000000/proposals.json", "rounds/000001/proposals.json", "rounds/000001/trials/*.json",
    "rounds/000001/claims/*",
    "history/000000-000000.jsonl", "progress/*.json", "checkpoints/*.pt", "error.json",
)  # fmt: skip
CASES = [*(("ended", name) for name in ENDED), *(("half", name) for name in HALF)]


def test_these_are_all_objects(stores: dict[str, Path]) -> None:
    for kind, store in stores.items():
        named = {str(path.relative_to(store)) for of, name in CASES if of == kind for path in _matching(store, name)}
        kinds = {key.rpartition("/")[0] for key in _objects(store)}
        assert {key.rpartition("/")[0] for key in named} == kinds - ({"index"} if kind == "half" else set())


def _matching(store: Path, name: str) -> Iterator[Path]:
    yield from store.glob(name if name.startswith("index/") else f"searches/{NAME}/{name}")


@pytest.mark.long
@pytest.mark.cluster  # for its length; it needs none
@pytest.mark.parametrize(("kind", "name"), CASES, ids=lambda part: part)
def test_no_command_ends_in_a_traceback_and_no_trial_is_lost(
    stores: dict[str, Path], kind: str, name: str, run: Run, tmp_path: Path
) -> None:
    file = looked_up(tmp_path)
    file.write_text(LOOKED_UP.replace("TABLE", str(stores[kind].parent / "table.csv")))
    for damage in DAMAGES.values():
        store = tmp_path / "store"
        shutil.copytree(stores[kind], store)
        (path,) = _matching(store, name)
        path.write_bytes(damage(path.read_bytes()))
        _look(run, store, path, kind)
        _go_on(file, store, path, _trials(stores[kind]))
        assert run("delete", NAME, "--store", str(store), "--yes")[0] == 0
        assert _objects(store) == []
        shutil.rmtree(store, ignore_errors=True)


def _look(run: Run, store: Path, damaged: Path, kind: str) -> None:
    """Look at the search in every way; nothing is changed by that, and what is an error names the object."""
    before = {key: (store / key).read_bytes() for key in _objects(store)}
    commands = [["show", NAME], ["show", NAME, "--json"], ["list"], ["list", "--json"]]
    for command in [*commands, *([["watch", NAME]] if kind == "ended" else [])]:
        status, out, err = run(*command, "--store", str(store))
        assert "Traceback" not in out + err
        assert status == 0 or (status == 1 and str(damaged) in err and command[0] != "list"), (command, out, err)
    assert {key: (store / key).read_bytes() for key in _objects(store)} == before


def _go_on(file: Path, store: Path, damaged: Path, before: list[Trial]) -> None:
    """Run the search again, having done what the error said where there was one; all trials are there, and none is another."""
    try:
        run_steps(file, str(store), "select", "retrain")
    except CorruptObjectError as error:
        _do(str(error), damaged, file)
        run_steps(file, str(store), "select", "retrain")
    after = {trial.proposal: trial for trial in _trials(store)}
    assert len(after) == 6
    assert sorted(proposal.number for proposal in after) == list(range(6))
    for trial in before:
        assert after[trial.proposal].metrics == trial.metrics


def _do(said: str, damaged: Path, file: Path) -> None:
    """Do what an error says."""
    assert str(damaged) in said
    if damaged.name == "search.yaml":
        assert "Put the file there that the search was begun with" in said
        damaged.write_text(file.read_text())
    else:
        assert "remove it and run the search again" in said
        damaged.unlink()


def _trials(store: Path) -> list[Trial]:
    return list(SearchFolder(open_store(str(store)), NAME).history())


@pytest.mark.parametrize(
    ("kind", "change"),
    [("space.json", lambda raw: raw["decisions"].append({"name": "new", "choices": [1, 2], "when": {}})),
     ("space.json", lambda raw: raw["decisions"].reverse()),
     ("space.json", lambda raw: raw["decisions"][0]["choices"].pop())],
)  # fmt: skip
def test_a_search_of_another_version_of_its_space_is_told_and_can_be_removed(
    stores: dict[str, Path], kind: str, change: Callable[[Any], object], run: Run, tmp_path: Path
) -> None:
    shutil.copytree(stores["ended"], store := tmp_path / "store")
    path = store / "searches" / NAME / kind
    raw = json.loads(path.read_bytes())
    change(raw)
    path.write_text(json.dumps(raw))
    for command in ("show", "sync", "watch"):
        status, _, err = run(command, NAME, "--store", str(store))
        assert (status, "has other decisions than its file has here" in err) == (1, True)
    with pytest.raises(CorruptObjectError, match="Use what it was begun with"):
        STEPS["propose"](NAME, str(store), 3)
    assert run("delete", NAME, "--store", str(store), "--yes")[0] == 0


@pytest.mark.parametrize("part", ["counts", "metrics", "a metric", "curve", "agreement"])
def test_a_value_of_another_type_is_passed_over_and_told(staged: Any, run: Run, part: str) -> None:
    trials = staged.run(0.7, 0.9)
    staged.select()
    model = staged.train(trials[1]).to_dict()
    facts = {"input_shape": [1, 8, 8], "classes": ["a", "b"], "counts": {"train": [5, 6]}}
    match part:
        case "counts":
            facts["counts"] = {"train": [5]}
        case "metrics":
            model["metrics"]["n_params"] = "many"
        case "a metric":
            del model["metrics"]["latency_s"]
        case "curve":
            model["curve"][0][0] = "first"
        case "agreement":
            model["agreement"] = {"onnx": []}
    staged.folder.write_json("space.json", {"id": "x", "data": facts})
    staged.folder.write_json("best/model.json", {"recipe": "r", "model": model})
    damaged = staged.folder.uri("space.json" if part == "counts" else "best/model.json")
    status, out, _ = run("show", "tiny", "--store", staged.store)
    assert (status, f"The object {damaged} is damaged, or of another version" in out) == (0, True)


@pytest.mark.parametrize(
    "damaged", ["search.yaml", "space.json", "history/000000-000001.jsonl", "selection.json", "best/untrained.json"]
)
def test_sync_names_what_is_damaged(stores: dict[str, Path], damaged: str, run: Run, tmp_path: Path) -> None:
    shutil.copytree(stores["ended"], tmp_path / "store")
    path = tmp_path / "store/searches" / NAME / damaged
    for damage in DAMAGES.values():
        path.write_bytes(damage((stores["ended"] / "searches" / NAME / damaged).read_bytes()))
        status, _, err = run("sync", NAME, "--store", str(tmp_path / "store"))
        assert (status, str(path) in err) == (1, True)


def test_a_run_of_a_finished_search_does_nothing_until_something_was_damaged_or_removed(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(stores["ended"], tmp_path / "store")
    folder, search = open_search(str(tmp_path / "store"), NAME)
    assert is_finished(folder, search)
    for name in ENDED[1:]:
        whole = folder.get(name)
        matters = not name.startswith("rounds/") and name != "search.yaml"  # the trials are all there, and the file is given
        for damage in (lambda _: b"{}", lambda data: data[:-2]):
            folder.put(name, damage(whole))
            if name.startswith("history/"):
                with pytest.raises(CorruptObjectError):
                    is_finished(folder, search)
            else:
                assert is_finished(folder, search) is not matters, name
        folder.store.delete([folder.key(name)])
        assert is_finished(folder, search) is not matters, name
        folder.put(name, whole)
        assert is_finished(folder, search)
    assert not is_finished(folder, parse(search.text.replace("trials: 6", "trials: 7")))
    folder.store.delete([f"index/{NAME}"])
    assert not is_finished(folder, search)
