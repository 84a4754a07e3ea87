import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from archsmith.errors import KilledError
from archsmith.search import parse
from archsmith.steps import client
from archsmith.steps.server import served
from archsmith.testing.searches import TINY, looked_up


@pytest.mark.timeout(30)  # a task that waits for an answer of the dead would wait for ever
def test_a_task_whose_server_was_killed_says_so_and_does_not_wait(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    with served(parse(TINY), str(tmp_path), tmp_path):
        (server,) = set(psutil.Process().children()) - before
        server.send_signal(signal.SIGKILL)
        while server.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        with pytest.raises(KilledError, match=r"'propose' was killed"):
            client.call(os.environ[client.VARIABLE], "propose", ["tiny", str(tmp_path), 0])


def test_a_step_is_passed_on_however_long_the_path_of_the_temporary_folder_is(tmp_path: Path) -> None:
    folder, file = tmp_path / ("long" * 50), looked_up(tmp_path)
    folder.mkdir()
    with served(parse(file.read_text()), str(folder), folder):
        address = os.environ[client.VARIABLE]
        assert len(address) > 200  # an address of Linux has 107 characters
        assert client.call(address, "sample_space", [file.read_text(), str(tmp_path / "runs")]) == "looked-up"
