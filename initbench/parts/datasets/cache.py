"""Data sets that took long to read are kept in the user's cache, so that the next command starts at once.

Parsing a table of 10,000 customers takes 0.2 s, MNIST as a CSV 20 s; opening a copy takes 2 ms, and verifying it
1 s a gigabyte.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path

from initbench.contracts import Dataset
from initbench.parts.datasets.facts import checksum
from initbench.parts.datasets.saved import ARRAYS, FILE, open_dataset, save_dataset

SLOW_SECONDS = 0.05  # a data set that is read sooner is not kept
MOST_BYTES = 2 * 2**30  # of all copies; the ones that have not been used for longest go first
UNFINISHED_SECONDS = 3600.0  # after which a copy that is still being written belongs to a process that was killed
REBUILT = "its copy in the cache was damaged and has been made anew"


@dataclass(frozen=True)
class Copies:
    """Copies of data sets in a folder, each in a folder of its own that is named by a hash of what it came from.

    Any number of processes may use them at once: a copy appears whole, by a rename, and one that is in use outlives
    its removal.

    Parameters
    ----------
    folder : Path
    """

    folder: Path

    def load(self, source: object, read: Callable[[], Dataset]) -> Dataset:
        """Take the copy of a source, or read it, and keep a copy if that took long.

        Parameters
        ----------
        source : object
            What the data set follows from; its ``repr`` counts, and so do the readers' own files.
        read : function () -> Dataset

        Returns
        -------
        Dataset
            Where a copy was damaged, with a note that says so.
        """
        place = self.folder / sha256(f"{_readers()}{source!r}".encode()).hexdigest()[:32]
        before = _identity(place)
        if before:
            with suppress(OSError, ValueError, TypeError, KeyError, EOFError):
                dataset = open_dataset(place)
                if checksum(dataset) == json.loads((place / FILE).read_text(encoding="utf-8"))["checksum"]:
                    with suppress(OSError):
                        os.utime(place)
                    return dataset
        is_damaged = before != 0 and _identity(place) == before  # and not removed meanwhile by another process
        if is_damaged:
            _remove(place)
        began = time.perf_counter()
        dataset = read()
        if time.perf_counter() - began > SLOW_SECONDS or is_damaged:
            with suppress(OSError):  # a full disk or a folder that nobody may write costs no result
                self._keep(dataset, place)
        return dataset._replace(notes=(*dataset.notes, REBUILT)) if is_damaged else dataset

    def _keep(self, dataset: Dataset, place: Path) -> None:
        size = sum(getattr(dataset, name).nbytes for name in ARRAYS)
        if size > MOST_BYTES // 2:
            return
        unfinished = place.with_name(f".{place.name}-{os.getpid()}-{time.monotonic_ns()}")
        try:
            save_dataset(dataset, unfinished, checksum=checksum(dataset))
            self._make_room(size)
            unfinished.rename(place)  # fails where another process was first
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _make_room(self, size: int) -> None:
        """Remove copies until another one fits, and what killed processes left."""
        copies = []
        for folder in self.folder.iterdir():
            with suppress(OSError):  # another process removes it now
                age = time.time() - folder.stat().st_mtime
                if not folder.name.startswith("."):
                    copies.append((age, _bytes_in(folder), folder))
                elif age > UNFINISHED_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
        total = size + sum(bytes_ for _, bytes_, _ in copies)
        for _, bytes_, folder in sorted(copies, reverse=True):
            if total <= MOST_BYTES:
                break
            _remove(folder)
            total -= bytes_

    def clear(self) -> tuple[int, int]:
        """Remove all copies; how many there were, and their bytes."""
        found = [folder for folder in self.folder.glob("*") if folder.is_dir()] if self.folder.is_dir() else []
        size = sum(map(_bytes_in, found))
        for folder in found:
            _remove(folder)
        return len(found), size


def user_copies() -> Copies | None:
    """Those in the user's cache folder; None where nobody knows the user's home."""
    folder = user_cache_path("initbench")
    return Copies(folder / "prepared") if folder.is_absolute() else None


def _identity(folder: Path) -> int:
    """A number that another folder of this name has not; 0 where there is none."""
    try:
        return folder.stat().st_ino
    except OSError:
        return 0


def _remove(folder: Path) -> None:
    """Remove a copy, at once for all processes: one that opens it now finds all of its files or none."""
    gone = folder.with_name(f".{folder.name}-{os.getpid()}-{time.monotonic_ns()}")
    with suppress(OSError):
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _bytes_in(folder: Path) -> int:
    total = 0
    for file in folder.glob("*"):
        with suppress(OSError):
            total += file.stat().st_size
    return total


@cache
def _readers() -> str:
    """A hash of the code that reads data sets: a copy that an older reader made is not taken."""
    digest = sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
