"""A user's own space, as it is written in the search file."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from archsmith.errors import SpecError
from archsmith.search import load, parse
from archsmith.spaces.blocks.layers import LAYERS
from archsmith.spaces.blocks.yaml_space import YamlConfig, YamlSpace
from archsmith.testing.spaces import SpaceConformance
from archsmith.values import Choice

EXAMPLE = Path(__file__).parents[4] / "examples" / "own-space.yaml"

HEAD = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: own}
spec:
  data: {name: digits}
  space:
    name: yaml
    decisions:
      - {name: op, choices: [conv, maxpool]}
      - {name: kernel, choices: [3, 5], when: {op: [conv]}}
      - {name: wide, choices: [true, false]}
    network:
      - {op: conv, filters: 8}
      - {when: {op: [conv]}, blocks: [{op: $op, filters: 8, kernel: $kernel}]}
      - {when: {op: [maxpool], wide: [true]}, blocks: [{op: $op}]}
"""
"""A valid file of a space with 6 architectures; what a test adds to the network begins in line 16."""

EVERY = ", ".join(sorted(LAYERS))


def small() -> YamlSpace:
    space = parse(HEAD).space
    assert isinstance(space, YamlSpace)
    return space


class TestSmallOwnSpace(SpaceConformance):
    @pytest.fixture
    def space(self) -> YamlSpace:
        return small()


class TestExampleOfAnOwnSpace(SpaceConformance):
    @pytest.fixture
    def space(self) -> Any:
        return load(EXAMPLE).space


def test_the_size_is_that_of_the_closed_form() -> None:
    assert small().size() == (2 + 1) * 2
    context, training = 1 + 2 + 2, 2 * 2
    assert load(EXAMPLE).space.size() == 2 * (2 + 2 + 1) * 4 * 2 * context * 3 * training


@pytest.mark.parametrize("space", [small(), load(EXAMPLE).space], ids=["small", "example"])
def test_one_architecture_stands_for_all_whose_layers_and_training_are_the_same(space: YamlSpace) -> None:
    networks: dict[str, set[str]] = {}
    for architecture in space.enumerate():
        training = [c for d, c in zip(space.decisions, architecture.choices, strict=True) if d.name.startswith("training.")]
        canonical = space.canonical(architecture)
        assert space.steps(canonical) == space.steps(architecture)
        networks.setdefault(f"{space.steps(architecture)}{training}", set()).add(canonical.id)
    assert all(len(ids) == 1 for ids in networks.values())
    assert len(networks) < space.size()


def test_the_graph_shows_the_layers_and_what_joins_them() -> None:
    space = load(EXAMPLE).space
    text = (
        "stem=16 op=mbconv kernel=5 depth=1 attention=True context=pooled join=sum units=64 "
        "training.learning_rate=0.1 training.augment=none"
    )
    graph = space.graph(space.from_text(text))
    assert [node.label for node in graph.nodes] == [
        "image", "conv 3x3, 16, /2", "mbconv 5x5, expand 6, 32", "se", "sum", "conv 3x3, 32", "avgpool 3x3", "sum",
        "global average pool", "dense 64", "classifier",
    ]  # fmt: skip
    labels = {node.id: k for k, node in enumerate(graph.nodes)}
    edges = sorted((labels[e.source], labels[e.target]) for e in graph.edges)
    assert edges == [(0, 1), (1, 2), (1, 4), (2, 3), (3, 4), (4, 5), (4, 6), (5, 7), (6, 7), (7, 8), (8, 9), (9, 10)]


