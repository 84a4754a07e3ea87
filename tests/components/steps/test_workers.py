import psutil
import pytest

from archsmith.spec import ResourcesSpec
from archsmith.steps import workers
from archsmith.steps.workers import divide, n_cores


@pytest.mark.parametrize(("wanted", "trials", "count"), [(1, 8, 1), (2, 8, 2), (2, 1, 1), (64, 3, 3)])
def test_there_are_as_many_workers_as_asked_for_but_no_more_than_trials(wanted: int, trials: int, count: int) -> None:
    assert divide(ResourcesSpec(workers=wanted), trials=trials).count == count


def test_the_cores_are_divided_among_the_workers() -> None:
    for wanted in (1, 2, 64):
        divided = divide(ResourcesSpec(workers=wanted), trials=100)
        assert divided.threads == max(1, n_cores() // divided.count)


def test_a_worker_a_core_is_the_default() -> None:
    assert divide(ResourcesSpec(), trials=100).count == n_cores()


def test_cpu_is_an_upper_limit_of_the_cores() -> None:
    assert divide(ResourcesSpec(cpu=1), trials=100) == workers.Workers(1, 1, None)


def test_memory_is_what_this_process_leaves_divided_evenly() -> None:
    own_mb = psutil.Process().memory_info().rss / 1e6
    divided = divide(ResourcesSpec(workers=4, memory="8Gi"), trials=100)
    assert divided.memory_mb == pytest.approx((8 * 2**30 / 1e6 - own_mb) / 4, rel=0.02)


def test_without_memory_in_the_file_the_workers_share_that_of_the_container() -> None:
    own_mb = psutil.Process().memory_info().rss / 1e6
    container_mb = 8 * 2**30 / 1e6
    divided = divide(ResourcesSpec(workers=4), trials=100, container_mb=container_mb)
    assert divided.memory_mb == pytest.approx((container_mb * 7 / 8 - own_mb) / 4, rel=0.02)
    named = divide(ResourcesSpec(workers=4, memory="4Gi"), trials=100, container_mb=container_mb)
    assert named.memory_mb == pytest.approx((container_mb / 2 - own_mb) / 4, rel=0.02)


def test_a_gpu_that_is_not_there_is_not_counted() -> None:
    assert workers.n_gpus(ResourcesSpec(gpu=4)) <= 4
    assert workers.n_gpus(ResourcesSpec()) == 0
