import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from archsmith.machine.container import n_cores
from archsmith.spec import ResourcesSpec
from archsmith.steps import workers
from archsmith.steps.workers import divide, room_mb


@pytest.mark.parametrize(("wanted", "trials", "count"), [(1, 8, 1), (2, 8, 2), (2, 1, 1), (64, 3, 3)])
def test_there_are_as_many_workers_as_asked_for_but_no_more_than_trials(wanted: int, trials: int, count: int) -> None:
    assert divide(ResourcesSpec(workers=wanted), trials=trials).count == count


def test_the_cores_are_divided_among_the_workers() -> None:
    for wanted in (1, 2, 64):
        divided = divide(ResourcesSpec(workers=wanted), trials=100)
        assert divided.threads == max(1, n_cores() // divided.count)


def test_a_worker_a_core_is_the_default() -> None:
    assert divide(ResourcesSpec(), trials=100).count == n_cores()


def test_cpu_is_an_upper_limit_of_the_cores() -> None:
    assert divide(ResourcesSpec(cpu=1), trials=100) == workers.Workers(1, 1, None)


def test_memory_is_what_this_process_leaves_divided_evenly() -> None:
    own_mb = psutil.Process().memory_info().rss / 1e6
    divided = divide(ResourcesSpec(workers=4, memory="8Gi"), trials=100)
    assert divided.memory_mb == pytest.approx((8 * 2**30 / 1e6 - own_mb) / 4, rel=0.02)


@pytest.mark.parametrize("named", [None, "450Mi"])
def test_two_workers_in_a_pod_of_450_mi_leave_room_for_all_that_is_none_of_theirs(named: str | None) -> None:
    limit_mb, step_mb, mlflow_mb = 450 * 2**20 / 1e6, 180.0, 120.0
    divided = divide(ResourcesSpec(workers=2, memory=named), trials=8, left_mb=limit_mb - step_mb - mlflow_mb)
    assert divided.memory_mb == pytest.approx((471.9 - 180 - 120 - 64) / 2, abs=0.1)


def test_workers_get_no_more_than_the_file_names_however_large_their_container_is() -> None:
    assert divide(ResourcesSpec(workers=4, memory="4G"), trials=100, left_mb=60_000.0).memory_mb == 1000


def test_where_a_container_has_nothing_left_a_worker_gets_nothing() -> None:
    assert divide(ResourcesSpec(workers=2, memory="4G"), trials=8, left_mb=50.0).memory_mb == 0


def test_a_gpu_that_is_not_there_is_not_counted() -> None:
    assert workers.n_gpus(ResourcesSpec(gpu=4)) == min(4, torch.cuda.device_count())
    assert workers.n_gpus(ResourcesSpec()) == 0


HOLD_50_MB = "import sys; held = bytearray(50_000_000); held[::64] = b'x' * len(held[::64]); print(flush=True); sys.stdin.read()"


def test_the_process_that_logs_to_mlflow_has_its_room_before_it_has_taken_it(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000000")
    (tmp_path / "memory.stat").write_text("anon 400000000\n")
    (tmp_path / "table").write_text("0::/\n")
    here = {"cgroups": tmp_path, "table": tmp_path / "table"}
    assert room_mb(tracks=False, beside=(), **here) == 600
    assert room_mb(tracks=True, beside=(psutil.Process(),), **here) == 600 - 170
    command = [sys.executable, "-c", HOLD_50_MB, "archsmith.tracking.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as begun:
        assert begun.stdout
        begun.stdout.readline()
        assert room_mb(tracks=True, beside=(psutil.Process(begun.pid),), **here) == pytest.approx(600 - 170 + 55, abs=8)
        begun.communicate()