WRONG: dict[str, tuple[str, str]] = {
    "an unknown layer": (
        "{op: conf, filters: 8}",
        f"network[3].op: Unknown layer 'conf'; valid: {EVERY}. Did you mean 'conv'?",
    ),
    "an unknown key": (
        "{op: conv, fliters: 8}",
        "network[3].fliters: unknown key; valid here: blocks, branches, dilation, expansion, filters, join, kernel, op, repeat, "
        "residual, se, stride, units, when. Did you mean `filters`?",
    ),
    "a setting of another layer": (
        "{op: conv, filters: 8, units: 3}",
        "network[3].units: conv has no setting `units`; valid: filters, kernel, stride.",
    ),
    "a setting that is missing": (
        "{op: conv}",
        "network[3]: `filters` is missing, but 'conv' needs it; give a whole number from 1 to 65536, or a decision such as "
        "`$filters`.",
    ),
    "a constant that does not fit": (
        "{op: conv, filters: 8, kernel: 4}",
        "network[3].kernel: got 4, but must be an odd whole number from 1 to 31.",
    ),
    "a text for a number": (
        "{op: conv, filters: many}",
        "network[3].filters: got 'many', but must be a whole number from 1 to 65536.",
    ),
    "true for a number": (
        "{op: conv, filters: true}",
        "network[3].filters: got true, but must be a whole number or text.",
    ),
    "an unknown decision": (
        "{op: conv, filters: $widee}",
        "network[3].filters: Unknown decision 'widee'; valid: kernel, op, wide. Did you mean 'wide'?",
    ),
    "choices that do not fit": (
        "{op: conv, filters: $wide}",
        "network[3].filters: `$wide` may be True here, but must be a whole number from 1 to 65536.",
    ),
    "texts for a number of filters": (
        "{op: conv, filters: $op}",
        "network[3].filters: `$op` may be 'conv' here, but must be a whole number from 1 to 65536.",
    ),
    "a decision that may be inactive": (
        "{op: conv, filters: $kernel}",
        "network[3].filters: `$kernel` may be inactive here: it is active only if `op` is conv; put the block under `when` with "
        "that condition.",
    ),
    "a layer whose decision has choices that need more": (
        "{op: $op, kernel: 3}",
        "network[3]: `filters` is missing, but 'conv' needs it; give a whole number from 1 to 65536, or a decision such as "
        "`$filters`.",
    ),
    "two kinds of block in one": (
        "{op: relu, repeat: 2}",
        "network[3]: a block has exactly one of `op`, `repeat`, `residual`, `branches`, `when`, but this one has `op` and "
        "`repeat`; put one into the `blocks` of the other.",
    ),
    "a block of nothing": (
        "{}",
        "network[3]: a block has exactly one of `op`, `repeat`, `residual`, `branches`, `when`, but this one has none of them.",
    ),
    "nothing to repeat": (
        "{repeat: 2}",
        "network[3]: `blocks` is missing, but must say what `repeat` is about.",
    ),
    "too many times": (
        "{repeat: 101, blocks: [{op: relu}]}",
        "network[3].repeat: got 101, but must be a whole number from 0 to 100.",
    ),
    "a key of another kind of block": (
        "{residual: [{op: relu}], join: sum}",
        "network[3].join: `join` does not go along with `residual`; valid here: residual.",
    ),
    "one branch": (
        "{branches: [[{op: relu}]]}",
        "network[3].branches: the list has 1 branches, but needs at least 2; `[]` hands the input on.",
    ),
    "an unknown join": (
        "{branches: [[{op: relu}], []], join: mean}",
        "network[3].join: got 'mean', but must be `sum` or `concat`.",
    ),
    "a mistake deep inside": (
        "{repeat: 2, blocks: [{branches: [[], [{residual: [{op: dens}]}]]}]}",
        f"network[3].blocks[0].branches[1][0].residual[0].op: Unknown layer 'dens'; valid: {EVERY}. Did you mean 'dense'?",
    ),
    "a condition on an unknown choice": (
        "{when: {op: [convv]}, blocks: [{op: relu}]}",
        "network[3].when.op[0]: `op`: Unknown choice 'convv'; valid: conv, maxpool. Did you mean 'conv'?",
    ),
    "a condition that never holds": (
        "{when: {op: [maxpool]}, blocks: [{when: {kernel: [3]}, blocks: [{op: relu}]}]}",
        "network[3].blocks[0].when: these blocks are never there, as the condition contradicts those around it or of its "
        "decisions.",
    ),
    "a dense layer among images": (
        "{residual: [{op: dense, units: 8}]}",
        "network[3].residual[0].op: a dense layer leaves no image to be joined; put it at the end of the network.",
    ),
    "an image after a dense layer": (
        "{repeat: 2, blocks: [{op: conv, filters: 8}, {op: dense, units: 8}]}",
        "network[3]: 'conv' takes an image, but comes with or after a dense layer, which leaves none; put it before that.",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_in_the_network_is_shown_with_its_line_its_path_and_what_would_be_valid(wrong: str) -> None:
    block, said = WRONG[wrong]
    with pytest.raises(SpecError) as caught:
        parse(f"{HEAD}      - {block}\n")
    assert f"search.yaml:16: spec.space.{said}" in str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "name: wide",
            "name: op",
            "11: spec.space.decisions[2].name: there is a decision `op` already, but names must be unique.",
        ),
        ("name: wide", "name: w-1", "11: spec.space.decisions[2].name: got 'w-1'; String should match pattern"),
        (
            "{op: [conv]}}\n",
            "{wide: [true]}}\n",
            "10: spec.space.decisions[1].when.wide: `wide` does not come before this",
        ),
        (
            "{op: [conv]}}\n",
            "{op: [cnv]}}\n",
            "10: spec.space.decisions[1].when.op[0]: `op`: Unknown choice 'cnv'; valid: conv, maxpool.",
        ),
        ("{op: [conv]}}\n", "{}}\n", "10: spec.space.decisions[1].when: the condition is empty, but must name a decision."),
        ("[true, false]", "[]", "11: spec.space.decisions[2].choices: the list is empty"),
        ("[true, false]", "[1, 1]", "11: spec.space.decisions[2].choices: the list has 1 twice"),
        ("[true, false]", "[1, '1']", "11: spec.space.decisions[2].choices: two choices are written alike, such as 1 and '1'"),
        ("[true, false]", "['a b']", "11: spec.space.decisions[2].choices: the choice 'a b' is empty or has a space"),
        (
            ", wide: [true]",
            "",
            "11: spec.space.decisions[2].name: nothing depends on `wide`; refer to it as `$wide`, or leave it out.",
        ),
    ],
)
def test_a_mistake_in_the_decisions_is_shown_with_its_line(old: str, new: str, said: str) -> None:
    assert old in HEAD
    with pytest.raises(SpecError) as caught:
        parse(HEAD.replace(old, new))
    assert any(line.startswith(f"search.yaml:{said}") for line in str(caught.value).splitlines())


