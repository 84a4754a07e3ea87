"""What holds between the keys of a search file, in CEL: each rule says what `archsmith check` says.

A schema holds each value to its own type and range; these are the rest. `archsmith.spec` has the same rules in Python,
and a test evaluates both on the same files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from archsmith.evaluation import ESTIMATORS
from archsmith.evaluation.table_config import NO_COLUMNS
from archsmith.open_file import EXAMPLE
from archsmith.spec import AUTO, ESTIMATE_BYTES, MOST_BYTES, MOST_TASKS, PROPOSE_BYTES
from archsmith.values.metrics import METRICS

_SELF = re.compile(r"\bself\b")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about one object of a search."""

    expression: str
    """CEL that is true where `self`, the object, keeps the rule."""
    message: str
    """CEL that makes the text for people."""
    field: str = ""
    """The key that the message is about; the whole object where empty."""

    def to_dict(self) -> dict[str, str]:
        """Return the item of `x-kubernetes-validations`."""
        place = {"fieldPath": f".{self.field}"} if self.field else {}
        return {"rule": self.expression, "messageExpression": self.message, **place}

    def at(self, path: str) -> dict[str, str]:
        """Return the validation of an admission policy; `self` is the object at `path` there."""
        begin = f"{path}.{self.field}".rstrip(".")
        place = f"object.{path}"
        return {
            "expression": _SELF.sub(place, self.expression),
            "messageExpression": f"'{begin}: ' + {_SELF.sub(place, self.message)}",
        }


_METRICS = sorted(METRICS)
_NEED_IMAGES = [name for name, config in ESTIMATORS.items() if config.needs_images]


_TRIALS = "(has(self.trials) ? self.trials : 40)"
_ROUNDS = "self.budget.rounds"
_KNOWN = (
    f"o.metric in {_METRICS} || (self.estimation.name == 'table' && ((has(self.estimation.metrics) && "
    "o.metric in self.estimation.metrics) || (has(self.estimation.curve) && o.metric in self.estimation.curve))) || "
    "(self.estimation.name == 'zero-cost' && has(self.estimation.score) && o.metric == self.estimation.score) || "
    f"!(self.estimation.name in {sorted(ESTIMATORS)})"
)

_TASKS = f"{_ROUNDS} * self.resources.pods"
_BYTES = f"{_ROUNDS} * ({PROPOSE_BYTES} + {ESTIMATE_BYTES} * self.resources.pods)"
_SIZE = f"string({_ROUNDS}) + ' rounds (`budget.rounds`) of ' + string(self.resources.pods) + ' pods (`resources.pods`) are '"
_SMALLER = "leave `budget.rounds` out, or take fewer of them, or fewer pods with more `resources.workers`.'"

RULES: Mapping[str, tuple[Rule, ...]] = {
    "DataSpec": (
        Rule(
            "!(self.name in ['npz', 'folder']) || has(self.path)",
            '"`path` is missing, but \'" + self.name + "\' needs it; give a local path or an s3:// URI."',
        ),
    ),
    "Objective": (
        Rule(
            "has(self.goal) || has(self.limit)",
            '"the metric \'" + self.metric + "\' has neither `goal` nor `limit`; give it one of them, or both."',
        ),
        Rule(
            f"has(self.goal) || !has(self.limit) || self.metric in {_METRICS}",
            '"the metric \'" + self.metric + "\' is your own, so `goal` must say which way is better: maximize or minimize."',
        ),
    ),
    "SearchSpec": (
        Rule(
            "self.objectives.exists(o, has(o.goal))",
            "'no item has a `goal`, but at least one must; limits alone leave nothing to search for.'",
            "objectives",
        ),
        Rule(
            f"has(self.data) || !(self.estimation.name in {_NEED_IMAGES})",
            '"the key is missing, but the estimator \'" + self.estimation.name + "\' needs images; '
            'name a data set, as in `data: {name: digits}`."',
            "data",
        ),
        Rule(
            f"self.space.name != '{AUTO}' || (has(self.budget) && has(self.budget.minutes))",
            f"'without a space, everything is chosen for the time that there is; name a space, or the time, as in {EXAMPLE}.'",
            "budget",
        ),
        Rule(
            "self.estimation.name != 'table' || has(self.estimation.metrics) || has(self.estimation.curve)",
            f"'{NO_COLUMNS}.'",
            "estimation",
        ),
    ),
}
"""The rules of the schema by the name of the model that they belong to; its objects get their defaults first."""

