"""What is known of the data sets that have a name, and the checksum that tells whether a copy is the right one."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from initbench.contracts import Dataset, RowShape

LARGEST = 1e30  # of a value in the data; its square and float32 must hold it
MAX_CLASSES = 100
MIN_CLASS_ROWS = 5
MOST_NUMBERS = 10**8  # rows times columns, 800 MB


class Facts(NamedTuple):
    """What ``initbench data`` tells of a data set without loading it.

    Attributes
    ----------
    rows, test_rows, features, classes : int
        Training and test rows together; those for the test; columns as the network sees them.
    checksum : str
        What ``checksum`` gives for the right data.
    origin : str
        Where it comes from, and its licence, in a few words.
    place : callable ``(folders) -> str or None``
        Where it lies, or None when it would have to be fetched.
    shape : tuple of int
        ``(height, width, channels)`` of images.
    """

    rows: int
    test_rows: int
    features: int
    classes: int
    checksum: str
    origin: str
    place: Callable[[tuple[Path, ...]], str | None]
    shape: RowShape = ()

    @property
    def row(self) -> RowShape:
        """The shape of a row."""
        return self.shape or (self.features,)


FACTS: dict[str, Facts] = {}


def checksum(dataset: Dataset) -> str:
    """Hash all that a data set holds, the same on every machine.

    Parameters
    ----------
    dataset : Dataset
        As its loader gives it.

    Returns
    -------
    str
        SHA-256, hexadecimal, over kind, classes and column names, and the type, shape and bytes of the four arrays.
    """
    digest = sha256(json.dumps([dataset.kind, dataset.classes, dataset.features]).encode())
    for array in (dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test):
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{little.dtype.name}{little.shape}".encode())
        digest.update(little.data)
    return digest.hexdigest()
