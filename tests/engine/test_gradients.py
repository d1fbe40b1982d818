"""Backpropagation against central differences, for every activation × normalization × loss."""

import numpy as np
import pytest
from networks import mlp_network

from initbench.engine.blocks.residual import connections
from initbench.engine.losses import cross_entropy, one_hot
from initbench.engine.network import with_ones
from initbench.registry import entries, find

TOLERANCE = 1e-6
GROUPS, PER_GROUP, ROWS = 2, 2, 7


def example(activation, normalization, classes, residual="none"):
    """A stack with random numbers everywhere, so that no slope is zero by symmetry."""
    rng = np.random.default_rng(0)
    outputs = 1 if classes == 2 else classes
    sizes = (5, 6, 6, 6, 6, 4, outputs)
    network = mlp_network(sizes, activation, normalization=normalization, residual=residual)
    parameters = network.parameters(GROUPS * PER_GROUP, np.dtype("f8"))
    parameters.flat += rng.normal(scale=0.5, size=parameters.flat.shape)
    x = with_ones(rng.normal(size=(GROUPS, ROWS, 5)))
    targets = np.stack([one_hot(rng.integers(0, classes, ROWS), classes, np.dtype("f8")) for _ in range(GROUPS)])
    return network, parameters, x, targets


def mean_losses(network, parameters, x, targets):
    work = network.workspace(len(parameters.flat), ROWS, np.dtype("f8"), keeps=True)
    outputs = network.forward(parameters, x, work)
    return cross_entropy(network.outputs).values_and_scores(outputs, targets)[0].mean(axis=1)


def slopes(network, parameters, x, targets):
    work = network.workspace(len(parameters.flat), ROWS, np.dtype("f8"), keeps=True)
    gradients = network.parameters(len(parameters.flat), np.dtype("f8"))
    outputs = network.forward(parameters, x, work)
    network.backward(parameters, cross_entropy(network.outputs).slope(outputs, targets), work, gradients)
    return gradients


def trained(parameters, name):
    """The numbers of this name of all layers that have some."""
    return [layer[name] for layer in parameters.layers if name in layer]


def gradient_error(network, parameters, x, targets, found, step=1e-7):
    """Largest error of any partial derivative, relative to the network's largest one.

    Every step along a number, up or down, is a network of its own; all of them are one stack.
    """
    m, count = found.shape
    steps = step * np.stack([np.eye(count), -np.eye(count)])
    stepped = network.parameters(m * 2 * count, np.dtype("f8"))
    stepped.flat[:] = (parameters.flat[:, None, None] + steps).reshape(-1, count)
    above, below = mean_losses(network, stepped, x, targets).reshape(m, 2, count).swapaxes(0, 1)
    central = (above - below) / (2 * step)
    return np.max(np.abs(found - central) / np.abs(central).max(axis=1, keepdims=True))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("entry", entries("activation"), ids=lambda entry: entry.name)
def test_gradients_equal_central_differences(entry, normalization, classes):
    setting = example(entry.function(), normalization, classes)
    assert gradient_error(*setting, slopes(*setting).flat) < TOLERANCE


RESIDUAL = ["plain", "scaled", "rezero", "fixup"]


@pytest.mark.parametrize("residual", RESIDUAL)
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("name", ["tanh", "prelu"])
def test_gradients_pass_through_residual_connections(name, normalization, residual):
    setting = example(find("activation", name).function(), normalization, 3, residual)
    assert gradient_error(*setting, slopes(*setting).flat) < TOLERANCE


def test_each_form_of_residual_connection_is_another_network():
    tanh = find("activation", "tanh").function()
    found = []
    for residual in ("none", *RESIDUAL):
        network, parameters, x, targets = example(tanh, "none", 3, residual)
        for scale in trained(parameters, "scales"):
            scale[:] = 0.5
        rng = np.random.default_rng(3)
        for weights in parameters.weights:
            weights[:] = rng.normal(size=weights.shape[1:])
        found.append(mean_losses(network, parameters, x, targets)[0])
    assert len({round(loss, 6) for loss in found}) == len(found)


def test_a_rezero_network_starts_as_if_its_branches_were_not_there():
    network, parameters, x, targets = example(find("activation", "tanh").function(), "none", 3, "rezero")
    for scale in trained(parameters, "scales"):
        scale[:] = 0
    without = mean_losses(network, parameters, x, targets)
    found = connections(network.placed)
    assert len(found) == 3
    for connection in found:
        parameters.weights[connection.end][:] = 7
    assert np.array_equal(mean_losses(network, parameters, x, targets), without)


@pytest.mark.parametrize("place", ["first weight", "bias", "gain", "trained slope"])
def test_the_check_catches_a_gradient_that_is_one_percent_off(place):
    entry = next(entry for entry in entries("activation") if entry.name == "prelu")
    setting = example(entry.function(), "batch", 3)
    gradients = slopes(*setting)
    wrong = {
        "first weight": gradients.weights[0],
        "bias": gradients.layers[-1]["biases"],
        "gain": gradients.layers[1]["gains"],
        "trained slope": gradients.layers[0]["slopes"],
    }[place]
    wrong *= 1.01
    assert gradient_error(*setting, gradients.flat) > 100 * TOLERANCE
