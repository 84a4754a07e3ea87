"""The steps as KFP components: each reads its inputs, calls one function of the library, and returns.

There is no `from __future__ import annotations` here, and a body imports what it uses: KFP takes a body's source
out of this file. `Output` is a plain return value, the number of things done, for people who look at the run.
"""

from importlib.metadata import version

from kfp import dsl

IMAGE = f"archsmith:{version('archsmith')}"
"""The image of every step where a pipeline names no other. It holds this library, so nothing is installed in a pod; a tag that
is a version is also one that nodes do not pull again each time."""


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def sample_space(search: str, store: str) -> str:
    """Check the search file against its data and put it into the store; return the search's name."""
    from archsmith.steps.main import run_step

    return run_step("sample_space", search, store)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def begin_series(search: str, store: str) -> str:
    """Begin the search of this time of a schedule; return its name, or that of the last one where nothing has changed."""
    from archsmith.steps.main import run_step

    return run_step("begin_series", search, store)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def propose(name: str, store: str, round: int) -> int:  # noqa: A002  the name of the pipeline's input
    """Ask the strategy for the proposals of a round, for the first ones where it is -1; return how many there are."""
    from archsmith.steps.main import run_step

    return run_step("propose", name, store, round)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train_supernet(name: str, store: str) -> int:
    """Train the weights that all architectures share; return how many epochs they have had."""
    from archsmith.steps.main import run_step

    return run_step("train_supernet", name, store)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def derive(name: str, store: str) -> int:
    """Derive what the shared weights prefer, and ask the strategy for the first proposals; return how many there are."""
    from archsmith.steps.main import run_step

    return run_step("derive", name, store)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def estimate(name: str, store: str, round: int, pod: int, pods: int) -> int:  # noqa: A002
    """Measure what is open of a round, of the whole search where it is -1; return how many trials this pod measured."""
    from archsmith.steps.main import run_step

    return run_step("estimate", name, store, round, pod, pods)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def select(name: str, store: str) -> str:
    """Select the winner; return the id of its trial."""
    from archsmith.steps.main import run_step

    return run_step("select", name, store)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def retrain(name: str, store: str) -> float:
    """Train the winner in full, test it once and export it; return its test accuracy, or -1 where it is not known."""
    from archsmith.steps.main import run_step

    return run_step("retrain", name, store)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def report(name: str, store: str) -> str:
    """Write the report; return where it lies."""
    from archsmith.steps.main import run_step

    return run_step("report", name, store)
