"""Tables for the tests of their reader: text or bytes to a file, to what the reader makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from initbench.errors import DataError
from initbench.parts.datasets.tables import Column, Options, Table, read_table


def read(folder: Path, content: str | bytes, target: str = "y", **options: Any) -> Table:
    """Read ``table.csv`` with this content, as it is to the last byte."""
    file = folder / "table.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    table = read_table(file, Options(target=target, **options))
    if table.faults:
        raise DataError("\n".join(table.faults))
    return table


def read_or_refuse(folder: Path, content: str | bytes, target: str = "y", **options: Any) -> Table | str:
    """The table, or the message of its refusal, where both are right."""
    try:
        return read(folder, content, target, **options)
    except DataError as error:
        return str(error)


def column(table: Table, name: str) -> Column:
    """The column of this name."""
    return next(column for column in table.columns if column.name == name)


def values(table: Table, name: str) -> list[Any]:
    """What the column of this name holds, None where a value is missing; of the target, the names of the classes."""
    if column(table, name).role == "target":
        return [table.classes[index] for index in column(table, name).values]
    return [None if value == "" or value != value else value for value in column(table, name).values]


def kinds(table: Table) -> dict[str, str]:
    """The kind of each column by its name."""
    return {column.name: column.kind for column in table.columns}


def has_note(table: Table, *words: str) -> bool:
    """Whether one note has all these words."""
    return any(all(word.casefold() in note.casefold() for word in words) for note in table.notes)
