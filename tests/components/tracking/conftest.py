"""A search to track, and places to track it in: sqlite files, and a real MLflow server on loopback."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from archsmith.spec import BudgetSpec, DataSpec, Named, Objective, SearchSpec
from archsmith.tracking import TrackedSearch, Winner
from archsmith.tracking.session import connect, session
from archsmith.values import Architecture, EpochRecord, Fidelity, Proposal, Stop, Trial
from archsmith.values.data_facts import DataFacts, LeftOut
from archsmith.values.outcome import TrainedModel

DECISIONS = ("layers", "op_1", "filters_1", "units")
MakeTrial = Callable[..., Trial]


@pytest.fixture(autouse=True)
def _no_mlflow_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def search() -> TrackedSearch:
    spec = SearchSpec(
        data=DataSpec(name="digits"),
        space=Named(name="chain", layers=[1, 4]),
        objectives=(Objective(metric="accuracy", goal="maximize"), Objective(metric="n_params", goal="minimize", limit=5000)),
        budget=BudgetSpec(trials=12),
        seed=7,
    )
    return TrackedSearch("digits-chain", spec, "kind: Search\n", DECISIONS)


@pytest.fixture
def facts() -> DataFacts:
    """What is known of the images: some of two classes, one file that was left out."""
    counts = {"train": (30, 20), "validation": (8, 5), "test": (4, 6)}
    return DataFacts((1, 8, 8), ("cat", "dog"), counts, ("train",), (LeftOut("train/cat", "not an image", 1),), "5eed" * 8)


@pytest.fixture
def make_trial() -> MakeTrial:
    """Makes a trial of its own for every number."""

    def make(number: int, status: str = "complete", accuracy: float | None = None, n_epochs: int = 3) -> Trial:
        architecture = Architecture("chain", (number, "conv", 16, None))
        proposal = Proposal(architecture, Fidelity(3, data=0.5), reason="mutation", number=number, round=number // 4)
        curve = tuple(EpochRecord(e, 10 * e, 1 / e, 2 / e, 0.1 * e, 2.0 * e) for e in range(1, n_epochs + 1))
        metrics = {} if status == "failed" else {"accuracy": accuracy or 0.5 + number / 100, "n_params": 1000.0 + number}
        return Trial(
            proposal,
            status,  # type: ignore[arg-type]
            metrics,
            curve,
            error="DivergedError: the loss is nan" if status == "failed" else None,
            seconds=7.5,
            finished_at=1_700_000_000.0 + 10 * number,
            seed=number,
            device="cpu",
            stop=Stop(n_epochs, "median", 0.4, 0.1) if status == "stopped" else None,
        )

    return make


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables: to make them takes seconds, to copy them does not."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    with session(f"sqlite:///{path}", connect, 5, "nobody"):
        return path


@pytest.fixture
def sqlite_uri(tmp_path: Path, _empty_database: Path) -> str:
    shutil.copy(_empty_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


class Server:
    """An MLflow server that can be killed and started again on the same port and database."""

    def __init__(self, folder: Path, database: Path) -> None:
        shutil.copy(database, folder / "server.db")
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self._folder / 'server.db'}"]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        switches = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "OMP_NUM_THREADS": "1"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=os.environ | switches, stdout=log, stderr=log, start_new_session=True, cwd=self._folder
            )
        self._wait_until_it_answers()

    def kill(self) -> None:
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _wait_until_it_answers(self) -> None:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise TimeoutError((self._folder / "server.log").read_text())


@pytest.fixture(scope="module")
def stopped_server(tmp_path_factory: pytest.TempPathFactory, _empty_database: Path) -> Iterator[Server]:
    """A server that a test has to start, which takes seconds."""
    server = Server(tmp_path_factory.mktemp("server"), _empty_database)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def server(stopped_server: Server) -> Server:
    stopped_server.start()
    return stopped_server


@pytest.fixture
def silent_uri() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def look() -> Callable[[str], "Look"]:
    return Look


class Look:
    """What MLflow holds, read with its own client."""

    def __init__(self, uri: str) -> None:
        self.client = connect(uri)

    def runs(self, name: str = "digits-chain") -> list[Any]:
        """The runs of searches of that name."""
        return self._search(f"tags.archsmith.search = '{name}'")

    def trials(self, run: Any) -> list[Any]:
        """The runs of the trials nested in `run`, in the order of their names."""
        return [nested for nested in self.nested(run) if nested.info.run_name.startswith("trial ")]

    def winners(self, run: Any) -> list[Any]:
        """The runs of the winners nested in `run`, in the order of their names."""
        return [nested for nested in self.nested(run) if nested.info.run_name.startswith("winner ")]

    def nested(self, run: Any) -> list[Any]:
        """All runs nested in `run`, in the order of their names."""
        found = self._search(f"tags.mlflow.parentRunId = '{run.info.run_id}'")
        return sorted(found, key=lambda r: r.info.run_name)

    def points(self, run: Any, key: str) -> list[tuple[int, float, int]]:
        """A metric's step, value and time."""
        return [(m.step, m.value, m.timestamp) for m in self.client.get_metric_history(run.info.run_id, key)]

    def all_points(self, run: Any) -> dict[str, list[tuple[int, float, int]]]:
        """All its metrics, whose order within a step does not matter."""
        return {key: sorted(self.points(run, key)) for key in run.data.metrics}

    def files(self, run: Any, path: str | None = None) -> list[str]:
        """The paths of its artifacts."""
        found = self.client.list_artifacts(run.info.run_id, path)
        return sorted(name for f in found for name in (self.files(run, f.path) if f.is_dir else [f.path]))

    def everything(self) -> Any:
        """All runs, registered models and versions, with each time and id."""
        experiments = [e.experiment_id for e in self.client.search_experiments()]
        runs = self.client.search_runs(experiments, max_results=5000)
        models = self.client.search_registered_models()
        return [
            sorted(json.dumps(run.to_dictionary(), sort_keys=True) for run in runs),
            sorted((run.info.run_id, str(run.info), str(run.inputs), str(run.outputs)) for run in runs),
            [(m.name, m.last_updated_timestamp, m.aliases) for m in models],
            [(v.version, v.last_updated_timestamp, v.tags) for v in self.client.search_model_versions()],
        ]

    def snapshot(self) -> Any:
        """All that was logged, without the ids and times that MLflow makes up."""
        (run,) = self.runs()
        return (
            _facts(run, {key: [point[:2] for point in points] for key, points in self.all_points(run).items()}),
            [_facts(nested, self.all_points(nested)) for nested in self.nested(run)],
            self.files(run),
            [(v.version, v.tags) for v in self.client.search_model_versions("name = 'archsmith-digits-chain'")],
            len(self.client.search_logged_models([run.info.experiment_id])),
        )

    def _search(self, where: str) -> list[Any]:
        experiments = [e.experiment_id for e in self.client.search_experiments()]
        return list(self.client.search_runs(experiments, filter_string=where, max_results=5000))


