"""Moments, gains, phases and critical points, against closed forms, published figures and simulated networks."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from initbench import theory
from initbench.contracts import Activation
from initbench.errors import ParameterError
from initbench.registry import entries, find, names
from initbench.theory import chi, critical_point, fixed_point, gain, moments, verdict

EXACT = 1e-9
SQRT2 = math.sqrt(2)
ANY = float("nan")

# The figures to the digits that the literature gives them; forward, backward, then (sigma_w**2, q) at the critical
# point without biases, then (sigma_w, q, V') at the one with sigma_b = 0.2.
TABLE = {
    "linear": ("1", "1", ("1", ANY), None),
    "sigmoid": ("1.8462", "4.7226", ("103.0", "45.62"), ("10.154", "45.7", "0.06")),
    "tanh": ("1.5925", "1.4674", ("1", "0"), ("1.3041", "0.512", "0.54")),
    "lecun_tanh": ("1.1544", "1.1153", ("0.7642", "0"), ("1.0783", "0.792", "0.63")),
    "hard_tanh": ("1.3920", "1.2103", ("1", "0"), ("1.0686", "0.423", "0.57")),
    "softsign": ("2.3375", "2.0958", ("1", "0"), ("1.7296", "0.358", "0.52")),
    "relu": ("1.41421", "1.41421", ("2", ANY), None),
    "leaky_relu": ("1.41414", "1.41414", ("1.9998", ANY), None),
    "prelu": ("1.3720", "1.3720", ("1.8824", ANY), None),
    "elu": ("1.2452", "1.2234", ("1", "0"), ("1.2293", "1.107", "0.86")),
    "selu": ("1.0000", "0.9660", ("0.4768", "0"), ("0.9375", "0.717", "0.74")),
    "gelu": ("1.5335", "1.4811", None, ("1.5470", "0.576", "1.10")),
    "silu": ("1.6765", "1.6233", None, ("1.6795", "0.689", "1.10")),
    "mish": ("1.4868", "1.4448", None, ("1.4634", "0.746", "1.02")),
    "softplus": ("1.0419", "1.8462", None, None),
}
TORCH = {"linear": 1, "sigmoid": 1, "tanh": 5 / 3, "relu": SQRT2, "leaky_relu": math.sqrt(2 / 1.0001), "selu": 3 / 4}

every = pytest.mark.parametrize("name", TABLE)


def activation(name, **parameters):
    return find("activation", name).function(**parameters)


def agrees(number, digits):
    """Whether a number is the one written, to half a unit of its last digit."""
    if digits is ANY:
        return math.isnan(number)
    decimals = len(digits.partition(".")[2])
    return abs(number - float(digits)) <= (0.5 * 10**-decimals if decimals else EXACT) * (1 + 1e-6)


def test_the_table_has_every_activation():
    assert set(TABLE) == {e.name for e in entries("activation") if not e.fingerprint}


@every
def test_forward_and_backward_gains_are_the_published_ones(name):
    forward, backward, _, _ = TABLE[name]
    assert agrees(gain(activation(name), "forward"), forward)
    assert agrees(gain(activation(name), "backward"), backward)


@every
def test_the_geometric_gain_lies_between_forward_and_backward_in_the_logarithm(name):
    forward, backward, geometric = (gain(activation(name), rule) for rule in ("forward", "backward", "geometric"))
    assert math.log(geometric) == pytest.approx((math.log(forward) + math.log(backward)) / 2, abs=EXACT)
    if name == "sigmoid":
        assert geometric == pytest.approx(math.sqrt(1.8462 * 4.7226), rel=1e-4)


@every
def test_the_critical_points_are_the_published_ones(name):
    *_, without, with_biases = TABLE[name]
    for sigma_b, wanted in [(0.0, without), (0.2, with_biases)]:
        found = critical_point(activation(name), sigma_b)
        if wanted is None:
            assert found is None
        elif sigma_b == 0:
            assert agrees(found.sigma_w**2, wanted[0])
            assert agrees(found.q, wanted[1])
        else:
            assert all(agrees(number, digits) for number, digits in zip(found, wanted, strict=True))


@every
@pytest.mark.parametrize("sigma_b", [0.0, 0.1, 0.2, 0.5])
def test_at_a_critical_point_chi_is_one_and_the_variance_stays(name, sigma_b):
    phi = activation(name)
    found = critical_point(phi, sigma_b)
    if found is None:
        return
    q = 1.0 if math.isnan(found.q) else max(found.q, theory.NEAR_ZERO)
    assert chi(phi, found.sigma_w, q) == pytest.approx(1, abs=EXACT)
    assert found.sigma_w**2 * moments(phi, q).value + sigma_b**2 == pytest.approx(q, rel=EXACT)


@every
def test_the_rule_torch_is_calculate_gain(name):
    if name in TORCH:
        assert gain(activation(name), "torch") == pytest.approx(TORCH[name], rel=1e-15)
    else:
        with pytest.raises(ParameterError, match="torch"):
            gain(activation(name), "torch")


@every
def test_the_rule_critical_is_the_critical_point_or_says_that_there_is_none(name):
    found = critical_point(activation(name))
    if found:
        assert gain(activation(name), "critical") == found.sigma_w
    else:
        with pytest.raises(ParameterError, match="no stable critical point"):
            gain(activation(name), "critical")


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.25, 0.9])
def test_leaky_relu_has_the_closed_form(slope):
    wanted = math.sqrt(2 / (1 + slope**2))
    for rule in ("torch", "forward", "backward", "geometric", "critical"):
        assert gain(activation("leaky_relu", slope=slope), rule) == pytest.approx(wanted, abs=EXACT)


@pytest.mark.parametrize("name", ["linear", "relu"])
@pytest.mark.parametrize("q", [1e-6, 0.3, 1.0, 45.0, 1e6])
def test_linear_and_relu_have_the_closed_form_at_every_variance(name, q):
    share = {"linear": 1.0, "relu": 0.5}[name]
    assert moments(activation(name), q) == pytest.approx((share * q, share, share), rel=EXACT)


@pytest.mark.parametrize("q", [1e-3, 0.3, 1.0, 45.0, 1e6])
def test_hard_tanh_has_the_closed_form_at_every_variance(q):
    edge = 1 / math.sqrt(q)
    inside = math.erf(edge / SQRT2)
    square = q * (inside - 2 * edge * math.exp(-(edge**2) / 2) / math.sqrt(2 * math.pi))  # of z where abs(z) < 1
    wanted = (square + math.erfc(edge / SQRT2), inside, square / q)
    assert moments(activation("hard_tanh"), q) == pytest.approx(wanted, abs=EXACT, rel=EXACT)


def integrate(phi, q):
    """E[phi²], by another method."""

    def integrand(z):
        return theory.evaluate(phi, np.array([z]))[0][0] ** 2 * math.exp(-(z**2) / (2 * q))

    ends = [-1000.0, -40.0, -8.0, -1.0, 0.0, 1.0, 8.0, 40.0, 1000.0]
    pieces = [quad(integrand, *piece, epsabs=0, epsrel=1e-12, limit=500)[0] for piece in pairwise(ends)]
    return sum(pieces) / math.sqrt(2 * math.pi * q)


@every
@pytest.mark.parametrize("q", [0.5, 50.0, 3000.0])
def test_the_quadrature_equals_an_adaptive_one(name, q):
    assert moments(activation(name), q).value == pytest.approx(integrate(activation(name), q), rel=EXACT)


def test_the_closed_forms_catch_a_quadrature_that_is_not_split_at_the_kinks(monkeypatch):
    hard_tanh = activation("hard_tanh")
    inside = math.erf(1 / SQRT2)
    assert moments(hard_tanh, 1.0).slope == pytest.approx(inside, abs=EXACT)
    monkeypatch.setattr(theory, "SPLITS", (0.0,))
    assert moments(hard_tanh, 1.0).slope != pytest.approx(inside, abs=1e3 * EXACT)


def test_the_published_figures_catch_a_slope_that_is_one_percent_off():
    tanh = activation("tanh")
    wrong = tanh._replace(slope=lambda z, value, out: 1.01 * tanh.slope(z, value, out))
    assert agrees(gain(tanh, "backward"), TABLE["tanh"][1])
    assert not agrees(gain(wrong, "backward"), TABLE["tanh"][1])


VERDICTS = [  # activation, sigma_w**2, phase, chi, q, growth
    ("relu", 2.0, "critical", 1, 1, 1),
    ("relu", 1.0, "ordered", 0.5, 0, 0.5),
    ("relu", 4.0, "chaotic", 2, math.inf, 2),
    ("linear", 1.0, "critical", 1, 1, 1),
    ("tanh", 1.0, "critical", 1, 0, 1),
    ("tanh", 25 / 9, "chaotic", 1.21, 1.18, 1),
    ("tanh", 0.25, "ordered", 0.25, 0, 0.25),
    ("sigmoid", 16.0, "ordered", 0.40, 5.86, 1),
    ("selu", 1.0, "chaotic", 1.0716, 1, 1),
    ("selu", 9 / 16, "chaotic", 1.004, 0.02, 1),
    ("gelu", 2.0, "ordered", 0.5, 0, 0.5),
    ("gelu", 4.0, "chaotic", 2, math.inf, 2),
    ("softplus", 1.0, "ordered", 0.289, 0.856, 1),
]


@pytest.mark.parametrize(("name", "variance", "phase", "stretch", "q", "growth"), VERDICTS)
def test_verdicts_are_the_published_ones(name, variance, phase, stretch, q, growth):
    found = verdict(activation(name), math.sqrt(variance))
    assert found.phase == phase
    assert found.chi == pytest.approx(stretch, abs=0.005)
    assert found.q == pytest.approx(q, abs=0.005)
    assert found.growth == pytest.approx(growth, abs=EXACT)


@pytest.mark.parametrize("name", ["gelu", "silu", "mish"])
def test_the_forward_gain_of_smooth_rectifiers_holds_a_fixed_point_that_is_unstable(name):
    phi = activation(name)
    at, below, above = (verdict(phi, gain(phi, "forward") * factor) for factor in (1, 0.99, 1.01))
    assert at.q == 1
    assert at.slope > 1
    assert below.q < 0.9
    assert above.q == math.inf


def test_biases_hold_up_a_signal_that_would_fade():
    relu = activation("relu")
    assert fixed_point(relu, 1.0, 0.2) == pytest.approx(0.04 / 0.5)
    assert fixed_point(relu, SQRT2, 0.2) == math.inf
    assert fixed_point(relu, 0.0, 0.0) == 0


def test_a_fixed_point_is_found_where_repeating_the_map_would_take_forever():
    q = fixed_point(activation("tanh"), 1.0001)
    assert 1.0001**2 * moments(activation("tanh"), q).value == pytest.approx(q, rel=EXACT)
    assert q == pytest.approx(1e-4, rel=1e-3)  # E[phi²] = q - 2 q² + ...


def test_a_critical_point_is_a_fixed_point():
    tanh = activation("tanh")
    found = critical_point(tanh, 0.2)
    assert fixed_point(tanh, found.sigma_w, 0.2) == pytest.approx(found.q, rel=EXACT)


def simulate(phi, sigma_w, q, width=1000, depth=10, networks=4):
    """Mean factors a layer of the variance of signals that start with ``q``, and of gradients on their way back."""
    rng = np.random.default_rng(0)
    forward, backward = [], []
    for _ in range(networks):
        z = rng.normal(scale=math.sqrt(q), size=width)
        start, layers = np.mean(z**2), []
        for _ in range(depth):
            value, slope = theory.evaluate(phi, z)
            weights = rng.normal(scale=sigma_w / math.sqrt(width), size=(width, width))
            layers.append((weights, slope))
            z = value @ weights
        gradient = rng.normal(size=width)
        end = np.mean(gradient**2)
        for weights, slope in reversed(layers):
            gradient = slope * (weights @ gradient)
        forward.append(np.log(np.mean(z**2) / start) / depth)
        backward.append(np.log(np.mean(gradient**2) / end) / depth)
    return np.exp(np.mean(forward)), np.exp(np.mean(backward))


@pytest.mark.parametrize(
    ("name", "sigma_w"),
    [("relu", SQRT2), ("relu", 1.0), ("leaky_relu", 1.5), ("tanh", 5 / 3), ("selu", 1.0), ("sigmoid", 4.0)],
)
def test_a_wide_network_grows_as_predicted(name, sigma_w):
    phi = activation(name)
    found = verdict(phi, sigma_w)
    start = found.q if 0 < found.q < math.inf else 1.0
    forward, backward = simulate(phi, sigma_w, start)
    assert forward == pytest.approx(found.growth, rel=0.03)
    assert backward == pytest.approx(found.chi, rel=0.03)


def test_the_simulation_catches_a_slope_that_is_five_percent_off():
    relu = activation("relu")
    wrong = Activation(relu.value, lambda z, value, out: 1.05 * relu.slope(z, value, out))
    assert simulate(relu, SQRT2, 1.0)[1] != pytest.approx(verdict(wrong, SQRT2).chi, rel=0.03)


def test_every_activation_gets_a_verdict():
    for name in names("activation"):
        assert verdict(activation(name), 1.0, 0.1).phase in ("ordered", "critical", "chaotic")
