"""The search file, as a tree of pydantic models: strict, frozen, and the source of the JSON schema.

The sections `space`, `strategy`, `estimation` and `stopping` belong to whichever algorithm they name; here they
are a name and its settings, and `archsmith.search` checks them against that algorithm's own model.
"""

import math
import re
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from archsmith.spec.cluster_spec import ClusterSpec
from archsmith.spec.objective import Objective
from archsmith.spec.schedule import Cron, Duration
from archsmith.spec.section import Config as Config  # every section of an algorithm stands on it
from archsmith.spec.series import SeriesSpec
from archsmith.values.metrics import METRICS

API_VERSION = "archsmith.dev/v1alpha1"

MOST_OBJECTIVES = 8
"""Objectives of a search; Kubernetes wants a bound for its rules about them."""

MOST = 1_000_000_000
"""Of anything that a budget counts; more is a slip, and would be reckoned with for nothing."""

LEAST_SHARE = 1e-6
"""Of anything that a fidelity scales; less is none, and costs nothing that could be reckoned with."""

MOST_TASKS = 300
"""Estimate tasks of a pipeline; each is a process, or a pod, of its own."""

PROPOSE_BYTES, ESTIMATE_BYTES = 530, 645
"""What a task adds to a pipeline on Kubeflow Pipelines, as Argo counts it: the whole graph is one argument of its first pod."""

MOST_BYTES = 124_500
"""Bytes of all tasks: Argo passes 128 KiB on to a pod; of a longer argument it makes a ConfigMap, which KFP does not let it. The
rest is for the search file, which is in there twice."""

AUTO = "auto"
"""What the space of an open search file is called: everything but the data and the time is chosen by the first step."""

Number = TypeVar("Number", int, float)

NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
TRIAL = r"^[0-9a-f]{12}$"
MEMORY = r"^[1-9][0-9]*(Mi|Gi|M|G)$"


def _is_name(value: str) -> str:
    if not re.fullmatch(NAME, value):
        raise ValueError(
            f"the name is {value!r}, but must be lower case letters, digits and dashes, at most 63 of them, "
            "and begin and end with a letter or digit"
        )
    return value


def _is_memory(value: str) -> str:
    if not re.fullmatch(MEMORY, value):
        raise ValueError(f"the memory is {value!r}, but must be a whole number and one of the units Mi, Gi, M and G, such as 4Gi")
    return value


def _can_be_reckoned_with(value: Number) -> Number:
    if value > MOST:
        raise ValueError(f"the value is {value:.4g}, but must be at most {MOST:,}")
    return value


def _is_a_share(value: float) -> float:
    if value < LEAST_SHARE:
        raise ValueError(f"the value is {value:.4g}, but must be at least {LEAST_SHARE:.6f}")
    return value


Name = Annotated[str, AfterValidator(_is_name), Field(json_schema_extra={"pattern": NAME})]
"""A name as Kubernetes wants it: lower case letters, digits and dashes, at most 63."""

Memory = Annotated[str, AfterValidator(_is_memory), Field(json_schema_extra={"pattern": MEMORY})]
"""An amount of memory, as Kubernetes writes it."""

TrialId = Annotated[str, Field(json_schema_extra={"pattern": TRIAL})]
"""The id of a trial: 12 hexadecimal digits."""

Fraction = Annotated[float, Field(gt=0, le=1), AfterValidator(_is_a_share)]
"""A share, in (0, 1]."""


