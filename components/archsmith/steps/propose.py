"""The step that opens a round, or a search without rounds, and how the latter goes on: the strategy is asked."""

import math
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from itertools import accumulate

from archsmith.search import Search
from archsmith.spec import at_once, static_limits
from archsmith.steps.budget import seconds_left
from archsmith.steps.checkpoints import forget
from archsmith.steps.pace import ROUNDING, Ask, Limit, Over, Pace
from archsmith.steps.workers import workers_in_all
from archsmith.stores.board import Board
from archsmith.stores.folder import SearchFolder
from archsmith.strategies.strategy import Strategy, everything
from archsmith.values import Architecture, History, Proposal


def propose(folder: SearchFolder, search: Search, round_: int) -> int:
    """Ask the strategy for the proposals of a round; return how many there are.

    A round that was proposed before stays as it is. None is proposed once the search is over, and nothing is
    written then, so that a larger budget lets the search go on. Nor is one while the round before it has trials to
    run, which a budget of minutes may have cut off: its strategy would not know of them.

    Args:
        folder: The search's folder.
        search: The search.
        round_: The round; -1 where there are none to wait for. Then the search is opened: as many are proposed as can be at
            once, and what is returned is how many have no trial yet.
    """
    if round_ < 0:
        return _open(folder, search)
    whole = not round_ or folder.compact(round_ - 1)
    if (before := folder.proposals(round_)) is not None:
        return len(before)
    if not whole:
        return 0
    history = folder.history()
    n = min(search.spec.budget.round_size, search.most_trials - len(history))
    if n <= 0 or seconds_left(folder, search, history) <= 0:
        return 0
    strategy = strategy_of(folder, search)
    asked = _affordable(strategy.ask(history, int(n), search.rng(round_)), history, search.most_cost)
    if not asked:
        return 0
    first = max((t.proposal.number + 1 for t in history), default=0)
    numbered = [replace(p, number=first + i, round=round_, seen=len(history)) for i, p in enumerate(asked)]
    written = folder.write_proposals(round_, numbered)
    forget(folder, strategy, History(history.trials, written))
    return len(written)


class Paced:
    """Makes the proposals of a search without rounds, one by one, as its pace lets it.

    Args:
        folder: The search's folder.
        search: The search.
        board: What is known of its work; what is proposed is noted there.
    """

    def __init__(self, folder: SearchFolder, search: Search, board: Board) -> None:
        self._folder, self._search, self._board = folder, search, board
        workers = folder.workers() or workers_in_all(search)
        # With shared weights, the strategy itself ends: trained is what is best by now, which a larger budget may have changed.
        most = math.inf if search.sharing else search.most_trials
        self._pace = Pace(at_once(workers), Limit(most, search.most_cost, refunds=search.stopping is not None))
        self._strategy: Strategy | None = None
        self._n_rounds = self._n_trials = 0
        self._gone: Set[int] = frozenset()
        """Numbers of the trials whose checkpoints were deleted."""
        self.is_over = False
        """Whether nothing more will be proposed, as of the last call of `propose`."""

    def propose(self) -> bool:
        """Make the next proposal if it can be made now; tell whether it was."""
        self._take_note()
        while isinstance(turn := self._pace.turn(), Ask):
            asked = self._asked().ask(turn.seen, 1, self._search.rng(turn.number))
            if asked:
                self._write(replace(asked[0], number=turn.number, round=self._n_rounds, seen=len(turn.seen)), turn.seen)
                return True
            if not self._pace.nothing():
                self.is_over = True
                return False
        self.is_over = isinstance(turn, Over)
        return False

    def _write(self, proposal: Proposal, seen: History) -> None:
        written = self._folder.write_proposals(proposal.round, [proposal])
        self._board.proposed(proposal.round, written)
        whole = History(seen.trials, (*seen.running, *written))
        self._gone = forget(self._folder, self._asked(), whole, self._gone)

    def _take_note(self) -> None:
        """Tell the pace what is new on the board, up to a proposal that is missing."""
        while (proposals := self._board.rounds.get(self._n_rounds)) is not None:
            for proposal in proposals:
                self._pace.add(proposal)
            self._n_rounds += 1
        for trial in self._board.arrived[self._n_trials :]:
            self._pace.measured(trial)
        self._n_trials = len(self._board.arrived)

    def _asked(self) -> Strategy:
        if self._strategy is None:
            self._strategy = strategy_of(self._folder, self._search)
        return self._strategy


def strategy_of(folder: SearchFolder, search: Search) -> Strategy:
    """Make the strategy, which keeps within the limits that are known without training, and within what a table has.

    Where the first step has noted what another search has found, it begins with that.
    """
    scores, (first, _) = None, folder.warm_start() or ((), "")
    if search.scores:
        from archsmith.steps.scores import scores_of

        scores = scores_of(search, folder)
    if search.table:
        from archsmith.steps.table import listed, within_table

        return search.strategy(within_table(search, folder), listed=listed(search), scores=scores, first=first)
    derived = (folder.derived() or ()) if search.sharing else ()
    return search.strategy(_feasible(folder, search), derived, scores=scores, first=first)


def _feasible(folder: SearchFolder, search: Search) -> Callable[[Architecture], bool]:
    """Return a test of whether an architecture keeps the limits, and passes the screen where there is one."""
    feasible = _within_limits(folder, search)
    if (screen := search.screen) is None:
        return feasible
    from archsmith.steps.scores import screened

    return screened(search, folder, screen, feasible)


def _within_limits(folder: SearchFolder, search: Search) -> Callable[[Architecture], bool]:
    """Return a test of whether an architecture keeps the limits that are known without training."""
    if not static_limits(search.spec.objectives):
        return everything
    from archsmith.models.cost import within_limits

    facts = folder.data_facts()
    assert facts is not None
    return within_limits(search.space, search.spec.objectives, facts.input_shape, len(facts.classes))


def _affordable(asked: Sequence[Proposal], history: History, most_cost: float) -> Sequence[Proposal]:
    """Return the first of the proposals, up to the one with which the budget is spent."""
    spent = accumulate((p.cost for p in asked), initial=math.fsum(t.cost for t in history))
    return [p for p, before in zip(asked, spent, strict=False) if before < most_cost * (1 - ROUNDING)]


def _open(folder: SearchFolder, search: Search) -> int:
    """Say how many workers there are, and make as many proposals as can be made at once; return how many have no trial."""
    folder.write_workers(workers_in_all(search))
    board = Board(folder)
    if seconds_left(folder, search, History.of(board.arrived)) > 0:
        paced = Paced(folder, search, board)
        while paced.propose():
            pass
    return len(list(board.open()))
