"""Which tests of the cluster go to one process together."""

from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling

ONE_BY_ONE = {"test_command", "test_compiled", "test_faults", "test_lifecycle", "test_many"}
"""Files whose tests have nothing to do with each other; those of all others share what is made for the file."""

BESIDE = {"test_series": "test_services"}
"""Files that share what is made for another one, and wait for it."""


class InParts(LoadScopeScheduling):
    """Hands out tests in the order in which they were collected: a file at a time, or one test where that will do."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePath(nodeid.partition("::")[0])
        return nodeid if file.stem in ONE_BY_ONE else str(file.with_stem(BESIDE.get(file.stem, file.stem)))
