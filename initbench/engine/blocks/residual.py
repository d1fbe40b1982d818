"""A residual connection around any blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from initbench.contracts import Array, Layer, RowShape
from initbench.engine.block import Block, Placed, ahead, back, per_network, sum_of_rows, walk_placed
from initbench.engine.blocks.activation import Activate
from initbench.engine.network import BlockNetwork
from initbench.engine.parameters import Own, Slot
from initbench.engine.workspace import Site
from initbench.errors import ShapeError


@dataclass(frozen=True)
class Residual(Block):
    """What it is given, plus ``factor`` times what its one branch makes of that.

    Attributes
    ----------
    branches : tuple of one tuple of Block
        They must give rows of the shape that they take.
    factor : float
        A fixed factor.
    start : float or None
        Where a trained factor starts, instead of the fixed one.

    References
    ----------
    He, Zhang, Ren & Sun (2016), "Deep Residual Learning for Image Recognition", arXiv:1512.03385. Bachlechner et al.
    (2021), "ReZero is All You Need", arXiv:2003.04887, for a trained factor that starts at 0.
    """

    branches: tuple[tuple[Block, ...], ...]
    factor: float = 1.0
    start: float | None = None
    passes_ones = True
    needs_output = False

    def output(self, shape: RowShape) -> RowShape:
        """The shape that it takes.

        Raises
        ------
        ShapeError
            When the branch gives another one.
        """
        end = shape
        for block in self.branches[0]:
            end = block.output(end)
        if end != shape:
            raise ShapeError(f"a residual branch makes rows of shape {end} from rows of shape {shape}; they must agree")
        return shape

    def slots(self, shape: RowShape) -> tuple[Slot, ...]:
        """The trained factor, if any."""
        return () if self.start is None else (Slot("scales", (1, 1), start=self.start),)

    def prepare(self, site: Site) -> ResidualWork:
        """The work of the branch, and buffers for the sum."""
        return ResidualWork(site)

    def forward(self, x: Array, own: Own, work: ResidualWork) -> Array:
        """Add the branch to ``x``."""
        work.value = ahead(self.branches[0], x, own.branches[0], work.branch)
        shared = min(work.value.shape[-1], x.shape[-1], work.y.shape[-1])  # the spare place too, where all have one
        y = work.y[..., :shared]
        np.multiply(work.value[..., :shared], self._factor(own, y), out=y)
        y += x[..., :shared]
        return work.y

    def _factor(self, own: Own, array: Array) -> Array | float:
        return per_network(own["scales"], array.ndim) if "scales" in own else self.factor

    def backward(self, delta: Array, own: Own, work: ResidualWork, gradients: Own) -> Array | None:
        """Add the derivative by the branch's input to that by the sum."""
        shared = min(delta.shape[-1], work.value.shape[-1])
        delta, scratch = delta[..., :shared], work.scratch[..., :shared]
        np.copyto(work.passed_by[..., :shared], delta)
        if "scales" in own:
            np.multiply(delta, work.value[..., :shared], out=scratch)
            gradients["scales"][:] = sum_of_rows(scratch[..., : work.width])
        delta *= self._factor(own, delta)
        below = back(self.branches[0], delta, own.branches[0], work.branch, gradients.branches[0])
        if below is not None:
            below[..., : work.width] += work.passed_by[..., : work.width]
        return below


class Connection(NamedTuple):
    """A residual connection among the layers of a network: it adds what layer ``source`` gives to what ``end`` gives.

    ``source`` is -1 for the rows. ``is_linear`` is True where no activation follows the weights of ``end``.
    """

    source: int
    end: int
    block: Residual
    is_linear: bool


def connections(placed: Sequence[Placed]) -> list[Connection]:
    """The residual connections of a network's blocks, in order."""
    found: list[Connection] = []

    def walk(some: Sequence[Placed], layer: int) -> int:
        for each in some:
            source = layer
            for branch in each.branches:
                layer = walk(branch, layer)
            layer += sum(slot.fans is not None for slot in each.slots)
            if isinstance(each.block, Residual):
                found.append(Connection(source, layer, each.block, _is_linear(each.branches[0])))
        return layer

    walk(placed, -1)
    return found


def _is_linear(branch: Sequence[Placed]) -> bool:
    """Whether nothing but normalization and dropout follows the last weights of a branch."""
    for each in reversed(walk_placed(branch)):
        if isinstance(each.block, Activate):
            return False
        if any(slot.fans is not None for slot in each.slots):
            return True
    return True


def layers_of(network: BlockNetwork) -> list[Layer]:
    """Where each layer of a network stands.

    Examples
    --------
    >>> from initbench.engine.blocks.dense import Dense
    >>> from initbench.engine.network import BlockNetwork
    >>> branch = (Dense(8), Dense(8))
    >>> [layer.branch_place for layer in layers_of(BlockNetwork([Dense(8), Residual((branch,)), Dense(3)], (4,)))]
    [0, 1, 2, 0]
    """
    found, count = connections(network.placed), len(network.layers)
    places = {end - i: end - source - i for source, end, *_ in found for i in range(end - source)}
    activation = next((e.block.activation for e in walk_placed(network.placed) if isinstance(e.block, Activate)), None)
    length = max((end - source for source, end, *_ in found), default=1)
    return [
        Layer(i, count, activation, branches=len(found), branch_place=places.get(i, 0), branch_length=length)
        for i in range(count)
    ]


class ResidualWork:
    """The buffers of a residual connection."""

    def __init__(self, site: Site) -> None:
        self.branch = site.branch(0)
        self.width = site.shape[-1]
        self.value = self.y = site.values()
        if site.keeps:
            # Not `empty_like`: in the order of the logits, a sum over rows would depend on the height of the stack.
            self.passed_by, self.scratch = (np.empty(self.y.shape, self.y.dtype) for _ in range(2))
