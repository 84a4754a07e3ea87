"""Decisions among a few choices, some of them active only under others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from archsmith.errors import unknown
from archsmith.spaces.decisions.written import is_missing, meant
from archsmith.values import Choice


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a search space, among a few choices."""

    name: str
    """Unique in its space."""
    choices: tuple[Choice, ...]
    """What can be chosen, at least one; no two are equal."""
    when: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    """It is active if each decision named here is active and has one of the choices given for it."""
    ordered: bool = False
    """Whether choices that lie near each other are alike: numbers by their value, anything else in the order given here."""
    if_active: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    """It is active only if each decision named here that is active has one of the choices given for it, of which there may be
    none. So it may depend on whichever of several decisions is active."""

    def __post_init__(self) -> None:
        if not self.choices:
            raise ValueError(f"The decision `{self.name}` has no choices, but must have at least one.")
        if len(set(self.choices)) != len(self.choices):
            raise ValueError(f"The decision `{self.name}` has the same choice twice: {list(self.choices)}.")

    @property
    def ranks(self) -> tuple[int, ...]:
        """The place of each choice in the order, from 0."""
        if not are_numbers(self.choices):
            return tuple(range(len(self.choices)))
        order = sorted(map(float, self.choices))
        return tuple(order.index(float(choice)) for choice in self.choices)

    @property
    def valid(self) -> str:
        """The choices, for an error's text."""
        return ", ".join(map(str, self.choices))

    @property
    def is_conditional(self) -> bool:
        """Whether there may be architectures in which it is not active."""
        return bool(self.when or self.if_active)

    @property
    def condition(self) -> str:
        """When it is active, in words; empty where it always is."""
        wanted = [f"`{name}` is {' or '.join(map(str, allowed))}" for name, allowed in self.when.items()]
        return " and ".join([*wanted, *self._conditions_if_active()]).removesuffix(",")

    def _conditions_if_active(self) -> Iterator[str]:
        """Yield in words what `if_active` asks for; decisions of the same choices are told together."""
        alike: dict[tuple[Choice, ...], list[str]] = {}
        for name, allowed in self.if_active.items():
            alike.setdefault(allowed, []).append(f"`{name}`")
        for allowed, names in alike.items():
            if allowed:
                yield f"{' or '.join(names)} is {' or '.join(map(str, allowed))}, if active,"
            else:
                yield f"{' or '.join(names)} is not active"

    def is_active(self, chosen: Mapping[str, Choice]) -> bool:
        """Tell whether it is active, given the choices of all active decisions before it, by name."""
        return all(name in chosen and chosen[name] in allowed for name, allowed in self.when.items()) and all(
            name not in chosen or chosen[name] in allowed for name, allowed in self.if_active.items()
        )

    def read(self, text: str) -> Choice:
        """Return the choice that a text means: the one written alike, else the one of the same value.

        Raises:
            ValueError: No choice is meant, or it may be several.
        """
        found = meant(self.choices, text)
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"`{self.name}` is {text!r}, which may be {' or '.join(map(str, found))}.")
        if is_missing(text):
            raise ValueError(f"`{self.name}` is empty, but must be one of: {self.valid}.")
        raise ValueError(f"`{self.name}`: {unknown('choice', text.strip(), map(str, self.choices))}")

    def choice(self, given: Choice) -> Choice:
        """Return the choice that was given, or raise `ValueError` where it is none."""
        # 1, 1.0 and True are equal, but make architectures of different ids, so the type counts too.
        for choice in self.choices:
            if choice == given and type(choice) is type(given):
                return choice
        if isinstance(given, str):
            raise ValueError(f"`{self.name}`: {unknown('choice', given, map(str, self.choices))}")
        raise ValueError(f"`{self.name}` is {given!r}, but must be one of: {self.valid}.")


def are_numbers(choices: Sequence[Choice]) -> bool:
    """Tell whether all choices are numbers; what is true or false is none."""
    return all(isinstance(choice, int | float) and not isinstance(choice, bool) for choice in choices)
