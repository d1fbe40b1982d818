"""What is told of layers, against NumPy on the arrays themselves, and planted states in which each must speak."""

import numpy as np
import pytest
from networks import mlp_network

from initbench.contracts import LAYER_METRICS
from initbench.engine import diagnostics
from initbench.engine.diagnostics import LayerLog, distinct_units, histogram, norms, observe
from initbench.engine.losses import cross_entropy, one_hot
from initbench.engine.network import with_ones
from initbench.engine.signals import Observer, Signals
from initbench.engine.train import Data, Recipe, Rows, train
from initbench.registry import entries, find

SIZES = (6, 9, 9, 5, 3)
ROWS = 40
F8 = np.dtype("f8")


def make(activation="tanh", sizes=SIZES, m=2, seed=0, **shape):
    """A network, a stack of it with random weights, and rows."""
    network = mlp_network(sizes, activation, **shape)
    rng = np.random.default_rng(seed)
    parameters = network.parameters(m, F8)
    parameters.flat += rng.normal(scale=0.5, size=parameters.flat.shape)
    k = sizes[-1]
    targets = one_hot(rng.integers(0, max(k, 2), ROWS), max(k, 2), F8)
    return network, parameters, Rows(with_ones(rng.normal(size=(1, ROWS, sizes[0]))), targets[None])


def copy_of(signals):
    return Signals(*(part.copy() if isinstance(part, np.ndarray) else part for part in signals))


def look(network, parameters, rows):
    """What ``observe`` finds, the gradients, and copies of the signals that it shows."""
    m = len(parameters.flat)
    observer, gradients, shown = Observer(network, m, ROWS, F8), network.parameters(m, F8), {}
    loss = cross_entropy(network.outputs)
    found = observe(observer, network, loss, parameters, rows, gradients, lambda s: shown.update({s.layer: copy_of(s)}))
    return found, gradients, shown


DESIGNS = [
    *({"activation": entry.name} for entry in entries("activation")),
    *({"normalization": kind} for kind in ("batch", "layer")),
    *({"residual": kind, "activation": "relu"} for kind in ("plain", "scaled", "rezero", "fixup")),
    {"sizes": (6, 9, 4, 1)},
]


@pytest.mark.parametrize("settings", DESIGNS, ids=lambda s: "-".join(f"{k}={v}" for k, v in s.items()))
def test_what_is_told_is_what_numpy_finds_in_the_arrays(settings):
    network, parameters, rows = make(**settings)
    found, gradients, shown = look(network, parameters, rows)
    below = np.broadcast_to(rows.x[:, :, :-1], (2, ROWS, SIZES[0]))
    for layer, here in enumerate(found):
        values, delta = shown[layer].values, shown[layer].deltas
        assert np.array_equal(np.broadcast_to(shown[layer].inputs, below.shape), below)
        np.testing.assert_allclose(np.swapaxes(below, 1, 2) @ delta, gradients.weights[layer], atol=1e-12)
        axes = (1, 2)
        np.testing.assert_allclose(here["activation_mean"], values.mean(axes), atol=1e-12)
        np.testing.assert_allclose(here["activation_std"], values.std(axes), atol=1e-12)
        np.testing.assert_allclose(here["gradient_std"], delta.std(axes), atol=1e-14)
        np.testing.assert_allclose(here["gradient_square"], np.square(delta).mean(axes), atol=1e-14)
        if layer < len(found) - 1:
            z = shown[layer].preactivations
            np.testing.assert_allclose(here["preactivation_std"], z.std(axes), atol=1e-12)
            np.testing.assert_allclose(here["preactivation_square"], np.square(z).mean(axes), atol=1e-12)
            assert not np.isnan(here["dead"]).any()
        below = values


def test_the_comparison_catches_the_spare_column_being_counted(monkeypatch):
    honest = diagnostics._moments
    monkeypatch.setattr(
        diagnostics, "_moments", lambda array, count, scratch: honest(array, array[0].size, scratch.copy())
    )
    with pytest.raises(AssertionError):
        test_what_is_told_is_what_numpy_finds_in_the_arrays({"activation": "tanh"})


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softsign", "hard_tanh"])
def test_saturation_speaks_where_inputs_are_large_and_is_silent_where_they_are_small(activation):
    network, parameters, rows = make(activation)
    for shift, expected in ((40.0, 1.0), (0.0, 0.0)):
        parameters.flat[:] = 0
        parameters.layers[0]["biases"][:] = shift
        found, *_ = look(network, parameters, rows)
        assert (found[0]["saturated"] == expected).all()
    assert np.isnan(found[-1]["saturated"]).all()


def test_a_sigmoid_is_saturated_where_its_slope_is_below_a_twentieth_of_the_steepest():
    network, parameters, rows = make("sigmoid", sizes=(6, 2, 3))
    parameters.flat[:] = 0
    edge = np.log(1 / 0.0127 - 1)  # s (1 - s) = 0.05 / 4 at s = 0.01266
    parameters.layers[0]["biases"][:, 0] = [edge * 0.99, edge * 1.01]
    assert look(network, parameters, rows)[0][0]["saturated"] == pytest.approx([0.5, 0.5])


