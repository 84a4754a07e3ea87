import pytest

from archsmith.errors import PermanentError, UnavailableError
from archsmith.stores.retry import Backoff


class Flaky:
    def __init__(self, failures: int) -> None:
        self.left, self.calls = failures, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise UnavailableError("The server sleeps.")
        return "done"


def test_a_call_is_tried_until_it_succeeds():
    flaky = Flaky(3)
    assert Backoff(attempts=4, sleep=lambda _: None).run(flaky) == "done"
    assert flaky.calls == 4


def test_the_last_error_says_how_often_it_was_tried():
    flaky = Flaky(99)
    with pytest.raises(UnavailableError, match=r"The server sleeps. \(tried 3 times\)"):
        Backoff(attempts=3, sleep=lambda _: None).run(flaky)
    assert flaky.calls == 3


def test_pauses_are_drawn_below_a_bound_that_doubles_up_to_the_cap():
    bounds: list[float] = []

    def uniform(low: float, high: float) -> float:
        assert low == 0
        bounds.append(high)
        return high / 2

    pauses: list[float] = []
    Backoff(attempts=7, base_s=1, cap_s=10, sleep=pauses.append, uniform=uniform).run(Flaky(6))
    assert bounds == [1, 2, 4, 8, 10, 10]
    assert pauses == [0.5, 1, 2, 4, 5, 5]


def test_an_error_that_does_not_pass_is_raised_at_once():
    def call() -> None:
        raise PermanentError("Never.")

    with pytest.raises(PermanentError):
        Backoff(sleep=lambda _: pytest.fail("waited")).run(call)


def test_no_attempt_at_all_is_refused():
    with pytest.raises(ValueError, match="`attempts` is 0, but must be >= 1"):
        Backoff(attempts=0)
