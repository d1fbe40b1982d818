"""Networks for tests, and networks before training, for tests of what fills them."""

import numpy as np

from initbench.config import Part
from initbench.engine.network import BlockNetwork
from initbench.registry import find
from initbench.training.untrained import Start


def mlp_network(sizes, activation="relu", **shape):
    """A multilayer perceptron of so many inputs, hidden units and outputs; its activation by name, or as it is."""
    if isinstance(activation, str):
        activation = find("activation", activation).function()
    inputs, *hidden, outputs = sizes
    make = find("architecture", "mlp").function
    return BlockNetwork(make((inputs,), outputs, hidden=tuple(hidden), activation=activation, **shape), (inputs,))


def make_network(sizes, activation="relu", *, n=300, seed=0, bias="zeros", x=None, **shape):
    """A network to fill, with standard normal rows (or ``x``) and random classes."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((n, sizes[0])) if x is None else x
    labels = rng.integers(max(sizes[-1], 2), size=(len(x), 1))
    targets = labels == np.arange(sizes[-1]) if sizes[-1] > 1 else labels
    return Start(seed, Part("bias", bias), mlp_network(sizes, activation, **shape), x, targets)


def fill(name, network, **parameters):
    find("initializer", name).function(network, **parameters)
    return network


def layer_bytes(network):
    return [array.tobytes() for array in (*network.weights, *network.biases)]


def last_layer(network):
    return len(network.weights) - 1
