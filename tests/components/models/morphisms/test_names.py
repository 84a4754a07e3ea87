from archsmith.models.morphisms.names import FREE, SAME, SAME_PLACE, SIBLING, TAKEN, alignments, nearness


def test_a_layer_that_was_put_in_moves_the_numbers_after_it() -> None:
    old, new = [f"layer_{k}.conv" for k in (1, 2)], [f"layer_{k}.conv" for k in (1, 2, 3)]
    found = [[a.in_parent(name) if not a.is_new(name) else "" for name in new] for a in alignments(old, new)]
    assert found == [["", *old], [old[0], "", old[1]], [*old, ""]]


def test_a_layer_that_was_taken_out_moves_them_back() -> None:
    old, new = [f"a.layer_{k}.conv.0" for k in (1, 2, 3)], [f"a.layer_{k}.conv.0" for k in (1, 2)]
    found = [[a.in_parent(name) for name in new] for a in alignments(old, new)]
    assert found == [[old[1], old[2]], [old[0], old[2]], [old[0], old[1]]]


def test_names_stay_where_as_many_are_numbered() -> None:
    assert list(alignments(["layer_1", "dense_1"], ["layer_1", "dense_1"])) == []
    assert list(alignments(["layer_1"], ["layer_1", "layer_2", "layer_3"])) == []


def test_the_same_name_is_nearest_and_the_name_of_another_layer_is_farthest() -> None:
    old_names = {"edge_1.conv_1x1.0", "edge_2.conv_3x3.0", "classifier"}

    def near(old: str, new: str, *claimed: str) -> int:
        return nearness(old, new, old_names, lambda name: name in claimed)

    assert near("classifier", "classifier", "classifier") == SAME
    assert near("edge_1.conv_1x1.0", "edge_1.conv_3x3.0") == SAME_PLACE
    assert near("edge_1.conv_1x1.0", "head.conv") == FREE
    assert near("edge_2.conv_3x3.0", "edge_3.conv_3x3.0", "edge_2.conv_3x3.0") == SIBLING
    assert near("edge_2.conv_3x3.0", "head.conv", "edge_2.conv_3x3.0") == TAKEN
