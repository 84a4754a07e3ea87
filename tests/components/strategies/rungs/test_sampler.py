"""The strategy that finds new architectures, as a section in a section."""

import pytest
from pydantic import ValidationError

from archsmith.errors import SpecError
from archsmith.schema import schema
from archsmith.search import parse
from archsmith.strategies.bayesian.bayesian import BayesianConfig
from archsmith.strategies.plain.random import RandomConfig
from archsmith.strategies.rungs.hyperband import HyperbandConfig
from archsmith.strategies.rungs.sampler import Sampler
from archsmith.strategies.samplers import SAMPLERS

FILE = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: nested}
spec:
  data: {name: digits}
  space: {name: chain}
  strategy:
    name: hyperband
    sampler:
      SETTINGS
  estimation: {epochs: 9}
"""


def test_a_sampler_has_the_settings_of_the_strategy_that_it_names():
    assert Sampler().config == RandomConfig()
    config = HyperbandConfig.model_validate({"sampler": {"name": "bayesian", "startup": 4}})
    assert config.sampler.config == BayesianConfig(startup=4)


def test_defaults_that_are_given_are_the_same_search_as_those_that_are_not():
    given = HyperbandConfig.model_validate({"sampler": {"name": "bayesian", "surrogate": "gp"}})
    left_out = HyperbandConfig.model_validate({"sampler": {"name": "bayesian"}})
    assert given.model_dump(mode="json") == left_out.model_dump(mode="json")
    assert HyperbandConfig.model_validate(given.model_dump(mode="json")).sampler.config == given.sampler.config


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            "{name: bayesian, surogate: gp}",
            ["10: spec.strategy.sampler.surogate: unknown key; valid here: scores, startup, surrogate."],
        ),
        ("{name: bayesian, startup: 1}", ["10: spec.strategy.sampler.startup: got 1, but must be >= 2."]),
        ("{name: bayesian, startup: '4'}", ["startup: got '4', but must be a whole number. Remove the quotes."]),
        (
            "{name: bayes}",
            [
                "10: spec.strategy.sampler.name: Unknown sampler 'bayes'; valid: bayesian, evolution,",
                "Did you mean 'bayesian'? A",
            ],
        ),
        (
            "{name: hyperband}",
            ["Unknown sampler 'hyperband'", "tpe. A strategy that has rungs itself can't be one."],
        ),
        ("{name: 3}", ["10: spec.strategy.sampler.name: got 3, but must be text."]),
        ("{start: 3}", ["10: spec.strategy.sampler.start: unknown key; there is nothing to set here."]),
        ("{name: evolution, population: 3, sample: 9}", ["`sample` is 9, but must be at most `population`, which is 3."]),
        ("{name: tournament, inherit: true}", ["sampler: the sampler 'tournament' inherits", "`inherit: false`."]),
    ],
)
def test_a_mistake_in_a_sampler_is_shown_as_those_of_any_section(settings, said):
    with pytest.raises(SpecError) as caught:
        parse(FILE.replace("SETTINGS", settings))
    assert all(text in str(caught.value) for text in said), str(caught.value)


def test_the_json_schema_has_the_settings_of_each_sampler():
    variants = schema()["$defs"]["Sampler"]["oneOf"]
    assert [v["properties"]["name"]["const"] for v in variants] == list(SAMPLERS)
    assert [v["required"] for v in variants if v["properties"]["name"]["const"] in ("random", "ppo")] == [[], ["name"]]
    assert all(v["additionalProperties"] is False for v in variants)


def test_a_sampler_that_is_no_mapping_is_refused():
    with pytest.raises(ValidationError):
        HyperbandConfig.model_validate({"sampler": "bayesian"})
