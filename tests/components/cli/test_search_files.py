import json
from collections.abc import Callable
from pathlib import Path

from archsmith.search import load, schema
from archsmith.template import TEMPLATE
from archsmith.testing.searches import tiny

Run = Callable[..., tuple[int, str, str]]


def test_init_prints_a_search_file_that_check_accepts(run: Run, tmp_path: Path) -> None:
    status, text, _ = run("init")
    assert (status, text) == (0, TEMPLATE)
    (tmp_path / "search.yaml").write_text(text)
    status, said, _ = run("check", "search.yaml")
    size = load(tmp_path / "search.yaml").space.size()
    assert status == 0
    assert said == (
        f"search.yaml is a valid search named 'my-search': evolution over {size:.3g} architectures (chain) on digits; "
        "24 trials of 4 epochs in 3 rounds; the winner is retrained for 30 epochs.\n"
    )


def test_check_says_what_is_wrong_and_exits_with_2(run: Run, tmp_path: Path) -> None:
    tiny(tmp_path, ("trials: 6", "trials: six"), ("{epochs: 2}", "{epochs: 0}"))
    status, out, err = run("check", "search.yaml")
    assert (status, out) == (2, "")
    assert err == (
        "archsmith: search.yaml:8: spec.estimation.epochs: got 0, but must be >= 1.\n"
        "search.yaml:11: spec.budget.trials: got 'six', but must be a whole number.\n"
    )


def test_a_file_that_is_not_there_is_named(run: Run) -> None:
    for command in ("check", "run", "compile"):
        status, _, err = run(command, "none.yaml")
        assert status == 2
        assert err == (
            "archsmith: The search file 'none.yaml' can't be read: No such file or directory. "
            "`archsmith init` writes one to start from.\n"
        )


def test_schema_prints_the_json_schema(run: Run) -> None:
    status, out, _ = run("schema")
    assert status == 0
    assert json.loads(out) == json.loads(json.dumps(schema()))
