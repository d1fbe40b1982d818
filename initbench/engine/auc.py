"""The area under the ROC curve."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array


def roc_auc(scores: Array, labels: Array) -> Array:
    """How often a row of class 1 scores above one of class 0, over all such pairs, ties counted half.

    That is the area under the ROC curve, and the sum of the ranks of class 1, ties at their average rank, less the
    least that it can be, over the number of pairs.

    Parameters
    ----------
    scores : ndarray, shape (m, n)
        Of each network; any number that rises with the probability of class 1.
    labels : ndarray of bool, shape (s, n)
        Whether a row is of class 1; the ``m`` networks are ``s`` groups side by side.

    Returns
    -------
    ndarray of float64, shape (m,)
        Fractions (dimensionless); nan where a class has no row.

    References
    ----------
    Hanley & McNeil (1982), "The meaning and use of the area under a receiver operating characteristic (ROC) curve",
    Radiology 143, equation (1).
    """
    areas = np.full(len(scores), np.nan)
    height = len(scores) // len(labels)
    for i, row in enumerate(scores):
        is_one = labels[i // height]
        zeros, ones = np.sort(row[~is_one]), row[is_one]
        pairs = len(zeros) * len(ones)
        if pairs:
            lower, not_higher = (np.searchsorted(zeros, ones, side).sum() for side in ("left", "right"))
            areas[i] = (lower + not_higher) / (2 * pairs)
    return areas
