"""Each block, alone and among others, against central differences of every number that the network trains."""

from math import prod

import numpy as np
import pytest
from blocks import Half, Scale, Soil, Sum

from initbench.engine import workspace as workspace_module
from initbench.engine.blocks.activation import Activate
from initbench.engine.blocks.dense import Dense
from initbench.engine.blocks.dropout import Dropout
from initbench.engine.blocks.normalization import Normalization
from initbench.engine.blocks.residual import Residual
from initbench.engine.losses import LogisticCrossEntropy, SoftmaxCrossEntropy, SquaredError, one_hot
from initbench.engine.network import BlockNetwork, with_ones
from initbench.engine.signals import Observer
from initbench.engine.workspace import Site
from initbench.errors import ShapeError
from initbench.registry import find

F8 = np.dtype("f8")
TOLERANCE = 1e-6
GROUPS, PER_GROUP, ROWS = 2, 2, 7
TANH, PRELU, RELU, GELU = (Activate(find("activation", n).function()) for n in ("tanh", "prelu", "relu", "gelu"))
BATCH, LAYER = Normalization("batch"), Normalization("layer")
LOSSES = {
    "softmax": (SoftmaxCrossEntropy(), 3),
    "logistic": (LogisticCrossEntropy(), 1),
    "squares": (SquaredError(), 2),
}


def residual(*branch, **factor):
    return Residual((branch,), **factor)


SEQUENCES = {
    "dense alone": ((5,), ()),
    "dense three times": ((5,), (Dense(4), Dense(6))),
    "dense of rows with two axes": ((3, 2), ()),
    "dense behind two axes": ((3, 2), (PRELU,)),
    "dense behind three axes": ((3, 2, 2), (PRELU, TANH)),
    "activation first": ((5,), (PRELU,)),
    "activation": ((5,), (Dense(4), TANH)),
    "activation in place": ((5,), (Dense(4), RELU)),
    "activation twice": ((5,), (Dense(4), PRELU, TANH)),
    "batch normalization first": ((5,), (BATCH,)),
    "layer normalization first": ((5,), (LAYER,)),
    "batch normalization": ((5,), (Dense(4), BATCH, TANH)),
    "layer normalization": ((5,), (Dense(4), LAYER, TANH)),
    "normalization behind activation": ((5,), (Dense(4), TANH, BATCH)),
    "normalization twice": ((5,), (Dense(4), LAYER, BATCH, RELU)),
    "residual first": ((5,), (residual(Dense(5), TANH),)),
    "residual around one": ((5,), (Dense(4), residual(Dense(4)))),
    "residual around several": ((5,), (Dense(4), residual(Dense(6), TANH, Dense(4), LAYER, factor=0.7))),
    "residual with a trained factor": ((5,), (Dense(4), residual(Dense(6), RELU, Dense(4), start=0.5))),
    "residual around an activation": ((5,), (Dense(4), residual(PRELU, start=0.5))),
    "residual around a normalization": ((5,), (Dense(4), residual(BATCH), TANH)),
    "residual behind residual": ((5,), (Dense(4), residual(Dense(4), TANH), residual(Dense(4), RELU))),
    "residual in residual": ((5,), (Dense(4), residual(Dense(4), residual(TANH, Dense(4)), BATCH, start=0.5))),
    "residual that begins with residual": ((5,), (Dense(4), residual(residual(TANH, Dense(4)), Dense(4)))),
    "residual that is residual": ((5,), (Dense(4), residual(residual(Dense(4), RELU, start=0.3), factor=0.5))),
    "residual between activations": ((5,), (Dense(4), RELU, residual(RELU, Dense(4)), RELU)),
    "residual of two axes": ((3, 2), (PRELU, residual(PRELU, factor=0.5))),
    "dropout first": ((5,), (PRELU, Dropout(0.3))),
    "dropout": ((5,), (Dense(4), TANH, Dropout(0.4))),
    "dropout of two axes": ((3, 2), (PRELU, Dropout(0.4))),
    "dropout in residual": ((5,), (Dense(4), residual(Dense(4), Dropout(0.4), RELU), Dropout(0.2))),
    "block of a plugin": ((5,), (Dense(4), Scale(), TANH)),
    "block of a plugin first": ((5,), (Scale(), Dense(4))),
    "block of a plugin in residual": ((5,), (Dense(4), residual(Scale(), TANH, Scale()))),
    "block of a plugin behind dropout": ((5,), (Dense(4), RELU, Dropout(0.3), Scale())),
    "sum of branches": ((5,), (Dense(4), Sum(((Dense(6), TANH, Dense(3)), (RELU, Dense(3)))))),
    "sum of branches first": ((5,), (Sum(((Dense(4), TANH), (Scale(), Dense(4)))), TANH)),
    "sum of residuals": ((5,), (Dense(4), Sum(((residual(Dense(4), TANH),), (TANH, LAYER))), RELU)),
    "residual around a sum": ((5,), (Dense(4), residual(Sum(((TANH, Dense(4)), (Dense(4),))), BATCH))),
    "narrower rows first": ((9,), (Half(), Dense(4), TANH, Half())),
    "rubbish beside the rows": ((5,), (Dense(4), Soil(), RELU, Soil(), residual(Soil(), Dense(4), Soil()), Soil())),
}
LAST = {
    "activation": (TANH,),
    "activation whose slope needs its input": (GELU,),
    "activation that is trained": (PRELU,),
    "normalization": (LAYER,),
    "residual": (residual(Dense(3), TANH),),
    "dropout": (Dropout(0.3),),
    "sum": (Sum(((Dense(3), TANH), (Dense(3),))),),
    "plugin": (Scale(),),
}


