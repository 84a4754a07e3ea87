import random

import pytest

from archsmith.stores.segments import Segment, frontier, merged, widest


def compact(rounds: list[int]) -> set[Segment]:
    segments: set[Segment] = set()
    for done in rounds:
        whole, parts = merged(Segment(done, done), segments)
        segments = (segments - set(parts)) | {whole}
    return segments


@pytest.mark.parametrize("n", range(1, 70))
def test_the_lengths_of_the_segments_are_the_binary_digits_of_the_number_of_rounds(n: int):
    segments = sorted(compact(list(range(n))))
    digits = [2**bit for bit in reversed(range(8)) if n & 2**bit]
    assert [s.last - s.first + 1 for s in segments] == digits


@pytest.mark.parametrize("seed", range(20))
def test_each_round_lies_in_one_segment_in_whatever_order_rounds_complete(seed: int):
    rng = random.Random(seed)
    rounds = rng.sample(range(50), rng.randint(1, 50))
    held = [r for s in compact(rounds) for r in range(s.first, s.last + 1)]
    assert sorted(held) == sorted(rounds)
    assert compact(rounds) == compact(sorted(rounds))


@pytest.mark.parametrize("seed", range(20))
def test_the_widest_segments_are_those_that_lie_in_no_other(seed: int):
    rng = random.Random(seed)
    every = [Segment(i * 2**k, (i + 1) * 2**k - 1) for k in range(5) for i in range(16 >> k)]
    some = rng.sample(every, 12)
    brute = [s for s in some if not any(o != s and o.first <= s.first and s.last <= o.last for o in some)]
    assert list(widest(some)) == sorted(brute)


def test_the_frontier_is_the_first_round_that_no_segment_holds():
    assert frontier([]) == 0
    assert frontier([Segment(1, 1)]) == 0
    assert frontier([Segment(0, 1), Segment(0, 3), Segment(4, 4), Segment(6, 6)]) == 5


def test_a_segment_is_read_from_the_name_of_its_object():
    assert Segment.parse(Segment(0, 1023).name) == Segment(0, 1023)
    assert Segment.parse("history/notes.txt") is None
