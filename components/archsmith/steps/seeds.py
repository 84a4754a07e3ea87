"""The seed of a trial: what is random in it depends on what is measured, and not on who measures it, or when."""

from archsmith.search import Search
from archsmith.values import Proposal, seed_from


def seed_of(search: Search, proposal: Proposal) -> int:
    """Return the seed of a trial: it depends on the search's seed and on the architecture, and on nothing else.

    So a training that goes on from rung to rung is the same as one that never stopped.
    """
    return seed_from(f"{search.spec.seed}/{proposal.architecture.id}")
