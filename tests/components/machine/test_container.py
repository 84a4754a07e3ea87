"""Control groups as Kubernetes, Docker and systemd make them: the files are those of machines of each kind."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from archsmith.machine.container import cpu_quota, limit_memory, memory_left_mb, n_cores

Machine = Callable[[str, Mapping[str, str]], tuple[Path, Path]]

OF_V1 = "9:memory:{0}\n3:cpu,cpuacct:{0}\n1:name=systemd:{0}\n"
OF_BOTH = "12:cpuset:/\n9:memory:/pod/c\n0::/init.scope\n"
SUM_V2 = "anon 100000000\nfile 900000000\nkernel 20000000\nshmem 5000000\ninactive_file 800000000\n"
SUM_V1 = "cache 900000000\nrss 1\ntotal_cache 900000000\ntotal_rss 100000000\ntotal_shmem 25000000\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Write the table of a process and the files of groups; return the places of both."""

    def make(table: str, files: Mapping[str, str]) -> tuple[Path, Path]:
        for name, text in files.items():
            (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "cgroup" / name).write_text(text)
        (tmp_path / "table").write_text(table)
        return tmp_path / "cgroup", tmp_path / "table"

    return make


@pytest.mark.parametrize(
    ("table", "files", "limit_mb"),
    [
        ("0::/\n", {"memory.max": "4294967296\n"}, 4294.967296),  # a pod, which sees its own group only
        ("0::/\n", {"memory.max": "max\n"}, None),
        ("0::/user.slice/a.scope\n", {"user.slice/a.scope/memory.max": "max\n", "user.slice/memory.max": "2000000000\n"}, 2000.0),
        ("0::/a/b\n", {"a/b/memory.max": "3000000000\n", "a/memory.max": "2000000000\n", "memory.max": "max"}, 2000.0),
        ("0::/../other\n", {"memory.max": "1000000000"}, 1000.0),  # seen from another namespace
        (OF_V1.format("/docker/x"), {"memory/memory.limit_in_bytes": "1000000000\n"}, 1000.0),  # its own group is the top
        (OF_V1.format("/docker/x"), {"memory/docker/x/memory.limit_in_bytes": "1000000000\n"}, 1000.0),
        (OF_V1.format("/"), {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        (OF_V1.format("/"), {"memory/memory.limit_in_bytes": "-1\n"}, None),  # what is written there for no limit
        (OF_BOTH, {"memory/pod/c/memory.limit_in_bytes": "500000000", "memory/memory.limit_in_bytes": "700000000"}, 500.0),
        ("", {}, None),
    ],
)  # fmt: skip
def test_the_limit_is_the_tightest_of_the_groups_around(
    table: str, files: dict[str, str], limit_mb: float | None, machine: Machine
) -> None:
    assert memory_left_mb(*machine(table, files)) == limit_mb


@pytest.mark.parametrize(
    ("table", "files"),
    [
        ("0::/\n", {"memory.max": "471859200", "memory.stat": SUM_V2}),
        (OF_V1.format("/kubepods/x"), {"memory/memory.limit_in_bytes": "471859200", "memory/memory.stat": SUM_V1}),
    ],
)
def test_pages_of_files_are_left_since_the_kernel_takes_them_back(table: str, files: dict[str, str], machine: Machine) -> None:
    assert memory_left_mb(*machine(table, files)) == pytest.approx(471.8592 - 125)


def test_names_and_inodes_that_are_cached_are_left_too(machine: Machine) -> None:
    held = "anon 300000000\nkernel 3100000000\nslab_reclaimable 3000000000\nslab 3060000000\n"
    assert memory_left_mb(*machine("0::/\n", {"memory.max": "4000000000", "memory.stat": held})) == pytest.approx(3600)


def test_no_more_is_left_than_in_any_group_around(machine: Machine) -> None:
    files = {"a/b/memory.max": "4000000000", "a/b/memory.stat": "anon 300000000", "a/memory.max": "5000000000"}
    assert memory_left_mb(*machine("0::/a/b\n", {**files, "a/memory.stat": "anon 4800000000"})) == pytest.approx(200)


@pytest.mark.parametrize(
    ("table", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/\n", {"cpu.max": "150000\t100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "150000\n"}, None),
        ("0::/\n", {"cpu.max": "0 0\n"}, None),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "50000 100000\n"}, 0.5),
        (OF_V1.format("/x"), {"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2.0),
        (OF_V1.format("/x"), {"cpu,cpuacct/x/cpu.cfs_quota_us": "200000", "cpu,cpuacct/x/cpu.cfs_period_us": "50000"}, 4.0),
        (OF_V1.format("/x"), {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("not a table\n0::/\n", {"cpu.max": "100000 100000"}, 1.0),
        ("", {}, None),
    ],
)
def test_the_quota_of_cores_is_the_tightest_of_the_groups_around(
    table: str, files: dict[str, str], cores: float | None, machine: Machine
) -> None:
    assert cpu_quota(*machine(table, files)) == cores


@pytest.mark.parametrize(("quota", "cores"), [("150000 100000", 1), ("50000 100000", 1), ("100000000 100000", None)])
def test_the_cores_are_no_more_than_the_quota_and_at_least_one(quota: str, cores: int | None, machine: Machine) -> None:
    assert n_cores(*machine("0::/\n", {"cpu.max": quota})) == (cores or len(os.sched_getaffinity(0)))


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    for ask in (memory_left_mb, cpu_quota):
        assert ask(tmp_path / "none", tmp_path / "none") is None


def test_what_is_no_number_in_the_statistics_counts_nothing(machine: Machine) -> None:
    stat = "anon max\nkernel 1000000\nshmem\n"
    assert memory_left_mb(*machine("0::/\n", {"memory.max": "3000000", "memory.stat": stat})) == 2.0


def test_an_allocation_past_the_limit_fails_and_kills_nobody() -> None:
    if (child := os.fork()) == 0:
        limit_memory(50.0)
        try:
            small = bytearray(30_000_000)
            bytearray(2_000_000_000)  # more than what other tests have left free in this process, which counts for nothing
        except MemoryError:
            os._exit(7 if len(small) == 30_000_000 else 1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
