"""The signals that are shown of a layer are its own, whatever blocks stand around it."""

from math import prod

import numpy as np
import pytest
from blocks import Half, Reshape, Scale, Sum

from initbench.engine import signals
from initbench.engine.blocks.activation import Activate
from initbench.engine.blocks.dense import Dense
from initbench.engine.diagnostics import observe
from initbench.engine.losses import SoftmaxCrossEntropy, one_hot
from initbench.engine.network import BlockNetwork, with_ones
from initbench.engine.parameters import Slot
from initbench.engine.signals import Observer
from initbench.engine.train import Rows
from initbench.registry import find

F8 = np.dtype("f8")
M, ROWS = 2, 6
RELU = Activate(find("activation", "relu").function())


def watched(network):
    """The numbers of a stack, its rows, what is shown of each layer, and what `observe` finds."""
    rng = np.random.default_rng(0)
    parameters, gradients = network.parameters(M, F8), network.parameters(M, F8)
    parameters.flat += rng.normal(scale=0.5, size=parameters.flat.shape)
    x = with_ones(rng.normal(size=(1, ROWS, prod(network.rows))))
    rows, shown = Rows(x, one_hot(np.arange(ROWS) % 3, 3, F8)[None]), {}

    def see(some):
        shown[some.layer] = some.inputs.copy(), some.preactivations.copy(), some.values.copy()

    observer = Observer(network, M, ROWS, F8)
    found = observe(observer, network, SoftmaxCrossEntropy(), parameters, rows, gradients, see)
    return parameters, x[..., :-1], shown, found


def own_products(parameters, shown):
    """Whether preactivations of each layer are what its weights and biases make of its inputs."""
    return [
        preactivations.shape == (M, ROWS, layer["weights"].shape[-1])
        and np.allclose(preactivations, shown[i][0] @ layer["weights"] + layer["biases"])
        for i, layer in enumerate(parameters.layers)
        for preactivations in [shown[i][1]]
    ]


BRANCHES = BlockNetwork([Dense(5), Sum(((Dense(4),), (Scale(), Dense(2), Dense(4)))), Dense(3)], (7,))


def test_a_branch_that_begins_without_weights_shows_nothing_of_the_branch_before():
    parameters, _, shown, _ = watched(BRANCHES)
    factors = parameters.own[1].branches[1][0]["factors"]
    first, one, _, other, _ = (shown[layer] for layer in range(5))
    assert own_products(parameters, {**shown, 0: (first[0], first[2] / factors)}) == [True] * 5
    assert np.array_equal(one[2], one[1])
    assert np.allclose(other[2], one[2] + other[1])


def test_the_check_catches_blocks_that_belong_to_the_branch_before(monkeypatch):
    nowhere = property(lambda self: None, lambda self, layer: None)
    monkeypatch.setattr(signals._Watched, "begins_at", nowhere, raising=False)
    parameters, _, shown, _ = watched(BRANCHES)
    assert own_products(parameters, shown) == [True, False, True, True, True]


@pytest.mark.parametrize("shape", [(3, 2), (1, 3, 2), (6, 1)], ids=str)
def test_each_place_of_rows_with_more_axes_counts_as_a_row(shape):
    parameters, x, shown, found = watched(BlockNetwork([Dense(6), Reshape(shape), RELU, Dense(3)], (7,)))
    z = x @ parameters.weights[0] + parameters.layers[0]["biases"]
    by_place = z.reshape(M, -1, shape[-1])
    _, preactivations, values = shown[0]
    assert np.allclose(preactivations, by_place)
    assert np.allclose(values, np.maximum(by_place, 0))
    assert np.allclose(found[0]["dead"], (by_place <= 0).all(axis=1).mean(axis=1))
    assert np.allclose(found[0]["preactivation_std"], z.std(axis=(1, 2)))


class Everywhere(Dense):
    """Takes the last axis of rows for its inputs, at every place of the others."""

    def output(self, shape):
        return (*shape[:-1], self.units)

    def slots(self, shape):
        fans = (shape[-1], self.units)
        return (Slot("weights", fans, fans=fans),)

    def prepare(self, site):
        return {}

    def inputs(self, x, work):
        return x

    def forward(self, x, own, work):
        work["x"] = x.reshape(len(x), -1, x.shape[-1])
        return (work["x"] @ own["weights"]).reshape(*x.shape[:-1], self.units)

    def backward(self, delta, own, work, gradients):
        flat = delta.reshape(len(delta), -1, self.units)
        gradients["weights"][:] = work["x"].swapaxes(1, 2) @ flat
        return (flat @ own["weights"].swapaxes(1, 2)).reshape(*delta.shape[:-1], -1)


def test_weights_that_are_used_at_several_places_have_a_row_for_each():
    network = BlockNetwork([Dense(6), Reshape((3, 2)), Everywhere(4), Dense(3)], (7,))
    parameters, _, shown, _ = watched(network)
    inputs, preactivations, _ = shown[1]
    assert inputs.shape == (M, 3 * ROWS, 2)
    assert np.allclose(inputs @ parameters.weights[1], preactivations)


def test_a_block_without_weights_may_change_how_many_numbers_a_layer_gives():
    *_, shown, found = watched(BlockNetwork([Dense(6), Half(), Dense(3)], (7,)))
    assert shown[0][2].shape == (M, ROWS, 3)
    assert np.allclose(found[0]["activation_std"], shown[0][2].std(axis=(1, 2)))
