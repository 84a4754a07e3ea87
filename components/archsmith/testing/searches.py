"""Small searches for tests: real, and over in seconds."""

from pathlib import Path

TINY = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: tiny}
spec:
  data: {name: digits}
  space: {name: chain, layers: {min: 1, max: 2}, operations: [conv], filters: [8, 16], kernels: [3], strides: [1, 2]}
  strategy: {name: evolution, population: 4, sample: 2}
  estimation: {epochs: 2}
  training: {batch_size: 64}
  objectives: [{metric: accuracy, goal: maximize}, {metric: n_params, limit: 20000}]
  budget: {trials: 6, rounds: 3}
  resources: {workers: 2}
  retrain: {epochs: 3}
  tracking: {enabled: false}
"""
"""Six chains on the digits, in three rounds; not tracked."""


def tiny(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the tiny search into `folder`, with each text of `changes` replaced by the other; return its path."""
    text = TINY
    for old, new in changes:
        assert old in text, f"the search has no {old!r}"
        text = text.replace(old, new)
    path = folder / "search.yaml"
    path.write_text(text)
    return path
