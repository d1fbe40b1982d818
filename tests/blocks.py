"""Blocks as a plugin would bring them, for tests of the engine and of the laws."""

from dataclasses import dataclass

import numpy as np

from initbench.engine.block import Block, ahead, back
from initbench.engine.parameters import Slot


class Scale(Block):
    """Multiplies what comes in by a trained number a unit, and knows nothing of shared buffers."""

    def slots(self, shape):
        return (Slot("factors", (1, shape[-1]), start=1.0),)

    def prepare(self, site):
        return {"width": site.shape[-1], "keeps": site.keeps}

    def forward(self, x, own, work):
        work["x"] = x[..., : work["width"]].copy()
        return work["x"] * own["factors"]

    def backward(self, delta, own, work, gradients):
        gradients["factors"][:] = (delta * work["x"]).sum(axis=1, keepdims=True)
        return delta * own["factors"]


class ScaleVector(Scale):
    """`Scale` with its factors in a slot of one axis."""

    def slots(self, shape):
        return (Slot("factors", (shape[-1],), start=1.0),)

    def forward(self, x, own, work):
        return super().forward(x, {"factors": own["factors"][:, None]}, work)

    def backward(self, delta, own, work, gradients):
        gradients = {"factors": gradients["factors"][:, None]}
        return super().backward(delta, {"factors": own["factors"][:, None]}, work, gradients)


class ScaleTwice(Scale):
    """`Scale` by the product of two rows of factors."""

    def slots(self, shape):
        return (Slot("factors", (2, shape[-1]), start=1.0),)

    def forward(self, x, own, work):
        return super().forward(x, {"factors": own["factors"].prod(axis=1, keepdims=True)}, work)

    def backward(self, delta, own, work, gradients):
        factors = own["factors"]
        product = {"factors": np.empty_like(factors[:, :1])}
        below = super().backward(delta, {"factors": factors.prod(axis=1, keepdims=True)}, work, product)
        np.multiply(product["factors"], factors[:, ::-1], out=gradients["factors"])
        return below


@dataclass(frozen=True)
class Sum(Block):
    """The sum of what its branches give."""

    branches: tuple[tuple[Block, ...], ...]

    def output(self, shape):
        return self.branches[0][-1].output(shape)

    def prepare(self, site):
        return [site.branch(i) for i in range(len(self.branches))], site.shape[-1], site.output[-1]

    def parts(self, *lists):
        return zip(self.branches, *lists, strict=True)

    def forward(self, x, own, work):
        parts = self.parts(own.branches, work[0])
        return sum(ahead(blocks, x, mine, buffers)[..., : work[2]] for blocks, mine, buffers in parts)

    def backward(self, delta, own, work, gradients):
        kept, total = delta[..., : work[2]].copy(), None  # a branch may overwrite both delta and what another gave
        for blocks, mine, buffers, slopes in self.parts(own.branches, work[0], gradients.branches):
            below = back(blocks, kept.copy(), mine, buffers, slopes)
            if below is not None:
                total = below[..., : work[1]] + (0 if total is None else total)
        return total


@dataclass(frozen=True)
class Reshape(Block):
    """The same numbers in rows of another shape."""

    shape: tuple[int, ...]

    def output(self, shape):
        return self.shape

    def prepare(self, site):
        return site.shape

    def forward(self, x, own, work):
        return x[..., : work[-1]].reshape(*x.shape[:2], *self.shape).copy()

    def backward(self, delta, own, work, gradients):
        return delta.reshape(*delta.shape[:2], *work)


class Half(Block):
    """The first half of the numbers of a row."""

    def output(self, shape):
        return (*shape[:-1], shape[-1] // 2)

    def prepare(self, site):
        return site.delta() if site.keeps else None, site.output[-1]

    def forward(self, x, own, work):
        return x[..., : work[1]].copy()

    def backward(self, delta, own, work, gradients):
        below, width = work
        below[...] = 0
        below[..., :width] = delta[..., :width]
        return below


class Soil(Block):
    """Gives what it is given, both ways, and writes rubbish beside the rows."""

    passes_ones = True
    needs_output = False

    def prepare(self, site):
        if site.may_overwrite:
            site.returns_input()
            return site.shape[-1], None
        return site.shape[-1], site.values()

    def forward(self, x, own, work):
        width, buffer = work
        y = x if buffer is None else buffer
        y[..., :width] = x[..., :width]
        y[..., width:] = 7.5
        return y

    def backward(self, delta, own, work, gradients):
        delta[..., work[0] :] = -3.5
        return delta
