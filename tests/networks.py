"""Networks before training, for tests of what fills them."""

from types import SimpleNamespace

import numpy as np

from initbench.engine.network import Design
from initbench.registry import find
from initbench.training.untrained import Start


def make_network(sizes, activation="relu", *, n=300, seed=0, bias="zeros", x=None, **design):
    """A network to fill, with standard normal rows (or ``x``) and random classes."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((n, sizes[0])) if x is None else x
    labels = rng.integers(max(sizes[-1], 2), size=(len(x), 1))
    targets = labels == np.arange(sizes[-1]) if sizes[-1] > 1 else labels
    cell = SimpleNamespace(seed=seed, bias=SimpleNamespace(name=bias, parameters=()))
    return Start(cell, Design(sizes, find("activation", activation).function(), **design), x, targets)


def fill(name, network, **parameters):
    find("initializer", name).function(network, **parameters)
    return network


def layer_bytes(network):
    return [array.tobytes() for array in (*network.weights, *network.biases)]


def last_layer(network):
    return len(network.weights) - 1
