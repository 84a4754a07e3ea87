"""The choice of everything in an open search file: look at the images, measure, choose, and keep what came of it."""

import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archsmith.automl import Chosen, Rate, Situation, networks, plan
from archsmith.automl.situation import LEAST_SLOPE
from archsmith.machine.busy import slowness
from archsmith.search import Search, parse
from archsmith.spaces.blocks.yaml_space import YamlConfig
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spec import TrainingSpec
from archsmith.spec.yaml_document import read_yaml, write_yaml
from archsmith.steps.deadline import MEASURES
from archsmith.steps.workers import divide
from archsmith.stores.folder import SearchFolder
from archsmith.values import Fidelity
from archsmith.values.metrics import STATIC

if TYPE_CHECKING:
    from archsmith.evaluation.data import Dataset  # with it comes torch
    from archsmith.evaluation.device import Device

log = logging.getLogger(__name__)

Survey = Callable[[Search, float], Situation]
"""Looks at the images of an open search that began at a time, and measures how fast this machine is."""

PACE_S = 0.8
"""Seconds in which each network is measured."""

SMALL, LARGE = 8, 24
"""Filters of the networks that are measured."""

BATCH, APART = 64, 4
"""Images of a step that is measured; and how many times as many, or as few, must be chosen for it to be measured again."""

MEASURED = frozenset({"latency_s", "peak_memory_mb"})
"""Metrics with limits that nobody knows without a measurement."""


def choose(
    search: Search, folder: SearchFolder, began: float, *, survey: Survey | None = None
) -> Search:  # fmt: skip
    """Choose everything for an open search, and note in its folder what was asked, found, and chosen; return the search.

    Args:
        search: An open search.
        folder: Its folder; what was begun there before a kill is chosen anew.
        began: When it began, in seconds since the epoch of Unix.
        survey: Looks and measures.

    Raises:
        DataError: The images are missing or can't be used.
    """
    log.info("Everything is chosen for %g minutes.", search.spec.budget.minutes)
    # Only on Kubeflow Pipelines are there several pods: here, and in a Job, one does the work of all.
    pods = 1 if os.environ.get(MEASURES) else search.spec.resources.pods
    situation = survey(search, began) if survey else look_around(search, began, pods=pods)
    chosen, made = chosen_for(search, situation)
    for choice in chosen.choices:
        log.info("%s", choice.words)
    folder.put("asked.yaml", search.text.encode())
    folder.write_json("plan.json", plan_json(situation, chosen, began))
    return made


def plan_json(situation: Situation, chosen: Chosen, began: float) -> dict[str, Any]:
    """Return what is kept of the choice."""
    time_ = chosen.split
    return {
        "began_at": began,
        "minutes": situation.minutes,
        "seconds": {
            "spent": situation.spent_s,
            "start": situation.start_s,
            "search": time_.search_s,
            "training": time_.retrain_s,
            "models": situation.models,
            "tests": situation.test_s(time_.flops),
            "end": situation.end_s,
        },
        "rates": [{"flops": rate.flops, "train_s": rate.train_s} for rate in situation.rates],
        "together": situation.together,
        "slowness": situation.slowness,
        "choices": [choice.to_dict() for choice in chosen.choices],
    }


def chosen_for(search: Search, situation: Situation) -> tuple[Chosen, Search]:
    """Return what is chosen for an open search, and the search with all of it."""
    chosen = plan(situation)
    asked = read_yaml(search.text, search.name).value
    spec = {**chosen.sections, **{key: value for key, value in asked["spec"].items() if key not in {*chosen.sections, "space"}}}
    lines = [f"Chosen for {situation.minutes:g} minutes on this machine:"]
    lines += [f"- {choice.words}" for choice in chosen.choices]
    text = "".join(f"# {line}\n" for line in lines) + write_yaml({**asked, "spec": spec})
    return chosen, replace(parse(text, source="what was chosen"), beside=search.beside)


