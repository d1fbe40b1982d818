"""Moments, gains, phases and depths, against closed forms, series, published figures and simulated networks."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from initbench.contracts import Activation
from initbench.errors import ParameterError
from initbench.registry import entries, find, names
from initbench.theory import (
    chi,
    correlation,
    critical_point,
    depth_scale,
    fixed_point,
    gain,
    moments,
    predicted_correlations,
    predicted_gradients,
    predicted_lengths,
    predicted_spreads,
    regime,
    stable_correlation,
    tipping_points,
)
from initbench.theory import mean_field as theory

EXACT = 1e-9
SQRT2 = math.sqrt(2)
ANY, ENDLESS = math.nan, math.inf

# The figures to the digits that the literature gives them; forward, backward, then (sigma_w**2, q) at the critical
# point without biases, then (sigma_w, q, V') at the one with sigma_b = 0.2.
TABLE = {
    "linear": ("1", "1", ("1", ANY), ("1", ENDLESS, "1")),
    "sigmoid": ("1.8462", "4.7226", ("103.0", "45.62"), ("10.154", "45.7", "0.06")),
    "tanh": ("1.5925", "1.4674", ("1", "0"), ("1.3041", "0.512", "0.54")),
    "lecun_tanh": ("1.1544", "1.1153", ("0.7642", "0"), ("1.0783", "0.792", "0.63")),
    "hard_tanh": ("1.3920", "1.2103", ("1", "0"), ("1.0686", "0.423", "0.57")),
    "softsign": ("2.3375", "2.0958", ("1", "0"), ("1.7296", "0.358", "0.52")),
    "relu": ("1.41421", "1.41421", ("2", ANY), ("1.41421", ENDLESS, "1")),
    "leaky_relu": ("1.41414", "1.41414", ("1.9998", ANY), ("1.41414", ENDLESS, "1")),
    "prelu": ("1.3720", "1.3720", ("1.8824", ANY), ("1.3720", ENDLESS, "1")),
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
    if digits in (ANY, ENDLESS):
        return repr(number) == repr(digits)
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
    q = 1.0 if math.isnan(found.q) else min(max(found.q, theory.NEAR_ZERO), theory.NEAR_INFINITY)
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
def test_regimes_are_the_published_ones(name, variance, phase, stretch, q, growth):
    found = regime(activation(name), math.sqrt(variance))
    assert found.phase == phase
    assert found.chi == pytest.approx(stretch, abs=0.005)
    assert found.q == pytest.approx(q, abs=0.005)
    assert found.growth == pytest.approx(growth, abs=EXACT)


@pytest.mark.parametrize("name", ["gelu", "silu", "mish"])
def test_the_forward_gain_of_smooth_rectifiers_holds_a_fixed_point_that_is_unstable(name):
    phi = activation(name)
    at, below, above = (regime(phi, gain(phi, "forward") * factor) for factor in (1, 0.99, 1.01))
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


def simulate(phi, sigma_w, q, width=400, depth=10, networks=10):
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
    found = regime(phi, sigma_w)
    start = found.q if 0 < found.q < math.inf else 1.0
    forward, backward = simulate(phi, sigma_w, start)
    assert forward == pytest.approx(found.growth, rel=0.03)
    assert backward == pytest.approx(found.chi, rel=0.03)


def test_the_simulation_catches_a_slope_that_is_five_percent_off():
    relu = activation("relu")
    wrong = Activation(relu.value, lambda z, value, out: 1.05 * relu.slope(z, value, out))
    assert simulate(relu, SQRT2, 1.0)[1] != pytest.approx(regime(wrong, SQRT2).chi, rel=0.03)


def test_every_activation_has_a_regime():
    for name in names("activation"):
        assert regime(activation(name), 1.0, 0.1).phase in ("ordered", "critical", "chaotic")


# Correlations


def off_relu(c):
    """How far the correlation map of ReLU and its slope are from Cho & Saul's closed form."""
    angle = math.acos(c)
    found = correlation(activation("relu"), 1.3, 0.0, q=0.7, c=c)
    wanted = (math.sin(angle) + (math.pi - angle) * c) / math.pi
    return max(abs(found.value - wanted), abs(found.slope - (math.pi - angle) / math.pi))


