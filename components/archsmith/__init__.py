"""Neural architecture search as a pipeline: from a YAML file to a trained, exported model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archsmith.result import Result
    from archsmith.runner import run

__version__ = "0.1.0"
__all__ = ["Result", "__version__", "run"]


def __getattr__(name: str) -> Any:
    """Import the parts that take long only when they are asked for."""
    if name == "run":
        from archsmith.runner import run

        return run
    if name == "Result":
        from archsmith.result import Result

        return Result
    raise AttributeError(f"module 'archsmith' has no attribute {name!r}")
