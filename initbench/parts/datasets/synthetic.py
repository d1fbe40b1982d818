"""Made-up tables of any size: rows as the theory of initialization has them, and a line to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np

from initbench.contracts import Array, Count, Dataset, Range
from initbench.errors import ParameterError
from initbench.parts.datasets.facts import MAX_CLASSES, MIN_CLASS_ROWS, MOST_NUMBERS
from initbench.parts.datasets.sampling import fixed_split
from initbench.registry import dataset

MOST_ROWS = 10**7  # beside its features a row costs its label, its index and its place in the split
ROWS_SEED, PROJECTIONS_SEED = 2010, 2011

Classes = Annotated[int, Range(low=2, high=MAX_CLASSES)]
RowCount = Annotated[int, Range(low=2 * MIN_CLASS_ROWS, high=MOST_ROWS)]


@dataset("gaussian")
def gaussian(
    folders: tuple[Path, ...], *, features: Count = 64, classes: Classes = 10, rows: RowCount = 2000
) -> Dataset:
    """Made-up standard normal rows: {gaussian: {features: 64, classes: 10, rows: 2000}}, with scaling: none as drawn.

    Parameters
    ----------
    folders : tuple of Path
        Not used: the rows are drawn.
    features : int, default 64
        Columns, independent and standard normal.
    classes : int, default 10
        The class is the largest of so many projections, x @ p with a p of standard normal numbers for each class. So a
        linear model can tell them apart.
    rows : int, default 2000
        Training and test rows together. The first of them are the same whatever ``rows`` is.

    Returns
    -------
    Dataset
        Four fifths of the rows for training, a stratified fifth for the test, split by ``fixed_split``.

    Raises
    ------
    ParameterError
        When a class has fewer than five rows, or rows times features or classes is more than 100 million.
    """
    if rows * max(features, classes) > MOST_NUMBERS:
        raise ParameterError(
            f"gaussian: {rows} rows of {features} features and {classes} classes are more than {MOST_NUMBERS:,} numbers"
        )
    x = np.random.default_rng(ROWS_SEED).standard_normal((rows, features))
    projections = np.random.default_rng(PROJECTIONS_SEED).standard_normal((features, classes))
    y = np.argmax(x @ projections, axis=1)
    fewest = np.bincount(y, minlength=classes).min()
    if fewest < MIN_CLASS_ROWS:
        raise ParameterError(
            f"gaussian: with {rows} rows, {features} features and {classes} classes the smallest class has {fewest} "
            f"rows, and {MIN_CLASS_ROWS} are needed; take more rows or features, or fewer classes"
        )
    return _split(x, y, tuple(map(str, range(classes))))


@dataset("line")
def line(folders: tuple[Path, ...], *, rows: RowCount = 200) -> Dataset:
    """Made-up rows of one feature, evenly spaced from -1 to 1, whose class is the sign: {line: {rows: 200}}.

    Parameters
    ----------
    folders : tuple of Path
        Not used: the rows are computed.
    rows : int, default 200
        Training and test rows together, half of them on each side of 0; even, so that none lies on it.

    Returns
    -------
    Dataset
        x = ±1 / rows, ±3 / rows, ..., ±(rows - 1) / rows; split by ``fixed_split``.

    Raises
    ------
    ParameterError
        When ``rows`` is odd.
    """
    if rows % 2:
        raise ParameterError(f"line: rows is {rows} and must be even, so that no row lies at 0; take {rows + 1}")
    x = (2.0 * np.arange(rows)[:, None] + 1 - rows) / rows
    return _split(x, x[:, 0] > 0, ("negative", "positive"))


def _split(x: Array, y: Array, classes: tuple[str, ...]) -> Dataset:
    y = y.astype(np.int64)
    train, test = fixed_split(y)
    names = tuple(f"x{i}" for i in range(1, x.shape[1] + 1))
    return Dataset(x[train], y[train], x[test], y[test], classes, "table", names)
