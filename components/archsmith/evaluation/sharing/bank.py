"""The tensors that the architectures of a search share."""

from archsmith.evaluation.sharing.ground import Ground
from archsmith.models.shared.bank import Bank
from archsmith.models.shared.mixed_bank import MixedBank
from archsmith.models.shared.slices import SlicedBank
from archsmith.spec.supernets import Sampled


def make_bank(settings: Sampled, ground: Ground) -> Bank | MixedBank:
    """Return tensors that no step has moved yet, for networks at the search's fidelity."""
    dataset = ground.dataset
    make = MixedBank if settings.together else SlicedBank if settings.slicing else Bank
    return make(
        ground.space,
        dataset.input_shape,
        dataset.n_classes,
        fidelity=ground.fidelity,
        seed=ground.seed,
        mean=dataset.mean,
        std=dataset.std,
        device=ground.device.target,
    )
