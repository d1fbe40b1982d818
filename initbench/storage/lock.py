"""The right to write into a folder, which one run has at a time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from initbench.errors import StoreError

SECONDS_BETWEEN_TRIALS = 0.1  # to take a lock


class Lock:
    """The right to write into a folder, which one run has at a time.

    It is SQLite's lock on an empty file, so the system takes it back when its process ends, in whatever way.

    Parameters
    ----------
    folder : Path
        Where ``runs.sqlite-lock`` is, or is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._connection: sqlite3.Connection | None = None

    def acquire(self, say: Callable[[str], None]) -> None:
        """Take the lock, if this object has it not already; wait while another has it, after telling ``say`` so.

        Raises
        ------
        StoreError
            When the folder cannot be written.
        """
        if self._connection is not None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.folder / "runs.sqlite-lock", timeout=0, isolation_level=None)
            told = False
            while not self._is_taken():
                if not told:
                    say(f"waiting for another run that writes into {self.folder}")
                told = True
                time.sleep(SECONDS_BETWEEN_TRIALS)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{self.folder}: cannot be written: {error}; what is there is kept") from error

    def _is_taken(self) -> bool:
        assert self._connection is not None
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            return False
        return True

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
