from pathlib import Path

import pytest

from archsmith.steps.container import memory_limit_mb


@pytest.mark.parametrize("file", ["memory.max", "memory/memory.limit_in_bytes"])
@pytest.mark.parametrize(("text", "limit_mb"), [("4294967296\n", 4294.967296), ("max\n", None), ("9223372036854771712\n", None)])
def test_the_limit_is_read_as_linux_writes_it(tmp_path: Path, file: str, text: str, limit_mb: float | None) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert memory_limit_mb(tmp_path) == limit_mb


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert memory_limit_mb(tmp_path) is None