def look_around(search: Search, began: float, *, pods: int = 1) -> Situation:
    """Look at the images of an open search, and measure how fast networks train here.

    Args:
        search: An open search.
        began: When it began, in seconds since the epoch of Unix.
        pods: How many pods like this one measure its trials.

    Raises:
        DataError: The images are missing or can't be used.
    """
    from archsmith.evaluation.data.symmetry import survives_flip, survives_shift
    from archsmith.evaluation.device import device_of
    from archsmith.steps.images import fitted, load_as
    from archsmith.steps.preload import preload

    preload()  # once, before anything is computed here: what is imported at the first step of a training would count as its time
    data, why = fitted(search)
    dataset = load_as(search, data)
    facts, spec = dataset.facts, search.spec
    workers, device = divide(spec.resources, trials=1_000), device_of(spec.resources)
    rates, threads, together = _measured(search, dataset, workers.threads, workers.threads * workers.count)
    assert spec.budget.minutes is not None
    assert spec.data is not None
    given = spec.data.model_dump(mode="json", exclude_unset=True)
    situation = Situation(
        spec.budget.minutes,
        time.time() - began,
        facts,
        rates,
        workers.count * pods,
        threads,
        together,
        slowness(),
        flips=survives_flip(dataset),
        shifts=survives_shift(dataset),
        gpu=device.is_cuda,
        folds=True,
        limits={o.metric: o.limit for o in spec.objectives if o.limit is not None and o.metric in STATIC},
        most_flops=_most_flops(search, dataset, device),
        goals=sum(o.goal is not None for o in spec.objectives),
        references=search.has_references,
        tracked=spec.tracking.enabled,
        image_size=data.image_size if data.image_size != spec.data.image_size else None,
        resized=why,
        given=given | {key: now for key in ("clean", "validation") if (now := getattr(data, key)) != getattr(spec.data, key)},
    )
    batch = plan(situation).sections["training"]["batch_size"]
    if max(batch, BATCH) >= APART * min(batch, BATCH):  # in batches of very different size an image takes another time
        again, threads, together = _measured(search, dataset, workers.threads, workers.threads * workers.count, batch)
        # What comes before the first step is that of the first time: on a GPU, this process has its context since then.
        rates = [replace(new, fixed_s=old.fixed_s) for new, old in zip(again, rates, strict=True)] if device.is_cuda else again
        situation = replace(situation, rates=rates, threads=threads, together=together)
    return replace(situation, spent_s=time.time() - began)


def _most_flops(search: Search, dataset: "Dataset", device: "Device") -> float:
    """Return how many multiply-adds networks may have here, by their limits on what is only measured: of latency and memory.

    Between two networks that are measured, and beyond them, both grow as these do, about.
    """
    limits = {o.metric: o.limit for o in search.spec.objectives if o.limit is not None and o.metric in MEASURED}
    if not limits:
        return math.inf
    from archsmith.evaluation.deployed import deployed

    costs = []
    for form in _measured_forms(dataset):
        space, middle = space_of(networks.space(form)), networks.middle(form)
        costs.append(deployed(space, space.from_text(middle.text), dataset, device))
    small, large = costs
    most = math.inf
    for metric, limit in limits.items():
        if limit < small[metric]:
            most = min(most, small["flops"] * limit / small[metric])
            continue
        slope = (large[metric] - small[metric]) / (large["flops"] - small["flops"])
        # Of small networks on a fast device all take the same, and chance decides which takes more.
        a_flop = max(slope, LEAST_SLOPE * large[metric] / large["flops"])
        most = min(most, small["flops"] + (limit - small[metric]) / a_flop)
    return most


def _measured_forms(dataset: "Dataset") -> tuple[networks.Form, networks.Form]:
    """Return the forms whose middle networks are measured, the smaller one first."""
    forms = networks.forms(min(dataset.input_shape[1:]))
    return next(f for f in forms if f.base == SMALL), next(f for f in reversed(forms) if f.base == LARGE)


def _measured(search: Search, dataset: "Dataset", each: int, cores: int, batch: int = BATCH) -> tuple[list[Rate], int, float]:
    """Return how fast networks train in a worker, with how many threads one alone is fastest, and how many times faster."""
    from archsmith.evaluation.device import device_of
    from archsmith.evaluation.speed import speed
    from archsmith.evaluation.threads import computing_with

    device = device_of(search.spec.resources)
    shape, n_classes = dataset.input_shape, len(dataset.classes)
    settings = TrainingSpec(batch_size=min(batch, max(1, len(dataset.train))))

    def measure(form: networks.Form, threads: int) -> Rate:
        space, middle = space_of(networks.space(form)), networks.middle(form)
        with computing_with(threads):
            found = speed(
                dataset, space, space.from_text(middle.text), settings, fidelity=Fidelity(1), device=device, limit_s=PACE_S
            )
        flops = networks.cost(form, middle, shape, n_classes)[1]
        return Rate(flops, found.step_s / settings.batch_size, found.image_s, found.fixed_s)

    measured = _measured_forms(dataset)
    rates = [measure(form, each) for form in measured]
    if device.is_cuda:
        return rates, each, 1.0
    found = {each: rates[-1].train_s}
    threads = each
    while threads < cores:
        threads = min(2 * threads, cores)
        found[threads] = measure(measured[-1], threads).train_s
    best = min(found, key=lambda n: (found[n], n))
    return rates, best, found[each] / found[best]


def space_of(section: dict[str, Any]) -> DecisionSpace:
    """Return the space of a section."""
    return YamlConfig.model_validate({key: value for key, value in section.items() if key != "name"}).build()
