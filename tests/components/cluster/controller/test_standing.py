"""What the store of a small search says, and how often it is asked."""

from pathlib import Path
from typing import Any

from archsmith.cluster.controller.standing import AFTER_ERROR_S, PAUSES, Reader, fields_of
from archsmith.search import parse
from archsmith.testing.references import NOT_WORTH_IT
from archsmith.testing.searches import TINY
from archsmith.values import Stop, Trial
from archsmith.views.snapshot import Snapshot

Staged = Any  # a fixture of the tests around these

LINKS = {"model": "s3://b/model.pt2", "report": "s3://b/report"}


def fields(staged: Staged) -> dict[str, Any]:
    return fields_of(Snapshot.read(staged.folder, staged.search), LINKS)


class Clock:
    """Time passes whenever somebody asks for it: a second, or as many as the test wants."""

    def __init__(self, pace_s: float = 1.0) -> None:
        self.now = 0.0
        self.pace_s = pace_s

    def __call__(self) -> float:
        self.now += self.pace_s
        return self.now


def begun(staged: Staged) -> Staged:
    staged.folder.write_json("space.json", {"id": "x"})
    return staged


def test_a_search_that_has_just_begun_has_nothing_but_counts(staged: Staged) -> None:
    assert fields(staged) == {"round": "0/3", "trials": "0/6", "failed": 0, "links": LINKS}


def test_a_round_counts_when_all_of_its_trials_are_done(staged: Staged) -> None:
    staged.run(0.5, 0.75)
    first, second = staged.propose(2)
    staged.record(first, "DivergedError: the loss is nan")
    found = fields(staged)
    assert (found["round"], found["trials"], found["failed"]) == ("1/3", "3/6", 1)
    staged.record(second, 0.25)
    staged.select()
    assert fields(staged)["trials"] == "4/6"


def test_without_rounds_trials_are_counted_or_what_they_cost(staged_with: Any) -> None:
    trials = staged_with(("trials: 6, rounds: 3", "trials: 6"))
    trials.run(0.5, 0.75)
    found = fields(trials)
    assert (found["trials"], "round" in found, "trainings" in found) == ("2/6", False, False)
    cost = staged_with(("trials: 6, rounds: 3", "trainings: 6.5"))
    stop = Stop(1, "median", 0.6, 0.1)  # of 2 epochs
    cost.folder.record(Trial(cost.propose(1)[0], "stopped", {"accuracy": 0.5, "n_params": 1500.0}, stop=stop))
    found = fields(cost)
    assert (found["trials"], found["trainings"], "round" in found) == ("3", "2.5/6.5", False)
    assert found["spent"].startswith("trained 5 of the 6 epochs that 3 architectures in full take")


def test_the_incumbent_is_the_best_trial_in_the_words_of_its_space(staged: Staged) -> None:
    trials = staged.run(0.5, 0.9125)
    found = fields(staged)
    assert found["best"] == "0.9125"
    incumbent = found["incumbent"]
    assert (incumbent["id"], incumbent["number"]) == (trials[1].id, 1)
    assert incumbent["architecture"] == staged.search.describe(trials[1].proposal.architecture)
    assert incumbent["metrics"]["accuracy"] == 0.9125
    assert "model" not in found


def test_a_trial_that_was_stopped_early_has_not_failed(staged: Staged) -> None:
    stop = Stop(1, "median", 0.6, 0.1)
    staged.folder.record(Trial(staged.propose(1)[0], "stopped", {"accuracy": 0.5, "n_params": 1500.0}, stop=stop))
    assert fields(staged)["failed"] == 0


def test_a_trained_winner_has_its_model_and_its_test(staged: Staged) -> None:
    trials = staged.run(0.5, 0.75, 0.6, 0.6, 0.6, 0.6)
    staged.select()
    staged.train(trials[1])
    staged.report()
    found = fields(staged)
    assert (found["round"], found["trials"]) == ("3/3", "6/6")
    assert found["model"] == LINKS["model"]
    assert found["incumbent"]["test"]["test_accuracy"] == 0.975


def test_a_winner_that_is_held_to_references_has_what_it_gains(staged_with: Any) -> None:
    staged = staged_with(("baseline: none", "baseline: simple"))
    (trial,) = staged.run(0.9)
    staged.select()
    staged.folder.write_worth(staged.train(trial).mark, NOT_WORTH_IT)
    told = fields(staged)["references"]
    assert (told["gained"], told["said"]) == (False, "1.5 points (± 0.5) below a small residual network of 61,000 parameters")
    assert [said[:28] for said in told["advice"]] == ["The search was not worth it:", "A linear model on the pixels"]
    assert all(said.count("references/residual") == (k == 0) for k, said in enumerate(told["advice"]))


