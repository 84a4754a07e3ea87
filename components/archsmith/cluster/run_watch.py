"""How runs really stand, look after look: KFP's word, what Kubernetes shows, and since when nothing of it has changed."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from archsmith.cluster.life import Evidence, Life, life_of
from archsmith.cluster.run import Run
from archsmith.cluster.run_pods import RunPods, Sighting
from archsmith.stores.folder import SearchFolder

FORGET_S = 3600.0
"""After so long without a look, a run is forgotten."""


@dataclass(frozen=True, slots=True)
class Look:
    """A look at a run."""

    evidence: Evidence
    """What tells how it stands."""
    sighting: Sighting
    """What Kubernetes shows of it."""


class RunWatch:
    """Looks at runs, and remembers since when each looks as it does.

    What is remembered may be lost: whoever begins anew believes KFP for a minute or two more.

    Args:
        pods: What may be seen of their pods.
        clock: Seconds, from whenever.
    """

    def __init__(self, pods: RunPods, clock: Callable[[], float] = time.monotonic) -> None:
        self.pods = pods
        self._clock = clock
        self._since: dict[str, tuple[Hashable, float, float]] = {}
        """By run: what was seen, since when, and when last."""

    def look(self, run: Run, folder: SearchFolder | None) -> Look:
        """Look at a run; the store, where its folder is known, is asked only if nothing else tells that it goes on."""
        if not run.has_pods:
            seen = self.pods.see(run.id) if run.state == "failed" else Sighting()
            return Look(Evidence(seen.pods, seen.workflow, 0.0, seen.reason), seen)
        seen = self.pods.see(run.id)
        sign: Hashable = run.state
        if run.state == "ending":  # it is given its time whatever it does in it
            sign = (run.state, seen.pods in ("none", "ended"))
        else:
            doubtful = seen.workflow == "unseen" and seen.pods != "working"
            sign = (run.state, seen.pods, seen.workflow, folder.footprint() if doubtful and folder else "")
        failed = seen.reason if seen.workflow == "failed" else ""
        return Look(Evidence(seen.pods, seen.workflow, self._quiet_s(run.id, sign), failed), seen)

    def life(self, run: Run, folder: SearchFolder | None) -> Life:
        """Return how a run stands."""
        return life_of(run, self.look(run, folder).evidence)

    def _quiet_s(self, id_: str, sign: Hashable) -> float:
        """Return since how many seconds a run looks as it does now."""
        now = self._clock()
        before, since, _ = self._since.get(id_, (sign, now, now))
        since = since if before == sign else now
        self._since[id_] = (sign, since, now)
        for old in [old for old, (_, _, last) in self._since.items() if now - last > FORGET_S]:
            del self._since[old]
        return now - since
