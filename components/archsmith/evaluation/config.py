"""The settings of the estimators in the search file; those of a table are in `table_config`."""

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from archsmith.spec import Config, Fraction
from archsmith.spec.sharing import Sharing
from archsmith.spec.supernets import Sampled
from archsmith.values import Fidelity
from archsmith.values.metrics import METRICS, OF_THE_NETWORK
from archsmith.values.scores import ScoreName

if TYPE_CHECKING:
    from archsmith.evaluation.estimator import Estimator
    from archsmith.evaluation.given import Given

Anneal = Literal["once", "rung"]
"""How often the learning rate comes down in a training that goes on from rung to rung."""

ANNEAL: Anneal = "rung"
"""What ranks candidates better; `benchmarks/anneal.py` measures it."""

DISTIL = 0.5
"""Passes over the training images in which a network that was shrunk learns what its parent computes; short beside a training."""

InputShape = tuple[int, int, int]
"""Channels, height and width of an image."""


class EstimatorConfig(Config):
    """Base of an estimator's settings; its docstring's first line is its description."""

    needs_images: ClassVar[bool] = True
    """Whether the search file must name a data set."""
    looks_up: ClassVar[bool] = False
    """Whether a trial costs next to nothing, so that it gets no process of its own."""

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity that trials are asked for."""
        raise NotImplementedError

    @property
    def untrained(self) -> str | None:
        """What happens to a candidate in place of a training, as it ends a sentence: `looked up in a table`."""
        return None

    @property
    def trains(self) -> "ShortTraining | None":
        """How a candidate is trained by itself; None where none is."""
        return None

    @property
    def sharing(self) -> Sharing | None:
        """How candidates share weights; None where each is measured by itself, or a strategy says how."""
        return None

    @property
    def may_change(self) -> Mapping[str, Any]:
        """The settings that may differ when a search goes on, as pydantic excludes them."""
        return {}

    @property
    def network_input(self) -> tuple[InputShape, int] | None:
        """Shape of an image and number of classes, where the settings say them; else the data set does."""
        return None

    @property
    def own_metrics(self) -> Set[str]:
        """The metrics that are the user's own."""
        return set()

    @property
    def listed_scores(self) -> Set[str]:
        """What is known of each network that was never trained, without building it: such as the columns of a table."""
        return set()

    @property
    def curve_metrics(self) -> Set[str]:
        """The metrics that are measured after every epoch: a stopper can tell their ends."""
        return set()

    @property
    def extends(self) -> bool:
        """Whether a shorter training is the beginning of a longer one, so that their curves compare epoch by epoch."""
        return True

    def build(self, given: "Given") -> "Estimator":
        """Make the estimator; only one of another distribution is asked, as a step makes ours itself.

        It is called in the process that measures, once a trial; what it needs of torch it imports here.
        """
        raise NotImplementedError

    def measures(self, *, buildable: bool) -> Set[str]:
        """Return the metrics that a trial will have.

        Args:
            buildable: Whether there are networks, and the shape of an image is known, so that they can be counted.
        """
        del buildable
        return METRICS.keys()

    def fault_of(self, ladder: Sequence[Fidelity]) -> str | None:
        """Say at which of these fidelities nothing can be measured; None where there is none."""
        del ladder
        return None


