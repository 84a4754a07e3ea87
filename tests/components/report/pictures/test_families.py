from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from archsmith.report import ReportData, pictures, render
from archsmith.report.pictures.families import family_tree
from archsmith.values import Born, Inherits, Orphan, Proposal, Trial

Make = Callable[..., ReportData]
MakeTrial = Callable[..., Trial]


@pytest.fixture
def family(trial: MakeTrial) -> list[Trial]:
    """Return a trial from scratch, its child, the child of that one, which wins, and one that could not inherit."""
    first = trial(0, metrics={"accuracy": 0.6})
    second = child(trial, 1, first, Born(first.id, 4, 0.8, 0.1, same=True, accuracy=0.6, seconds=0.25), 0.7)
    third = child(trial, 3, second, Born(second.id, 8, 0.5, 0.5, same=False, accuracy=0.4, seconds=0.25), 0.97)
    return [first, second, third, child(trial, 2, first, Orphan(first.id, "its checkpoint is gone"), 0.65)]


def child(trial: MakeTrial, number: int, parent: Trial, birth: Born | Orphan, accuracy: float) -> Trial:
    made = trial(number)
    proposal = Proposal(made.proposal.architecture, made.proposal.fidelity, Inherits(parent.id), number=number)
    return trial(number, proposal=proposal, birth=birth, metrics={"accuracy": accuracy})


def test_each_child_is_drawn_from_its_parent_to_its_birth_and_up_to_what_it_came_to(search: Make, family: list[Trial]) -> None:
    figure = family_tree(search(0, others=family))
    drawn = [s for c in figure.axes[0].collections if isinstance(c, LineCollection) for s in c.get_segments()]
    expected = [
        [(0, 0.6), (1, 0.6)],  # from its parent, which it was like
        [(1, 0.6), (1, 0.7)],  # its own training
        [(1, 0.7), (3, 0.4)],
        [(3, 0.4), (3, 0.97)],
    ]
    lows = [0.4, figure.axes[0].get_ylim()[0]]
    assert len(drawn) == 4
    for segment in expected:
        assert any(np.allclose(segment, s) or np.allclose(np.clip(segment, max(lows), None), s) for s in drawn), segment
    assert figure.get_suptitle().replace("\n", " ") == (
        "2 of 4 trials began with the weights of another one; the winner with those of #1, trained for 8 epochs in 2 generations"
    )
    assert {text.get_text() for text in figure.axes[0].texts} == {"#0", "#1", "#2", "#3"}


def test_the_page_shows_births_and_names_orphans(search: Make, family: list[Trial]) -> None:
    page = render(search(0, others=family))
    # 4 epochs of (4 - 1/4) / 4 s each, less the quarter of a second of the birth; and 8 of them
    assert "2 of 4 trials inherited; born with 50 % on average, 11 s saved; 1 could not, and began from scratch" in page
    assert "Trial 0002 was to inherit from trial 0000, but its checkpoint is gone." in page
    for cell in ("born with", "70 %", "97 %", "80 %"):
        assert cell in page
    assert "births</summary>" not in page


@pytest.mark.cluster  # for its length; it needs none
def test_of_many_births_all_are_listed_beside_the_first_ones(search: Make, trial: MakeTrial) -> None:
    trials = [trial(0, metrics={"accuracy": 0.6})]
    for number in range(1, 31):
        birth = Born(trials[-1].id, 4 * number, 1.0, 0.0, same=True, accuracy=0.6)
        trials.append(child(trial, number, trials[-1], birth, 0.6 + number / 100))
    data = search(0, others=trials)
    assert "All 30 births" in render(data)
    named = [int(text.get_text()[1:]) for text in family_tree(data).axes[0].texts]
    assert named == list(range(30, -1, -2)), "they all descend from each other, and there is room for half of them"
    assert "family-tree.png" in pictures(data)


def test_a_search_in_which_nothing_is_inherited_has_no_families(search: Make) -> None:
    assert "nherited" not in render(search(3))
    assert "family-tree.png" not in pictures(search(3))
