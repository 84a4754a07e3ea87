"""What is found out about a table that comes without a word."""

import re
from pathlib import Path

import numpy as np
import pytest

from archsmith.bench import find_tasks, warnings
from archsmith.errors import DataError, UnknownNameError
from archsmith.spaces.chain import ChainConfig

CHAIN = ChainConfig().build()
TEXTS = [CHAIN.to_text(CHAIN.sample(np.random.default_rng(seed))) for seed in range(30)]


def table(folder: Path, header: str, texts: list[str] = TEXTS) -> Path:
    path, n = folder / "t.csv", header.count(",")
    path.write_text("\n".join([header, *(text + "".join(f",{k + c}" for c in range(n)) for k, text in enumerate(texts))]))
    return path


def test_space_and_columns_are_found_by_what_they_look_like(tmp_path: Path) -> None:
    path = table(tmp_path, "which,a_valid_12ep,b_valid_12ep,time,b_test_200ep,a_test_200ep,a_test_12ep")
    a, b = find_tasks(path)
    assert a.space.name == "chain"
    assert (a.name, a.column, a.test_column) == ("a", "a_valid_12ep", "a_test_200ep")
    assert (b.name, b.column, b.test_column) == ("b", "b_valid_12ep", "b_test_200ep")
    assert (a.best, b.best) == (29, 30)


def test_what_is_given_is_taken(tmp_path: Path) -> None:
    path = table(tmp_path, "which,x,y,valid")
    (task,) = find_tasks(path, space="chain", architecture="which", metrics=["x"], tests=["y"], goal="minimize")
    assert (task.name, task.column, task.test_column, task.best) == ("x", "x", "y", 0)


def test_a_table_of_which_many_rows_are_of_no_architecture_is_refused_and_a_few_are_told_of(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"4 of the 34 rows .* fit no architecture of the space 'chain', but at most 10 % may"):
        find_tasks(table(tmp_path, "which,x_valid", [*TEXTS, "a", "b", "c", "d"]))
    tasks = find_tasks(table(tmp_path, "which,x_valid", [*TEXTS, "a"]))
    fit, known = warnings(tasks)
    assert re.match(r"1 of the 31 rows of the table .* are not used: line 32: ", fit)
    assert known.endswith("for none of 500 architectures drawn of the space 'chain'; the others are failed evaluations.")


def test_equal_beginnings_do_not_make_equal_names(tmp_path: Path) -> None:
    tasks = find_tasks(table(tmp_path, "which,a_valid_12ep,a_valid_200ep,a_test"))
    assert [t.name for t in tasks] == ["a_valid_12ep", "a_valid_200ep"]
    assert [t.test_column for t in tasks] == ["a_test", "a_test"]


def test_of_a_learning_curve_the_last_epoch_is_searched(tmp_path: Path) -> None:
    names = ["a_valid_9", "a_valid_10", "a_valid_11", "b_valid_1ep", "b_valid_3ep", "b_valid_9ep"]
    tasks = find_tasks(table(tmp_path, ",".join(["which", *names])))
    assert [t.column for t in tasks] == names[2:]


def test_what_is_not_found_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"No column .* has `valid` in its name; name those to search with `--metric`.*: which, x"
    ):
        find_tasks(table(tmp_path, "which,x"))
    with pytest.raises(DataError, match=r"is in the notation of a space; tried: chain, .* `--space`"):
        find_tasks(table(tmp_path, "which,x_valid", ["resnet", "vgg"]))
    with pytest.raises(UnknownNameError, match="Unknown space 'chian'"):
        find_tasks(table(tmp_path, "which,x_valid"), space="chian")
    with pytest.raises(DataError, match="1 columns of test values are named for 2 to search"):
        find_tasks(table(tmp_path, "which,x,y"), metrics=["x", "y"], tests=["y"])
    empty = tmp_path / "empty.csv"
    empty.write_text("".join(["which,x\n", *(f"{text},NA\n" for text in TEXTS)]))
    with pytest.raises(DataError, match=r"No row of the table '.*' has a value in `x`; name another column with `--metric`"):
        find_tasks(empty, metrics=["x"])
    with pytest.raises(DataError, match="Unknown column 'z'"):
        find_tasks(table(tmp_path, "which,x,y"), metrics=["z"])


def test_a_space_with_settings_of_its_own_is_given_as_it_is_and_decisions_without_a_choice_need_no_column(tmp_path: Path) -> None:
    one = {"min": 1, "max": 1}
    space = ChainConfig.model_validate({"layers": one, "operations": ["conv"], "strides": [1], "dense_layers": one}).build()
    names = [d.name for d in space.decisions if len(d.choices) > 1]
    chosen = [space.assignment(a) for a in space.enumerate()]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([",".join([*names, "valid"]), *(",".join([*(str(c[n]) for n in names), "1"]) for c in chosen)]))
    (task,) = find_tasks(path, space=space)
    assert set(task.table.rows) == set(space.enumerate())
    with pytest.raises(DataError, match=r"tried: chain, .* give a search file .* `--file`"):
        find_tasks(path)


def test_a_table_with_a_column_a_decision_is_found_too(tmp_path: Path) -> None:
    names = [d.name for d in CHAIN.decisions]
    rows = []
    for seed in range(30):
        chosen = CHAIN.assignment(CHAIN.sample(np.random.default_rng(seed)))
        rows.append(",".join([*(str(chosen.get(name, "")) for name in names), str(seed)]))
    path = tmp_path / "t.csv"
    path.write_text("\n".join([",".join([*names, "valid"]), *rows]))
    (task,) = find_tasks(path)
    assert (task.space.name, task.best, len(task.table.rows)) == ("chain", 29, 30)
