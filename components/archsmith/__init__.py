"""Neural architecture search as a pipeline: from a YAML file to a trained, exported model."""

TYPE_CHECKING = False  # type checkers know the name; `typing` takes a while, in which Ctrl-C would end in a traceback
if TYPE_CHECKING:
    from archsmith.api import load, run
    from archsmith.views.result import Result

__version__ = "0.1.0"
__all__ = ["Result", "__version__", "load", "run"]


def __getattr__(name: str) -> object:
    """Import the parts that take long only when they are asked for."""
    if name in {"load", "run"}:
        from archsmith import api

        return getattr(api, name)
    if name == "Result":
        from archsmith.views.result import Result

        return Result
    raise AttributeError(f"module 'archsmith' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return what is for users."""
    return sorted(__all__)
