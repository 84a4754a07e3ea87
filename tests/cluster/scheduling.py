"""Which tests of the cluster go to one process together."""

from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling

ONE_BY_ONE = {"test_command", "test_compiled", "test_faults", "test_lifecycle", "test_many"}
"""Files whose tests have nothing to do with each other; those of all others share what is made for the file."""


class InParts(LoadScopeScheduling):
    """Hands out tests in the order in which they were collected: a file at a time, or one test where that will do."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if PurePath(file).stem in ONE_BY_ONE else file
