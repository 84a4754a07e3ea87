"""What holds between the sections of a search whose architectures share weights."""

from collections.abc import Iterator

from archsmith.errors import unknown
from archsmith.evaluation.config import EstimatorConfig, TrainConfig
from archsmith.spaces.mixing import unmixable, unpriceable
from archsmith.spaces.space import Space
from archsmith.spaces.training import PREFIX
from archsmith.spec import SearchSpec
from archsmith.spec.sharing import Sharing
from archsmith.spec.supernets import Relaxed
from archsmith.strategies.samplers import SAMPLERS
from archsmith.strategies.sharing.settings import SharingConfig
from archsmith.strategies.strategy import StrategyConfig
from archsmith.values import Fidelity

LOOKS = 200
"""Architectures that are measured with shared weights, where the file does not say how many."""

ELSE = "Or take single-path, one-shot, enas or `estimation: {name: supernet}`, which need no mixture"
"""What to do where a space can't be mixed."""

Fault = tuple[tuple[str, ...], str]
"""A key below `spec`, and what is wrong with it."""


def n_looks(wanted: int | None, trials: int | None) -> int:
    """Return how many architectures are measured with shared weights.

    Args:
        wanted: As many as the strategy wants; as many as the budget has where it is None.
        trials: Those of the budget, if it names any.
    """
    if wanted is None:
        return LOOKS if trials is None else trials
    return wanted if trials is None else min(wanted, trials)


def explain(sharing: Sharing, looks: int, fidelity: Fidelity) -> str:
    """Say in a sentence what is done with shared weights."""
    epochs, top = sharing.supernet.epochs, sharing.top
    best = f"the best {top} are" if top > 1 else "the best is"
    then = f"of {looks} architectures that are measured with them, {best}" if looks else f"of what they prefer, {best}"
    return (
        f"Weights that all architectures share are trained for {epochs} epoch{'s' * (epochs > 1)}; {then} trained alone: "
        f"{fidelity.words}{' each' * (top > 1)}."
    )


def faults(spec: SearchSpec, strategy: StrategyConfig, estimation: EstimatorConfig) -> Iterator[Fault]:
    """Yield what does not fit together where weights are shared; nothing where they are not."""
    name = spec.strategy.name
    if strategy.sharing and not isinstance(estimation, TrainConfig):
        text = f"the strategy {name!r} trains shared weights itself, and what it derives is then trained alone"
        yield (
            ("estimation", "name"),
            f"{text}, but the estimator is {spec.estimation.name!r}; leave the name out, or take `train`",
        )
    if not (sharing := strategy.sharing or estimation.sharing):
        return
    if not strategy.sharing and name not in SAMPLERS and _has_rungs(strategy, estimation):
        text = (
            f"the strategy {name!r} has rungs, but what is measured with shared weights is not trained, for any number of epochs"
        )
        yield ("strategy", "name"), f"{text}; take one without rungs, such as evolution"
    if isinstance(estimation, TrainConfig) and estimation.screen is not None:
        text = "looks with shared weights cost about what a score does, and what they like best is all that is trained"
        yield ("estimation", "screen"), f"{text}; leave it out"
    if spec.stopping is not None:
        only = f"what shared weights like best, {sharing.top} at most, is trained alone"
        yield ("stopping",), f"{only} and compared at the end of its training, so there is nothing to stop; leave it out"
    if spec.budget.rounds is not None:
        text = "but looks with shared weights and the trainings that follow have no rounds"
        yield ("budget", "rounds"), f"the value is {spec.budget.rounds}, {text}; leave it out"
    if spec.budget.trainings is not None:
        where = "strategy.top" if strategy.sharing else "estimation.then.top"
        text = f"but with shared weights `{where}` says how many are trained alone"
        yield ("budget", "trainings"), f"the value is {spec.budget.trainings:g}, {text}; leave it out"


def _has_rungs(strategy: StrategyConfig, estimation: EstimatorConfig) -> bool:
    """Tell whether a strategy has rungs; where its settings do not fit, that is said elsewhere."""
    try:
        return strategy.inherits or len(strategy.ladder(estimation.fidelity)) > 1
    except ValueError:
        return True


def faults_on(space: Space, spec: SearchSpec, strategy: StrategyConfig, estimation: EstimatorConfig) -> Iterator[Fault]:
    """Yield why the architectures of a space can't share weights as the file says; nothing where they need not."""
    if not (sharing := strategy.sharing or estimation.sharing):
        return
    names, supernet = [decision.name for decision in space.decisions], sharing.supernet
    section, name = ("strategy", spec.strategy.name) if strategy.sharing else ("estimation", spec.estimation.name)
    if (decision := next((n for n in names if n.startswith(PREFIX)), None)) is not None:
        text = (
            f"the space decides on `{decision}`, but weights that all architectures share are trained once, with `spec.training`"
        )
        hint = "leave `training` out of the space, or take a strategy that trains each architecture by itself"
        yield ("space",), f"{text}; {hint}"
    elif isinstance(strategy, SharingConfig) and strategy.of_space not in (None, space.name):
        text = f"the strategy {name!r} is for the space {strategy.of_space!r} alone, whose paths it weighs"
        yield (
            ("space", "name"),
            f"{text}, but this is {space.name!r}; darts, gdas, snas and proxyless are for any space that can be relaxed",
        )
    elif isinstance(supernet, Relaxed):
        why = unmixable(space, depth=estimation.fidelity.depth, partial=supernet.partial)
        if why is not None:
            yield ("space",), f"the strategy {name!r} weighs all options of every choice side by side, but {why}. {ELSE}"
        elif supernet.cost and (why := unpriceable(space)) is not None:
            yield ("strategy", "cost"), f"the options of the space {space.name!r} have no costs of their own, as {why}"
    elif supernet.together and (why := unmixable(space, depth=estimation.fidelity.depth)) is not None:
        text = f"`together` puts all options of every choice side by side, but {why}"
        yield ("strategy", "together"), f"{text}. Or leave `together` out: then the options that are kept are trained in paths"
    elif supernet.split is not None and supernet.split not in names:
        yield (section, "split"), unknown("decision", supernet.split, names)
