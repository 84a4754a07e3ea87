"""What is told before a search runs, against files of one oddity each."""

import pytest

from archsmith.advice import advice, advice_elsewhere, advice_on_data, advice_on_kubeflow
from archsmith.search import parse
from archsmith.spec import at_once
from archsmith.spec.template import TEMPLATE
from archsmith.testing.searches import TINY
from archsmith.values.data_facts import DataFacts
from archsmith.values.findings import Finding

SMALL = "space: {name: chain, layers: {min: 1, max: 1}, operations: [conv], filters: [8], kernels: [3, 5], strides: [1]}"
GOALS = "objectives: [{metric: accuracy, goal: maximize}, {metric: n_params, limit: 20000}]"
INHERIT = ("population: 4, sample: 2", "population: 4, sample: 2, inherit: true")
TABLE = "estimation: {name: table, path: t.csv, metrics: {accuracy: a, acuracy: b}, test: TEST}"


def told(*changes: tuple[str, str]) -> list[str]:
    text = TINY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return advice(parse(text))


def space_line() -> str:
    return next(line.strip() for line in TINY.splitlines() if "space:" in line)


def test_of_a_file_without_oddities_nothing_is_told() -> None:
    assert told() == advice(parse(TEMPLATE)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("estimation: {", "estimation: {distil: 2.0, "), "`estimation.distil` is not used, as with the strategy"),
        (("estimation: {", "estimation: {anneal: once, "), "`estimation.anneal` is not used, as with the strategy"),
        (
            ("retrain:", "stopping: {name: svr, after: 50}\n  retrain:"),
            "`stopping` is not used: nothing is stopped before 50 trials",
        ),
    ],
)
def test_what_a_file_sets_and_nothing_comes_of_is_told(change: tuple[str, str], said: str) -> None:
    (text,) = told(change)
    assert text.startswith(said)


def test_a_number_of_trials_is_told_to_be_no_use_where_nothing_is_looked_at() -> None:
    shared = "apiVersion: archsmith.dev/v1alpha1\nkind: Search\nmetadata: {name: s}\nspec:\n  data: {name: digits}\n"
    text = f"{shared}  space: {{name: nas-bench-201}}\n  strategy: {{name: darts, top: 7}}\n  budget: {{trials: 50}}\n"
    (said,) = advice(parse(text))
    assert said.startswith("`budget.trials` is not used")
    assert said.endswith("which is 7.")


