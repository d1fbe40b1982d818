"""What a reader made of the user's own files: a table of columns, and every assumption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from initbench.errors import printable
from initbench.present.alignment import align_columns

if TYPE_CHECKING:
    import pandas as pd

SHOWN_CATEGORIES = 4
FEWEST_ALIKE = 8  # columns of numbers in a row that text shows as one
COLUMNS = ["column", "role", "type", "missing", "categories", "values"]
LONGEST = 30  # characters of a name or category in text


def columns_table(columns: Iterable[Any]) -> pd.DataFrame:
    """A row a column of a file.

    Parameters
    ----------
    columns : iterable of initbench.contracts.ColumnAccount

    Returns
    -------
    DataFrame
        ``column, role, type, missing, categories, values``; the last is a range, or the categories.
    """
    import pandas as pd

    return pd.DataFrame(_rows(columns), columns=COLUMNS, dtype=object)


def _rows(columns: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        {
            "column": column.name,
            "role": column.role,
            "type": column.kind,
            "missing": column.missing if column.role != "dropped" else None,
            "categories": len(column.labels) if column.kind == "category" else None,
            "values": _values(column),
        }
        for column in columns
    ]


def describe_dataset(
    name: str, *, rows: int, features: int, classes: Sequence[str], columns: Sequence[Any], notes: Sequence[str]
) -> str:
    """A data set of the user's as text.

    Parameters
    ----------
    name : str
        Of the file.
    rows : int
        Training and test rows together.
    features : int
        Pixels of an image.
    classes : sequence of str
        Their names; empty where no target is chosen yet.
    columns : sequence of initbench.contracts.ColumnAccount
        Empty for images.
    notes : sequence of str
        What was assumed.

    Returns
    -------
    str
        Without a line break at its end.
    """
    many = [f"{number:,} {noun}" + "s" * (number != 1) for number, noun in ((rows, "row"), (len(columns), "column"))]
    facts = many if columns else [f"{rows:,} images of {features:,} pixels"]
    facts += [f"{len(classes)} classes"] if classes else []
    if len(classes) == 2:
        facts.append(f"class 1 is '{_short(classes[1])}'")
    lines = [f"{name}: {', '.join(facts)}"]
    if columns:
        shown = [row | {"column": _short(row["column"])} for row in _rows(_merge_alike(columns))]
        texts = {key: ["" if row[key] is None else printable(str(row[key])) for row in shown] for key in COLUMNS}
        lines += align_columns(texts.items())
    lines += [f"note: {note}" for note in notes]
    return "\n".join(lines)


def _merge_alike(columns: Sequence[Any]) -> list[Any]:
    """Columns of numbers without a missing value that follow each other, such as pixels, as one."""

    def is_like(column: Any) -> Any:
        is_plain = (column.role, column.kind, column.missing) == ("feature", "number", 0)
        return True if is_plain else (column.name,)

    merged: list[Any] = []
    for _, group in groupby(columns, key=is_like):
        alike = list(group)
        if len(alike) < FEWEST_ALIKE or len(columns) <= 2 * FEWEST_ALIKE:
            merged += alike
            continue
        name = f"{alike[0].name} to {alike[-1].name} ({len(alike)})"
        low, high = min(column.low for column in alike), max(column.high for column in alike)
        merged.append(alike[0]._replace(name=name, low=low, high=high))
    return merged


def _values(column: Any) -> str:
    if column.role == "dropped":
        return ""
    if column.kind == "date":
        first, last = (str(np.datetime64(int(day), "D")) for day in (column.low, column.high))
        return f"{first} to {last}"
    if column.kind == "number":
        return f"{column.low:.10g} to {column.high:.10g}"
    counts = column.counts if column.role == "target" else (None,) * len(column.labels)
    words = [
        _short(label) + (f" ({number:,})" if number is not None else "")
        for label, number in zip(column.labels, counts, strict=True)
        if label
    ]
    most = 12 if column.role == "target" else SHOWN_CATEGORIES
    return ", ".join(words[:most]) + (f", and {len(words) - most:,} more" if len(words) > most else "")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
