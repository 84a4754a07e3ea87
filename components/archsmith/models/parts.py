"""Named parts: what stands where in a network.

A builder returns its network as an ordered mapping of parts, one applied after the other. A part that has parts of its
own is an `nn.ModuleDict`, so that the dotted name of a part, such as `cells.cell_4.node_2.a.sep_conv_3x3`, begins the names of
its tensors in the state dictionary too. The same name means the same place in every network of a space, at every
fidelity; and since the operation ends the name, tensors of different operations never have the same one. Shared
weights, inherited weights and pictures hang on that.
"""

from collections.abc import Iterator, Mapping

from torch import nn

Parts = Mapping[str, nn.Module]
"""Parts by name, in the order in which they are applied."""


class Place(nn.ModuleDict):
    """A place in a network with what stands there: one module, under the name of its operation."""

    def __init__(self, operation: str, module: nn.Module) -> None:
        super().__init__({operation: module})

    def forward(self, *inputs: object) -> object:
        """Apply what stands here."""
        (module,) = self.values()
        return module(*inputs)


def parts_of(network: nn.Module) -> dict[str, nn.Module]:
    """Return the parts of a network that have no parts of their own, by their dotted names, in order.

    Args:
        network: What `archsmith.models.build` has made, or a part of it.
    """
    return dict(_parts(network, ""))


def _parts(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        if isinstance(child, nn.ModuleDict):
            yield from _parts(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child
