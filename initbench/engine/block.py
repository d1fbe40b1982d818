"""What every kind of block can do, and the two loops that walk a sequence of blocks.

Arrays between blocks have the shape ``(m, n, *row)``: networks, rows, and the shape of a row. The last axis may have
one place more than the row says. It belongs to a dense block that follows, which multiplies it by its biases: a block
that works number by number may run over it, all others look at ``x[..., :row[-1]]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from initbench.contracts import Array, RowShape
from initbench.engine.parameters import Own, Slot

if TYPE_CHECKING:
    from initbench.engine.workspace import Site


class Block:
    """A step of a network, which a subclass says by up to five methods. Its attributes never change.

    Attributes
    ----------
    branches : tuple of tuple of Block
        Sequences of blocks that it wraps, each of which is given what it is given itself.
    wants_ones : bool
        Whether its input should have a spare place at the end of each row, for a column of ones.
    passes_ones : bool
        Whether it works number by number, so that its input has a spare place where its output has one.
    keeps_ones : bool
        Whether what it writes into a spare place is 1 where a 1 is in that of its input.
    takes_data : bool
        Whether, as the first block, it takes rows as data come: shape ``(s, n, d + 1)``, flat, shared by the ``m / s``
        networks of a group, the last column ones. For others they are repeated and have the shape of a row.
    gathers : bool
        Whether it takes statistics of the rows that are gathered over all of them to measure a network.
    needs_output : bool
        Whether `backward` looks at what `forward` returned, so that the next block must not overwrite it.
    """

    branches: tuple[tuple[Block, ...], ...] = ()
    wants_ones = False
    passes_ones = False
    takes_data = False
    needs_output = True

    @property
    def keeps_ones(self) -> bool:
        """See above."""
        return False

    @property
    def gathers(self) -> bool:
        """See above."""
        return False

    def with_branches(self, branches: tuple[tuple[Block, ...], ...]) -> Block:
        """The same block around other blocks; for one that wraps some and is a dataclass."""
        changed: Block = replace(cast("Any", self), branches=branches)
        return changed

    def output(self, shape: RowShape) -> RowShape:
        """The shape of a row that comes out where one of ``shape`` goes in."""
        return shape

    def slots(self, shape: RowShape) -> tuple[Slot, ...]:
        """What it trains for rows of ``shape``."""
        return ()

    def prepare(self, site: Site) -> Any:
        """Whatever `forward` and `backward` need to have at hand for a number of networks and rows, as buffers."""
        return None

    def inputs(self, x: Array, work: Any) -> Array:
        """What its weights multiply when ``x`` comes in, shape (m, n, fan_in); `forward` was called with ``x``.

        Weights that are used at several places of a row multiply an array of shape (m, n, *places, fan_in).
        """
        return x

    def forward(self, x: Array, own: Own, work: Any) -> Array:
        """What comes out for ``x``, shape (m, n, *row); keeps in ``work`` what `backward` needs."""
        raise NotImplementedError

    def backward(self, delta: Array, own: Own, work: Any, gradients: Own) -> Array | None:
        """Fill ``gradients``, and return the derivative of the loss by the input.

        Parameters
        ----------
        delta : ndarray, shape (m, n, *row)
            Derivative by what `forward` returned, with the spare place of that or without; may be overwritten. It lies
            where the next call of any block's `backward` may write.
        own : Own
        work : object
            What `prepare` returned.
        gradients : Own
            Of the form of ``own``; to be filled in place.

        Returns
        -------
        ndarray, shape (m, n, *row), or None
            None where ``site.passes_down`` is False. The next call of any block's `backward` may overwrite it.
        """
        raise NotImplementedError


class Placed(NamedTuple):
    """A block where it stands in a network.

    Attributes
    ----------
    block : Block
    shape, output : tuple of int
        Of the rows that it is given, and that it gives.
    slots : tuple of Slot
    branches : tuple of tuple of Placed
        The blocks that it wraps.
    """

    block: Block
    shape: RowShape
    output: RowShape
    slots: tuple[Slot, ...]
    branches: tuple[tuple[Placed, ...], ...]


def place(blocks: Sequence[Block], shape: RowShape) -> tuple[Placed, ...]:
    """Put blocks one after the other, the first one where rows of ``shape`` come in."""
    found = []
    for block in blocks:
        branches = tuple(place(branch, shape) for branch in block.branches)
        found.append(Placed(block, shape, block.output(shape), tuple(block.slots(shape)), branches))
        shape = found[-1].output
    return tuple(found)


def per_network(numbers: Array, axes: int) -> Array:
    """A number a network, shape (m, 1, 1), to be multiplied by an array of so many axes."""
    return numbers if axes == 3 else numbers.reshape(-1, *(1 for _ in range(axes - 1)))


def sum_of_rows(array: Array) -> Array:
    """Everything of each network added up, from shape (m, n, *row) to (m, 1, 1)."""
    total: Array = array.sum(axis=tuple(range(1, array.ndim)), keepdims=True).reshape(-1, 1, 1)
    return total


def walk_placed(placed: Sequence[Placed]) -> list[Placed]:
    """All blocks in the order in which they end: those that a block wraps come before it."""
    found: list[Placed] = []
    for each in placed:
        for branch in each.branches:
            found += walk_placed(branch)
        found.append(each)
    return found


def ahead(blocks: Sequence[Block], x: Array, own: Sequence[Own], work: Sequence[Any]) -> Array:
    """Walk a sequence of blocks forward."""
    for block, mine, buffers in zip(blocks, own, work, strict=True):
        x = block.forward(x, mine, buffers)
    return x


def back(
    blocks: Sequence[Block], delta: Array | None, own: Sequence[Own], work: Sequence[Any], gradients: Sequence[Own]
) -> Array | None:
    """Walk a sequence of blocks backward, as far as something is trained."""
    for i in range(len(blocks) - 1, -1, -1):
        if delta is None:
            break
        delta = blocks[i].backward(delta, own[i], work[i], gradients[i])
    return delta
