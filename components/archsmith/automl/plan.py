"""The choice: from what was found and measured to the sections of a search file, each with its reason in plain words."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archsmith.automl import networks
from archsmith.automl.recipe import Recipe, recipe
from archsmith.automl.situation import Situation
from archsmith.automl.timing import Split, split
from archsmith.values import words


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that was chosen."""

    what: str
    """What it is about, in a word or two: `space`."""
    choice: str
    """What was chosen, as a person would say it."""
    why: str
    """Why, in a sentence."""

    @property
    def words(self) -> str:
        """Say it in a line."""
        return f"{self.what}: {self.choice}; {self.why}"

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form."""
        return {"what": self.what, "choice": self.choice, "why": self.why}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen."""

    sections: Mapping[str, Any]
    """The sections of the search file, in their order."""
    choices: tuple[Choice, ...]
    """What was chosen and why, for people."""
    split: Split
    """Where the time goes."""


def plan(situation: Situation) -> Chosen:
    """Choose a search for this situation; it is never refused: with too little time it is the smallest search there is."""
    time = split(situation)
    how = recipe(situation, time)
    return Chosen(_sections(situation, time, how), tuple(_choices(situation, time, how)), time)


def _sections(situation: Situation, time: Split, how: Recipe) -> dict[str, Any]:
    data = dict(situation.given)
    if situation.image_size is not None:
        data["image_size"] = situation.image_size
    return {
        "data": data,
        "space": networks.space(time.form),
        "first": [network.text for network in networks.first(time.form)],
        "strategy": _strategy(situation, time),
        "estimation": _estimation(time),
        "training": how.settings,
        "budget": {"minutes": round(time.search_s / 60, 3), **_ends(time)},
        "retrain": {
            "epochs": time.retrain_epochs,
            "minutes": round(time.retrain_s / 60, 3),
            **({} if situation.gpu else {"threads": situation.threads}),
        },
    }


def _strategy(situation: Situation, time: Split) -> dict[str, Any]:
    if time.lowest is not None:
        return {"name": "asha", "eta": 3, "lowest": {"epochs": time.lowest}}
    population = max(3, min(12, time.trials // 3))
    if situation.goals > 1:
        return {"name": "nsga2", "population": population}
    return {"name": "evolution", "population": population, "sample": max(2, population // 2)}


def _ends(time: Split) -> dict[str, Any]:
    """Return what ends the search beside its time: enough for any machine that turns out to be faster than it was."""
    return {"trainings": 4.0 * time.trials} if time.lowest is not None else {"trials": 4 * time.trials}


def _estimation(time: Split) -> dict[str, Any]:
    fidelity: dict[str, Any] = {"name": "train", "epochs": time.trial_epochs}
    if time.data < 1:
        fidelity["data"] = time.data
    if time.folds:
        fidelity["folds"] = time.folds
    return {**fidelity, "max_seconds": round(time.trial_limit_s, 1), "at_limit": "end"}


def _choices(situation: Situation, time: Split, how: Recipe) -> Iterator[Choice]:
    facts, minutes = situation.facts, f"{situation.minutes:g} minutes"
    if situation.image_size is not None:
        size = situation.image_size
        yield Choice("images", f"resized to {size} x {size} pixels", situation.resized)
    stages, widths = time.form.n_stages, networks.widths(time.form)
    low, high = widths[0][0], widths[-1][-1]
    yield Choice(
        "space",
        f"residual networks of {stages} stage{'s' * (stages > 1)} with {low} to {high} filters",
        f"networks of about {words.rounded(time.flops / 1e6)} million multiply-adds see {time.visits:,.0f} images in the time "
        f"that their training has, {time.visits / max(1, situation.n_train):.3g} times each; larger ones would see too few, and "
        "smaller ones would have learned all they can.",
    )
    trial = f"{time.trial_epochs} epoch{'s' * (time.trial_epochs > 1)}"
    part = f" on {100 * time.data:.3g} % of the training images" if time.data < 1 else ""
    count = f"about {time.trials} full trial{'s' * (time.trials > 1)}"
    if time.lowest is not None:
        yield Choice(
            "strategy",
            f"asha: each network for {time.lowest} epoch{'s' * (time.lowest > 1)} first{part}, the best third of them thrice",
            f"{count} of {trial} fit into {_minutes(time.search_s)}; a third of the time shows which are not worth it.",
        )
    elif situation.goals > 1:
        yield Choice(
            "strategy",
            f"nsga2, each network for {trial}{part}",
            f"there are {situation.goals} goals, and so a front to look for; {count} fit into {_minutes(time.search_s)}.",
        )
    else:
        yield Choice(
            "strategy",
            f"evolution, each network for {trial}{part}",
            f"{count} fit into {_minutes(time.search_s)}, too few or too short to stop some of them early.",
        )
    if time.folds:
        yield Choice(
            "folds",
            f"each network is trained {time.folds} times, each time without another part of the images, and measured on that",
            f"of {situation.n_labelled:,} images, one part for validation would be so small that chance decided.",
        )
    side_by_side = f"{situation.workers} side by side" if situation.workers > 1 else "one after the other"
    yield Choice("workers", side_by_side, "a GPU trains one at a time." if situation.gpu else "one for each core.")
    yield Choice("augmentation", how.augmentation, how.why_augmentation)
    yield Choice("regularisation", how.regularisation, how.why_regularisation)
    yield Choice("steps", how.steps, how.why_steps)
    yield Choice(
        "retraining",
        f"at most {time.retrain_epochs} epochs in at most {_minutes(time.retrain_s)}",
        f"of {minutes}, {_minutes(time.search_s)} are for the search, {_minutes(time.retrain_s)} for the winner"
        + (", as much at most for each reference that it is held against" if situation.references else "")
        + f", and {_minutes(situation.spent_s + situation.start_s + situation.end_s)} for the data, exports and report.",
    )
    if time.short:
        yield Choice("time", "the smallest search there is", time.short)
    if len(facts.classes) and situation.limits:
        said = " and ".join(f"{name} <= {limit:,.10g}" for name, limit in situation.limits.items())
        yield Choice("limits", said, "what does not keep them is not even trained.")
    if math.isfinite(situation.most_flops):
        most = f"about {words.rounded(situation.most_flops / 1e6)} million multiply-adds"
        yield Choice("measured limits", most, "larger networks would be beyond the limits on what is measured of each, here.")


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} minutes"
