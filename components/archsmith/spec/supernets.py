"""How shared weights are trained: what a strategy or an estimator of the search file asks for, and the training does.

There are two kinds. In a sampled one, each step trains the weights of one architecture. In a relaxed one, a network holds all
options side by side, and parameters of the choices are trained beside the weights. Each method of the field is a preset of
these parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Paths = Literal["uniform", "fair", "dropout", "policy"]
"""How the architectures of a step are chosen: uniformly (Guo 2020), each option equally often (Chu 2021), by dropping out paths
of all together (Bender 2018), or by a policy that is trained in turns with the weights (Pham 2018)."""

Weights = Literal["softmax", "concrete", "gumbel", "gates"]
"""What the options of a choice are weighed by: all by a softmax (Liu 2019), all by a sample of the concrete distribution
(Xie 2019), one by a hard sample of it (Dong 2019), or one by a binary gate (Cai 2019)."""

Update = Literal["joint", "first", "second"]
"""Whether the choices are trained with the weights on the same images, or by the validation images, to first or second order."""

Hessian = Literal["difference", "exact"]
"""How the product of the training loss's mixed second derivatives with a vector is found."""

Annealing = Literal["linear", "exponential"]
"""By equal steps, or by equal ratios."""

Price = Literal["flops", "latency_s"]
"""Multiply-adds of an image, or seconds."""


LEAST_UPDATES = 5
"""Updates of a policy an epoch, however short that is."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """Weights that are trained by the networks of some architectures a step."""

    epochs: int
    """Passes over the training images, >= 1."""
    paths: Paths = "uniform"
    """How the architectures of a step are chosen."""
    slicing: bool = False
    """Whether narrower layers and smaller kernels are parts of the widest and largest ones. Then each step trains the largest and
    the smallest network beside those that are chosen (Yu, Huang 2019)."""
    path_dropout: float = 0.1
    """`dropout`: the probability in the end with which all options of a decision are dropped, if none were kept by force, in
    (0, 1); that of each option rises linearly from 0 (Bender 2018, section 3.2)."""
    together: bool = False
    """`dropout`: whether the options that are kept are computed together in one network and summed, as in the paper; otherwise
    they are in as few paths as can have all of them. Only for spaces whose options can be mixed."""
    split: str | None = None
    """A decision each of whose choices gets weights of its own in the course of the training (Zhao 2021)."""
    split_after: float = 0.5
    """The share of the epochs after which that happens, in [0, 1)."""
    policy_batch: int = 10
    """`policy`: architectures from which an update of the policy learns, >= 1 (Pham 2018)."""
    policy_updates: int | None = None
    """`policy`: its updates an epoch; left out, so many that it sees as many architectures as the weights do, and at least 5."""
    policy_rate: float | None = None
    """`policy`: its learning rate; left out, it follows from the number of updates, see `evaluation.sharing.policy`."""
    policy_entropy: float = 1e-4
    """`policy`: weight of its entropy, in nat, beside an accuracy in [0, 1] (Pham 2018)."""
    statistics: int = 16
    """Training batches over which the statistics of batch normalisation are averaged anew before an architecture is looked at."""

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("policy_batch", 1), ("policy_updates", 1), ("statistics", 1)):
            if (value := getattr(self, name)) is not None and value < least:
                raise ValueError(f"The value of `{name}` is {value}, but must be >= {least}.")
        if self.together and (self.paths != "dropout" or self.slicing or self.split is not None):
            raise ValueError("`together` is set, but it goes with the paths 'dropout' alone, and neither `slicing` nor `split`.")
        if not 0 < self.path_dropout < 1:
            raise ValueError(f"The value of `path_dropout` is {self.path_dropout}, but must be in (0, 1).")
        if not 0 <= self.split_after < 1:
            raise ValueError(f"The value of `split_after` is {self.split_after}, but must be in [0, 1).")
        if self.policy_rate is not None and self.policy_rate <= 0:
            raise ValueError(f"The value of `policy_rate` is {self.policy_rate}, but must be > 0.")
        if self.policy_entropy < 0:
            raise ValueError(f"The value of `policy_entropy` is {self.policy_entropy}, but must be >= 0.")

    def updates_of(self, steps: int) -> int:
        """Return the updates of the policy in an epoch of so many steps of the weights."""
        return self.policy_updates or max(LEAST_UPDATES, steps // self.policy_batch)


@dataclass(frozen=True, slots=True)
class Relaxed:
    """Weights of all options side by side, and parameters of the choices: the alphas. Defaults are those of DARTS' paper.

    Batch size, augmentation, precision and label smoothing are those of the search file's `training`: they belong to the
    images and to the machine. All else belongs to the method, and is here; but where a file gives the weights' learning rate,
    momentum, weight decay or largest gradient there, for SGD, these hold.
    """

    epochs: int
    """Passes over the training images, >= 1."""
    weights: Weights = "softmax"
    """What the options are weighed by."""
    update: Update = "first"
    """How the choices are trained."""
    hessian: Hessian = "difference"
    """To second order: the paper's finite difference of gradients, or the exact product of Hessian and vector."""
    alpha_share: float = 0.5
    """Share of the training images that the alphas are trained on, and the weights not, in (0, 1); a joint update has none."""
    alpha_every: int = 1
    """Steps of the weights for each of the alphas, >= 1."""
    warmup: float = 0.0
    """Share of the epochs in which the alphas wait for the weights, in [0, 1)."""

    learning_rate: float = 0.025
    """Of the weights in the beginning; SGD, falling as a cosine, a bit with each step."""
    least_rate: float = 0.001
    """Of the weights in the end."""
    momentum: float = 0.9
    """Of the weights."""
    nesterov: bool = False
    """Whether the momentum looks ahead."""
    weight_decay: float = 3e-4
    """Of all weights, in (0, 1)."""
    clip_gradient: float | None = 5.0
    """Largest norm of the weights' gradient."""

    alpha_rate: float | None = None
    """Learning rate of the alphas; Adam, constant. Where left out, it is `reach` over the number of their steps."""
    reach: float = 6.0
    """How far an alpha can move, roughly: Adam moves it by its rate a step, at most. The papers' rates are for their numbers of
    steps, and leave the alphas of a short training where they began: DARTS' 3e-4, over 50 epochs of 390 steps, lets them go 6."""
    alpha_betas: tuple[float, float] = (0.5, 0.999)
    """Of their Adam."""
    alpha_decay: float = 1e-3
    """Of their Adam."""

    temperature: tuple[float, float] = (1.0, 1.0)
    """Of the samples, in the beginning and in the end, > 0; the closer to zero, the closer they are to one option."""
    annealing: Annealing = "linear"
    """How the temperature goes from the one to the other, a bit with each step."""

    beta_decay: float = 0.0
    """What holds the alphas together, so that none runs away early: the weight of beta-decay in the end; it rises from zero
    (Ye 2022: 50 in NAS-Bench-201)."""
    partial: int = 1
    """One in so many channels goes through the options, the others past them (Xu 2020: 4), >= 1."""
    most_skips: int | None = None
    """Most skips a cell in what is derived (Chen 2019: 2), >= 0."""
    end_at_skips: bool = False
    """Whether training ends once a cell would have more skips than `most_skips` (Liang 2019)."""
    eigenvalue: bool = False
    """Whether the largest eigenvalue of the Hessian by the alphas is measured after each epoch: where it grows, what is derived
    is worse than its mixture (Zela 2020)."""

    cost: float = 0.0
    """Weight of the expected cost in the loss of the alphas, >= 0; in units of the cost at equal probabilities."""
    price: Price = "flops"
    """What costs: multiply-adds, or the seconds of a table that was measured on a device."""
    compile: bool = False
    """Whether the options are compiled by `torch.compile`; that takes minutes, and pays on a GPU."""

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value < high:
                raise ValueError(f"The value of `{name}` is {value}, but must be in [{low:g}, {high:g}).")
        if self.update != "joint" and not self.alpha_share > 0:
            raise ValueError(f"The value of `alpha_share` is {self.alpha_share}, but must be > 0: the alphas need images.")
        if min(self.temperature) <= 0:
            raise ValueError(f"The value of `temperature` is {self.temperature}, but both ends must be > 0.")
        if self.weights == "gates" and self.update != "first":
            raise ValueError(
                f"The value of `update` is {self.update!r}, but must be 'first' with gates: their gradient is that of two paths, "
                "and the weights are trained by one."
            )
        if self.weights == "gumbel" and self.update == "second":
            raise ValueError("The value of `update` is 'second', but a hard sample has no second derivatives; take 'first'.")
        if self.compile and (self.eigenvalue or (self.update == "second" and self.hessian == "exact")):
            what = "eigenvalue" if self.eigenvalue else "hessian: exact"
            raise ValueError(
                f"`compile` and `{what}` are set, but what is compiled has no second derivatives; leave one of them out."
            )
        if self.end_at_skips and self.most_skips is None:
            raise ValueError("`end_at_skips` is set, but not `most_skips`: how many are too many?")


