"""The winner's training in full."""

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from archsmith.report import numbers
from archsmith.report.data import ReportData
from archsmith.report.pictures.axes import STEPS, WIDTH, foot, head, label, note, ticks, window
from archsmith.report.pictures.pointing import point_out
from archsmith.report.style import BLUE, FAINT, INK, MUTED, ORANGE, styled
from archsmith.values.outcome import TrainedModel


@styled
def retraining(data: ReportData) -> Figure:
    """Draw the winner's losses and accuracy over the epochs of its training in full, and the epoch that was kept."""
    model = data.model
    if model is None or not model.curve:
        return note("The winner's training", "No model was trained in full." if model is None else "It left no learning curve.")
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True)
    head(figure, _title(model))
    epochs = [r.epoch for r in model.curve]
    marker = "o" if len(epochs) == 1 else ""
    bottom.plot(epochs, [r.val_accuracy for r in model.curve], color=BLUE, marker=marker, markersize=4)
    for values, color, name in (
        ([r.train_loss for r in model.curve], ORANGE, "training"),
        ([r.val_loss for r in model.curve], BLUE, "validation"),
    ):
        finite = [v if math.isfinite(v) else math.nan for v in values]
        top.plot(epochs, finite, color=color, label=name, marker=marker, markersize=4)
    for r in model.curve:
        losses = f"epoch {r.epoch}\nloss in training {r.train_loss:.4g}, in validation {r.val_loss:.4g}"
        said = f"{losses}\nvalidation accuracy {numbers.percent(r.val_accuracy)}"
        point_out(top, [(r.epoch, v, said) for v in (r.train_loss, r.val_loss) if math.isfinite(v)])
        point_out(bottom, [(r.epoch, v, said) for v in (r.val_accuracy,) if math.isfinite(v)])
    foot(figure)
    top.set_ylabel("loss (nat)")
    bottom.set_ylabel(label("accuracy"))
    bottom.set_xlabel("epoch")
    figure.align_ylabels()
    _limits(top, bottom, model)
    _mark(top, bottom, model)
    return figure


def _title(model: TrainedModel) -> str:
    reached = numbers.percent(model.metrics.get("val_accuracy"))
    return f"The winner in full: epoch {model.best_epoch} of {model.epochs} kept, at {reached}"


def _limits(top: Axes, bottom: Axes, model: TrainedModel) -> None:
    losses = [v for r in model.curve for v in (r.train_loss, r.val_loss) if math.isfinite(v)]
    accuracies = [r.val_accuracy for r in model.curve if math.isfinite(r.val_accuracy)]
    if losses:
        top.set_ylim(*window(losses, -1))
    if accuracies:
        bottom.set_ylim(*window(accuracies, 1))
    bottom.xaxis.set_major_locator(MaxNLocator(7, steps=STEPS, integer=True))
    bottom.yaxis.set_major_formatter(ticks("accuracy"))


def _mark(top: Axes, bottom: Axes, model: TrainedModel) -> None:
    """Mark the epoch whose weights were kept."""
    for axes in (top, bottom):
        axes.axvline(model.best_epoch, color=MUTED, linewidth=0.9, linestyle=":")
    kept = next((r.val_accuracy for r in model.curve if r.epoch == model.best_epoch), math.nan)
    if math.isfinite(kept):
        bottom.plot(model.best_epoch, kept, "o", color=BLUE, markeredgecolor=INK, markersize=6)
    bottom.spines["left"].set_color(FAINT)
