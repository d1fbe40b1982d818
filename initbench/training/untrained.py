"""Where a network's training starts: the names of a cell -> the first of all numbers that it trains."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from initbench.contracts import Array, Branch, Generator, Layer, layers_of, wrong_draw
from initbench.engine.losses import loss_slope, losses_and_hits
from initbench.engine.network import Design, Parameters, Workspace, backward, forward, with_ones
from initbench.errors import ParameterError
from initbench.plan import Cell
from initbench.randomness import stream
from initbench.registry import Entry, find

BATCH_ROWS = 1024  # training rows whose inputs an initializer may look at


def draw_start(cell: Cell, design: Design, parameters: Parameters, place: int, x: Array, targets: Array) -> None:
    """Put the first numbers of a cell into its place of a stack; a layer's draws depend on seed and layer alone.

    Parameters
    ----------
    cell : Cell
    design : Design
    parameters : Parameters
        Of the stack; slice ``place`` is filled.
    place : int
    x : ndarray, shape (n, d)
        Training rows of the cell's seed, in random order.
    targets : ndarray, shape (n, k)
        Their classes.
    """
    count = len(design.shapes)
    chosen = [cell.output_initializer if i == count - 1 else cell.initializer for i in range(count)]
    parts = [part.at(i, count) for i, part in enumerate(chosen)]
    places = trained_numbers(parameters, place)
    for part in dict.fromkeys(parts):
        start = Start(cell, design, x, targets)
        entry = find("initializer", part.name)
        if entry.scope == "network":
            entry.function(start, **dict(part.parameters))
        for layer in (i for i in range(count) if parts[i] == part):
            if entry.scope == "layer":
                start.draw(layer, entry, dict(part.parameters))
            with np.errstate(over="ignore"):  # weights beyond float32 are a finding: the network diverges
                for kind, numbers in start.trained[layer].items():
                    places[layer][kind][:] = numbers


def trained_numbers(parameters: Parameters, place: int) -> list[dict[str, Array]]:
    """Views of all numbers that each layer of a network trains; see `initbench.contracts.Network`."""
    found = [
        {"weights": weights[place], "biases": biases[place, 0]}
        for weights, biases in zip(parameters.weights, parameters.biases, strict=True)
    ]
    hidden = {"gains": parameters.gains, "offsets": parameters.offsets, "slopes": parameters.slopes}
    for kind, arrays in hidden.items():
        for layer, array in enumerate(arrays):
            found[layer][kind] = array[place, 0]
    for layer, scale in parameters.scales.items():
        found[layer]["scales"] = scale[place, 0]
    return found


class Start:
    """One network before training, in float64; see `initbench.contracts.Network`.

    Of the training rows ``x``, shape (n, d), it shows the first ``BATCH_ROWS``, and the last layer all ``targets``.
    """

    def __init__(self, cell: Cell, design: Design, x: Array, targets: Array) -> None:
        self.seed, self.design = cell.seed, design
        self._all_targets = targets
        self.x, self.targets = (rows[:BATCH_ROWS].astype(np.float64) for rows in (x, targets))
        self.activation = design.activation
        self._parameters = Parameters(design, 1, np.dtype(np.float64))
        self.trained = trained_numbers(self._parameters, 0)
        self.weights = [numbers["weights"] for numbers in self.trained]
        self.biases = [numbers["biases"] for numbers in self.trained]
        self._layers = layers_of(design.sizes, design.residual, design.activation)
        bias = find("bias", cell.bias.name)
        for index in range(len(self.biases)):
            extra = {"layer": self.layer(index)} if bias.wants_layer else {}
            rng = stream(cell.seed, "bias", index)
            drawn = bias.function(design.shapes[index], rng, **dict(cell.bias.parameters), **extra)
            self._fill(index, bias, self.weights[index], drawn)

    def layer(self, index: int) -> Layer:
        """What a layer's initializer may know."""
        layer = self._layers[index]
        targets = self._all_targets.astype(np.float64) if layer.is_last else None
        return replace(layer, inputs=self.x if index == 0 else None, targets=targets)

    def draw(self, index: int, entry: Entry, values: dict[str, Any]) -> None:
        """Fill a layer by an initializer that draws layer by layer."""
        extra = {"layer": self.layer(index)} if entry.wants_layer else {}
        drawn = entry.function(self.design.shapes[index], self.rng(index), **values, **extra)
        self._fill(index, entry, *(drawn if isinstance(drawn, tuple) else (drawn, self.biases[index])))

    def _fill(self, index: int, entry: Entry, weights: Array, biases: Array) -> None:
        wrong = wrong_draw(weights, biases, self.design.shapes[index])
        if wrong:
            raise ParameterError(f"'{entry.name}' {wrong}")
        self.weights[index][:], self.biases[index][:] = weights, biases

    def rng(self, layer: int) -> Generator:
        """The stream of a layer's draws, from its beginning."""
        return stream(self.seed, "weights", layer)

    def branch(self, layer: int) -> Branch | None:
        """How a hidden layer adds an earlier one to its output, or None where it does not."""
        source = self.design.skip_from(layer)
        if source is None or layer == len(self.weights) - 1:
            return None
        factor = len(self.design.branch_ends) ** -0.5 if self.design.residual == "scaled" else 1.0
        if layer in self._parameters.scales:
            factor = self._parameters.scales[layer].item()
        return Branch(source, factor, self.design.is_linear(layer))

    def inputs(self, layer: int) -> Array:
        """What a layer is given for ``x``, shape (n, fan_in)."""
        given: Array = self._forward(self.x).outputs[layer - 1][0, :, :-1] if layer else self.x
        return given

    def preactivation(self, layer: int) -> Array:
        """``inputs(layer) @ weights + biases``, shape (n, fan_out)."""
        product: Array = self.inputs(layer) @ self.weights[layer] + self.biases[layer]
        return product

    def gradients(self, x: Array | None = None, targets: Array | None = None) -> tuple[float, list[Array], list[Array]]:
        """Mean loss on ``x``, and its derivatives by the weights and by the biases of each layer."""
        x = self.x if x is None else x
        wanted = self.targets if targets is None else targets
        work = self._forward(x)
        losses, _ = losses_and_hits(work.logits.copy("K"), wanted[None])
        return float(losses.mean()), *self._backward(x, loss_slope(work.logits, wanted[None]), work)

    def slopes(self, top: Array) -> tuple[list[Array], list[Array]]:
        """Derivatives of ``sum(top * logits)`` on ``x`` by the weights and by the biases of each layer."""
        return self._backward(self.x, top[None], self._forward(self.x))

    def _forward(self, x: Array) -> Workspace:
        work = Workspace(self.design, 1, len(x), np.dtype(np.float64), keeps=True)
        forward(self.design, self._parameters, with_ones(x)[None], work)
        return work

    def _backward(self, x: Array, delta: Array, work: Workspace) -> tuple[list[Array], list[Array]]:
        slopes = Parameters(self.design, 1, np.dtype(np.float64))
        backward(self.design, self._parameters, with_ones(x)[None], delta, work, slopes)
        return [w[0] for w in slopes.weights], [b[0, 0] for b in slopes.biases]
