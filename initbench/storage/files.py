"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from initbench.errors import StoreError


@contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """Give the path of a file to write, which takes the place of ``path`` when it is whole and on the disk.

    Raises
    ------
    StoreError
        When it cannot be written; what was there is kept.
    """
    partial = path.with_name(f".partial-{secrets.token_hex(4)}-{path.name}")
    try:
        try:
            yield partial
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(partial, path)  # atomic: a reader sees the old file or the new one
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror or error}; what was there is kept") from error


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    with write_aside(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
