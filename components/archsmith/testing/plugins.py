"""A distribution with algorithms, as an installer leaves it: modules, and metadata that names entry points."""

from collections.abc import Mapping
from pathlib import Path

from archsmith.spaces.plugins import GROUP

TOWERS = '''\
"""A space of a user's own: towers of convolutions."""

from archsmith.spaces.decision_space import DecisionSpace
from archsmith.spaces.decisions import Decision
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.spaces.space import SpaceConfig


class TowersConfig(SpaceConfig):
    """Towers of convolutions."""

    height: int = 3
    """Most convolutions."""

    def build(self):
        heights = tuple(range(1, self.height + 1))
        return TowersSpace("towers", (Decision("height", heights), Decision("filters", (8, 16)), *self.training_decisions()))


class TowersSpace(DecisionSpace):
    def graph(self, architecture):
        nodes = (Node("input", "image", "input"), Node("output", self.to_text(architecture), "output"))
        return Graph(nodes, (Edge("input", "output"),))

    def layers(self, architecture, input_shape, n_classes, fidelity):
        from torch import nn

        chosen = self.assignment(architecture)
        channels = [input_shape[0], *[chosen["filters"]] * chosen["height"]]
        tower = [nn.Conv2d(a, b, 3, padding=1) for a, b in zip(channels, channels[1:])]
        return [*tower, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], n_classes)]
'''
"""The module of a space that needs nothing but Archsmith: 3 heights of 2 widths."""


def install(folder: Path, distribution: str, entries: Mapping[str, str], *, group: str = GROUP, **modules: str) -> None:
    """Put a distribution into `folder`, which is to be on the path.

    Args:
        folder: As `site-packages` is.
        distribution: Its name.
        entries: Where the settings of each algorithm lie, as in `towers:TowersConfig`, by its name.
        group: The group of the entry points; that of spaces where it is left out.
        modules: The text of each module, by its name.
    """
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    describe(folder, distribution, {group: entries})


def describe(folder: Path, distribution: str, groups: Mapping[str, Mapping[str, str]]) -> None:
    """Write the metadata of a distribution into `folder`: its entry points, by group."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n", encoding="utf-8")
    sections = ["\n".join([f"[{group}]", *(f"{k} = {v}" for k, v in entries.items()), ""]) for group, entries in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(sections), encoding="utf-8")
