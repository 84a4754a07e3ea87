from archsmith.spec import at_once


def test_at_once_is_one_for_one_worker_and_leaves_some_in_reserve_for_several() -> None:
    assert [at_once(w) for w in (1, 2, 4, 16)] == [1, 3, 7, 28]
