"""The command, also as `python -m archsmith`; here so that Ctrl-C is answered from the first import on."""

import os
import signal
import sys
from typing import Any


def main() -> None:
    """Run the command, and end this process with its status."""
    signal.signal(signal.SIGINT, _leave)  # nothing has begun yet that would have to be ended
    from archsmith.cli import main as command

    sys.unraisablehook = _unraisable
    stop = _Stop()
    signal.signal(signal.SIGINT, stop)
    try:
        command()
    except BaseException as error:
        if isinstance(error, SystemExit) or not stop.came:
            raise
        _leave()  # what was interrupted may have made another error of it, as the import of a module in C does
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what Python still does at its end says nothing when it is cut off


class _Stop:
    """What Ctrl-C does while the command runs."""

    came = False

    def __call__(self, *_: object) -> None:
        self.came = True
        raise KeyboardInterrupt


def _leave(*_: object) -> None:
    os.write(2, b"Stopped.\n")
    os._exit(128 + signal.SIGINT)


def _unraisable(unraisable: Any) -> None:
    """Interrupt the command again where Python could not raise Ctrl-C, as in the middle of an import."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    else:
        sys.__unraisablehook__(unraisable)


if __name__ == "__main__":
    main()
