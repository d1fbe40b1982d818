"""What activations promise beyond the laws: values known in closed form, names, and what is told of them."""

import math
from pathlib import Path

import numpy as np
import pytest

import initbench
from initbench.registry import entries, find

OURS = [e for e in entries("activation") if not e.fingerprint]
BIBLIOGRAPHY = (Path(initbench.__file__).parent / "parts" / "references.bib").read_text(encoding="utf-8")
PHI_1 = (1 + math.erf(1 / math.sqrt(2))) / 2  # of the standard normal distribution


def value_and_slope(name, z, **parameters):
    activation = find("activation", name).function(**parameters)
    z = np.array([z])
    value = activation.value(z, out=np.empty_like(z))
    return float(value[0]), float(activation.slope(z, value, out=np.empty_like(z))[0])


@pytest.mark.parametrize(
    ("name", "z", "value", "slope"),
    [
        ("linear", -3.0, -3.0, 1.0),
        ("hard_tanh", 0.5, 0.5, 1.0),
        ("hard_tanh", 1.0, 1.0, 0.0),
        ("hard_tanh", -7.0, -1.0, 0.0),
        ("softsign", -1.0, -0.5, 0.25),
        ("softplus", 0.0, math.log(2), 0.5),
        ("softplus", 800.0, 800.0, 1.0),
        ("gelu", 0.0, 0.0, 0.5),
        ("gelu", 1.0, PHI_1, PHI_1 + math.exp(-0.5) / math.sqrt(2 * math.pi)),
        ("silu", 0.0, 0.0, 0.5),
        ("mish", 0.0, 0.0, 0.6),
        ("selu", 1.0, 1.0507009873554805, 1.0507009873554805),
        ("selu", -800.0, -1.7580993408473766, 0.0),
        ("relu", 0.0, 0.0, 0.0),
    ],
)
def test_known_values_and_slopes(name, z, value, slope):
    assert value_and_slope(name, z) == pytest.approx((value, slope), rel=1e-14, abs=1e-15)


def test_lecuns_tanh_reaches_one_at_one():
    assert value_and_slope("lecun_tanh", 1.0)[0] == pytest.approx(1.0, abs=1e-4)
    assert value_and_slope("lecun_tanh", 0.0) == pytest.approx((0, 1.7159 * 2 / 3))


def test_the_tanh_form_of_gelu_is_near_the_exact_one_and_not_the_same():
    z = np.linspace(-6, 6, 601)
    exact, near = (
        find("activation", "gelu").function(approximate=a).value(z, out=np.empty_like(z)) for a in (False, True)
    )
    assert 1e-4 < np.abs(exact - near).max() < 5e-4


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("swish", "silu"),
        ("SiLU", "silu"),
        ("identity", "linear"),
        ("logistic", "sigmoid"),
        ("LeakyReLU", "leaky_relu"),
        ("Hardtanh", "hard_tanh"),
        ("soft_sign", "softsign"),
        ("stanh", "lecun_tanh"),
    ],
)
def test_names_of_other_libraries_find_ours(alias, name):
    assert find("activation", alias).name == name


def test_there_are_fifteen():
    assert len(OURS) == 15


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.name)
def test_everything_is_told(entry):
    about = entry.about
    assert about.family in {"linear", "bounded", "rectifiers", "smooth rectifiers"}
    assert about.formula
    assert about.cites
    for key in about.cites:
        assert BIBLIOGRAPHY.count(f"{{{key},\n") == 1
