"""What holds for every registered activation: what ``initbench check`` looks at, and more, on more points.

Each law comes with a fault that it has to catch; those of ``initbench check`` are in ``tests/catalogue/test_laws.py``.
"""

import numpy as np
import pytest

from initbench import registry
from initbench.catalogue.laws import broken_laws, parameter_slope_error, slope_error
from initbench.contracts import Activation

TOLERANCE = 1e-8
STEP = 1e-6
KINKS = np.array([-1.0, 0.0, 1.0])
Z = np.linspace(-6.005, 6.005, 600)
Z = Z[np.abs(Z[:, None] - KINKS).min(axis=1) > 2 * STEP].reshape(2, 20, 15)  # no kink within a step
EXTREMES = [0.0, -0.0, 1e-40, -1e-40, 1e-7, -1e-7, 17.0, -17.0, 89.0, -89.0, 104.0, -104.0, 1e4, -1e4, 1e30, -1e30]

FURTHER = [
    ("leaky_relu", {"slope": 0.2}),
    ("leaky_relu", {"slope": 0.0}),
    ("prelu", {"start": 1.7}),
    ("prelu", {"start": -0.3}),
    ("elu", {"alpha": 0.3}),
    ("elu", {"alpha": 2.0}),
    ("gelu", {"approximate": True}),
]
CASES = [(e.name, {}) for e in registry.entries("activation") if not e.fingerprint] + FURTHER
ACTIVATIONS = [registry.find("activation", name).function(**params) for name, params in CASES]
IDS = ["-".join([name, *(f"{k}={v:g}" for k, v in params.items())]) for name, params in CASES]
TRAINED = [a for a in ACTIVATIONS if a.start is not None]

every = pytest.mark.parametrize("activation", ACTIVATIONS, ids=IDS)
either_type = pytest.mark.parametrize("dtype", [np.float32, np.float64])
tanh = registry.find("activation", "tanh").function()
prelu = registry.find("activation", "prelu").function()


def parameter(activation, z, change=0.0):
    """The trained parameter as a further argument, if there is one."""
    return () if activation.start is None else (np.full((len(z), 1, 1), activation.start + change, z.dtype),)


def value(activation, z, change=0.0):
    return activation.value(z, *parameter(activation, z, change), np.empty_like(z))


def slope(activation, z):
    return activation.slope(z, value(activation, z), *parameter(activation, z), np.empty_like(z))


@pytest.mark.parametrize("name", [e.name for e in registry.entries("activation") if not e.fingerprint])
def test_each_keeps_the_laws(name):
    assert broken_laws(registry.find("activation", name)) == []


@every
def test_the_slope_is_the_central_difference(activation):
    assert slope_error(activation, Z) < TOLERANCE


def test_the_slope_check_catches_a_slope_that_is_one_percent_off():
    wrong = tanh._replace(slope=lambda z, value, out: 1.01 * tanh.slope(z, value, out))
    assert slope_error(wrong, Z) > TOLERANCE


@pytest.mark.parametrize("activation", TRAINED)
def test_the_parameter_slope_is_the_central_difference(activation):
    assert parameter_slope_error(activation, Z) < TOLERANCE


def test_the_parameter_slope_check_catches_one_that_is_one_percent_off():
    wrong = prelu._replace(parameter_slope=lambda z, out: 1.01 * prelu.parameter_slope(z, out))
    assert parameter_slope_error(wrong, Z) > TOLERANCE


@every
def test_a_trained_activation_has_a_start_and_a_slope_for_it(activation):
    assert (activation.start is None) == (activation.parameter_slope is None)


@every
@either_type
def test_it_fills_the_buffer_that_it_is_given(activation, dtype):
    z = Z.astype(dtype)
    out = np.empty_like(z)
    assert activation.value(z, *parameter(activation, z), out) is out


def rounding_error(activation):
    """Largest error in float32, in units of its rounding at max(1, z)."""
    z = Z.astype(np.float32)
    error = np.abs(value(activation, z) - value(activation, z.astype(np.float64))) / np.maximum(1, np.abs(z))
    return error.max() / np.finfo(np.float32).eps


@every
def test_float32_is_right_to_its_rounding(activation):
    assert rounding_error(activation) < 3


def test_the_rounding_check_catches_a_formula_that_cancels():
    rough = tanh._replace(value=lambda z, out: (tanh.value(z, out) + 100) - 100)
    assert rounding_error(tanh) < 3 < rounding_error(rough)


def stays_finite(activation, dtype):
    z = np.array(EXTREMES, dtype).reshape(1, 1, -1)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        try:
            return np.isfinite(value(activation, z)).all() and np.isfinite(slope(activation, z)).all()
        except FloatingPointError:
            return False


@every
@either_type
def test_extreme_inputs_are_finite_and_silent(activation, dtype):
    assert stays_finite(activation, dtype)


@either_type
def test_the_extremes_catch_a_sigmoid_that_overflows(dtype):
    naive = Activation(lambda z, out: 1 / (1 + np.exp(-z)), lambda z, value, out: value * (1 - value))
    assert not stays_finite(naive, dtype)


def is_elementwise(activation, dtype):
    """Whether each number is the same to the byte, whatever stands beside it and wherever it lies in memory."""
    z = np.random.default_rng(0).normal(0, 3, (1, 1, 110)).astype(dtype)
    z[..., :: len(EXTREMES)] = 0.0
    z[..., 1 : len(EXTREMES) + 1] = EXTREMES
    functions = [value, slope]
    if activation.parameter_slope is not None:
        functions.append(lambda activation, z: activation.parameter_slope(z, np.empty_like(z)))
    for function in functions:
        whole = function(activation, z)
        for size in range(1, 101):
            for start in (0, 1, 2, 7):
                part = np.s_[..., start : start + size]
                if function(activation, z[part]).tobytes() != whole[part].tobytes():
                    return False
    return True


@every
@either_type
def test_every_element_is_for_itself(activation, dtype):
    assert is_elementwise(activation, dtype)


@either_type
def test_the_elementwise_check_catches_a_look_at_the_neighbours(dtype):
    assert not is_elementwise(tanh._replace(value=lambda z, out: np.tanh(z - 1e-3 * z.mean())), dtype)
