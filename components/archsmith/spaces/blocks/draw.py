"""The picture of a network of blocks."""

from collections.abc import Iterator, Mapping, Sequence

from archsmith.spaces.blocks.resolve import Joined, Layer, Step
from archsmith.spaces.graph import Edge, Graph, Node
from archsmith.values import Choice


def draw(steps: Sequence[Step]) -> Graph:
    """Return the network from the image to the classifier; the global pooling comes before the first dense layer."""
    sketch = _Sketch()
    end = sketch.add("image", "input", ())
    n_image = image_part(steps)
    end = sketch.follow(steps[:n_image], end)
    end = sketch.add("global average pool", "global-pool", (end,))
    end = sketch.follow(steps[n_image:], end)
    sketch.add("classifier", "output", (end,))
    return Graph(tuple(sketch.nodes), tuple(sketch.edges))


def draw_choices(assignment: Mapping[str, Choice]) -> Graph:
    """Return the choices of an architecture in their order, for a space that has no network to draw."""
    sketch = _Sketch()
    end = sketch.add("decisions", "input", ())
    for name, choice in assignment.items():
        end = sketch.add(f"{name}: {_said(choice)}", "decision", (end,))
    sketch.add("looked up in a table", "output", (end,))
    return Graph(tuple(sketch.nodes), tuple(sketch.edges))


def image_part(steps: Sequence[Step]) -> int:
    """Return how many of the steps come before the first dense layer."""
    return next((k for k, step in enumerate(steps) if isinstance(step, Layer) and step.op == "dense"), len(steps))


class _Sketch:
    """Nodes and edges so far."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []

    def add(self, label: str, kind: str, sources: Sequence[str], details: Mapping[str, str] | None = None) -> str:
        """Add a node that takes what `sources` give; return its id."""
        name = f"n{len(self.nodes)}" if kind not in ("input", "output") else kind
        self.nodes.append(Node(name, label, kind, details or {}))
        self.edges += [Edge(source, name) for source in dict.fromkeys(sources)]
        return name

    def follow(self, steps: Sequence[Step], end: str) -> str:
        """Add steps one after the other behind the node `end`; return the last of their nodes."""
        for step in steps:
            end = self.join(step, end) if isinstance(step, Joined) else self.layer(step, end)
        return end

    def layer(self, layer: Layer, end: str) -> str:
        """Add a layer."""
        details = {name: _said(value) for name, value in layer.settings.items()}
        return self.add(" ".join([layer.op, *_words(layer)]), layer.op, (end,), details)

    def join(self, joined: Joined, end: str) -> str:
        """Add branches and where they come together."""
        ends = [self.follow(branch, end) for branch in joined.branches]
        kind = "concat" if joined.join == "concat" else "add"
        return self.add("concat" if kind == "concat" else "sum", kind, ends)


def _words(layer: Layer) -> Iterator[str]:
    """Yield what a label says beside the operation: `3x3, 32, /2`."""
    chosen = layer.settings
    parts = []
    if "kernel" in chosen:
        parts.append(f"{chosen['kernel']}x{chosen['kernel']}")
    if "expansion" in chosen:
        parts.append(f"expand {chosen['expansion']}")
    parts += [f"{chosen[name]}" for name in ("filters", "units") if name in chosen]
    if chosen.get("se") is True:
        parts.append("se")
    if "dilation" in chosen:
        parts.append(f"dilation {chosen['dilation']}")
    if chosen.get("stride", 1) != 1:
        parts.append(f"/{chosen['stride']}")
    if parts:
        yield ", ".join(parts)


def _said(value: Choice) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
