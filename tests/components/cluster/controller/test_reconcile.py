"""Searches of a stand-in for Kubernetes, reconciled look by look; their store is in a real MinIO."""

from pathlib import Path
from typing import Any

import pytest

from archsmith.cluster.controller.config import KfpSettings
from archsmith.cluster.controller.reconcile import Forgotten, Reconciler
from archsmith.errors import NotFoundError
from archsmith.opening import open_search
from archsmith.stores import open_store
from archsmith.stores.cluster_note import FILE, ClusterNote, leave_note, note_of
from archsmith.stores.folder import SearchFolder
from archsmith.testing.kfp_server import KfpServer
from archsmith.testing.searches import TINY

NOBODY = "http://127.0.0.1:9"
"""Where nothing answers."""

Cluster = Any  # a fixture of the tests around these


def running(cluster: Cluster, **spec: Any) -> Cluster:
    """Bring a search as far as that its pod runs."""
    cluster.apply(**spec)
    cluster.look()
    cluster.pod("Running")
    cluster.look()
    return cluster


def test_a_search_is_started_runs_and_succeeds(cluster: Cluster) -> None:
    cluster.apply()
    assert cluster.told() == ["Started"]
    assert (cluster.status["phase"], cluster.status["engine"]) == ("Pending", "job")
    assert cluster.job()["metadata"]["ownerReferences"][0]["uid"] == cluster.kube.search("tiny")["metadata"]["uid"]
    cluster.pod("Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "full"}])
    assert cluster.told() == ["Unschedulable"]
    cluster.pod("Running")
    cluster.runs_a_round()
    assert cluster.told(3) == ["PodRunning"]
    assert (cluster.status["phase"], cluster.conditions["Running"]) == ("Running", "True")
    assert (cluster.status["trials"], cluster.status["best"]) == ("2/6", "0.75")
    assert cluster.status["links"]["store"] == f"{cluster.store}/searches/tiny"
    cluster.pod("Succeeded")
    assert cluster.told() == []
    cluster.job_ends("Complete")
    assert cluster.told(3) == ["Succeeded"]
    assert (cluster.status["phase"], cluster.conditions["Succeeded"]) == ("Succeeded", "True")
    assert cluster.status["finishedAt"]


FULL = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes have a GPU"}


def test_why_a_search_waits_is_left_in_its_store_even_before_it_begins(cluster: Cluster) -> None:
    cluster.apply()
    cluster.look()
    cluster.pod("Pending", conditions=[FULL])
    cluster.look()
    note = note_of(cluster.folder())
    assert note is not None
    assert (note.phase, note.reason, note.is_usual) == ("Pending", "Unschedulable", False)
    assert SearchFolder.names(open_store(cluster.store)) == ["tiny"]
    with pytest.raises(
        NotFoundError, match=r"has not begun\. On the cluster it is Pending, Unschedulable .*0/3 nodes have a GPU"
    ):
        open_search(cluster.store, "tiny")
    cluster.pod("Running")
    cluster.runs_a_round()
    cluster.look(2)
    note = note_of(cluster.folder())
    assert note is not None
    assert (note.phase, note.is_usual) == ("Running", True)
    assert open_search(cluster.store, "tiny")


def test_what_is_left_in_the_store_is_written_where_it_is_new_and_not_at_each_look(cluster: Cluster) -> None:
    running(cluster)
    cluster.folder().put(FILE, b"what somebody else has written")
    cluster.look(3)
    assert cluster.folder().read(FILE) == b"what somebody else has written"
    cluster.apply(suspend=True)
    cluster.look(2)
    note = note_of(cluster.folder())
    assert note is not None
    assert note.phase == "Suspended"


def test_nothing_is_left_in_the_folder_of_another_search_of_the_same_name(cluster: Cluster) -> None:
    cluster.folder().write_search(f"{TINY}  seed: 7\n")
    cluster.folder().write_json("space.json", {"id": "x"})
    running(cluster)
    assert cluster.folder().read(FILE) is None


def test_of_an_object_that_is_deleted_the_store_says_so_and_what_never_began_leaves_nothing(cluster: Cluster) -> None:
    cluster.apply()
    cluster.look()
    assert note_of(cluster.folder()) is not None
    cluster.deleted(minutes=60)
    assert not cluster.folder().exists()
    cluster.look()
    cluster.pod("Running")
    cluster.runs_a_round()
    cluster.look(2)
    cluster.deleted(minutes=60)
    note = note_of(cluster.folder())
    assert note is not None
    assert (note.phase, note.is_usual) == ("Deleted", False)
    assert len(cluster.folder().history()) == 2


def test_a_new_controller_makes_no_second_job_and_tells_nothing_again(cluster: Cluster) -> None:
    cluster.apply()
    for step in (lambda: None, lambda: cluster.pod("Running"), cluster.runs_a_round, lambda: cluster.job_ends("Complete")):
        step()
        cluster.look(2)
        jobs, status = [job["metadata"]["uid"] for job in cluster.kube.jobs()], cluster.status
        cluster.restart()
        assert cluster.told(2) == []
        assert [job["metadata"]["uid"] for job in cluster.kube.jobs()] == jobs
        assert cluster.status == status


def test_a_controller_that_ended_before_it_could_note_the_start_finds_the_job(cluster: Cluster) -> None:
    cluster.apply()
    cluster.reconciler.reconcile(cluster.kube.search("tiny"))  # and nobody writes the patch
    name = cluster.job()["metadata"]["name"]
    cluster.restart()
    cluster.look()
    assert cluster.status["run"]["id"] == cluster.job()["metadata"]["name"] == name
    cluster.job_ends("Complete")
    cluster.look()
    cluster.kube.delete_job(name)
    cluster.look(3)
    assert (cluster.status["phase"], cluster.kube.jobs()) == ("Succeeded", [])


def test_a_search_that_is_held_ends_and_goes_on_when_its_pod_is_gone(cluster: Cluster) -> None:
    running(cluster).apply(suspend=True)
    assert cluster.told(2) == ["Suspended"]
    assert (cluster.status["phase"], cluster.kube.jobs()) == ("Suspended", [])
    cluster.apply()
    cluster.look(2)
    assert cluster.kube.jobs() == []
    assert cluster.status["message"] == "The pod of before is still ending."
    cluster.drop_pods()
    assert cluster.told(2)[0] == "Started"
    assert cluster.job()


def test_a_spec_that_changes_is_another_job(cluster: Cluster) -> None:
    before = running(cluster).job()["metadata"]["name"]
    cluster.apply(retrain={"epochs": 9})
    assert cluster.told() == ["SpecChanged"]
    cluster.drop_pods()
    assert cluster.told() == ["Started"]
    assert cluster.job()["metadata"]["name"] != before
    assert cluster.status["observedGeneration"] == 2


def test_a_search_that_succeeded_stays_so_when_only_its_ttl_changes_and_goes_after_it(cluster: Cluster) -> None:
    running(cluster).job_ends("Complete")
    cluster.look()
    cluster.kube.delete_job(cluster.job()["metadata"]["name"])
    cluster.apply(ttl="1h")
    assert cluster.told(2) == []
    assert cluster.kube.jobs() == []
    assert (cluster.status["phase"], cluster.status["observedGeneration"]) == ("Succeeded", 2)
    cluster.look(seconds=3500)
    assert cluster.kube.searches()
    cluster.look(seconds=100)
    assert cluster.kube.searches() == []


def test_a_search_that_failed_is_begun_again_where_that_is_asked_for_and_once_only(cluster: Cluster) -> None:
    running(cluster).job_ends("Failed")
    cluster.look(2)
    assert cluster.status["phase"] == "Failed"
    before = cluster.job()["metadata"]["name"]
    cluster.ask_again("2026-01-01")
    assert cluster.told() == ["SpecChanged"]
    cluster.drop_pods()
    assert cluster.told() == ["Started"]
    assert cluster.job()["metadata"]["name"] != before
    cluster.job_ends("Failed")
    cluster.look(3)
    assert (cluster.status["phase"], len(cluster.kube.jobs())) == ("Failed", 1)


def test_a_version_that_makes_other_digests_leaves_alone_what_is_over(cluster: Cluster) -> None:
    running(cluster).job_ends("Complete")
    cluster.look()
    cluster.kube.delete_job(cluster.job()["metadata"]["name"])
    cluster.kube.patch_search("tiny", {"status": {"run": {"digest": "0123456789"}}}, status=True)
    assert cluster.told(2) == []
    assert (cluster.kube.jobs(), cluster.status["phase"]) == ([], "Succeeded")


def test_an_invalid_search_says_why_and_gets_no_job(cluster: Cluster) -> None:
    cluster.apply(budget={"trails": 3})
    assert cluster.told(3) == ["InvalidSearch"]
    assert cluster.status["phase"] == "Failed"
    assert "trails" in cluster.status["message"]
    assert cluster.kube.jobs() == []
    cluster.apply()
    assert cluster.told() == ["Started"]


def test_a_store_that_pods_would_lose_is_refused_before_there_is_a_job(cluster: Cluster) -> None:
    cluster.apply(storage={"uri": "./runs"}, on_delete="remove")
    assert cluster.told(2) == ["SpecError"]
    assert cluster.status["phase"] == "Failed"
    assert "s3://bucket/prefix" in cluster.status["message"]
    assert cluster.kube.jobs() == []
    assert cluster.deleted() == Forgotten(True)  # or nobody could delete it


def test_a_store_that_refuses_leaves_the_job_alone_and_is_told_of(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("AWS_SECRET_ACCESS_KEY", "wrong-wrong-wrong")
        cluster.apply()
        assert "StoreUnavailable" in cluster.told()
        cluster.pod("Running")
        cluster.job_ends("Complete")
        cluster.look()
        assert (cluster.status["phase"], cluster.conditions["StoreReachable"]) == ("Succeeded", "False")
    cluster.runs_a_round()
    cluster.restart()
    cluster.look()
    assert (cluster.conditions["StoreReachable"], cluster.status["trials"]) == ("True", "2/6")


class Broken:
    """An engine with a fault that nobody thought of."""

    name = "job"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), KeyError("x"), RecursionError(), AttributeError("a")])