class ShortTraining(EstimatorConfig):
    """Base of what trains candidates at a lower fidelity: fewer epochs, part of the data, smaller networks, smaller images."""

    epochs: Annotated[int, Field(ge=1)] = 5
    """Passes over the training images."""
    data: Fraction = 1.0
    """Fraction of the training images, the same share of each class."""
    width: Fraction = 1.0
    """Multiplier of the numbers of filters and units."""
    depth: Fraction = 1.0
    """Multiplier of the number of layers."""
    resolution: Fraction = 1.0
    """Multiplier of the images' height and width."""
    max_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """A trial that takes longer has failed."""

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity that trials are asked for."""
        return Fidelity(self.epochs, self.data, self.width, self.depth, self.resolution)

    @property
    def trains(self) -> "ShortTraining":
        """What is described here."""
        return self

    @property
    def curve_metrics(self) -> Set[str]:
        """Those that are measured on the validation images."""
        return {"accuracy", "loss"}


class ScreenConfig(Config):
    """A first look: nothing is trained that a score of its untrained network does not find among the best.

    It is off unless it is asked for. In some spaces no score ranks better than the number of parameters does, and what a screen
    leaves out is never looked at again; docs/scores.md has figures.
    """

    score: ScoreName
    """Which score; docs/scores.md says what each is."""
    keep: Annotated[float, Field(ge=0.01, lt=1)] = 0.25
    """Share of the space, as far as it keeps the limits, that passes: the best by the score, as a random sample says."""
    sample: Annotated[int, Field(ge=10, le=10_000)] = 100
    """Architectures of that sample, scored once and before the first trial."""

    @property
    def explained(self) -> str:
        """What is done, in a sentence."""
        return (
            f"Nothing is trained whose {self.score}, a score of the untrained network, is not among the best {self.keep:.0%} of "
            f"{self.sample} architectures drawn from the space."
        )


class TrainConfig(ShortTraining):
    """Real training in torch, at a lower fidelity: fewer epochs, part of the data, smaller networks, smaller images."""

    screen: ScreenConfig | None = None
    """A first look at the untrained network, as in `{score: synflow, keep: 0.25}`; only the best by it are trained."""
    folds: Annotated[int, Field(ge=2, le=20)] | None = None
    """Cross-validation: each trial is trained this often, each time measured on another part of the training and validation images, and has the means; for a few hundred images, of which some to validate on tell little."""  # noqa: E501
    at_limit: Literal["fail", "end"] = "fail"
    """What becomes of a trial at `max_seconds`: it has failed, or it ends there, with what it has learned by then."""
    anneal: Anneal = ANNEAL
    """Where trainings go on from rung to rung: `once`, the learning rate's schedule spans all `epochs`, and a rung is a prefix of the full training; or a schedule a `rung`, over its new epochs."""  # noqa: E501

    distil: Annotated[float, Field(ge=0)] = DISTIL
    """Where a network begins with the weights of a larger one that were shrunk to fit: passes over the training images in which it learns that one's outputs before it is trained. They come on top of `epochs`."""  # noqa: E501

    @property
    def extends(self) -> bool:
        """Whether a shorter training is the beginning of a longer one: not where each has a schedule of its own."""
        return self.anneal == "once"


class ZeroCostConfig(EstimatorConfig):
    """A score of the untrained network and one batch of images, a zero-cost proxy: seconds, and a far weaker guide than training.

    The metric of a trial is called as the score is, and is to be maximized. The winner is trained as ever.
    """

    score: ScoreName
    """Which score; docs/scores.md says what each is, and what it is worth."""
    batch_size: Annotated[int, Field(ge=2)] = 64
    """Images of the batch, the same for all trials."""
    width: Fraction = 1.0
    """Multiplier of the numbers of filters and units."""
    depth: Fraction = 1.0
    """Multiplier of the number of layers."""
    resolution: Fraction = 1.0
    """Multiplier of the images' height and width."""

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity of the networks; it has an epoch, as every fidelity does, of which none is run."""
        return Fidelity(1, width=self.width, depth=self.depth, resolution=self.resolution)

    @property
    def untrained(self) -> str:
        """It is scored."""
        return f"scored by {self.score}, untrained"

    @property
    def own_metrics(self) -> Set[str]:
        """The score, where it is no metric that all trials have."""
        return {self.score} - METRICS.keys()

    def measures(self, *, buildable: bool) -> Set[str]:
        """Return the score, and what the network costs."""
        del buildable
        return {self.score, *OF_THE_NETWORK}


class ThenConfig(ShortTraining):
    """How what the shared weights like best is trained alone, at the fidelity at which they are trained as well."""

    top: Annotated[int, Field(ge=1)] = 10
    """How many are; the best of them wins. More when a search goes on is allowed."""


class SupernetConfig(EstimatorConfig):
    """Weights that all candidates share, trained once: the strategy looks with them, and what they like best is trained alone."""

    epochs: Annotated[int, Field(ge=1)] = 30
    """Passes over the training images in which the shared weights are trained."""
    paths: Literal["uniform", "fair"] = "uniform"
    """How the architecture of a step is drawn: each as likely as any other, or each option equally often."""
    slicing: bool = False
    """Whether narrower layers and smaller kernels use parts of the weights of the widest and largest ones."""
    split: str | None = None
    """A decision whose choices get weights of their own in the course of the training (Zhao 2021)."""
    split_after: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the epochs after which they do."""
    then: ThenConfig = ThenConfig()
    """How the best are trained alone."""

    @property
    def fidelity(self) -> Fidelity:
        """The fidelity of looks and trainings."""
        return self.then.fidelity

    @property
    def trains(self) -> ShortTraining:
        """How the best are trained alone."""
        return self.then

    @property
    def sharing(self) -> Sharing:
        """How the weights are trained, and what is done with them."""
        supernet = Sampled(self.epochs, self.paths, self.slicing, split=self.split, split_after=self.split_after)
        return Sharing(supernet, self.then.top, None)

    @property
    def may_change(self) -> Mapping[str, Any]:
        """How many are trained alone."""
        return {"then": {"top"}}
