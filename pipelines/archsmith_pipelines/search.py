"""The pipeline of a search: one static graph, whose size does not depend on the number of trials.

    sample_space → propose → estimate × pods → select → retrain → report

`propose` opens the search, and each estimate works, and has proposed what comes next, until the search is over. Where a file
names rounds with a barrier, they are written out flat:

    sample_space → ( propose → estimate × pods ) × rounds → select → retrain → report

Where a search has weights that all architectures share, they are trained first, and what they prefer opens the search:

    sample_space → train_supernet → derive → estimate × pods → select → retrain → report

Where each of its runs is another search of a series, `begin_series` stands in the place of `sample_space`.

There are no conditions and no loops, because KFP has none that survive a failed or cached task. What varies lives in
the store: a search that is over proposes nothing, an estimate with nothing to do returns at once, and the same
pipeline run again goes on where the store ends.
"""

from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from google.protobuf import json_format
from kfp import compiler, dsl
from kfp.dsl.graph_component import GraphComponent
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec

from archsmith.search import Search
from archsmith.spec.yaml_document import write_line
from archsmith.steps import components
from archsmith.steps.rounds import all_rounds
from archsmith_pipelines.dialect import settle
from archsmith_pipelines.pods import prepare
from archsmith_pipelines.share import share_components
from archsmith_pipelines.size import check_size

_ONE_AT_A_TIME = Lock()
"""KFP keeps the pipeline that is being built in a global, and takes a second one that is begun meanwhile for a part of it."""


def search_pipeline(
    search: Search, store: str, *, rounds: range | None = None, gpus: int | None = None, namespace: str = "",
    series: bool = False,
) -> GraphComponent:  # fmt: skip
    """Return the pipeline of `search`; its inputs are the search file and the store, both with defaults.

    Args:
        search: The search.
        store: URI of the store.
        rounds: The rounds to run, those before them being complete in the store; all where it is left out.
        gpus: GPUs of a task that trains; as many as the file asks for where it is left out.
        namespace: The namespace of the search's object, if it has one.
        series: Whether each run of it is another search, that of a time of the schedule.
    """
    begins = components.begin_series if series else components.sample_space
    chooses = search.open  # then the first step measures how fast the pods that train are
    pods, name, shares = search.spec.resources.pods, search.name, search.supernet is not None
    rounds = all_rounds(search) if rounds is None else rounds
    light = partial(prepare, search=search, namespace=namespace)
    heavy = partial(light, trains=True, gpus=search.spec.resources.gpu if gpus is None else gpus)
    on_one_line = write_line(
        search.object.model_dump(mode="json", exclude_unset=True)
    )  # KFP writes defaults into comments of its YAML

    def pipeline(search: str = on_one_line, store: str = store) -> None:
        opened = (heavy if chooses else light)(begins(search=search, store=store))
        last = [opened]
        if shares:
            last = [heavy(components.train_supernet(name=opened.output, store=store)).after(opened)]
        for r in rounds:
            proposed = light(
                components.derive(name=opened.output, store=store)
                if shares
                else components.propose(name=opened.output, store=store, round=r)
            ).after(*last)
            last = [
                heavy(components.estimate(name=opened.output, store=store, round=r, pod=p, pods=pods)).after(proposed)
                for p in range(pods)
            ]
        selected = light(components.select(name=opened.output, store=store)).after(*last)
        retrained = heavy(components.retrain(name=opened.output, store=store)).after(selected)
        light(components.report(name=opened.output, store=store)).after(retrained)

    decorate = dsl.pipeline(name=f"archsmith-{name}", description=f"Neural architecture search {name}")
    with _ONE_AT_A_TIME:
        return _shared(decorate(pipeline))


def documents(pipeline: GraphComponent) -> dict[str, Any]:
    """Return a pipeline as KFP's API takes it: the IR, and what it says of Kubernetes."""
    return {
        "pipeline_spec": json_format.MessageToDict(pipeline.pipeline_spec),
        "platform_spec": json_format.MessageToDict(pipeline.platform_spec),
    }


def compile_search(search: Search, store: str, path: Path, *, rounds: range | None = None) -> None:
    """Write the pipeline's IR, YAML that KFP runs, to `path`; raises `SpecError` for one that is too large for it."""
    pipeline = search_pipeline(search, store, rounds=rounds)
    check_size(search, documents(pipeline)["pipeline_spec"], store)
    compiler.Compiler().compile(pipeline, str(path))
    settle(path)


def _shared(pipeline: GraphComponent) -> GraphComponent:
    """Have equal tasks share a component."""
    raw = documents(pipeline)
    spec, platform = share_components(raw["pipeline_spec"], raw["platform_spec"])
    pipeline.component_spec.implementation.graph = json_format.ParseDict(spec, PipelineSpec())
    pipeline.component_spec.platform_spec = json_format.ParseDict(platform, PlatformSpec())
    return pipeline
