"""Initializers as plain functions of shape and generator."""

import numpy as np
import pytest
from networks import make_network

import initbench
from initbench.catalogue.functions import OneLayer
from initbench.errors import ShapeError, UsageError
from initbench.registry import entries, find

NAMES = [e.name for e in entries("initializer") if not any(p.is_required for p in e.parameters.values())]


@pytest.mark.parametrize("name", NAMES)
def test_every_registered_name_is_a_function_of_shape_and_generator(name):
    draw = initbench.initializer(name)
    drawn, again = (draw((12, 8), np.random.default_rng(3)) for _ in range(2))
    weights, *biases = drawn if isinstance(drawn, tuple) else (drawn,)
    assert weights.shape == (12, 8)
    assert [b.shape for b in biases] in ([], [(8,)])
    assert np.array_equal(weights, again[0] if isinstance(again, tuple) else again)
    if name in ("lsuv", "metainit", "krahenbuhl", "he_normal"):
        rng = np.random.default_rng(3)
        assert not np.array_equal(draw((12, 8), rng)[0], draw((12, 8), rng)[0])


def test_lsuv_gives_standard_normal_rows_variance_one():
    weights = initbench.initializer("lsuv", tol=0.01)((300, 100), np.random.default_rng(0))
    rows = np.random.default_rng(1).standard_normal((4000, 300))
    assert (rows @ weights).var() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_a_network_of_one_layer_has_the_slopes_of_the_engine(outputs):
    alone = OneLayer((6, outputs), np.random.default_rng(0), find("activation", "tanh").function())
    engine = make_network((6, outputs), "tanh", n=40) if outputs > 1 else make_network((6, 1), "tanh", n=40)
    for network in (alone, engine):
        network.weights[0][:] = np.random.default_rng(1).standard_normal((6, outputs))
        network.biases[0][:] = 0.3
    x, targets, top = engine.x, engine.targets, np.random.default_rng(2).standard_normal((256, outputs))
    (loss, *ours), (wanted, *theirs) = (network.gradients(x, targets) for network in (alone, engine))
    assert loss == pytest.approx(wanted)
    for (found,), (right,) in zip(ours, theirs, strict=True):
        assert found == pytest.approx(right)
    assert alone.slopes(top)[0][0] == pytest.approx(alone.x.T @ top)
    assert alone.preactivation(0) == pytest.approx(alone.inputs(0) @ alone.weights[0] + 0.3)


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda rng: initbench.initializer(3), "the name of a part of the kind initializer is a text: got 3"),
        (lambda rng: initbench.initializer("he_normal", activation=3), "kind activation is a text: got 3"),
        (lambda rng: initbench.initializer("he_normal")((3, 2), 0), r"rng is 0 and must be a generator: numpy.random"),
        (lambda rng: initbench.initializer("pretrained")((3, 2), rng), "'pretrained' needs the parameter 'file'"),
        (lambda rng: initbench.initializer("lsuv")(3, rng), "shape is 3 and must be two whole numbers"),
    ],
)
def test_what_cannot_be_drawn_says_what_to_do(draw, said):
    with pytest.raises((UsageError, ShapeError), match=said):
        draw(np.random.default_rng(0))


def test_numbers_of_numpy_are_taken():
    rng = np.random.default_rng(0)
    assert np.count_nonzero(initbench.initializer("sparse")((9, 4), rng, nonzero=np.int64(2))) == 8
    assert initbench.initializer("he_normal", gain=np.float32(2))((9, 4), rng).shape == (9, 4)
