"""The temperature of samples, which falls while a training goes on."""

from archsmith.spec.supernets import Annealing


def annealed(ends: tuple[float, float], annealing: Annealing, share: float) -> float:
    """Return the temperature after a share of the training, in [0, 1].

    Reference: Dong, Yang 2019 (arXiv:1910.04465), section 4.2, for `linear`; Xie 2019 (arXiv:1812.09926), section 3.1, only says
    that it falls to near zero, and those who repeated it let it fall by equal ratios: `exponential`.
    """
    begin, end = ends
    if annealing == "linear":
        return begin + (end - begin) * share
    return float(begin * (end / begin) ** share)
