"""The data sets of a run: each is loaded once, and lies where worker processes can map it."""

from __future__ import annotations

from pathlib import Path

from initbench.config import Experiment, Part
from initbench.contracts import Dataset
from initbench.errors import StoreError
from initbench.parts.datasets.facts import checksum
from initbench.parts.datasets.loading import load_dataset
from initbench.parts.datasets.saved import open_dataset, save_dataset
from initbench.plan import DataFacts


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
        return open_dataset(self.place / checksum)


def facts_of(dataset: Dataset) -> DataFacts:
    """What the plan must know of a data set."""
    rows = len(dataset.x_train)
    return DataFacts(checksum(dataset), rows, len(dataset.x_test), dataset.row, len(dataset.classes))


def save_shared(dataset: Dataset, folder: Path) -> None:
    """Write a data set for worker processes to map into memory.

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
    try:
        save_dataset(dataset, folder)
    except OSError as error:
        hint = "make room there, or set TMPDIR to a folder that has some"
        raise StoreError(f"{folder}: the data cannot be written: {error.strerror or error}; {hint}") from error
