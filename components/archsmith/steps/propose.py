"""The step that opens a round: the strategy is asked, once."""

from dataclasses import replace

from archsmith.search import Search
from archsmith.spec import static_limits
from archsmith.steps.budget import seconds_left
from archsmith.stores.folder import SearchFolder
from archsmith.strategies.strategy import Strategy


def propose(folder: SearchFolder, search: Search, round_: int) -> int:
    """Ask the strategy for the proposals of a round; return how many there are.

    A round that was proposed before stays as it is. None is proposed once the search is over, and nothing is
    written then, so that a larger budget lets the search go on. Nor is one while the round before it has trials to
    run, which a budget of minutes may have cut off: its strategy would not know of them.
    """
    whole = not round_ or folder.compact(round_ - 1)
    if (before := folder.proposals(round_)) is not None:
        return len(before)
    if not whole:
        return 0
    history = folder.history()
    n = min(search.spec.budget.round_size, search.spec.budget.n_trials - len(history))
    if n <= 0 or seconds_left(folder, search) <= 0:
        return 0
    asked = _strategy(folder, search).ask(history, n, search.rng(round_))
    if not asked:
        return 0
    first = max((t.proposal.number + 1 for t in history), default=0)
    numbered = [replace(p, number=first + i, round=round_, seen=len(history)) for i, p in enumerate(asked)]
    return len(folder.write_proposals(round_, numbered))


def _strategy(folder: SearchFolder, search: Search) -> Strategy:
    """Make the strategy, which keeps within the limits that are known without training, and within what a table has."""
    if search.estimation.looks_up:
        from archsmith.steps.table import within_table

        return search.strategy(within_table(search, folder))
    if not static_limits(search.spec.objectives):
        return search.strategy()
    from archsmith.models.cost import within_limits

    facts = folder.data_facts()
    assert facts is not None
    return search.strategy(within_limits(search.space, search.spec.objectives, facts.input_shape, len(facts.classes)))
