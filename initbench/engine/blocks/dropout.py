"""Dropout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from initbench.contracts import Array, Generator
from initbench.engine.block import Block
from initbench.engine.parameters import Own
from initbench.engine.workspace import Site


@dataclass(frozen=True)
class Dropout(Block):
    """Sets a share ``rate`` of its input to 0 in training, and divides the rest by ``1 - rate``; at 0 it draws nothing.

    The networks of a group share the mask, so that they differ in what is compared alone. A mask is drawn from a stream
    of its own, so that a network's numbers do not depend on its neighbours in a stack.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), "Dropout: A Simple Way to Prevent Neural Networks
    from Overfitting", JMLR 15.
    """

    rate: float
    passes_ones = True
    keeps_ones = True
    needs_output = False

    def prepare(self, site: Site) -> DropoutWork:
        """Buffers where numbers are dropped."""
        return DropoutWork(site, site.masks if self.rate else ())

    def forward(self, x: Array, own: Own, work: DropoutWork) -> Array:
        """Multiply by a new mask."""
        if not work.masks:
            return x
        for rng, mask in zip(work.masks, work.mask, strict=True):
            drawn = rng.random((*mask.shape[1:-1], work.width), dtype=np.float32) >= self.rate
            np.divide(drawn, 1 - self.rate, out=mask[0, ..., : work.width], casting="same_kind")
        grouped = work.mask.shape[0], -1
        np.multiply(x.reshape(*grouped, *x.shape[1:]), work.mask, out=work.y.reshape(*grouped, *x.shape[1:]))
        return work.y

    def backward(self, delta: Array, own: Own, work: DropoutWork, gradients: Own) -> Array | None:
        """Multiply by the same mask."""
        if work.masks:
            grouped = delta.reshape(len(work.mask), -1, *delta.shape[1:])
            grouped *= work.mask[..., : delta.shape[-1]]
        return delta


class DropoutWork:
    """The buffers of dropout: a mask a group, shape (s, 1, n, *row), with ones in the spare places."""

    def __init__(self, site: Site, masks: Sequence[Generator]) -> None:
        self.masks, self.width = masks, site.shape[-1]
        if not self.masks:
            site.returns_input()
            return
        self.y = site.values(has_ones=site.given.has_ones)
        self.mask = np.ones((len(self.masks), 1, *self.y.shape[1:]), site.dtype)
