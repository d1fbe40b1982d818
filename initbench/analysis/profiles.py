"""Interquartile means and performance profiles of runs over several settings, with stratified bootstrap intervals."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

from initbench.analysis.intervals import CONFIDENCE

RESAMPLES = 2_000

Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=2)
def resample(sizes: tuple[int, ...]) -> Floats:
    """How often each run is in a sample: first in the one that was seen, then in 2,000 drawn within each setting.

    Parameters
    ----------
    sizes : tuple of int
        How many runs each setting has, at least 1.

    Returns
    -------
    ndarray, shape (2,001, n)
        A column a run, those of a setting side by side. The draws are from a fixed seed and depend on sizes alone, so
        that equal runs have equal intervals. Not to be written to.

    References
    ----------
    Agarwal et al. (2021), "Deep reinforcement learning at the edge of the statistical precipice", arXiv:2108.13264,
    section 4.1.
    """
    rng = np.random.default_rng(0)
    drawn = [rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) for n in sizes]
    return np.vstack([np.ones(sum(sizes)), np.hstack(drawn)])


def interquartile_mean(values: Floats, weights: Floats) -> Floats:
    """Mean of the middle half of several samples that hold the same values, some more than once or not at all.

    Parameters
    ----------
    values : ndarray, shape (n,)
    weights : ndarray, shape (r, n)
        How often each value is in each sample; each row sums to n.

    Returns
    -------
    ndarray, shape (r,)
        Without the n // 4 smallest and largest values.

    References
    ----------
    Agarwal et al. (2021), arXiv:2108.13264, section 4.3.

    Examples
    --------
    >>> interquartile_mean(np.array([9.0, 1, 2, 3]), np.array([[1, 1, 1, 1], [2, 0, 2, 0]]))
    array([2.5, 5.5])
    """
    n, order = len(values), np.argsort(values, kind="stable")
    cut = n // 4
    within = np.clip(np.cumsum(weights[:, order], axis=1), cut, n - cut)
    means: Floats = np.diff(within, axis=1, prepend=cut) @ values[order] / (n - 2 * cut)
    return means


def shares_above(values: Floats, weights: Floats, thresholds: Floats) -> Floats:
    """Share of each sample that lies above each threshold; for ``weights`` see `interquartile_mean`.

    Parameters
    ----------
    values : ndarray, shape (n,)
    weights : ndarray, shape (r, n)
    thresholds : ndarray, shape (t,)

    Returns
    -------
    ndarray, shape (r, t)
        Fractions.

    Examples
    --------
    >>> shares_above(np.array([3.0, 1]), np.array([[1, 1], [0, 2]]), np.array([0.5, 1, 3]))
    array([[1. , 0.5, 0. ],
           [1. , 0. , 0. ]])
    """
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[:, order], axis=1)
    below = np.hstack([np.zeros((len(below), 1)), below])
    shares: Floats = 1 - below[:, np.searchsorted(values[order], thresholds, side="right")] / len(values)
    return shares


def expanded_interval(drawn: Floats, sizes: tuple[int, ...]) -> Floats:
    """The ends of a 95 % interval from what resamples gave: percentiles, set wider where seeds are few.

    Plain percentiles of n seeds are too narrow by ``sqrt((n - 1) / n)``, as a deviation without ``ddof=1`` is, and take
    the normal for Student's distribution.

    Parameters
    ----------
    drawn : ndarray, shape (r, ...)
        A row a resample.
    sizes : tuple of int
        As `resample` takes them.

    Returns
    -------
    ndarray, shape (2, ...)
        The quantiles ``a`` and ``1 - a`` over the resamples, ``a = Phi(-t * sqrt(n / (n - k)))`` for n runs in k
        settings and Student's ``t(0.975; n - k)``; nan where every setting has one run.

    References
    ----------
    Hesterberg (2015), "What teachers should know about the bootstrap", Am. Stat. 69(4), arXiv:1411.5279 (expanded
    percentile intervals; here with the degrees of freedom of strata).
    """
    count, free = sum(sizes), sum(sizes) - len(sizes)
    if not free:
        return np.full((2, *drawn.shape[1:]), np.nan)
    tail = float(ndtr(stdtrit(free, (1 - CONFIDENCE) / 2) * np.sqrt(count / free)))
    ends: Floats = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return ends
