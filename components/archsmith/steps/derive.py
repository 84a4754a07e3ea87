"""The step that derives architectures from shared weights, and opens the search with them."""

from collections.abc import Callable
from functools import partial

from archsmith.search import Search
from archsmith.steps.propose import propose
from archsmith.steps.rounds import NO_ROUNDS
from archsmith.stores.folder import SearchFolder
from archsmith.values import Architecture

SPARE = 10
"""How many times as many are derived as are wanted: limits of the objectives may be kept by few of them."""

Derive = Callable[[int], tuple[Architecture, ...]]
"""Returns up to so many architectures that the shared weights prefer, the best first."""


def derive(folder: SearchFolder, search: Search, *, ask: Derive | None = None) -> int:
    """Derive what the shared weights prefer, and make the first proposals; return how many have no trial yet.

    What was derived before stays as it is, unless more is wanted by now.

    Args:
        folder: The search's folder.
        search: The search.
        ask: Returns up to so many architectures, the best first; the training in the store where it is left out.
    """
    if search.sharing is not None:
        wanted = max(SPARE * search.sharing.top, 2 * search.n_looks)
        before = folder.derived()
        if before is None or 0 < len(before) < wanted:
            folder.write_derived((ask or partial(_ask, folder, search))(wanted))
    return propose(folder, search, NO_ROUNDS)


def _ask(folder: SearchFolder, search: Search, n: int) -> tuple[Architecture, ...]:
    """Ask the training in the store, on the CPU: nothing is trained here."""
    from archsmith.evaluation.device import choose_device
    from archsmith.steps.images import load_images
    from archsmith.steps.supernet_work import begin, shared_state

    state = shared_state(folder)
    training = begin(search, load_images(search, folder), choose_device(gpu=0, fallback="cpu"))
    training.restore(state)
    return training.derived(n)
