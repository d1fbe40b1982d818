"""Training and measuring against plain NumPy in float64, one network at a time."""

import numpy as np
import pytest
from networks import mlp_network

from initbench.contracts import Optimizer
from initbench.engine.losses import LogisticCrossEntropy, SoftmaxCrossEntropy, one_hot
from initbench.engine.network import with_ones
from initbench.engine.train import Data, Recipe, Rows, measure, train
from initbench.registry import find

TOLERANCE = 1e-10
FEATURES, HIDDEN, CLASSES = 5, 4, 3
IS_WEIGHT = np.repeat([True, False, True, False], [FEATURES * HIDDEN, HIDDEN, HIDDEN * CLASSES, CLASSES])
ROWS, BATCH = 23, 8  # the last batch of an epoch has 7 rows
RATES = np.array([0.3, 0.7])
LOSS = SoftmaxCrossEntropy()


def example(rows=ROWS, seed=0):
    """Rows, and two networks with one hidden layer."""
    rng = np.random.default_rng(seed)
    network = mlp_network((FEATURES, HIDDEN, CLASSES), "tanh")
    parameters = network.parameters(2, np.dtype("f8"))
    parameters.flat += rng.normal(size=parameters.flat.shape)
    return network, parameters, random_rows(rng, rows)


def random_rows(rng, count):
    targets = one_hot(rng.integers(0, CLASSES, count), CLASSES, np.dtype("f8"))
    return Rows(with_ones(rng.normal(size=(1, count, FEATURES))), targets[None])


def slopes_by_hand(flat, x, targets):
    """The gradient of the mean cross-entropy of one network."""
    first, last = np.split(flat, [(FEATURES + 1) * HIDDEN])
    first, last = first.reshape(-1, HIDDEN), last.reshape(-1, CLASSES)
    hidden = np.tanh(x[:, :-1] @ first[:-1] + first[-1])
    powers = np.exp(hidden @ last[:-1] + last[-1])
    top = (powers / powers.sum(axis=1, keepdims=True) - targets) / len(x)
    under = (top @ last[:-1].T) * (1 - hidden**2)
    slopes = x[:, :-1].T @ under, under.sum(axis=0), hidden.T @ top, top.sum(axis=0)
    return np.concatenate([slope.ravel() for slope in slopes])


def clipped(slopes, limit):
    return slopes * min(1, limit / np.linalg.norm(slopes))


def epoch_by_hand(flat, rows, order, rate, decay, clip, *, decay_first=False, whole_batches=False):
    """One network's numbers after an epoch of sgd; as in PyTorch, the decay of the weights is not clipped."""
    flat = flat.copy()
    for begin in range(0, ROWS, BATCH):
        index = order[begin : begin + BATCH]
        if whole_batches and len(index) < BATCH:
            continue
        slopes = slopes_by_hand(flat, rows.x[0, index], rows.targets[0, index])
        shrink = np.where(IS_WEIGHT, decay * flat, 0)
        flat -= rate * (clipped(slopes + shrink, clip) if decay_first else clipped(slopes, clip) + shrink)
    return flat


def epoch_error(decay=None, clip=None, *, decay_times=1.0, clip_times=1.0, **fault):
    """Largest difference between a trained stack and its networks trained by hand."""
    network, parameters, rows = example()
    start, order = parameters.flat.copy(), np.random.default_rng(1).permutation(ROWS)
    recipe = Recipe(LOSS, find("optimizer", "sgd").function(), RATES, BATCH, 1, as_array(decay), as_array(clip))
    train(network, recipe, parameters, Data(rows, rows, rows), lambda: order[None])
    decays = np.array(decay or [0, 0]) * decay_times
    clips = np.array(clip or [np.inf, np.inf]) * clip_times
    settings = zip(start, RATES, decays, clips, strict=True)
    expected = [epoch_by_hand(flat, rows, order, *values, **fault) for flat, *values in settings]
    return np.abs(parameters.flat - expected).max()


def as_array(values):
    return None if values is None else np.array(values)


DECAY, CLIP = [0.2, 0.05], [0.25, 0.1]


@pytest.mark.parametrize("decay", [None, DECAY])
@pytest.mark.parametrize("clip", [None, CLIP, [0.1, 1e6]])
def test_an_epoch_of_sgd_is_that_by_hand(decay, clip):
    assert epoch_error(decay, clip) < TOLERANCE


@pytest.mark.parametrize(
    "fault",
    [{"decay_times": 0.5}, {"clip_times": 2}, {"decay_first": True}, {"whole_batches": True}],
    ids=lambda fault: next(iter(fault)),
)
def test_the_check_catches_an_epoch_by_other_rules(fault):
    assert epoch_error(DECAY, CLIP, **fault) > 1e-3


