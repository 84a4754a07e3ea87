"""Images that look the same to the eye and are not the same to the byte: saved anew, made smaller, brightened.

Small versions are compared, normalised so that brightness and contrast do not count. What near means depends on the data:
pieces of clothing are nearer to each other than photographs. So two are alike where they are nearer by far than an image and
its eighth nearest usually are. Of a few images each is compared with each; that would take a minute for 60,000. But what is
near in all pixels is near in each of a few principal components, since a projection makes no distance larger; so of many images
only those that share a cell of a grid of components are compared, in several grids, as two that are near may lie on both sides
of a border.
"""

import numpy as np
import torch

from archsmith.evaluation.data.small import normalised

SIDE = 16
"""Pixels a side at which images are compared."""
NEAR = 1 / 6
"""Share of the usual distance to the eighth nearest image below which two look the same. Of 70,000 images of Fashion-MNIST some
hundred pairs do, all but a few of one class; of the digits none does; nearly all photographs that were saved anew do."""
NEIGHBOUR = 8
"""Which neighbour says what is usual; the nearest may be a copy."""
ASKED = 300
"""Images that are asked how far that neighbour is."""
LEAST, MOST = 0.03, 0.15
"""Root mean square differences of normalised images that are near, and that are not, whatever is usual."""
EXACT = 2_000
"""Images of which each is compared with each."""
COMPONENTS = 16
"""Axes of the grid."""
CELLS = 2.0
"""Width of a cell, in distances of two images that are just near."""
GRIDS = 6
"""Grids with different origins."""
MOST_STEPS = 60
"""Images of a cell with which each is compared; beyond, so many are alike that it is known without counting all pairs."""
SAMPLE = 4_000
"""Images of which the principal components are."""


def lookalikes(shrunk: torch.Tensor) -> np.ndarray:
    """Return pairs of images that look the same: (n, 2), int64, positions with the lower one first, sorted.

    Args:
        shrunk: (N, C, h, w), float32, of `small` with `SIDE`. Images of a single colour are like no other.
    """
    rows, seen = normalised(shrunk)
    place = seen.nonzero()[:, 0]
    rows = rows[place]
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    radius = near(rows) * rows.shape[1] ** 0.5
    if len(rows) <= EXACT:
        distances = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
        close: np.ndarray = place.numpy()[np.argwhere(np.triu(distances.numpy() <= radius, 1))]
        return close
    points = _components(rows)
    found = [np.empty((0, 2), np.int64)]
    for origin in np.random.default_rng(0).random((GRIDS, points.shape[1])):
        found += _pairs(rows, points, radius, origin)
    pairs = np.unique(np.concatenate(found), axis=0)
    found_at: np.ndarray = place.numpy()[pairs]
    return found_at


def near(rows: torch.Tensor) -> float:
    """Return the root mean square difference below which two images of these look the same: (N, D), float32, normalised."""
    asked = torch.linspace(0, len(rows) - 1, min(len(rows), ASKED)).long()
    distances = torch.cdist(rows[asked], rows) / rows.shape[1] ** 0.5
    usual = distances.kthvalue(min(NEIGHBOUR + 1, len(rows)), dim=1).values.median()  # the nearest of all is itself
    return float((NEAR * usual).clamp(LEAST, MOST))


def _components(rows: torch.Tensor) -> np.ndarray:
    """Return where each row lies along the first principal components: (N, at most 16), float32."""
    sample = rows[torch.linspace(0, len(rows) - 1, min(len(rows), SAMPLE)).long()]
    sample = sample - sample.mean(0)
    _, axes = torch.linalg.eigh(sample.T @ sample)
    points: np.ndarray = (rows @ axes[:, -COMPONENTS:]).numpy()
    return points


def _pairs(rows: torch.Tensor, points: np.ndarray, radius: float, origin: np.ndarray) -> list[np.ndarray]:
    """Return the pairs of near rows that share a cell of a grid."""
    cells = np.floor(points / (CELLS * radius) + origin).astype(np.int64)
    keys = cells @ np.random.default_rng(1).integers(1, 2**40, cells.shape[1])  # two cells may share one: that costs time only
    order = np.argsort(keys, kind="stable")
    keys, found = keys[order], []
    for step in range(1, MOST_STEPS + 1):
        same = np.flatnonzero(keys[step:] == keys[:-step])
        if not len(same):
            break
        pairs = np.sort(np.stack([order[same], order[same + step]], axis=1), axis=1)
        pairs = pairs[np.square(points[pairs[:, 0]] - points[pairs[:, 1]]).sum(1) <= radius**2]
        distance = (rows[pairs[:, 0]] - rows[pairs[:, 1]]).square().sum(1).sqrt()
        found.append(pairs[(distance <= radius).numpy()])
    return found
