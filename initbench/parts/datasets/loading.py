"""Data sets are loaded once a process, or taken from the cache: reading a config needs them, and so does training."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from initbench.contracts import Dataset
from initbench.errors import DataError
from initbench.parts.datasets.cache import user_copies
from initbench.parts.datasets.facts import FACTS
from initbench.parts.datasets.places import find_path
from initbench.registry import find

PATTERNS = ("*", "*/*", "*/raw/*")  # of files in a folder; the last is torchvision's, MNIST/raw
MOST_KEPT = 2**30  # bytes of data sets that stay in memory beside the one asked for last
_loaded: OrderedDict[tuple[Any, ...], Dataset] = OrderedDict()


def load_dataset(name: str, parameters: Mapping[str, Any], folders: tuple[Path, ...]) -> Dataset:
    """Load a data set, or take the one that was loaded before while its files have not changed.

    Its files are the one that it is read from and, for images, those beside it or in its folder that belong with it.

    Without it, MNIST as a CSV would be parsed twice a run: as its config is read, and by the runner.

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
    entry = find("dataset", name)
    function = entry.function
    place = _find_place(name, parameters.get("file"), folders)
    key = (function, repr(sorted(parameters.items())), place or folders, _stamps(place) if place else ())
    if key not in _loaded:
        copies = user_copies() if place and not entry.fingerprint else None
        source = (name, *key[1:])
        dataset = (
            copies.load(source, lambda: function(folders, **parameters)) if copies else function(folders, **parameters)
        )
        for array in _arrays(dataset):
            array.flags.writeable = False
        _loaded[key] = dataset
    _loaded.move_to_end(key)
    while len(_loaded) > 1 and sum(array.nbytes for kept in _loaded.values() for array in _arrays(kept)) > MOST_KEPT:
        _loaded.popitem(last=False)
    return _loaded[key]


def _arrays(dataset: Dataset) -> tuple[Any, ...]:
    return dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test


def _find_place(name: str, file: str | None, folders: tuple[Path, ...]) -> Path | None:
    """The file or folder that a data set is read from; None where it comes with its code or is still to be fetched."""
    if file:
        try:
            return find_path(file, folders)
        except DataError:
            return None  # the data set itself says so
    place = FACTS[name].place(folders) if name in FACTS else None
    return Path(place) if place else None


def _stamps(place: Path) -> tuple[Any, ...]:
    """What changes when a file does, one that belongs with it, or one of the files in a folder."""
    if place.is_dir():
        files = [file for pattern in PATTERNS for file in sorted(place.glob(pattern))]
    else:
        files = sorted(place.parent.glob("*.npz")) if place.suffix.lower() == ".npz" else [place]
    stats = [(str(file), file.stat()) for file in files if file.is_file()]
    return tuple((name, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino) for name, found in stats)
