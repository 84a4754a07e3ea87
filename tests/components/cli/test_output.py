"""What the command does where its output, or a file that it writes, takes no more, and where nobody reads it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archsmith.testing.searches import looked_up, tiny
from archsmith.views.plain_text import plain

Run = Callable[..., tuple[int, str, str]]
PROGRAM = [sys.executable, "-m", "archsmith"]


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("★ 5 ± 2 … ▁▄█", "ascii", "* 5 +- 2 ... _~#"),
        ("größe \U0001f600", "ascii", r"gr\xf6\xdfe \U0001f600"),
        ("★ größe", "latin-1", "* größe"),
        ("★ größe 図", "utf-8", "★ größe 図"),
        ("a\udcffb", "utf-8", r"a\udcffb"),  # of a file's name that is no UTF-8
        ("★", None, "*"),
    ],
)
def test_what_an_encoding_lacks_is_written_in_other_characters(text: str, encoding: str | None, written: str) -> None:
    assert plain(text, encoding) == written


@pytest.mark.cluster  # for its length; it needs none
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_result_is_shown_in_any_encoding(staged: Any, encoding: str) -> None:
    trials = staged.run(0.7, "Error: größe 図.", 0.9)
    staged.select()
    staged.train(trials[2])
    command = [*PROGRAM, "show", "tiny", "--store", staged.store]
    done = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"* 2" in done.stdout
    done.stdout.decode(encoding)


@pytest.mark.cluster  # for its length; it needs none
def test_a_pipe_that_nobody_reads_and_a_full_disk_end_the_command_without_a_traceback() -> None:
    for redirect, status, said in (
        ("| true", 1, ""),
        ("> /dev/full", 1, "archsmith: The output can't be written: No space left"),
    ):
        command = f"{sys.executable} -m archsmith schema {redirect}; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr[: len(said) or None]) == (status, said)


def test_a_file_that_can_not_be_written_is_named(run: Run, tmp_path: Path) -> None:
    file, table = str(looked_up(tmp_path)), str(tmp_path / "table.csv")
    (tmp_path / "taken").write_text("")
    (tmp_path / "folder.yaml").mkdir()
    for command in (
        ["compile", file, "-o", "none/pipeline.yaml"],
        ["compile", file, "-o", "folder.yaml"],
        ["compile", file, "-o", "none/pipeline.yaml", "--kubernetes"],
        ["bench", table, "--file", file, "-o", "taken"],
        ["bench", table, "--file", file, "-o", "taken/x"],
        ["spaces", "cell", "--sample", "1", "--draw", "none/x.svg"],
    ):
        status, _, err = run(*command)
        place = next(part for part in command if part.startswith(("none/", "folder.", "taken")))
        assert status in (1, 2)
        assert f"{place!r} can't be written: " in err, err


def test_a_search_file_that_is_a_bomb_is_refused(run: Run, tmp_path: Path) -> None:
    for text in ("[" * 5000, "a: &a [1]\n" + "\n".join(f"b{k}: &a [{', '.join(['*a'] * 10)}]" for k in range(12))):
        (tmp_path / "bomb.yaml").write_text(text)
        status, _, err = run("check", "bomb.yaml")
        assert status == 2
        assert err.startswith("archsmith: bomb.yaml:")
        assert len(err) < 300


@pytest.mark.parametrize("later", [1, 60, 200])
def test_ctrl_c_at_any_time_ends_the_command_without_a_traceback(tmp_path: Path, later: int) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "archsmith", "check", str(tiny(tmp_path))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while not process.stderr.readline().endswith("| archsmith\n"):  # the package, which comes before all that it imports
        assert process.poll() is None
    for _ in range(later):
        process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert [line for line in said.splitlines() if line and not line.startswith("import time:")] == ["Stopped."]
