"""Which trained weights a results folder has, by what its ``runs.csv`` promises."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from initbench.errors import ParameterError

COLUMNS = ("cell", "seed", "status", "initializer")
RunRow = Mapping[str, str]
SHOWN = 8


def weights_file(folder: Path, cell: str) -> Path:
    """The trained weights of the one cell whose id begins with ``cell``.

    Raises
    ------
    ParameterError
        When there is no such cell, more than one, or it has no trained weights.
    """
    rows = _rows(folder)
    found = [row for row in rows if row["cell"].startswith(cell)]
    if len(found) != 1:
        wrong = f"{len(found)} cells begin with '{cell}'" if found else f"no cell begins with '{cell}'"
        raise ParameterError(f"{folder}: {wrong}; it has: {_list(found or rows)}")
    if found[0]["status"] != "ok":
        raise ParameterError(f"{folder}: the cell {_list(found)} is {found[0]['status']}; name one that is ok")
    if not _file(folder, found[0]).is_file():
        raise ParameterError(
            f"{folder}: no weights are recorded of the cell {_list(found)}; run it with record: [curves, weights]"
        )
    return _file(folder, found[0])


def weights_by_seed(folder: Path, seeds: Iterable[int]) -> dict[int, Path]:
    """The trained weights that each seed starts from: those of the cell of the same seed.

    Returns
    -------
    dict of int to Path
        Of every seed that has one cell.

    Raises
    ------
    ParameterError
        When there are no weights, or one of ``seeds`` has no cell or more than one.
    """
    rows = _rows(folder)
    usable = [row for row in rows if row["status"] == "ok" and _file(folder, row).is_file()]
    if not usable:
        raise ParameterError(
            f"{folder}: no weights are recorded of its {len(rows)} cells; run it with record: [curves, weights]"
        )
    by_seed: dict[int, list[RunRow]] = {}
    for row in usable:
        by_seed.setdefault(int(row["seed"]), []).append(row)
    for seed in seeds:
        if len(by_seed.get(seed, ())) != 1:
            count = len(by_seed.get(seed, ()))
            candidates = _list(by_seed.get(seed, usable))
            raise ParameterError(
                f"{folder}: {count or 'no'} cells with weights have the seed {seed}; name one by cell: {candidates}"
            )
    return {seed: _file(folder, found[0]) for seed, found in by_seed.items() if len(found) == 1}


def _rows(folder: Path) -> list[RunRow]:
    """A row of ``runs.csv`` for each cell."""
    table = folder / "runs.csv"
    if not table.is_file():
        raise ParameterError(f"'{folder}' is a folder, and no folder of results: it has no runs.csv")
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = [{column: row[column] or "" for column in COLUMNS} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise ParameterError(f"'{folder}' is a folder, and no folder of results: runs.csv: {error!r}") from None
    for row in rows:
        if not row["cell"].isalnum() or not row["seed"].isdecimal():  # a cell names a file under weights/
            raise ParameterError(f"{table}: cell {row['cell']!r} of seed {row['seed']!r} is none of initbench's")
    return list({row["cell"]: row for row in rows}.values())


def _file(folder: Path, row: RunRow) -> Path:
    return folder / "weights" / f"{row['cell']}.npz"


def _list(rows: Iterable[RunRow]) -> str:
    shown = [f"{row['cell']} ({row['initializer']}, seed {row['seed']})" for row in rows]
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else "")
