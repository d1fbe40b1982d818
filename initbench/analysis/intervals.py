"""The 95 % interval of a mean, and the order of settings; what the tables of this room share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit

CONFIDENCE = 0.95


def t_interval(mean: Any, std: Any, count: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Student's interval of a mean, elementwise.

    Parameters
    ----------
    mean, std, count : array_like, shape (g,)
        Sample mean, sample standard deviation (``ddof=1``) and number of values of each of g groups.

    Returns
    -------
    low, high : ndarray of float64, shape (g,)
        ``mean -/+ t(0.975; count - 1) * std / sqrt(count)``; nan where count is below 2.

    References
    ----------
    Student (1908), "The probable error of a mean", Biometrika 6(1).
    """
    mean, std, count = (np.asarray(x, dtype=np.float64) for x in (mean, std, count))
    enough = np.where(count >= 2, count, np.nan)
    half = stdtrit(enough - 1, (1 + CONFIDENCE) / 2) * std / np.sqrt(enough)
    return mean - half, mean + half


def sort_key(row: tuple[Any, ...]) -> tuple[tuple[bool, bool, Any], ...]:
    """Orders factor values that may mix numbers, text and None: numbers first, then text, then None.

    Examples
    --------
    >>> sorted([("b",), (None,), (10,), (9.5,)], key=sort_key)
    [(9.5,), (10,), ('b',), (None,)]
    """
    return tuple((missing := bool(pd.isna(x)), isinstance(x, str), 0 if missing else x) for x in row)
