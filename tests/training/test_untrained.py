"""What an initializer of a whole network is shown: inputs, preactivations, derivatives, branches."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from blocks import Scale
from networks import fill, make_network, mlp_network

from initbench.config import Part
from initbench.contracts import Branch
from initbench.engine.blocks.dense import Dense
from initbench.engine.blocks.residual import layers_of
from initbench.engine.network import BlockNetwork
from initbench.errors import ParameterError
from initbench.registry import About, Entry
from initbench.training import untrained as start

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


def test_a_first_layer_is_given_what_a_block_before_it_makes_of_the_rows():
    rng, network = np.random.default_rng(0), BlockNetwork([Scale(), Dense(4), Dense(3)], (5,))
    begun = start.Start(0, Part("bias", "zeros"), network, rng.normal(size=(9, 5)), np.eye(3)[np.arange(9) % 3])
    begun.trained[0]["factors"][:] = 2.0
    begun.weights[0][:] = rng.normal(size=(5, 4))
    assert np.array_equal(begun.inputs(0), 2 * begun.x)
    assert np.allclose(begun.preactivation(0), 2 * begun.x @ begun.weights[0])


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


def branch_faults(sizes, residual, network):
    """Layers of a network whose place in a branch is not the one that the form of residual connection gives them."""
    length, hidden = 2 if residual == "fixup" else 1, sizes[1:-1]
    candidates = range(length, len(hidden), length) if residual != "none" else ()
    ends = [end for end in candidates if hidden[end] == hidden[end - length]]
    places = {end - back: length - back for end in ends for back in range(length)}
    found = [(layer.index, layer.count, layer.branches, layer.branch_place) for layer in layers_of(network)]
    wanted = [(i, len(sizes) - 1, len(ends), places.get(i, 0)) for i, _ in enumerate(pairwise(sizes))]
    return [i for i, pair in enumerate(zip(found, wanted, strict=True)) if pair[0] != pair[1]]


@pytest.mark.parametrize("residual", ["none", "plain", "scaled", "rezero", "fixup"])
def test_layers_stand_in_the_branches_that_the_engine_adds(residual):
    for sizes in SIZES:
        assert branch_faults(sizes, residual, mlp_network(sizes, residual=residual)) == []
    other = "none" if residual != "none" else "plain"
    assert branch_faults(SIZES[0], residual, mlp_network(SIZES[0], residual=other))


def test_all_that_a_layer_trains_can_be_set_and_bears_on_the_logits():
    network = network_of({"activation": "prelu", "normalization": "batch", "residual": "fixup"})
    before = network.preactivation(4)
    assert [sorted(numbers) for numbers in network.trained[1:3]] == [
        ["biases", "gains", "offsets", "slopes", "weights"],
        ["biases", "gains", "offsets", "scales", "weights"],  # the end of a branch has no activation
    ]
    assert network.trained[0]["weights"] is network.weights[0]
    for kind, array in network.trained[2].items():
        kept = array.copy()
        array *= 1.5
        array += np.arange(len(array))
        assert not np.array_equal(network.preactivation(4), before), kind
        array[:] = kept
    assert np.array_equal(network.preactivation(4), before)


def test_the_last_layer_is_told_the_classes_of_all_rows_and_the_first_a_batch_of_inputs():
    rng, rows = np.random.default_rng(0), 3 * start.BATCH_ROWS
    x, classes = rng.standard_normal((rows, 4)), np.sort(rng.choice(3, size=rows, p=[0.6, 0.3, 0.1]))
    shape = mlp_network((4, 5, 3))
    parameters = shape.parameters(1, np.dtype(np.float64))
    zeros = Part("initializer", "zeros")
    cell = SimpleNamespace(seed=0, bias=Part("bias", "output_prior"), initializer=zeros, output_initializer=zeros)
    start.draw_start(cell, shape, parameters, 0, x, np.eye(3, dtype=np.float32)[classes])
    shares = np.bincount(classes) / rows
    np.testing.assert_allclose(np.exp(parameters.layers[-1]["biases"][0, 0]), shares)
    batch = np.bincount(classes[: start.BATCH_ROWS], minlength=3) / start.BATCH_ROWS
    assert not np.allclose(batch, shares)
    network = make_network((4, 5, 3), n=rows)
    assert [network.layer(i).inputs is not None for i in range(2)] == [True, False]
    assert len(network.layer(0).inputs) == len(network.x) == len(network.targets) == start.BATCH_ROWS
    assert len(network.layer(1).targets) == rows


DRAWS = {
    "drew weights of shape (8, 6) where (6, 8) was asked for": lambda shape, rng: np.zeros(shape[::-1]),
    "drew weights of type complex128": lambda shape, rng: np.zeros(shape) + 1j,
    "drew biases of shape (1,) where (8,) was asked for": lambda shape, rng: (np.zeros(shape), np.zeros(1)),
    "drew biases of type int64": lambda shape, rng: (np.zeros(shape), np.zeros(shape[1], np.int64)),
}


@pytest.mark.parametrize("words", DRAWS)
def test_what_is_drawn_has_the_layers_shape_and_is_real(words, monkeypatch):
    with pytest.raises(ParameterError) as caught:
        make_network((6, 8, 3)).draw(0, Entry("initializer", "ours", DRAWS[words], {}, About()), {})
    assert f"'ours' {words}" in str(caught.value)
    if "biases" in words:
        bias = Entry("bias", "ours", lambda shape, rng: DRAWS[words](shape, rng)[1], {}, About())
        monkeypatch.setattr(start, "find", lambda kind, name: bias)
        with pytest.raises(ParameterError) as caught:
            make_network((6, 8, 3))
        assert f"'ours' {words}" in str(caught.value)