def test_a_series_without_a_schedule_is_told() -> None:
    lonely = ("retrain:", "series: {keep: 5}\n  retrain:")
    assert [text.partition(" says")[0] for text in told(lonely)] == ["`series`"]
    assert (
        told(("retrain:", "schedule: 0 2 * * *\n  series: {keep: 5}\n  retrain:"))
        == told(("retrain:", "series: {}\n  retrain:"))
        == []
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([INHERIT, ("retrain: {epochs: 3}", "retrain: {epochs: 6}")], []),
        (
            [INHERIT],
            [
                "`retrain.epochs` is 3, and the winner is trained from scratch, but trials whose weights were trained in several "
                "generations have had 2 in each; give it as many as that needs."
            ],
        ),
        (
            [("accuracy, goal: maximize", "accuracy, goal: minimize")],
            ["`objectives[0].goal` is to minimize accuracy, of which more is better; is maximize meant?"],
        ),
        (
            [(GOALS, "objectives: [{metric: accuracy, goal: maximize}, {metric: flops, goal: maximize}]"), ("evolution", "nsga2"),
             (", sample: 2", "")],
            ["`objectives[1].goal` is to maximize flops, of which less is better; is minimize meant?"],
        ),
        (
            [("evolution, population: 4, sample: 2", "nsga2, population: 4")],
            ["The strategy nsga2 looks for a front of several goals, but only accuracy has one; evolution is for that."],
        ),
        (
            [("limit: 20000", "goal: minimize"), ("metric: n_params", "metric: latency_s"),
             ("evolution, population: 4, sample: 2", "lemonade, start: 2"), ("retrain: {epochs: 3}", "retrain: {epochs: 6}")],
            ["The strategy lemonade fills the gaps of a front by what is known without training, but neither n_params nor flops "
             "has a goal."],
        ),
        (
            [("limit: 20000", "goal: minimize")],
            ["The strategy evolution goes by the first goal, accuracy, alone; nsga2, bayesian and tpe follow all of them."],
        ),
        (
            [(space_line(), SMALL), ("trials: 6, rounds: 3", "trials: 1000, rounds: 50")],
            [
                "`budget.trials` is 1,000, but the space has 8 architectures, and none is tried twice; the search ends with "
                "them.",
            ],
        ),
        (
            [("evolution, population: 4, sample: 2", "tpe, startup: 5")],
            [
                "`strategy.startup` is 5, but the strategy is asked for the last time after 4 trials, so that all of them are "
                "random; take a smaller one, or more `budget.rounds`."
            ],
        ),
        (
            [("evolution, population: 4, sample: 2", "tpe, startup: 60")],
            [
                "`strategy.startup` is 60, but the strategy is asked for the last time after 4 trials, so that all of them "
                "are random; take a smaller one, or more `budget.trials`."
            ],
        ),
        (
            [("trials: 6, rounds: 3", "trials: 6, rounds: 1"), ("evolution, population: 4, sample: 2", "tournament")],
            ["`budget.rounds` is 1: the strategy is asked once, before there are results, and can't learn from any."],
        ),
        (
            [("{workers: 2}", "{workers: 2, pods: 3}")],
            ["`resources.pods` is 3, but a round has 2 trials at most; other pods have none to run."],
        ),
        (
            [("trials: 6, rounds: 3", "trials: 2"), ("evolution, population: 4, sample: 2", "random"),
             ("{workers: 2}", "{pods: 3}")],
            ["`resources.pods` is 3, but there are 2 trials; other pods have none to run."],
        ),
        (
            # 2 workers: the last one of 6 is proposed with 3 of them known
            [("evolution, population: 4, sample: 2", "tpe, startup: 4"), ("trials: 6, rounds: 3", "trials: 6")],
            [
                "`strategy.startup` is 4, but the strategy is asked for the last time after 3 trials, so that all of them are "
                "random; take a smaller one, fewer pods and workers, or more `budget.trials`."
            ],
        ),
        (
            [
                ("strategy: {name: evolution, population: 4, sample: 2}", "strategy: {name: freeze-thaw}"),
                ("epochs: 2", "epochs: 9"), ("epochs: 3", "epochs: 9"), ("trials: 6, rounds: 3", "trials: 13, rounds: 13"),
            ],
            [
                "`estimation.anneal` is rung: a training that goes on to its end is 9 schedules of the learning rate, one after "
                "the other; `once` makes it a single one."
            ],
        ),
        ([("epochs: 2", "epochs: 9")], ["`retrain.epochs` is 3, less than `estimation.epochs`, which is 9."]),
        ([("{workers: 2}", "{fallback: none}")], ["`resources.fallback` is none, but `resources.gpu` asks for no GPU."]),
        ([("{name: digits}", "{name: digits, path: x}")], ["`data.path` is not used, as digits come with scikit-learn."]),
        (
            [
                ("  data: {name: digits}\n", ""),
                ("estimation: {epochs: 2}", TABLE.replace("TEST", "b")),
                (GOALS, "objectives: [{metric: acuracy, goal: maximize}]"),
            ],
            [
                "`objectives[0].metric` is acuracy, a metric of your own; is accuracy meant?",
                "`retrain` is not used, as the search has no images to train on.",
                "`training` is not used, as the search has no images to train on.",
                "`estimation.test` is b, a column that the search goes by; name one that it does not see.",
            ],
        ),
    ],
)  # fmt: skip
def test_what_is_hardly_meant_is_told(changes: list[tuple[str, str]], said: list[str]) -> None:
    assert told(*changes) == said


@pytest.mark.parametrize(
    ("strategy", "budget", "said"),
    [
        # 27 at 1 epoch, 9 at 3, 3 at 9 and 1 at 27 are 40 trials and 27 + 9 * 2 + 3 * 6 + 18 = 81 epochs
        (
            "successive-halving",
            "{trainings: 2}",
            "`budget.trainings` is 2, but the strategy successive-halving needs about 3 until",
        ),
        ("successive-halving", "{trainings: 3}", ""),
        (
            "hyperband",
            "{trials: 39}",
            "`budget.trials` is 39, but the strategy hyperband needs about 40 until the first training is",
        ),
        ("asha", "{trials: 40, trainings: 0.9}", "`budget.trainings` is 0.9, but the strategy asha needs about 1 until"),
        ("asha, sampler: {name: evolution}", "{trials: 40}", ""),
        # four steps of 3 epochs at random, and the 9 of one training
        ("freeze-thaw", "{trainings: 1}", "`budget.trainings` is 1, but the strategy freeze-thaw needs about 2 until"),
        ("freeze-thaw", "{trials: 12}", "`budget.trials` is 12, but the strategy freeze-thaw needs about 13 until"),
        ("freeze-thaw", "{trials: 13, trainings: 2}", ""),
        ("random", "{trials: 1}", ""),
    ],
)
def test_a_budget_in_which_no_training_comes_to_its_end_is_told(strategy: str, budget: str, said: str) -> None:
    changes = [("evolution, population: 4, sample: 2", strategy), ("{trials: 6, rounds: 3}", budget)]
    found = [
        text for text in told(*changes, ("estimation: {epochs: 2}", "estimation: {epochs: 27, anneal: once}")) if "needs" in text
    ]
    assert len(found) == bool(said)
    assert all(text.startswith(said) for text in found)


