"""What was chosen for an open search file, and why, as its folder tells it."""

from dataclasses import dataclass
from typing import Any

from archsmith.automl import Choice
from archsmith.stores.damage import passed_over
from archsmith.stores.folder import SearchFolder


@dataclass(frozen=True, slots=True)
class Plan:
    """What was chosen."""

    minutes: float
    """For how many minutes."""
    choices: tuple[Choice, ...]
    """What, and why."""

    @property
    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """What each choice is about, the choice, and why."""
        return tuple((choice.what, choice.choice, choice.why) for choice in self.choices)

    @property
    def lines(self) -> tuple[str, ...]:
        """Say it to people, a line each."""
        return (f"Chosen for {self.minutes:g} minutes:", *(f"- {choice.words}" for choice in self.choices))


def plan_of(folder: SearchFolder) -> Plan | None:
    """Return what was chosen for a search; None where somebody has written all of it, or where what is noted is damaged."""

    def read(raw: Any) -> Plan:
        return Plan(float(raw["minutes"]), tuple(Choice(**choice) for choice in raw["choices"]))

    return passed_over(lambda: folder.read_value("plan.json", read), lambda _: None)