def example(rows, blocks, loss="softmax"):
    """A network of blocks and a dense one, a stack of it with random numbers, rows, targets, and the loss."""
    rng, (function, outputs) = np.random.default_rng(0), LOSSES[loss]
    network = BlockNetwork([*blocks, Dense(outputs)], rows)
    parameters = network.parameters(GROUPS * PER_GROUP, F8)
    parameters.flat += rng.normal(scale=0.5, size=parameters.flat.shape)
    x = with_ones(rng.normal(size=(GROUPS, ROWS, prod(rows))))
    if loss == "squares":
        return network, parameters, x, rng.normal(size=(GROUPS, ROWS, outputs)), function
    classes = max(outputs, 2)
    targets = np.stack([one_hot(rng.integers(0, classes, ROWS), classes, F8) for _ in range(GROUPS)])
    return network, parameters, x, targets, function


def workspace(network, m, **more):
    """Buffers whose masks of dropout are always the same."""
    masks = [np.random.default_rng(seed) for seed in range(GROUPS)]
    return network.workspace(m, ROWS, F8, keeps=True, masks=masks, **more)


def mean_losses(network, parameters, x, targets, loss):
    outputs = network.forward(parameters, x, workspace(network, len(parameters.flat)))
    return loss.values_and_scores(outputs, targets)[0].mean(axis=1)


def slopes(network, parameters, x, targets, loss):
    work = workspace(network, len(parameters.flat))
    gradients = network.parameters(len(parameters.flat), F8)
    gradients.flat[:] = np.nan
    network.backward(parameters, loss.slope(network.forward(parameters, x, work), targets), work, gradients)
    return gradients.flat


def gradient_error(network, parameters, x, targets, loss, step=1e-6):
    """Largest error of any partial derivative, relative to the network's largest one."""
    found = slopes(network, parameters, x, targets, loss)
    central = np.empty_like(found)
    for j in range(found.shape[1]):
        kept, values = parameters.flat[:, j].copy(), []
        for shift in (step, -step):
            parameters.flat[:, j] = kept + shift
            values.append(mean_losses(network, parameters, x, targets, loss))
        parameters.flat[:, j] = kept
        central[:, j] = (values[0] - values[1]) / (2 * step)
    return np.max(np.abs(found - central) / np.abs(central).max(axis=1, keepdims=True))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", SEQUENCES)
