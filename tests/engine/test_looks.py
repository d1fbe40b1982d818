"""When networks reach a target, and the area under their ROC curves, against loops by hand."""

import numpy as np
import pytest
from networks import mlp_network
from sklearn.metrics import roc_auc_score
from test_train import BATCH, LOSS, RATES, ROWS, epoch_by_hand, example, normed_example

from initbench.engine.losses import LogisticCrossEntropy, one_hot
from initbench.engine.network import with_ones
from initbench.engine.train import Data, Recipe, Rows, measure, train
from initbench.registry import find

EPOCHS = 25
SETTINGS = [(clock, target) for clock in (1, 2, 5, 1000) for target in (0.2, 0.5, 0.7, 1.0)]


def orders(seed=4):
    rng = np.random.default_rng(seed)
    return [rng.permutation(ROWS) for _ in range(EPOCHS)]


def accuracy_by_hand(flat, rows):
    first, last = np.split(flat, [6 * 4])
    hidden = np.tanh(rows.x[0] @ first.reshape(6, 4))
    logits = with_ones(hidden) @ last.reshape(5, 3)
    return np.mean(logits.argmax(axis=1) == rows.targets[0].argmax(axis=1))


def steps_by_hand(flat, rows, rate, clock, target, *, late=0, is_above=False):
    """The first look at which one network has the accuracy; the rows of a step are those of an epoch of one batch."""
    count = 0
    for order in [None, *orders()]:
        batches = [None] if order is None else [order[i : i + BATCH] for i in range(0, ROWS, BATCH)]
        for index in batches:
            if index is not None:
                count += 1
                part = Rows(rows.x[:, index], rows.targets[:, index])
                flat = epoch_by_hand(flat, part, np.arange(len(index)), rate, 0, np.inf)
            accuracy = accuracy_by_hand(flat, rows)
            if (count + late) % clock == 0 and (accuracy > target if is_above else accuracy >= target):
                return count
    return -1


def trained(clock, target):
    """The steps of a stack of two, the numbers that it starts from and its rows."""
    network, parameters, rows = example()
    start, left = parameters.flat.copy(), iter(orders())
    recipe = Recipe(LOSS, find("optimizer", "sgd").function(), RATES, BATCH, EPOCHS, clock=clock, target=target)
    trace = train(network, recipe, parameters, Data(rows, rows, rows), lambda: next(left)[None])
    return trace, start, rows


def differing(**fault):
    """Settings in which the steps are not those by hand, and all steps that are."""
    wrong, seen = [], set()
    for clock, target in SETTINGS:
        target = round(target * ROWS) / ROWS  # so that a network can have just that accuracy
        trace, start, rows = trained(clock, target)
        by_hand = [
            steps_by_hand(flat, rows, rate, clock, target, **fault) for flat, rate in zip(start, RATES, strict=True)
        ]
        seen |= set(by_hand)
        if trace.steps_to_target.tolist() != by_hand:
            wrong.append((clock, target))
    return wrong, seen


def test_steps_to_target_are_those_of_a_loop_by_hand():
    wrong, seen = differing()
    assert wrong == []
    assert {-1, 0} < seen
    assert len(seen) > 5


@pytest.mark.parametrize("fault", [{"late": 1}, {"is_above": True}], ids=["late", "above"])
def test_the_check_catches_looks_at_other_steps_and_another_comparison(fault):
    assert differing(**fault)[0] != []


def test_without_a_clock_nothing_is_looked_for():
    assert trained(None, 0.1)[0].steps_to_target.tolist() == [-1, -1]


@pytest.mark.parametrize("size", [1.0, 1e200], ids=["calm", "diverging"])
def test_a_look_at_the_end_of_each_epoch_sees_what_the_curves_say(size):
    network, parameters, rows = example()
    parameters.flat[0] *= size
    recipe = Recipe(LOSS, find("optimizer", "sgd").function(), RATES, 8, EPOCHS, clock=3, target=0.6)
    rng = np.random.default_rng(1)
    trace = train(network, recipe, parameters, Data(rows, rows, rows), lambda: rng.permutation(ROWS)[None])
    for curve, steps in zip(trace.curves[:, :, 3], trace.steps_to_target, strict=True):
        reached = np.flatnonzero(curve >= 0.6)
        assert steps == (3 * reached[0] if len(reached) else -1)