def test_any_error_of_a_look_is_a_condition_at_once_and_passes_with_its_cause(error: Exception, cluster: Cluster) -> None:
    cluster.apply()
    cluster.reconciler = Reconciler(cluster.kube, cluster.config, {"job": Broken(error)}, lambda: cluster.now)
    (first,) = cluster.look()
    assert first.failed
    assert [event.reason for event in first.events] == ["ControllerError"]
    assert cluster.status["phase"] == "Pending"
    said = f"an error of its own, {type(error).__name__}"
    assert said in cluster.status["message"]
    running = next(c for c in cluster.status["conditions"] if c["type"] == "Running")
    assert (running["reason"], said in running["message"]) == ("ControllerError", True)
    assert cluster.told() == []
    cluster.restart()
    assert cluster.told() == ["Started"]


def test_no_key_is_in_a_condition_or_in_the_log(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hush-hush")
    error = ValueError("Invalid header value b'AWS4-HMAC-SHA256 Credential=AKIDREAL/2026, Signature=abc' hush-hush")
    cluster.apply()
    cluster.reconciler = Reconciler(cluster.kube, cluster.config, {"job": Broken(error)}, lambda: cluster.now)
    cluster.look()
    shown = str(cluster.status) + caplog.text
    assert "Invalid header value" in shown
    assert "test_reconcile.py" in caplog.text
    for secret in ("AKIDREAL", "hush", "Signature=abc"):
        assert secret not in shown


def test_a_status_that_somebody_has_spoilt_is_no_end_of_it(cluster: Cluster) -> None:
    running(cluster)
    status = {"run": {"since": "yesterday", "deaths": "many"}, "conditions": "none"}
    cluster.kube.patch_search("tiny", {"status": status}, status=True)
    (outcome,) = cluster.look()
    assert outcome.failed
    assert "an error of its own" in cluster.status["message"]
    cluster.look()
    assert cluster.status["phase"] == "Running"


def test_an_api_server_that_is_away_changes_nothing(cluster: Cluster) -> None:
    running(cluster)
    body, jobs = cluster.kube.search("tiny"), cluster.kube.jobs()
    cluster.server.refuse(503)
    outcome = cluster.reconciler.reconcile(body)
    assert (outcome.patch["run"]["reason"], outcome.patch.get("phase")) == ("UnavailableError", None)
    cluster.look()
    assert (cluster.status["phase"], cluster.kube.jobs()) == ("Running", jobs)


def test_the_reason_of_a_failed_job_is_that_of_its_pod(cluster: Cluster) -> None:
    running(cluster)
    state = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    cluster.drop_pods()
    cluster.pod("Failed", containerStatuses=[{"name": "search", "state": state}])
    assert cluster.told(2) == ["PodDied", "Starting"]
    cluster.job_ends("Failed")
    assert cluster.told(2) == ["OOMKilled"]
    assert cluster.status["phase"] == "Failed"
    assert "resources.memory" in cluster.status["message"]


def test_auto_takes_kubeflow_where_it_answers_and_stays_there(cluster: Cluster, kfp: KfpServer) -> None:
    cluster.kfp = kfp.url
    cluster.restart()
    cluster.apply()
    cluster.look(2)
    assert (cluster.status["engine"], len(kfp.runs), cluster.kube.jobs()) == ("kfp", 1, [])
    kfp.set_state(kfp.runs[0], "RUNNING")
    cluster.look()
    assert cluster.status["phase"] == "Running"
    assert cluster.status["links"]["pipeline"].endswith(kfp.runs[0]["run_id"])
    kfp.refuse(503)
    cluster.look()
    assert (cluster.status["engine"], cluster.status["phase"]) == ("kfp", "Running")


def test_a_run_that_a_pod_ended_is_submitted_again_until_it_is_too_often(cluster: Cluster, kfp: KfpServer) -> None:
    cluster.kfp = kfp.url
    cluster.restart()
    cluster.apply(cluster={"retries": 1})
    cluster.look()
    for reason in ("RunFailed", "PermanentError"):
        kfp.set_state(kfp.runs[-1], "FAILED", "a pod was killed")
        assert reason in cluster.told(2)
    assert len(kfp.runs) == 2
    assert cluster.status["phase"] == "Failed"
    cluster.apply(cluster={"retries": 1}, ttl="1d")
    kfp.kept["runs"].clear()
    cluster.look(2)
    assert (cluster.status["phase"], kfp.runs) == ("Failed", [])


def test_a_run_that_fails_again_and_again_is_submitted_later_each_time_whatever_becomes_of_the_controller(
    cluster: Cluster, kfp: KfpServer
) -> None:
    cluster.kfp = kfp.url
    cluster.restart()
    cluster.apply(cluster={"retries": 3})
    cluster.look()
    begun = []
    for _ in range(3):
        kfp.set_state(kfp.runs[-1], "FAILED", "no node")
        at, n = cluster.now, len(kfp.runs)
        while len(kfp.runs) == n:
            assert (cluster.now - at).total_seconds() < 100, cluster.status
            cluster.look()
            cluster.restart()
        begun.append((cluster.now - at).total_seconds())
    assert begun == [5, 30, 60]
    kfp.set_state(kfp.runs[-1], "FAILED", "no node")
    cluster.look()
    assert cluster.status["phase"] == "Failed"


def test_a_deleted_workflow_costs_a_search_two_minutes_and_its_deletion_ends(cluster: Cluster, kfp: KfpServer) -> None:
    cluster.kfp = kfp.url
    cluster.restart(kfp=KfpSettings(pods_namespace="kubeflow"))
    cluster.apply()
    cluster.look()
    kfp.set_state(kfp.runs[0], "RUNNING")
    kfp.lose_workflow(kfp.runs[0])
    for _ in range(25):
        cluster.look()
    assert [run["state"] for run in kfp.runs] == ["CANCELING", "PENDING"]
    assert cluster.status["podsNamespace"] == "kubeflow"
    kfp.lose_workflow(kfp.runs[1])
    body = cluster.kube.search("tiny")
    assert not cluster.reconciler.forget(body).done
    cluster.look()
    assert cluster.reconciler.forget(body).done
    assert [run["state"] for run in kfp.runs] == ["CANCELING", "CANCELING"]


def test_a_pod_of_kubeflow_that_dies_of_its_memory_is_told_counted_and_why_the_search_fails(
    cluster: Cluster, kfp: KfpServer
) -> None:
    cluster.kfp = kfp.url
    cluster.restart(kfp=KfpSettings(pods_namespace="kubeflow"))
    cluster.apply(cluster={"retries": 1})
    cluster.look()
    state = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    told, died = [], 0
    for k in range(2):
        run = kfp.runs[-1]
        labels = {"pipeline/runid": run["run_id"]}
        status = {"phase": "Failed", "containerStatuses": [{"name": "main", "state": state}]}
        cluster.server.put("pods", "kubeflow", f"tiny-{k}", metadata={"labels": labels}, status=status)
        kfp.set_state(run, "FAILED")
        outcomes = cluster.look(3)
        told += [event.reason for outcome in outcomes for event in outcome.events]
        died += sum(outcome.died for outcome in outcomes)
    assert (told.count("PodDied"), died, len(kfp.runs)) == (2, 2, 2)
    assert (cluster.status["phase"], told[-1]) == ("Failed", "OOMKilled")
    assert "needed more memory" in cluster.status["message"]


def test_a_run_whose_id_was_not_noted_is_not_submitted_twice(cluster: Cluster, kfp: KfpServer) -> None:
    cluster.kfp = kfp.url
    cluster.restart()
    cluster.apply()
    cluster.reconciler.reconcile(cluster.kube.search("tiny"))  # and nobody writes the patch
    cluster.look(2)
    assert [run["run_id"] for run in kfp.runs] == [cluster.status["run"]["id"]]
    kfp.set_state(kfp.runs[0], "SUCCEEDED")
    cluster.look(3)
    assert (cluster.status["phase"], len(kfp.runs)) == ("Succeeded", 1)


def test_an_engine_that_the_cluster_has_no_more_is_not_asked(cluster: Cluster, kfp: KfpServer) -> None:
    cluster.kfp = kfp.url
    cluster.restart()
    cluster.apply()
    cluster.look()
    cluster.restart("job", engine="job")
    cluster.look()
    assert "`archsmith cancel tiny --kfp URL --owner team/tiny` ends it" in cluster.status["message"]
    cluster.look()
    assert cluster.status["engine"] == "job"
    assert cluster.job()


def test_of_a_search_that_goes_people_are_told_what_no_engine_here_can_end(cluster: Cluster, kfp: KfpServer) -> None:
    cluster.kfp = kfp.url
    cluster.restart()
    cluster.apply()
    cluster.look()
    cluster.restart("job", engine="job")
    gone = cluster.deleted()
    assert gone.done
    assert [event.reason for event in gone.events] == ["PodsLeft"]
    assert "may go on" in gone.events[0].message


def test_a_failure_that_was_the_controllers_is_no_failure_once_it_has_passed(cluster: Cluster, kfp: KfpServer) -> None:
    cluster.kfp = kfp.url
    cluster.restart("job", engine="job")
    cluster.apply(cluster={"engine": "kfp"})
    cluster.look(2)
    assert cluster.status["phase"] == "Failed"
    assert cluster.conditions["StoreReachable"] == "Unknown"
    cluster.restart()
    cluster.look(2)
    assert cluster.status["phase"] in ("Pending", "Running")
    assert len(kfp.runs) == 1


def test_an_engine_that_is_none_here_is_refused(cluster: Cluster) -> None:
    cluster.restart("job", engine="job")
    cluster.apply(cluster={"engine": "kfp"})
    cluster.look()
    assert (cluster.status["phase"], "has only: job" in cluster.status["message"]) == ("Failed", True)


def test_a_search_without_a_gpu_node_goes_on_the_cpu_and_says_so(cluster: Cluster) -> None:
    cluster.restart(read_nodes=True)
    cluster.server.put("nodes", "", "n", status={"allocatable": {"cpu": "8"}})
    cluster.apply(resources={"gpu": 1})
    assert cluster.told() == ["NoGpu"]
    assert "nvidia.com/gpu" not in str(cluster.job()["spec"]["template"]["spec"])
    cluster.pod("Running")
    assert cluster.told(2) == ["PodRunning"]
    assert cluster.conditions["GpuOffered"] == "False"


def test_a_search_with_a_gpu_node_asks_for_it(cluster: Cluster) -> None:
    cluster.restart(read_nodes=True)
    cluster.server.put("nodes", "", "n", status={"allocatable": {"nvidia.com/gpu": "1"}})
    running(cluster, resources={"gpu": 1})
    limits = cluster.job()["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert (limits["nvidia.com/gpu"], cluster.conditions["GpuOffered"]) == ("1", "True")


@pytest.mark.parametrize(("on_delete", "is_kept"), [("keep", True), ("remove", False)])
def test_a_deleted_search_ends_and_its_data_stays_or_goes(on_delete: str, is_kept: bool, cluster: Cluster) -> None:
    running(cluster, on_delete=on_delete).runs_a_round()
    body = cluster.kube.search("tiny")
    body["metadata"]["deletionTimestamp"] = f"{cluster.now:%Y-%m-%dT%H:%M:%SZ}"
    assert not cluster.reconciler.forget(body).done  # its pod still ends
    assert cluster.kube.jobs() == []
    assert cluster.folder().read_search() is not None
    cluster.drop_pods()
    assert cluster.reconciler.forget(body) == Forgotten(True)
    assert (cluster.folder().read_search() is not None) == is_kept
    assert cluster.reconciler.forget(body) == Forgotten(True)


def test_a_job_that_is_refused_its_pod_is_told_after_a_minute_and_once(cluster: Cluster) -> None:
    cluster.apply()
    assert cluster.told(13) == ["Started", "Starting"]
    assert cluster.told(24) == ["NoPod"]
    assert f"`kubectl describe job {cluster.job()['metadata']['name']}` says why" in cluster.status["message"]
    assert cluster.status["phase"] == "Pending"
    cluster.pod("Running")
    assert cluster.told(2) == ["PodRunning"]


@pytest.mark.parametrize("on_delete", ["keep", "remove"])
def test_a_deleted_search_leaves_alone_what_another_one_of_its_name_has_in_the_store(on_delete: str, cluster: Cluster) -> None:
    cluster.runs_a_round()
    leave_note(cluster.folder(), ClusterNote("Running", "", "Its pods work on it.", "2026-01-01T00:00:00Z", is_usual=True))
    store = open_store(cluster.store)
    theirs = {key: store.get(key) for key in store.list("")}
    cluster.apply(seed=99, on_delete=on_delete)
    cluster.look(2)
    forgotten = cluster.deleted(minutes=10)
    assert forgotten.done
    assert [event.reason for event in forgotten.events] == (["DataLeft"] if on_delete == "remove" else [])
    assert all("holds another search named 'tiny'" in event.message for event in forgotten.events)
    assert {key: store.get(key) for key in store.list("")} == theirs


@pytest.mark.parametrize(
    ("environ", "uri", "said"),
    [
        ({}, "s3://no-such-bucket/team", "There is no bucket 'no-such-bucket'"),
        ({"AWS_SECRET_ACCESS_KEY": "another-one-altogether"}, None, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": "gone-with-the-secret"}, None, "InvalidAccessKeyId"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, None, "Found no credentials"),
        ({"AWS_ACCESS_KEY_ID": "two\nlines"}, None, "AWS_ACCESS_KEY_ID holds white space"),
        ({}, "s3://No_Bucket/x", "InvalidBucketName"),
    ],
)
def test_a_deleted_search_goes_at_once_where_its_data_can_not_be_reached_and_says_what_stays(
    environ: dict[str, str], uri: str | None, said: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cluster.apply(on_delete="remove", **({"storage": {"uri": uri}} if uri else {}))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    forgotten = cluster.deleted()
    assert forgotten.done
    (event,) = forgotten.events
    assert (event.type, event.reason) == ("Warning", "DataLeft")
    assert said in event.message
    assert f"stay in {uri or cluster.store}, where `archsmith delete` removes them." in event.message


def test_a_deleted_search_waits_for_a_store_that_is_away_but_not_for_ever(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.apply(on_delete="remove")
    monkeypatch.setenv("ARCHSMITH_S3_ENDPOINT", NOBODY)
    first = cluster.deleted(minutes=1)
    assert not first.done
    assert "does not answer" in first.why
    last = cluster.deleted(minutes=10)
    assert (last.done, [event.reason for event in last.events]) == (True, ["DataLeft"])


def test_a_deleted_search_does_not_wait_for_ever_for_a_pod_whose_node_is_gone(cluster: Cluster) -> None:
    running(cluster)
    assert not cluster.deleted(minutes=9).done
    last = cluster.deleted(minutes=10)
    assert (last.done, [event.reason for event in last.events]) == (True, ["PodsLeft"])


def test_a_deleted_search_goes_where_we_may_end_nothing(cluster: Cluster) -> None:
    running(cluster)
    cluster.server.forbidden.add("jobs")
    forgotten = cluster.deleted()
    assert (forgotten.done, [event.reason for event in forgotten.events]) == (True, ["PodsLeft"])
    assert "403" in forgotten.events[0].message


def test_a_deleted_search_whose_start_was_not_noted_leaves_no_run(cluster: Cluster, kfp: KfpServer) -> None:
    cluster.kfp = kfp.url
    cluster.restart()
    cluster.apply()
    cluster.reconciler.reconcile(cluster.kube.search("tiny"))  # and the controller ends before it writes the patch
    cluster.restart()
    assert not cluster.deleted().done
    assert [run["state"] for run in kfp.runs] == ["CANCELING"]


def test_a_deleted_search_that_became_invalid_says_what_may_go_on(cluster: Cluster, kfp: KfpServer) -> None:
    cluster.kfp = kfp.url
    cluster.restart()
    cluster.apply()
    cluster.look()
    cluster.apply(budget={"trails": 3})
    forgotten = cluster.deleted()
    (event,) = forgotten.events
    assert (forgotten.done, event.type, event.reason) == (True, "Warning", "PodsLeft")
    assert "`archsmith cancel tiny --kfp URL --owner team/tiny` ends it." in event.message


def test_a_search_that_never_began_is_forgotten_at_once(cluster: Cluster) -> None:
    cluster.apply(budget={"trails": 3})
    assert cluster.deleted() == Forgotten(True)
