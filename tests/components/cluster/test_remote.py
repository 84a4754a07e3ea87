"""Watching the object of a search, with no clock."""

from collections.abc import Callable
from typing import Any

import pytest

from archsmith.cluster.following import Patience
from archsmith.cluster.kube import Kube
from archsmith.cluster.remote import is_over, message, phase, watch_object
from archsmith.errors import NotFoundError, UnavailableError
from archsmith.testing.kube_server import KubeServer


@pytest.fixture(autouse=True)
def _search(server: KubeServer) -> None:
    server.put("searches", "team", "x", spec={})


def patience(*steps: Callable[[], None]) -> Patience:
    """Do a step at each pause."""
    left = iter(steps)
    return Patience(1.0, 3.0, lambda _: next(left)())


def test_a_search_that_no_controller_has_seen_is_pending() -> None:
    new: dict[str, Any] = {"metadata": {"generation": 1}}
    assert (phase(new), message(new), is_over(new)) == ("Pending", "", False)


def test_a_final_phase_of_an_earlier_spec_is_not_final() -> None:
    status = {"phase": "Failed", "message": "no pod", "observedGeneration": 1}
    same, newer = ({"metadata": {"generation": generation}, "status": status} for generation in (1, 2))
    assert (phase(same), message(same), is_over(same)) == ("Failed", "no pod", True)
    assert (phase(newer), message(newer), is_over(newer)) == ("Pending", "", False)


def test_it_is_watched_until_its_phase_is_final(kube: Kube, server: KubeServer) -> None:
    seen: list[str] = []
    steps = (
        lambda: server.set_status("team", "x", phase="Running"),
        lambda: server.set_status("team", "x", phase="Failed", message="no pod"),
    )
    last = watch_object(kube, "x", lambda found: seen.append(phase(found)), tell=print, patience=patience(*steps))
    assert seen == ["Pending", "Running", "Failed"]
    assert message(last) == "no pod"


def test_a_cluster_that_is_away_is_told_once_and_waited_for(kube: Kube, server: KubeServer) -> None:
    told: list[str] = []
    server.refuse(503, times=2)
    steps = (lambda: None, lambda: server.set_status("team", "x", phase="Succeeded"))
    watch_object(kube, "x", lambda _: None, tell=told.append, patience=patience(*steps))
    assert len(told) == 1
    assert "503" in told[0]


def test_a_cluster_that_is_away_for_too_long_is_an_error(kube: Kube, server: KubeServer) -> None:
    server.refuse(503, times=9)
    with pytest.raises(UnavailableError, match="503"):
        watch_object(kube, "x", lambda _: None, tell=lambda _: None, patience=patience(*[lambda: None] * 9))


def test_a_search_that_is_deleted_meanwhile_is_an_error(kube: Kube, server: KubeServer) -> None:
    with pytest.raises(NotFoundError, match='"x" not found'):
        watch_object(kube, "x", lambda _: None, tell=print, patience=patience(lambda: kube.delete_search("x")))
