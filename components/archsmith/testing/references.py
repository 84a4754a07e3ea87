"""References for tests, as trained, and what a winner gains over them."""

from archsmith.values import EpochRecord
from archsmith.values.references import Gain, Held, Reference, ReferenceName, Worth

CURVE = (EpochRecord(1, 5, 1.5, 1.2, 0.7, 2.0), EpochRecord(2, 10, 1.0, 1.1, 0.8, 4.0), EpochRecord(3, 15, 0.9, 1.15, 0.78, 6.0))


def reference(name: ReferenceName, accuracy: float = 0.9) -> Reference:
    """Return a reference that reaches this accuracy on the test images."""
    n_params, flops = {"linear": (650.0, 640.0), "residual": (61_000.0, 2e6)}[name]
    metrics = {"test_accuracy": accuracy, "val_accuracy": 0.8, "n_params": n_params, "flops": flops, "latency_s": 1e-3}
    network = {"linear": "softmax regression on the pixels", "residual": "3 stages of 1 residual block, 8 to 32 channels"}[name]
    return Reference(name, network, 3, 3, 2, metrics, CURVE, 6.0, 7, "cpu", {"pt2": 0.0, "onnx": 1e-7})


def worth(linear: Gain | str, residual: Gain | str) -> Worth:
    """Return what a winner gains over both; or a text, why one has failed."""
    both: tuple[tuple[ReferenceName, Gain | str], ...] = (("linear", linear), ("residual", residual))
    held = [Held(reference(name, gain.reference / gain.n), gain) for name, gain in both if isinstance(gain, Gain)]
    return Worth(tuple(held), {name: why for name, why in both if isinstance(why, str)})


WORTH_IT = worth(Gain(1000, 975, 861), Gain(1000, 975, 954, 27))
"""What was worth it: 2.1 points above the better one."""

NOT_WORTH_IT = worth("DivergedError: nan", Gain(1000, 975, 990, 3))
"""What was not: a reference is better, and the other one has failed."""
