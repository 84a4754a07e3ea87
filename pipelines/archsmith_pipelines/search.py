"""The pipeline of a search: rounds written out flat, as one static graph.

    sample_space → ( propose → estimate × pods ) × rounds → select → retrain → report

There are no conditions and no loops, because KFP has none that survive a failed or cached task. What varies lives in
the store: a search that is over proposes nothing, an estimate with nothing to do returns at once, and the same
pipeline run again goes on where the store ends.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kfp import compiler, dsl

from archsmith.search import Search
from archsmith.steps import components

RETRIES = 2
"""Times that Kubernetes replaces a pod that failed or vanished, where Argo's defaults let it."""


def search_pipeline(search: Search, store: str, *, first_round: int = 0, rounds: int | None = None) -> Callable[..., Any]:
    """Return the pipeline of `search`; its inputs are the search file and the store, both with defaults.

    Args:
        search: The search.
        store: URI of the store.
        first_round: The round to begin with; those before it are complete in the store.
        rounds: The rounds in all, those before the first one included; as many as the budget has where it is left out.
    """
    pods, name = search.spec.resources.pods, search.name
    end = search.spec.budget.n_rounds if rounds is None else rounds
    on_one_line = search.object.model_dump_json(exclude_unset=True)  # KFP writes defaults into comments of its YAML

    @dsl.pipeline(name=f"archsmith-{name}", description=f"Neural architecture search {name}")
    def pipeline(search: str = on_one_line, store: str = store) -> None:
        opened = _plain(components.sample_space(search=search, store=store))
        last = [opened]
        for r in range(first_round, end):
            proposed = _plain(components.propose(name=opened.output, store=store, round=r)).after(*last)
            last = [
                _plain(components.estimate(name=opened.output, store=store, round=r, pod=p, pods=pods)).after(proposed)
                for p in range(pods)
            ]
        selected = _plain(components.select(name=opened.output, store=store)).after(*last)
        retrained = _plain(components.retrain(name=opened.output, store=store)).after(selected)
        _plain(components.report(name=opened.output, store=store)).after(retrained)

    return pipeline  # type: ignore[no-any-return]


def compile_search(search: Search, store: str, path: Path, *, first_round: int = 0) -> None:
    """Write the pipeline's IR, YAML that KFP runs, to `path`."""
    compiler.Compiler().compile(search_pipeline(search, store, first_round=first_round), str(path))


def _plain(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """Neither cache a task, since what it does depends on the store, nor give it up at the first fault."""
    return task.set_caching_options(False).set_retry(num_retries=RETRIES)
