"""Data sets are loaded once a process: reading a config needs them, and so do planning and training."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from initbench.contracts import Dataset
from initbench.registry import find

MOST_KEPT = 2**30  # bytes of data sets that stay in memory beside the one asked for last
_loaded: OrderedDict[tuple[Any, ...], Dataset] = OrderedDict()


def load_dataset(name: str, parameters: Mapping[str, Any], folders: tuple[Path, ...]) -> Dataset:
    """Load a data set, or take the one that was loaded before while its files have not changed.

    MNIST as a CSV was parsed three times a run without it: by both readings of the config and by the runner.

    Parameters
    ----------
    name : str
        Of a registered data set.
    parameters : mapping of str to value
        All of its parameters.
    folders : tuple of Path
        Where files are looked for.

    Returns
    -------
    Dataset
        Its arrays are read-only.

    Raises
    ------
    DataError, MissingDataError
        As the data set raises them; nothing is kept then.
    """
    function = find("dataset", name).function
    file = parameters.get("file")
    places = () if file and Path(file).is_absolute() else folders
    key = (function, repr(sorted(parameters.items())), places, _stamps(Path(file)) if file else ())
    if key not in _loaded:
        dataset = function(folders, **parameters)
        for array in _arrays(dataset):
            array.flags.writeable = False
        _loaded[key] = dataset
    _loaded.move_to_end(key)
    while len(_loaded) > 1 and sum(array.nbytes for kept in _loaded.values() for array in _arrays(kept)) > MOST_KEPT:
        _loaded.popitem(last=False)
    return _loaded[key]


def _arrays(dataset: Dataset) -> tuple[Any, ...]:
    return dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test


def _stamps(file: Path) -> tuple[Any, ...]:
    """What changes when a file does, or one of the files in a folder or in the folders within."""
    places = [file, *sorted(file.glob("*")), *sorted(file.glob("*/*"))] if file.is_dir() else [file]
    stats = [(str(place), place.stat()) for place in places if place.exists()]
    return tuple((name, found.st_mtime_ns, found.st_size, found.st_ino) for name, found in stats)
