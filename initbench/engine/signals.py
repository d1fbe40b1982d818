"""What goes through each layer of a stack, forward and back, shown to whoever measures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from initbench.contracts import Array, RowShape
from initbench.engine.block import Block
from initbench.engine.blocks.activation import Activate
from initbench.engine.network import BlockNetwork
from initbench.engine.parameters import Own, Parameters, Slot
from initbench.engine.workspace import Site, Statistics


class Signals(NamedTuple):
    """The signals of one layer, for ``m`` networks and ``n`` rows; they are overwritten after they are shown.

    Of rows with several axes, the last one counts units, and each place of the others counts as a row.

    Attributes
    ----------
    layer : int
        Counted from 0; the last one gives the outputs.
    inputs : ndarray, shape (m, n, fan_in)
        What its weights multiply.
    preactivations : ndarray, shape (m, n, h)
        What its activation is given: after normalization, where there is one.
    values : ndarray, shape (m, n, h)
        What it gives to the next layer, with what a residual connection adds; of another shape where a block without
        weights gives rows of another one.
    slopes : ndarray, shape (m, n, h), optional
        The slope of its activation, or a mask where that is 0 or 1; None for a layer without one.
    deltas : ndarray, shape (m, n, h)
        Derivative of the loss by what its weights give.
    value_square : ndarray of float64, shape (m,), optional
        Mean square of the derivative of the loss by ``values``; None in a network without residual connections.
    """

    layer: int
    inputs: Array
    preactivations: Array
    values: Array
    slopes: Array | None
    deltas: Array
    value_square: Array | None


@dataclass
class _Layer:
    """What the way forward has shown of a layer."""

    inputs: Array
    preactivations: Array
    values: Array
    giver: Block
    slopes: Callable[[], Array] | None = None
    value_square: Array | None = None


class Observer:
    """Sends rows through a stack forward and back, and shows the signals of each layer.

    It wraps each block of the network in one that notes what comes and goes, so that training pays nothing for it.

    Parameters
    ----------
    network : BlockNetwork
    m, n : int
        Networks, rows.
    dtype : numpy.dtype
    statistics : sequence of pairs of ndarray, optional
        What batch normalization uses instead of mean and variance of the rows.
    """

    def __init__(self, network: BlockNetwork, m: int, n: int, dtype: np.dtype, statistics: Statistics = ()) -> None:
        self._network = network.with_blocks(lambda block: _Watched(block, self))
        self.work = self._network.workspace(m, n, dtype, keeps=True, overwrites=False, statistics=statistics)
        self.layers: list[_Layer] = []
        self.current = -1  # the layer that a block without weights belongs to
        self.see: Callable[[Signals], None] = lambda signals: None
        self.squares_values = any(block.branches for block in network.blocks)

    def send(
        self,
        parameters: Parameters,
        x: Array,
        slope: Callable[[Array], Array],
        gradients: Parameters,
        see: Callable[[Signals], None],
    ) -> None:
        """Go forward and back once.

        Parameters
        ----------
        parameters : Parameters
        x : ndarray, shape (s, n, d + 1)
        slope : callable ``(outputs) -> ndarray``
            Derivative of the loss by the outputs, shape (m, n, k); may overwrite them.
        gradients : Parameters
            Overwritten.
        see : callable ``(signals) -> None``
            Called for each layer, the last one first, before the gradients of layers below are known.
        """
        self.layers, self.current, self.see = [], -1, see
        outputs = self._network.forward(parameters, x, self.work)
        last, kept = self.layers[-1], outputs.copy()
        if last.preactivations is last.values:
            last.preactivations = kept
        last.values = kept
        self._network.backward(parameters, slope(outputs), self.work, gradients)

    def inputs(self, parameters: Parameters, x: Array) -> list[Array]:
        """What the weights of each layer multiply, shape (m, n, fan_in), with rows as for `send`."""
        self.layers, self.current = [], -1
        self._network.forward(parameters, x, self.work)
        return [layer.inputs for layer in self.layers]


class _Watched(Block):
    """A block that notes what comes and goes."""

    def __init__(self, block: Block, observer: Observer) -> None:
        self.block, self._observer, self._layer = block, observer, -1
        self.begins_at: int | None = None  # of the first block of a branch, the layer that gives what comes in
        self.branches, self.wants_ones, self.passes_ones = block.branches, block.wants_ones, block.passes_ones
        self.takes_data, self.needs_output = block.takes_data, block.needs_output

    @property
    def keeps_ones(self) -> bool:
        return self.block.keeps_ones

    @property
    def gathers(self) -> bool:
        return self.block.gathers

    def output(self, shape: RowShape) -> RowShape:
        return self.block.output(shape)

    def slots(self, shape: RowShape) -> tuple[Slot, ...]:
        return self.block.slots(shape)

    def prepare(self, site: Site) -> Any:
        self._width = site.output[-1]
        self._draws = any(slot.fans is not None for slot in self.block.slots(site.shape))
        return self.block.prepare(site)

    def forward(self, x: Array, own: Own, work: Any) -> Array:
        observer, layers = self._observer, self._observer.layers
        if self.begins_at is not None:
            observer.current = self.begins_at
        for branch in self.branches:
            cast("_Watched", branch[0]).begins_at = observer.current
        y = self.block.forward(x, own, work)
        values = _as_rows(y, self._width)
        if self._draws:
            inputs = self.block.inputs(x, work)
            layers.append(_Layer(_as_rows(inputs, inputs.shape[-1]), values, values, self))
        if self._draws or self.branches:
            observer.current = len(layers) - 1
        self._layer = observer.current
        if self._layer >= 0:
            self._note(layers[self._layer], x, values, own, work)
        return y

    def _note(self, layer: _Layer, x: Array, values: Array, own: Own, work: Any) -> None:
        """Note what the way forward shows of the layer that the block belongs to."""
        block = self.block
        if isinstance(block, Activate):
            layer.preactivations = _as_rows(x, self._width)
            layer.slopes = lambda: _as_rows(block.slope(own, work), self._width)
        elif layer.slopes is None and not block.branches:
            layer.preactivations = values
        layer.values, layer.giver = values, self

    def backward(self, delta: Array, own: Own, work: Any, gradients: Own) -> Array | None:
        if self._layer >= 0:
            layer, shown = self._observer.layers[self._layer], _as_rows(delta, self._width)
            if layer.giver is self and self._observer.squares_values:
                layer.value_square = (shown**2).mean(axis=(1, 2))
            if self._draws:
                slopes = None if layer.slopes is None else layer.slopes()
                parts = layer.inputs, layer.preactivations, layer.values, slopes, shown, layer.value_square
                self._observer.see(Signals(self._layer, *parts))
        return self.block.backward(delta, own, work, gradients)


def _as_rows(array: Array, width: int) -> Array:
    """The numbers of rows, without a spare place, as shape (m, n, width)."""
    shown = array[..., :width]
    return shown if shown.ndim == 3 else shown.reshape(len(shown), -1, width)
