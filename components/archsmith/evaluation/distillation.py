"""Distillation: a network that was shrunk learns the outputs of the one that it was made from, before it is trained itself.

What is learned are the logits, by their mean squared error: a shrunk network is to compute what the larger one does, and the
logits are that. A divergence of softened probabilities would need a temperature, and at a high one comes to the same.

Reference:
    Elsken, Metzen, Hutter 2019 (arXiv:1804.09081), section 3: approximate network morphisms are completed by distillation.
    Deviations: the whole network learns, not first the parts that were changed; and the loss is that of Ba, Caruana 2014, Do Deep
    Nets Really Need to be Deep? (arXiv:1312.6184), section 2. That it does better than a divergence: Kim et al. 2021
    (arXiv:2105.08919). The temperature's limit: Hinton, Vinyals, Dean 2015 (arXiv:1503.02531), section 2.1.
"""

from itertools import chain, islice
from math import ceil

import torch
from torch import nn
from torch.nn import functional as F

from archsmith.evaluation.batches import Batches
from archsmith.evaluation.optimization import multiplier

RATE = 1e-3
"""Adam's learning rate at first; the search file's is made for another loss, whose gradients have another scale."""


def distil(teacher: nn.Module, student: nn.Module, batches: Batches, *, epochs: float, generator: torch.Generator) -> None:
    """Let `student` learn the logits of `teacher`, in float32; its rate falls as a cosine.

    Args:
        teacher: It is left as it is, in evaluation mode.
        student: Its weights are changed in place; both are where the batches are.
        batches: The training images; their labels are not looked at.
        epochs: Passes over them, >= 0; a part of one, too.
        generator: Draws order and augmentation; on the CPU.
    """
    teacher.eval()
    student.train()
    steps = ceil(epochs * len(batches))
    optimizer = torch.optim.Adam(student.parameters())
    passes = chain.from_iterable(batches.epoch(generator) for _ in range(ceil(epochs)))
    for step, (x, _) in enumerate(islice(passes, steps)):
        for group in optimizer.param_groups:
            group["lr"] = RATE * multiplier("cosine", step / steps)
        with torch.no_grad():
            logits = teacher(x)
        optimizer.zero_grad(set_to_none=True)
        F.mse_loss(student(x), logits).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
