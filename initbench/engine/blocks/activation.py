"""An activation, number by number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from initbench.contracts import Activation, Array, RowShape
from initbench.engine.block import Block, per_network, sum_of_rows
from initbench.engine.parameters import Own, Slot
from initbench.engine.workspace import Site


@dataclass(frozen=True)
class Activate(Block):
    """An activation; one that trains a number has a slot of its own."""

    activation: Activation
    passes_ones = True

    @property
    def keeps_ones(self) -> bool:
        """Whether it maps 1 to 1, as ReLU does: then nobody has to write the ones beside the rows."""
        one = np.ones((1, 1, 1))
        return self.activation.start is None and bool(self.activation.value(one, out=one.copy()) == 1)

    def slots(self, shape: RowShape) -> tuple[Slot, ...]:
        """The trained number, if any."""
        return () if self.activation.start is None else (Slot("slopes", (1, 1), start=self.activation.start),)

    def prepare(self, site: Site) -> ActivationWork:
        """Buffers, or its input for one that may be computed in place."""
        return ActivationWork(site, self)

    def forward(self, x: Array, own: Own, work: ActivationWork) -> Array:
        """The values."""
        work.z, work.y = x, x if work.in_place else work.y
        self.activation.value(x, *_parameter(own, x), out=work.y)
        return work.y

    def backward(self, delta: Array, own: Own, work: ActivationWork, gradients: Own) -> Array | None:
        """Multiply by the slope."""
        scratch = work.scratch
        if self.activation.parameter_slope is not None:
            self.activation.parameter_slope(work.z, out=scratch)
            scratch[..., : delta.shape[-1]] *= delta
            gradients["slopes"][:] = sum_of_rows(scratch[..., : work.width])
        delta *= self.slope(own, work)[..., : delta.shape[-1]]
        return delta

    def slope(self, own: Own, work: ActivationWork) -> Array:
        """The slope at what `forward` was given, or a mask where it is 0 or 1; overwritten by the next block."""
        return self.activation.slope(work.z, work.y, *_parameter(own, work.y), out=work.scratch)


def _parameter(own: Own, z: Array) -> tuple[Array, ...]:
    return (per_network(own["slopes"], z.ndim),) if "slopes" in own else ()


class ActivationWork:
    """The buffers of an activation."""

    def __init__(self, site: Site, block: Activate) -> None:
        # A value in place of its argument stays in cache, where the slope needs no more: an epoch of a network of
        # `digits` took 4.8 ms, and takes 4.2.
        self.in_place = site.may_overwrite and block.activation.by_value
        self.width = site.shape[-1]
        self.z: Array | None = None  # until the first call of forward
        if self.in_place:
            site.returns_input()
        else:
            self.y = site.values(has_ones=block.keeps_ones and site.given.has_ones)
        if site.keeps:
            self.scratch = site.scratch()
