"""The steps that track, as pods run them: each in a process of its own, without a server that keeps them warm."""

import subprocess
import sys
from pathlib import Path

import pytest

from archsmith.steps.main import run_step
from archsmith.testing.searches import tiny

pytestmark = pytest.mark.usefixtures("as_a_user")


TRACKED = ("tracking: {enabled: false}", "tracking: {enabled: true}")


@pytest.mark.cluster  # for its length; it needs none
@pytest.mark.filterwarnings("ignore:The ``noload``")  # MLflow's use of SQLAlchemy
def test_steps_that_run_in_pods_of_their_own_track_their_trials(tmp_path: Path) -> None:
    import mlflow

    text = tiny(tmp_path, TRACKED, ("trials: 6, rounds: 3", "trials: 2, rounds: 1")).read_text()
    store = str(tmp_path / "runs")
    run_step("sample_space", text, store)  # these two track nothing
    run_step("propose", "tiny", store, 0.0)  # KFP may hand an integer on as a float
    assert run_in_a_pod("estimate", "tiny", store, 0, 0, 1) == "2"
    run_in_a_pod("select", "tiny", store)
    assert float(run_in_a_pod("retrain", "tiny", store)) > 0.1
    assert run_in_a_pod("report", "tiny", store).endswith("index.html'")
    client = mlflow.MlflowClient(f"sqlite:///{store}/mlflow.db")
    version = client.get_model_version_by_alias("archsmith-tiny", "champion")
    training = client.get_run(version.run_id)
    parent = training.data.tags["mlflow.parentRunId"]
    runs = client.search_runs(
        [training.info.experiment_id], f"tags.archsmith.of = 'tiny' AND tags.mlflow.parentRunId = '{parent}'"
    )
    assert len(runs) == 2


def run_in_a_pod(step: str, *arguments: object) -> str:
    """Run a step in a fresh process, as KFP's executor does, and return the repr of its result."""
    code = f"from archsmith.steps.main import run_step; print('\\n' + repr(run_step({step!r}, *{arguments!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]
