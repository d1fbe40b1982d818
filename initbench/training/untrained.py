"""Where a network's training starts: the first of all numbers that it trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from initbench.config.experiment import Part
from initbench.contracts import Array, Branch, Generator, Layer, Shape, wrong_draw
from initbench.engine.blocks.residual import connections, layers_of
from initbench.engine.diagnostics import activations
from initbench.engine.losses import cross_entropy
from initbench.engine.network import BlockNetwork, with_ones
from initbench.engine.parameters import Parameters, Slot
from initbench.engine.signals import Observer
from initbench.errors import ParameterError
from initbench.plan import Cell
from initbench.randomness import stream
from initbench.registry import Entry, find

BATCH_ROWS = 1024  # training rows whose inputs an initializer may look at


def draw_start(cell: Cell, network: BlockNetwork, parameters: Parameters, place: int, x: Array, targets: Array) -> None:
    """Put the first numbers of a cell into its place of a stack; a layer's draws depend on seed and layer alone.

    Parameters
    ----------
    cell : Cell
    network : BlockNetwork
    parameters : Parameters
        Of the stack; slice ``place`` is filled.
    place : int
    x : ndarray, shape (n, d)
        Training rows of the cell's seed, in random order.
    targets : ndarray, shape (n, k)
        Their classes.
    """
    count = len(network.layers)
    parts = [
        (cell.output_initializer if i == count - 1 else cell.initializer).at(i, count, slot.role)
        for i, slot in enumerate(network.layers)
    ]
    places = trained_numbers(parameters, place)
    for part in dict.fromkeys(parts):
        start = Start(cell.seed, cell.bias, network, x, targets)
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

    def view(name: str, numbers: Array) -> Array:
        is_row = name != "weights" and numbers.ndim > 1 and len(numbers) == 1
        return numbers[0] if is_row else numbers

    return [{name: view(name, views[place, ...]) for name, views in layer.items()} for layer in parameters.layers]


class Start:
    """One network before training, in float64; see `initbench.contracts.Network`.

    Parameters
    ----------
    seed : int
    bias : Part
        What draws the biases.
    network : BlockNetwork
    x : ndarray, shape (n, d)
        Training rows, of which it shows the first ``BATCH_ROWS``.
    targets : ndarray, shape (n, k)
        Their classes, of which the last layer is shown all.
    """

    def __init__(self, seed: int, bias: Part, network: BlockNetwork, x: Array, targets: Array) -> None:
        self.seed, self._network = seed, network
        self._all_targets = targets
        self.x, self.targets = (rows[:BATCH_ROWS].astype(np.float64) for rows in (x, targets))
        self.activation = (activations(network) or [find("activation", "linear").function()])[0]
        self._loss = cross_entropy(network.outputs)
        self._parameters = network.parameters(1, np.dtype(np.float64))
        self.trained = trained_numbers(self._parameters, 0)
        self.weights = [numbers["weights"] for numbers in self.trained]
        self.biases = [numbers.get("biases", np.zeros(slot.shape[1])) for numbers, slot in self._layers_with_slots()]
        self._layers = layers_of(network)
        entry = find("bias", bias.name)
        for index in range(len(self.biases)):
            extra = {"layer": self.layer(index)} if entry.wants_layer else {}
            drawn = entry.function(self._shape(index), stream(seed, "bias", index), **dict(bias.parameters), **extra)
            self._fill(index, entry, self.weights[index], drawn)

    def _layers_with_slots(self) -> list[tuple[dict[str, Array], Slot]]:
        return list(zip(self.trained, self._network.layers, strict=True))

    def _shape(self, index: int) -> Shape:
        fan_in, fan_out = self._network.layers[index].shape
        return fan_in, fan_out

    def layer(self, index: int) -> Layer:
        """What a layer's initializer may know."""
        layer = self._layers[index]
        targets = self._all_targets.astype(np.float64) if layer.is_last else None
        return replace(layer, inputs=self.x if index == 0 else None, targets=targets)

    def draw(self, index: int, entry: Entry, values: dict[str, Any]) -> None:
        """Fill a layer by an initializer that draws layer by layer."""
        extra = {"layer": self.layer(index)} if entry.wants_layer else {}
        drawn = entry.function(self._shape(index), self.rng(index), **values, **extra)
        self._fill(index, entry, *(drawn if isinstance(drawn, tuple) else (drawn, self.biases[index])))

    def _fill(self, index: int, entry: Entry, weights: Array, biases: Array) -> None:
        wrong = wrong_draw(weights, biases, self._shape(index))
        if wrong:
            raise ParameterError(f"'{entry.name}' {wrong}")
        self.weights[index][:], self.biases[index][:] = weights, biases

    def rng(self, layer: int) -> Generator:
        """The stream of a layer's draws, from its beginning."""
        return stream(self.seed, "weights", layer)

    def branch(self, layer: int) -> Branch | None:
        """How a hidden layer adds an earlier one to its output, or None where it does not."""
        for found in connections(self._network.placed):
            if found.end == layer:
                trained = self.trained[layer].get("scales")
                factor = found.block.factor if trained is None else trained.item()
                return Branch(found.source, factor, found.is_linear)
        return None

    def inputs(self, layer: int) -> Array:
        """What a layer's weights multiply for ``x``, shape (n, fan_in)."""
        if layer == 0 and self._network.blocks[0].takes_data:
            return self.x
        observer = Observer(self._network, 1, len(self.x), np.dtype(np.float64))
        given: Array = observer.inputs(self._parameters, with_ones(self.x)[None])[layer][0]
        return given

    def preactivation(self, layer: int) -> Array:
        """``inputs(layer) @ weights + biases``, shape (n, fan_out)."""
        product: Array = self.inputs(layer) @ self.weights[layer] + self.biases[layer]
        return product

    def gradients(self, x: Array | None = None, targets: Array | None = None) -> tuple[float, list[Array], list[Array]]:
        """Mean loss on ``x``, and its derivatives by the weights and by the biases of each layer."""
        x = self.x if x is None else x
        wanted = (self.targets if targets is None else targets)[None]
        losses: list[Array] = []

        def slope(outputs: Array) -> Array:
            losses.append(self._loss.values_and_scores(outputs.copy("K"), wanted)[0])
            return self._loss.slope(outputs, wanted)

        weights, biases = self._backward(x, slope)
        return float(losses[0].mean()), weights, biases

    def slopes(self, top: Array) -> tuple[list[Array], list[Array]]:
        """Derivatives of ``sum(top * logits)`` on ``x`` by the weights and by the biases of each layer."""
        return self._backward(self.x, lambda outputs: top[None].copy())

    def _backward(self, x: Array, slope: Callable[[Array], Array]) -> tuple[list[Array], list[Array]]:
        dtype = np.dtype(np.float64)
        work, slopes = self._network.workspace(1, len(x), dtype, keeps=True), self._network.parameters(1, dtype)
        outputs = self._network.forward(self._parameters, with_ones(x)[None], work)
        self._network.backward(self._parameters, slope(outputs), work, slopes)
        found = trained_numbers(slopes, 0)
        return [each["weights"] for each in found], [
            each.get("biases", np.zeros_like(b)) for each, b in zip(found, self.biases, strict=True)
        ]
