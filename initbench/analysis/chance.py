"""Whether a network is shown to have learned: its answers on the test rows against chance."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrc, ndtr

ERRORS = 3.0  # standard errors above chance
LEVEL = float(ndtr(-ERRORS))  # the same as a one-sided p: 0.00135
FEW = 8  # rows of a class; with more in both, the normal approximation serves, as in SciPy's mannwhitneyu
MOST_PAIRS = 10_000_000  # of rows of two classes, for which the exact distribution is worked out
ROUNDING = 1e-9


def beats_chance(accuracy: Any, auc: Any, majority: Any, rows: Any) -> npt.NDArray[np.bool_]:
    """Whether test results are better than chance at one-sided p <= 0.00135, elementwise.

    Parameters
    ----------
    accuracy : array_like, shape (n,)
        Test accuracy, a fraction.
    auc : array_like, shape (n,)
        Area under the ROC curve of two classes, a fraction; nan where there are more classes or none is known.
    majority : array_like, shape (n,)
        Test accuracy of always answering the majority class, a fraction.
    rows : array_like, shape (n,)
        Number of test rows.

    Returns
    -------
    ndarray of bool, shape (n,)
        Where there is an area, whether it is above 1/2 by the test of Mann and Whitney; else whether the correct rows
        are more than those of the majority class by the exact binomial test. False where that number is missing.

    References
    ----------
    Mann & Whitney (1947), "On a test of whether one of two random variables is stochastically larger than the other",
    Ann. Math. Statist. 18(1).

    Examples
    --------
    >>> beats_chance([1.0, 0.8, 1.0], [1.0, 0.72, np.nan], [0.5, 0.8, 0.5], [12, 2000, 8]).tolist()
    [True, True, False]
    """
    given = (np.atleast_1d(np.asarray(x, float)) for x in (accuracy, auc, majority, rows))
    accuracy, auc, majority, rows = np.broadcast_arrays(*given)
    correct, total = (accuracy * rows).round(), np.nan_to_num(rows).astype(int)
    is_better: npt.NDArray[np.bool_] = bdtrc(correct - 1, total, majority) <= LEVEL
    counts = np.stack([majority * rows, (1 - majority) * rows]).round()
    by_area = np.isfinite(auc) & (counts > 0).all(axis=0)
    settings, places = np.unique(counts[:, by_area].astype(int), axis=1, return_inverse=True)
    least = np.array([least_auc(*pair) for pair in settings.T.tolist()])
    is_better[by_area] = auc[by_area] >= least[places.ravel()] - ROUNDING
    return is_better


@lru_cache(maxsize=1024)
def least_auc(ones: int, zeros: int) -> float:
    """The smallest area under the ROC curve that is shown to be above 1/2; above 1 where none is.

    Parameters
    ----------
    ones, zeros : int
        Test rows of each class, at least 1.

    Returns
    -------
    float
        With at most 8 rows of a class by the exact distribution, whose generating function is a Gaussian binomial
        coefficient; else by the normal approximation with its correction for continuity. Both take scores without
        ties, which make the area vary less.

    Examples
    --------
    >>> least_auc(6, 6), least_auc(3, 3) > 1
    (1.0, True)
    """
    few, many = sorted((ones, zeros))
    pairs = few * many
    if few > FEW or pairs > MOST_PAIRS:
        return 0.5 + (0.5 + ERRORS * float(np.sqrt(pairs * (few + many + 1) / 12))) / pairs
    share = np.zeros(pairs + 1)  # of the orders of all rows, by how many pairs stand the right way round
    share[0] = 1
    for i in range(1, few + 1):  # times (1 - q^(many + i)) / (1 - q^i)
        share[many + i :] -= share[: -(many + i)].copy()
        for start in range(i):
            share[start::i] = np.cumsum(share[start::i])
        share *= i / (many + i)
    return 1 - (int(np.searchsorted(np.cumsum(share), LEVEL, "right")) - 1) / pairs
