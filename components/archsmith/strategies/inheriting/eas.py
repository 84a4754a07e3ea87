"""EAS: a policy widens and deepens networks, whose children begin with their weights.

An episode begins with the start network, and takes one step after the other: the wider actor chooses which layers get their
next number of filters or units, or the deeper actor inserts a layer. Each network on the way is trained, from the weights of
the one before, of which it first computes the very same function. REINFORCE makes the steps likelier that led to good ones.

Reference: Cai, Chen, Zhang, Yu, Wang 2018, Efficient Architecture Search by Network Transformation (arXiv:1707.04873): the
meta-controller, and the reward and the baseline of the experiments.

Where this deviates from the paper, which trains 450 networks in two stages, each of them after 5 steps that deepen and 4 that
widen from the start network of the stage, and takes the best of the first 300 to start the second one from:
    - Every step's network is trained, and counts as a sampled one: its reward goes to all steps that led to it. With a tenth
      of the networks, 9 steps without a measurement are too many.
    - A stage is `stage` trials, so there are several. Each starts from the best network of the one before, also where that had a
      better start: of a small network, there is soon no new child. An episode that a stage ends in is not gone on with.
    - Which actor acts is drawn, not counted; where only one of them can, it does.
    - The paper gives the initial network by hand. Without `initial`, a few small ones are trained, and the best is taken.
    - The baseline is a moving average for each number of steps, as later networks have been trained for longer, and rewards are
      measured in their moving standard deviation. So plain gradient ascent does, where the paper has Adam; see `policy_gradient`.
    - tan has a pole at an accuracy of 1; beyond `CAP`, none is rewarded more. Failed trials have the reward 0, as those have
      that are beyond a limit.
    - A trial is learnt from in the order of its proposal, also where the policy has learnt since that was drawn.
    - Nothing is trained twice: a step to a network that was measured is drawn anew, as is a step that widens nothing. Where a
      stage has no new networks, other small ones are trained, from which the next stage may start.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field

from archsmith.spaces.chain import ChainSpace
from archsmith.strategies.fold import Fold
from archsmith.strategies.inheritance import may_bequeath, origin
from archsmith.strategies.inheriting.growth import Growth
from archsmith.strategies.inheriting.growth_policy import Learner, PolicyConfig, reward, rewarded_goal
from archsmith.strategies.inheriting.stages import Stages
from archsmith.strategies.novelty import Novelty
from archsmith.strategies.ranking import rank
from archsmith.strategies.strategy import Problem
from archsmith.values import Architecture, History, Proposal, Trial

DRAWS = 5
"""Steps from one network until another is tried, where those drawn lead to none that is new."""


class EASConfig(PolicyConfig):
    """Efficient architecture search: a policy widens and deepens networks that keep their weights (Cai 2018).

    For the space `chain`. It follows the first objective that has a goal, accuracy or loss, within the limits of all.
    """

    initial: str | None = None
    """The network to start from, in the space's notation: `layers=2 op_1=conv …`. Where it is left out, small ones are tried."""
    start: Annotated[int, Field(ge=1)] = 5
    """Small random networks, trained from scratch, of which the best is started from. Only one where `initial` is given."""
    steps: Annotated[int, Field(ge=1)] = 4
    """Steps of an episode; each of its networks is trained."""
    stage: Annotated[int, Field(ge=1)] = 12
    """Trials until the best of them becomes the network to start from."""
    deeper: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the steps that insert a layer; the others widen."""

    @property
    def inherits(self) -> bool:
        """That children begin with their parents' weights."""
        return True

    def build(self, problem: Problem) -> "EAS":
        """Make the strategy; raises `ValueError` where the problem is none for it."""
        return EAS(problem, self)


