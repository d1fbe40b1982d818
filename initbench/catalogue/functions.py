"""Initializers as plain functions, for use outside of experiments."""

from __future__ import annotations

from typing import Any

import numpy as np

from initbench.contracts import Activation, Array, Generator, Initializer, Layer, Network, Shape
from initbench.errors import UsageError
from initbench.registry import find

ROWS = 256  # that a scheme for whole networks is shown


def initializer(name: str, *, activation: str = "relu", **parameters: Any) -> Initializer:
    """A registered initializer, as a function of shape and generator.

    Parameters
    ----------
    name : str
        As ``initbench list initializers`` shows it, or an alias.
    activation : str, default "relu"
        For initializers whose scale follows from it.
    **parameters
        Its parameters; the others keep their defaults.

    Returns
    -------
    callable ``(shape, rng) -> ndarray of float64, shape (fan_in, fan_out)``
        One that sets the biases too gives a pair, weights and biases of shape (fan_out,).

    Raises
    ------
    UsageError
        When there is no such initializer or parameter; the function raises it when ``rng`` is no generator.
    ParameterError
        When a parameter has a value that it cannot have.

    Notes
    -----
    A scheme that looks at a whole network is shown one of this layer alone, with zero biases, and 256 standard normal
    rows of classes drawn at random. In an experiment it sees all layers and the training rows.

    Examples
    --------
    >>> import numpy as np
    >>> initializer("he_normal")((784, 128), np.random.default_rng(0)).shape
    (784, 128)
    """
    entry = find("initializer", name)
    values = entry.check(parameters)
    phi = find("activation", activation).function()
    if entry.wants_layer:
        values["layer"] = Layer(activation=phi)

    def draw(shape: Shape, rng: Generator, **more: Any) -> Any:
        if not isinstance(rng, Generator):
            raise UsageError(f"rng is {rng!r} and must be a generator: numpy.random.default_rng(0)")
        given = values | entry.check(more)
        lacking = [p.name for p in entry.parameters.values() if p.is_required and p.name not in given]
        if lacking:
            raise UsageError(f"'{entry.name}' needs the parameter '{lacking[0]}'")
        if entry.scope == "layer":
            return entry.function(shape, rng, **given)
        network = OneLayer(shape, rng, phi)
        entry.function(network, **given)
        weights, biases = network.weights[0], network.biases[0]
        return (weights, biases) if biases.any() else weights

    return draw


class OneLayer(Network):
    """A network of one layer with made-up rows; see `initbench.contracts.Network`."""

    def __init__(self, shape: Shape, rng: Generator, activation: Activation) -> None:
        weights: Array = find("initializer", "zeros").function(shape, rng)
        self.weights, self.biases = [weights], [np.zeros(weights.shape[1])]
        self.trained = [{"weights": self.weights[0], "biases": self.biases[0]}]
        self.activation = activation
        self.seed, rows = int(rng.integers(2**63)), np.random.default_rng(rng.integers(2**63))
        self.x = rows.standard_normal((ROWS, len(weights)))
        classes = rows.integers(max(weights.shape[1], 2), size=(ROWS, 1))
        one_hot = classes == np.arange(weights.shape[1]) if weights.shape[1] > 1 else classes
        self.targets = one_hot.astype(np.float64)

    def rng(self, layer: int) -> Generator:
        """The stream of the draws, from its beginning."""
        return np.random.default_rng(self.seed)

    def inputs(self, layer: int) -> Array:
        """The rows."""
        return self.x

    def preactivation(self, layer: int) -> Array:
        """The logits."""
        product: Array = self.x @ self.weights[0] + self.biases[0]
        return product

    def branch(self, layer: int) -> None:
        """None: it adds nothing to its output."""

    def gradients(self, x: Array | None = None, targets: Array | None = None) -> tuple[float, list[Array], list[Array]]:
        """Mean loss, and its derivatives."""
        x, targets = self.x if x is None else x, self.targets if targets is None else targets
        from scipy import special  # here, since it takes longer to import than NumPy

        logits = x @ self.weights[0] + self.biases[0]
        other = np.zeros((len(x), int(logits.shape[1] == 1)))  # the logit of the second class, where two have one
        total = special.logsumexp(np.hstack([logits, other]), axis=1, keepdims=True)
        loss = np.mean(total.ravel() - np.sum(targets * logits, axis=1))
        return float(loss), *self._slopes(x, (np.exp(logits - total) - targets) / len(x))

    def slopes(self, top: Array) -> tuple[list[Array], list[Array]]:
        """Derivatives of ``sum(top * logits)``."""
        return self._slopes(self.x, top)

    def _slopes(self, x: Array, delta: Array) -> tuple[list[Array], list[Array]]:
        return [x.T @ delta], [delta.sum(axis=0)]
