"""What the network of an architecture costs to run once it is deployed."""

from archsmith.evaluation.data import Dataset
from archsmith.evaluation.device import Device
from archsmith.evaluation.measures import latency, peak_memory_mb
from archsmith.models import build
from archsmith.models.cost import FULL, cost_of
from archsmith.spaces.space import Space
from archsmith.values import Architecture


def deployed(space: Space, architecture: Architecture, dataset: Dataset, device: Device) -> dict[str, float]:
    """Return parameters, multiply-adds, latency and memory of the network at full fidelity, whatever its weights are.

    Args:
        space: The space of the architecture.
        architecture: Which network.
        dataset: Its images' shape and classes.
        device: Where the time is measured.

    Raises:
        UnbuildableError: The architecture has no network.
    """
    shape, n_classes = dataset.input_shape, dataset.n_classes
    counted = cost_of(space, architecture, shape, n_classes)
    network = device.place(build(space, architecture, shape, n_classes, fidelity=FULL))
    return {
        "n_params": counted.n_params,
        "flops": counted.flops,
        **latency(network, shape, device).metrics,
        "peak_memory_mb": peak_memory_mb(network, shape, device),
    }
