"""Settings that spaces share."""

import pytest
from pydantic import ValidationError

from archsmith.spaces.settings import Kernel, Options, Range
from archsmith.spec import Config


class Settings(Config):
    sizes: Options[int] = (1,)
    kernels: Options[Kernel] = (3,)
    ranges: tuple[Range, ...] = ()


def test_a_list_of_the_search_file_becomes_a_tuple():
    read = Settings.model_validate({"sizes": [2, 3], "ranges": [{"min": 1, "max": 2}]})
    assert read == Settings(sizes=(2, 3), ranges=(Range(min=1, max=2),))
    assert Settings.model_validate_json('{"sizes": [2, 3]}') == Settings(sizes=(2, 3))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sizes": ["2"]}, "valid integer"),
        ({"sizes": [True]}, "valid integer"),
        ({"sizes": 2}, "valid tuple"),
        ({"sizes": []}, "the list is empty"),
        ({"sizes": [2, 3, 2]}, "the list has 2 twice"),
        ({"kernels": [4]}, "kernel size is 4, but must be odd.*take 3 or 5"),
        ({"ranges": [{"min": 3, "max": 2}]}, "`max` is 2, but must be at least `min`, which is 3"),
        ({"ranges": [{"min": 3, "max": 4, "step": 1}]}, "Extra inputs"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_rule(given, message):
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate(given)


def test_a_range_has_every_number_from_the_fewest_to_the_most():
    assert Range(min=2, max=5).choices == (2, 3, 4, 5)
    assert Range(min=3, max=3).choices == (3,)