def test_gradients_of_any_sequence_equal_central_differences(name, loss):
    assert gradient_error(*example(*SEQUENCES[name], loss)) < TOLERANCE


def with_last(*blocks):
    """The same as `example`, but the network ends in the given blocks, behind a dense one."""
    network, *rest = example((5,), (Dense(4), TANH))
    network = BlockNetwork([*network.blocks, *blocks], (5,))
    parameters = network.parameters(GROUPS * PER_GROUP, F8)
    parameters.flat += np.random.default_rng(1).normal(scale=0.5, size=parameters.flat.shape)
    return network, parameters, *rest[1:]


@pytest.mark.parametrize("name", LAST)
def test_any_block_may_be_the_last(name):
    assert gradient_error(*with_last(*LAST[name])) < TOLERANCE


def test_the_check_catches_a_last_block_whose_output_the_loss_overwrites(monkeypatch):
    monkeypatch.setattr(workspace_module, "writes_logits", lambda last: True)
    assert gradient_error(*with_last(GELU)) > 100 * TOLERANCE


def test_an_observer_of_a_network_that_ends_in_an_activation_shows_what_that_is_given():
    network, parameters, x, targets, loss = with_last(GELU)
    observer, gradients = (
        Observer(network, len(parameters.flat), ROWS, F8),
        network.parameters(len(parameters.flat), F8),
    )
    shown = {}

    def see(signals):
        shown[signals.layer] = signals.preactivations.copy(), signals.values.copy(), signals.slopes.copy()

    observer.send(parameters, x, lambda outputs: loss.slope(outputs, targets), gradients, see)
    z, values, found = shown[1]
    phi = GELU.activation
    assert np.array_equal(values, phi.value(z, out=np.empty_like(z)))
    assert np.array_equal(found, phi.slope(z, values, out=np.empty_like(z)))
    assert np.array_equal(gradients.flat, slopes(network, parameters, x, targets, loss))


def one_percent_off(block_type, monkeypatch, where):
    """Make a block's gradients, or the derivative that it passes down, too large."""
    honest = block_type.backward

    def wrong(self, delta, own, work, gradients):
        below = honest(self, delta, own, work, gradients)
        if where == "below" and below is not None:
            below *= 1.01
        if where == "own":
            for name, numbers in gradients.items():
                numbers *= 1.0 if name in ("weights", "biases") else 1.01  # views of the matrix
        return below

    monkeypatch.setattr(block_type, "backward", wrong)


@pytest.mark.parametrize(
    ("block_type", "where", "name"),
    [
        (Dense, "own", "dense alone"),
        (Dense, "below", "dense three times"),
        (Activate, "own", "activation first"),
        (Activate, "below", "activation"),
        (Normalization, "own", "layer normalization first"),
        (Normalization, "below", "batch normalization"),
        (Residual, "own", "residual with a trained factor"),
        (Residual, "below", "residual around one"),
        (Dropout, "below", "dropout"),
        (Scale, "own", "block of a plugin"),
        (Sum, "below", "sum of branches"),
    ],
)
def test_the_check_catches_a_block_whose_gradients_are_one_percent_off(block_type, where, name, monkeypatch):
    one_percent_off(block_type, monkeypatch, where)
    assert gradient_error(*example(*SEQUENCES[name])) > 100 * TOLERANCE


def test_the_check_catches_blocks_that_write_where_they_may_not(monkeypatch):
    honest = Site.__init__

    def careless(self, *arguments, **options):
        honest(self, *arguments, **options)
        self.may_overwrite = True

    monkeypatch.setattr(Site, "__init__", careless)
    assert gradient_error(*example(*SEQUENCES["normalization behind activation"])) > 100 * TOLERANCE


