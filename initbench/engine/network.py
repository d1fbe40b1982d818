"""A stack of networks of one shape: a sequence of blocks, and the two ways through it.

Every array has a leading axis ``m``, a slice a network, and every product is one ``np.matmul`` over the stack. A slice
is computed as if it were alone, so a network's numbers do not depend on its neighbours. The rows come as ``x``, shape
``(s, n, d + 1)``: the ``m`` networks are ``s`` groups of equal height, and those of a group see the same rows. The
last column is ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from initbench.contracts import Array, RowShape
from initbench.engine.block import Block, ahead, back, place, walk_placed
from initbench.engine.parameters import Parameters, Slot, walk_slots
from initbench.engine.workspace import Workspace, input_spare, writes_logits


class BlockNetwork:
    """What the networks of a stack have in common.

    Parameters
    ----------
    blocks : sequence of Block
        From the rows to the outputs.
    rows : tuple of int
        The shape of a row. Rows come flat, whatever their shape.

    Attributes
    ----------
    blocks : tuple of Block
    rows : tuple of int
    placed : tuple of Placed
    layers : list of Slot
        The weights that an initializer draws, in order: those of each layer.
    outputs : int
        Numbers that come out for a row.
    widest : int
        The largest number of numbers that a block gives for a row.
    numbers_of_a_row : int
        How many numbers all blocks give for a row.
    gathers : bool
        Whether a block takes statistics of the rows, as batch normalization does.
    parameter_count : int
        How many numbers a network trains.
    """

    def __init__(self, blocks: Sequence[Block], rows: RowShape) -> None:
        self.blocks, self.rows = tuple(blocks), tuple(rows)
        self.placed = place(self.blocks, self.rows)
        slots = list(walk_slots(self.placed))
        self.layers: list[Slot] = [slot for slot in slots if slot.fans is not None]
        self.outputs = prod(self.placed[-1].output)
        given = [prod(each.output) for each in walk_placed(self.placed)]
        self.gathers = any(each.block.gathers for each in walk_placed(self.placed))
        self.widest, self.numbers_of_a_row = max(given), sum(given)
        self.parameter_count = sum(slot.size for slot in slots)

    def parameters(self, m: int, dtype: np.dtype) -> Parameters:
        """The numbers that ``m`` networks train, at what they are before an initializer fills them."""
        return Parameters(self.placed, m, dtype)

    def workspace(self, m: int, n: int, dtype: np.dtype, *, keeps: bool, **more: Any) -> Workspace:
        """The buffers for ``m`` networks and ``n`` rows; see `Workspace` for the rest."""
        return Workspace(self.placed, m, n, dtype, keeps=keeps, **more)

    def forward(self, parameters: Parameters, x: Array, work: Workspace) -> Array:
        """Compute the outputs of a stack.

        Parameters
        ----------
        parameters : Parameters
        x : ndarray, shape (s, n, d + 1)
            The rows of each group of networks, and a column of ones; ``s`` divides ``m``.
        work : Workspace
            For ``n`` rows; keeps what `backward` needs.

        Returns
        -------
        ndarray, shape (m, n, k)
            ``work.logits``, overwritten by the next call.
        """
        if not self.blocks[0].takes_data:
            x = np.repeat(x, work.m // len(x), axis=0)
            if input_spare(self.placed) == 0:
                x = x[..., :-1].reshape(work.m, work.n, *self.rows)
        found = ahead(self.blocks, x, parameters.own, work.work)
        if found is not work.logits:
            np.copyto(work.logits, found.reshape(work.m, work.n, -1)[..., : self.outputs])
        return work.logits

    def backward(self, parameters: Parameters, delta: Array, work: Workspace, gradients: Parameters) -> None:
        """Fill ``gradients`` by backpropagation through what the last `forward` left in ``work``.

        Parameters
        ----------
        parameters : Parameters
        delta : ndarray, shape (m, n, k)
            Derivative of the loss by the outputs; overwritten.
        work : Workspace
        gradients : Parameters
            Overwritten.

        References
        ----------
        Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors", Nature 323.
        """
        if not writes_logits(self.placed[-1]):
            delta = np.ascontiguousarray(delta).reshape(work.m, work.n, *self.placed[-1].output)
        back(self.blocks, delta, parameters.own, work.work, gradients.own)

    def with_blocks(self, change: Callable[[Block], Block]) -> BlockNetwork:
        """The same network with each block replaced by ``change(block)``, those inside of others first."""
        return BlockNetwork([_changed(block, change) for block in self.blocks], self.rows)


def _changed(block: Block, change: Callable[[Block], Block]) -> Block:
    if block.branches:
        block = block.with_branches(tuple(tuple(_changed(b, change) for b in branch) for branch in block.branches))
    return change(block)


def with_ones(x: Array) -> Array:
    """``x``, shape (..., d), with a further column of ones, shape (..., d + 1)."""
    wider = np.ones((*x.shape[:-1], x.shape[-1] + 1), x.dtype)
    wider[..., :-1] = x
    return wider
