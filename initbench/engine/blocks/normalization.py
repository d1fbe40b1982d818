"""Batch and layer normalization of a stack, in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from initbench.contracts import Array, RowShape
from initbench.engine.block import Block
from initbench.engine.parameters import Own, Slot
from initbench.engine.workspace import Site
from initbench.errors import ShapeError

EPSILON = 1e-5


@dataclass(frozen=True)
class Normalization(Block):
    """``gain * (z - mean) / sqrt(variance + EPSILON) + offset`` over one axis.

    Batch normalization takes mean and variance of a unit over the rows, layer normalization of a row over the units.

    References
    ----------
    Ioffe & Szegedy (2015), "Batch Normalization", algorithm 1, arXiv:1502.03167.
    Ba, Kiros & Hinton (2016), "Layer Normalization", arXiv:1607.06450.
    """

    kind: Literal["batch", "layer"]
    passes_ones = True
    keeps_ones = True
    needs_output = False

    @property
    def gathers(self) -> bool:
        """Whether it is batch normalization."""
        return self.kind == "batch"

    def output(self, shape: RowShape) -> RowShape:
        """The shape that it takes.

        Raises
        ------
        ShapeError
            When a row has more than one axis.
        """
        if len(shape) != 1:
            raise ShapeError(f"{self.kind} normalization takes rows of one axis, and got rows of shape {shape}")
        return shape

    def slots(self, shape: RowShape) -> tuple[Slot, ...]:
        """A gain and an offset a unit."""
        return Slot("gains", (1, shape[-1]), start=1.0), Slot("offsets", (1, shape[-1]))

    def prepare(self, site: Site) -> NormalizationWork:
        """Buffers for mean, variance and what is standardized."""
        return NormalizationWork(site, over_rows=self.kind == "batch")

    def forward(self, x: Array, own: Own, work: NormalizationWork) -> Array:
        """Normalize the rows, in place where that is allowed."""
        if work.y is not None:
            np.copyto(work.y, x)
            x = work.y
        z = x[..., : work.width]
        if work.fixed is None:
            z -= work.mean_of(z, work.mean)
            np.multiply(z, z, out=work.square)
            work.mean_of(work.square, work.variance)
        else:
            z -= work.mean
        np.add(work.variance, EPSILON, out=work.deviation)
        np.sqrt(work.deviation, out=work.deviation)
        z /= work.deviation
        if work.standardized is not None:
            np.copyto(work.standardized, z)
        z *= own["gains"]
        z += own["offsets"]
        return x

    def backward(self, delta: Array, own: Own, work: NormalizationWork, gradients: Own) -> Array | None:
        """Turn the derivative by the output into that by the input, in place; fill the slopes of gain and offset."""
        full, delta, scratch, standardized = delta, delta[..., : work.width], work.scratch, work.standardized
        assert standardized is not None
        np.matmul(work.ones, delta, out=gradients["offsets"])
        np.multiply(delta, standardized, out=scratch)
        np.matmul(work.ones, scratch, out=gradients["gains"])
        delta *= own["gains"]
        if work.fixed is None:
            np.multiply(delta, standardized, out=scratch)
            np.multiply(standardized, work.mean_of(scratch, work.reduced), out=scratch)
            delta -= work.mean_of(delta, work.reduced)
            delta -= scratch
        delta /= work.deviation
        return full


class NormalizationWork:
    """The buffers of a normalization.

    Attributes
    ----------
    mean, variance : ndarray, shape (m, 1, h) for batch, (m, n, 1) for layer
        Of the last rows, the variance with the number of values as its divisor.
    fixed : pair of ndarray, optional
        Mean and variance that batch normalization uses instead; they do not depend on the rows.
    """

    def __init__(self, site: Site, *, over_rows: bool) -> None:
        m, n, h = site.m, site.n, site.shape[-1]
        self.width, self.over_rows = h, over_rows
        self.y = None if site.may_overwrite else site.values(has_ones=site.given.has_ones)
        if site.may_overwrite:
            site.returns_input()
        shape = (m, 1, h) if over_rows else (m, n, 1)
        self.mean, self.variance, self.deviation, self.reduced = (np.empty(shape, site.dtype) for _ in range(4))
        self.fixed = site.gathers_statistics(self) if over_rows else None
        if self.fixed is not None:
            self.mean, self.variance = self.fixed
        site.divides_by_root_of(self.variance)
        # An average is a product with a row (or column) of equal weights: 7 µs where the mean takes 39 (15 networks,
        # 64 rows, 64 units).
        self.average = np.full((1, n) if over_rows else (h, 1), 1 / (n if over_rows else h), site.dtype)
        self.ones = np.ones((1, n), site.dtype)
        self.square = np.empty((m, n, h), site.dtype)
        self.standardized = np.empty_like(self.square) if site.keeps else None
        self.scratch = site.scratch()[..., :h] if site.keeps else self.square

    def mean_of(self, array: Array, out: Array) -> Array:
        """Average over the normalized axis."""
        if self.over_rows:
            return np.matmul(self.average, array, out=out)
        return np.matmul(array, self.average, out=out)
