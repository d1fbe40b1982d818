"""95 % intervals of means and of shares, and the order of settings; what the tables of this room share."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri, stdtrit

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 1_999
MOST_RESAMPLED = 1_000  # values; of more, the mean is normal for all that matters here
MOST_FLAT = 0.01  # of the resamples
LONGEST = 3  # times Student's half interval


def t_interval(mean: Any, std: Any, count: Any) -> tuple[Floats, Floats]:
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


def mean_intervals(values: Floats) -> tuple[Floats, Floats]:
    """The studentized bootstrap's interval of the mean of each row.

    Student's interval leans to the wrong side when the values are skewed, and with five to thirty of them the BCa
    bootstrap is too short; ``docs/statistics.md`` has how often each holds the truth. Resamples are the same for all
    rows of a length, from a fixed seed, so that equal values have equal intervals.

    Parameters
    ----------
    values : ndarray, shape (g, n)
        ``n`` values of each of ``g`` groups.

    Returns
    -------
    low, high : ndarray of float64, shape (g,)
        ``mean - q(1 - a) * std / sqrt(n)`` and ``mean - q(a) * std / sqrt(n)`` with the quantiles q of
        ``(mean* - mean) / (std* / sqrt(n))`` over 1,999 resamples, at ``a = 0.025 (n - 2) / n``: at 0.025 itself, few
        and skewed values would be covered less than 93 times of 100. No side is longer than three times Student's,
        which one outlier would make boundless. Student's interval where more than 1 % of the resamples have no spread
        (always so below 5 values, and where most values are equal) and above 1,000 values; nan below 2.

    References
    ----------
    Efron & Tibshirani (1993), "An Introduction to the Bootstrap", section 12.5; Hall (1988), "Theoretical comparison of
    bootstrap confidence intervals", Ann. Statist. 16(3).
    """
    n = values.shape[1]
    if n < 2:
        return np.full(len(values), np.nan), np.full(len(values), np.nan)
    mean, std = values.mean(axis=1), values.std(axis=1, ddof=1)
    low, high = t_interval(mean, std, n)
    if n > MOST_RESAMPLED:
        return low, high
    counts = _resamples(n)
    standard = (values - mean[:, None]) / np.where(std > 0, std, 1.0)[:, None]
    means = standard @ counts / n
    spreads = np.sqrt((standard**2 @ counts / n - means**2).clip(0) * n / (n - 1))
    flat = spreads < 1e-6  # rounding leaves some 1e-8
    t = np.sqrt(n) * means / np.where(flat, np.inf, spreads)
    tail = (1 - CONFIDENCE) / 2 * (n - 2) / n
    ends = np.quantile(t, [1 - tail, tail], axis=1)
    sides = np.abs(ends.clip([[0.0], [-np.inf]], [[np.inf], [0.0]])) * std / np.sqrt(n)
    below, above = np.minimum(sides, LONGEST * (high - mean))
    is_student = flat.mean(axis=1) > MOST_FLAT
    return np.where(is_student, low, mean - below), np.where(is_student, high, mean + above)


@lru_cache(maxsize=4)
def _resamples(n: int) -> Floats:
    """How often each of n values is drawn in each resample, shape (n, RESAMPLES)."""
    counts = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return np.ascontiguousarray(counts.T, dtype=np.float64)


def wilson_interval(count: Any, total: Any) -> tuple[Floats, Floats]:
    """Wilson's interval of a share, elementwise.

    Parameters
    ----------
    count, total : array_like, shape (g,)
        How many of how many.

    Returns
    -------
    low, high : ndarray of float64, shape (g,)
        Fractions; nan where ``total`` is 0.

    References
    ----------
    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22(158).

    Examples
    --------
    >>> low, high = wilson_interval([7], [10])
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.397, 0.892)
    """
    count, total = np.asarray(count, dtype=np.float64), np.asarray(total, dtype=np.float64)
    total = np.where(total > 0, total, np.nan)
    z2 = ndtri((1 + CONFIDENCE) / 2) ** 2
    share = count / total
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = np.sqrt(z2 * (share * (1 - share) / total + z2 / (4 * total**2))) / (1 + z2 / total)
    return (middle - half).clip(0, 1), (middle + half).clip(0, 1)  # rounding may leave 0 and 1 by a last bit


def newcombe_interval(first: Any, second: Any, both: Any, total: Any) -> tuple[Floats, Floats]:
    """Newcombe's interval of the difference of two paired shares, elementwise.

    Parameters
    ----------
    first, second, both : array_like, shape (g,)
        How many of the pairs the first has, the second has, and both have.
    total : array_like, shape (g,)
        How many pairs there are.

    Returns
    -------
    low, high : ndarray of float64, shape (g,)
        Of ``first / total - second / total``; nan where ``total`` is 0.

    References
    ----------
    Newcombe (1998), "Improved confidence intervals for the difference between binomial proportions based on paired
    data", Statist. Med. 17(22), method 10.

    Examples
    --------
    >>> [round(float(end[0]), 3) for end in newcombe_interval([48], [38], [36], [50])]
    [0.057, 0.34]
    """
    first, second, both, total = (np.asarray(x, dtype=np.float64) for x in (first, second, both, total))
    n = np.where(total > 0, total, np.nan)
    low_1, high_1 = wilson_interval(first, total)
    low_2, high_2 = wilson_interval(second, total)
    p, q = first / n, second / n
    product = first * (n - first) * second * (n - second)
    covariance = both * (n - first - second + both) - (first - both) * (second - both)
    corrected = np.where(covariance > 0, np.maximum(covariance - n / 2, 0), covariance)  # Newcombe's continuity
    phi = corrected / np.sqrt(np.where(product > 0, product, np.inf))
    below_1, above_1, below_2, above_2 = p - low_1, high_1 - p, q - low_2, high_2 - q
    below = np.sqrt((below_1**2 - 2 * phi * below_1 * above_2 + above_2**2).clip(0))
    above = np.sqrt((above_1**2 - 2 * phi * above_1 * below_2 + below_2**2).clip(0))
    return p - q - below, p - q + above


def sort_key(row: tuple[Any, ...]) -> tuple[tuple[bool, bool, Any], ...]:
    """Orders factor values that may mix numbers, text and None: numbers first, then text, then None.

    Examples
    --------
    >>> sorted([("b",), (None,), (10,), (9.5,)], key=sort_key)
    [(9.5,), (10,), ('b',), (None,)]
    """
    return tuple((missing := bool(pd.isna(x)), isinstance(x, str), 0 if missing else x) for x in row)
