"""What holds between cross-validation and the other sections of a search."""

from collections.abc import Iterator

from archsmith.evaluation.config import EstimatorConfig, TrainConfig
from archsmith.strategies.strategy import StrategyConfig

Fault = tuple[tuple[str, ...], str]
"""A key below `spec`, and what is wrong with it."""


def unfoldable(name: str, strategy: StrategyConfig, estimation: EstimatorConfig) -> Iterator[Fault]:
    """Yield why trials can't be trained on folds, where they are to be.

    Args:
        name: That of the strategy.
        strategy: Its settings.
        estimation: The estimator's settings.
    """
    if not isinstance(estimation, TrainConfig) or estimation.folds is None:
        return
    here, text = ("estimation", "folds"), f"the value is {estimation.folds}, but the strategy {name!r}"
    if strategy.sharing:
        yield here, f"{text} trains weights that all architectures share, and these know every image of the folds; leave it out"
    elif strategy.inherits:
        yield (
            here,
            f"{text} lets networks begin with the weights of others, which know the images of a fold from another one; leave it "
            "out, or take a strategy that inherits nothing",
        )


def explained(estimation: EstimatorConfig) -> tuple[str, ...]:
    """Return what is done, in a sentence; nothing where there are no folds."""
    if not isinstance(estimation, TrainConfig) or (k := estimation.folds) is None:
        return ()
    return (
        f"Each trial is trained {k} times, each time without another part of the training and validation images, on which it is "
        "then measured; it has the means.",
    )
