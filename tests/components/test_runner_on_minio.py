"""A whole search in a real MinIO."""

from pathlib import Path

import pytest

import archsmith
from archsmith.testing.minio import MinioServer
from archsmith.testing.searches import tiny

pytestmark = pytest.mark.usefixtures("as_a_user")


@pytest.mark.cluster  # for its length; it needs none
def test_a_search_on_minio_runs_and_goes_on_like_one_in_a_folder(
    tmp_path: Path, minio_server: MinioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in minio_server.environ.items():
        monkeypatch.setenv(name, value)
    store = f"s3://{minio_server.new_bucket()}/team"
    file = tiny(tmp_path, ("trials: 6, rounds: 3", "trials: 2, rounds: 2"))  # the second round reads the first one's trial
    result, local = archsmith.run(file, store=store), archsmith.run(file, store=str(tmp_path / "runs"))
    same = ["id", "number", "status", "accuracy", "loss"]
    assert result.trials[same].equals(local.trials[same])
    assert result.best.metrics["test_accuracy"] == local.best.metrics["test_accuracy"]
    assert result.report.endswith("searches/tiny/report/index.html")
