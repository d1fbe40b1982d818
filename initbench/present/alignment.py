"""Columns of text side by side; here, since who shows no statistics needs no pandas, which takes 0.2 s to import."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def align_columns(columns: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """Lines of a table of named columns: numbers to the right, all else to the left.

    Examples
    --------
    >>> align_columns([("name", ["he", "glorot"]), ("seeds", ["9", "12"])])
    ['name    seeds', '------  -----', 'he          9', 'glorot     12']
    """
    shown = []
    for name, cells in columns:
        column = [name, *cells]
        width = max(map(len, column))
        align = str.rjust if is_number(cells) else str.ljust
        head, *body = (align(cell, width) for cell in column)
        shown.append([head, "-" * width, *body])
    return ["  ".join(line).rstrip() for line in zip(*shown, strict=True)]


def is_number(cells: Iterable[str]) -> bool:
    """Whether a column is one of numbers, with signs and intervals, and not of text that begins with a number."""
    return all((cell[:1].isdigit() or cell[:1] in "-<") and not re.search("[a-df-z]", cell) for cell in cells)