EVERYWHERE = [*np.linspace(-1, 1, 21), *(sign * (1 - gap) for sign in (-1, 1) for gap in np.geomspace(1e-9, 0.05, 12))]


def test_the_correlation_map_of_relu_is_the_closed_form_up_to_the_ends():
    assert max(map(off_relu, EVERYWHERE)) < 1e-8


@pytest.mark.parametrize(("name", "value"), [("BENDS", np.zeros(1)), ("KINKS", np.zeros(0)), ("SPLITS", (1.0,))])
def test_the_closed_form_catches_a_quadrature_that_is_not_split_where_it_must_be(name, value, monkeypatch):
    monkeypatch.setattr(theory, name, value)
    assert max(map(off_relu, EVERYWHERE)) > 1e-6


def hermite_squares(phi, q, terms=250):
    """The squares of the Hermite coefficients of phi(sqrt(q) z) and of phi'(sqrt(q) z), shape (2, terms)."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    splits = [split / math.sqrt(q) for split in (-40, -8, -1, 0, 1, 8, 40)]
    pieces = list(pairwise(sorted({-12.0, 12.0, *(split for split in splits if abs(split) < 12)})))
    z = np.concatenate([(low + high) / 2 + (high - low) / 2 * nodes for low, high in pieces])
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    density *= np.concatenate([(high - low) / 2 * weights for low, high in pieces])
    both = np.stack(theory.evaluate(phi, math.sqrt(q) * z)) * density
    before, hermite, squares = np.zeros_like(z), np.ones_like(z), []
    for k in range(terms):
        squares.append((both @ hermite) ** 2)
        before, hermite = hermite, (z * hermite - math.sqrt(k) * before) / math.sqrt(k + 1)
    return np.transpose(squares)


def off_mehler(phi, wrong=None):
    """The largest relative difference between quadrature, of ``wrong`` if given, and Mehler's series of a_k² c^k."""
    largest = 0
    for q in (0.05, 1.0, 60.0):
        squares = hermite_squares(phi, q)
        for c in (-0.3, 0.4, 0.9):
            series = squares @ c ** np.arange(squares.shape[1])
            largest = max(largest, *np.abs(np.array(theory._joint_moments(wrong or phi, q, c)) / series - 1))
    return largest


@every
def test_the_correlation_map_is_the_series_of_mehler(name):
    assert off_mehler(activation(name)) < 1e-7


def test_the_series_catches_a_slope_that_is_a_thousandth_off():
    tanh = activation("tanh")
    wrong = Activation(tanh.value, lambda z, value, out: 1.001 * tanh.slope(z, value, out))
    assert off_mehler(tanh, wrong) > 1e-4


@every
@pytest.mark.parametrize("q", [0.05, 60.0])
def test_the_slope_of_the_correlation_map_is_its_derivative_from_end_to_end(name, q):
    phi = activation(name)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    angles = math.pi / 2 * (nodes + 1)  # in the angle it is smooth at the ends, where it is not in c
    slopes = [correlation(phi, 1.0, 0.1, q, math.cos(angle)).slope for angle in angles]
    start, end = (correlation(phi, 1.0, 0.1, q, c) for c in (-1.0, 1.0))
    assert math.pi / 2 * weights @ (slopes * np.sin(angles)) == pytest.approx(end.value - start.value, abs=1e-6)
    assert end.value == pytest.approx(1, abs=1e-9)
    assert end.slope == pytest.approx(moments(phi, q).slope * q / (moments(phi, q).value + 0.01), rel=1e-8)


@every
def test_repeating_the_correlation_map_leads_to_its_stable_fixed_point(name):
    phi = activation(name)
    for sigma_w, sigma_b in ((1.0, 0.5), (1.6, 0.3)):
        q = fixed_point(phi, sigma_w, sigma_b)
        found = stable_correlation(phi, sigma_w, sigma_b, q)
        if not depth_scale(found.slope) < 7:
            continue
        depth = 40 + int(25 * depth_scale(found.slope))
        c = predicted_correlations(phi, *np.full((2, depth), [[sigma_w**2], [sigma_b**2]]), np.full(depth, q), 0.3)
        assert c[-1] == pytest.approx(found.value, abs=1e-7)