class Named(BaseModel):
    """A section that belongs to the algorithm it names."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, use_attribute_docstrings=True)

    name: str
    """Which one; `archsmith spaces`, `strategies`, `estimators` and `stoppers` list them."""

    @property
    def settings(self) -> dict[str, Any]:
        """The keys beside the name."""
        return dict(self.model_extra or {})


class NamedEstimation(Named):
    """The section `estimation`, which trains unless it names something else."""

    name: str = "train"
    """Which estimator; `archsmith estimators` lists them."""


class Metadata(Config):
    """What the search is called."""

    name: Name
    """The name of the search, its folder in the store, and its experiment run."""
    namespace: str | None = None
    """The Kubernetes namespace; not used on a laptop."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of the Kubernetes object."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the Kubernetes object."""


class DataSpec(Config):
    """Where the labelled images come from.

    A folder holds a folder a class, as in `cat/1.png` and `dog/1.png`, with sub-folders at will; or a folder a split, called
    `train`, `validation` (or `val`, `valid`) and `test`, each with a folder a class in it. An .npz file holds the arrays `x` and
    `y`, or `x_train`, `y_train` and the like. More of it, and what is read of an image file, is in docs/data.md.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"name": {"enum": ["npz", "folder"]}}, "required": ["name"]},
            "then": {"properties": {"path": {"type": "string"}}, "required": ["path"]},
        }
    )

    name: Literal["digits", "fashion-mnist", "cifar10", "npz", "folder"]
    """`digits` comes with scikit-learn; `npz` is a file of arrays; `folder` has a folder of images a class."""
    path: str | None = None
    """The file or folder, or where the files of a known data set lie: an s3:// URI, or a local path. A relative one begins in the
    working directory, or else beside the search file."""
    download: bool = True
    """Whether a known data set that is not at `path` may be downloaded."""
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the training images that is set aside, by class, to validate with where the data set has none of its own."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share that is set aside to test with where the data set has no test images of its own."""
    image_size: Annotated[int, Field(ge=4, le=1024)] | None = None
    """Height and width in pixels to which every image is resized; as they are where it is left out."""
    clean: bool = False
    """Whether what teaches nothing or too much is left out of training and said: images that are also validation or test images,
    copies, images in several classes at once; and what is an error else: damaged files, classes with too few images. No test
    image of the other classes is left out."""

    @model_validator(mode="after")
    def _has_a_path(self) -> Self:
        if self.name in {"npz", "folder"} and self.path is None:
            raise ValueError(f"`path` is missing, but {self.name!r} needs it; give a local path or an s3:// URI")
        return self


class TrainingSpec(Config):
    """How a network is trained; the same in estimation and in retraining unless `retrain` says otherwise."""

    optimizer: Literal["sgd", "adamw"] = "sgd"
    """`sgd` has Nesterov's momentum."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    """The highest learning rate of the schedule."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of `sgd`."""
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    """Decay of the weights of convolutions and linear layers; not of biases and normalisation."""
    batch_size: Annotated[int, Field(ge=1)] = 128
    """Images a step."""
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle"
    """`one-cycle` warms up over a fifth of the steps and then falls as a cosine (Smith 2018)."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the target spread over all classes (Szegedy 2016)."""
    augment: tuple[Literal["flip", "crop", "cutout"], ...] = ()
    """Random changes of the training images: horizontal flips, shifts by up to an eighth, a square left out."""
    precision: Literal["auto", "float32", "mixed"] = "auto"
    """`auto` is mixed precision on a GPU and float32 on a CPU."""
    clip_gradient: Annotated[float, Field(gt=0)] | None = None
    """Largest norm of the gradient; not clipped where it is left out."""


