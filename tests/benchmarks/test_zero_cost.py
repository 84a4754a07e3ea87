"""The networks of published tables are built as they were: their parameters are those that the tables have, in millions."""

import ast
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))  # where it finds what benchmarks share
zero_cost = import_module("zero_cost")

ROWS = [
    ("201", "(4,3,3,3,2,3)", "0.42835"),
    ("201", "(3,3,2,1,3,2)", "0.64339"),
    (
        "101",
        "(0,1,1,1,1,0,1,0,0,0,0,0,1,1,0,0,0,0,0,0,1,0,0,0,0,1,1,0,0,0,0,0,0,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2,2,4,4,4,1)",
        "4.0958",
    ),
    (
        "101",
        "(0,1,1,0,0,1,0,0,0,0,1,1,1,1,0,0,0,0,0,0,1,0,0,0,0,0,1,0,0,0,0,0,0,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,4,2,3,3,2,1)",
        "1.749",
    ),
    ("301", "[[(0,4),(1,3),(0,2),(2,3),(2,3),(0,3),(2,6),(3,5)],[(0,3),(1,3),(1,1),(0,5),(2,3),(0,2),(4,4),(3,1)]]", "1.2049"),
]
"""Table, architecture in NASLib's numbers, parameters."""


@pytest.mark.parametrize(("table", "arch", "published"), ROWS)
def test_a_network_has_the_parameters_that_its_table_says(table: str, arch: str, published: str) -> None:
    with torch.device("meta"):
        network = zero_cost.BUILD[table](ast.literal_eval(arch))
    assert f"{sum(p.numel() for p in network.parameters()) / 1e6:.5g}" == published


def test_the_images_are_photographs_of_zero_mean_and_unit_deviation() -> None:
    images, labels = zero_cost.photographs(0)
    assert images.shape == (32, 3, 32, 32)
    assert labels.shape == (32,)
    assert torch.allclose(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(images.std((0, 2, 3)), torch.ones(3), atol=1e-5)
    right = (images[..., 1:] * images[..., :-1]).mean()
    assert right > 0.7  # a pixel is like the next one, which noise is not


def test_a_screen_keeps_all_of_the_best_by_accuracy_itself_and_none_by_its_opposite() -> None:
    accuracy = [k / 100 for k in range(100)]
    assert zero_cost.kept(accuracy, accuracy) == 1
    assert zero_cost.kept([-a for a in accuracy], accuracy) == 0
