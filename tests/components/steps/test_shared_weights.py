"""Searches whose architectures share weights, step by step, on real images: what is looked at, trained and kept."""

from pathlib import Path

import pytest

from archsmith.opening import open_search
from archsmith.search import Search, parse
from archsmith.steps.main import STEPS
from archsmith.stores.folder import SearchFolder
from archsmith.testing.searches import run_steps
from archsmith.values import History

HEAD = """\
apiVersion: archsmith.dev/v1alpha1
kind: Search
metadata: {name: shared}
spec:
  data: {name: digits}
  space: {name: nas-bench-201, cells: 1, channels: 4}
  training: {batch_size: 64}
  resources: {workers: 2, cpu: 1}
  retrain: {epochs: 1}
  baseline: none
  tracking: {enabled: false}
"""

EVOLUTION = f"""{HEAD}\
  strategy: {{name: evolution, population: 3}}
  estimation: {{name: supernet, epochs: 2, then: {{epochs: 1, data: 0.2, top: 2}}}}
  budget: {{trials: 5}}
"""

DARTS = f"""{HEAD}\
  strategy: {{name: darts, epochs: 2, top: 2}}
  estimation: {{epochs: 1, data: 0.2}}
"""


def run(store: Path, text: str, *last: str) -> tuple[SearchFolder, Search]:
    file = store.parent / "search.yaml"
    file.write_text(text)
    run_steps(file, str(store), *last)
    return open_search(str(store), "shared")


def trained(history: History) -> list[str]:
    return [t.proposal.architecture.id for t in history if not t.proposal.is_look]


@pytest.fixture(scope="module")
def evolved(tmp_path_factory: pytest.TempPathFactory) -> tuple[SearchFolder, Search]:
    return run(tmp_path_factory.mktemp("evolved") / "runs", EVOLUTION, "select")


def test_looks_rank_and_the_best_of_what_was_trained_alone_wins(evolved: tuple[SearchFolder, Search]) -> None:
    folder, search = evolved
    history, selection = folder.history(), folder.selection()
    looks = [t for t in history if t.proposal.is_look]
    assert (len(looks), len(history), len(history.completed)) == (5, 7, 7)
    assert all(not t.curve and t.metrics.keys() >= {"accuracy", "loss", "n_params", "flops"} for t in looks)
    ranked = sorted(looks, key=lambda t: (t.metrics["loss"], t.proposal.number))
    assert trained(history) == [t.proposal.architecture.id for t in ranked[:2]]
    assert {t.proposal.fidelity for t in history} == {search.estimation.fidelity}
    assert selection is not None
    assert selection.winner in {t.id for t in history if not t.proposal.is_look}
    assert len(folder.supernet_epochs()) == 2


def test_a_search_that_has_ended_with_shared_weights_costs_nothing_and_goes_on_with_a_larger_budget(
    evolved: tuple[SearchFolder, Search],
) -> None:
    folder, search = evolved
    store = folder.uri("search.yaml").split("/searches/")[0]
    before, state = folder.history(), folder.supernet_state()
    for step in ("train_supernet", "derive"):
        STEPS[step](search.name, store)
    assert STEPS["estimate"](search.name, store, -1, 0, 1) == 0
    assert folder.history() == before
    folder, _ = run(Path(store), EVOLUTION.replace("trials: 5", "trials: 7").replace("top: 2", "top: 3"), "select")
    more = folder.history()
    assert folder.supernet_state() == state
    assert more.trials[: len(before)] == before.trials
    assert sum(t.proposal.is_look for t in more) == 7
    ranked = sorted((t for t in more if t.proposal.is_look), key=lambda t: (t.metrics["loss"], t.proposal.number))
    assert set(trained(more)) >= {t.proposal.architecture.id for t in ranked[:3]}


def test_what_a_relaxation_prefers_is_trained_alone(tmp_path: Path) -> None:
    folder, search = run(tmp_path / "runs", DARTS, "select")
    derived = folder.derived()
    assert derived is not None
    assert trained(folder.history()) == [a.id for a in derived[:2]]
    assert [t.proposal.is_look for t in folder.history()] == [False, False]
    last = folder.supernet_epochs()[-1]
    assert last.derived == derived[0]
    assert last.probabilities.keys() == {d.name for d in search.space.decisions}
    assert parse(DARTS).differences(search) == []
