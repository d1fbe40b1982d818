"""A data set as plain arrays and a JSON file, nothing pickled, which any number of processes can map into memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from initbench.contracts import ColumnAccount, Dataset

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
FILE = "dataset.json"


def save_dataset(dataset: Dataset, folder: Path, **others: str) -> None:
    """Write a data set.

    Parameters
    ----------
    dataset : Dataset
        Of any kind.
    folder : Path
        Made if it is not there.
    **others : str
        What else the JSON file is to hold.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rest = {name: value for name, value in dataset._asdict().items() if name not in ARRAYS}
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", getattr(dataset, name), allow_pickle=False)
    (folder / FILE).write_text(json.dumps(rest | others, default=lambda number: number.item()), encoding="utf-8")


def open_dataset(folder: Path) -> Dataset:
    """Open what `save_dataset` wrote.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Dataset
        Its arrays are read-only maps of the files, so all processes share one copy in memory.
    """
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
    rest = json.loads((folder / FILE).read_text(encoding="utf-8"))
    classes, features, notes, shape = (tuple(rest[name]) for name in ("classes", "features", "notes", "shape"))
    columns = tuple(
        ColumnAccount(name, role, kind, missing, low, high, tuple(labels), tuple(counts))
        for name, role, kind, missing, low, high, labels, counts in rest["columns"]
    )
    return Dataset(
        **arrays, classes=classes, kind=rest["kind"], features=features, notes=notes, columns=columns, shape=shape
    )
