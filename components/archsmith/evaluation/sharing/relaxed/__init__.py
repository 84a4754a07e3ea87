"""Relaxed choices: a network holds all options side by side, and parameters of the choices are trained beside its weights.

One loop (`training`) of parts that combine, each method of the field a preset of them (`archsmith.spec.supernets`): what the
options are weighed by (`softmax`, `concrete`, `gumbel`, `gates`), how the alphas' gradient is found (`gradients`, `unrolled`),
what guards against a collapse (`beta_decay`, `skips`, `eigenvalue`), and what the choices cost (`cost`).
"""

from collections.abc import Mapping

from archsmith.evaluation.sharing.relaxed.concrete import Concrete
from archsmith.evaluation.sharing.relaxed.gates import Gates
from archsmith.evaluation.sharing.relaxed.gumbel import Gumbel
from archsmith.evaluation.sharing.relaxed.softmax import Softmax
from archsmith.evaluation.sharing.relaxed.weighing import Weighing
from archsmith.spec.supernets import Weights

WEIGHINGS: Mapping[Weights, Weighing] = {"softmax": Softmax(), "concrete": Concrete(), "gumbel": Gumbel(), "gates": Gates()}
"""What the options of a choice are weighed by, by the settings' name for it."""
