"""Series on a stand-in for Kubernetes, looked at night by night; the data lie in a real MinIO."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml

from archsmith.cluster.controller.children import AT, SERIES_LABEL, child_object
from archsmith.cluster.controller.config import PodSettings
from archsmith.cluster.controller.order import search_of
from archsmith.cluster.kube import Kube
from archsmith.stores import open_store
from archsmith.testing.kfp_server import KfpServer
from archsmith.testing.searches import TINY

Cluster = Any  # a fixture of the tests around these

CRON = "0 2 * * *"
FIRST, SECOND, THIRD = (f"tiny-2026010{day}0200" for day in (1, 2, 3))
LOCAL = {"data": {"name": "folder", "path": "/data/x"}}


def night(cluster: Cluster, day: int, seconds: float = 5) -> list[str]:
    """Look shortly after two o'clock of a day of January; return the reasons of what is told."""
    at = datetime.fromisoformat(f"2026-01-{day:02}T02:00:00+00:00") + timedelta(seconds=seconds)
    return [e.reason for o in cluster.look(seconds=(at - cluster.now).total_seconds()) for e in o.events]


def children(cluster: Cluster) -> list[str]:
    return sorted(found["metadata"]["name"] for found in cluster.kube.searches(f"{SERIES_LABEL}=tiny"))


def ends(cluster: Cluster, name: str, phase: str = "Succeeded", **status: Any) -> None:
    cluster.server.set_status("team", name, phase=phase, **status)


def nightly(cluster: Cluster, **spec: Any) -> Cluster:
    """Make a series, and look at it before its first time."""
    cluster.apply(schedule=CRON, **spec)
    cluster.look()
    return cluster


