"""How long a search will take here, from measured steps of a few of its networks, by the workers that it will have."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from archsmith.errors import UnbuildableError
from archsmith.evaluation.config import TrainConfig
from archsmith.search import Search
from archsmith.spec import static_limits
from archsmith.steps.measuring import Workers
from archsmith.steps.references import AT_LEAST_S
from archsmith.steps.simulation import Simulated, simulate
from archsmith.values import Architecture, Fidelity, Proposal
from archsmith.values.data_facts import DataFacts
from archsmith.values.durations import Durations, Line, Speed, Timed, images_at
from archsmith.values.references import REFERENCES

NETWORKS = 8
"""Networks that are measured; small ones and large ones, as what others take is read off the line through these."""
SIMULATED = 24
"""Networks of a simulated search that are counted: to count one takes milliseconds."""
UNLEARNED = frozenset({"random", "grid", "successive-halving", "hyperband", "asha", "pasha"})
"""Strategies that find architectures without regard to what others came to. What the others find is of the larger half."""
BIRTH = 2
"""Times what a trial does beside its training that a birth does: it makes the parent anew, and compares the two."""
SHORT_S = 12.0
"""What is over in less than this, by its steps and multiply-adds, is not measured: that would take longer than it is worth."""
STEP_S, RATE = 0.004, 5e9
"""A step takes at least so long on a CPU, and so many multiply-adds a second are made: to tell what is short, and no more."""
BACKWARD = 3
"""Times the multiply-adds of a network that a step of its training has."""
START_S, EXPORT_S, REPORT_S, TRACKING_S = 14.0, 4.0, 4.0, 4.0
"""Seconds of what is neither trial nor training, on two cores: libraries are loaded, this is measured, and workers begin; a model
is tested, exported twice and compared; the report is drawn; MLflow is caught up with."""


class Lab(Protocol):
    """Measures networks, in seconds."""

    @property
    def at_once(self) -> int:
        """How many trials run side by side."""
        ...

    def speeds(self, probes: Sequence[tuple[Architecture, Fidelity]], *, full: bool) -> Sequence[Speed | None]:
        """Return how fast networks are trained, on all of the images; None for one that can't be.

        Args:
            probes: Which, and at which width, depth and resolution.
            full: Whether they are trained in full: alone, and with the settings of that.
        """
        ...

    def trials(self, architectures: Sequence[Architecture], fidelity: Fidelity) -> Sequence[float | None]:
        """Return the seconds of trials that are no trainings; None for one that fails, or takes too long."""
        ...

    def shared_epoch(self) -> float | None:
        """Return the seconds of an epoch of shared weights; None where they can't be trained, or it takes too long."""
        ...

    def references(self, n_params: float, flops: float) -> Sequence[Speed | None]:
        """Return how fast the networks are trained in full that a winner of this size is held to; None for one that can't be."""
        ...


@dataclass(frozen=True, slots=True)
class _Network:
    """A network of the space, and what it computes."""

    architecture: Architecture
    """Which."""
    flops: float
    """Multiply-adds of an image at full fidelity."""
    n_params: float
    """Its parameters."""


def expect(
    search: Search, data: DataFacts, samples: Sequence[Mapping[str, Any]], *, lab: "Lab | None" = None
) -> Durations | None:
    """Measure for a few seconds, and return how long the search will take on this machine; None where nobody can say it.

    Nothing is said of what is looked up, of which a thousand trials take seconds, and of what is over in half a minute.

    Args:
        search: The search.
        data: What is known of its images.
        samples: Architectures of the space with their multiply-adds, as the first step draws them.
        lab: Measures; workers as they will train where it is left out.
    """
    if not search.retrains or not (networks := _feasible(search, samples)) or is_short(search, data, networks):
        return None
    return _Expecting(search, data, networks, lab or Workers(search)).durations()