def test_a_space_needs_decisions() -> None:
    with pytest.raises(SpecError, match=r"spec\.space\.decisions: the key is missing"):
        parse(f"{HEAD.partition('    decisions')[0]}")


def without_network(estimation: str = "", data: str = "  data: {name: digits}\n") -> str:
    return HEAD.partition("    network")[0].replace("  data: {name: digits}\n", data) + estimation


LOOKED_UP = "  estimation: {name: table, path: t.csv, metrics: {accuracy: acc}}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (without_network(), "the key is missing, but the estimator 'train' trains networks; only a search over a table"),
        (without_network(LOOKED_UP), "the key is missing, but the winner is trained on `spec.data`; only a search over a table"),
    ],
)
def test_whatever_trains_needs_a_network(text: str, said: str) -> None:
    with pytest.raises(SpecError, match=rf"^search\.yaml:6: spec\.space\.network: {said}"):
        parse(text)


def test_a_space_that_is_only_looked_up_needs_no_network() -> None:
    space = parse(without_network(LOOKED_UP, data="")).space
    assert space.size() == (2 + 1) * 2
    every = list(space.enumerate())
    assert {space.canonical(a) for a in every} == set(every)  # nothing is known of what is the same
    graph = space.graph(space.from_text("op=conv kernel=5 wide=true"))
    assert [node.label for node in graph.nodes] == ["decisions", "op: conv", "kernel: 5", "wide: yes", "looked up in a table"]


def test_what_a_network_tells_is_not_counted_without_one() -> None:
    counted = LOOKED_UP.replace("acc}", "acc}, input_shape: [3, 8, 8], classes: 10")
    limited = counted + "  objectives: [{metric: accuracy, goal: maximize}, {metric: n_params, limit: 9}]\n"
    with pytest.raises(SpecError, match=r"the estimator 'table' does not measure n_params here; it measures: accuracy"):
        parse(without_network(limited, data=""))


