"""A space of a user's own, written in the search file: decisions, and a network of blocks that refer to them.

Nothing in it is code: a reference is a name, a condition is a list of choices, and what may be put
together is what `archsmith.spaces.blocks.layers` lists.
"""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import AfterValidator, Field, Tag, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from archsmith.spaces.blocks.block import Block, Condition
from archsmith.spaces.blocks.draw import draw, draw_choices
from archsmith.spaces.blocks.mistakes import Mistake, condition_mistakes, mistakes
from archsmith.spaces.blocks.resolve import Chosen, Step, reference, resolve
from archsmith.spaces.blocks.scope import Scope
from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision, are_numbers
from archsmith.spaces.graph import Graph
from archsmith.spaces.settings import Options
from archsmith.spaces.space import SpaceConfig
from archsmith.spaces.spread import ListOrRange, Numbers
from archsmith.spaces.training import PREFIX
from archsmith.spec import Config
from archsmith.values import Architecture, Choice

_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _can_be_written(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """Refuse choices that the notation of architectures could not tell apart."""
    for choice in choices:
        if isinstance(choice, str) and (not choice or choice.split() != [choice]):
            raise ValueError(f"the choice {choice!r} is empty or has a space, but must be one word")
    if len({str(choice) for choice in choices}) != len(choices):
        raise ValueError("two choices are written alike, such as 1 and '1'; keep one of them")
    return choices


class OwnDecision(Config):
    """One thing to decide."""

    name: Annotated[str, Field(pattern=_NAME)]
    """What the network calls it, after a dollar sign: a letter, then letters, digits and underscores."""
    choices: Annotated[
        Annotated[Options[Choice], AfterValidator(_can_be_written), Tag("list")] | Annotated[Numbers, Tag("range")], ListOrRange
    ]
    """What there is to choose from: texts, numbers, or true and false; or a range such as `{min: 8, max: 64, steps: 8}`."""
    when: Condition | None = None
    """It is decided only if each of these earlier decisions is active and has one of the choices given for it."""
    ordered: bool | None = None
    """Whether neighbouring choices are alike, as those of a number of filters are; where it is left out, numbers are ordered."""


class YamlConfig(SpaceConfig):
    """A space of one's own: a list of decisions, and a network put together from layers that refer to them.

    Global average pooling and the classifier are added at the end; the pooling comes before the first dense layer. Where
    architectures are only looked up in a table, the network may be left out.
    """

    decisions: Annotated[tuple[OwnDecision, ...], Field(min_length=1)]
    """What is to be decided; each after those that it depends on."""
    network: Annotated[tuple[Block, ...], Field(min_length=1)] | None = None
    """Blocks, one after the other. It may be left out where nothing is trained: in a search over a table."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        # The network is looked at only once the decisions are sound: what is wrong with them would show there again.
        found = list(_decision_mistakes(self.decisions)) or list(_network_mistakes(self, self.network or ()))
        if found:
            raise ValidationError.from_exception_data(type(self).__name__, [_located(mistake) for mistake in found])
        return self

    @property
    def makes_networks(self) -> bool:
        """Whether there is a network to build from an architecture."""
        return self.network is not None

    def own(self) -> tuple[Decision, ...]:
        """Return the decisions on the architecture."""
        return tuple(_decision(d) for d in self.decisions)

    def build(self) -> "YamlSpace":
        """Make the space."""
        return YamlSpace(self)


class YamlSpace(DecisionSpace):
    """A space of decisions and a network of blocks that refer to them."""

    def __init__(self, config: YamlConfig) -> None:
        super().__init__("yaml", (*config.own(), *config.training_decisions()))
        self._network = config.network

    def steps(self, architecture: Architecture, depth: float = 1.0) -> tuple[Step, ...]:
        """Return the layers of an architecture, with what is joined; `depth` is the share of the repetitions to keep.

        Raises:
            ValueError: The space has no network.
        """
        if self._network is None:
            raise ValueError("the space has no `network`, so its architectures can only be looked up in a table")
        return resolve(self._network, self.assignment(architecture).get, depth)

    def graph(self, architecture: Architecture) -> Graph:
        """Return the network from the image to the classifier; without a network, the decisions one after the other."""
        return draw_choices(self.assignment(architecture)) if self._network is None else draw(self.steps(architecture))

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the architecture whose decisions that the network does not ask for are at their first choice.

        A decision is asked for if its choice is read while the network is put together, or if one that is read depends on it.
        Without a network, every decision counts.
        """
        if self._network is None:
            return architecture
        asked = self._asked(self.assignment(architecture).get)
        old = architecture.choices

        def pick(k: int, decision: Decision) -> Choice:
            choice = old[k] if decision.name in asked or decision.name.startswith(PREFIX) else None
            return decision.choices[0] if choice is None else choice

        return self._walk(pick)

    def _asked(self, choice_of: Chosen) -> set[str]:
        """Return the decisions that the network depends on, given these choices."""
        asked: set[str] = set()

        def chosen(name: str) -> Choice | None:
            self._add(name, asked)
            return choice_of(name)

        resolve(self._network or (), chosen)
        return asked

    def _add(self, name: str, asked: set[str]) -> None:
        """Add a decision and those that it depends on."""
        asked.add(name)
        for parent in self.decisions[self._place[name]].when:
            self._add(parent, asked)


def _decision(given: OwnDecision) -> Decision:
    choices = tuple(given.choices.choices) if isinstance(given.choices, Numbers) else given.choices
    ordered = are_numbers(choices) if given.ordered is None else given.ordered
    return Decision(given.name, choices, given.when or {}, ordered)


def _decision_mistakes(decisions: tuple[OwnDecision, ...]) -> Iterator[Mistake]:
    """Yield what is wrong with the decisions: names given twice, conditions on what is not before them."""
    before: dict[str, Decision] = {}
    for k, given in enumerate(decisions):
        here, found = ("decisions", k), list[Mistake]()
        if given.name in before:
            yield (*here, "name"), f"there is a decision `{given.name}` already, but names must be unique"
        if given.when is not None:
            found = list(
                condition_mistakes(given.when, Scope(before), (*here, "when"), after={d.name for d in decisions[k + 1 :]})
            )
            yield from found
            if not found and Scope(before).narrowed(given.when).is_empty():
                yield (*here, "when"), f"`{given.name}` is never active, as its condition contradicts those of its decisions"
        before[given.name] = _decision(given.model_copy(update={"when": None}) if found else given)


def _network_mistakes(config: YamlConfig, network: tuple[Block, ...]) -> Iterator[Mistake]:
    """Yield what is wrong with the network, and the decisions that nothing depends on; all is well without one."""
    if not network:
        return
    scope = Scope({d.name: d for d in config.own()})
    for path, text in mistakes(network, scope):
        yield ("network", *path), text
    used = {name for d in config.decisions for name in d.when or {}} | set(_referred(network))
    for k, decision in enumerate(config.decisions):
        if decision.name not in used:
            yield (
                ("decisions", k, "name"),
                f"nothing depends on `{decision.name}`; refer to it as `${decision.name}`, or leave it out",
            )


def _referred(blocks: tuple[Block, ...]) -> Iterator[str]:
    """Yield the names of the decisions that blocks refer to."""
    for block in blocks:
        values = (getattr(block, name) for name in Block.model_fields)
        yield from (name for value in values if (name := reference(value)) is not None)
        yield from block.when or {}
        for inner in (block.blocks, block.residual, *(block.branches or ())):
            yield from _referred(inner or ())


def _located(mistake: Mistake) -> InitErrorDetails:
    """Write a mistake as pydantic does, so that it is shown with its line as any other."""
    path, text = mistake
    return InitErrorDetails(type="value_error", loc=path, input=None, ctx={"error": ValueError(text)})
