"""``initbench`` and ``python -m initbench``: runs the command, and ends it at a signal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from initbench.process import begin_command, has_reported_interrupt, unwritten

TERMINALS: list[int] = []  # which of standard output and standard error are one


def main() -> None:
    """Run the command that is asked for."""
    begin_command()
    TERMINALS.extend(number for number in (1, 2) if os.isatty(number))
    _hear(_interrupt)
    try:
        from initbench.cli import main as run

        run()
    except SystemExit as end:
        reason = unwritten()
        if reason:
            print(f"initbench: standard output cannot be written: {reason}", file=sys.stderr)
        sys.exit(end.code or int(bool(reason)))
    finally:
        _hear(_end)


def _hear(handler: Callable[[int, FrameType | None], Any]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):  # Windows lacks the last
        if signal.getsignal(number) is not signal.SIG_IGN:  # as in the background of a script
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop in good order; a second signal ends the process at once, and workers end with it."""
    _hear(_end)
    if number not in (signal.SIGINT, signal.SIGTERM):  # the terminal is closed, and takes no more words
        for terminal in TERMINALS:
            os.dup2(os.open(os.devnull, os.O_WRONLY), terminal)
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            # Amid an import a KeyboardInterrupt may be lost, or come out as an ImportError from compiled code.
            _end()
        frame = frame.f_back
    raise KeyboardInterrupt


def _end(*_: object) -> None:
    if not has_reported_interrupt():
        with suppress(OSError):
            os.write(2, b"initbench: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    main()