class TestOwnSpaceWithoutNetwork(SpaceConformance):
    @pytest.fixture
    def space(self) -> Any:
        return parse(without_network(LOOKED_UP, data="")).space


def test_settings_survive_json() -> None:
    config = load(EXAMPLE).space_config
    assert YamlConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("given", "choices", "ordered"),
    [
        ("choices: [3, 5]", (3, 5), True),
        ("choices: [3, 5], ordered: false", (3, 5), False),
        ("choices: [small, large, huge], ordered: true", ("small", "large", "huge"), True),
        ("choices: [small, large]", ("small", "large"), False),
        ("choices: {min: 3, max: 9, steps: 4}", (3, 5, 7, 9), True),
        ("choices: {min: 0, max: 0.5, steps: 3}", (0.0, 0.25, 0.5), True),
    ],
)
def test_numbers_have_an_order_and_may_be_a_range(given: str, choices: tuple[Choice, ...], ordered: bool) -> None:
    config = YamlConfig.model_validate({"decisions": [yaml.safe_load(f"{{name: a, {given}}}")]})
    (decision,) = config.build().decisions
    assert (decision.choices, decision.ordered) == (choices, ordered)


KIND = [{"name": "head", "choices": ["dense", "conv"]}]
IN_TURN = {"dense": {"op": "dense", "units": 8}, "conv": {"op": "conv", "filters": 8}}


def head(op: str) -> dict[str, Any]:
    return {"when": {"head": [op]}, "blocks": [IN_TURN[op]]}


@pytest.mark.parametrize(
    "network", [[head("dense"), head("conv")], [head("conv"), head("dense")], [{"op": "$head", "filters": 8, "units": 8}]]
)
def test_a_dense_layer_and_an_image_that_are_never_there_together_may_stand_in_any_order(network: list[Any]) -> None:
    space = YamlConfig.model_validate({"decisions": KIND, "network": network}).build()
    assert [len(space.steps(architecture)) for architecture in space.enumerate()] == [1, 1]


@pytest.mark.parametrize(
    "network",
    [
        [head("dense"), {"op": "conv", "filters": 8}],
        [{"op": "dense", "units": 8}, head("conv")],
        [{"repeat": 2, "blocks": [{"op": "conv", "filters": 8}, {"op": "dense", "units": 8}]}],
        [{"op": "$head", "filters": 8, "units": 8}, {"op": "conv", "filters": 8}],
        [head("dense"), {"when": {"head": ["conv"]}, "blocks": [IN_TURN["conv"]]}, {"op": "conv", "filters": 8}],
    ],
)
def test_an_image_after_a_dense_layer_is_refused_wherever_both_are_there(network: list[Any]) -> None:
    with pytest.raises(ValidationError, match="'conv' takes an image, but comes with or after a dense layer"):
        YamlConfig.model_validate({"decisions": KIND, "network": network}).build()


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        (
            [{"name": "a", "choices": [8, 16], "when": {"zz": [1]}}, {"name": "b", "choices": [1, 2], "when": {"a": [8]}}],
            "Unknown decision 'zz'; there is none that could be named here",
        ),
        (
            [{"name": "a", "choices": [8, 16], "when": {"b": [1]}}, {"name": "b", "choices": [1, 2], "when": {"a": [8]}}],
            "`b` does not come before this decision, but a condition names what is listed before; list it earlier",
        ),
        ([{"name": "a", "choices": [8, 16], "when": {"a": [8]}}], "Unknown decision 'a'; there is none that could be named here"),
    ],
)
def test_a_condition_on_what_is_not_listed_before_is_a_mistake_in_its_line(decisions: list[Any], said: str) -> None:
    space = {"name": "yaml", "decisions": decisions, "network": [{"op": "conv", "filters": "$a"}]}
    head = {"apiVersion": "archsmith.dev/v1alpha1", "kind": "Search", "metadata": {"name": "s"}}
    with pytest.raises(SpecError) as raised:
        parse(yaml.safe_dump({**head, "spec": {"data": {"name": "digits"}, "space": space}}))
    assert said in str(raised.value)
    assert "spec.space.decisions[0].when" in str(raised.value)
