"""A data set -> the arrays of one seed; how worker processes share it."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from initbench.contracts import Array, Dataset, Generator
from initbench.errors import DataError
from initbench.parts.datasets.sampling import take_stratified

FloatArray = NDArray[np.floating[Any]]


class Split(NamedTuple):
    """The arrays of one seed: x in the training dtype, C-contiguous, shape (n, d); y of int64, shape (n,)."""

    x_train: Array
    y_train: Array
    x_valid: Array
    y_valid: Array
    x_test: Array
    y_test: Array


def split(
    dataset: Dataset,
    rng: Generator,
    *,
    scaling: str,
    train_rows: int | None,
    dtype: np.dtype[Any] | type[np.floating[Any]],
) -> Split:
    """Draw the validation rows of one seed, fill missing values and scale.

    One tenth of the training rows, rounded up and stratified, is for validation; the rest is for training, in random
    order. Median, mean, deviation, least and greatest value are those of the seed's own training rows alone.

    Parameters
    ----------
    dataset : Dataset
        As its loader gives it.
    rng : numpy.random.Generator
        The only source of chance. How many rows of a class go where does not depend on it.
    scaling : ``"standard"``, ``"unit"`` or ``"none"``
        To mean 0 and deviation 1, to the range 0 to 1, or not at all: images by all their pixels together, tables
        column by column. A constant column becomes 0.
    train_rows : int or None
        Train on a stratified choice of so many rows only.
    dtype : numpy.dtype
        Of x: float32 or float64.

    Returns
    -------
    Split

    Raises
    ------
    DataError
        When there are fewer training rows than ``train_rows``.
    """
    rows = rng.permutation(len(dataset.y_train))
    valid, train = take_stratified(rows, dataset.y_train, -(-len(rows) // 10))
    if train_rows is not None:
        if train_rows > len(train):
            raise DataError(f"train_rows is {train_rows}, and {len(train)} are left beside {len(valid)} for validation")
        train, _ = take_stratified(train, dataset.y_train, train_rows)
    parts = dataset.x_train[train], dataset.x_train[valid], dataset.x_test
    scale = _scale_images if dataset.kind == "image" else _scale_tables
    x_train, x_valid, x_test = scale(*parts, scaling=scaling, dtype=np.dtype(dtype))
    y_train, y_valid, y_test = dataset.y_train[train], dataset.y_train[valid], np.array(dataset.y_test)
    return Split(x_train, y_train, x_valid, y_valid, x_test, y_test)


def _scale_images(*parts: Array, scaling: str, dtype: np.dtype[Any]) -> list[Array]:
    shift, spread = 0.0, 1.0
    if scaling != "none":
        values, counts = _count_levels(parts[0])
        if scaling == "standard":
            shift = float(np.average(values, weights=counts))
            spread = float(np.sqrt(np.average((values - shift) ** 2, weights=counts)))
        else:
            shift = float(values[0])
            spread = float(values[-1]) - shift
    scaled = []
    for pixels in parts:
        x = np.array(pixels, dtype, order="C")
        x -= dtype.type(shift)
        x /= dtype.type(spread or 1.0)
        scaled.append(x)
    return scaled


def _count_levels(x: Array) -> tuple[Array, Array]:
    """The distinct pixel values in ascending order, and how often each occurs."""
    if x.dtype != np.uint8:
        return np.unique(x.astype(np.float64), return_counts=True)
    # Chunks, because bincount makes a copy eight times as large.
    counts = sum(np.bincount(chunk.ravel(), minlength=256) for chunk in np.array_split(x, 1 + len(x) // 1000))
    values = np.flatnonzero(counts)
    return values.astype(np.float64), np.asarray(counts)[values]


def _scale_tables(*parts: Array, scaling: str, dtype: np.dtype[Any]) -> list[Array]:
    """Fill missing cells with the median of their column's training rows, and scale columns by those rows.

    This is to the last bit what scikit-learn's SimpleImputer, StandardScaler and MinMaxScaler give. Importing those
    takes 0.9 s, twice as long as training 30 small networks.
    """
    filled: list[FloatArray] = [
        np.array(part, np.float32 if part.dtype == np.float32 else np.float64) for part in parts
    ]
    train = filled[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column may have lost all its values with the other rows
        medians = np.nan_to_num(np.nanmedian(train, axis=0), nan=0.0)
    for x in filled:
        np.copyto(x, medians, where=np.isnan(x))
    if scaling == "standard":
        shift = train.sum(axis=0, dtype=np.float64) / len(train)
        spread = _column_spread(train, shift)
        for x in filled:
            x -= shift.astype(x.dtype)
            x /= spread.astype(x.dtype)
    elif scaling == "unit":
        low, span = train.min(axis=0), np.ptp(train, axis=0)
        factor = 1.0 / np.where(span < 10 * np.finfo(span.dtype).eps, 1.0, span)
        for x in filled:
            x *= factor
            x += 0.0 - low * factor
    return [np.ascontiguousarray(x, dtype) for x in filled]


def _column_spread(x: Array, mean: Array) -> Array:
    """Standard deviations of columns, 1 where a column is constant up to rounding.

    References
    ----------
    Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance", The American Statistician 37: the
    corrected two-pass algorithm.
    """
    rows, eps = len(x), np.finfo(np.float64).eps
    distance = x - mean
    error = distance.sum(axis=0)
    distance **= 2
    variance = (distance.sum(axis=0) - error**2 / rows) / rows
    is_constant = variance <= rows * eps * variance + (rows * mean * eps) ** 2
    return np.where(is_constant, 1.0, np.sqrt(variance))
