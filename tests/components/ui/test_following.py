from typing import Any

from archsmith.errors import UnavailableError
from archsmith.ui.following import Following


def test_a_look_reads_only_what_is_new(staged: Any, counted: type) -> None:
    staged.run(0.5, 0.6)
    store = counted(staged.folder.store)
    following = Following(store, "tiny")
    following.look()
    assert following.seen is not None
    assert sorted(t.metrics["accuracy"] for t in following.seen.trials) == [0.5, 0.6]

    staged.run(0.7, 0.8)
    store.asked.clear()
    following.look()

    assert [sorted(t.metrics["accuracy"] for t in part) for part in (following.seen.trials[:2], following.seen.trials[2:])] == [
        [0.5, 0.6],
        [0.7, 0.8],
    ]
    assert following.seen.now.winner.metrics["accuracy"] == 0.8
    read = [name for name in store.asked if "/rounds/" in name and not name.startswith("list")]
    assert sorted(read) == sorted(
        f"get searches/tiny/rounds/000001/{name}"
        for name in ("proposals.json", *(f"trials/{t.id}.json" for t in following.seen.trials[2:]))
    )


def test_what_is_seen_stays_while_the_store_is_away_and_it_goes_on_by_itself(staged: Any, counted: type) -> None:
    staged.run(0.5, 0.6)
    store = counted(staged.folder.store)
    following = Following(store, "tiny")
    following.look()
    era = following.seen.era

    store.fault = UnavailableError("The store is away.")
    following.look()
    assert (following.trouble, len(following.seen.trials)) == ("The store is away.", 2)

    store.fault = None
    staged.run(0.7, 0.8)
    following.look()
    assert (following.trouble, len(following.seen.trials), following.seen.era) == ("", 4, era)


def test_a_damaged_trial_is_told_and_once_it_is_mended_the_trials_are_sent_anew(staged: Any) -> None:
    trials = staged.run(0.5, 0.6)
    name = f"rounds/000000/trials/{trials[0].id}.json"
    whole = staged.folder.get(name)
    following = Following(staged.folder.store, "tiny")
    staged.folder.put(name, b"{")
    following.look()
    assert following.seen is None
    assert name in following.trouble

    staged.folder.put(name, whole)
    following.look()
    assert (following.trouble, len(following.seen.trials)) == ("", 2)
    first = following.seen.era

    staged.folder.put(f"rounds/000001/trials/{trials[0].id}.json", b"{")
    following.look()
    assert following.trouble
    staged.folder.store.delete([staged.folder.key(f"rounds/000001/trials/{trials[0].id}.json")])
    following.look()
    assert following.trouble == ""
    assert following.seen.era != first


def test_a_search_that_is_deleted_is_gone_and_one_of_its_name_is_another_one(staged: Any) -> None:
    staged.folder.write_json("space.json", {"id": "one"})
    staged.run(0.5, 0.6)
    following = Following(staged.folder.store, "tiny")
    following.look()
    era, text = following.seen.era, staged.folder.get("search.yaml").decode()

    staged.folder.remove()
    following.look()
    assert (following.gone, following.seen) == (True, None)

    staged.folder.write_search(text)
    staged.folder.write_json("space.json", {"id": "two"})
    staged.run(0.7)
    following.look()
    assert (following.gone, len(following.seen.trials)) == (False, 1)
    assert following.seen.era != era


def test_a_search_that_has_ended_costs_one_request_a_look(staged: Any, counted: type) -> None:
    trials = staged.run(*[0.5 + k / 100 for k in range(6)])
    staged.select()
    staged.train(max(trials, key=lambda t: t.metrics["accuracy"]))
    staged.report()
    store = counted(staged.folder.store)
    following = Following(store, "tiny")
    following.look()
    assert following.seen.now.phase == "done"

    store.asked.clear()
    following.look()
    assert store.asked == ["list searches/tiny/done"]

    staged.folder.mark(done=False)
    following.look()
    assert following.seen.now.phase == "reporting"


def test_who_works_on_what_is_told_of_claims(staged: Any) -> None:
    first, second = staged.propose()
    for proposal, pod in ((first, "pod-a"), (second, "pod-b")):
        assert staged.folder.claim(proposal, pod, 1)
        staged.folder.write_progress(proposal, ())
        staged.folder.beat(pod, 0)
    staged.folder.claim(second, "pod-c", 2)
    following = Following(staged.folder.store, "tiny")

    following.look()

    assert following.seen.workers == {first.id: "pod-a", second.id: "pod-c"}
    assert following.seen.alive == 2