@pytest.mark.parametrize(
    ("rounds", "pods", "engine", "told"), [(105, 1, "auto", 0), (106, 1, "auto", 1), (60, 3, "auto", 1), (150, 2, "job", 0)]
)
def test_a_search_is_too_large_for_kubeflow_alone(rounds: int, pods: int, engine: str, told: int) -> None:
    text = TINY.replace("trials: 6, rounds: 3", f"trials: 300, rounds: {rounds}").replace("workers: 2", f"pods: {pods}")
    said = advice_on_kubeflow(parse(text.replace("retrain:", f"cluster: {{engine: {engine}}}\n  retrain:")))
    assert len(said) == told
    assert all(f"{rounds} rounds of {pods} pod" in text and "takes at most 124500" in text for text in said)


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_the_strategy_knows_at_last_what_the_pace_lets_it_see(workers: int) -> None:
    """The last of 40 is made when all but itself and those that may be at work beside it are known."""
    few, enough = 40 - at_once(workers), 40 - at_once(workers) + 1
    for startup, n in ((few, 0), (enough, 1)):
        changes = [("trials: 6, rounds: 3", "trials: 40"), ("workers: 2", f"workers: {workers}")]
        assert len(told(*changes, ("evolution, population: 4, sample: 2", f"tpe, startup: {startup}"))) == n


@pytest.mark.parametrize("strategy", ["evolution, population: 30, sample: 2", "nsga2, population: 30", "local-search, start: 30"])
def test_a_random_start_that_takes_a_third_of_the_budget_at_most_is_not_said_to_take_all(strategy: str) -> None:
    changes = [("evolution, population: 4, sample: 2", strategy), ("trials: 6, rounds: 3", "trials: 30")]
    assert not [line for line in told(*changes) if "all of them are random" in line]
    at_once = [*changes[:1], ("trials: 6, rounds: 3", "trials: 4"), ("workers: 2", "workers: 4")]
    assert [line for line in told(*at_once) if "is 30, but" in line and "all of them are random" in line]


@pytest.mark.parametrize("strategy", ["asha", "successive-halving", "hyperband", "bohb", "pasha", "freeze-thaw"])
def test_a_strategy_with_rungs_is_said_to_go_by_the_first_goal_alone(strategy: str) -> None:
    changes = [("evolution, population: 4, sample: 2", strategy), ("epochs: 2", "epochs: 9"), ("epochs: 3", "epochs: 9")]
    lines = told(*changes, ("limit: 20000", "goal: minimize"), ("trials: 6, rounds: 3", "trials: 60"))
    assert (
        f"The strategy {strategy} goes by the first goal, accuracy, alone; nsga2, bayesian and tpe follow all of them." in lines
    )


def test_pods_do_not_see_the_files_of_this_machine() -> None:
    assert advice_elsewhere(parse(TINY)) == []
    assert advice_elsewhere(parse(TINY.replace("{name: digits}", "{name: npz, path: s3://data/x.npz}"))) == []
    (said,) = advice_elsewhere(parse(TINY.replace("{name: digits}", "{name: npz, path: x.npz}")))
    assert said.startswith("`data.path` is 'x.npz', a path of this machine, which pods do not see")
    table = (
        TINY.replace("  data: {name: digits}\n", "")
        .replace("estimation: {epochs: 2}", TABLE)
        .replace(", {metric: n_params, limit: 20000}", "")
    )
    (said,) = advice_elsewhere(parse(table))
    assert said.startswith("`estimation.path` is 't.csv', a path of this machine")


def facts(**counts: tuple[int, ...]) -> DataFacts:
    return DataFacts((1, 8, 8), ("a", "b"), {"train": (100, 100), "validation": (30, 30), "test": (40, 40), **counts})


def test_a_share_of_a_split_that_the_data_have_themselves_is_told_to_be_unused() -> None:
    search = parse(TINY.replace("{name: digits}", "{name: digits, validation: 0.3, test: 0.1}"))
    assert advice_on_data(search, facts()) == []
    given = DataFacts((1, 8, 8), ("a", "b"), {}, own=("train", "validation"))
    assert advice_on_data(search, given) == [
        "`data.validation` is 0.3, but is not used: the data have validation images of their own."
    ]
    assert advice_on_data(parse(TINY), given) == []


def test_of_plain_images_nothing_is_told_but_what_is_noted_with_them() -> None:
    search = parse(TINY)
    assert advice_on_data(search, facts()) == []
    noted = DataFacts((1, 8, 8), ("a", "b"), {}, warnings=("They are all alike.",), findings=(Finding("few", "They are few."),))
    assert advice_on_data(search, noted) == ["They are all alike.", "They are few."]


@pytest.mark.parametrize(
    ("counts", "change", "said"),
    [
        (
            {},
            ("{epochs: 2}", "{epochs: 2, data: 0.25}"),
            "`training.batch_size` is 64, but a trial has about 50 training images:",
        ),
        ({}, ("{epochs: 2}", "{epochs: 2, resolution: 0.5}"), "`estimation.resolution` is 0.5: of 8 pixels a side, 4 are left."),
    ],
)
def test_what_images_are_too_few_for_is_told(counts: dict[str, tuple[int, int]], change: tuple[str, str], said: str) -> None:
    (text,) = advice_on_data(parse(TINY.replace(*change) if change[0] else TINY), facts(**counts))
    assert text.startswith(said)
