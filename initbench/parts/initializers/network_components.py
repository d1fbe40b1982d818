"""Principal components of a layer's inputs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from initbench.contracts import Array

NEGLIGIBLE = 1e-10  # a variance that is smaller relative to the largest is rounding


class Components(NamedTuple):
    """The directions in which ``d`` inputs vary, the largest variance first; ``r`` of them, none for constant inputs.

    Attributes
    ----------
    axes : ndarray, shape (d, r)
        Orthonormal columns.
    deviations : ndarray, shape (r,)
        Standard deviation along each.
    """

    axes: Array
    deviations: Array


def components(centred: Array) -> Components:
    """The principal components of rows whose columns have mean 0, shape (n, d)."""
    variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = np.flatnonzero(variances > NEGLIGIBLE * variances[-1])[::-1]
    return Components(axes[:, kept], np.sqrt(variances[kept]))
