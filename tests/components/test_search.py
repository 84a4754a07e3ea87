"""The search file: what is valid, and what is said of what is not."""

import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from archsmith.errors import SpecError
from archsmith.schema import schema
from archsmith.search import load, parse
from archsmith.spaces import SPACES
from archsmith.spec import SearchObject
from archsmith.spec.template import TEMPLATE
from archsmith.testing.searches import tiny
from archsmith.values import Fidelity, History
from archsmith.values.metrics import METRICS

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))

HEAD = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: s}
spec:
  data: {name: digits}
  space: {name: chain}
"""
"""The shortest valid file; what a test adds begins in line 7."""

VALIDATOR = jsonschema.Draft202012Validator(schema())

NAME = "lower case letters, digits and dashes, at most 63 of them, and begin and end with a letter or digit"

WRONG: dict[str, tuple[str, str]] = {
    "another one of some numbers": (
        f"{HEAD}  strategy: {{name: darts, order: 3}}\n",
        "7: spec.strategy.order: got 3, but must be one of 1, 2.",
    ),
    "a name where a section belongs": (
        HEAD.replace("space: {name: chain}", "space: chain"),
        "6: spec.space: got 'chain', but must be a mapping. Write `space: {name: chain}`.",
    ),
    "unknown stopper": (
        f"{HEAD}  stopping: {{name: medain}}\n",
        "7: spec.stopping.name: Unknown stopper 'medain'; valid: domhan, freeze-thaw, lc-net, median, svr. "
        "Did you mean 'median'?",
    ),
    "unknown key of a stopper": (
        f"{HEAD}  stopping: {{name: median, chance: 0.1}}\n",
        "7: spec.stopping.chance: unknown key; valid here: after, grace, refit, spared.",
    ),
    "unknown key at the top": (
        f"{HEAD}seeds: 1\n",
        "7: seeds: unknown key; valid here: apiVersion, kind, metadata, spec.",
    ),
    "unknown key in spec": (
        f"{HEAD}  stratgy: {{name: random}}\n",
        "7: spec.stratgy: unknown key; valid here: baseline, budget, cluster, data, estimation, first, objectives, on_delete, "
        "promote, resources, retrain, schedule, seed, series, space, stopping, storage, strategy, suspend, tracking, training, "
        "ttl, warm_start. Did you mean `strategy`?",
    ),
    "unknown key of an algorithm": (
        f"{HEAD}  strategy: {{name: evolution, populaton: 3}}\n",
        "7: spec.strategy.populaton: unknown key; valid here: inherit, population, sample. Did you mean `population`?",
    ),
    "unknown key deep in a space": (
        HEAD.replace("{name: chain}", "\n    name: chain\n    layers:\n      min: 1\n      max: 3\n      maxx: 3"),
        "11: spec.space.layers.maxx: unknown key; valid here: max, min. Did you mean `max`?",
    ),
    "unknown key in an item of a list": (
        f"{HEAD}  objectives:\n    - {{metric: accuracy, goal: maximize}}\n    - {{metric: n_params, limt: 3}}\n",
        "9: spec.objectives[1].limt: unknown key; valid here: goal, limit, metric. Did you mean `limit`?",
    ),
    "text for a number": (
        f"{HEAD}  budget: {{trials: many}}\n",
        "7: spec.budget.trials: got 'many', but must be a whole number.",
    ),
    "quoted number": (
        f"{HEAD}  budget: {{trials: '40'}}\n",
        "7: spec.budget.trials: got '40', but must be a whole number. Remove the quotes.",
    ),
    "quoted small number": (
        f"{HEAD}  training: {{learning_rate: '1e-3'}}\n",
        "7: spec.training.learning_rate: got '1e-3', but must be a number. Remove the quotes.",
    ),
    "quoted truth": (
        HEAD.replace("{name: digits}", "{name: digits, download: 'true'}"),
        "5: spec.data.download: got 'true', but must be true or false. Remove the quotes.",
    ),
    "truth for a number": (
        f"{HEAD}  budget: {{trials: true}}\n",
        "7: spec.budget.trials: got true, but must be a whole number.",
    ),
    "no value": (
        f"{HEAD}  retrain:\n    epochs:\n",
        "8: spec.retrain.epochs: got nothing, but must be a whole number.",
    ),
    "text for a list": (
        f"{HEAD}  training: {{augment: flip}}\n",
        "7: spec.training.augment: got 'flip', but must be a list.",
    ),
    "number for a mapping": (
        f"{HEAD}  budget: 40\n",
        "7: spec.budget: got 40, but must be a mapping.",
    ),
    "list for a number": (
        f"{HEAD}  seed: [1]\n",
        "7: spec.seed: got a list, but must be a whole number.",
    ),
    "name in place of a section": (
        f"{HEAD}  strategy: evolution\n",
        "7: spec.strategy: got 'evolution', but must be a mapping. Write `strategy: {name: evolution}`.",
    ),
    "too small": (
        f"{HEAD}  budget: {{trials: 0}}\n",
        "7: spec.budget.trials: got 0, but must be >= 1.",
    ),
    "too large": (
        f"{HEAD}  estimation: {{name: train, data: 1.5}}\n",
        "7: spec.estimation.data: got 1.5, but must be <= 1.",
    ),
    "none of few words": (
        f"{HEAD}  training: {{augment: [flip, corp]}}\n",
        "7: spec.training.augment[1]: got 'corp', but must be one of flip, crop, cutout. Did you mean crop?",
    ),
    "neither number nor word": (
        f"{HEAD}  resources: {{workers: all}}\n",
        "7: spec.resources.workers: got 'all', but must be a whole number or auto.",
    ),
    "number out of range where a word would do": (
        f"{HEAD}  resources: {{workers: 0}}\n",
        "7: spec.resources.workers: got 0, but must be >= 1 or auto.",
    ),
    "unknown data": (
        HEAD.replace("digits", "fashon-mnist"),
        "5: spec.data.name: got 'fashon-mnist', but must be one of digits, fashion-mnist, cifar10, npz, folder. "
        "Did you mean fashion-mnist?",
    ),
    "unknown space": (
        HEAD.replace("chain", "chian"),
        f"6: spec.space.name: Unknown space 'chian'; valid: {', '.join(sorted(SPACES))}. Did you mean 'chain'?",
    ),
    "unknown estimator": (
        f"{HEAD}  estimation: {{name: trian}}\n",
        "7: spec.estimation.name: Unknown estimator 'trian'; valid: supernet, table, train, zero-cost. Did you mean 'train'?",
    ),
    "unknown metric": (
        f"{HEAD}  objectives: [{{metric: acuracy, goal: maximize}}]\n",
        "7: spec.objectives[0].metric: Unknown metric 'acuracy'; valid: accuracy, flops, latency_s, loss, n_params, "
        "peak_memory_mb. Did you mean 'accuracy'?",
    ),
    "unknown goal": (
        f"{HEAD}  objectives: [{{metric: accuracy, goal: maximise}}]\n",
        "7: spec.objectives[0].goal: got 'maximise', but must be one of maximize, minimize. Did you mean maximize?",
    ),
    "objective without anything": (
        f"{HEAD}  objectives: [{{metric: accuracy}}]\n",
        "7: spec.objectives[0]: the metric 'accuracy' has neither `goal` nor `limit`; give it one of them, or both.",
    ),
    "missing name": (
        HEAD.replace("{name: s}", "{}"),
        "3: metadata.name: the key is missing, but must be given.",
    ),
    "missing section": (
        HEAD.replace("  space: {name: chain}\n", ""),
        "4: spec.space: the key is missing; name a space, as in `space: {name: chain}`, or the time in which everything is "
        "chosen, searched and trained, as in `budget: {minutes: 30}`.",
    ),
    "bad name": (
        HEAD.replace("name: s}", "name: My_Search}"),
        f"3: metadata.name: the name is 'My_Search', but must be {NAME}.",
    ),
    "other version": (
        HEAD.replace("v1alpha1", "v1"),
        "1: apiVersion: got 'archsmith.dev/v1', but must be archsmith.dev/v1alpha1.",
    ),
    "missing path": (
        HEAD.replace("{name: digits}", "{name: npz}"),
        "5: spec.data: `path` is missing, but 'npz' needs it; give a local path or an s3:// URI.",
    ),
    "memory without unit": (
        f"{HEAD}  resources: {{memory: 4GB}}\n",
        "7: spec.resources.memory: the memory is '4GB', but must be a whole number and one of the units Mi, Gi, M and G, "
        "such as 4Gi.",
    ),
    "number as a key": (
        f"{HEAD}  1: 2\n",
        "4: spec: the key 1 is not text, but must be; put it into quotes.",
    ),
}
"""Files with a mistake that a JSON schema can express, and what is said of it after `search.yaml:`."""

BEYOND: dict[str, tuple[str, str]] = {
    "a share of nothing": (
        f"{HEAD}  estimation: {{width: 1.0e-320}}\n",
        "7: spec.estimation.width: the value is 1e-320, but must be at least 0.000001.",
    ),
    "more trainings than anything can count": (
        f"{HEAD}  budget: {{trainings: 1.0e+308}}\n",
        "7: spec.budget.trainings: the value is 1e+308, but must be at most 1,000,000,000.",
    ),
    "a strategy and an estimator that both share weights": (
        f"{HEAD}  strategy: {{name: enas}}\n  estimation: {{name: supernet}}\n",
        "8: spec.estimation.name: the strategy 'enas' trains shared weights itself, and what it derives is then trained alone, "
        "but "
        "the estimator is 'supernet'; leave the name out, or take `train`.",
    ),
    "rungs with shared weights": (
        f"{HEAD}  strategy: {{name: asha}}\n  estimation: {{name: supernet}}\n",
        "7: spec.strategy.name: the strategy 'asha' has rungs, but what is measured with shared weights is not trained, for any "
        "number of epochs; take one without rungs, such as evolution.",
    ),
    "a stopper with shared weights": (
        f"{HEAD}  strategy: {{name: single-path, top: 7}}\n  stopping: {{name: median}}\n",
        "8: spec.stopping: what shared weights like best, 7 at most, is trained alone and compared at the end of its training, "
        "so "
        "there is nothing to stop; leave it out.",
    ),
    "rounds with shared weights": (
        f"{HEAD}  strategy: {{name: one-shot}}\n  budget: {{trials: 20, rounds: 2}}\n",
        "8: spec.budget.rounds: the value is 2, but looks with shared weights and the trainings that follow have no rounds; "
        "leave "
        "it out.",
    ),
    "trainings with shared weights": (
        f"{HEAD}  estimation: {{name: supernet}}\n  budget: {{trainings: 20}}\n",
        "8: spec.budget.trainings: the value is 20, but with shared weights `estimation.then.top` says how many are trained "
        "alone; "
        "leave it out.",
    ),
    "a space that can't be mixed": (
        f"{HEAD}  strategy: {{name: darts}}\n",
        "6: spec.space: the strategy 'darts' weighs all options of every choice side by side, but `filters_1` changes the number "
        "of channels; give `filters` one value. Or take single-path, one-shot, enas or `estimation: {name: supernet}`, which "
        "need "
        "no mixture.",
    ),
    "options without costs of their own": (
        HEAD.replace("{name: chain}", "{name: branch, branches: 1, joins: [sum], filters: [8], strides: [1], stem: 8}")
        + "  strategy: {name: snas, cost: {flops: 0.1}}\n",
        "7: spec.strategy.cost: the options of the space 'branch' have no costs of their own, as `layers` says which of the "
        "layers cost anything at all; fix it by `min` and `max`, or leave out `cost`.",
    ),
    "a fabric of cells": (
        HEAD.replace("chain", "nas-bench-201") + "  strategy: {name: fabric}\n",
        "6: spec.space.name: the strategy 'fabric' is for the space 'fabric' alone, whose paths it weighs, but this is "
        "'nas-bench-201'; darts, gdas, snas and proxyless are for any space that can be relaxed.",
    ),
    "a decision on the training with shared weights": (
        HEAD.replace("{name: chain}", "{name: nas-bench-201, training: {learning_rate: [0.1, 0.2]}}")
        + "  strategy: {name: single-path}\n",
        "6: spec.space: the space decides on `training.learning_rate`, but weights that all architectures share are trained "
        "once, "
        "with `spec.training`; leave `training` out of the space, or take a strategy that trains each architecture by itself.",
    ),
    "options that can't be put together": (
        f"{HEAD}  strategy: {{name: one-shot, together: true}}\n",
        "7: spec.strategy.together: `together` puts all options of every choice side by side, but `filters_1` changes the "
        "number of channels; give `filters` one value. Or leave `together` out: then the options that are kept are trained in "
        "paths.",
    ),
    "weights that split at no decision": (
        HEAD.replace("chain", "nas-bench-201") + "  strategy: {name: single-path, split: op_0}\n",
        "7: spec.strategy.split: Unknown decision 'op_0'; valid: op_0_1, op_0_2, op_0_3, op_1_2, op_1_3, op_2_3. Did you mean "
        "'op_0_3'?",
    ),
    "a guard that does not know what is too many": (
        HEAD.replace("chain", "nas-bench-201") + "  strategy: {name: darts, stop_at_skips: true}\n",
        "7: spec.strategy: `stop_at_skips` is set, but not `max_skips`, which says how many skips are too many; give both.",
    ),
    "a cost of nothing": (
        HEAD.replace("chain", "nas-bench-201") + "  strategy: {name: proxyless, cost: {}}\n",
        "7: spec.strategy.cost: `cost` must have one of `flops` and `latency_s`, with its weight, as in `cost: {flops: 0.1}`.",
    ),
    "a stopper without curves": (
        HEAD.replace("  data: {name: digits}\n", "")
        + "  estimation: {name: table, path: t.csv, metrics: {accuracy: a}}\n  stopping: {name: median}\n",
        "7: spec.stopping: the estimator 'table' has no learning curves here, so there is nothing to stop by; leave it out.",
    ),
    "a stopper of what has no curve": (
        f"{HEAD}  objectives: [{{metric: flops, goal: minimize}}]\n  stopping: {{name: median}}\n",
        "8: spec.stopping: the first objective is flops, which has no learning curve; put one first that has: accuracy or loss.",
    ),
    "a stopper of one goal among several": (
        f"{HEAD}  objectives: [{{metric: loss, goal: minimize}}, {{metric: flops, goal: minimize}}]\n  stopping: {{name: svr}}\n",
        "8: spec.stopping: loss and flops have goals, but a stopper looks at loss alone, and would stop what is best in others; "
        "give those a `limit` in place of a `goal`, or leave `stopping` out.",
    ),
    "a stopper that comes too late": (
        f"{HEAD}  estimation: {{epochs: 3}}\n  stopping: {{name: median, grace: 3}}\n",
        "8: spec.stopping.grace: every trial gets 3 of 3 epochs, which leaves nothing to stop; take more `estimation.epochs`, or "
        "leave `stopping` out.",
    ),
    "not finite": (
        f"{HEAD}  training: {{learning_rate: .inf}}\n",
        "7: spec.training.learning_rate: got inf, but must be a finite number.",
    ),
    "fraction for a whole number": (
        f"{HEAD}  budget: {{trials: 4.0}}\n",
        "7: spec.budget.trials: got 4.0, but must be a whole number.",
    ),
    "only limits": (
        f"{HEAD}  objectives: [{{metric: n_params, limit: 5}}]\n",
        "7: spec.objectives: no item has a `goal`, but at least one must; limits alone leave nothing to search for.",
    ),
    "metric twice": (
        f"{HEAD}  objectives: [{{metric: accuracy, goal: maximize}}, {{metric: accuracy, limit: 0.5}}]\n",
        "7: spec.objectives: the list has accuracy twice; put goal and limit of a metric into one item.",
    ),
    "more rounds than trials": (
        f"{HEAD}  budget: {{trials: 4, rounds: 5}}\n",
        "7: spec.budget: `rounds` is 5, but must be at most `trials`, which is 4.",
    ),
    "rounds of nobody knows how many trials": (
        f"{HEAD}  budget: {{trainings: 40, rounds: 5}}\n",
        "7: spec.budget: `rounds` is 5, but there are no `trials` to divide among them, only `trainings`, of which nobody knows "
        "how many trials they are; give `trials` as well, or leave `rounds` out.",
    ),
    "too many tasks": (
        f"{HEAD}  budget: {{trials: 400, rounds: 100}}\n  resources: {{pods: 3}}\n  cluster: {{engine: kfp}}\n",
        # 100 x (530 + 3 x 645)
        "4: spec: 100 rounds (`budget.rounds`) of 3 pods (`resources.pods`) are 246500 bytes, but Kubeflow Pipelines takes at "
        "most 124500; leave `budget.rounds` out, or take fewer of them, or fewer pods with more `resources.workers`.",
    ),
    "too many tasks for anybody": (
        f"{HEAD}  budget: {{trials: 400, rounds: 100}}\n  resources: {{pods: 4}}\n",
        "4: spec: 100 rounds (`budget.rounds`) of 4 pods (`resources.pods`) are 400 estimate tasks, but a pipeline holds at "
        "most 300; leave `budget.rounds` out, or take fewer of them, or fewer pods with more `resources.workers`.",
    ),
    "settings of a strategy that do not fit together": (
        f"{HEAD}  strategy: {{name: evolution, population: 3, sample: 5}}\n",
        "7: spec.strategy: `sample` is 5, but must be at most `population`, which is 3.",
    ),
    "settings of a space that do not fit together": (
        HEAD.replace("{name: chain}", "{name: chain, layers: {min: 3, max: 2}}"),
        "6: spec.space.layers: `max` is 2, but must be at least `min`, which is 3.",
    ),
    "kernel without a middle": (
        HEAD.replace("{name: chain}", "{name: chain, kernels: [3, 4]}"),
        "6: spec.space.kernels[1]: the kernel size is 4, but must be odd, as a kernel is centred on a pixel; take 3 or 5.",
    ),
}
"""Files with a mistake that no JSON schema expresses: to it, 4.0 is a whole number."""


def mistakes(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_every_example_is_valid_for_us_and_for_the_schema(path: Path) -> None:
    assert load(path).name
    VALIDATOR.validate(yaml.safe_load(path.read_text()))


def test_a_byte_order_mark_and_the_line_ends_of_windows_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TEMPLATE.replace("\n", "\r\n").encode())
    assert load(path).identity() == parse(TEMPLATE).identity()


@pytest.mark.parametrize(
    "text", ["", "spec:\n", "data: {name: digits}\nspace: {name: chain}\n", "spec: {space: {filters: [8]}}\n"]
)
def test_what_is_missing_is_not_said_to_be_unknown(text: str) -> None:
    with pytest.raises(SpecError) as raised:
        parse(f"apiVersion: archsmith.dev/v1alpha1\nkind: Search\nmetadata: {{name: s}}\n{text}")
    assert "auto" not in str(raised.value)
    assert "missing" in str(raised.value) or "must be a mapping" in str(raised.value)


def test_a_population_may_be_larger_than_any_history() -> None:
    search = parse(f"{HEAD}  strategy: {{name: evolution, population: 1{'0' * 30}}}\n")
    assert len(search.strategy().ask(History(), 1, search.rng(0))) == 1


def test_there_are_examples() -> None:
    assert EXAMPLES


def test_the_template_is_valid_for_us_and_for_the_schema() -> None:
    assert parse(TEMPLATE).name == "my-search"
    VALIDATOR.validate(yaml.safe_load(TEMPLATE))


def test_what_the_template_has_commented_out_is_valid_too() -> None:
    lines = [line.replace("# ", "", 1) if line.lstrip().startswith(("# augment", "# minutes", "# gpu", "# fallback")) else line
             for line in TEMPLATE.splitlines()]  # fmt: skip
    search = parse("\n".join(lines))
    assert search.spec.training.augment == ("flip", "crop", "cutout")
    assert (search.spec.budget.minutes, search.spec.resources.gpu, search.spec.resources.fallback) == (30, 1, "cpu")


def test_the_shortest_file_has_a_default_for_all_the_rest() -> None:
    search = parse(HEAD)
    VALIDATOR.validate(yaml.safe_load(HEAD))
    assert (search.spec.strategy.name, search.spec.estimation.name) == ("evolution", "train")
    assert search.estimation.fidelity == Fidelity(epochs=5)
    assert [(o.metric, o.goal) for o in search.spec.objectives] == [("accuracy", "maximize")]


def test_an_estimation_without_a_name_trains() -> None:
    text = f"{HEAD}  estimation: {{epochs: 7, width: 0.5}}\n"
    VALIDATOR.validate(yaml.safe_load(text))
    assert parse(text).estimation.fidelity == Fidelity(epochs=7, width=0.5)


@pytest.mark.parametrize(("text", "said"), [*WRONG.values(), *BEYOND.values()], ids=[*WRONG, *BEYOND])
def test_a_mistake_is_shown_with_its_line_its_key_what_is_there_and_what_is_valid(text: str, said: str) -> None:
    assert mistakes(text) == f"search.yaml:{said}"


@pytest.mark.parametrize("text", [text for text, _ in WRONG.values()], ids=WRONG)
def test_the_schema_refuses_it_too(text: str) -> None:
    assert list(VALIDATOR.iter_errors(_with_text_keys(yaml.safe_load(text))))


def test_all_mistakes_are_shown_at_once_in_the_order_of_the_file() -> None:
    text = f"{HEAD}  seed: -1\n  budget: {{trials: 0, rounds: x}}\n  retrain: {{epoch: 3}}\n"
    assert [line.partition(": ")[0] for line in mistakes(text).splitlines()] == [f"search.yaml:{n}" for n in (7, 8, 8, 9)]
    both = f"{HEAD}  strategy: {{name: evolution, sample: x}}\n  seed: x\n  estimation: nothing\n"
    assert [line.split(":")[1] for line in mistakes(both).splitlines()] == ["7", "8", "9"]
    several = HEAD.replace("chain", "chian") + "  strategy: {name: evolve}\n  estimation: {name: x}\n"
    assert [line.split(":")[1] for line in mistakes(several).splitlines()] == ["6", "7", "8"]


def test_the_file_is_named_in_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"{HEAD}  seed: x\n")
    with pytest.raises(SpecError, match=rf"^{path}:7: spec\.seed: got 'x', but must be a whole number\.$"):
        load(path)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    for make, reason in (
        (lambda p: None, "No such file or directory"),
        (lambda p: p.mkdir(), "Is a directory"),
        (lambda p: p.write_bytes(b"\xff\xfe\x00"), "it is not UTF-8 text"),
    ):
        path = tmp_path / reason.replace(" ", "-")
        make(path)
        with pytest.raises(SpecError) as caught:
            load(path)
        assert str(caught.value) == (
            f"The search file {str(path)!r} can't be read: {reason}. `archsmith init` writes one to start from."
        )


def test_small_numbers_may_be_written_as_people_do() -> None:
    search = parse(f"{HEAD}  training: {{learning_rate: 1e-3, weight_decay: 5E-4}}\n")
    assert (search.spec.training.learning_rate, search.spec.training.weight_decay) == (0.001, 0.0005)


def test_a_limit_alone_is_fine_beside_a_goal() -> None:
    objectives = "[{metric: accuracy, goal: maximize, limit: 0.5}, {metric: n_params, limit: 5e4}]"
    search = parse(f"{HEAD}  objectives: {objectives}\n")
    assert [o.limit for o in search.spec.objectives] == [0.5, 50000.0]


@pytest.mark.parametrize(
    "change",
    [
        "budget: {trials: 99, rounds: 9, minutes: 5}",
        "resources: {workers: 2}",
        "retrain: {epochs: 3}",
        "baseline: none",
        "storage: {uri: /elsewhere}",
        "tracking: {enabled: false}",
        "# a comment",
        "seed: 0",
        "strategy: {name: evolution, population: 20}",
        "estimation: {name: train, epochs: 5}",
        "objectives: [{goal: maximize, metric: accuracy}]",
    ],
)
def test_a_search_goes_on_with_what_does_not_change_the_meaning_of_a_trial(change: str) -> None:
    assert parse(f"{HEAD}  {change}\n").differences(parse(HEAD)) == []


def test_a_search_has_references_where_its_winner_is_trained_and_nobody_says_otherwise() -> None:
    table = "  estimation: {name: table, path: t.csv, metrics: {accuracy: a}}"
    looked_up = f"{HEAD.replace('  data: {name: digits}', '  seed: 0')}{table}"
    assert parse(HEAD).has_references
    assert not parse(f"{HEAD}  baseline: none\n").has_references
    assert not parse(looked_up).has_references


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("space: {name: chain, filters: [8]}", "spec.space.filters: [8] here, [16, 32, 64, 96] there"),
        ("space: {name: chain, layers: {min: 3, max: 6}}", "spec.space.layers.min: 3 here, 2 there"),
        ("data: {name: digits, validation: 0.3}", "spec.data.validation: 0.3 here, 0.2 there"),
        ("strategy: {name: evolution, population: 8}", "spec.strategy.population: 8 here, 20 there"),
        ("estimation: {epochs: 6}", "spec.estimation.epochs: 6 here, 5 there"),
        ("training: {batch_size: 64}", "spec.training.batch_size: 64 here, 128 there"),
        ("seed: 1", "spec.seed: 1 here, 0 there"),
        (
            "stopping: {name: median}",
            "spec.stopping: {'name': 'median', 'grace': 1, 'after': 10, 'refit': 1, 'spared': 0.1} here, None there",
        ),
    ],
)
def test_a_change_of_the_search_itself_is_named(change: str, difference: str) -> None:
    section = change.partition(":")[0]
    kept = "".join(line for line in HEAD.splitlines(keepends=True) if not line.startswith(f"  {section}:"))
    assert parse(f"{kept}  {change}\n").differences(parse(HEAD)) == [difference]


def test_another_strategy_differs_in_its_name_and_its_settings() -> None:
    differences = parse(f"{HEAD}  strategy: {{name: random}}\n").differences(parse(HEAD))
    assert differences[0] == "spec.strategy.name: 'random' here, 'evolution' there"
    assert {d.partition(":")[0] for d in differences[1:]} == {"spec.strategy.inherit", "spec.strategy.population"}


def test_a_stopper_may_not_come_or_go_in_a_search_that_has_begun() -> None:
    stopping = parse(f"{HEAD}  stopping: {{name: median}}\n")
    assert [d.partition(":")[0] for d in stopping.differences(parse(HEAD))] == ["spec.stopping"]
    assert [d.partition(":")[0] for d in parse(HEAD).differences(stopping)] == ["spec.stopping"]
    assert stopping.differences(parse(f"{HEAD}  stopping: {{name: median, grace: 1}}\n")) == []


def test_a_round_has_the_same_randomness_in_every_process_and_its_own() -> None:
    search, again = parse(HEAD), parse(HEAD)
    assert search.rng(3).random() == again.rng(3).random()
    drawn = {search.rng(r).random() for r in range(50)} | {parse(f"{HEAD}  seed: 1\n").rng(r).random() for r in range(50)}
    assert len(drawn) == 100


def test_an_architecture_is_described_by_its_decisions() -> None:
    search = parse(HEAD)
    architecture = next(search.space.enumerate())
    words = dict(word.split("=") for word in search.describe(architecture).split())
    assert words == {name: str(choice) for name, choice in search.space.assignment(architecture).items()}


def test_the_schema_is_one_and_describes_every_key() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["title"] == "Search"
    definitions = schema()["$defs"].values()
    keys = [(name, key) for part in definitions for name, key in part.get("properties", {}).items()]
    assert [name for name, key in keys if not key.get("description") and "const" not in key] == []


def test_the_schema_knows_the_metrics() -> None:
    assert schema()["$defs"]["Objective"]["properties"]["metric"]["examples"] == sorted(METRICS)


def test_every_default_of_the_schema_is_valid() -> None:
    whole = parse(HEAD).object.model_dump(mode="json")
    for section in ("space", "strategy", "estimation"):
        assert set(whole["spec"][section]) == {"name"}
    VALIDATOR.validate(_without_nothing(whole))
    assert SearchObject.model_validate(whole, strict=False) == parse(HEAD).object


def _with_text_keys(value: Any) -> Any:
    """Return a document as JSON would hold it."""
    if isinstance(value, dict):
        return {str(key): _with_text_keys(inner) for key, inner in value.items()}
    return [_with_text_keys(inner) for inner in value] if isinstance(value, list) else value


def _without_nothing(value: Any) -> Any:
    """Leave out the keys whose value is None, as they are optional."""
    if isinstance(value, dict):
        return {key: _without_nothing(inner) for key, inner in value.items() if inner is not None}
    return [_without_nothing(inner) for inner in value] if isinstance(value, list) else value


def test_a_search_knows_the_folder_of_its_file_which_is_no_part_of_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    here, there = load(tiny(tmp_path)), load(tiny(tmp_path / "a"))
    assert (here.beside, there.beside) == (tmp_path, tmp_path / "a")
    assert here == there
    assert here.differences(there) == []


def test_rungs_at_which_a_table_has_nothing_are_refused_with_what_is_missing_and_what_is_there() -> None:
    def file(columns: str) -> str:
        return (
            f"{HEAD.replace('data: {name: digits}', 'strategy: {name: hyperband}')}  estimation: {{name: table, path: t.csv, "
            f"epochs: 27, {columns}}}\n"
        )

    parse(file("curve: {accuracy: 'a_{epoch}'}"))
    rungs = ", ".join(f"{{epochs: {e}, metrics: {{accuracy: a_{e}}}}}" for e in (1, 9))
    with pytest.raises(
        SpecError, match=r"spec\.estimation: trials are to be of 3 epochs, of which .*; it has 27 epochs; 1 epoch; 9"
    ):
        parse(file(f"metrics: {{accuracy: a}}, fidelities: [{rungs}]"))


@pytest.mark.parametrize(
    ("strategy", "budget", "trainings", "trials"),
    [
        ("evolution", "{}", 40, 40),
        ("evolution", "{trainings: 2.5}", 3, math.inf),
        ("evolution", "{trials: 20, trainings: 3}", 3, 20),
        ("hyperband", "{}", 40, math.inf),
        ("hyperband", "{trials: 30}", 30, 30),
        ("hyperband", "{trials: 30, trainings: 2}", 2, 30),
    ],
)
def test_a_strategy_is_told_what_of_its_budget_is_reached_first(
    strategy: str, budget: str, trainings: int, trials: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = parse(f"{HEAD}  strategy: {{name: {strategy}}}\n  estimation: {{epochs: 9}}\n  budget: {budget}\n")
    monkeypatch.setattr(type(search.strategy_config), "build", lambda _, problem: problem)
    problem: Any = search.strategy()
    assert (problem.budget, problem.trials) == (trainings, trials)
