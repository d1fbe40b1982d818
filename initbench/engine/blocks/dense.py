"""A dense block: ``x @ weights + biases``.

What it is given has a column of ones beside each row, and its biases are the last row of its matrix: one product makes
``x @ weights + biases``, and one the gradients of both. No other block needs to know. Adding biases and summing their
gradients apart takes 23 µs a layer of 30 networks of width 32, the wider products 6 µs.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from initbench.contracts import Array, RowShape
from initbench.engine.block import Block
from initbench.engine.parameters import Own, Slot
from initbench.engine.workspace import Site

# Up to so many multiplications OpenBLAS's products by a transposed matrix are slow, and a transposed copy pays: 64 µs
# became 48 at width 32, 231 became 201 at 64; at 128 it costs 1226 and 1314.
SMALL_PRODUCT = 10**6


@dataclass(frozen=True)
class Dense(Block):
    """A dense layer of ``units`` units; rows of any shape are taken flat.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors", Nature 323.
    """

    units: int
    wants_ones = True
    keeps_ones = True
    takes_data = True
    needs_output = False

    def output(self, shape: RowShape) -> RowShape:
        """A number a unit."""
        return (self.units,)

    def slots(self, shape: RowShape) -> tuple[Slot, ...]:
        """One matrix with its biases."""
        fans = (prod(shape), self.units)
        return (Slot("weights", fans, fans=fans, has_biases=True, decays=True),)

    def prepare(self, site: Site) -> DenseWork:
        """Buffers for the output and for the way back."""
        return DenseWork(site, self.units)

    def inputs(self, x: Array, work: DenseWork) -> Array:
        """The rows."""
        return work.x[..., :-1]

    def forward(self, x: Array, own: Own, work: DenseWork) -> Array:
        """Multiply by the matrix."""
        if work.padded is not None:
            work.padded[..., :-1] = x.reshape(*x.shape[:2], -1)
            x = work.padded[: len(x)]
        elif work.writes_ones:
            x[..., -1] = 1
        work.x, matrix = x, own["matrix"]
        if work.passes_down and len(x) == len(matrix):
            np.matmul(x, matrix, out=work.z)
        else:  # the rows of a group are read once for all its networks
            np.matmul(x[:, None], _grouped(matrix, len(x)), out=_grouped(work.z, len(x)))
        return work.y

    def backward(self, delta: Array, own: Own, work: DenseWork, gradients: Own) -> Array | None:
        """Gradients of the matrix, and of what came in where anything below is trained."""
        delta, x, slopes = delta[..., : self.units], work.x, gradients["matrix"]
        if not work.passes_down:
            groups = len(x)
            np.matmul(x[:, None].swapaxes(-1, -2), _grouped(delta, groups), out=_grouped(slopes, groups))
            return None
        np.matmul(x.swapaxes(-1, -2), delta, out=slopes)
        turned = own["weights"].swapaxes(-1, -2)
        if self.units == 1:
            # An inner side of one is no work for a product, which takes 71 µs where this takes 15 (width 32).
            np.einsum("mni,mio->mno", delta, turned, out=work.passed)
            return work.delta
        if work.turned is not None:
            np.copyto(work.turned, turned)
            turned = work.turned
        np.matmul(delta, turned, out=work.passed)
        return work.delta


class DenseWork:
    """The buffers of a dense block."""

    def __init__(self, site: Site, units: int) -> None:
        fan_in = prod(site.shape)
        self.passes_down = site.passes_down
        self.padded: Array | None = None
        if site.given.spare == 0:
            self.padded = np.ones((site.m, site.n, fan_in + 1), site.dtype)
        # Writing them anew takes 3 µs of 15 networks and 128 rows, so it is left where a 1 passes through as a 1.
        self.writes_ones = not site.given.has_ones
        self.y = site.values(has_ones=True)
        self.z = self.y[..., :units]
        self.x = self.y  # until the first call of forward
        if site.keeps and site.passes_down:
            self.delta = site.delta()
            self.passed = self.delta.reshape(site.m, site.n, -1)[..., :fan_in]
            is_small = site.n * fan_in * units <= SMALL_PRODUCT
            self.turned = np.empty((site.m, units, fan_in), site.dtype) if is_small else None


def _grouped(array: Array, groups: int) -> Array:
    """View ``(m, ...)`` as ``(s, m / s, ...)``."""
    return array.reshape(groups, -1, *array.shape[1:])
