"""How many proposals a search without rounds has at work and in reserve; it follows from the workers that its file names."""


def at_once(workers: int) -> int:
    """Return how many proposals may be without a trial that is seen, for so many workers in all pods together.

    One worker needs no more than the trial before: it never waits. Several need some in reserve, for whoever is free while
    another one is busy with what is to be seen next; but the more there are, the less is known when a proposal is made. With
    three quarters as many as there are workers, these are busy for nine tenths of the time where the slowest of the networks
    takes five times as long as the fastest (`benchmarks/idle.py`; what it costs in regret, `benchmarks/at_once.py`).
    """
    return workers + 3 * workers // 4
