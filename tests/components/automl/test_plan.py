from dataclasses import replace
from itertools import product

import pytest

from archsmith.automl import Rate, Situation, plan
from archsmith.automl.images import image_size
from archsmith.search import parse
from archsmith.spec.yaml_document import write_yaml
from archsmith.values.data_facts import DataFacts


def situation(n: int, side: int = 28, minutes: float = 5, speed: float = 1.0, classes: int = 10) -> Situation:
    facts = DataFacts(
        (1, side, side),
        tuple(map(str, range(classes))),
        {split: (max(1, int(share * n / classes)),) * classes for split, share in (("train", 0.8), ("validation", 0.2))},
    )
    rates = (Rate(200_000, 2e-4 / speed, 1e-4 / speed, 0.3), Rate(2_000_000, 5e-4 / speed, 2e-4 / speed, 0.3))
    return Situation(minutes, 6.0, facts, rates, workers=2, given={"name": "digits"})


EVERYTHING = list(product([30, 300, 2_000, 60_000], [4, 8, 28, 64], [0.1, 1, 5, 20, 600], [0.01, 1, 30]))


def test_whatever_the_situation_the_search_fits_into_the_time() -> None:
    for n, side, minutes, speed in EVERYTHING:
        now = situation(n, side, minutes, speed)
        split = plan(now).split
        fixed = now.spent_s + now.start_s + now.end_s
        least = max(3.0, 1.5 * minutes) * (1 + now.models)
        assert split.search_s + now.models * split.retrain_s <= max(60 * minutes - fixed, least) + 1e-6
        assert bool(split.short) == (60 * minutes - fixed < 30)
        assert 1 <= split.visits <= min(max(120 * n, 60_000), 4_000_000)
        assert split.trial_epochs <= split.retrain_epochs
        assert split.trials >= 1


@pytest.mark.parametrize(("n", "side", "minutes", "speed"), [EVERYTHING[0], EVERYTHING[-1], (300, 28, 5, 1), (60_000, 28, 20, 1)])
def test_whatever_the_situation_there_is_a_valid_search(n: int, side: int, minutes: float, speed: float) -> None:
    chosen = plan(situation(n, side, minutes, speed))
    head = {"apiVersion": "archsmith.dev/v1alpha1", "kind": "Search", "metadata": {"name": "s"}}
    search = parse(write_yaml({**head, "spec": dict(chosen.sections)}))
    assert search.estimation.fidelity.epochs == chosen.split.trial_epochs
    assert search.spec.budget.minutes == pytest.approx(chosen.split.search_s / 60, abs=1e-3)


@pytest.mark.parametrize(("minutes", "train_s"), [(1, 1e-4), (1, 3e-3), (2, 1e-3), (5, 1e-3)])
def test_of_very_many_images_a_share_is_taken_that_is_not_none(minutes: float, train_s: float) -> None:
    now = situation(604_380, 32, minutes)
    rates = (Rate(600_000, train_s, train_s / 3, 0.3), Rate(5_000_000, 4 * train_s, 4 * train_s / 3, 0.3))
    chosen = plan(replace(now, rates=rates))
    head = {"apiVersion": "archsmith.dev/v1alpha1", "kind": "Search", "metadata": {"name": "s"}}
    assert 0 < parse(write_yaml({**head, "spec": dict(chosen.sections)})).estimation.fidelity.data < 0.01
    assert not any(" 0 %" in choice.words for choice in chosen.choices)


def test_more_time_is_never_less_of_anything() -> None:
    before = plan(situation(60_000, minutes=3)).split
    for minutes in (5, 10, 20, 60, 240):
        now = plan(situation(60_000, minutes=minutes)).split
        assert now.flops >= before.flops
        assert now.visits >= 0.9 * before.visits
        assert now.retrain_s >= before.retrain_s
        assert now.search_s > before.search_s
        before = now


def test_a_loaded_machine_begins_less() -> None:
    quiet = situation(2_000)
    loaded = replace(quiet, slowness=3.0)
    assert plan(loaded).split.search_s < plan(quiet).split.search_s


def test_limits_keep_networks_small() -> None:
    free, narrow = situation(60_000, minutes=60), replace(situation(60_000, minutes=60), limits={"n_params": 20_000})
    assert plan(narrow).split.form.base < plan(free).split.form.base
    assert "n_params <= 20,000" in {c.choice for c in plan(narrow).choices}


def test_every_choice_has_a_reason() -> None:
    for choice in plan(situation(300)).choices:
        assert choice.what
        assert choice.choice
        assert choice.why.endswith((".", "!"))
        assert "nan" not in f"{choice.choice}{choice.why}"


def test_images_of_one_small_size_stay_as_they_are() -> None:
    assert image_size([(28, 28)] * 5, 5, 10)[0] is None
    assert image_size([], 5, 10)[0] is None
    assert image_size([(16, 128)] * 5, 5, 10)[0] is None  # no more pixels than there are in 64 x 64


def test_large_and_different_images_are_made_smaller_by_what_the_time_allows() -> None:
    mixed = [(480, 640), (300, 200), (120, 90)]
    assert image_size(mixed, 500, 10)[0] == 64
    assert image_size(mixed, 500_000, 10)[0] == 32
    assert image_size(mixed, 500_000, 10_000)[0] == 64
    assert image_size([(20, 20), (24, 20)], 500, 10)[0] == 20
    assert image_size([(16, 640)] * 5, 5, 10)[0] == 64  # and not the 16 of the shorter side
    assert "200 x 300" not in image_size(mixed, 500, 10)[1]
    assert "90 x 120 to 640 x 480" in image_size(mixed, 500, 10)[1]


def test_networks_are_no_larger_than_limits_on_what_is_only_measured_let_them_be() -> None:
    now = situation(60_000, minutes=20)
    usual = plan(now).split.flops
    found = plan(replace(now, most_flops=usual / 3))
    assert found.split.flops <= usual / 3
    assert "measured limits" in {choice.what for choice in found.choices}


def test_several_goals_are_searched_for_by_what_follows_all_of_them() -> None:
    found = plan(replace(situation(60_000, minutes=20), goals=2))
    assert found.sections["strategy"]["name"] == "nsga2"
    assert plan(situation(60_000, minutes=20)).sections["strategy"]["name"] != "nsga2"


def test_the_more_test_images_the_less_time_is_left_for_everything_else() -> None:
    now = situation(1_000, minutes=5)
    times = []
    for n in (0, 30_000, 300_000):
        facts = replace(now.facts, counts={**now.facts.counts, "test": (n // 10,) * 10})
        split = plan(replace(now, facts=facts)).split
        times.append(split.search_s + now.models * split.retrain_s)
        tests_s = now.models * n * now.check * now.train_s(split.flops)
        assert times[-1] + tests_s <= 300 - now.spent_s - now.start_s - now.end_s
    assert times[0] > times[1] > times[2]


def test_chance_does_not_decide_how_large_networks_are_where_all_take_the_same_time() -> None:
    """As on a GPU that small networks do not fill."""
    found = [
        plan(replace(situation(50_000, 32, minutes=30), rates=(Rate(700_000, 5e-5), Rate(8_000_000, 5e-5 * more)), gpu=True))
        for more in (0.98, 1.0, 1.02)
    ]
    assert len({chosen.split.form for chosen in found}) == 1
