"""What is held against each other where searches are killed at random moments: shared by `kill.py` and `kill_pods.py`."""

import argparse
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from archsmith.values import Trial

ENDED = re.compile(r"trial (\d+) (?:complete|stopped|failed)")
"""What the log has of a trial that was run to its end."""


def command(doc: str | None) -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def told(trial: Trial) -> list[Any]:
    """Return what must be the same of a trial: all but times."""
    steady = {name: value for name, value in trial.metrics.items() if not name.startswith("latency")}
    curve = [[r.epoch, r.train_loss, r.val_loss, r.val_accuracy] for r in trial.curve]
    return [trial.id, trial.status, trial.proposal.number, trial.proposal.reason, steady, curve]


def compared(calm: Mapping[str, Any], killed: Sequence[Mapping[str, Any]], logs: Sequence[str]) -> dict[str, Any]:
    """Return what differs between the trials of the search that was left alone and those of the others, with their logs."""
    return {
        "searches": len(killed),
        "trials": len(calm),
        "lost": sorted({name for trials in killed for name in calm.keys() - trials.keys()}),
        "changed": sorted({name for trials in killed for name in calm if trials.get(name, calm[name]) != calm[name]}),
        "ended_twice": sorted({number for log in logs for number, n in Counter(ENDED.findall(log)).items() if n > 1}),
        "same": all(trials == calm for trials in killed),
    }
