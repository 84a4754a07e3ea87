"""What looks with shared weights say of networks that are trained alone: Kendall's tau, on digits, in a minute or two a method.

    python benchmarks/sharing_rank.py --methods uniform fair dropout together policy --seeds 2

A small NAS-Bench-201 with one cell a stage. Some random architectures are trained alone, each twice with other seeds, whose
agreement is the ceiling; and looked at with weights that each method has trained. The numbers of parameters rank beside them.
Prints a line of JSON a method.
"""

import argparse
import json
import time
from collections.abc import Mapping

import numpy as np
import torch
from scipy.stats import kendalltau

from archsmith.evaluation.data import Dataset, load
from archsmith.evaluation.device import choose_device
from archsmith.evaluation.sharing.make import make_looks, make_training
from archsmith.evaluation.train import TrainEstimator
from archsmith.models.cost import cost_of
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spec import DataSpec, TrainingSpec
from archsmith.spec.supernets import Sampled
from archsmith.testing.estimators import MemoryCheckpoints
from archsmith.values import Architecture, Fidelity, Proposal

SPACE = NasBench201Config(cells=1, channels=8).build()
TRAINING, CPU = TrainingSpec(batch_size=64), choose_device(gpu=0, fallback="cpu")


def methods(epochs: int) -> Mapping[str, Sampled]:
    """Return the settings of each; fair sampling has five paths a step, and so fewer epochs."""
    return {
        "untrained": Sampled(1),
        "uniform": Sampled(epochs),
        "fair": Sampled(max(1, epochs // 5), "fair"),
        "dropout": Sampled(max(1, epochs // 3), "dropout"),
        "together": Sampled(max(1, epochs // 3), "dropout", together=True),
        "policy": Sampled(epochs, "policy"),
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=[*methods(1)])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--architectures", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dataset, rng = load(DataSpec(name="digits"), seed=0), np.random.default_rng(0)
    drawn = list(dict.fromkeys(SPACE.canonical(SPACE.sample(rng)) for _ in range(10 * arguments.architectures)))
    architectures = drawn[: arguments.architectures]
    truth = np.array([[alone(dataset, a, seed) for a in architectures] for seed in (0, 1)])
    params = [cost_of(SPACE, a, (1, 8, 8), 10).n_params for a in architectures]
    print(json.dumps({
        "architectures": len(architectures), "loss_alone": [round(float(q), 3) for q in np.quantile(truth, (0, 0.5, 1))],
        "ceiling": tau(*truth), "params": tau(-np.array(params), truth.mean(0)),
    }), flush=True)  # fmt: skip
    for name in arguments.methods:
        begin = time.process_time()
        settings, trained = methods(arguments.epochs)[name], name != "untrained"
        losses = [looks(dataset, settings, architectures, seed, trained=trained) for seed in range(arguments.seeds)]
        found = [tau(of_seed, truth.mean(0)) for of_seed in losses]
        print(json.dumps({"method": name, "tau": found, "cpu_s": round(time.process_time() - begin, 1)}), flush=True)


def alone(dataset: Dataset, architecture: Architecture, seed: int) -> float:
    """Return the validation loss of an architecture that is trained alone."""
    estimator = TrainEstimator(dataset, SPACE, TRAINING, CPU, MemoryCheckpoints(), 1e9, 0)
    trial = estimator.estimate(Proposal(architecture, Fidelity(8)), seed=seed, progress=lambda _: None)
    return trial.metrics["loss"]


def looks(dataset: Dataset, settings: Sampled, architectures: list[Architecture], seed: int, *, trained: bool) -> np.ndarray:
    """Return the validation loss of each architecture with shared weights."""
    given = {
        "space": SPACE, "dataset": dataset, "fidelity": Fidelity(8), "training": TRAINING, "device": CPU, "seed": seed,
    }  # fmt: skip
    training = make_training(settings, **given)
    for _ in training.run() if trained else ():
        pass
    looker = make_looks(settings, training.state(), **given).looker
    return np.array([looker.look(a)[0] for a in architectures])


def tau(a: np.ndarray, b: np.ndarray) -> float:
    """Return Kendall's tau of two rankings."""
    return round(float(kendalltau(a, b).statistic), 3)


if __name__ == "__main__":
    main()
