"""The small digits that come with scikit-learn."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from initbench.contracts import Array, Dataset
from initbench.parts.datasets.facts import FACTS, Facts
from initbench.parts.datasets.sampling import fixed_split
from initbench.registry import dataset

FACTS["digits"] = Facts(
    rows=1797,
    test_rows=360,
    features=64,
    classes=10,
    checksum="3d7b8a693b6d5c9cdae0afa4d8cb3a4183b0991f2cbbfb24d053b1e1af245a0a",
    origin="UCI optical digits, 8 x 8; CC BY 4.0",
    place=lambda folders: "comes with scikit-learn",
    shape=(8, 8, 1),
)


@dataset("digits", cites=("alpaydin1998",))
def digits(folders: tuple[Path, ...]) -> Dataset:
    """1,797 handwritten digits of 8 x 8 pixels, from scikit-learn.

    Parameters
    ----------
    folders : tuple of Path
        Not used: the digits come with scikit-learn.

    Returns
    -------
    Dataset
        Pixels 0 to 16 as uint8; 1,437 training and 360 test rows, split by ``fixed_split``.

    References
    ----------
    Alpaydin & Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
    doi:10.24432/C50P49; the part that scikit-learn calls ``load_digits``.
    """
    numbers = _numbers()
    x, y = numbers[:, :-1].astype(np.uint8), numbers[:, -1].astype(np.int64)
    train, test = fixed_split(y)
    return Dataset(x[train], y[train], x[test], y[test], tuple("0123456789"), "image", shape=(8, 8, 1))


def _numbers() -> Array:
    """The pixels of each digit and, in the last column, which one it is: what scikit-learn's file holds.

    Importing ``sklearn.datasets`` takes 0.9 s, three times as long as all other work of ``initbench run smoke``.
    """
    package = find_spec("sklearn")
    file = Path(package.origin if package and package.origin else "").parent / "datasets" / "data" / "digits.csv.gz"
    if file.is_file():
        return np.loadtxt(file, np.int64, delimiter=",")
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return np.column_stack([pixels, labels])