def test_selu_holds_mean_zero_and_variance_one_with_the_weights_of_lecun():
    selu = activation("selu")
    assert fixed_point(selu, 1.0) == pytest.approx(1, abs=1e-9)
    assert moments(selu, 1.0).value == pytest.approx(1, abs=1e-9)
    assert correlation(selu, 1.0, 0.0, 1.0, 0.0).value == pytest.approx(0, abs=1e-12)  # E[phi]², the mean squared
    assert stable_correlation(selu, 1.0, 0.0, 1.0).value == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "variance", "biases", "c"),
    [
        ("relu", 1.0, 0.0, 1),  # whatever becomes of the length, directions become alike
        ("relu", 2.0, 0.0, 1),
        ("relu", 3.0, 0.0, 1),
        ("relu", 3.0, 0.5, 1),
        ("gelu", 4.0, 0.0, 1),  # far out it is ReLU
        ("linear", 1.0, 0.0, ANY),
        ("linear", 0.5, 0.0, ANY),
        ("linear", 0.5, 0.1, 1),
        ("linear", 1.0, 0.1, 1),  # biases add up, but their share of the length grows ever more slowly
        ("linear", 1 - 1e-10, 0.1, 1),
        ("linear", 2.0, 0.1, ANY),  # lengths outgrow the biases
        ("relu", 2.0, 0.1, 1),
        ("tanh", 1.0, 1e-30, 1),
        ("tanh", 0.25, 0.0, ANY),  # near zero it is linear
        ("tanh", 4.0, 0.0, 0),
        ("sigmoid", 1.0, 0.0, 1),
    ],
)
def test_correlations_end_where_they_must_also_where_lengths_have_no_end(name, variance, biases, c):
    phi, sigma_w, sigma_b = activation(name), math.sqrt(variance), math.sqrt(biases)
    found = stable_correlation(phi, sigma_w, sigma_b, fixed_point(phi, sigma_w, sigma_b))
    assert found.value == pytest.approx(c, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(("name", "variance"), [("linear", 1.0), ("relu", 2.0)])
def test_where_lengths_grow_by_the_biases_alone_repeating_the_map_makes_inputs_alike_slowly(name, variance):
    phi, constant = activation(name), np.full((2, 200), [[variance], [0.1]])
    q = predicted_lengths(phi, *constant, 1.0)
    apart = 1 - predicted_correlations(phi, *constant, q, 0.0)
    if name == "linear":
        assert apart[[10, 50, 199]] == pytest.approx(1 / q[[10, 50, 199]])  # 1 - c stays the same share of q
    assert 0 < apart[199] < apart[50] / 2 < apart[10] / 4
    assert apart[199] / apart[198] > 0.98  # more slowly than any exponential
    found = stable_correlation(phi, math.sqrt(variance), math.sqrt(0.1), fixed_point(phi, math.sqrt(variance), 0.3))
    assert found.value == 1
    assert depth_scale(found.slope) == math.inf


def test_where_lengths_outgrow_the_biases_each_pair_ends_up_with_a_correlation_of_its_own():
    linear, constant = activation("linear"), np.full((2, 200), [[2.0], [0.1]])
    q = predicted_lengths(linear, *constant, 1.0)
    low, high = (predicted_correlations(linear, *constant, q, c)[[100, 199]] for c in (0.0, 0.5))
    assert low == pytest.approx(1 - 1 / 1.1)  # the product of 2 q / (2 q + 0.1)
    assert high == pytest.approx(1 - 0.5 / 1.1)


def test_without_any_signal_there_is_no_correlation():
    assert math.isnan(stable_correlation(activation("relu"), 0.0, 0.0, 1.0).value)
    assert math.isnan(correlation(activation("relu"), 1.0, 0.0, 1.0, math.nan).value)
    assert stable_correlation(activation("relu"), 0.0, 0.5, 0.25) == (1, 0)


# Depth scales


def test_a_depth_scale_is_the_layers_to_one_over_e():
    assert depth_scale(math.exp(-1 / 7)) == pytest.approx(7)
    assert depth_scale(-math.exp(-1 / 7)) == pytest.approx(7)
    assert [depth_scale(factor) for factor in (0, 1, 1 + 1e-12, 1.5)] == [0, math.inf, math.inf, math.inf]


def test_gradients_shrink_and_grow_by_e_over_their_depth_scale():
    for variance in (1.0, 3.0):
        found = regime(activation("relu"), math.sqrt(variance))
        assert abs(math.log(found.chi)) * found.xi_grad == pytest.approx(1)
    assert regime(activation("relu"), SQRT2).xi_grad == math.inf


def test_every_variance_is_told_from_the_variance_one():
    kept = [("relu", SQRT2), ("linear", 1.0), ("leaky_relu", gain(activation("leaky_relu"), "torch"))]
    assert all(regime(activation(name), sigma_w).keeps_any for name, sigma_w in kept)
    assert not any(regime(activation(name), 1.0).keeps_any for name in ("selu", "relu", "tanh"))
    assert not regime(activation("linear"), 1.0, 0.1).keeps_any


def test_signals_on_either_side_of_a_tipping_point_go_apart():
    gelu = activation("gelu")
    (tip,) = tipping_points(gelu, math.sqrt(2.2))
    constant = np.full(30, 2.2), np.zeros(30)
    low, high = (predicted_lengths(gelu, *constant, tip * factor) for factor in (0.99, 1.01))
    assert (np.diff(low) < 0).all()
    assert (np.diff(high) > 0).all()
    assert tipping_points(activation("tanh"), 1.5, 0.2) == tipping_points(activation("relu"), SQRT2) == []


WIDTH, NETWORKS, ROWS, DEPTH = 1000, 24, 50, 3


def through(phi, sigma_w, sigma_b, start, depth, rng):
    """The preactivations of each layer, ``start`` of shape (..., width) and then those of ``depth`` random layers."""
    layers, width = [start], start.shape[-1]
    for _ in range(depth):
        weights = rng.standard_normal((width, width)) * (sigma_w / math.sqrt(width))
        layers.append(theory.evaluate(phi, layers[-1])[0] @ weights + sigma_b * rng.standard_normal(width))
    return layers


def settles(low, high):
    """Where two neighbours that a network draws together would rest, and in how many layers their gap shrinks to 1/e.

    ``low`` and ``high`` have the means of each layer. Both neighbours move towards the fixed point; between them it is
    where the line through what each has moved crosses 0.
    """
    moved = low[-1] - low[0], high[-1] - high[0]
    rest = low[0] + (high[0] - low[0]) * moved[0] / (moved[0] - moved[1])
    return rest, depth_scale(((high[-1] - low[-1]) / (high[0] - low[0])) ** (1 / (len(low) - 1)))


def simulated_lengths(phi, sigma_w, sigma_b, q):
    """q* and xi_q: the same rows start a fifth shorter and a fifth longer in the same networks."""
    rng = np.random.default_rng(0)
    squares = 0
    for _ in range(NETWORKS // 2):
        rows = rng.standard_normal((ROWS, WIDTH))
        start = np.stack([math.sqrt(factor * q) * rows for factor in (0.8, 1.2)])
        squares = squares + np.array(
            [np.mean(z**2, axis=(1, 2)) for z in through(phi, sigma_w, sigma_b, start, 2, rng)]
        )
    return settles(*(squares / (NETWORKS // 2)).T)


def simulated_correlations(phi, sigma_w, sigma_b, q, c):
    """c* and xi_c: each row meets two others in the same networks, to which it is a little less and more like."""
    rng = np.random.default_rng(0)
    total = 0
    for _ in range(NETWORKS):
        rows, others = rng.standard_normal((2, ROWS, WIDTH))
        near = [like * rows + math.sqrt(1 - like**2) * others for like in (c - 0.06, c + 0.06)]
        layers = through(phi, sigma_w, sigma_b, math.sqrt(q) * np.stack([rows, *near]), DEPTH, rng)
        total = total + np.array(
            [[np.mean(a * b) / math.sqrt(np.mean(a**2) * np.mean(b**2)) for b in others] for a, *others in layers]
        )
    return settles(*(total / NETWORKS).T)


@pytest.fixture(scope="module")
def chaotic_tanh():
    """What the theory says of tanh at sigma_w 1.5 and sigma_b 0.2, then what networks of 1000 units do."""
    tanh, place = activation("tanh"), (1.5, 0.2)
    found = regime(tanh, *place)
    limit = stable_correlation(tanh, *place, found.q)
    said = (found.q, found.xi_q, limit.value, depth_scale(limit.slope))
    seen = (*simulated_lengths(tanh, *place, found.q), *simulated_correlations(tanh, *place, found.q, limit.value))
    return said, seen


def test_wide_networks_settle_where_and_as_fast_as_predicted(chaotic_tanh):
    said, seen = chaotic_tanh
    assert seen == pytest.approx(said, rel=0.03)


def test_the_simulation_catches_a_slope_that_is_one_percent_off(chaotic_tanh):
    _, (_, _, _, xi_c) = chaotic_tanh
    tanh = activation("tanh")
    wrong = Activation(tanh.value, lambda z, value, out: 1.01 * tanh.slope(z, value, out))
    limit = stable_correlation(tanh, 1.5, 0.2, fixed_point(tanh, 1.5, 0.2))
    slope = correlation(wrong, 1.5, 0.2, fixed_point(tanh, 1.5, 0.2), limit.value).slope
    assert depth_scale(slope) != pytest.approx(xi_c, rel=0.03)


# Predictions for a network layer by layer

WIDTHS = (300, 500, 900, 300, 700)
VARIANCES, BIASES = np.array([1.0, 3.0, 1.5, 2.0]), np.array([0.1, 0.2, 0.0, 0.3])


@pytest.fixture(scope="module")
def uneven():
    """Lengths, gradients and correlations of each layer of uneven networks of gelu, as means over 30 of them."""
    rng, gelu = np.random.default_rng(1), activation("gelu")
    seen = []
    for _ in range(30):
        first = rng.standard_normal((10, WIDTHS[0]))
        x = np.stack([first, 0.5 * first + math.sqrt(0.75) * rng.standard_normal(first.shape)])
        layers = []
        for fans, variance, biases in zip(pairwise(WIDTHS), VARIANCES, BIASES, strict=True):
            weights = rng.standard_normal(fans) * math.sqrt(variance / fans[0])
            z = x @ weights + math.sqrt(biases) * rng.standard_normal(fans[1])
            x, slope = theory.evaluate(gelu, z)
            layers.append((weights, z, slope))
        gradient = rng.standard_normal(layers[-1][1].shape)
        gradients = [gradient]
        for (_, _, slope), (weights, _, _) in reversed(list(pairwise(layers))):
            gradient = slope * (gradient @ weights.T)
            gradients.insert(0, gradient)
        last = np.mean(gradients[-1] ** 2)
        seen.append(
            [
                [np.mean(z**2), np.mean(delta**2) / last, np.mean(z[0] * z[1]) / np.mean(z**2)]
                for (_, z, _), delta in zip(layers, gradients, strict=True)
            ]
        )
    return np.mean(seen, axis=0).T


def off_prediction(seen, widths=WIDTHS):
    gelu = activation("gelu")
    q = predicted_lengths(gelu, VARIANCES, BIASES, VARIANCES[0] + BIASES[0])
    gradients = predicted_gradients(gelu, VARIANCES, q, widths)
    c = predicted_correlations(gelu, VARIANCES, BIASES, q, (0.5 * VARIANCES[0] + BIASES[0]) / q[0])
    return np.max(np.abs(np.array([q, gradients, c]) / seen - 1))


def test_uneven_networks_have_the_predicted_lengths_gradients_and_correlations(uneven):
    assert off_prediction(uneven) < 0.05


def test_the_networks_catch_a_prediction_that_takes_all_layers_for_equally_wide(uneven):
    assert off_prediction(uneven, (300,) * 5) > 0.5


@every
def test_lengths_lead_to_the_fixed_point_and_gradients_fall_by_chi(name):
    phi = activation(name)
    q = predicted_lengths(phi, np.full(300, 1.2), np.full(300, 0.3), 1.0)
    found = regime(phi, math.sqrt(1.2), math.sqrt(0.3))
    gradients = predicted_gradients(phi, np.full(300, 1.2), q, [7] * 301)
    if math.isinf(found.q):
        assert (np.diff(q) > 0).all()
    else:
        assert q[-1] == pytest.approx(found.q, rel=1e-6)
        assert gradients[-2] == pytest.approx(found.chi, rel=1e-6)


@every
@pytest.mark.parametrize("variance", [0.0, 1e-12, 1e12])
def test_predictions_go_on_where_signals_vanish_or_explode(name, variance):
    phi, variances, zeros = activation(name), np.full(60, variance), np.zeros(60)
    q = predicted_lengths(phi, variances, zeros, 1.0)
    assert not np.isnan(q).any()
    gradients = predicted_gradients(phi, variances, q, [9] * 61)
    assert not np.isnan(gradients).any()
    c = predicted_correlations(phi, variances[:5], zeros[:5], q[-5:], 0.3)
    assert np.isnan(c[1:]).all() if variance == 0 else (np.abs(c) <= 1 + 1e-9).all()


# ---- the spread over draws at finite width


@pytest.mark.parametrize(
    ("units", "layers", "exact"), [(20, 10, 3.118), (20, 20, 6.235), (50, 20, 2.163), (50, 50, 5.408)]
)
def test_the_logarithm_of_a_row_s_length_spreads_as_its_exact_law_says(units, layers, exact):
    """Exact: chi-squared of as many degrees as a binomial draw of the units, the active ones of a ReLU layer."""
    spread = predicted_spreads(activation("relu"), [units] * (layers + 1), 1.0)[-1]
    last = predicted_spreads(activation("relu"), [units], 1.0)[0]  # of preactivations, where no unit is cut
    assert spread**2 - last**2 == pytest.approx(exact, rel=0.01)


def spread_of_draws(name, gain, alike, rows=64, units=30, layers=12, draws=600):
    """Of the logarithm of the mean square over rows in each layer: deviation over networks, and as predicted."""
    rng = np.random.default_rng(0)
    common, own = rng.standard_normal((1, units)), rng.standard_normal((rows, units))
    x = math.sqrt(alike) * common + math.sqrt(1 - alike) * own
    unit = x / np.linalg.norm(x, axis=-1, keepdims=True)
    c0 = math.sqrt(np.mean((unit @ unit.T) ** 2))
    z = x @ rng.standard_normal((draws, units, units))
    logs = []
    for _ in range(layers):
        logs.append(np.log((z**2).mean(axis=(1, 2))))
        values = theory.evaluate(activation(name), z)[0]
        z = values @ rng.normal(0, math.sqrt(gain / units), (draws, units, units))
    return np.std(logs, axis=1), predicted_spreads(activation(name), [units] * layers, c0)


@pytest.mark.parametrize(("name", "gain"), [("relu", 2.0), ("linear", 1.0), ("prelu", 1.88)])
def test_draws_spread_as_predicted_and_less_where_rows_differ(name, gain):
    alike, apart = (spread_of_draws(name, gain, share) for share in (0.95, 0.4))
    assert alike[1][3:] == pytest.approx(alike[0][3:], rel=0.15)
    assert apart[1][3:] == pytest.approx(apart[0][3:], rel=0.15)
    assert alike[1][3:] != pytest.approx(apart[0][3:], rel=0.15)


def test_no_spread_is_predicted_where_none_is_known():
    assert np.isnan(predicted_spreads(activation("tanh"), [30] * 3, 1.0)).all()