def is_short(search: Search, data: DataFacts, networks: Sequence[_Network]) -> bool:
    """Tell whether a search is over in less time than it would be worth to measure."""
    flops, n, batch = statistics.mean(a.flops for a in networks), sum(data.counts["train"]), search.spec.training.batch_size
    trials = search.most_cost if math.isfinite(search.most_cost) else search.most_trials * search.estimation.fidelity.cost
    epochs = (0 if search.estimation.looks_up else trials) + search.spec.retrain.epochs
    epochs += search.supernet.epochs if search.supernet else 0
    return epochs * (n / batch * STEP_S + BACKWARD * n * flops / RATE) < SHORT_S


def _feasible(search: Search, samples: Sequence[Mapping[str, Any]]) -> list[_Network]:
    """Return the sampled networks that keep the limits, the smallest first."""
    limits = static_limits(search.spec.objectives)
    kept = [s for s in samples if all(o.allows(s[o.metric]) for o in limits)]
    found = (_Network(Architecture.from_dict(s["architecture"]), s["flops"], s["n_params"]) for s in kept)
    return sorted(found, key=lambda network: network.flops)


class _Expecting:
    """Measures what a search consists of.

    Args:
        search: The search.
        data: What is known of its images.
        networks: Networks of its space, the smallest first.
        lab: Measures.
    """

    def __init__(self, search: Search, data: DataFacts, networks: Sequence[_Network], lab: "Lab") -> None:
        self._search, self._data, self._networks, self._lab = search, data, networks, lab
        self._notes: list[str] = []

    def durations(self) -> Durations | None:
        """Measure, and return how long everything takes; None where too little of it can be known."""
        search, spec = self._search, self._search.spec
        if search.strategy_config.inherits and self._simulated:
            self._notes.append("Networks inherit weights and grow in the course of the search; how far is a guess.")
            self._networks = self._counted(self._simulated.proposals)
        timed = self._trials()
        retrain_s, shared_s = self._retraining(), self._sharing()
        if timed is None or retrain_s is None or shared_s is None:
            return None
        if search.stopping is not None:
            saved = "it will be shorter" if math.isinf(search.most_cost) else "others will be tried in their time"
            self._notes.append(f"How many trials are stopped early is not known yet: {saved}.")
        minutes = spec.budget.minutes
        references = len(REFERENCES) if search.has_references else 0
        trained = 1 + (spec.retrain.front - 1) + (spec.retrain.trial is not None)
        return Durations(
            timed,
            at_once=self._lab.at_once,
            rounds=spec.budget.rounds,
            limit_s=math.inf if minutes is None else 60 * minutes,
            shared_s=shared_s,
            retrain_s=trained * retrain_s,
            references_s=self._referring(retrain_s) if references else 0.0,
            overhead_s=START_S + (trained + references) * EXPORT_S + REPORT_S + TRACKING_S * spec.tracking.enabled,
            notes=tuple(self._notes),
        )

    def _trials(self) -> tuple[Timed, ...] | None:
        """Return the trials by their fidelity, with what one of each takes; None where that can't be known."""
        estimation = self._search.estimation
        if estimation.looks_up:
            return ()
        if estimation.trains is None:
            return self._tried()
        kinds = self._kinds()
        if kinds is None:
            return None
        shapes = list(dict.fromkeys(_shape(kind.fidelity) for kind in kinds))
        chosen = self._spread(NETWORKS if len(shapes) == 1 else NETWORKS - 1)
        probes = [(network, shape) for shape in shapes for network in chosen]
        found = self._measured(probes)
        timed = []
        for kind in kinds:
            shape = _shape(kind.fidelity)
            measured = [(network, speed) for network, of, speed in found if of == shape]
            if not measured:
                return None
            timed.append(kind.timed([(n, self._folded(self._born(s))) for n, s in measured], self._counts))
        return tuple(timed)

    def _born(self, speed: Speed) -> Speed:
        """Return the speed of a network that begins with the weights of another one."""
        return replace(speed, fixed_s=(1 + BIRTH) * speed.fixed_s) if self._search.strategy_config.inherits else speed

    def _folded(self, speed: Speed) -> Speed:
        """Return the speed of a network that is cross-validated: each epoch is one of every fold, on all images but a part."""
        config = self._search.estimation
        if not isinstance(config, TrainConfig) or config.folds is None:
            return speed
        k, n = config.folds, sum(self._counts)
        whole = n + speed.images
        steps = max(1, int(speed.steps * whole * (k - 1) / k / n))
        return replace(speed, steps=k * steps, images=whole, leaving_s=k * speed.leaving_s)

    @property
    def _counts(self) -> Sequence[int]:
        return self._data.counts["train"]

    @property
    def _most(self) -> int:
        """How many trials in full there are at most: by their number, by what they may cost, and by what there is to try."""
        search = self._search
        return math.ceil(min(search.most_trials, search.most_cost / search.estimation.fidelity.cost, search.space.size()))

    def _kinds(self) -> "list[_Kind] | None":
        """Return the kinds of trials: how many, at which fidelity, of which sizes; None where the strategy proposes nothing."""
        search, fidelity = self._search, self._search.estimation.fidelity
        sampler = search.spec.strategy.settings.get("sampler", search.spec.strategy.name)
        sizes = [network.flops for network in (self._networks if sampler in UNLEARNED else self._larger)]
        if (screen := search.screen) is not None:
            sizes = sizes[-max(1, round(screen.keep * len(sizes))) :]
            self._notes.append("What passes the screen is taken to be the largest networks; scores come on top.")
        if search.sharing:
            top, looks = search.sharing.top, search.n_looks
            seen = [_Kind(fidelity, looks, _EVALUATED, sizes, "looks")] if looks else []
            return [*seen, _Kind(fidelity, top, fidelity.epochs, sizes)]
        inherits = search.strategy_config.inherits
        if len(search.ladder) == 1 and not inherits:
            return [_Kind(fidelity, self._most, fidelity.epochs, sizes)]
        if (simulated := self._simulated) is None:
            return None
        kinds: dict[tuple[Fidelity, int], float] = {}
        for p in simulated.proposals:
            key = p.fidelity, p.fidelity.epochs - p.epochs_before
            kinds[key] = kinds.get(key, 0.0) + 1 / simulated.share
        ordered = sorted(kinds.items(), key=lambda item: (item[0][0].cost, item[0][1]))
        return [_Kind(fidelity, n, epochs, sizes) for (fidelity, epochs), n in ordered]

    def _within_limits(self) -> Callable[[Architecture], bool]:
        from archsmith.models.cost import within_limits

        data = self._data
        return within_limits(self._search.space, self._search.spec.objectives, data.input_shape, len(data.classes))

    @cached_property
    def _simulated(self) -> Simulated | None:
        """What the strategy would propose; None where it proposes nothing."""
        return simulate(self._search, self._within_limits())

    def _counted(self, proposals: Sequence[Proposal]) -> list[_Network]:
        """Return some of the networks that were proposed, the smallest first."""
        from archsmith.models.cost import cost_of

        some, data = proposals[:: max(1, len(proposals) // SIMULATED)], self._data
        shape, n_classes = data.input_shape, len(data.classes)
        found, last = [], None
        for architecture in (proposal.architecture for proposal in some):
            try:
                counted = cost_of(self._search.space, architecture, shape, n_classes)
            except UnbuildableError as error:  # it will be a failed trial, and soon over
                last = error
                continue
            found.append(_Network(architecture, counted.flops, counted.n_params))
        if last is not None and not found:
            raise last
        return sorted(found, key=lambda network: network.flops)

    def _spread(self, n: int) -> list[_Network]:
        """Return so many networks between the smallest and the largest of the sample, or all where there are fewer."""
        networks = self._networks
        if len(networks) <= n:
            return list(networks)
        return [networks[round((k + 0.5) / n * (len(networks) - 1))] for k in range(n)]

    def _tried(self) -> tuple[Timed, ...] | None:
        """Return trials of which a few were made; None where that took too long."""
        fidelity = self._search.estimation.fidelity
        seconds = self._lab.trials([network.architecture for network in self._spread(NETWORKS)], fidelity)
        known = [s for s in seconds if s is not None]
        return (Timed(fidelity, self._most, statistics.mean(known)),) if known else None

    def _retraining(self) -> float | None:
        """Return the seconds of a training in full; None where it can't be known.

        The winner is taken to be of the larger half of the networks, as its size is not known yet.
        """
        spec, full = self._search.spec, Fidelity(1)
        found = self._measured([(network, full) for network in self._spread(NETWORKS - 1)], full=True)
        measured = [(network, speed) for network, _, speed in found]
        if not measured:
            return None
        larger = [network.flops for network in self._larger]
        seconds = spec.retrain.epochs * _line(measured, lambda s: s.epoch_s).mean(larger)
        return min(seconds, 60 * (spec.retrain.minutes or math.inf))

    @property
    def _larger(self) -> Sequence[_Network]:
        """The half of the networks of which the winner is taken to be one."""
        return self._networks[len(self._networks) // 2 :]

    def _referring(self, retrain_s: float) -> float:
        """Return the seconds in which the references are trained, each as many epochs as the winner, but in no more time."""
        n_params, flops = (statistics.mean(each) for each in zip(*((n.n_params, n.flops) for n in self._larger), strict=True))
        found = self._lab.references(n_params, flops)
        retrain = self._search.spec.retrain
        epochs, limit_s = retrain.epochs, min(max(AT_LEAST_S, retrain_s), 60 * (retrain.minutes or math.inf))
        return sum(retrain_s if speed is None else min(limit_s, epochs * speed.epoch_s) for speed in found)

    def _sharing(self) -> float | None:
        """Return the seconds in which shared weights are trained; None where that can't be known."""
        search = self._search
        if search.supernet is None:
            return 0.0
        found = self._lab.shared_epoch()
        if found is None:
            return None
        self._notes.append("What an epoch of shared weights takes was read off a few batches, roughly.")
        limit = math.inf if search.spec.budget.minutes is None else 60 * search.spec.budget.minutes
        return min(search.supernet.epochs * found, limit * 2 / 3)

    def _measured(
        self, probes: Sequence[tuple[_Network, Fidelity]], *, full: bool = False
    ) -> list[tuple[_Network, Fidelity, Speed]]:
        """Measure networks at fidelities; return those that can be trained."""
        speeds = self._lab.speeds([(network.architecture, fidelity) for network, fidelity in probes], full=full)
        return [(*probe, speed) for probe, speed in zip(probes, speeds, strict=True) if speed is not None]


_EVALUATED = 0
"""Epochs of what is not trained: the validation images are gone through once."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Trials of one kind, before it is known what one takes."""

    fidelity: Fidelity
    """What is spent on one."""
    trials: float
    """How many."""
    epochs: int
    """How many of its epochs are new."""
    sizes: Sequence[float]
    """Multiply-adds of networks like theirs."""
    name: str = "trials"
    """What they are called."""

    def timed(self, measured: Sequence[tuple[_Network, Speed]], counts: Sequence[int]) -> Timed:
        """Return them with what one takes, by what was measured of networks at this fidelity, with all of the images."""
        share = images_at(counts, self.fidelity.data) / sum(counts)
        parts = [(n, replace(s, steps=max(1, int(s.steps * share)))) for n, s in measured]
        an_epoch = _line(parts, lambda s: s.epoch_s if self.epochs else s.images * s.image_s).mean(self.sizes)
        fixed = _line(parts, lambda s: s.fixed_s).mean(self.sizes)
        return Timed(self.fidelity, self.trials, max(1, self.epochs) * an_epoch + fixed, self.name)


def _line(measured: Sequence[tuple[_Network, Speed]], of: Callable[[Speed], float]) -> Line:
    return Line.through([(network.flops, of(speed)) for network, speed in measured])


def _shape(fidelity: Fidelity) -> Fidelity:
    """Return what matters of a fidelity to the speed of a step."""
    return replace(fidelity, epochs=1, data=1.0)