def test_a_metric_that_json_can_not_hold_is_left_out(staged: Staged) -> None:
    metrics = {"accuracy": 0.5, "n_params": 1500.0, "latency_s": float("nan"), "loss": float("inf")}
    staged.folder.record(Trial(staged.propose(1)[0], "complete", metrics))
    assert fields(staged)["incumbent"]["metrics"] == {"accuracy": 0.5, "n_params": 1500.0}


def test_a_search_without_a_winner_has_no_best(staged: Staged) -> None:
    staged.run("DivergedError: no", "DivergedError: no")
    assert not {"best", "incumbent", "model"} & set(fields(staged))


def test_before_the_first_step_there_is_nothing_to_read(staged: Staged, tmp_path: Path) -> None:
    assert Reader(staged.search, str(tmp_path / "nothing")).read().fields == {}
    assert Reader(staged.search, staged.store).read().fields == {}  # its file is there, its space is not yet


def test_another_search_of_the_name_is_not_this_one(staged: Staged) -> None:
    begun(staged).run(0.5, 0.75)
    other = parse(TINY.replace("layers: {min: 1, max: 2}", "layers: {min: 3, max: 4}"))
    assert Reader(other, staged.store).read().fields == {}
    longer = parse(TINY.replace("trials: 6", "trials: 9"))  # which goes on with what is there
    assert Reader(longer, staged.store).read().fields["trials"] == "2/9"


def test_the_links_lead_to_where_things_lie(staged: Staged) -> None:
    links = Reader(begun(staged).search, staged.store).read().fields["links"]
    assert Path(links["store"]) == Path(staged.store, "searches", "tiny")
    assert Path(links["model"]).name == "model.pt2"


def test_people_open_mlflow_elsewhere_than_pods_do_unless_it_is_a_searchs_own(staged: Staged) -> None:
    untracked, pages = begun(staged).search, "https://mlflow.example.org"
    assert "mlflow" not in Reader(untracked, staged.store, pages).read().fields["links"]
    tracked = parse(untracked.text.replace("tracking: {enabled: false}", "tracking: {enabled: true}"))
    assert Reader(tracked, staged.store, pages).read().fields["links"]["mlflow"] == pages
    own = parse(untracked.text.replace("tracking: {enabled: false}", "tracking: {uri: 'http://mlflow.own:5000'}"))
    assert Reader(own, staged.store, pages).read().fields["links"]["mlflow"] == "http://mlflow.own:5000"


def test_it_pauses_in_proportion_to_what_a_look_takes(staged: Staged) -> None:
    clock = Clock()
    reader = Reader(begun(staged).search, staged.store, clock=clock)
    assert reader.read().fields["trials"] == "0/6"  # from second 1 to second 2
    staged.run(0.5)
    seen = [reader.read().fields["trials"] for _ in range(int(PAUSES))]
    assert seen == ["0/6"] * 8 + ["1/6"]
    assert clock.now == 2 + PAUSES + 1


def test_it_looks_at_once_when_it_is_told_to(staged: Staged) -> None:
    reader = Reader(begun(staged).search, staged.store, clock=Clock())
    reader.read()
    staged.run(0.5)
    assert reader.read(now=True).fields["trials"] == "1/6"


def test_a_store_that_fails_leaves_what_was_known(staged: Staged) -> None:
    reader = Reader(begun(staged).search, staged.store, clock=Clock())
    staged.run(0.5)
    assert reader.read().error == ""
    folder, before = staged.folder, staged.folder.read_search()
    folder.put("search.yaml", b"spec: [")  # what nobody can read
    failed = reader.read(now=True)
    assert failed.fields["trials"] == "1/6"
    assert "search.yaml" in failed.error
    folder.write_search(before)
    assert reader.read(now=True).error == ""


def test_after_an_error_the_pause_is_short_however_long_the_store_was_waited_for(staged: Staged) -> None:
    clock = Clock(pace_s=1000.0)
    reader = Reader(begun(staged).search, staged.store, clock=clock)
    staged.folder.put("search.yaml", b"spec: [")
    assert reader.read().error
    staged.folder.write_search(TINY)
    clock.pace_s = AFTER_ERROR_S
    assert reader.read().error == ""
