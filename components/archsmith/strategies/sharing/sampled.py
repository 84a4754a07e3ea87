"""Strategies whose shared weights are trained by one architecture a step, and then measure many.

References:
    - Guo, Zhang, Mu, Heng, Liu, Wei, Sun 2020, Single Path One-Shot Neural Architecture Search with Uniform Sampling
      (arXiv:1904.00420).
    - Chu, Zhang, Xu 2021, FairNAS: Rethinking Evaluation Fairness of Weight Sharing Neural Architecture Search
      (arXiv:1907.01845).
    - Zhao, Wang, Tian, Fonseca, Guo 2021, Few-Shot Neural Architecture Search (arXiv:2006.06863): `split`.
    - Bender, Kindermans, Zoph, Vasudevan, Le 2018, Understanding and Simplifying One-Shot Architecture Search (ICML).
    - Pham, Guan, Zoph, Le, Dean 2018, Efficient Neural Architecture Search via Parameter Sharing (arXiv:1802.03268).
"""

from typing import Annotated, Literal

from pydantic import Field

from archsmith.spec.supernets import Sampled
from archsmith.strategies.sharing.settings import LookingConfig, in_order, sampler
from archsmith.strategies.strategy import Problem, Strategy

PAPERS = Sampled(epochs=1)
"""The papers' settings."""


class SinglePathConfig(LookingConfig):
    """One path a step, drawn uniformly, then evolution over the shared weights (Guo 2020).

    Each step of the training computes the network of one architecture. What is found with the weights that come out is trained
    alone before anything is called the winner.
    """

    paths: Literal["uniform", "fair"] = "uniform"
    """How the architecture of a step is drawn: each as likely as any other, or each option equally often (Chu 2021)."""
    slicing: bool = False
    """Whether narrower layers and smaller kernels use parts of the weights of the widest and largest ones."""
    split: str | None = None
    """A decision whose choices get weights of their own in the course of the training (Zhao 2021)."""
    split_after: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the epochs after which they do."""
    search: Literal["evolution", "random", "tournament", "local-search", "nsga2"] = "evolution"
    """The strategy that finds what to look at, with its own defaults; `estimation: {name: supernet}` takes any, with settings."""

    @property
    def supernet(self) -> Sampled:
        """How the shared weights are trained."""
        return Sampled(self.epochs, self.paths, self.slicing, split=self.split, split_after=self.split_after)

    def looking(self, problem: Problem) -> Strategy:
        """Make the strategy that says what to look at."""
        return sampler(self.search, problem)


class OneShotConfig(LookingConfig):
    """All paths at once, dropped out more and more, then architectures drawn at random are ranked (Bender 2018)."""

    path_dropout: Annotated[float, Field(gt=0, lt=1)] = PAPERS.path_dropout
    """Probability in the end with which all options of a choice are dropped, if none is kept by force; each one rises from 0."""
    together: bool = False
    """Whether options that are kept are summed in one network, as in the paper; else they are in as few paths as can have all of them. Only for spaces whose options can be mixed."""  # noqa: E501

    @property
    def supernet(self) -> Sampled:
        """How the shared weights are trained."""
        return Sampled(self.epochs, "dropout", path_dropout=self.path_dropout, together=self.together)

    def looking(self, problem: Problem) -> Strategy:
        """Make the strategy that says what to look at."""
        return sampler("random", problem)


class ENASConfig(LookingConfig):
    """A policy that proposes architectures and the weights that they share, trained in turns (Pham 2018).

    What the policy draws in the end is looked at, and the best of it is trained alone.
    """

    slicing: bool = False
    """Whether narrower layers and smaller kernels use parts of the weights of the widest and largest ones."""
    arch_learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Of the policy, by Adam; it follows from the number of its updates where it is left out."""
    entropy: Annotated[float, Field(ge=0)] = PAPERS.policy_entropy
    """Weight of the policy's entropy, in nat, beside an accuracy in [0, 1]."""
    batch: Annotated[int, Field(ge=1)] = PAPERS.policy_batch
    """Architectures from which an update of the policy learns."""
    updates: Annotated[int, Field(ge=1)] | None = None
    """Updates of the policy an epoch; where left out, it sees as many architectures as the weights do, and has 5 at least."""

    @property
    def supernet(self) -> Sampled:
        """How the shared weights are trained."""
        return Sampled(
            self.epochs,
            "policy",
            self.slicing,
            policy_batch=self.batch,
            policy_updates=self.updates,
            policy_rate=self.arch_learning_rate,
            policy_entropy=self.entropy,
        )

    def looking(self, problem: Problem) -> Strategy:
        """Make the strategy that says what to look at."""
        return in_order(problem)