def test_units_are_dead_and_nearly_dead_as_planted():
    network, parameters, rows = make("relu", sizes=(6, 4, 3))
    parameters.flat[:] = 0
    x = np.zeros((1, ROWS, 6))
    x[:, 0, 0] = 1
    rows = Rows(with_ones(np.repeat(x, 5, axis=1)[:, :ROWS]), rows.targets)  # 5 of 40 rows have a one
    parameters.layers[0]["biases"][:] = [[[-1.0, 1.0, -0.5, -0.5]]]
    parameters.weights[0][:, 0] = [0.0, 0.0, 1.0, 0.0]
    found, *_ = look(network, parameters, rows)
    assert (found[0]["dead"] == 0.5).all()
    assert (found[0]["nearly_dead"] == 0.5).all()
    rows.x[:, :, 0] = 1
    assert (look(network, parameters, rows)[0][0]["dead"] == 0.5).all()
    rows.x[:, :, 0] = 0
    assert (look(network, parameters, rows)[0][0]["dead"] == 0.75).all()


def test_a_unit_on_one_row_of_many_is_nearly_dead_but_not_dead():
    ones = np.ones((1, 400))
    slope = np.zeros((1, 400, 2), bool)
    slope[0, 0, 0] = slope[0, :, 1] = True
    shares = diagnostics._shares(slope, 1.0, ones)
    assert (shares["dead"][0], shares["nearly_dead"][0]) == (0.0, 0.5)


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_sizes_whose_squares_float32_cannot_hold_are_told(scale):
    array = (scale * np.random.default_rng(0).normal(size=(3, 8, 5))).astype("f4")
    array[1] = 1  # a network of ordinary size beside them
    array[..., -1] = 0
    with np.errstate(over="ignore"):
        _, std, square = diagnostics._moments(array, 32, np.empty_like(array))
    exact = array[..., :-1].astype(float)
    np.testing.assert_allclose(std, exact.std(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(square, np.square(exact).mean(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(norms(array), np.sqrt(np.square(exact).sum(axis=(1, 2))), rtol=1e-6)


def test_weights_that_are_all_the_same_have_no_spread():
    assert (diagnostics.spreads(np.full((2, 20, 64), 0.1, "f4")) == 0).all()


def counted(matrix):
    """Distinct units of a layer whose biases are the last row of its matrix."""
    return distinct_units(matrix[:, :-1], matrix[:, -1:])


def test_units_of_small_weights_differ_beside_large_biases():
    matrix = np.concatenate([1e-5 * np.random.default_rng(0).normal(size=(1, 6, 8)), np.ones((1, 1, 8))], axis=1)
    assert (counted(matrix) == 8).all()


@pytest.mark.parametrize("m", [1, 3])
def test_distinct_units_are_counted_as_planted(m):
    rng = np.random.default_rng(0)
    units = rng.normal(size=(7, 4))
    matrix = np.stack([units[:, rng.permutation([0, 0, 0, 1, 2, 2, 3])] for _ in range(m)])
    assert (counted(matrix) == 4).all()
    assert (counted(matrix * (1 + 1e-7 * rng.normal(size=matrix.shape))) == 4).all()
    matrix[:, -1, 0] += 0.01  # a bias alone tells a unit from its twins
    assert (counted(matrix) == 5).all()
    assert (counted(np.zeros((m, 7, 6))) == 1).all()
    assert (counted(rng.normal(size=(m, 7, 60))) == 60).all()


def counted_one_by_one(matrix):
    """Distinct units straight from the definition: groups of units that are alike, each with one before it."""
    sizes = [np.abs(part).max() for part in (matrix[:-1], matrix[-1:])]
    found = []
    for unit in matrix.T:
        steps = [(np.abs(unit[:-1] - other[:-1]).max(), abs(unit[-1] - other[-1])) for other in found]
        if not any(w <= 1e-4 * sizes[0] and b <= 1e-4 * sizes[1] for w, b in steps):
            found.append(unit)
    return len(found)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_distinct_units_are_those_counted_one_by_one(dtype, scale):
    rng = np.random.default_rng(0)
    kinds = scale * rng.normal(size=(12, 33, 9))
    matrix = np.stack([kind[:, rng.integers(0, 9, 40)] for kind in kinds])
    matrix[::2, -1] *= 1e-3
    matrix[::3] *= 1 + np.where(rng.random(matrix[::3].shape) < 0.01, 3e-3, 1e-6)  # some units are parted, most are not
    matrix = matrix.astype(dtype)
    found = counted(matrix)
    assert found.tolist() == [counted_one_by_one(network) for network in matrix]
    assert found[0] > 9 >= found[1]


def test_a_histogram_holds_every_value_once():
    values, delta = np.array([[-2.0, 0.0, 1.0]]), np.zeros((1, 3))
    found = histogram(values, delta)
    assert list(found.limits) == [2.0, 0.0]
    assert found.counts.sum(axis=1).tolist() == [3, 3]
    assert (found.counts[0, 0], found.counts[0, 20], found.counts[1, 20]) == (1, 1, 3)


def train_with_log(optimizer="sgd", initializer=None, activation="tanh", learning_rate=0.1, epochs=3, sizes=SIZES):
    network, parameters, rows = make(activation, sizes)
    if initializer is not None:
        parameters.flat[:] = 0
        for weights in parameters.weights:
            weights[:] = find("initializer", initializer).function(weights.shape[1:], np.random.default_rng(0))
    recipe = Recipe(cross_entropy(3), find("optimizer", optimizer).function(), np.full(2, learning_rate), 16, epochs)
    log = LayerLog(network, recipe, parameters, rows, (1,))
    rng = np.random.default_rng(3)
    start = parameters.flat.copy()
    seen = []

    def note(epoch, states, count):
        seen.append((parameters.flat.copy(), [state.copy() for state in states], count))
        log.note(epoch, states, count)

    trace = train(network, recipe, parameters, Data(rows, rows, rows), lambda: rng.permutation(ROWS)[None], note)
    log.forget(trace.diverged)
    return network, recipe, log, seen, start, rows


def metric(log, name):
    return log.values[..., LAYER_METRICS.index(name)]


@pytest.mark.parametrize("optimizer", [entry.name for entry in entries("optimizer")])
def test_the_update_ratio_is_that_of_the_step_that_the_optimizer_takes(optimizer):
    network, recipe, log, seen, _, rows = train_with_log(optimizer)
    for epoch, (flat, states, count) in enumerate(seen):
        parameters = network.parameters(2, F8)
        parameters.flat[:] = flat
        _, gradients, _ = look(network, parameters, rows)
        np.testing.assert_allclose(metric(log, "weight_gradient_norm")[:, epoch, 1], norms(gradients.weights[1]))
        if optimizer == "sgd":
            by_hand = 0.1 * norms(gradients.weights[1]) / norms(parameters.weights[1])
            np.testing.assert_allclose(metric(log, "update_ratio")[:, epoch, 1], by_hand)
        before = parameters.weights[1].copy()
        recipe.optimizer.step(parameters.flat, gradients.flat, states, recipe.learning_rate[:, None], count + 1)
        moved = norms(parameters.weights[1] - before) / norms(before)
        np.testing.assert_allclose(metric(log, "update_ratio")[:, epoch, 1], moved)


def test_looking_at_layers_changes_nothing_in_training():
    *_, seen, _, _ = train_with_log("adam")
    network, parameters, rows = make("tanh")
    recipe = Recipe(cross_entropy(3), find("optimizer", "adam").function(), np.full(2, 0.1), 16, 3)
    rng = np.random.default_rng(3)
    train(network, recipe, parameters, Data(rows, rows, rows), lambda: rng.permutation(ROWS)[None])
    assert parameters.flat.tobytes() == seen[-1][0].tobytes()


def test_the_distance_from_the_start_is_nought_at_first_and_then_that_of_the_weights():
    network, _, log, seen, start, _ = train_with_log()
    assert (metric(log, "distance")[:, 0] == 0).all()
    first, last = network.parameters(2, F8), network.parameters(2, F8)
    first.flat[:], last.flat[:] = start, seen[-1][0]
    expected = norms(last.weights[2] - first.weights[2]) / norms(first.weights[2])
    np.testing.assert_allclose(metric(log, "distance")[:, -1, 2], expected)
    np.testing.assert_allclose(metric(log, "weight_std")[:, -1, 2], last.weights[2].std(axis=(1, 2)))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("initializer", ["zeros", "ones"])
def test_what_starts_alike_stays_alike_in_every_hidden_layer(initializer, activation):
    _, _, log, *_ = train_with_log("sgd", initializer, activation, 0.01, 8)
    assert (metric(log, "distinct_units")[:, :, :-1] == 1).all()


def test_what_starts_at_random_is_told_apart():
    _, _, log, *_ = train_with_log()
    assert (metric(log, "distinct_units") == [9, 9, 5, 3]).all()


def test_nothing_is_told_of_a_network_that_has_diverged():
    _, _, log, *_ = train_with_log(activation="relu", learning_rate=1e150, epochs=4)
    assert np.isfinite(log.values[:, 0, 0, 0]).all()
    assert np.isnan(log.values[:, 4]).all()
    assert log.counts[0, 0].any()
    assert not log.counts[0, 1].any()


def test_histograms_are_those_of_the_network_asked_for():
    network, _, log, seen, _, rows = train_with_log()
    parameters = network.parameters(2, F8)
    parameters.flat[:] = seen[-1][0]
    _, _, shown = look(network, parameters, rows)
    expected = histogram(shown[1].values[1], shown[1].deltas[1])
    np.testing.assert_allclose(log.limits[0, -1, 1], expected.limits)
    assert (log.counts[0, -1, 1] == expected.counts).all()