# Dropout


def dropped_by_hand(z, rate, *, seed=0, share=True):
    """What dropout makes of a stack's numbers, with the masks that the streams of its groups draw."""
    masks = [np.random.default_rng(seed + group) for group in range(GROUPS)]
    found = []
    for i, numbers in enumerate(z):
        if i % PER_GROUP == 0 or not share:
            kept = masks[i // PER_GROUP].random(numbers.shape, dtype=np.float32) >= rate
        found.append(np.where(kept, numbers / (1 - rate), 0))
    return np.stack(found)


def dropout_error(**fault):
    network, parameters, x, *_ = example((5,), (Dense(8), Dropout(0.4)))
    outputs = network.forward(parameters, x, workspace(network, GROUPS * PER_GROUP))
    first, last = parameters.layers
    z = np.repeat(x[..., :-1], PER_GROUP, axis=0) @ first["weights"] + first["biases"]
    wanted = dropped_by_hand(z, **{"rate": 0.4} | fault) @ last["weights"] + last["biases"]
    return np.abs(outputs - wanted).max()


def test_dropout_takes_the_masks_of_its_streams():
    assert dropout_error() < 1e-6  # the mask is divided in float32


@pytest.mark.parametrize("fault", [{"seed": 1}, {"rate": 0.5}, {"share": False}], ids=lambda fault: next(iter(fault)))
def test_the_check_catches_other_masks(fault):
    assert dropout_error(**fault) > 1e-3


def test_each_pass_draws_a_new_mask_and_none_without_streams():
    network, parameters, x, *_ = example((5,), (Dense(8), Dropout(0.4)))
    work, without = workspace(network, 4), network.workspace(4, ROWS, F8, keeps=True)
    first, second = (network.forward(parameters, x, work).copy() for _ in range(2))
    assert not np.array_equal(first, second)
    plain, *_ = example((5,), (Dense(8),))
    numbers = plain.parameters(4, F8)
    numbers.flat[:] = parameters.flat
    wanted = plain.forward(numbers, x, plain.workspace(4, ROWS, F8, keeps=True))
    assert np.array_equal(network.forward(parameters, x, without), wanted)


def test_dropout_of_nothing_draws_nothing():
    network, parameters, x, *_ = example((5,), (Dense(8), Dropout(0.0)))
    streams = [np.random.default_rng(seed) for seed in range(GROUPS)]
    network.forward(parameters, x, network.workspace(4, ROWS, F8, keeps=True, masks=streams))
    assert [rng.random() for rng in streams] == [np.random.default_rng(seed).random() for seed in range(GROUPS)]


# Shapes


def test_a_residual_branch_gives_rows_of_the_shape_that_it_takes():
    with pytest.raises(ShapeError, match=r"makes rows of shape \(4,\) from rows of shape \(5,\); they must agree"):
        BlockNetwork([residual(Dense(4))], (5,))


@pytest.mark.parametrize("block", [BATCH, LAYER], ids=lambda block: block.kind)
def test_normalization_refuses_rows_of_several_axes(block):
    with pytest.raises(ShapeError, match=rf"{block.kind} normalization takes rows of one axis, .* shape \(3, 2\)"):
        BlockNetwork([block, Dense(3)], (3, 2))


def test_the_shape_of_rows_goes_from_block_to_block():
    network = BlockNetwork([PRELU, Dense(4), residual(Dense(6), Dense(4)), Dense(3)], (3, 2))
    assert [place.output for place in network.placed] == [(3, 2), (4,), (4,), (3,)]
    assert [slot.fans for slot in network.layers] == [(6, 4), (4, 6), (6, 4), (4, 3)]
    assert network.parameter_count == 1 + 7 * 4 + 5 * 6 + 7 * 4 + 5 * 3 == network.parameters(1, F8).flat.shape[1]
    assert (network.outputs, network.widest) == (3, 6)