POLICY_RULES: Mapping[str, tuple[Rule, ...]] = {
    "spec.cluster": (
        Rule(
            "self.tolerations.all(t, has(t.key) || t.operator == 'Exists')",
            "'`key` is missing, but `operator: Equal` needs one; give it, or `operator: Exists` for all taints.'",
            "tolerations",
        ),
        Rule(
            "self.tolerations.all(t, !has(t.value) || t.operator != 'Exists')",
            "\"`value` is '\" + self.tolerations.filter(t, has(t.value) && t.operator == 'Exists')[0].value"
            ' + "\', but `operator: Exists` takes none; leave one of them out."',
            "tolerations",
        ),
    ),
    "spec.budget": (
        Rule(
            "!has(self.rounds) || has(self.trials) || !has(self.trainings)",
            "'`rounds` is ' + string(self.rounds) + ', but there are no `trials` to divide among them, only `trainings`, of "
            "which nobody knows how many trials they are; give `trials` as well, or leave `rounds` out.'",
        ),
        Rule(
            f"!has(self.rounds) || self.rounds <= {_TRIALS}",
            f"'`rounds` is ' + string(self.rounds) + ', but must be at most `trials`, which is ' + string({_TRIALS}) + '.'",
        ),
    ),
    "spec": (
        Rule(
            f"self.objectives.all(o, {_KNOWN})",
            f"'Unknown metric ' + self.objectives.filter(o, !({_KNOWN}))[0].metric + '; valid: {', '.join(_METRICS)}, "
            "a metric of your own that a table has, or the score of zero-cost.'",
            "objectives",
        ),
        Rule(
            "self.objectives.all(a, self.objectives.exists_one(b, b.metric == a.metric))",
            "'the list has ' + self.objectives.filter(a, !self.objectives.exists_one(b, b.metric == a.metric))[0].metric"
            " + ' twice; put goal and limit of a metric into one item.'",
            "objectives",
        ),
        Rule(
            f"!has({_ROUNDS}) || {_TASKS} <= {MOST_TASKS}",
            f"{_SIZE} + string({_TASKS}) + ' estimate tasks, but a pipeline holds at most {MOST_TASKS}; {_SMALLER}",
        ),
        Rule(
            f"!has({_ROUNDS}) || self.cluster.engine != 'kfp' || {_TASKS} > {MOST_TASKS} || {_BYTES} <= {MOST_BYTES}",
            f"{_SIZE} + string({_BYTES}) + ' bytes, but Kubeflow Pipelines takes at most {MOST_BYTES}; {_SMALLER}",
        ),
        Rule(
            "self.retrain.front == 1 || self.objectives.filter(o, has(o.goal)).size() > 1",
            "'`retrain.front` is ' + string(self.retrain.front) + ', but only one objective has a `goal`, and then the front is "
            "the winner alone; give another one a `goal`, or leave `retrain.front` out.'",
        ),
        Rule(
            "has(self.data) || (self.retrain.front == 1 && !has(self.retrain.trial))",
            "'`retrain` names what to train in full, but there is no `data` to train on; leave it out.'",
        ),
    ),
}
"""The rules of the admission policy by the path of their object.

Their texts say numbers and choices, whose length Kubernetes can't bound: in a schema they would exceed what it lets rules cost.
"""
