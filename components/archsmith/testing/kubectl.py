"""A stand-in for `kubectl port-forward`: it says what a test wants, and forwards nothing."""

import shlex
from pathlib import Path


def write_kubectl(folder: Path, *said: str, seconds: float = 600, status: int = 1) -> Path:
    """Write a program `kubectl` into `folder`, and return the path of a file with the arguments of each of its calls.

    Args:
        folder: A folder that the test puts on PATH.
        said: The lines that it prints, such as "Forwarding from 127.0.0.1:40000 -> 9000".
        seconds: How long it then stays.
        status: Its exit status where it does not stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    calls, program = folder / "calls", folder / "kubectl"
    quoted = "".join(f"echo {shlex.quote(line)}\n" for line in said)
    # The first word of a call is the process, which sleeps in place of the shell.
    end = f"exec sleep {seconds}" if seconds else f"exit {status}"
    program.write_text(f'#!/bin/sh\necho "$$ $*" >> {shlex.quote(str(calls))}\n{quoted}{end}\n')
    program.chmod(0o755)
    return calls