def test_weight_decay_is_not_counted_in_the_clipped_norm():
    network, parameters, _ = example()
    parameters.flat[:] = 0
    parameters.weights[0][:] = 100  # has no gradient: the rows are zeros
    rows = Rows(with_ones(np.zeros((1, 1, FEATURES))), np.array([[[1.0, 0, 0]]]))
    decay, clip = np.array([0.5, 0.1]), np.array([0.3, 0.2])
    recipe = Recipe(LOSS, find("optimizer", "sgd").function(), RATES, 1, 1, decay, clip)
    train(network, recipe, parameters, Data(rows, rows, rows), lambda: np.zeros((1, 1), int))
    slopes = np.array([-2, 1, 1]) / np.sqrt(6)
    for i in range(2):
        np.testing.assert_allclose(parameters.weights[0][i], 100 - RATES[i] * decay[i] * 100, rtol=1e-12)
        np.testing.assert_allclose(parameters.layers[1]["biases"][i, 0], -RATES[i] * clip[i] * slopes, rtol=1e-12)


def test_adamw_shrinks_the_weights_by_learning_rate_times_decay():
    network, parameters, rows = example()
    start, order, decay = parameters.flat.copy(), np.arange(ROWS), np.array([0.2, 0.05])
    recipe = Recipe(LOSS, find("optimizer", "adamw").function(), RATES, ROWS, 1, decay)
    train(network, recipe, parameters, Data(rows, rows, rows), lambda: order[None])
    for i in range(2):
        slopes = slopes_by_hand(start[i], rows.x[0], rows.targets[0])
        shrink = np.where(IS_WEIGHT, 1 - RATES[i] * decay[i], 1)
        expected = shrink * start[i] - RATES[i] * slopes / (np.abs(slopes) + 1e-8)  # what Adam's first step comes to
        np.testing.assert_allclose(parameters.flat[i], expected, atol=TOLERANCE)


@pytest.mark.parametrize("size", [1.0, 1e30])
def test_gradients_whose_squares_overflow_are_clipped_to_the_limit(size):
    network = mlp_network((FEATURES, CLASSES))
    parameters = network.parameters(1, np.dtype("f4"))
    x = with_ones(np.full((1, 1, FEATURES), size, "f4"))
    rows = Rows(x, np.array([[[1, 0, 0]]], "f4"))
    recipe = Recipe(LOSS, find("optimizer", "sgd").function(), np.array([0.5]), 1, 1, clip_norm=np.array([0.01]))
    trace = train(network, recipe, parameters, Data(rows, rows, rows), lambda: np.zeros((1, 1), int))
    assert trace.diverged == [-1]
    top = np.array([-2, 1, 1]) / 3
    slopes = np.outer(x[0, 0].astype("f8"), top).ravel()
    np.testing.assert_allclose(parameters.flat[0], -0.5 * 0.01 * slopes / np.linalg.norm(slopes), rtol=1e-6)


def test_a_network_whose_weights_are_not_finite_has_diverged_though_its_loss_is_finite():
    _, _, rows = example()
    network = mlp_network((FEATURES, HIDDEN, CLASSES), "relu")
    parameters = network.parameters(2, np.dtype("f8"))

    def step(w, g, states, learning_rate, count):
        if count == 2:
            parameters.layers[0]["biases"][0] = -np.inf  # ReLU makes zeros of it

    still = find("optimizer", "sgd").function()._replace(step=step)
    trace = train(
        network, Recipe(LOSS, still, RATES, ROWS, 3), parameters, Data(rows, rows, rows), lambda: np.arange(ROWS)[None]
    )
    assert trace.diverged.tolist() == [2, -1]
    assert np.isfinite(trace.curves[0, :2]).all()
    assert np.isnan(trace.curves[0, 2:]).all()
    assert np.isfinite(trace.curves[1]).all()
    parameters.layers[0]["biases"][0] = -np.inf
    assert np.isfinite(measure(network, LOSS, parameters, Data(rows, rows, rows))).all()


# Batch normalization

SIZES = (FEATURES, 6, HIDDEN, CLASSES)


def normed_example():
    """Two networks, and rows that drift, so that chunks of 128 have statistics of their own."""
    rng = np.random.default_rng(2)
    network = mlp_network(SIZES, "tanh", normalization="batch")
    parameters = network.parameters(2, np.dtype("f8"))
    parameters.flat += rng.normal(scale=0.5, size=parameters.flat.shape)
    data = Data(*(random_rows(rng, count) for count in (700, 40, 600)))
    for rows in data:
        rows.x[..., :-1] += np.linspace(0, 2, rows.x.shape[1])[:, None]
    return network, parameters, data


def layers_by_hand(parameters, i, x, statistics=None):
    """Logits of network ``i``, and what enters each normalization; of the rows' own statistics if none are given."""
    inputs = []
    for layer, numbers in enumerate(parameters.layers):
        z = x @ numbers["weights"][i] + numbers["biases"][i]
        if layer == len(SIZES) - 2:
            return z, inputs
        inputs.append(z)
        mean, variance = statistics[layer] if statistics else (z.mean(axis=0), z.var(axis=0))
        z = (z - mean) / np.sqrt(variance + 1e-5)
        x = np.tanh(z * numbers["gains"][i] + numbers["offsets"][i])


