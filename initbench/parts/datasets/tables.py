"""Tables: columns of mixed types into one array of numbers, and the CSV reader."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from initbench.contracts import Array, Dataset
from initbench.errors import DataError, nearest
from initbench.parts.datasets.facts import LARGEST
from initbench.parts.datasets.sampling import fixed_split

MISSING = frozenset({"", "?", "NA", "N/A", "nan", "NaN", "null", "NULL"})
MAX_CLASSES = 100
MIN_CLASS_ROWS = 5
MAX_CATEGORIES = 1000
MOST_NUMBERS = 10**8  # rows times columns, 800 MB


def read_csv(file: Path, target: str, drop: tuple[str, ...]) -> Dataset:
    """Read a CSV file with one header line; separator comma, semicolon or tab, text in UTF-8.

    In a semicolon file decimals may have a comma. An empty cell, ``?``, ``NA``, ``N/A``, ``nan`` or ``null`` is
    a missing value.

    Parameters
    ----------
    file : Path
        Must exist.
    target : str
        Column of the classes.
    drop : tuple of str
        Columns to leave out.

    Returns
    -------
    Dataset
        Encoded by ``encode`` and split by ``fixed_split``.

    Raises
    ------
    DataError
        When the file cannot be read as such, lacks a column, or cannot be learned from.
    """
    names, rows, lines, separator = _read_rows(file)
    faults = []
    for role, name in [("target", target), *(("drop", d) for d in drop)]:
        if name not in names:
            close = nearest(name, names)
            advice = f"nearest name: {close}" if close else f"it has: {', '.join(names)}"
            faults.append(f"{file}:1: no column '{name}', which {role} names; {advice}")
    if target in drop:
        faults.append(f"{file}:1: the target '{target}' is also named by drop; take it out of one of the two")
    _refuse(faults)
    cells = dict(zip(names, zip(*rows, strict=True), strict=True))
    classes, y = _read_target(file, target, cells.pop(target), lines)
    for name in drop:
        cells.pop(name, None)
    _refuse(
        f"{file}:1: column {i + 1} has no name; give it one, or leave it out with drop: [{name}]"
        for i, name in enumerate(names)
        if name in cells and name == _unnamed(i)
    )
    decimal = "," if separator == ";" else "."
    columns = {name: _parse_column(values, decimal) for name, values in cells.items()}
    beyond = {n: np.abs(c) > LARGEST for n, c in columns.items() if c.dtype.kind == "f"}
    _refuse(
        f"{file}:{lines[int(found.argmax())]}: column '{name}' has a value that is infinite or beyond {LARGEST:g}; "
        "correct it, or leave it empty"
        for name, found in beyond.items()
        if found.any()
    )
    return encode(columns, y, classes, str(file))


def encode(columns: dict[str, Array], y: Array, classes: Sequence[str], source: str) -> Dataset:
    """Turn columns into one array of numbers, with categories taken from the training rows only.

    A column of numbers stays as it is. A column of text becomes a column of 0 and 1 for each category but the first,
    in sorted order; a category that the training rows lack is coded as 0 in all of them. A column with missing values
    in the training rows gets a further column ``<name> is missing``.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n,)
        float64 with nan for a missing value, or text with an empty one.
    y : ndarray of int64, shape (n,)
        Index of the class.
    classes : sequence of str
        Their names.
    source : str
        What an error names.

    Returns
    -------
    Dataset
        x of float64, shape (n, d), still with nan.

    Raises
    ------
    DataError
        When no column is left, one has no value at all, or one has more than ``MAX_CATEGORIES`` categories.
    """
    if not columns:
        raise DataError(f"{source}: no column is left beside the target; drop fewer")
    train, test = fixed_split(y)
    encoded: list[tuple[str, Array]] = []
    faults = []
    for name, column in columns.items():
        is_text = column.dtype.kind in "UO"
        missing = column == "" if is_text else np.isnan(column)
        if missing[train].all():
            faults.append(
                f"{source}: column '{name}' has no value in the training rows; leave it out with drop: [{name}]"
            )
            continue
        if is_text:
            categories = np.unique(column[train][~missing[train]])
            if len(categories) > MAX_CATEGORIES:
                faults.append(
                    f"{source}: column '{name}' is text with {len(categories)} categories in the training rows "
                    f"(such as '{categories[0]}'), probably an id; leave it out with drop: [{name}]"
                )
                continue
            if (len(encoded) + len(categories)) * len(y) > MOST_NUMBERS:
                raise DataError(
                    f"{source}: with a column for each of the {len(categories)} categories of '{name}' it has more "
                    f"than {MOST_NUMBERS:,} numbers; leave it out with drop: [{name}]"
                )
            encoded += [(f"{name} = {c}", (column == c).astype(float)) for c in categories[1:]]
        else:
            encoded.append((name, column))
        if missing[train].any():
            encoded.append((f"{name} is missing", missing.astype(float)))
    _refuse(faults)
    if not encoded:
        raise DataError(f"{source}: every column has one value only, so there is nothing to learn from")
    names, numbers = zip(*encoded, strict=True)
    x = np.column_stack(numbers)
    return Dataset(x[train], y[train], x[test], y[test], tuple(classes), "table", names)


def _refuse(faults: Iterable[str]) -> None:
    text = "\n".join(faults)
    if text:
        raise DataError(text)


def _unnamed(index: int) -> str:
    return f"column {index + 1}"


class _Cells(NamedTuple):
    names: list[str]
    rows: list[list[str]]
    lines: list[int]  # where each row begins in the file
    separator: str


def _read_rows(file: Path) -> _Cells:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); csv names one CSV file") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{file}:{line}: the byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{file}:{line}: a NUL byte stands there, so it is no text; is it a CSV file, saved as UTF-8?")
    separator = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows, lines, line = [], [], 1
    try:
        for row in reader:
            if row:
                rows.append([cell.strip() for cell in row])
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{file}:{line}: {error}; is it a CSV file?") from error
    if len(rows) < 2:
        raise DataError(f"{file}: {'has no row below its header' if rows else 'is empty'}")
    names = [name or _unnamed(i) for i, name in enumerate(rows[0])]
    twice = [name for name, count in Counter(names).items() if count > 1]
    _refuse(f"{file}:1: the column name '{name}' stands there more than once; rename one" for name in twice)
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(names):
            raise DataError(
                f"{file}:{line}: {len(row)} cells, and the header has {len(names)}; "
                f"cells are separated by {separator!r}, and one that holds it needs double quotes"
            )
    return _Cells(names, rows[1:], lines[1:], separator)


def _read_target(file: Path, target: str, cells: Sequence[str], lines: list[int]) -> tuple[list[str], Array]:
    empty = [line for cell, line in zip(cells, lines, strict=True) if cell in MISSING]
    if empty:
        raise DataError(
            f"{file}:{empty[0]}: the target '{target}' is missing in {len(empty)} rows, first in this one; "
            "fill them in, or remove them"
        )
    names, y, counts = np.unique(np.array(cells, dtype=object), return_inverse=True, return_counts=True)
    if len(names) == 1:
        raise DataError(f"{file}: the target '{target}' is '{names[0]}' in every row; it needs two classes or more")
    if len(names) > MAX_CLASSES:
        raise DataError(
            f"{file}: the target '{target}' has {len(names)} distinct values and looks like one of regression; "
            f"a class is wanted, with at most {MAX_CLASSES} of them"
        )
    rarest = int(counts.argmin())
    if counts[rarest] < MIN_CLASS_ROWS:
        raise DataError(
            f"{file}: the target '{target}' has {(counts < MIN_CLASS_ROWS).sum()} classes of fewer than "
            f"{MIN_CLASS_ROWS} rows, such as '{names[rarest]}' with {counts[rarest]}; remove or merge them"
        )
    return names.tolist(), y.astype(np.int64)


def _parse_column(cells: Sequence[str], decimal: str) -> Array:
    """Numbers as float64 where every cell is one, true and false as 1 and 0; else text, with missing cells empty."""
    known = ["" if cell in MISSING else cell for cell in cells]
    words = {cell.lower() for cell in known} - {""}
    if words and words <= {"true", "false"}:
        known = [{"true": "1", "false": "0"}.get(cell.lower(), "") for cell in known]
    try:
        return np.array([float(cell.replace(decimal, ".")) if cell else np.nan for cell in known])
    except ValueError:
        return np.array(known, dtype=object)  # of numpy's own texts each would be as large as the longest
