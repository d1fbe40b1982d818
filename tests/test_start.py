"""What an initializer of a whole network is shown: inputs, preactivations, derivatives, branches."""

import numpy as np
import pytest
from networks import fill, make_network

from initbench.contracts import Branch, layers_of
from initbench.engine.network import Design
from initbench.registry import find

DESIGNS = [
    {},
    {"normalization": "batch"},
    {"normalization": "layer"},
    {"residual": "plain"},
    {"residual": "scaled"},
    {"residual": "fixup"},
    {"activation": "prelu"},
]
each_design = pytest.mark.parametrize("design", DESIGNS, ids=str)


def network_of(design, sizes=(5, 6, 6, 6, 6, 3)):
    return fill("lsuv", make_network(sizes, design.get("activation", "tanh"), n=20, **_rest(design)))


def _rest(design):
    return {key: value for key, value in design.items() if key != "activation"}


def loss(network, x, targets):
    return network.gradients(x, targets)[0]


def slope_error(network, x, targets, slopes):
    """Largest difference between derivatives by weights and central differences of the loss."""
    worst = 0.0
    for weights, slope in zip(network.weights, slopes, strict=True):
        for place in ((0, 0), (-1, -1)):
            before, step = weights[place], 1e-6
            weights[place] = before + step
            above = loss(network, x, targets)
            weights[place] = before - step
            difference = (above - loss(network, x, targets)) / (2 * step)
            weights[place] = before
            worst = max(worst, abs(difference - slope[place]))
    return worst


@each_design
def test_gradients_are_those_of_the_loss_on_the_rows_given(design):
    network = network_of(design)
    for rows in (slice(None), slice(7)):
        x, targets = network.x[rows], network.targets[rows]
        _, slopes, _ = network.gradients(x, targets)
        assert slope_error(network, x, targets, slopes) < 1e-8
        assert slope_error(network, x, targets, [1.01 * slope for slope in slopes]) > 1e-5


def test_without_rows_gradients_are_those_of_the_batch():
    network = network_of({})
    assert loss(network, None, None) == loss(network, network.x, network.targets)
    assert loss(network, None, None) != loss(network, network.x[:7], network.targets[:7])


@each_design
def test_slopes_are_those_of_a_linear_function_of_the_logits(design):
    network = network_of(design)
    top = np.random.default_rng(0).standard_normal(network.targets.shape)
    slopes, biases = network.slopes(top)
    assert np.allclose(biases[-1], top.sum(axis=0))
    weights, step = network.weights[1], 1e-6
    change = np.random.default_rng(1).standard_normal(weights.shape)
    values = []
    for sign in (1, -1):
        weights += sign * step * change
        values.append(np.sum(top * network.preactivation(4)))
        weights -= sign * step * change
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(np.sum(change * slopes[1]), rel=1e-6)


@each_design
def test_a_layer_is_given_what_the_one_below_makes(design):
    network = network_of(design)
    for layer in range(1, 5):
        z = network.preactivation(layer - 1)
        if design.get("normalization") == "batch":
            z = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5)
        if design.get("normalization") == "layer":
            z = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
        value = np.maximum(z, 0.25 * z) if design.get("activation") == "prelu" else np.tanh(z)
        branch = network.branch(layer - 1)
        if branch is not None:
            value = branch.factor * (z if branch.is_linear else value) + network.inputs(branch.source + 1)
        assert np.allclose(network.inputs(layer), value, atol=1e-14)


def test_branches_are_those_of_the_design():
    assert [network_of({}).branch(layer) for layer in range(5)] == [None] * 5
    plain = [network_of({"residual": "plain"}).branch(layer) for layer in range(5)]
    assert plain == [None, *(Branch(layer, 1.0, False) for layer in range(3)), None]
    scaled = network_of({"residual": "scaled"}).branch(2)
    assert scaled == Branch(1, 3**-0.5, False)
    assert network_of({"residual": "rezero"}).branch(2) == Branch(1, 0.0, False)
    assert network_of({"residual": "fixup"}).branch(2) == Branch(0, 1.0, True)


def test_logits_as_wide_as_the_layer_before_are_no_branch():
    assert network_of({"residual": "plain"}, (5, 3, 3, 3)).branch(2) is None


SIZES = [(5, 6, 6, 6, 6, 3), (5, 6, 7, 7, 7, 7, 3), (5, 6, 7, 6, 7, 3), (5, 6, 3), (5, 3), (6, 6, 6)]


def branch_faults(layers, design):
    """Layers whose place in a branch is not the one that the engine gives them."""
    length = 2 if design.residual == "fixup" else 1
    places = {end - back: length - back for end in design.branch_ends for back in range(length)}
    found = [(layer.branches, layer.branch_place) for layer in layers]
    return [i for i, pair in enumerate(found) if pair != (len(design.branch_ends), places.get(i, 0))]


@pytest.mark.parametrize("residual", ["none", "plain", "scaled", "rezero", "fixup"])
def test_layers_stand_in_the_branches_that_the_engine_adds(residual):
    for sizes in SIZES:
        design = Design(sizes, find("activation", "relu").function(), residual=residual)
        assert branch_faults(layers_of(sizes, residual, None), design) == []
    other = "none" if residual != "none" else "plain"
    design = Design(SIZES[0], find("activation", "relu").function(), residual=residual)
    assert branch_faults(layers_of(SIZES[0], other, None), design)


def test_all_that_a_layer_trains_can_be_set_and_bears_on_the_logits():
    network = network_of({"activation": "prelu", "normalization": "batch", "residual": "fixup"})
    before = network.preactivation(4)
    assert [sorted(numbers) for numbers in network.trained[1:3]] == [
        ["biases", "gains", "offsets", "slopes", "weights"],
        ["biases", "gains", "offsets", "scales", "slopes", "weights"],
    ]
    assert network.trained[0]["weights"] is network.weights[0]
    for kind, array in network.trained[2].items():
        kept = array.copy()
        array *= 1.5
        array += np.arange(len(array))
        changes_nothing = kind == "slopes"  # the end of a branch has no activation
        assert np.array_equal(network.preactivation(4), before) == changes_nothing
        array[:] = kept
