"""Search spaces: sets of architectures, each written as a list of decisions."""

from collections.abc import Mapping

from archsmith.spaces.blocks.yaml_space import YamlConfig
from archsmith.spaces.cells.cell import CellConfig
from archsmith.spaces.chain import ChainConfig
from archsmith.spaces.fabric import FabricConfig
from archsmith.spaces.macro.branch import BranchConfig
from archsmith.spaces.macro.branch_of_cells import BranchOfCellsConfig
from archsmith.spaces.macro.hierarchical import HierarchicalConfig
from archsmith.spaces.mobile import MobileConfig
from archsmith.spaces.nas_bench_201 import NasBench201Config
from archsmith.spaces.plugins import InstalledSpaces
from archsmith.spaces.space import SpaceConfig
from archsmith.spaces.trees.tree_cell import TreeCellConfig

SPACES: Mapping[str, type[SpaceConfig]] = {
    "chain": ChainConfig,
    "cell": CellConfig,
    "branch": BranchConfig,
    "branch-of-cells": BranchOfCellsConfig,
    "hierarchical": HierarchicalConfig,
    "mobile": MobileConfig,
    "nas-bench-201": NasBench201Config,
    "fabric": FabricConfig,
    "tree-cell": TreeCellConfig,
    "yaml": YamlConfig,
}
"""Every search space of ours by its name in the search file."""

INSTALLED = InstalledSpaces(SPACES)
"""These, and those that other distributions bring along."""
