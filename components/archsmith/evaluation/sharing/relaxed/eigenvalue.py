"""The sharpness of what the choices have come to, which warns of a collapse.

Reference: Zela, Elsken, Saikia, Marrakchi, Brox, Hutter 2020, Understanding and Robustifying Differentiable Architecture Search
(arXiv:1909.09656), section 4: where the largest eigenvalue of the Hessian of the validation loss by the alphas grows, what is
derived loses against its mixture. What it says over the epochs is read by `archsmith.values.verdicts`.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from archsmith.evaluation.sharing.relaxed.gradients import Average, alone


def largest_eigenvalue(loss: Callable[[Tensor], Tensor], at: Tensor, average: Average = alone) -> float | None:
    """Return the largest eigenvalue of the Hessian of `loss` at `at`, by Lanczos' method, to about 1 %.

    Args:
        loss: From a tensor like `at` to a scalar, twice differentiable.
        at: (n,), n >= 2.
        average: Averages gradients over the processes that train together, each with a loss of its own.

    Returns:
        The eigenvalue; None where it can't be found, as of a Hessian that is zero or not finite.
    """
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh  # it takes a while

    point = at.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(point), [point], create_graph=True)

    def product(vector: np.ndarray) -> np.ndarray:
        v = torch.from_numpy(vector.reshape(-1)).to(point)
        (along,) = torch.autograd.grad(slope, [point], v, retain_graph=True, allow_unused=True, materialize_grads=True)
        average([along])
        return along.to("cpu", torch.float64).numpy()

    n = len(point)
    hessian: Any = LinearOperator((n, n), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(n)  # what it is does not matter, only that it is the same each time
    try:
        if n <= 3:  # Lanczos' method needs more to choose from
            found = float(np.linalg.eigvalsh(np.stack([product(row) for row in np.eye(n)])).max())
        else:
            found = float(eigsh(hessian, k=1, which="LA", v0=start, tol=1e-2, return_eigenvectors=False, maxiter=50 * n)[0])
    except (ArpackError, np.linalg.LinAlgError):
        return None
    return found if math.isfinite(found) else None
