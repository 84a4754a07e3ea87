"""What people do with a search: suspend it, let it expire, delete it."""

from cluster import Cluster, Note, Start, digits
from faults import trials


def test_a_suspended_search_ends_its_pod_and_goes_on_later_without_losing_a_trial(
    cluster: Cluster, start: Start, note: Note
) -> None:
    name = start(digits("pause", estimation={"epochs": 8}, training={"batch_size": 8}, ttl="20s"))
    cluster.wait(lambda: len(cluster.folder(name).history()) >= 2, "two trials are done")
    cluster.patch(name, suspend=True)
    cluster.until(name, "Suspended")
    assert "Suspended" in cluster.reasons(name, "Suspended")
    cluster.wait(lambda: not cluster.pods(name), "the pod of a suspended search is gone")
    before = trials(cluster, name)
    assert 2 <= len(before) < 6, "the search was over too soon to suspend it"
    cluster.patch(name, suspend=False)
    assert cluster.until(name, "Succeeded")["status"]["trials"] == "6/6"
    after = trials(cluster, name)
    assert len(after) == 6
    assert before.items() <= after.items()
    # Its `ttl` is over 20 s later: the object goes, and what it found stays.
    cluster.wait(lambda: name not in cluster.searches(), "the search is deleted after its ttl")
    assert trials(cluster, name) == after
    note(f"suspend: {len(before)} trials before, 6 after, none anew")


def test_a_search_that_is_deleted_while_it_runs_ends_its_pod_and_removes_what_it_found_where_it_says_so(
    cluster: Cluster, start: Start
) -> None:
    name = start(digits("cut-off", on_delete="remove", budget={"trials": 40}))
    cluster.wait(lambda: bool(cluster.folder(name).history()), "a trial is done")
    cluster.delete(name)
    assert cluster.items("jobs", "--selector", f"archsmith.dev/search={name}") == []
    assert cluster.store().list(f"searches/{name}/") == []
