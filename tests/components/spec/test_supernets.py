from typing import Any

import pytest

from archsmith.spec.supernets import RELAXATIONS, Relaxed


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, r"The value of `epochs` is 0, but must be in \[1, inf\)."),
        ({"warmup": 1.0}, r"The value of `warmup` is 1.0, but must be in \[0, 1\)."),
        ({"alpha_share": 0.0}, "must be > 0: the alphas need images"),
        ({"temperature": (1.0, 0.0)}, "both ends must be > 0"),
        ({"weights": "gates", "update": "joint"}, "must be 'first' with gates"),
        ({"weights": "gumbel", "update": "second"}, "a hard sample has no second derivatives"),
        ({"compile": True, "eigenvalue": True}, "what is compiled has no second derivatives"),
        ({"compile": True, "update": "second", "hessian": "exact"}, "`compile` and `hessian: exact` are set"),
        ({"end_at_skips": True}, "how many are too many"),
    ],
)
def test_what_does_not_fit_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Relaxed(**{"epochs": 1, **settings})


def test_presets_are_those_of_the_papers() -> None:
    assert set(RELAXATIONS) == {"darts", "gdas", "snas", "proxyless", "fabric"}
    darts = RELAXATIONS["darts"]
    # 50 epochs of half of CIFAR-10 in batches of 64, at the paper's 3e-4
    assert darts.reach == pytest.approx(50 * (25000 / 64) * 3e-4, rel=0.05)
