"""Neural architecture search as a pipeline: from a YAML file to a trained, exported model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archsmith.runner import Result, run

__version__ = "0.1.0"
__all__ = ["Result", "__version__", "run"]


def __getattr__(name: str) -> Any:
    """Import the parts that need torch and kfp only when they are asked for."""
    if name in {"Result", "run"}:
        import archsmith.runner as module

        return getattr(module, name)
    raise AttributeError(f"module 'archsmith' has no attribute {name!r}")
