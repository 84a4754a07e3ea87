"""Trees of branches: their notation, how channels are shared, and which of them are the same network."""

from itertools import product

import pytest

from archsmith.spaces.trees.tree import LEAF, Branch, Tree, at, put, read, shares, simplified, written


def edge(operation: str, tree: Tree = LEAF) -> Branch:
    return Branch(operation, tree)


def test_the_notation_has_an_arrow_for_what_follows_and_brackets_for_branches() -> None:
    inner = Tree((edge("max_pool_3x3"), edge("identity", Tree((edge("conv_1x1"),)))), "split", "concat")
    tree = Tree((edge("conv_3x3"), edge("sep_conv_5x5", inner)))
    assert written(tree) == "add(conv_3x3,sep_conv_5x5>split-concat(max_pool_3x3,identity>conv_1x1))"
    assert read(written(tree)) == tree
    assert written(Tree((edge("conv_3x3"),))) == "conv_3x3"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "ends too early"),
        ("conv_1x1>", "ends too early"),
        ("add(conv_1x1,conv_3x3", "ends too early"),
        ("add(conv_1x1)", r"goes wrong at '\)'"),
        ("add", "ends too early"),
        ("concat(add,conv_1x1)", "goes wrong at 'add'"),
        ("conv_1x1,conv_1x1", "goes wrong at ','"),
        ("add(conv_1x1,conv_1x1))", r"goes wrong at '\)'"),
        ("conv_1x1>>conv_1x1", "goes wrong at '>'"),
    ],
)
def test_what_is_no_tree_is_refused_with_the_place_where_it_goes_wrong(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        read(text)


def test_channels_are_shared_as_evenly_as_they_can_be_and_each_branch_has_one() -> None:
    for n, parts in product(range(1, 20), range(1, 6)):
        if n < parts:
            with pytest.raises(ValueError, match="as each needs one"):
                shares(n, parts)
        else:
            given = shares(n, parts)
            assert (sum(given), len(given)) == (n, parts)
            assert max(given) - min(given) <= 1
            assert given == sorted(given, reverse=True)


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("identity>identity>identity", "identity"),
        ("identity>conv_1x1", "conv_1x1"),
        ("conv_1x1>identity>conv_3x3", "conv_1x1>conv_3x3"),
        ("conv_3x3>identity", "conv_3x3"),
        ("identity>add(conv_3x3,conv_1x1)", "add(conv_1x1,conv_3x3)"),
        ("add(identity>conv_3x3,conv_1x1>identity)", "add(conv_1x1,conv_3x3)"),
        ("add(identity,identity)", "add(identity,identity)"),
        ("split-concat(identity>conv_3x3,conv_1x1)", "split-concat(conv_3x3,conv_1x1)"),
        # A convolution takes the place of an identity that changes the number of channels.
        ("concat(identity>conv_3x3,conv_1x1)", "concat(identity>conv_3x3,conv_1x1)"),
        ("split-add(identity>conv_3x3,conv_1x1)", "split-add(identity>conv_3x3,conv_1x1)"),
        ("conv_3x3>split-concat(identity,identity)", "conv_3x3"),
        ("split-concat(max_pool_3x3,max_pool_3x3)", "max_pool_3x3"),
        ("split-concat(identity>max_pool_3x3,max_pool_3x3)", "max_pool_3x3"),
        ("split-concat(max_pool_3x3,avg_pool_3x3)", "split-concat(max_pool_3x3,avg_pool_3x3)"),
        ("split-concat(conv_3x3,conv_3x3)", "split-concat(conv_3x3,conv_3x3)"),
        ("concat(max_pool_3x3,max_pool_3x3)", "concat(max_pool_3x3,max_pool_3x3)"),
        # Others than those that are given the same and are summed have an order.
        ("concat(conv_3x3,conv_1x1)", "concat(conv_3x3,conv_1x1)"),
        ("split-add(conv_3x3,conv_1x1)", "split-add(conv_3x3,conv_1x1)"),
        ("add(conv_3x3>add(max_pool_3x3,conv_1x1),conv_1x1)", "add(conv_1x1,conv_3x3>add(conv_1x1,max_pool_3x3))"),
    ],
)
def test_identities_that_change_nothing_are_left_out_and_what_is_summed_is_sorted(text: str, simple: str) -> None:
    assert written(simplified(read(text))) == simple


def test_a_node_without_two_branches_deals_nothing_out() -> None:
    with pytest.raises(ValueError, match="1 branches deals nothing out"):
        Tree((edge("conv_1x1"),), "split", "concat")


def test_a_node_is_put_at_its_path_and_all_else_stays() -> None:
    tree = read("add(conv_3x3,identity>add(max_pool_3x3,conv_3x3))")
    assert written(put(tree, (2,), read("conv_3x3"))) == "add(conv_3x3,identity>conv_3x3)"
    assert put(tree, (2, 1), at(tree, (2, 1))) == tree
