"""What holds between a strategy whose trials begin with the weights of others, and the other sections of its search."""

from collections.abc import Iterator, Sequence

from archsmith.evaluation.config import EstimatorConfig
from archsmith.spec import SearchSpec
from archsmith.strategies.strategy import StrategyConfig
from archsmith.values import Fidelity

Fault = tuple[tuple[str, ...], str]
"""A key below `spec`, and what is wrong with it."""


def uninheritable(
    spec: SearchSpec, strategy: StrategyConfig, estimation: EstimatorConfig, ladder: Sequence[Fidelity]
) -> Iterator[Fault]:
    """Yield why no weights can be inherited, or none should be; nothing where the strategy wants none.

    Args:
        spec: The search.
        strategy: Its strategy's settings.
        estimation: Its estimator's settings.
        ladder: The fidelities of its trials, the cheapest first.
    """
    if not strategy.inherits:
        return
    named, estimator = f"the strategy {spec.strategy.name!r} lets networks begin with the weights of others", spec.estimation.name
    otherwise = "take `estimation: {name: train}`, or a strategy that inherits nothing"
    if estimation.trains is None:
        yield (
            ("estimation", "name"),
            f"{named}, but the estimator {estimator!r} trains none, so there are no weights; {otherwise}",
        )
    elif strategy.sharing or estimation.sharing:
        yield ("estimation", "name"), f"{named}, but where all share their weights, each begins with those; {otherwise}"
    if spec.stopping is not None:
        curves = "whose curves then begin at different heights, after different epochs, and can't be held against each other"
        yield ("stopping",), f"{named}, {curves}; leave it out, or take a strategy that inherits nothing"
    if len(ladder) > 1:
        rungs = f"each to be trained once, but here there are {len(ladder)} rungs, which train what is promoted again"
        yield ("strategy", "name"), f"{named}, {rungs}; take a strategy with one or the other"