_INF = float("inf")
_RANGES = (
    ("epochs", 1, _INF), ("alpha_share", 0, 1), ("alpha_every", 1, _INF), ("warmup", 0, 1), ("learning_rate", 0, _INF),
    ("least_rate", 0, _INF), ("momentum", 0, 1), ("weight_decay", 0, 1), ("clip_gradient", 0, _INF), ("alpha_rate", 0, _INF),
    ("reach", 0, _INF), ("alpha_decay", 0, 1), ("beta_decay", 0, _INF), ("partial", 1, _INF), ("most_skips", 0, _INF),
    ("cost", 0, _INF),
)  # fmt: skip

DARTS = Relaxed(epochs=50)
"""Liu, Simonyan, Yang 2019 (arXiv:1806.09055); `update="second"` is their other order."""

GDAS = Relaxed(epochs=250, weights="gumbel", temperature=(10.0, 0.1), reach=29.0)
"""Dong, Yang 2019 (arXiv:1910.04465): a step computes the one option that a sample takes."""

SNAS = Relaxed(epochs=150, weights="concrete", update="joint", temperature=(1.0, 0.33), annealing="exponential", reach=18.0)
"""Xie, Zheng, Liu, Lin 2019 (arXiv:1812.09926); they give no temperatures, these are of those who repeated it."""

PROXYLESS = Relaxed(
    epochs=120, weights="gates", warmup=1 / 3, nesterov=True, learning_rate=0.05, least_rate=0.0, weight_decay=4e-5,
    clip_gradient=None, alpha_betas=(0.0, 0.999), alpha_decay=0.0, reach=80.0,
)  # fmt: skip
"""Cai, Zhu, Han 2019 (arXiv:1812.00332): weights by one path, alphas by two; `cost` makes it hardware-aware."""

FABRIC = Relaxed(epochs=50, update="joint")
"""Saxena, Verbeek 2016 (arXiv:1606.02492): all weights at once, those of the edges among them."""

RELAXATIONS: Mapping[str, Relaxed] = {"darts": DARTS, "gdas": GDAS, "snas": SNAS, "proxyless": PROXYLESS, "fabric": FABRIC}
"""The papers' settings, by the name of the strategy."""

SupernetSettings = Sampled | Relaxed
"""How shared weights are trained."""
