"""Where a network's training starts: the names of a cell -> its first weights and biases."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array, Generator, Layer
from initbench.engine.losses import loss_slope, losses_and_hits
from initbench.engine.network import Design, Parameters, Workspace, backward, forward
from initbench.plan import Cell
from initbench.registry import find
from initbench.streams import stream

BATCH_ROWS = 1024  # training rows that an initializer may look at


def draw_start(cell: Cell, design: Design, parameters: Parameters, place: int, x: Array, targets: Array) -> None:
    """Draw weights and biases of a cell into its place of a stack; a layer's draws depend on seed and layer alone.

    Parameters
    ----------
    cell : Cell
    design : Design
    parameters : Parameters
        Of the stack; slice ``place`` is filled.
    place : int
    x : ndarray, shape (n, d)
        Training rows of the cell's seed, in random order; the first ``BATCH_ROWS`` are for initializers to look at.
    targets : ndarray, shape (n, k)
        Their classes.
    """
    start = Start(cell.seed, design, x[:BATCH_ROWS], targets[:BATCH_ROWS])
    last = len(start.weights) - 1
    entry = find("initializer", cell.initializer.name)
    bias = find("bias", cell.bias.name)
    for layer in range(last + 1):
        draw = stream(cell.seed, "bias", layer)
        extra = {"layer": start.layer(layer)} if bias.wants_layer else {}
        start.biases[layer][:] = bias.function(start.shape(layer), draw, **dict(cell.bias.parameters), **extra)
    if entry.scope == "network":
        entry.function(start, **dict(cell.initializer.parameters))
    for layer in range(last + 1):
        part = cell.output_initializer if layer == last else cell.initializer
        if find("initializer", part.name).scope == "layer":
            start.draw(layer, part.name, dict(part.parameters))
        elif part != cell.initializer:
            other = Start(cell.seed, design, start.x, start.targets)
            find("initializer", part.name).function(other, **dict(part.parameters))
            start.weights[layer][:], start.biases[layer][:] = other.weights[layer], other.biases[layer]
        parameters.weights[layer][place] = start.weights[layer]
        parameters.biases[layer][place] = start.biases[layer]


class Start:
    """One network before training, in float64; see `initbench.contracts.Network`."""

    def __init__(self, seed: int, design: Design, x: Array, targets: Array) -> None:
        self.seed, self.design = seed, design
        self.x, self.targets = x.astype(np.float64), targets.astype(np.float64)
        self.activation = design.activation
        self._parameters = Parameters(design, 1, np.dtype(np.float64))
        self.weights = [weights[0] for weights in self._parameters.weights]
        self.biases = [biases[0, 0] for biases in self._parameters.biases]

    def shape(self, layer: int) -> tuple[int, int]:
        """``(fan_in, fan_out)`` of a layer."""
        return self.design.shapes[layer]

    def layer(self, index: int) -> Layer:
        """What a layer's initializer may know."""
        count = len(self.weights)
        inputs = self.x if index == 0 else None
        return Layer(index, count, self.activation, inputs, self.targets if index == count - 1 else None)

    def draw(self, layer: int, name: str, values: dict[str, object]) -> None:
        """Fill a layer by an initializer that draws layer by layer."""
        entry = find("initializer", name)
        extra = {"layer": self.layer(layer)} if entry.wants_layer else {}
        drawn = entry.function(self.shape(layer), self.rng(layer), **values, **extra)
        if isinstance(drawn, tuple):
            drawn, self.biases[layer][:] = drawn
        self.weights[layer][:] = drawn

    def rng(self, layer: int) -> Generator:
        """The stream of a layer's draws, from its beginning."""
        return stream(self.seed, "weights", layer)

    def _forward(self) -> Workspace:
        work = Workspace(self.design, 1, len(self.x), np.dtype(np.float64), keeps=True)
        forward(self.design, self._parameters, self.x[None], work)
        return work

    def inputs(self, layer: int) -> Array:
        """What a layer is given for ``x``, shape (n, fan_in)."""
        if layer == 0:
            return self.x
        work = self._forward()
        outputs: Array = (work.outputs if self.design.adds_input(layer - 1) else work.values)[layer - 1][0]
        return outputs

    def preactivation(self, layer: int) -> Array:
        """``inputs(layer) @ weights + biases``, shape (n, fan_out)."""
        product: Array = self.inputs(layer) @ self.weights[layer] + self.biases[layer]
        return product

    def gradients(self) -> tuple[float, list[Array], list[Array]]:
        """Mean loss on ``x``, and its derivatives by the weights and by the biases of each layer."""
        work, slopes = self._forward(), Parameters(self.design, 1, np.dtype(np.float64))
        losses, _ = losses_and_hits(work.logits.copy(), self.targets[None])
        delta = loss_slope(work.logits, self.targets[None])
        backward(self.design, self._parameters, self.x[None], delta, work, slopes)
        return float(losses.mean()), [w[0] for w in slopes.weights], [b[0, 0] for b in slopes.biases]
