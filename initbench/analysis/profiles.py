"""Interquartile means and performance profiles of runs over several settings, with bootstrap intervals over seeds."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtri, stdtrit

from initbench.analysis.intervals import CONFIDENCE, Floats

RESAMPLES = 2_000


@lru_cache(maxsize=2)
def resample(sizes: tuple[int, ...]) -> Floats:
    """How often each block is in a sample: first in the observed one, then in 2,000 drawn within each data set.

    Parameters
    ----------
    sizes : tuple of int
        How many independent blocks (seeds, with all their settings) each data set has, at least 1.

    Returns
    -------
    ndarray, shape (2,001, n)
        A column a block, those of a data set side by side. The draws are from a fixed seed and depend on sizes alone,
        so that equal runs have equal intervals. Not to be written to.

    References
    ----------
    Agarwal et al. (2021), "Deep reinforcement learning at the edge of the statistical precipice", arXiv:2108.13264,
    section 4.1; here a block is drawn whole, where they draw the runs of each setting on their own.
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
        How often each value is in each sample; no row sums to 0.

    Returns
    -------
    ndarray, shape (r,)
        Of a sample of size m without its m // 4 smallest and largest values.

    References
    ----------
    Agarwal et al. (2021), arXiv:2108.13264, section 4.3.

    Examples
    --------
    >>> interquartile_mean(np.array([9.0, 1, 2, 3]), np.array([[1, 1, 1, 1], [2, 0, 2, 0]]))
    array([2.5, 5.5])
    """
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[:, order], axis=1)
    size = below[:, -1:]
    cut = size // 4
    within = np.clip(below, cut, size - cut)
    means: Floats = np.diff(within, axis=1, prepend=cut) @ values[order] / (size - 2 * cut)[:, 0]
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
    size = below[:, -1:]
    below = np.hstack([np.zeros((len(below), 1)), below])
    shares: Floats = 1 - below[:, np.searchsorted(values[order], thresholds, side="right")] / size
    return shares


def expanded_interval(found: Floats, sizes: tuple[int, ...]) -> Floats:
    """The ends of a 95 % interval: percentiles of the resamples, moved away from what was observed where seeds are few.

    Plain percentiles of n blocks are too narrow by ``sqrt((n - 1) / n)``, as a deviation without ``ddof=1`` is, take
    the normal for Student's distribution, and cover skewed outcomes too rarely.

    Parameters
    ----------
    found : ndarray, shape (r, ...)
        What the rows of `resample` give: the first row is observed, each other is of a resample.
    sizes : tuple of int
        As `resample` takes them.

    Returns
    -------
    ndarray, shape (2, ...)
        The distances of the percentiles 2.5 and 97.5 from what was observed, times ``t / z * sqrt(n / f)``, for n
        blocks in k data sets, ``f = n - k`` degrees of freedom, Student's quantile ``t(1 - 0.025 f / (f + 2); f)`` and
        the normal ``z = 1.96``; nan where every data set has one block.

    References
    ----------
    Hesterberg (2015), "What teachers should know about the bootstrap", Am. Stat. 69(4), arXiv:1411.5279 (percentile
    intervals expanded by Student's t). He looks up wider percentiles, which end at the most extreme resample: that of
    five seeds is five times the same. So the interval itself is widened here.
    """
    count, free = sum(sizes), sum(sizes) - len(sizes)
    if not free:
        return np.full((2, *found.shape[1:]), np.nan)
    tail = (1 - CONFIDENCE) / 2
    stretch = float(stdtrit(free, tail * free / (free + 2)) / ndtri(tail) * np.sqrt(count / free))
    ends: Floats = found[0] + stretch * (np.quantile(found[1:], [tail, 1 - tail], axis=0) - found[0])
    return np.stack([np.minimum(ends[0], found[0]), np.maximum(ends[1], found[0])])