class EAS:
    """Efficient architecture search.

    Args:
        problem: What is to be solved.
        config: The settings.

    Raises:
        ValueError: the space has no layers in a line, or they are left out at the fidelity; the goal has no reward; or
            `initial` is no architecture.
    """

    def __init__(self, problem: Problem, config: EASConfig) -> None:
        space = _chain(problem)
        self._problem, self._deeper = problem, config.deeper
        self._goal = rewarded_goal(problem)
        self._initial = _initial(space, config.initial)
        self._new = Novelty(problem)
        self._growth = Growth(space)
        # A cache and no memory: what it holds depends on the architecture alone.
        self._grows = lru_cache(maxsize=4096)(lambda a: any(map(problem.feasible, self._growth.single(a))))
        n_start = 1 if self._initial else problem.random_start(config.start)
        self._state = Fold(lambda: _State(Stages(n_start, config.stage, config.steps), Learner(self._growth, config)), self._add)

    def ask(self, history: History, n: int, rng: np.random.Generator) -> Sequence[Proposal]:
        """Propose up to `n` architectures that are new; see `Strategy.ask`."""
        state, measured = self._state(history), self._new.measured(history)
        parents = state.stages.parents(history, n)

        def draw(already: int) -> Proposal:
            number = len(history) + already
            parent = next(parents, None) if state.stages.has_begun(number) else None
            return self._step(parent, state.learner, measured, rng) if parent else self._small(number, rng)

        return self._new.propose(history, n, draw, rng)

    def is_start(self, architecture: Architecture) -> bool:
        """Tell whether it is the initial network; see `HasStart`."""
        return architecture == self._initial

    def keeps(self, history: History) -> frozenset[str]:
        """Return the start network, the one that may be the next, and those that episodes go on from; see `Keeps.keeps`."""
        return self._state(history).stages.kept(history)

    def _add(self, state: "_State", trial: Trial) -> None:
        """Take note of a trial, and learn from it."""
        if trial.proposal.fidelity != self._problem.fidelity:
            return
        objectives = self._problem.objectives
        may_grow = may_bequeath(trial, self._goal, objectives) and self._grows(trial.proposal.architecture)
        state.stages.add(trial, rank(trial, self._goal, objectives) if may_grow else None)
        state.learner.add(state.stages.path(trial), reward(trial, self._goal, objectives))

    def _small(self, number: int, rng: np.random.Generator) -> Proposal:
        """Return a network to start from."""
        if self._initial and number == 0:
            return Proposal(self._initial, self._problem.fidelity, reason="the initial network")
        drawn = [self._growth.small(rng) for _ in range(DRAWS)]
        small = next(filter(self._grows, drawn), drawn[0])
        return Proposal(small, self._problem.fidelity, reason="random small network, to start from")

    def _step(self, parent: Trial, learner: Learner, measured: Set[Architecture], rng: np.random.Generator) -> Proposal:
        """Return a child of `parent`; a new one, where one of a few draws is new."""
        old = parent.proposal.architecture
        for _ in range(DRAWS):
            move = learner.draw(old, self._deeper, rng)
            new = self._growth.child(old, move)
            if new != old and new not in measured:
                break
        reason = f"child of {parent.id}: {self._growth.words(old, move)}; policy after {learner.updates} updates"
        return Proposal(new, self._problem.fidelity, origin(parent), reason)


@dataclass(frozen=True, slots=True)
class _State:
    """What a history comes to."""

    stages: Stages
    """Where steps are taken from."""
    learner: Learner
    """What was learnt of them."""


def _chain(problem: Problem) -> ChainSpace:
    """Return the problem's space; raises `ValueError` where its networks do not grow layer by layer."""
    space, depth = problem.space, problem.fidelity.depth
    if not isinstance(space, ChainSpace):
        raise ValueError(
            f"The space is {space.name!r}, but `eas` reads networks as one layer after the other, as only those of "
            "`chain` are; for others, take `hill-climbing`, or `evolution` with `inherit`."
        )
    if depth != 1:
        raise ValueError(
            f"Trials are trained at {depth:g} of the depth, but `eas` inserts layers, and none of them may be left out; leave "
            "out `depth`."
        )
    return space


def _initial(space: ChainSpace, text: str | None) -> Architecture | None:
    """Read the initial network; raises `ValueError` where it is none."""
    if text is None:
        return None
    try:
        return space.from_text(text)
    except ValueError as error:
        raise ValueError(f"`initial` is no network of the space: {error}") from None
