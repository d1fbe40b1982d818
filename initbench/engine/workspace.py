"""The buffers of a network for a number of networks and rows: who writes where, settled once and not at each step."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from initbench.contracts import Array, Generator, RowShape
from initbench.engine.block import Placed, walk_placed
from initbench.engine.parameters import walk_slots

Statistics = Sequence[tuple[Array, Array]]


class Given(NamedTuple):
    """What is known of the array that a block will be given.

    Attributes
    ----------
    spare : int
        How many places its last axis has beyond the row.
    has_ones : bool
        Whether these are 1 without anyone writing them.
    memory : ndarray, optional
        The shared memory in which it lies; None for one of its own.
    may_be_overwritten : bool
        Whether nobody else looks at it.
    """

    spare: int
    has_ones: bool
    memory: Array | None
    may_be_overwritten: bool


class Workspace:
    """The buffers that a stack needs for ``n`` rows.

    Parameters
    ----------
    placed : sequence of Placed
        The blocks of the network.
    m, n : int
        Networks in the stack, rows.
    dtype : numpy.dtype
    keeps : bool
        Whether `Network.backward` will be called, which looks at what each block gave. Without, blocks take turns with
        so few buffers that these stay in cache.
    overwrites : bool
        Whether a block may change what the one before it gave; False for those who look at all of it.
    statistics : sequence of pairs of ndarray, each of shape (m, 1, h), optional
        Mean and variance for batch normalization to use instead of the rows' own, a pair a block.
    masks : sequence of numpy.random.Generator
        What dropout draws from, one a group; it drops nothing without.

    Attributes
    ----------
    work : list
        What the blocks have prepared.
    logits : ndarray, shape (m, n, k)
        The outputs, with the classes first in memory, so that reductions over them go over long rows.
    normalizations : list
        The work of blocks that gather statistics of the rows, as they come in the network.
    variances : list of ndarray
        What blocks divide by the root of; one that is not finite makes zeros of what it divides.
    """

    def __init__(
        self,
        placed: Sequence[Placed],
        m: int,
        n: int,
        dtype: np.dtype,
        *,
        keeps: bool,
        overwrites: bool = True,
        statistics: Statistics = (),
        masks: Sequence[Generator] = (),
    ) -> None:
        self.m, self.n, self.dtype = m, n, dtype
        self.keeps, self.overwrites, self.statistics, self.masks = keeps, overwrites, statistics, masks
        self.normalizations: list[Any] = []
        self.variances: list[Array] = []
        self.outputs = placed[-1].output
        # Classes come first in memory: a softmax over 10 of them took 131 µs, and takes 19.
        # A spare number a class keeps NumPy from taking one row of one network for a matrix in another order, whose
        # product may differ in the last bit from that of the same row in a stack.
        by_class = np.empty((prod(self.outputs), m * n + 1), dtype)[:, :-1]
        self.logits: Array = by_class.reshape(-1, m, n).transpose(1, 2, 0)
        filled = [each for each in walk_placed(placed) if each is not placed[-1] or not writes_logits(each)]
        widths = {prod(each.output) for each in filled}
        self.largest = m * n * (max(widths, default=0) + 1)
        # Layers that share memory find ones beside it where all are equally wide, and none writes anything else there.
        is_even = len(widths) <= 1 and all(each.block.keeps_ones for each in walk_placed(placed))
        self.trusts_ones = keeps or is_even
        self._free: list[Array] = []
        self._scratch: list[Array] = [np.empty(0, dtype)] * 3
        self._deltas = 0
        rows = Given(input_spare(placed), has_ones=True, memory=None, may_be_overwritten=False)
        self.work, _ = self.prepare(placed, rows, passes_down=False, spare=0, is_last=True)

    def prepare(
        self, placed: Sequence[Placed], given: Given, *, passes_down: bool, spare: int, is_last: bool = False
    ) -> tuple[list[Any], Given]:
        """Prepare the blocks of a sequence; also what is known of what comes out, with so many ``spare`` places."""
        held, work = given.memory, []
        for i, place in enumerate(placed):
            later = placed[i + 1 :]
            is_plain = place.block.passes_ones and not place.block.branches
            places = given.spare if is_plain else spare_places(later, spare, place.output)
            last = is_last and not later
            site = Site(self, place, given, spare=places, passes_down=passes_down, is_last=last)
            work.append(place.block.prepare(site))
            if given.memory is not None and given.memory is not held and site.gives.memory is not given.memory:
                self._free.append(given.memory)
            self._free += [memory for memory in site.taken if memory is not site.gives.memory]
            given = site.gives
            passes_down = passes_down or any(walk_slots([place]))
        return work, given

    def take(self, shape: tuple[int, ...]) -> tuple[Array, Array | None]:
        """A buffer of ones, and the shared memory that it lies in."""
        if self.keeps:
            return np.ones(shape, self.dtype), None
        memory = self._free.pop() if self._free else np.ones(self.largest, self.dtype)
        return memory[: prod(shape)].reshape(shape), memory

    def scratch(self, place: int, shape: tuple[int, ...]) -> Array:
        """One of three buffers for backward: two take turns in holding derivatives, and one is for all."""
        if len(self._scratch[place]) < prod(shape):  # the first block is given rows, which may be wider than all others
            self._scratch[place] = np.zeros(max(self.largest, prod(shape)), self.dtype)
        return self._scratch[place][: prod(shape)].reshape(shape)

    def next_delta(self, shape: tuple[int, ...]) -> Array:
        """The buffer for derivatives that the one before does not lie in."""
        self._deltas += 1
        return self.scratch(self._deltas % 2, shape)


def input_spare(placed: Sequence[Placed]) -> int:
    """How many spare places the rows of data have as the first block is given them."""
    return 1 if placed[0].block.takes_data else spare_places(placed, 0, placed[0].shape)


def spare_places(placed: Sequence[Placed], spare: int, row: RowShape = (0,)) -> int:
    """How many spare places an array needs that ``placed`` read and whose output has ``spare``: 1 for a dense one.

    Rows of several axes have none, since a dense block could not read them flat.
    """
    if len(row) > 1:
        return 0
    for each in placed:
        if each.block.wants_ones or any(spare_places(branch, 0) for branch in each.branches):
            return 1
        if not each.block.passes_ones:
            return 0
    return spare


def writes_logits(last: Placed) -> bool:
    """Whether a last block may write into the logits, which a loss overwrites before `backward`; others get a copy."""
    return len(last.output) == 1 and not last.block.needs_output


class Site:
    """Where a block stands, and the buffers that it may ask for.

    Attributes
    ----------
    m, n : int
        Networks, rows.
    dtype : numpy.dtype
    shape, output : tuple of int
        Of the rows that come in and go out.
    given : Given
        What is known of the array that comes in.
    keeps : bool
        Whether `backward` will be called.
    may_overwrite : bool
        Whether `forward` may change what it is given.
    passes_down : bool
        Whether anything below is trained, so that `backward` must return the derivative by the input.
    statistics : pair of ndarray, optional
        Mean and variance to use, for a block that has called `gathers_statistics`.
    masks : sequence of numpy.random.Generator
        What to draw masks from, one a group; empty where nothing is dropped.
    """

    def __init__(
        self, workspace: Workspace, place: Placed, given: Given, *, spare: int, passes_down: bool, is_last: bool
    ) -> None:
        self._workspace, self._place, self._spare, self._is_last = workspace, place, spare, is_last
        self.m, self.n, self.dtype = workspace.m, workspace.n, workspace.dtype
        self.shape, self.output, self.given = place.shape, place.output, given
        self.keeps, self.passes_down, self.masks = workspace.keeps, passes_down, workspace.masks
        self.may_overwrite = workspace.overwrites and given.may_be_overwritten
        self.taken: list[Array] = []
        self.gives = Given(0, has_ones=False, memory=None, may_be_overwritten=False)  # an array of the block's own

    def values(self, *, has_ones: bool = False) -> Array:
        """A buffer to return from `forward`, shape (m, n, *output) with the spare places that the next block wants.

        ``has_ones`` says that the block never writes there, or writes a one where it is given a one.
        """
        if self._is_last and writes_logits(self._place):
            return self._workspace.logits
        shape = (self.m, self.n, *self.output[:-1], self.output[-1] + self._spare)
        buffer, memory = self._workspace.take(shape)
        ones = has_ones and self._workspace.trusts_ones
        self.gives = Given(self._spare, ones, memory, not self._place.block.needs_output)
        return buffer

    def returns_input(self) -> None:
        """Say that `forward` returns the array that it is given, which it changes only where it may."""
        self.gives = self.given
        if self.may_overwrite:
            ones, needed = self.given.has_ones and self._place.block.keeps_ones, self._place.block.needs_output
            self.gives = self.given._replace(has_ones=ones, may_be_overwritten=not needed)

    def delta(self) -> Array:
        """A buffer for the derivative by the input, of the shape of the input."""
        return self._workspace.next_delta(self._given_shape)

    def scratch(self) -> Array:
        """A buffer of the shape of the input that any other block may overwrite."""
        return self._workspace.scratch(2, self._given_shape)

    @property
    def _given_shape(self) -> tuple[int, ...]:
        return (self.m, self.n, *self.shape[:-1], self.shape[-1] + self.given.spare)

    def branch(self, index: int) -> list[Any]:
        """Prepare the blocks of a branch, and return their work; each branch is given what the block is given."""
        given = self.given._replace(may_be_overwritten=False)
        work, gives = self._workspace.prepare(
            self._place.branches[index], given, passes_down=self.passes_down, spare=self._spare
        )
        if gives.memory is not None and gives.memory is not given.memory:
            self.taken.append(gives.memory)
        return work

    def divides_by_root_of(self, variance: Array) -> None:
        """Register a buffer for variances, so that one that is not finite is noticed."""
        self._workspace.variances.append(variance)

    def gathers_statistics(self, work: Any) -> tuple[Array, Array] | None:
        """Register the work of a block that gathers statistics of the rows; the ones to use instead, if any."""
        found = self._workspace.normalizations
        found.append(work)
        statistics = self._workspace.statistics
        return statistics[len(found) - 1] if statistics else None
