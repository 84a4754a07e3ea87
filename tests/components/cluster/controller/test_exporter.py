"""What Prometheus reads, by its own parser."""

import socket
import urllib.request
from typing import Any

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from archsmith.cluster.controller.exporter import Exporter
from archsmith.cluster.status import PHASES


def read(text: str) -> dict[tuple[str, str], float]:
    """Return the samples by name and by the value of their label."""
    families = text_string_to_metric_families(text)
    return {(s.name, next(iter(s.labels.values()), "")): s.value for family in families for s in family.samples}


def samples(exporter: Exporter) -> dict[tuple[str, str], float]:
    return read(generate_latest(exporter.registry).decode())


@pytest.fixture
def exporter() -> Exporter:
    return Exporter()


STATUS: dict[str, Any] = {"phase": "Running", "trials": "24/60", "failed": 2, "best": "0.912"}


def test_a_controller_without_searches_shows_every_phase_as_empty(exporter: Exporter) -> None:
    found = samples(exporter)
    assert {phase: found["archsmith_searches", phase] for phase in PHASES} == dict.fromkeys(PHASES, 0.0)
    assert found["archsmith_pods_died_total", ""] == found["archsmith_reconcile_errors_total", ""] == 0.0


def test_searches_are_counted_by_phase_and_shown_by_name(exporter: Exporter) -> None:
    exporter.show("a", STATUS)
    exporter.show("b", {"phase": "Running"})
    exporter.show("c", {})  # the controller has not written its status yet
    found = samples(exporter)
    assert (found["archsmith_searches", "Running"], found["archsmith_searches", "Pending"]) == (2.0, 1.0)
    assert found["archsmith_search_trials", "a"] == 24.0
    assert found["archsmith_search_failed_trials", "a"] == 2.0
    assert found["archsmith_search_best", "a"] == 0.912
    assert ("archsmith_search_trials", "b") not in found


def test_a_field_that_a_patch_removes_is_not_shown(exporter: Exporter) -> None:
    exporter.show("a", {**STATUS, "best": None, "trials": None, "failed": None})
    assert not [key for key in samples(exporter) if key[1] == "a"]


def test_the_last_status_of_a_search_counts_and_a_deleted_one_goes(exporter: Exporter) -> None:
    exporter.show("a", STATUS)
    exporter.show("a", {**STATUS, "phase": "Succeeded", "trials": "60/60"})
    assert samples(exporter)["archsmith_searches", "Succeeded"] == 1.0
    assert samples(exporter)["archsmith_search_trials", "a"] == 60.0
    exporter.forget("a")
    exporter.forget("a")
    assert not [key for key in samples(exporter) if key[1] == "a"]


def test_looks_deaths_and_errors_are_counted(exporter: Exporter) -> None:
    with exporter.reconcile_s.time():
        exporter.pods_died.inc()
    exporter.errors.inc()
    found = samples(exporter)
    assert found["archsmith_reconcile_seconds_count", ""] == 1.0
    assert found["archsmith_pods_died_total", ""] == found["archsmith_reconcile_errors_total", ""] == 1.0


def test_it_is_served(exporter: Exporter) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    exporter.show("a", STATUS)
    exporter.serve(port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert read(answer.read().decode())["archsmith_search_trials", "a"] == 24.0