class BudgetSpec(Config):
    """When the search ends: at whichever is reached first."""

    trials: Annotated[int, Field(ge=1), AfterValidator(_can_be_reckoned_with)] | None = None
    """Trials in all, failed ones included; 40 where neither this nor `trainings` is given and each is a full training."""
    trainings: Annotated[float, Field(gt=0), AfterValidator(_can_be_reckoned_with)] | None = None
    """What all trials may cost, in full trainings' worth: new epochs x data x width^2 x depth x resolution^2, over that of a
    trial at the fidelity of `estimation`; what is begun before they are spent may take more. 40 where neither this nor `trials`
    is given and the strategy has rungs."""
    rounds: Annotated[int, Field(ge=1, le=150)] | None = None
    """Rounds with a barrier: in each the strategy proposes trials/rounds, and all of them end before it is asked again. Where
    left out, there are none: whoever is free gets the next proposal, made with what is known by then."""
    minutes: Annotated[float, Field(gt=0), AfterValidator(_can_be_reckoned_with)] | None = None
    """Time in which trials run; once it is over, no trial is started."""

    @model_validator(mode="after")
    def _gives_each_round_a_trial(self) -> Self:
        if self.rounds is not None and self.trials is None and self.trainings is not None:
            raise ValueError(
                f"`rounds` is {self.rounds}, but there are no `trials` to divide among them, only `trainings`, of which nobody "
                "knows how many trials they are; give `trials` as well, or leave `rounds` out"
            )
        if self.rounds is not None and self.rounds > self.n_trials:
            raise ValueError(f"`rounds` is {self.rounds}, but must be at most `trials`, which is {self.n_trials}")
        return self

    @property
    def n_trials(self) -> int:
        """Trials in all, where each is a full training."""
        return self.trials or (40 if self.trainings is None else math.ceil(self.trainings))

    @property
    def round_size(self) -> int:
        """Most proposals a round; where there are no rounds, each proposal is made by itself."""
        return -(-self.n_trials // self.rounds) if self.rounds else 1


class ResourcesSpec(Config):
    """What the estimation may use."""

    pods: Annotated[int, Field(ge=1, le=32)] = 1
    """Estimate tasks side by side."""
    workers: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = "auto"
    """Trials side by side in a task; the threads of torch are divided among them. `auto`: one a core, at most one a GPU."""
    cpu: Annotated[int, Field(ge=1)] | None = None
    """Cores of a task; all there are where it is left out."""
    memory: Memory | None = None
    """Memory of a task, as Kubernetes writes it: 4Gi. Each worker gets its share."""
    gpu: Annotated[int, Field(ge=0)] = 0
    """GPUs of a task."""
    fallback: Literal["cpu", "none"] = "cpu"
    """What to do where GPUs are asked for and there is none: `cpu` goes on without, `none` fails."""

    @property
    def memory_mb(self) -> float | None:
        """Memory of a task in MB (10^6 bytes)."""
        if self.memory is None:
            return None
        units = {"Mi": 2**20, "Gi": 2**30, "M": 10**6, "G": 10**9}
        unit = self.memory.lstrip("0123456789")
        return int(self.memory.removesuffix(unit)) * units[unit] / 1e6


class RetrainSpec(Config):
    """How the winner is trained in full, and what else is."""

    epochs: Annotated[int, Field(ge=1)] = 30
    """Passes over all training images; the most of them where `minutes` is given."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Time that a training in full may take: as many epochs as fit, by steps that are measured when it begins. The learning rate
    falls over these, and at the end of the time it is cut off in any case. Not limited where it is left out."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Threads of torch on a CPU, at most; one a core where it is left out. Small networks may train faster with fewer."""
    training: TrainingSpec | None = None
    """Settings of its own; those of `training` where it is left out."""
    front: Annotated[int, Field(ge=1, le=32)] = 1
    """Trials of the front that are trained in full: the winner, and others that are spread along it, if it has so many."""
    trial: Annotated[int, Field(ge=0)] | TrialId | None = None
    """A trial that is trained in full beside the winner: its number, or its id in quotes."""

    @field_validator("trial")
    @classmethod
    def _is_a_trial(cls, trial: int | str | None) -> int | str | None:
        if isinstance(trial, str) and not re.fullmatch(TRIAL, trial):
            raise ValueError(f"the trial is {trial!r}, but must be a trial's number, or its id, 12 digits or letters from a to f")
        return trial


class PromoteSpec(Config):
    """Whether a new model takes the alias `champion` in MLflow from the one that has it."""

    when: Literal["better", "always", "never"] = "better"
    """`better`: where it knows more of the same test images, by more than `margin`; `always`; `never`, and a person decides."""
    margin: Annotated[float, Field(ge=0, lt=1)] | None = None
    """By how much the share of test images that it knows must be larger, such as 0.01; one standard error of that difference
    where it is left out."""


class TrackingSpec(Config):
    """Where MLflow keeps the runs."""

    uri: str | None = None
    """Tracking URI; MLFLOW_TRACKING_URI, or else a sqlite file beside the store, where it is left out."""
    experiment: str = "archsmith"
    """The experiment that holds the search's run."""
    model: Name | None = None
    """The registered model `archsmith-MODEL` that the winner becomes a version of; that of the search's own name where it is left
    out. The winners of searches that name the same one are held to the same champion."""
    enabled: bool = True
    """Whether runs are logged at all."""


class StorageSpec(Config):
    """Where the search is kept."""

    uri: str | None = None
    """A folder or s3://bucket/prefix; ARCHSMITH_STORE, or else ./runs, where it is left out."""


_ONLY_OURS: dict[str, JsonValue] = {
    "if": {
        "properties": {"estimation": {"properties": {"name": {"enum": ["table", "zero-cost"]}}, "required": ["name"]}},
        "required": ["estimation"],
    },
    "else": {"properties": {"objectives": {"items": {"properties": {"metric": {"enum": [*sorted(METRICS)]}}}}}},
}
"""Only a table has metrics of one's own, and only an untrained network a score, in JSON schema."""

_OPEN: dict[str, JsonValue] = {
    "if": {"properties": {"space": {"properties": {"name": {"const": AUTO}}}}},
    "then": {"required": ["data", "budget"], "properties": {"budget": {"required": ["minutes"]}}},
}
"""Where no space is named, there are images and minutes, in JSON schema."""


class SearchSpec(Config):
    """What to search, how, on what, and when to stop."""

    model_config = ConfigDict(json_schema_extra={"allOf": [_ONLY_OURS, _OPEN]})

    data: DataSpec | None = None
    """The images; may be left out where the estimator needs none, and then the winner is not retrained."""
    space: Named = Named(name=AUTO)
    """The search space and its settings. A file without one is open: with `data` and `budget.minutes`, the time for everything,
    the first step looks at the images and chooses the rest."""
    strategy: Named = Named(name="evolution")
    """The search strategy and its settings."""
    first: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    """Architectures that are measured first, each in the notation in which `archsmith show` tells them."""
    warm_start: Name | None = None
    """A search in the same store, whose best architectures are measured first."""
    estimation: NamedEstimation = NamedEstimation()
    """How a candidate is measured, and at which fidelity."""
    stopping: Named | None = None
    """Which trainings are stopped early, and by which rule; none where it is left out."""
    training: TrainingSpec = TrainingSpec()
    """How networks are trained."""
    objectives: Annotated[tuple[Objective, ...], Field(max_length=MOST_OBJECTIVES)] = (
        Objective(metric="accuracy", goal="maximize"),
    )
    """What to make better, and the limits."""
    budget: BudgetSpec = BudgetSpec()
    """When to stop."""
    resources: ResourcesSpec = ResourcesSpec()
    """What may be used."""
    retrain: RetrainSpec = RetrainSpec()
    """How the winner is trained."""
    baseline: Literal["simple", "none"] = "simple"
    """What the winner is held to: `simple` is a linear model and a small residual network, trained as it is; `none`: nothing."""
    promote: PromoteSpec = PromoteSpec()
    """Whether the winner becomes the champion."""
    storage: StorageSpec = StorageSpec()
    """Where trials and models go."""
    tracking: TrackingSpec = TrackingSpec()
    """Where runs are logged."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of everything random."""
    cluster: ClusterSpec = ClusterSpec()
    """How it runs on a cluster."""
    schedule: Cron | None = None
    """When a cluster begins a search of its own each time: minute, hour, day of the month, month, day of the week, in UTC."""
    series: SeriesSpec = SeriesSpec()
    """How the searches of a schedule follow one another."""
    suspend: bool = False
    """Whether a cluster holds it; set back, it goes on."""
    ttl: Duration | None = None
    """How long a cluster keeps the object of a search that has ended; for ever where it is left out."""
    on_delete: Literal["keep", "remove"] = "keep"
    """What becomes of trials and models in the store when the object is deleted."""

    @property
    def first_goal(self) -> Objective:
        """The first objective with a goal, which decides the winner."""
        return next(o for o in self.objectives if o.goal)

    @field_validator("objectives")
    @classmethod
    def _have_a_goal(cls, objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
        metrics = [o.metric for o in objectives]
        if twice := {m for m in metrics if metrics.count(m) > 1}:
            raise ValueError(f"the list has {', '.join(sorted(twice))} twice; put goal and limit of a metric into one item")
        if not any(o.goal for o in objectives):
            raise ValueError("no item has a `goal`, but at least one must; limits alone leave nothing to search for")
        return objectives

    @model_validator(mode="after")
    def _retrains_what_there_is(self) -> Self:
        front, trial = self.retrain.front, self.retrain.trial
        if front > 1 and sum(o.goal is not None for o in self.objectives) < 2:
            raise ValueError(
                f"`retrain.front` is {front}, but only one objective has a `goal`, and then the front is the winner alone; "
                "give another one a `goal`, or leave `retrain.front` out"
            )
        if self.data is None and (front > 1 or trial is not None):
            raise ValueError("`retrain` names what to train in full, but there is no `data` to train on; leave it out")
        return self

    @model_validator(mode="after")
    def _fits_a_pipeline(self) -> Self:
        rounds, pods = self.budget.rounds or 0, self.resources.pods
        what = f"{rounds} rounds (`budget.rounds`) of {pods} pods (`resources.pods`) are"
        smaller = "leave `budget.rounds` out, or take fewer of them, or fewer pods with more `resources.workers`"
        if (tasks := rounds * pods) > MOST_TASKS:
            raise ValueError(f"{what} {tasks} estimate tasks, but a pipeline holds at most {MOST_TASKS}; {smaller}")
        size = pipeline_bytes(rounds, pods)
        if self.cluster.engine == "kfp" and size > MOST_BYTES:  # `check` warns of others, which may never go there
            raise ValueError(f"{what} {size} bytes, but Kubeflow Pipelines takes at most {MOST_BYTES}; {smaller}")
        return self


def pipeline_bytes(rounds: int, pods: int) -> int:
    """Return the bytes that the rounds of a pipeline take on Kubeflow Pipelines."""
    return rounds * (PROPOSE_BYTES + ESTIMATE_BYTES * pods)


class SearchObject(Config):
    """A search file: a Kubernetes object as it stands."""

    apiVersion: Literal["archsmith.dev/v1alpha1"]  # noqa: N815  Kubernetes' name
    """The version of this format."""
    kind: Literal["Search"]
    """What it is."""
    metadata: Metadata
    """Its name."""
    spec: SearchSpec
    """The search."""
