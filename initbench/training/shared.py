"""The data sets of a run: each is loaded once, and lies where worker processes can map it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from initbench.config import Experiment, Part
from initbench.contracts import Dataset
from initbench.errors import StoreError
from initbench.parts.datasets.facts import checksum
from initbench.parts.datasets.loading import load_dataset
from initbench.plan import DataFacts

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


class SharedData:
    """The data sets of a run.

    Parameters
    ----------
    place : Path
        A folder that is there as long as the run.
    folders : tuple of Path
        Where data sets are looked for.
    """

    def __init__(self, place: Path, folders: tuple[Path, ...]) -> None:
        self.place, self.folders = place, folders
        self._facts: dict[Part, DataFacts] = {}

    def facts_of(self, experiment: Experiment) -> dict[Part, DataFacts]:
        """What the plan must know of each data set of an experiment; those that are new are loaded.

        Raises
        ------
        DataError, MissingDataError
            As the data sets raise them.
        StoreError
            When there is no room for the arrays.
        """
        parts = experiment.choices["dataset"]
        for part in parts:
            if part not in self._facts:
                self._facts[part] = self._load(part)
        return {part: self._facts[part] for part in parts}

    def _load(self, part: Part) -> DataFacts:
        dataset = load_dataset(part.name, dict(part.parameters), self.folders)
        facts = facts_of(dataset)
        if not (self.place / facts.checksum).exists():
            save_shared(dataset, self.place / facts.checksum)
        return facts

    def open(self, checksum: str) -> Dataset:
        """The data set with this checksum; its arrays are read-only maps of files."""
        return open_shared(self.place / checksum)


def facts_of(dataset: Dataset) -> DataFacts:
    """What the plan must know of a data set."""
    rows = len(dataset.x_train)
    return DataFacts(checksum(dataset), rows, len(dataset.x_test), dataset.row, len(dataset.classes))


def save_shared(dataset: Dataset, folder: Path) -> None:
    """Write a data set for worker processes to map into memory: plain arrays and a JSON file, nothing pickled.

    Parameters
    ----------
    dataset : Dataset
        Of any kind.
    folder : Path
        Made if it is not there.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    rest = {name: getattr(dataset, name) for name in ("classes", "kind", "features", "shape")}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(dataset, name), allow_pickle=False)
        (folder / "dataset.json").write_text(json.dumps(rest), encoding="utf-8")
    except OSError as error:
        hint = "make room there, or set TMPDIR to a folder that has some"
        raise StoreError(f"{folder}: the data cannot be written: {error.strerror or error}; {hint}") from error


def open_shared(folder: Path) -> Dataset:
    """Open what ``save_shared`` wrote.

    Parameters
    ----------
    folder : Path
        What was given to ``save_shared``.

    Returns
    -------
    Dataset
        Its arrays are read-only maps of the files, so all workers share one copy in memory.
    """
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS}
    rest = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    classes, features, shape = (tuple(rest[name]) for name in ("classes", "features", "shape"))
    return Dataset(**arrays, classes=classes, kind=rest["kind"], features=features, shape=shape)
