"""The base of all spaces, on spaces with conditions of every kind."""

import numpy as np
import pytest
from scipy import stats

from archsmith.spaces.decisions import Decision
from archsmith.testing.spaces import PlainSpace, SpaceConformance, brute_force
from archsmith.values import Architecture

CONDITIONAL = (
    Decision("depth", (1, 2, 3)),
    Decision("norm", ("batch", "none")),
    Decision("op", ("conv", "pool", "skip"), {"depth": (2, 3)}),
    Decision("rate", (0.1, 0.5), {"norm": ("none",)}),
    Decision("kernel", (3, 5), {"op": ("conv",)}),
    Decision("only", ("one",), {"op": ("conv", "pool")}),
    Decision("biased", (True, False), {"op": ("conv", "skip"), "norm": ("none",), "depth": (3,)}),
    Decision("last", ("a", "b"), {"kernel": (5,), "biased": (True,)}),
)
EITHER = (
    *CONDITIONAL[:5],
    Decision("free", (1, 2), if_active={"kernel": (5,), "rate": (), "op": ("conv", "pool")}),
    Decision("both", (1, 2, 3), {"norm": ("batch",)}, if_active={"free": (1,), "norm": ("batch",)}),
)


def random_decisions(seed: int) -> list[Decision]:
    """Return eight decisions, of which most depend on one or two random earlier ones, in either way."""
    rng, decisions = np.random.default_rng(seed), list[Decision]()
    for k in range(8):
        when, if_active = {}, {}
        for other in rng.permutation(k)[: rng.integers(0, 3)]:
            earlier = decisions[other]
            allowed = rng.permutation(len(earlier.choices))[: rng.integers(1, len(earlier.choices) + 1)]
            kind = when if rng.random() < 0.5 else if_active
            kind[earlier.name] = tuple(earlier.choices[c] for c in allowed)
        decisions.append(Decision(f"d{k}", tuple(range(rng.integers(1, 4))), when, if_active=if_active))
    return decisions


@pytest.fixture
def space() -> PlainSpace:
    return PlainSpace("plain", CONDITIONAL)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


class TestConditionalSpace(SpaceConformance):
    @pytest.fixture
    def space(self) -> PlainSpace:
        return PlainSpace("plain", CONDITIONAL)


class TestSpaceThatDependsOnWhateverIsActive(SpaceConformance):
    @pytest.fixture
    def space(self) -> PlainSpace:
        return PlainSpace("either", EITHER)


class TestFlatSpace(SpaceConformance):
    @pytest.fixture
    def space(self) -> PlainSpace:
        return PlainSpace("flat", [Decision("a", (1, 2)), Decision("b", ("x", "y", "z")), Decision("c", (0.5,))])


@pytest.mark.parametrize("seed", range(40))
def test_random_spaces_are_counted_and_listed_as_by_brute_force(seed):
    space = PlainSpace("random", random_decisions(seed))
    expected = set(brute_force(space))
    assert space.size() == len(expected)
    listed = list(space.enumerate())
    assert len(listed) == len(expected)
    assert set(listed) == expected


def chi_square(space, draw, shares, n=20_000):
    """Return the p-value of `n` draws under the given share of each architecture."""
    counts = dict.fromkeys(shares, 0)
    for _ in range(n):
        counts[draw()] += 1
    return stats.chisquare(list(counts.values()), [n * share for share in shares.values()]).pvalue


def test_samples_are_uniform_at_each_decision(space, rng):
    def share(architecture):
        sizes = [len(d.choices) for d, c in zip(space.decisions, architecture.choices, strict=True) if c is not None]
        return 1 / np.prod(sizes)

    assert chi_square(space, lambda: space.sample(rng), {a: share(a) for a in brute_force(space)}) > 1e-3


def test_a_mutation_is_uniform_over_active_decisions_and_then_over_their_other_choices(space, rng):
    parent = space.architecture({"depth": 1, "norm": "none", "rate": 0.1})
    fresh = space.architecture({"depth": 1, "norm": "none", "rate": 0.5})
    batch = space.architecture({"depth": 1, "norm": "batch"})
    shares = {fresh: 1 / 3, batch: 1 / 3}
    # Two or three layers make `op` active, which is sampled, and so on.
    for deep in space.enumerate():
        if deep.choices[0] != 1 and deep.choices[1] == "none" and deep.choices[3] == 0.1:
            new = [
                len(d.choices)
                for d, c in list(zip(space.decisions, deep.choices, strict=True))[2:]
                if c is not None and d.name != "rate"
            ]
            shares[deep] = 1 / 3 / 2 / np.prod(new)
    assert chi_square(space, lambda: space.mutate(parent, rng), shares) > 1e-3


def test_an_assignment_names_the_active_decisions_and_gives_the_architecture_back(space):
    for architecture in space.enumerate():
        assignment = space.assignment(architecture)
        assert space.architecture(assignment) == architecture
        assert space.active(architecture.choices) == tuple(d.name in assignment for d in space.decisions)
        space.validate(architecture)


def test_the_choices_of_inactive_decisions_do_not_make_others_active(space):
    # `kernel` = 5 without `op` must not let `last` in.
    active = space.active((1, "none", "conv", 0.1, 5, "one", True, "a"))
    assert active == (True, True, False, True, False, False, False, False)


def test_a_space_of_one_architecture_is_counted_and_refuses_to_mutate(rng):
    space = PlainSpace("single", [Decision("a", (1,)), Decision("b", (2,))])
    (only,) = space.enumerate()
    assert space.size() == 1
    assert space.sample(rng) == only
    with pytest.raises(ValueError, match="'single' has one architecture only"):
        space.mutate(only, rng)


def test_a_notation_that_says_something_twice_is_refused(space):
    text = space.to_text(space.at(0))
    with pytest.raises(ValueError, match=f"`{text.partition('=')[0]}` is given twice"):
        space.from_text(f"{text} {text.split()[0]}")


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ({"depth": 1, "nrm": "batch"}, "Unknown decision 'nrm'.*Did you mean 'norm'"),
        ({"depth": 1}, "`norm` is missing, but is active here; give it one of: batch, none"),
        ({"depth": 4, "norm": "batch"}, "`depth` is 4, but must be one of: 1, 2, 3"),
        ({"depth": True, "norm": "batch"}, "`depth` is True, but must be one of: 1, 2, 3"),
        ({"depth": 1, "norm": "batsh"}, "Unknown choice 'batsh'.*Did you mean 'batch'"),
        ({"depth": 1, "norm": "batch", "op": "conv"}, "`op` is 'conv', but is active only if `depth` is 2 or 3"),
    ],
)
def test_a_wrong_assignment_is_refused_with_what_is_valid(space, assignment, message):
    with pytest.raises(ValueError, match=message):
        space.architecture(assignment)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (Architecture("other", (1,)), "of the space 'other', but this is 'plain'"),
        (Architecture("plain", (1,)), "has 1 choices, but 'plain' has 8 decisions"),
        (Architecture("plain", (1, "batch", "conv", None, None, None, None, None)), "active only if `depth`"),
        (Architecture("plain", (1, None, None, None, None, None, None, None)), "`norm` is missing"),
    ],
)
def test_an_architecture_that_is_not_of_the_space_is_refused(space, architecture, message):
    with pytest.raises(ValueError, match=message):
        space.validate(architecture)
