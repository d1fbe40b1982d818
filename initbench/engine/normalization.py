"""Batch and layer normalization of a stack, in place."""

from __future__ import annotations

from typing import Literal

import numpy as np

from initbench.contracts import Array

EPSILON = 1e-5


class Norm:
    """``z <- gain * (z - mean) / sqrt(variance + EPSILON) + offset`` over one axis, and its way back.

    Batch normalization takes mean and variance of a unit over the rows, layer normalization of a row over the units.

    Parameters
    ----------
    kind : ``"batch"`` or ``"layer"``
    like : ndarray, shape (m, n, h)
        An array of the shape and dtype that will come.
    keeps : bool
        Whether ``backward`` will be called.

    Attributes
    ----------
    mean, variance : ndarray, shape (m, 1, h) for batch, (m, n, 1) for layer
        Of the last rows, the variance with the number of values as its divisor.

    References
    ----------
    Ioffe & Szegedy (2015), "Batch Normalization", algorithm 1, arXiv:1502.03167.
    Ba, Kiros & Hinton (2016), "Layer Normalization", arXiv:1607.06450.
    """

    def __init__(self, kind: Literal["batch", "layer"], like: Array, *, keeps: bool) -> None:
        m, n, h = like.shape
        self.over_rows = kind == "batch"
        self.count = n if self.over_rows else h
        shape = (m, 1, h) if self.over_rows else (m, n, 1)
        self.mean, self.variance, self.deviation, self.reduced = (np.empty(shape, like.dtype) for _ in range(4))
        self.average = np.full((1, n) if self.over_rows else (h, 1), 1 / self.count, like.dtype)
        self.ones = np.ones((1, n), like.dtype)
        self.square = np.empty_like(like)
        self.standardized = np.empty_like(like) if keeps else None

    def _mean_of(self, array: Array, out: Array) -> Array:
        """Average over the normalized axis: a product with a row (or column) of equal weights."""
        if self.over_rows:
            return np.matmul(self.average, array, out=out)
        return np.matmul(array, self.average, out=out)

    def forward(self, z: Array, gain: Array, offset: Array, fixed: tuple[Array, Array] | None = None) -> None:
        """Normalize ``z``, shape (m, n, h), in place; ``fixed`` gives batch normalization its mean and variance."""
        if fixed is None or not self.over_rows:
            z -= self._mean_of(z, self.mean)
            np.multiply(z, z, out=self.square)
            variance = self._mean_of(self.square, self.variance)
        else:
            mean, variance = fixed
            z -= mean
        np.add(variance, EPSILON, out=self.deviation)
        np.sqrt(self.deviation, out=self.deviation)
        z /= self.deviation
        if self.standardized is not None:
            np.copyto(self.standardized, z)
        z *= gain
        z += offset

    def backward(self, delta: Array, gain: Array, scratch: Array, gain_slope: Array, offset_slope: Array) -> None:
        """Turn ``delta``, the derivative by the output, into that by the input, in place; fill the two slopes."""
        assert self.standardized is not None
        np.matmul(self.ones, delta, out=offset_slope)
        np.multiply(delta, self.standardized, out=scratch)
        np.matmul(self.ones, scratch, out=gain_slope)
        delta *= gain
        np.multiply(delta, self.standardized, out=scratch)
        np.multiply(self.standardized, self._mean_of(scratch, self.reduced), out=scratch)
        delta -= self._mean_of(delta, self.reduced)
        delta -= scratch
        delta /= self.deviation
