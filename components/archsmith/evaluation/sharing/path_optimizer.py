"""One optimizer for all tensors of a bank, each step of which moves those that were sampled, and nothing of the others.

Neither momentum nor weight decay moves a tensor that no path of the step has; and of a tensor of which the paths have parts,
only those parts are moved.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from archsmith.evaluation.device import to_cpu
from archsmith.evaluation.optimization import by_decay, make_optimizer
from archsmith.models.shared.bank import Box, Touched
from archsmith.spec import TrainingSpec

Parts = Mapping[nn.Parameter, list[Box] | None]
"""Of each parameter the parts that are moved; None is all of it."""


class PathOptimizer:
    """The optimizer of the search file, over whichever parameters a step has.

    Args:
        settings: Optimizer, weight decay and limit of the gradient.
        scaler: Scales the loss where float16 is used.
    """

    def __init__(self, settings: TrainingSpec, scaler: torch.amp.GradScaler) -> None:
        self._optimizer = make_optimizer(nn.Module(), settings)
        self._clip, self._scaler = settings.clip_gradient, scaler

    def step(self, touched: Iterable[Touched], rate: float) -> None:
        """Move what is touched by its gradients, and forget these.

        Args:
            touched: What the paths of the step have; their gradients are summed in the parameters.
            rate: Learning rate.
        """
        parts = _parts(touched)
        for group, parameters in zip(self._optimizer.param_groups, by_decay(parts), strict=True):
            group["params"], group["lr"] = parameters, rate
        if self._clip is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(parts, self._clip)
        with self._others_kept(parts):
            self._scaler.step(self._optimizer)
        self._scaler.update()
        for parameter in parts:
            parameter.grad = None

    @contextmanager
    def _others_kept(self, parts: Parts) -> Iterator[None]:
        """Put back what a step has moved beyond the parts, the optimizer's memory of it included."""
        partial = {parameter: boxes for parameter, boxes in parts.items() if boxes is not None}
        before = [(parameter, self._tensors(parameter)) for parameter in partial]
        saved = [{name: tensor.detach().clone() for name, tensor in tensors.items()} for _, tensors in before]
        yield
        with torch.no_grad():
            for (parameter, _), old in zip(before, saved, strict=True):
                inside = _mask(parameter, partial[parameter])
                for name, tensor in self._tensors(parameter).items():
                    outside = old.get(name, torch.zeros_like(tensor))  # there was no memory before the first step
                    tensor.copy_(torch.where(inside, tensor, outside))

    def _tensors(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        """Return a parameter and what the optimizer remembers of each of its elements."""
        memory = self._optimizer.state.get(parameter, {})
        alike = {name: t for name, t in memory.items() if isinstance(t, Tensor) and t.shape == parameter.shape}
        return {"": parameter, **alike}

    def state(self, parameters: Mapping[str, nn.Parameter]) -> dict[str, Any]:
        """Return what is remembered of each of these parameters, by their keys; tensors and plain values only."""
        known = self._optimizer.state
        memory = {key: dict(known[parameter]) for key, parameter in parameters.items() if parameter in known}
        return {"memory": to_cpu(memory), "scaler": self._scaler.state_dict()}

    def restore(self, state: Mapping[str, Any], parameters: Mapping[str, nn.Parameter]) -> None:
        """Remember `state`, and nothing else."""
        self._optimizer.state.clear()
        for key, memory in state["memory"].items():
            parameter = parameters[key]
            self._optimizer.state[parameter] = {name: _placed(value, parameter) for name, value in memory.items()}
        if state["scaler"]:  # there is none of a CPU
            self._scaler.load_state_dict(state["scaler"])

    def forget(self) -> None:
        """Forget all momenta."""
        self._optimizer.state.clear()


def _parts(touched: Iterable[Touched]) -> dict[nn.Parameter, list[Box] | None]:
    parts: dict[nn.Parameter, list[Box] | None] = {}
    for one in touched:
        boxes = parts.setdefault(one.parameter, [])
        if one.box is None:
            parts[one.parameter] = None
        elif boxes is not None:
            boxes.append(one.box)
    return parts


def _mask(parameter: nn.Parameter, boxes: list[Box]) -> Tensor:
    mask = torch.zeros_like(parameter, dtype=torch.bool)
    for box in boxes:
        mask[box] = True
    return mask


def _placed(value: Any, parameter: nn.Parameter) -> Any:
    """Return what is remembered where it belongs: step counts stay on the CPU, as torch has them."""
    if not isinstance(value, Tensor) or value.ndim == 0:
        return value
    return value.to(parameter.device, copy=True)