def spoiled(labels, change, clock=1):
    """Train two networks of zeros whose steps are ``change(parameters, count)``, on rows of one class."""
    rows = Rows(with_ones(np.ones((1, 6, 2))), one_hot(np.full(6, labels), 3, np.dtype("f8"))[None])
    network = mlp_network((2, 4, 3))
    parameters = network.parameters(2, np.dtype("f8"))
    still = find("optimizer", "sgd").function()._replace(step=lambda w, g, states, rate, n: change(parameters, n))
    parameters.layers[1]["biases"][:, 0, 2] = 1  # all is taken for the last class
    recipe = Recipe(LOSS, still, RATES, 2, 3, clock=clock, target=0.9)
    return train(network, recipe, parameters, Data(rows, rows, rows), lambda: np.arange(6)[None])


def test_a_diverged_network_keeps_a_step_and_one_with_infinite_weights_reaches_none():
    def change(parameters, count):
        if count == 1:
            parameters.layers[1]["biases"][0, 0, 1] = 5
        if count == 4:
            parameters.layers[0]["biases"][:] = -np.inf  # ReLU makes zeros of it, and the loss stays finite
        if count == 5:
            parameters.layers[1]["biases"][1, 0, 1] = 5

    trace = spoiled(1, change)
    assert trace.diverged.tolist() == [2, 2]
    assert trace.steps_to_target.tolist() == [1, -1]


def test_a_diverged_network_whose_zeros_happen_to_be_right_reaches_no_target():
    def change(parameters, count):
        if count == 1:
            parameters.layers[0]["biases"][0] = np.nan

    trace = spoiled(0, change)  # equal logits are taken for the first class
    assert trace.diverged.tolist() == [1, -1]
    assert trace.steps_to_target.tolist() == [-1, -1]


def test_nothing_is_measured_once_all_networks_are_there(monkeypatch):
    looks = []

    def counting(network, loss, parameters, data, parts=()):
        looks.extend(parts)
        return measure(network, loss, parameters, data, parts)

    monkeypatch.setattr("initbench.engine.train.measure", counting)
    trace, *_ = trained(1, 0.5)
    assert len(looks) == trace.steps_to_target.max() + 1 < EPOCHS * 3


def test_some_parts_are_measured_as_among_all_of_them():
    network, parameters, data = normed_example()
    alone = measure(network, LOSS, parameters, data, [data.valid])
    assert alone.tobytes() == measure(network, LOSS, parameters, data)[:, 2:4].tobytes()


# The area under the ROC curve


def two_classes(rates=RATES, epochs=2):
    """Train two networks with batch normalization on two classes; the trace, and their scores on the test rows."""
    rng = np.random.default_rng(5)
    network = mlp_network((4, 6, 1), "tanh", normalization="batch")
    parameters = network.parameters(2, np.dtype("f8"))
    parameters.flat += rng.normal(size=parameters.flat.shape)
    x = with_ones(rng.normal(size=(1, 400, 4)))
    labels = x[..., :1] + rng.normal(size=(1, 400, 1)) > 0.5
    train_rows, test_rows = (Rows(x[:, part], labels[:, part] * 1.0) for part in (slice(100), slice(100, None)))
    recipe = Recipe(LogisticCrossEntropy(), find("optimizer", "sgd").function(), rates, 20, epochs)
    trace = train(
        network, recipe, parameters, Data(train_rows, test_rows, test_rows), lambda: rng.permutation(100)[None]
    )
    first, last = parameters.layers
    inside, tested = (rows.x[0, :, :-1] @ first["weights"] + first["biases"] for rows in (train_rows, test_rows))
    z = (tested - inside.mean(axis=1, keepdims=True)) / np.sqrt(inside.var(axis=1, ddof=1, keepdims=True) + 1e-5)
    hidden = np.tanh(z * first["gains"] + first["offsets"])
    scores = (hidden @ last["weights"] + last["biases"])[:, :, 0]
    return trace, scores, test_rows.targets[0, :, 0]


def test_test_auc_is_that_of_scikit_learn_with_the_weights_after_the_last_epoch():
    trace, scores, labels = two_classes()
    np.testing.assert_allclose(trace.test_auc, [roc_auc_score(labels, row) for row in scores], rtol=0, atol=1e-12)
    earlier = two_classes(epochs=1)[1]
    assert np.abs(trace.test_auc - [roc_auc_score(labels, row) for row in earlier]).min() > 1e-4


def test_the_auc_of_a_diverged_network_is_one_half():
    trace, *_ = two_classes(rates=np.array([np.inf, 0.1]))
    assert trace.diverged.tolist() == [1, -1]
    assert trace.test_auc[0] == 0.5
    assert trace.test_auc[1] > 0.6


def test_three_classes_have_no_auc():
    assert np.isnan(trained(None, 0.5)[0].test_auc).all()