def _facts(run: Any, metrics: dict[str, Any]) -> Any:
    tags = {k: v for k, v in run.data.tags.items() if k != "mlflow.parentRunId"}
    return run.info.run_name, run.info.status, run.data.params, tags, metrics


@pytest.fixture(scope="session")
def winner() -> Winner:
    """A linear classifier of 2 x 3 x 3 images into 4 classes, which a matrix product can check."""
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).normal(size=(18, 4)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["images"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["logits"])],
        "linear",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 2, 3, 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(weights, "w")],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(network)
    curve = tuple(EpochRecord(e, e, 1 / e, 1 / e, 0.2 * e, float(e)) for e in (1, 2))
    model = TrainedModel(
        trial="0123456789ab",
        architecture=Architecture("chain", (1, "conv", 16, None)),
        epochs=2,
        best_epoch=2,
        metrics={"test_accuracy": 0.98, "n_params": 72.0},
        curve=curve,
        seconds=2.0,
        seed=0,
        device="cpu",
        classes=("a", "b", "c", "d"),
        input_shape=(2, 3, 3),
        agreement={"onnx": 1e-7},
    )
    return Winner(model, network.SerializeToString(), b"pt2", np.full((2, 2, 3, 3), 0.5, np.float32), 3, "conv 16")


@pytest.fixture(autouse=True)
def _mlflow_warns_when_it_is_read() -> Iterator[None]:
    """The tests read with MLflow's client as it is; what it warns of is not ours."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(mlflow|sqlalchemy|alembic)\b")
        yield