def population_by_hand(parameters, i, x, ddof=1, times=1.0):
    """Ioffe & Szegedy alg. 2: averages of the chunks' means and of their unbiased variances."""
    chunks = [x[begin : begin + 128] for begin in range(0, len(x), 128)]
    inputs = [layers_by_hand(parameters, i, chunk)[1] for chunk in chunks]
    shares = [len(chunk) / len(x) for chunk in chunks]
    return [
        (
            np.average([z.mean(0) for z in zs], 0, shares),
            np.average([z.var(0, ddof=ddof) * times for z in zs], 0, shares),
        )
        for zs in zip(*inputs, strict=True)
    ]


def measured_by_hand(parameters, i, data, *, own=False, **fault):
    """The six metrics of network ``i``."""
    statistics = None if own else population_by_hand(parameters, i, data.train.x[0, :, :-1], **fault)
    found = []
    for rows in data:
        begins = range(0, rows.x.shape[1], 128) if own else [0]
        parts = [slice(begin, begin + 128 if own else None) for begin in begins]
        logits = np.concatenate([layers_by_hand(parameters, i, rows.x[0, part, :-1], statistics)[0] for part in parts])
        targets = rows.targets[0]
        losses = np.log(np.exp(logits).sum(axis=1)) - (logits * targets).sum(axis=1)
        found += [losses.mean(), np.mean(logits.argmax(axis=1) == targets.argmax(axis=1))]
    return found


def measure_error(**fault):
    network, parameters, data = normed_example()
    expected = [measured_by_hand(parameters, i, data, **fault) for i in range(2)]
    return np.abs(measure(network, LOSS, parameters, data) - expected).max(axis=0)


def test_batch_normalization_is_measured_with_the_statistics_of_the_training_rows():
    assert measure_error().max() < TOLERANCE


@pytest.mark.parametrize("fault", [{"own": True}, {"ddof": 0}, {"times": 2}], ids=lambda fault: next(iter(fault)))
def test_the_check_catches_other_statistics(fault):
    assert measure_error(**fault)[::2].min() > 1000 * TOLERANCE


# Losses


def test_a_logit_of_zero_answers_class_zero():
    logits = np.array([[[0.0], [0.0], [1e-30], [1e-30], [-1e-30]]])
    targets = np.array([[[0.0], [1.0], [0.0], [1.0], [0.0]]])
    assert LogisticCrossEntropy().values_and_scores(logits, targets)[1].tolist() == [[True, False, False, True, True]]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("size", [0.5, 5, 20, 80])
def test_the_logistic_loss_of_a_confident_row_keeps_its_digits(size, dtype):
    logits = np.array([[[-size], [size], [size], [-size]]], dtype)
    targets = np.array([[[0], [1], [0], [1]]], dtype)
    right = np.log1p(np.exp(-float(size)))
    losses, _ = LogisticCrossEntropy().values_and_scores(logits, targets)
    np.testing.assert_allclose(losses, [[right, right, size + right, size + right]], 1e-6)


@pytest.mark.parametrize("z", [5.0, 15.0, 20.0, 40.0])
def test_the_softmax_loss_of_confident_rows_keeps_its_digits(z):
    logits = np.array([[[z, 0, 0], [0, 0, z], [0, z, 0]]], np.float32)
    targets = np.array([[[1, 0, 0], [1, 0, 0], [0, 1, 0]]], np.float32)
    losses, hits = SoftmaxCrossEntropy().values_and_scores(logits, targets)
    right = np.log1p(2 * np.exp(-z))
    np.testing.assert_allclose(losses[0], [right, z + right, right], rtol=1e-6)
    assert list(hits[0]) == [True, False, True]


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("piece", [40, 300, 2000])  # a weight, some weights, or a network at a time
def test_steps_in_pieces_that_fit_the_cache_give_the_same_bytes(monkeypatch, name, piece):
    def trained():
        network, parameters, rows = example()
        optimizer, orders = find("optimizer", name).function(), np.random.default_rng(1)
        recipe = Recipe(LOSS, optimizer, RATES, BATCH, 2, weight_decay=np.array([0.1, 0.2]))
        data = Data(rows, rows, rows)
        train(network, recipe, parameters, data, lambda: orders.permutation(ROWS)[None])
        return parameters.flat.tobytes()

    whole = trained()
    monkeypatch.setattr("initbench.engine.train.PIECE_BYTES", piece)
    assert trained() == whole


def test_an_optimizer_that_looks_at_all_weights_sees_them_at_once(monkeypatch):
    widths = []

    def step(weights, gradients, states, learning_rate, count):
        widths.append(weights.shape[1])

    monkeypatch.setattr("initbench.engine.train.PIECE_BYTES", 80)
    network, parameters, rows = example()
    for by_weight, width in ((False, parameters.flat.shape[1]), (True, 5)):
        recipe = Recipe(LOSS, Optimizer(0, step, by_weight=by_weight), RATES, BATCH, 1)
        train(network, recipe, parameters, Data(rows, rows, rows), lambda: np.arange(ROWS)[None])
        assert max(widths) == width
        widths.clear()
