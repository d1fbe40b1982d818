"""``initbench``, and ``python -m initbench``."""

from __future__ import annotations

import os
import signal


def main() -> None:
    """Run the command; before it hears signals itself, and after, nothing is to be kept, and one ends it at once."""
    heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, _end)
    try:
        from initbench.cli import main as run

        run()
    finally:
        for number in heard:
            signal.signal(number, _end)


def _end(*_: object) -> None:
    os.write(2, b"initbench: interrupted\n")  # no print: a signal may come while another is under way
    os._exit(130)


if __name__ == "__main__":
    main()
