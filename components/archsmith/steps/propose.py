"""The step that opens a round, or a search without rounds, and how the latter goes on: the strategy is asked."""

import math
from collections.abc import Sequence, Set
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
from archsmith.strategies.strategy import Strategy
from archsmith.values import History, Proposal


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
    if n <= 0 or seconds_left(search, history) <= 0:
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
        self._pace = Pace(at_once(workers), Limit(search.most_trials, search.most_cost, refunds=search.stopping is not None))
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


def _affordable(asked: Sequence[Proposal], history: History, most_cost: float) -> Sequence[Proposal]:
    """Return the first of the proposals, up to the one with which the budget is spent."""
    spent = accumulate((p.cost for p in asked), initial=math.fsum(t.cost for t in history))
    return [p for p, before in zip(asked, spent, strict=False) if before < most_cost * (1 - ROUNDING)]


def _open(folder: SearchFolder, search: Search) -> int:
    """Say how many workers there are, and make as many proposals as can be made at once; return how many have no trial."""
    folder.write_workers(workers_in_all(search))
    board = Board(folder)
    if seconds_left(search, History.of(board.arrived)) > 0:
        paced = Paced(folder, search, board)
        while paced.propose():
            pass
    return len(list(board.open()))
