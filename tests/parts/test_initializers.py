"""Initializers that are one another at one seed, and what they ask of their layer."""

import numpy as np
import pytest

from initbench import registry
from initbench.contracts import Layer
from initbench.parts.initializers.gains import deviation_factor, is_activation, variance_factor

ACTIVATIONS = {entry.name: entry.function() for entry in registry.entries("activation")}


def draw(name, **params):
    drawn = registry.find("initializer", name).function((30, 20), np.random.default_rng(3), **params)
    return drawn[0] if isinstance(drawn, tuple) else drawn


def scaled(scale, mode, distribution):
    return {"scale": scale, "mode": mode, "distribution": distribution}


RELU, TANH = Layer(1, 3, ACTIVATIONS["relu"]), Layer(1, 3, ACTIVATIONS["tanh"])


@pytest.mark.parametrize(
    ("name", "params", "other", "others"),
    [
        ("he_normal", {}, "variance_scaling", scaled(2.0, "fan_in", "normal")),
        ("he_normal", {"gain": "forward", "layer": RELU}, "he_normal", {}),
        ("he_fan_out", {}, "variance_scaling", scaled(2.0, "fan_out", "normal")),
        ("he_fan_avg", {"distribution": "uniform"}, "variance_scaling", scaled(2.0, "fan_avg", "uniform")),
        ("glorot_geo", {}, "variance_scaling", scaled(1.0, "fan_geo_avg", "normal")),
        ("glorot_sigmoid4", {}, "glorot_uniform", {"gain": 16.0}),
        ("bengio_uniform", {}, "lecun_uniform", {"gain": 1 / 3}),
        ("boers", {}, "lecun_uniform", {"gain": 3.0}),
        ("wessels", {}, "boers", {}),
        ("kumar", {"layer": TANH}, "lecun_normal", {}),
        ("critical", {"layer": RELU}, "he_normal", {}),
        ("ntk_param", {"w_std": 1.5}, "mean_field", {"sigma_w": 1.5}),
        ("siren", {"w0": 1.0, "layer": RELU}, "he_uniform", {}),
        ("torch_linear", {}, "bengio_uniform", {}),
        ("mup", {"layer": Layer(0, 1, ACTIVATIONS["relu"])}, "lecun_normal", {}),
        ("glorot_gain", {"gain": 4.0}, "glorot_sigmoid4", {}),
        ("glorot_gain", {"gain": "torch", "distribution": "normal", "layer": TANH}, "glorot_normal", {"gain": 25 / 9}),
        ("msra_prelu", {}, "he_fan_avg", {"a": 0.25}),
        ("gaussian_submatrix", {"layer": RELU}, "looks_linear", {"base": "gaussian", "layer": RELU}),
        ("truncated_normal", {"low": -0.1, "high": 0.1, "unit": "absolute"}, "truncated_normal", {}),
        ("keras_dense", {}, "glorot_uniform", {}),
        ("flax_dense", {}, "variance_scaling", {}),
        ("chainer_linear", {}, "lecun_normal", {}),
        ("sklearn_mlp", {"layer": RELU}, "glorot_uniform", {}),
    ],
)
def test_two_names_for_one_rule_draw_the_same_weights(name, params, other, others):
    np.testing.assert_allclose(draw(name, **params), draw(other, **others), rtol=1e-9)


def test_the_comparison_catches_another_rule():
    assert not np.allclose(draw("he_normal"), draw("lecun_normal"), rtol=1e-9)


def test_a_rule_is_squared_where_the_gain_is_a_factor_of_the_variance():
    assert deviation_factor("torch", TANH) == pytest.approx(5 / 3)
    assert variance_factor("torch", TANH) == pytest.approx(25 / 9)
    assert deviation_factor(1.5, TANH) == variance_factor(1.5, TANH) == 1.5


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh"])
def test_an_activation_is_known_by_its_values(name):
    assert [other for other, phi in ACTIVATIONS.items() if is_activation(phi, name)] == [name]
