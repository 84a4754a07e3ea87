"""Steps in the multi-branch space: more filters, larger kernels, more inputs, and layers put in after others."""

from collections.abc import Iterator

from archsmith.spaces.macro.branch import CONVOLUTIONS, BranchSpace
from archsmith.spaces.macro.wiring import STEM, Wiring, read_wiring
from archsmith.spaces.morphing.steps import Chosen, Morphism, choices_of, completed, larger, smaller
from archsmith.spaces.morphing.wiring import OUTPUT, Shaped, joined_channels, keeps, more_inputs
from archsmith.values import Architecture, Choice


def grown(space: BranchSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield the exact steps."""
    old = space.assignment(architecture)
    before = shaped(space, old)
    yield from larger(space, old, {"kernel_": "kernel"})
    readers = [*(str(layer.number) for layer in before.wiring.layers), "output"]
    joining = (Morphism("branch", found, what) for what, found in more_inputs(space, old, readers))
    for step in (*larger(space, old, {"filters_": "widen"}), *joining):
        after = shaped(space, space.assignment(step.architecture))
        if keeps(before, after) and _keeps_layers(before, after) and after != before:
            yield step
    yield from _deeper(space, old, before)


def shrunk(space: BranchSpace, architecture: Architecture) -> Iterator[Morphism]:
    """Yield fewer filters, smaller kernels, and less inputs."""
    old = space.assignment(architecture)
    yield from smaller(space, old, ("filters_", "kernel_"))
    for name, choice in old.items():
        if name.startswith("skip_") and choice is True:
            yield Morphism("shrink", space.architecture({**old, name: False}), f"{name} True → False")


def shaped(space: BranchSpace, chosen: Chosen) -> Shaped:
    """Return a network's wiring with the shapes of its tensors."""
    wiring = read_wiring(chosen)
    joined, channels, shrunk = dict[int, int](), {STEM: space.stem}, {STEM: 1}
    for layer in wiring.layers:
        joined[layer.number] = joined_channels(layer, channels)
        channels[layer.number] = layer.filters or channels[layer.main]
        shrunk[layer.number] = layer.stride * max(shrunk[j] for j in layer.inputs)
    return Shaped(wiring, joined, channels, shrunk)


def _keeps_layers(old: Shaped, new: Shaped) -> bool:
    """Tell whether no layer that mixes no channels begins or ceases to have a convolution for their number.

    A pooling may begin to: its convolution comes after it, and hands on what it gave.
    """
    for layer in old.wiring.layers:
        had, has = (net.joined[layer.number] != net.channels[layer.number] for net in (old, new))
        if layer.op not in CONVOLUTIONS and had != has and (had or layer.op in ("identity", "se")):
            return False
    return True


def _deeper(space: BranchSpace, old: Chosen, before: Shaped) -> Iterator[Morphism]:
    """Yield each convolution put in after a layer: it begins with a ReLU, as all that read that layer must do."""
    n = len(before.wiring.layers)
    for i in range(n + 1) if n + 1 in choices_of(space, "layers") else ():
        enough = [c for c in choices_of(space, f"filters_{i + 1}") if int(c) >= before.channels[i]]
        if not enough or 1 not in choices_of(space, f"stride_{i + 1}") or not _is_rectified(before, i):
            continue
        for op in (op for op in choices_of(space, f"op_{i + 1}") if op in CONVOLUTIONS):
            for kernel in choices_of(space, f"kernel_{i + 1}"):
                filters = min(enough, key=int)
                layer: dict[str, Choice] = {
                    "op": op,
                    "filters": filters,
                    "kernel": kernel,
                    "stride": 1,
                    "input": i,
                    "join": "none",
                }
                wanted = {**_moved(old, before.wiring, i), **{f"{name}_{i + 1}": choice for name, choice in layer.items()}}
                if all(wanted[d.name] in d.choices for d in space.decisions if d.name in wanted and d.name[:5] == "input"):
                    deeper = completed(space, wanted, lambda _: False)
                    yield Morphism("deepen", deeper, f"layer {i + 1} after {i or 'the stem'}: {op} {kernel}x{kernel}, {filters}")


def _is_rectified(before: Shaped, i: int) -> bool:
    """Tell whether a ReLU comes first wherever the output of a layer is read: it is neither summed nor pooled before."""
    ops = {layer.number: layer.op for layer in before.wiring.layers}
    return all(
        (number == OUTPUT or ops[number] in CONVOLUTIONS)
        and (len(inputs) == 1 or join == "concat")
        and before.sides(inputs) == before.shrunk[i]
        for number, (inputs, join) in before.inputs().items()
        if i in inputs
    )


def _moved(old: Chosen, wiring: Wiring, i: int) -> dict[str, Choice]:
    """Return the choices of a network with a place for a layer after layer `i`; what read `i` reads that one."""
    own = {name: choice for name, choice in old.items() if name.partition("_")[0] not in _OF_LAYERS}
    wanted: dict[str, Choice] = {**own, "layers": len(wiring.layers) + 1, "join_output": old["join_output"]}
    for layer in wiring.layers:
        number = _after(layer.number, i + 1)
        chosen = {name: old[full] for name in ("op", "filters", "kernel", "stride") if (full := f"{name}_{layer.number}") in old}
        chosen |= {"input": _after(layer.main, i), "join": layer.join if layer.skips else "none"}
        wanted |= {f"{name}_{number}": choice for name, choice in chosen.items()}
        wanted |= {f"skip_{number}_{_after(j, i)}": True for j in layer.skips}
    return wanted | {f"skip_output_{_after(j, i)}": True for j in wiring.skips}


_OF_LAYERS = ("layers", "op", "filters", "kernel", "stride", "input", "join", "skip")


def _after(number: int, first: int) -> int:
    """Return the number of a layer, one more from `first` on."""
    return number + (number >= first)
