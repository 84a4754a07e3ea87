"""The command, also as `python -m archsmith`; here so that Ctrl-C is answered from the first import on.

What is imported at the top is there before anything else of Python: `signal` itself takes a while.
"""

import _signal  # type: ignore[import-not-found]
import os
import sys

INTERRUPTED = 128 + _signal.SIGINT


def main() -> None:
    """Run the command, and end this process with its status."""
    _signal.signal(_signal.SIGINT, _leave)  # nothing has begun yet that would have to be ended
    from archsmith.cli import main as command

    sys.unraisablehook = _unraisable
    stop = _Stop()
    _signal.signal(_signal.SIGINT, stop)
    try:
        command()
    except BaseException as error:
        if isinstance(error, SystemExit) or not stop.came:
            raise
        _leave()  # what was interrupted may have made another error of it, as the import of a module in C does
    finally:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # what Python still does at its end says nothing when it is cut off


class _Stop:
    """What Ctrl-C does while the command runs."""

    came = False

    def __call__(self, *_: object) -> None:
        self.came = True
        raise KeyboardInterrupt


def _leave(*_: object) -> None:
    os.write(2, b"Stopped.\n")
    os._exit(INTERRUPTED)


def _unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """Interrupt the command again where Python could not raise Ctrl-C, as in the middle of an import."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        _signal.raise_signal(_signal.SIGINT)
    else:
        sys.__unraisablehook__(unraisable)


if __name__ == "__main__":
    main()