def test_at_its_time_a_search_of_its_own_begins_which_belongs_to_the_series(cluster: Cluster) -> None:
    cluster.apply(schedule=CRON, ttl="7d", series={"keep": 2})
    assert cluster.told(3) == ["Scheduled"]
    assert (cluster.status["phase"], children(cluster), cluster.kube.jobs()) == ("Scheduled", [], [])
    assert cluster.status["nextScheduleTime"] == "2026-01-01T02:00:00Z"
    assert night(cluster, 1) == ["Began"]
    assert cluster.told(3) == []
    assert children(cluster) == [FIRST]
    found = cluster.kube.search(FIRST)
    (owner,) = found["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == (cluster.kube.search("tiny")["metadata"]["uid"], True)
    assert found["metadata"]["annotations"][AT] == "2026-01-01T02:00:00Z"
    spec = search_of(found).spec
    assert (spec.schedule, spec.series.keep, spec.ttl, spec.tracking.model, spec.warm_start) == (None, 3, "7d", "tiny", None)
    assert (spec.tracking.enabled, spec.budget.trials) == (False, 6)
    status = cluster.status
    assert (status["lastSearch"], status["lastScheduleTime"]) == (FIRST, "2026-01-01T02:00:00Z")
    assert (status["nextScheduleTime"], status["phase"]) == ("2026-01-02T02:00:00Z", "Scheduled")
    assert f"Under way: {FIRST}" in status["message"]
    outcome = cluster.reconciler.reconcile(found)  # and is run as any other one
    assert [event.reason for event in outcome.events] == ["Started"]
    assert cluster.job()["metadata"]["ownerReferences"][0]["name"] == FIRST


def test_what_kopf_gives_is_sent_as_it_is(cluster: Cluster) -> None:
    nightly(cluster, training={"augment": ["crop"]})
    body = kopf.Body(cluster.kube.search("tiny"))
    made = json.loads(json.dumps(child_object(body, datetime.fromisoformat("2026-01-01T02:00:00+00:00"))))
    assert made["spec"]["training"] == {"augment": ["crop"]}
    cluster.now = datetime.fromisoformat("2026-01-01T02:00:00+00:00")
    assert [e.reason for e in cluster.reconciler.reconcile(body).events] == ["Began"]
    assert cluster.kube.search(FIRST)["spec"] == made["spec"]


def test_no_time_begins_two_searches_whoever_dies_or_stands_beside(cluster: Cluster) -> None:
    nightly(cluster, series={"concurrency": "replace"})
    before = cluster.kube.search("tiny")
    assert night(cluster, 1) == ["Began"]
    uid = cluster.kube.search(FIRST)["metadata"]["uid"]
    for _ in range(2):  # one that ended before it could note what it did, and one beside it whose look is old
        cluster.restart()
        assert [e.reason for e in cluster.reconciler.reconcile(before).events] == []
    cluster.restart()
    assert cluster.told(2) == []
    assert [cluster.kube.search(name)["metadata"]["uid"] for name in children(cluster)] == [uid]
    assert cluster.status["run"]["series"]["last"] == FIRST
    cluster.kube.delete_search(FIRST)  # by hand
    assert cluster.told(3) == []
    assert children(cluster) == []


@pytest.mark.parametrize(
    ("concurrency", "told", "left"), [("forbid", ["StillRunning"], FIRST), ("replace", ["Replaced", "Began"], SECOND)]
)
def test_a_search_that_still_runs_is_waited_for_or_replaced(
    cluster: Cluster, concurrency: str, told: list[str], left: str
) -> None:
    nightly(cluster, series={"concurrency": concurrency})
    night(cluster, 1)
    ends(cluster, FIRST, "Running")
    assert night(cluster, 2) == told
    assert cluster.told(2) == []
    assert children(cluster) == [left]


def test_of_times_that_were_missed_the_last_one_begins_within_its_deadline(cluster: Cluster) -> None:
    nightly(cluster, series={"starting_deadline": "3h", "unchanged": "search"})
    assert night(cluster, 3, seconds=2 * 3600) == ["Began"]
    ends(cluster, THIRD)
    assert night(cluster, 4, seconds=4 * 3600) == ["Missed"]
    assert cluster.told(2) == []
    assert children(cluster) == [THIRD]


def test_a_cluster_that_is_away_at_a_time_costs_nothing_if_it_is_back_in_time(cluster: Cluster) -> None:
    nightly(cluster)
    body = cluster.kube.search("tiny")
    cluster.now = datetime.fromisoformat("2026-01-01T02:00:05+00:00")
    cluster.server.refuse(503)
    assert cluster.reconciler.reconcile(body).patch["run"]["reason"] == "UnavailableError"
    assert night(cluster, 1, seconds=60) == ["Began"]
    cluster.server.forbidden.add("searches/team")
    cluster.now += timedelta(days=1)
    refused = cluster.reconciler.reconcile(body)
    assert "403" in refused.patch["message"]


def test_a_series_that_is_held_begins_nothing_and_its_times_do_not_count(cluster: Cluster) -> None:
    nightly(cluster)
    night(cluster, 1)
    cluster.apply(schedule=CRON, suspend=True)
    assert cluster.told(3) == ["Suspended"]
    assert (cluster.status["phase"], children(cluster)) == ("Suspended", [FIRST])
    assert f"{FIRST} goes on" in cluster.status["message"]
    assert "nextScheduleTime" not in cluster.status
    assert night(cluster, 2) == []
    written = cluster.kube.search("tiny")["metadata"]["resourceVersion"]
    assert cluster.told(3) == []
    assert cluster.kube.search("tiny")["metadata"]["resourceVersion"] == written
    cluster.apply(schedule=CRON)
    assert cluster.told(3) == ["Scheduled"]
    assert children(cluster) == [FIRST]
    ends(cluster, FIRST, "Failed")
    assert night(cluster, 3) == ["Began"]


def test_another_schedule_begins_nothing_for_times_before_it(cluster: Cluster) -> None:
    nightly(cluster)
    cluster.look(seconds=3600 * 1.5)
    cluster.apply(schedule="0,30 1 * * *")
    assert cluster.told(2) == []
    assert cluster.status["nextScheduleTime"] == "2026-01-02T01:00:00Z"
    cluster.apply(schedule="0 3 1 1 *", estimation={"epochs": 1})
    cluster.look()
    assert night(cluster, 1, seconds=3500) == []
    assert night(cluster, 1, seconds=3605) == ["Began"]
    assert search_of(cluster.kube.search("tiny-202601010300")).estimation.fidelity.epochs == 1


def test_a_clock_that_is_set_back_begins_nothing_again(cluster: Cluster) -> None:
    nightly(cluster)
    night(cluster, 1)
    ends(cluster, FIRST)
    for minutes in (10, 600):
        cluster.now -= timedelta(minutes=minutes)
        assert cluster.told(2) == []
    assert night(cluster, 1, seconds=30) == []
    assert children(cluster) == [FIRST]
    ends(cluster, FIRST, "Failed")
    assert night(cluster, 2) == ["Began"]


def test_a_time_whose_data_are_those_of_the_last_search_is_skipped(cluster: Cluster) -> None:
    store = open_store(cluster.store)
    for k in range(3):
        store.put(f"data/cat/{k}.png", b"cat")
    nightly(cluster, data={"name": "folder", "path": f"{cluster.store}/data"})
    assert night(cluster, 1) == ["Began"]
    ends(cluster, FIRST, "Failed")
    assert night(cluster, 2) == ["Began"]  # what failed is tried again
    ends(cluster, SECOND)
    assert night(cluster, 3) == ["Unchanged"]
    store.put("data/cat/0.png", b"dog")
    assert night(cluster, 4) == ["Began"]
    ends(cluster, "tiny-202601040200")
    cluster.restart()
    assert night(cluster, 5) == ["Unchanged"]
    cluster.apply(schedule=CRON, data={"name": "folder", "path": f"{cluster.store}/data"}, seed=1)
    assert night(cluster, 6) == ["Began"]  # as another search is asked for
    ends(cluster, "tiny-202601060200")
    cluster.restart(pod=PodSettings(image="archsmith:next"))
    assert night(cluster, 7) == ["Began"]
    ends(cluster, "tiny-202601070200")
    assert night(cluster, 8) == ["Unchanged"]
    assert cluster.status["lastSearch"] == "tiny-202601070200"


@pytest.mark.parametrize(
    ("spec", "mounted", "told"),
    [({}, "", "Unchanged"), ({"series": {"unchanged": "search"}}, "", "Began"), (LOCAL, "", "Unchanged"),
     (LOCAL, "/data", "Began"), ({"data": {"name": "folder", "path": "s3://no-such-bucket/x"}}, "", "Began")],
)  # fmt: skip
def test_what_comes_with_the_image_changes_with_it_and_what_can_not_be_seen_is_searched(
    cluster: Cluster, spec: dict[str, Any], mounted: str, told: str
) -> None:
    cluster.restart(pod=PodSettings(volume_mounts=({"name": "d", "mountPath": mounted},) if mounted else ()))
    nightly(cluster, **spec)
    assert night(cluster, 1) == ["Began"]
    ends(cluster, FIRST)
    assert night(cluster, 2) == [told]


def test_a_bucket_that_does_not_answer_is_asked_again(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    nightly(cluster, data={"name": "folder", "path": f"{cluster.store}/data"})
    with monkeypatch.context() as patched:
        patched.setenv("ARCHSMITH_S3_ENDPOINT", "http://127.0.0.1:9")
        assert night(cluster, 1) == ["UnavailableError"]
    assert night(cluster, 1, seconds=60) == ["Began", "Scheduled"]


def test_searches_that_are_over_are_kept_as_many_as_asked_for(cluster: Cluster) -> None:
    nightly(cluster, series={"keep": 1, "unchanged": "search"})
    for day, phase in enumerate(["Succeeded", "Failed", "Succeeded", "Cancelled"], 1):
        assert night(cluster, day) == ["Began"]
        ends(cluster, f"tiny-2026010{day}0200", phase)
    cluster.look()
    assert children(cluster) == [THIRD, "tiny-202601040200"]
    assert cluster.status["run"]["series"]["succeeded"] == THIRD


def test_a_search_begins_with_what_the_last_one_that_succeeded_has_found(cluster: Cluster) -> None:
    nightly(cluster, series={"warm_start": True, "unchanged": "search"})
    night(cluster, 1)
    assert search_of(cluster.kube.search(FIRST)).spec.warm_start is None
    ends(cluster, FIRST)
    night(cluster, 2)
    assert search_of(cluster.kube.search(SECOND)).spec.warm_start == FIRST
    ends(cluster, SECOND, "Failed")
    cluster.kube.delete_search(FIRST)  # and its trials stay in the store
    night(cluster, 3)
    assert search_of(cluster.kube.search(THIRD)).spec.warm_start == FIRST


def test_a_series_may_leave_everything_to_be_chosen_each_time(cluster: Cluster) -> None:
    spec = {"data": {"name": "digits"}, "budget": {"minutes": 5}, "schedule": CRON, "series": {"warm_start": True}}
    cluster.kube.apply_search({**yaml.safe_load(TINY), "spec": spec})
    cluster.look()
    assert night(cluster, 1) == ["Began"]
    ends(cluster, FIRST)
    assert night(cluster, 2) == ["Unchanged"]
    cluster.kube.apply_search({**yaml.safe_load(TINY), "spec": {**spec, "seed": 1}})
    assert night(cluster, 3) == ["Began"]
    made = search_of(cluster.kube.search(THIRD))
    assert (made.open, made.spec.warm_start) == (True, FIRST)


def test_the_series_shows_the_champion_of_its_searches(cluster: Cluster) -> None:
    nightly(cluster, series={"unchanged": "search", "keep": 1})
    night(cluster, 1)
    test = {"incumbent": {"test": {"test_accuracy": 0.93872}}}
    ends(cluster, FIRST, promotion={"alias": "champion", "why": "", "version": "1"}, **test)
    night(cluster, 2)
    ends(
        cluster, SECOND, promotion={"alias": "challenger", "why": "", "version": "2"}, incumbent={"test": {"test_accuracy": 0.3}}
    )
    cluster.look(2)
    assert children(cluster) == [SECOND]
    assert cluster.status["champion"] == {"search": FIRST, "version": "1", "accuracy": "0.9387"}


def test_a_search_of_the_name_that_is_none_of_the_series_is_left_alone(cluster: Cluster) -> None:
    nightly(cluster)
    cluster.server.put("searches", "team", FIRST, spec={})
    assert night(cluster, 1) == ["NameTaken"]
    assert cluster.told(2) == []
    assert cluster.kube.search(FIRST)["spec"] == {}
    assert "lastSearch" not in cluster.status


def test_a_search_becomes_a_series_and_the_other_way_round(cluster: Cluster) -> None:
    cluster.apply()
    cluster.look()
    cluster.pod("Running")
    cluster.look()
    cluster.apply(schedule=CRON)
    assert cluster.told() == ["UnavailableError"]
    assert cluster.kube.jobs() == []
    cluster.drop_pods()
    assert cluster.told(2) == ["Scheduled"]
    night(cluster, 1)
    cluster.apply()
    assert cluster.told() == ["Started"]
    assert len(cluster.kube.jobs()) == 1
    assert not {"lastSearch", "nextScheduleTime", "lastScheduleTime"} & {*cluster.status}
    assert "series" not in cluster.status["run"]
    assert children(cluster) == [FIRST]


def test_a_series_whose_spec_is_wrong_for_a_night_goes_on_where_it_was(cluster: Cluster) -> None:
    nightly(cluster)
    night(cluster, 1)
    ends(cluster, FIRST)
    cluster.look()
    cluster.apply(schedule="0 25 * * *")
    assert cluster.told(2) == ["InvalidSearch"]
    assert cluster.status["run"]["series"]["last"] == FIRST
    cluster.apply(schedule=CRON, storage={"uri": "./runs"})
    assert cluster.told(2) == ["SpecError"]
    cluster.apply(schedule=CRON)
    assert cluster.told(2) == ["Scheduled"]
    assert night(cluster, 2) == ["Unchanged"]


@pytest.mark.parametrize("on_delete", ["keep", "remove"])
def test_a_series_that_is_deleted_holds_nothing_up(cluster: Cluster, on_delete: str) -> None:
    nightly(cluster, on_delete=on_delete)
    night(cluster, 1)
    assert cluster.deleted().done
    assert search_of(cluster.kube.search(FIRST)).spec.on_delete == on_delete


def test_nights_of_a_series_on_kubeflow(cluster: Cluster, kfp: KfpServer) -> None:
    """Three times, the data changed once between them: two searches and a skip, and a controller that is killed in between."""
    cluster.kfp = kfp.url
    store = open_store(cluster.store)
    store.put("data/cat/0.png", b"cat")
    cluster.restart()
    nightly(cluster, data={"name": "folder", "path": f"{cluster.store}/data"}, series={"keep": 1})

    def runs(name: str, promotion: dict[str, str], accuracy: float) -> None:
        cluster.restart()
        kube: Kube = cluster.kube
        for state in ("", "RUNNING", "SUCCEEDED"):
            if state:
                kfp.set_state(kfp.runs[-1], state)
            outcome = cluster.reconciler.reconcile(kube.search(name))
            kube.patch_search(name, {"status": outcome.patch}, status=True)
            cluster.now += timedelta(seconds=5)
        assert kube.search(name)["status"]["phase"] == "Succeeded"
        ends(cluster, name, promotion=promotion, incumbent={"test": {"test_accuracy": accuracy}})

    assert night(cluster, 1) == ["Began"]
    runs(FIRST, {"alias": "champion", "why": "", "version": "1"}, 0.9)
    assert night(cluster, 2) == ["Unchanged"]
    store.put("data/cat/1.png", b"cat")
    assert night(cluster, 3) == ["Began"]
    runs(THIRD, {"alias": "challenger", "why": "", "version": "2"}, 0.8)
    cluster.look()
    assert [run["display_name"] for run in kfp.runs] == [FIRST, THIRD]
    assert (kfp.schedules, children(cluster)) == ([], [THIRD])
    assert cluster.status["champion"] == {"search": FIRST, "version": "1", "accuracy": "0.9000"}


def test_the_page_about_schedules_knows_all_that_is_told() -> None:
    page = (Path(__file__).parents[4] / "docs" / "schedules.md").read_text(encoding="utf-8")
    for reason in ("Began", "Replaced", "StillRunning", "Missed", "Unchanged", "NameTaken"):
        assert f"`{reason}`" in page
