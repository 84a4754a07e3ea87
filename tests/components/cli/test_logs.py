import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., tuple[int, str, str]]


def log_of(staged: Any) -> Path:
    return Path(staged.store) / "searches" / "tiny" / "run.log"


def test_the_log_of_a_run_on_this_machine_is_printed(run: Run, staged: Any) -> None:
    log_of(staged).write_bytes("step one\nsürprise \xff\n".encode("latin-1"))
    status, out, _ = run("logs", "tiny")
    assert (status, out) == (0, "step one\ns\ufffdrprise \ufffd\n")


def test_following_prints_what_comes_until_the_search_is_done(run: Run, staged: Any) -> None:
    log_of(staged).write_text("one\n")

    def go_on() -> None:
        time.sleep(0.2)
        with log_of(staged).open("a") as file:
            file.write("two\n")
        staged.folder.mark(done=True)

    running = threading.Thread(target=go_on, daemon=True)
    running.start()
    status, out, _ = run("logs", "tiny", "--follow")
    running.join(5)
    assert (status, out) == (0, "one\ntwo\n")


def test_a_search_that_ran_elsewhere_has_no_log_here(run: Run, staged: Any) -> None:
    status, _, err = run("logs", "tiny")
    assert status == 2
    assert "ran elsewhere" in err
