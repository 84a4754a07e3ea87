"""Finds what is wrong with a network of blocks before anything runs.

A setting is right if it is for every choice that may reach it: a constant is a choice of one. What may
reach a place follows from the conditions around it; see `Scope`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from archsmith.errors import unknown
from archsmith.spaces.blocks.block import Block
from archsmith.spaces.blocks.layers import HEAD, LAYERS, Setting
from archsmith.spaces.blocks.resolve import reference
from archsmith.spaces.blocks.scope import Scope
from archsmith.values import Choice

Path = tuple[str | int, ...]
"""Keys and positions below the network."""

Mistake = tuple[Path, str]
"""Where, and what."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "op": tuple(dict.fromkeys(name for settings in LAYERS.values() for name in settings)),
    "repeat": ("blocks",),
    "residual": (),
    "branches": ("join",),
    "when": ("blocks",),
}
"""The kinds of block, each by the key that only it has, and the keys that may go along."""

_TIMES = Setting("a whole number from 0 to 100", lambda v: type(v) is int and 0 <= int(v) <= 100)
_JOIN = Setting("`sum` or `concat`", lambda v: v in ("sum", "concat"))


def mistakes(network: Sequence[Block], scope: Scope, *, joined: bool = False, path: Path = ()) -> Iterator[Mistake]:
    """Yield what is wrong with a list of blocks.

    Args:
        network: The blocks.
        scope: What is known of the decisions here.
        joined: Whether they lie within something that joins images.
        path: Where they stand.
    """
    dense_under: list[Mapping[str, Sequence[Choice]]] = []
    for k, block in enumerate(network):
        here = (*path, k)
        yield from _block(block, scope, joined, here)
        operations = list(_leaves(block, scope))
        when = block.when if block.when and not any(condition_mistakes(block.when, scope, here)) else {}
        inside = scope.narrowed(when)
        after_dense = any(not inside.narrowed(before).is_empty() for before in dense_under)
        dense = "dense" in operations
        # What lies within `when` comes in its own order, and is checked there; what is repeated comes after itself.
        if after_dense or (dense and block.when is None and block.op is None):
            for op in [op for op in operations if op not in HEAD][:1]:
                yield here, f"{op!r} takes an image, but comes with or after a dense layer, which leaves none; put it before that"
        if dense:
            dense_under.append(when)


def _block(block: Block, scope: Scope, joined: bool, path: Path) -> Iterator[Mistake]:
    given = {name for name in Block.model_fields if getattr(block, name) is not None}
    kinds = [kind for kind in PARTS if kind in given]
    if len(kinds) != 1:
        has = f"has {' and '.join(f'`{k}`' for k in kinds)}" if kinds else "has none of them"
        hint = "; put one into the `blocks` of the other" if kinds else ""
        yield path, f"a block has exactly one of {', '.join(f'`{k}`' for k in PARTS)}, but this one {has}{hint}"
        return
    (kind,) = kinds
    for name in sorted(given - {kind, *PARTS[kind]}):
        yield (*path, name), f"`{name}` does not go along with `{kind}`; valid here: {', '.join((kind, *PARTS[kind]))}"
    if "blocks" in PARTS[kind] and block.blocks is None:
        yield path, f"`blocks` is missing, but must say what `{kind}` is about"
    if kind == "op":
        yield from _layer(block, scope, joined, path)
    elif kind == "when":
        yield from _conditional(block, scope, joined, path)
    else:
        yield from _compound(block, scope, joined, path)


def _compound(block: Block, scope: Scope, joined: bool, path: Path) -> Iterator[Mistake]:
    """Check what does not depend on its kind alone: repeated blocks, a residual, branches."""
    if block.repeat is not None:
        yield from _setting("repeat", block.repeat, _TIMES, scope, path)
        yield from mistakes(block.blocks or (), scope, joined=joined, path=(*path, "blocks"))
    if block.residual is not None:
        yield from mistakes(block.residual, scope, joined=True, path=(*path, "residual"))
    if block.join is not None:
        yield from _setting("join", block.join, _JOIN, scope, path)
    if block.branches is not None and len(block.branches) < 2:
        yield (*path, "branches"), f"the list has {len(block.branches)} branches, but needs at least 2; `[]` hands the input on"
    for k, branch in enumerate(block.branches or ()):
        yield from mistakes(branch, scope, joined=True, path=(*path, "branches", k))


