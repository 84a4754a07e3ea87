"""Search spaces: sets of architectures, each written as a list of decisions."""

from collections.abc import Mapping

from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.space import SpaceConfig

SPACES: Mapping[str, type[SpaceConfig]] = {
    "chain": ChainConfig,
}
"""Every search space by its name in the search file."""
