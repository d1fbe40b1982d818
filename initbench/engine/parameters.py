"""All trained numbers of a stack in one array, and views that give each its shape."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from initbench.contracts import Array

if TYPE_CHECKING:
    from initbench.engine.block import Placed

# NumPy takes up to twice as long over rows that begin elsewhere than at a multiple of so many numbers: a step of
# gradient descent on `tab` of docs/performance.md took 15 µs, and takes 9.
SPACING = 16
ORDER = ("weights", "gains", "offsets", "slopes", "scales")
"""What lies first in `Parameters.flat`, by name. Clipping adds up squares in this order: another one would change the
last bit of networks whose results are stored."""


class Slot(NamedTuple):
    """Numbers that a block trains, of one network.

    Attributes
    ----------
    name : str
        How the block finds them, such as ``"weights"`` or ``"gains"``.
    shape : tuple of int
        ``(fan_in, fan_out)`` of weights, ``(1, h)`` of a number a unit. The ``bias`` of a config draws ``"biases"`` of
        ``(1, fan_out)`` beside weights, and no others.
    start : float, default 0
        What they are before an initializer fills them.
    fans : tuple of int, optional
        ``(fan_in, fan_out)`` of weights that an initializer draws; each such slot is a layer. None for all others.
    has_biases : bool
        Whether a row of biases follows, which the block finds as ``"biases"``, and with the weights as ``"matrix"``,
        shape ``(fan_in + 1, fan_out)``.
    decays : bool
        Whether weight decay shrinks them (not the biases).
    role : ``"hidden"`` or ``"recurrent"``
        The word by which a config may give these weights an initializer of their own.
    """

    name: str
    shape: tuple[int, ...]
    start: float = 0.0
    fans: tuple[int, int] | None = None
    has_biases: bool = False
    decays: bool = False
    role: str = "hidden"

    @property
    def size(self) -> int:
        """How many numbers it has, biases included."""
        return prod(self.shape) + (self.shape[-1] if self.has_biases else 0)

    def views(self, numbers: Array) -> dict[str, Array]:
        """Views of its numbers, shape (m, size), by name."""
        if not self.has_biases:
            return {self.name: numbers.reshape(-1, *self.shape)}
        rows, columns = self.shape
        matrix = numbers.reshape(-1, rows + 1, columns)
        return {self.name: matrix[:, :-1], "biases": matrix[:, -1:], "matrix": matrix}


class Own(dict[str, Array]):
    """The numbers of one block by name, each of shape (m, ...); ``branches`` has those of the blocks that it wraps."""

    branches: Sequence[Sequence[Own]] = ()


def spaced_rows(m: int, p: int, dtype: np.dtype) -> Array:
    """Zeros, shape (m, p), whose rows begin at multiples of `SPACING`."""
    rows: Array = np.zeros((m, -(-p // SPACING) * SPACING), dtype)
    return rows[:, :p]


class Parameters:
    """What ``m`` networks train, or its gradients.

    Parameters
    ----------
    placed : sequence of Placed
        The blocks of the networks; ``network.placed``.
    m : int
    dtype : numpy.dtype

    Attributes
    ----------
    flat : ndarray, shape (m, p)
        All numbers, ordered by `ORDER` and within a name as the network walks.
    own : list of Own
        Views for each block.
    layers : list of dict of str to ndarray, each of shape (m, ...)
        Views for each layer: its ``weights`` and ``biases``, and what is trained between them and the next weights, a
        second one of a name as ``gains_2``. What is trained before the first weights belongs to these.
    decaying : list of ndarray
        Views of what weight decay shrinks.
    """

    def __init__(self, placed: Sequence[Placed], m: int, dtype: np.dtype) -> None:
        slots = list(walk_slots(placed))
        order = sorted(range(len(slots)), key=lambda i: (*ORDER, slots[i].name).index(slots[i].name))
        self.flat = spaced_rows(m, sum(slot.size for slot in slots), dtype)
        views: list[dict[str, Array]] = [{}] * len(slots)
        begin = 0
        for i in order:
            views[i] = slots[i].views(self.flat[:, begin : begin + slots[i].size])
            views[i][slots[i].name][:] = slots[i].start
            begin += slots[i].size
        self.own = _own(placed, iter(views))
        self.layers: list[dict[str, Array]] = [{}]
        for slot, found in zip(slots, views, strict=True):
            if slot.fans is not None and "weights" in self.layers[-1]:
                self.layers.append({})
            name = "weights" if slot.fans is not None else _free_name(slot.name, self.layers[-1])
            self.layers[-1] |= {name: found[slot.name]} | {k: found[k] for k in ("biases",) if k in found}
        self.decaying = [found[slot.name] for slot, found in zip(slots, views, strict=True) if slot.decays]

    @property
    def weights(self) -> list[Array]:
        """The weights of each layer, shape (m, fan_in, fan_out)."""
        return [layer["weights"] for layer in self.layers]


def _free_name(name: str, layer: Collection[str]) -> str:
    """The name, with a number where the layer has it, or will have it once its weights come."""
    taken = layer if "weights" in layer else {"weights", "biases", *layer}
    return next(free for free in (name, *(f"{name}_{i + 2}" for i in range(len(taken)))) if free not in taken)


def walk_slots(placed: Sequence[Placed]) -> Iterator[Slot]:
    """The slots of blocks in the order in which they end: those that a block wraps come before its own."""
    for place in placed:
        for branch in place.branches:
            yield from walk_slots(branch)
        yield from place.slots


def _own(placed: Sequence[Placed], views: Iterator[dict[str, Array]]) -> list[Own]:
    found = []
    for place in placed:
        branches = [_own(branch, views) for branch in place.branches]
        own = Own()
        for _ in place.slots:
            own |= next(views)
        own.branches = branches
        found.append(own)
    return found