def _conditional(block: Block, scope: Scope, joined: bool, path: Path) -> Iterator[Mistake]:
    found = list(condition_mistakes(block.when or {}, scope, (*path, "when")))
    yield from found
    if found:
        return
    inside = scope.narrowed(block.when or {})
    if inside.is_empty():
        yield (*path, "when"), "these blocks are never there, as the condition contradicts those around it or of its decisions"
        return
    yield from mistakes(block.blocks or (), inside, joined=joined, path=(*path, "blocks"))


def condition_mistakes(
    condition: Mapping[str, Sequence[Choice]], scope: Scope, path: Path, *, after: Collection[str] = ()
) -> Iterator[Mistake]:
    """Yield the decisions and choices of a condition that are not there, or only `after` what stands under it."""
    if not condition:
        yield path, "the condition is empty, but must name a decision"
    for name, allowed in condition.items():
        if name not in scope.decisions:
            late = f"`{name}` does not come before this decision, but a condition names what is listed before; list it earlier"
            yield (*path, name), late if name in after else unknown("decision", name, scope.decisions)
            continue
        for k, choice in enumerate(allowed):
            try:
                scope.decisions[name].choice(choice)
            except ValueError as error:
                yield (*path, name, k), str(error)


def _layer(block: Block, scope: Scope, joined: bool, path: Path) -> Iterator[Mistake]:
    """Check a layer under each operation that it may be."""
    assert block.op is not None
    known = Setting("the name of a layer", lambda v: v in LAYERS)
    found = list(_setting("op", block.op, known, scope, path))
    yield from found
    if found:
        return
    operations = _operations(block, scope)
    if joined and "dense" in operations:
        yield (*path, "op"), "a dense layer leaves no image to be joined; put it at the end of the network"
    valid = sorted({name for op in operations for name in LAYERS[op]})
    for name in [name for name in PARTS["op"] if getattr(block, name) is not None and name not in valid]:
        what = f"valid: {', '.join(valid)}" if valid else "it has no settings"
        yield (*path, name), f"{' or '.join(operations)} has no setting `{name}`; {what}"
    for op in operations:
        inside = scope.narrowed({decision: (op,)}) if (decision := reference(block.op)) else scope
        yield from _settings(block, op, inside, path)


def _settings(block: Block, op: str, scope: Scope, path: Path) -> Iterator[Mistake]:
    """Check the settings of a layer that is the operation `op`."""
    for name, setting in LAYERS[op].items():
        given = getattr(block, name)
        if given is not None:
            yield from _setting(name, given, setting, scope, path)
        elif setting.required:
            yield path, f"`{name}` is missing, but {op!r} needs it; give {setting.rule}, or a decision such as `${name}`"


def _setting(name: str, value: Choice, setting: Setting, scope: Scope, path: Path) -> Iterator[Mistake]:
    """Check a constant, or every choice of a decision that may come here."""
    here, decision = (*path, name), reference(value)
    if decision is None:
        if not setting.fits(value):
            yield here, unknown("layer", str(value), LAYERS) if name == "op" else f"got {value!r}, but must be {setting.rule}"
    elif decision not in scope.decisions:
        yield here, unknown("decision", decision, scope.decisions)
    elif not scope.is_active(decision):
        when = scope.decisions[decision].condition
        yield (
            here,
            f"`${decision}` may be inactive here: it is active only if {when}; put the block under `when` with that condition",
        )
    elif wrong := [c for c in scope.choices(decision) if not setting.fits(c)]:
        yield here, f"`${decision}` may be {wrong[0]!r} here, but must be {setting.rule}{_nearest(name, wrong[0])}"


def _nearest(name: str, choice: Choice) -> str:
    return f". {unknown('layer', str(choice), LAYERS)}" if name == "op" else ""


def _operations(block: Block, scope: Scope) -> list[str]:
    """Return the operations that a layer may be; none where it refers to nothing."""
    assert block.op is not None
    decision = reference(block.op)
    if decision is None:
        return [block.op]
    return [str(c) for c in scope.choices(decision)] if decision in scope.decisions else []


def _leaves(block: Block, scope: Scope) -> Iterator[str]:
    """Yield every operation that lies within a block."""
    if block.op is not None:
        yield from _operations(block, scope)
    inner = (*(block.blocks or ()), *(block.residual or ()), *(b for branch in block.branches or () for b in branch))
    for other in inner:
        yield from _leaves(other, scope)
