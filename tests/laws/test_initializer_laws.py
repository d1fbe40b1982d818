"""What holds for every registered initializer of weights and biases, each law with a fault that it has to catch.

A new initializer is tested by being registered. If it draws at random it also needs a row in ``DRAWS``, the law of one
weight, or in ``MATRICES``, a law of the whole matrix; one that sets the biases too, a row in ``BIASES``. One that asks
for its layer is drawn for a hidden layer of a tanh network, unless a row of ``FURTHER`` says otherwise.
"""

from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from scipy import special, stats

from initbench import registry
from initbench.contracts import Activation, Layer
from initbench.errors import ParameterError, ShapeError
from initbench.parts.initializers.nguyen_widrow import active_range, output_range
from initbench.streams import stream
from initbench.theory import moments

SHAPES = [(1, 1), (1, 7), (7, 1), (40, 3), (3, 40), (6, 6), (0, 4), (4, 0), (0, 0)]
LARGE = (600, 400)


def activation(name, **params):
    return registry.find("activation", name).function(**params)


LINEAR, RELU, TANH, SIGMOID = map(activation, ("linear", "relu", "tanh", "sigmoid"))
ROWS = np.array([[3.0, 0.0], [1.0, 2.0], [0.0, 0.0]])
HIDDEN = Layer(1, 3, TANH)
FIRST = Layer(0, 3, TANH, ROWS)
LAST = Layer(2, 3, TANH)


def uniform(limit):
    return stats.uniform(-limit, 2 * limit)


def normal(variance, mean=0.0):
    return stats.norm(mean, np.sqrt(variance))


def truncated(variance):
    """Cut at two deviations, with this variance after it."""
    std = np.sqrt(variance) / 0.87962566103423978
    return stats.truncnorm(-2, 2, 0, std)


def spread(variance, distribution="normal"):
    laws = {"normal": normal, "truncated_normal": truncated, "uniform": lambda v: uniform(np.sqrt(3 * v))}
    return laws[distribution](variance)


class RootOfUniform(stats.rv_continuous):
    """sqrt(u) with u even between 1 - gamma and 1 + gamma."""

    def _pdf(self, w, gamma):
        return w / gamma

    def _cdf(self, w, gamma):
        return (w**2 - 1 + gamma) / (2 * gamma)

    def _get_support(self, gamma):
        return np.sqrt(1 - gamma), np.sqrt(1 + gamma)


def rule(gain, layer):
    """Variance factor of a gain; the rules' numbers are those of the literature."""
    known = {
        "torch": {RELU: 2.0, TANH: 25 / 9},
        "forward": {RELU: 2.0, TANH: 2.53617},
        "backward": {RELU: 2.0},
        "geometric": {TANH: 1.59254 * 1.46738},
    }
    return known[gain][layer.activation] if isinstance(gain, str) else gain


def geometric(i, o):
    return np.sqrt(i * o)


FANS = {
    "fan_in": lambda i, o: i,
    "fan_out": lambda i, o: o,
    "fan_avg": lambda i, o: (i + o) / 2,
    "fan_geo_avg": geometric,
}
WALKS = {
    LINEAR: lambda i: np.exp(0.5 / i),
    RELU: lambda i: np.sqrt(2) * np.exp(1.2 / (max(i, 6) - 2.4)),
    TANH: lambda i: 1.13,
}
FORWARD_SIGMOID = 1.84624  # 1 / sqrt(E[phi²]) of the logistic sigmoid at unit variance


# The distribution of one weight of a layer of fan_in i and fan_out o: weights are independent and all follow it.
DRAWS = {
    ("initializer", "u01"): lambda i, o: stats.uniform(0, 1),
    ("initializer", "u11"): lambda i, o: uniform(1),
    ("initializer", "u03"): lambda i, o: uniform(0.3),
    ("initializer", "u05"): lambda i, o: uniform(0.5),
    ("initializer", "n01"): lambda i, o: normal(1),
    ("initializer", "n001"): lambda i, o: normal(0.01**2),
    ("initializer", "uniform"): lambda i, o, low=-0.05, high=0.05: stats.uniform(low, high - low),
    ("initializer", "normal"): lambda i, o, mean=0.0, std=0.05: normal(std**2, mean),
    ("initializer", "truncated_normal"): lambda i, o, mean=0.0, std=0.05, low=-2.0, high=2.0, unit="std": (
        stats.truncnorm(low, high, mean, std)
        if unit == "std"
        else stats.truncnorm((low - mean) / std, (high - mean) / std, mean, std)
    ),
    ("initializer", "lecun_normal"): lambda i, o, gain=1.0, layer=HIDDEN: normal(rule(gain, layer) / i),
    ("initializer", "lecun_uniform"): lambda i, o, gain=1.0: spread(gain / i, "uniform"),
    ("initializer", "bengio_uniform"): lambda i, o: uniform(1 / np.sqrt(i)),
    ("initializer", "glorot_normal"): lambda i, o, gain=1.0, layer=HIDDEN: normal(rule(gain, layer) * 2 / (i + o)),
    ("initializer", "glorot_uniform"): lambda i, o, gain=1.0: uniform(np.sqrt(gain * 6 / (i + o))),
    ("initializer", "glorot_gain"): lambda i, o, gain=1.0, distribution="uniform", layer=HIDDEN: spread(
        (rule(gain, layer) if isinstance(gain, str) else gain**2) * 2 / (i + o), distribution
    ),
    ("initializer", "he_normal"): lambda i, o, gain=2.0, a=0.0, layer=HIDDEN: normal(
        rule(gain, layer) / (1 + a**2) / i
    ),
    ("initializer", "he_uniform"): lambda i, o, gain=2.0, a=0.0: uniform(np.sqrt(3 * gain / (1 + a**2) / i)),
    ("initializer", "he_fan_out"): lambda i, o, a=0.0, distribution="normal": spread(2 / (1 + a**2) / o, distribution),
    ("initializer", "he_fan_avg"): lambda i, o, a=0.0, distribution="normal": spread(
        4 / (1 + a**2) / (i + o), distribution
    ),
    ("initializer", "msra_prelu"): lambda i, o, a=0.25: normal(4 / (1 + a**2) / (i + o)),
    ("initializer", "glorot_sigmoid4"): lambda i, o: uniform(4 * np.sqrt(6 / (i + o))),
    ("initializer", "glorot_geo"): lambda i, o, distribution="normal": spread(1 / geometric(i, o), distribution),
    ("initializer", "variance_scaling"): (
        lambda i, o, scale=1.0, mode="fan_in", distribution="truncated_normal", layer=HIDDEN: spread(
            rule(scale, layer) / FANS[mode](i, o), distribution
        )
    ),
    ("initializer", "kumar"): lambda i, o, layer=HIDDEN: normal(
        {TANH: 1, SIGMOID: 12.8, RELU: 2}[layer.activation] / i
    ),
    ("initializer", "random_walk"): lambda i, o, layer=HIDDEN: normal(
        WALKS.get(layer.activation, lambda i: FORWARD_SIGMOID)(i) ** 2 / i
    ),
    ("initializer", "uniform_unit_scaling"): lambda i, o, factor=1.0: uniform(factor * np.sqrt(3 / i)),
    ("initializer", "fan_in_haykin"): lambda i, o, reach=2.4: uniform(reach / i),
    ("initializer", "bottou"): lambda i, o: uniform(2.38 / np.sqrt(i)),
    ("initializer", "boers"): lambda i, o: uniform(3 / np.sqrt(i)),
    ("initializer", "wessels"): lambda i, o, amplitude=1.0: uniform(3 * amplitude / np.sqrt(i)),
    ("initializer", "thimm_fiesler"): lambda i, o: uniform(0.77),
    ("initializer", "scawi"): lambda i, o, layer=HIDDEN: uniform(
        1.3 / np.sqrt(1 + i * (14 / 6 if layer is FIRST else 0.3))  # 14 / 6 is the mean square of ROWS
    ),
    ("initializer", "oivs"): lambda i, o, epsilon=0.1, k=5.0, gamma=0.9: RootOfUniform()(
        gamma, scale=2 * np.log((1 - epsilon) / epsilon) / (k * i)
    ),
    ("initializer", "kathirvalavakumar"): lambda i, o, reach=4.585, layer=HIDDEN: uniform(
        reach * np.sqrt(3 / i / (9 if layer is FIRST else i))  # 9 is the largest sum of squares in ROWS
    ),
    ("initializer", "siren"): lambda i, o, w0=30.0, layer=HIDDEN: uniform(
        1 / i if layer is FIRST else np.sqrt(6 / i) / w0
    ),
    ("initializer", "mup"): lambda i, o, gain=1.0, base_width=64.0, layer=HIDDEN: normal(
        gain / i * (base_width / i if layer is LAST else 1)
    ),
    ("initializer", "ntk_param"): lambda i, o, w_std=1.0, b_std=0.0: normal(w_std**2 / i),
    ("initializer", "mean_field"): lambda i, o, sigma_w=1.0, sigma_b=0.1: normal(sigma_w**2 / i),
    ("initializer", "critical"): lambda i, o, sigma_b=0.0, layer=HIDDEN: normal(
        {(TANH, 0.0): 1.0, (TANH, 0.2): 1.3041**2, (RELU, 0.0): 2.0}[layer.activation, sigma_b] / i
    ),
    ("initializer", "torch_linear"): lambda i, o: uniform(1 / np.sqrt(i)),
    ("initializer", "keras_dense"): lambda i, o: uniform(np.sqrt(6 / (i + o))),
    ("initializer", "flax_dense"): lambda i, o: truncated(1 / i),
    ("initializer", "haiku_linear"): lambda i, o: stats.truncnorm(-2, 2, 0, 1 / np.sqrt(i)),
    ("initializer", "chainer_linear"): lambda i, o: normal(1 / i),
    ("initializer", "mxnet_dense"): lambda i, o: uniform(0.07),
    ("initializer", "sklearn_mlp"): lambda i, o, layer=HIDDEN: uniform(
        np.sqrt((2 if layer.activation is SIGMOID else 6) / (i + o))
    ),
    ("initializer", "fixup"): lambda i, o: normal(2 / i),
    ("initializer", "residual_scaled"): lambda i, o: normal(2 / i),
    ("bias", "normal"): lambda i, o, mean=0.0, std=0.05: normal(std**2, mean),
    ("bias", "uniform"): lambda i, o, limit=None: uniform(1 / np.sqrt(i) if limit is None else limit),
}

# The distribution of one bias of an initializer that sets both; None where all are 0. Others have laws of their own.
BIASES = {
    "torch_linear": DRAWS["initializer", "torch_linear"],
    "sklearn_mlp": DRAWS["initializer", "sklearn_mlp"],
    "keras_dense": lambda i, o: None,
    "flax_dense": lambda i, o: None,
    "haiku_linear": lambda i, o: None,
    "chainer_linear": lambda i, o: None,
    "mxnet_dense": lambda i, o: None,
    "ntk_param": lambda i, o, w_std=1.0, b_std=0.0: normal(b_std**2) if b_std else None,
    "mean_field": lambda i, o, sigma_w=1.0, sigma_b=0.1: normal(sigma_b**2),
    "critical": lambda i, o, sigma_b=0.0, layer=HIDDEN: normal(sigma_b**2) if sigma_b else None,
    "orthogonal_critical": lambda i, o, sigma_b=0.0, layer=HIDDEN: normal(sigma_b**2) if sigma_b else None,
}
OWN_BIAS_LAWS = {"rai", "nguyen_widrow"}

# Which shapes a part refuses with a ShapeError.
REFUSES = {
    ("initializer", name): lambda i, o: i % 2 == 1 or o % 2 == 1 for name in ("looks_linear", "gaussian_submatrix")
}


def orthogonality_error(weights, gain=1.0):
    """How far the shorter side's vectors are from being orthogonal and of length ``gain``."""
    tall = weights if weights.shape[0] >= weights.shape[1] else weights.T
    return np.abs(tall.T @ tall - gain**2 * np.eye(tall.shape[1])).max(initial=0.0)


def orthogonal_error(weights, gain=1.0, scale="isometry", layer=HIDDEN):
    fan_in, fan_out = np.maximum(weights.shape, 1)
    widening = np.sqrt(max(1, fan_out / fan_in)) if scale == "fan_in" else 1
    return orthogonality_error(
        weights, np.sqrt(rule(gain, layer)) * widening if isinstance(gain, str) else gain * widening
    )


def nonzero_error(weights, nonzero=15, std=1.0):
    return np.count_nonzero(weights, axis=0) - min(nonzero, len(weights))


def mirror_error(weights, base="orthogonal", layer=HIDDEN):
    """How far the four blocks are from A, -A, -A and A, and A from orthogonal."""
    i, o = weights.shape[0] // 2, weights.shape[1] // 2
    a = weights[:i, :o]
    unlike = np.abs(weights - np.block([[a, -a], [-a, a]])).max(initial=0.0)
    return max(unlike, orthogonality_error(a) if base == "orthogonal" else 0.0)


def length_error(weights, gain=1.0):
    return np.linalg.norm(weights, axis=0) - gain if len(weights) else 0.0


def unit_sum_error(weights):
    return weights.sum(axis=0) - 1 + np.abs(np.minimum(weights, 0)).sum() if len(weights) else 0.0


def hadamard_error(weights):
    """The identity where the layer does not widen, else the corner of Sylvester's matrix of the next power of two."""
    fan_in, fan_out = weights.shape
    if fan_out <= fan_in:
        return np.abs(weights - np.eye(fan_in, fan_out))
    h = np.ones((1, 1))
    while len(h) < fan_out:
        h = np.kron([[1, 1], [1, -1]], h)
    return np.abs(weights - h[:fan_in, :fan_out] / np.sqrt(len(h)))


def steep_length_error(weights):
    """Of 0.7 fan_out**(1 / fan_in), twice as long for tanh, which is active between -2 and 2."""
    return length_error(weights, 2 * 0.7 * weights.shape[1] ** (1 / max(1, len(weights))))


# The error of a whole matrix, 0 where it obeys its law.
MATRICES = {
    ("initializer", "orthogonal"): orthogonal_error,
    ("initializer", "orthogonal_critical"): lambda w, sigma_b=0.0: orthogonal_error(w, 1.0, "fan_in"),
    ("initializer", "identity"): lambda w, gain=1.0: np.abs(w - np.diag([gain] * max(w.shape))[: len(w), : len(w.T)]),
    ("initializer", "partial_identity_tiled"): lambda w, gain=1.0: orthogonality_error(w, gain),
    ("initializer", "zero_hadamard"): hadamard_error,
    ("initializer", "looks_linear"): mirror_error,
    ("initializer", "gaussian_submatrix"): lambda w: mirror_error(w, "gaussian"),
    ("initializer", "sparse"): nonzero_error,
    ("initializer", "gaussian_row_normalized"): length_error,
    ("initializer", "positive_unitball"): unit_sum_error,
    ("initializer", "nguyen_widrow"): steep_length_error,
    ("initializer", "zeros"): np.abs,
    ("initializer", "ones"): lambda w: np.abs(w - 1),
    ("initializer", "constant"): lambda w, value=0.05: np.abs(w - value),
    ("bias", "zeros"): np.abs,
    ("bias", "constant"): lambda b, value=0.01: np.abs(b - value),
    ("bias", "output_prior"): np.abs,  # of a hidden layer
}
PLACED = {("initializer", "rai")}  # laws of its own, below

FURTHER = [
    ("initializer", "constant", {"value": -2.0}),
    ("initializer", "uniform", {"low": 0.0, "high": 1.0}),
    ("initializer", "uniform", {"low": -0.3, "high": 0.3}),
    ("initializer", "uniform", {"low": -1.0, "high": 1.0}),
    ("initializer", "normal", {"mean": 0.5, "std": 1.0}),
    ("initializer", "truncated_normal", {"mean": -1.0, "std": 2.0}),
    ("initializer", "truncated_normal", {"mean": 0.5, "std": 1.0, "unit": "absolute"}),
    ("initializer", "truncated_normal", {"std": 0.02, "unit": "absolute"}),
    ("initializer", "truncated_normal", {"mean": 1.0, "std": 0.5, "low": -0.5, "high": 3.0}),
    ("initializer", "truncated_normal", {"std": 1.0, "low": 2.0, "high": 3.0}),
    ("initializer", "lecun_normal", {"gain": 0.5}),
    ("initializer", "lecun_uniform", {"gain": 3.0}),
    ("initializer", "glorot_normal", {"gain": 25 / 9}),
    ("initializer", "glorot_uniform", {"gain": 16.0}),
    ("initializer", "glorot_gain", {"gain": 5 / 3}),
    ("initializer", "glorot_gain", {"gain": 5 / 3, "distribution": "normal"}),
    ("initializer", "glorot_gain", {"gain": "torch", "layer": HIDDEN}),
    ("initializer", "glorot_gain", {"gain": "geometric", "distribution": "normal", "layer": HIDDEN}),
    ("initializer", "glorot_normal", {"gain": "geometric", "layer": HIDDEN}),
    ("initializer", "msra_prelu", {"a": 0.5}),
    ("initializer", "he_normal", {"gain": 1.5}),
    ("initializer", "he_uniform", {"gain": 1.5}),
    ("initializer", "orthogonal", {"gain": np.sqrt(2.0)}),
    ("initializer", "identity", {"gain": 0.1}),
    ("initializer", "lecun_normal", {"gain": "torch", "layer": HIDDEN}),
    ("initializer", "glorot_normal", {"gain": "forward", "layer": HIDDEN}),
    ("initializer", "he_normal", {"gain": "backward", "layer": Layer(1, 3, RELU)}),
    ("initializer", "he_normal", {"a": 0.25}),
    ("initializer", "he_uniform", {"a": 0.25}),
    ("initializer", "he_fan_out", {"a": 0.25, "distribution": "uniform"}),
    ("initializer", "he_fan_avg", {"a": 0.25, "distribution": "truncated_normal"}),
    ("initializer", "glorot_geo", {"distribution": "uniform"}),
    *[
        ("initializer", "variance_scaling", {"scale": 2.0, "mode": mode, "distribution": distribution})
        for mode, distribution in zip(FANS, ["truncated_normal", "normal", "uniform", "normal"], strict=True)
    ],
    ("initializer", "variance_scaling", {"scale": "forward", "layer": Layer(1, 3, RELU)}),
    *[("initializer", "kumar", {"layer": Layer(1, 3, phi)}) for phi in (SIGMOID, RELU)],
    *[("initializer", "random_walk", {"layer": Layer(1, 3, phi)}) for phi in (LINEAR, RELU, SIGMOID)],
    ("initializer", "uniform_unit_scaling", {"factor": 1.43}),
    ("initializer", "wessels", {"amplitude": 0.5}),
    ("initializer", "scawi", {"layer": FIRST}),
    ("initializer", "oivs", {"epsilon": 0.2, "k": 3.0, "gamma": 0.5}),
    ("initializer", "kathirvalavakumar", {"layer": FIRST}),
    ("initializer", "siren", {"layer": FIRST}),
    ("initializer", "siren", {"w0": 1.0}),
    ("initializer", "mup", {"layer": LAST}),
    ("initializer", "mup", {"layer": LAST, "base_width": 8.0}),
    ("initializer", "ntk_param", {"w_std": 1.5, "b_std": 0.5}),
    ("initializer", "mean_field", {"sigma_w": 1.5, "sigma_b": 0.3}),
    ("initializer", "critical", {"sigma_b": 0.2}),
    ("initializer", "critical", {"layer": Layer(1, 3, RELU)}),
    ("initializer", "orthogonal_critical", {"sigma_b": 0.0}),
    ("initializer", "sklearn_mlp", {"layer": Layer(1, 3, SIGMOID)}),
    ("initializer", "orthogonal", {"gain": 1.5, "scale": "fan_in"}),
    ("initializer", "orthogonal", {"gain": "torch", "layer": Layer(1, 3, RELU)}),
    ("initializer", "partial_identity_tiled", {"gain": 0.5}),
    ("initializer", "looks_linear", {"base": "gaussian"}),
    ("initializer", "sparse", {"nonzero": 2, "std": 0.1}),
    ("initializer", "gaussian_row_normalized", {"gain": 2.0}),
    ("bias", "constant", {"value": 0.5}),
    ("bias", "normal", {"mean": 1.0, "std": 0.2}),
    ("bias", "uniform", {"limit": 3.0}),
]
ENTRIES = [
    entry
    for kind in ("initializer", "bias")
    for entry in registry.entries(kind)
    if not entry.fingerprint and entry.scope == "layer"
]
CASES = [(e.kind, e.name, {}) for e in ENTRIES if not any(p.is_required for p in e.parameters.values())] + FURTHER
DRAWN = [case for case in CASES if case[:2] in DRAWS]


def label(value):
    if isinstance(value, Layer):
        phi = next(name for name, phi in ACTIVATIONS.items() if phi is value.activation)
        return f"{phi}{value.index}"
    return value if isinstance(value, (str, int)) else f"{value:.3g}"


ACTIVATIONS = {"linear": LINEAR, "relu": RELU, "tanh": TANH, "sigmoid": SIGMOID}


def each(cases):
    ids = ["-".join([kind, name, *(f"{k}={label(v)}" for k, v in params.items())]) for kind, name, params in cases]
    return pytest.mark.parametrize(("kind", "name", "params"), cases, ids=ids)


def draw_all(kind, name, params, shape, seed=0):
    """What the part returns: an array, or weights and biases; ``seed`` may be a generator."""
    entry = registry.find(kind, name)
    extra = {"layer": HIDDEN} if entry.wants_layer else {}
    return entry.function(shape, np.random.default_rng(seed), **{**extra, **params})


def draw(kind, name, params, shape, seed=0):
    """Weights of an initializer, biases of a bias."""
    drawn = draw_all(kind, name, params, shape, seed)
    return drawn[0] if isinstance(drawn, tuple) else drawn


def refuses(kind, name, shape):
    return (kind, name) in REFUSES and REFUSES[kind, name](*shape)


def is_random(kind, name, params):
    return draw(kind, name, params, (6, 4), 0).tobytes() != draw(kind, name, params, (6, 4), 1).tobytes()


# Laws of all


def lacks_a_law(case):
    return is_random(*case) and case[:2] not in DRAWS.keys() | MATRICES.keys() | PLACED


@each(CASES)
def test_what_is_random_states_its_law(kind, name, params):
    assert not lacks_a_law((kind, name, params)), "add it to DRAWS or MATRICES"


def test_a_random_initializer_without_a_law_is_caught(monkeypatch):
    monkeypatch.delitem(DRAWS, ("initializer", "he_normal"))
    assert lacks_a_law(("initializer", "he_normal", {}))


def check_shape(kind, name, params, shape):
    if refuses(kind, name, shape):
        with pytest.raises(ShapeError, match="odd"):
            draw(kind, name, params, shape)
        return
    drawn = draw_all(kind, name, params, shape)
    wanted = [shape if kind == "initializer" else shape[1:]]
    if isinstance(drawn, tuple):
        wanted.append(shape[1:])
    arrays = drawn if isinstance(drawn, tuple) else [drawn]
    assert [a.shape for a in arrays] == wanted
    assert all(a.dtype == np.float64 and np.isfinite(a).all() for a in arrays)


@each(CASES)
def test_shape_and_type_are_right_and_all_numbers_finite(kind, name, params):
    for shape in SHAPES:
        check_shape(kind, name, params, shape)


@each(CASES)
def test_the_same_seed_gives_the_same_bytes_and_a_fresh_array(kind, name, params):
    first, second = draw(kind, name, params, (8, 6)), draw(kind, name, params, (8, 6))
    assert first.tobytes() == second.tobytes()
    assert not np.shares_memory(first, second)


def shared_numbers(first, second):
    """Draws that two layers have in common; what is the same at all seeds, such as a 0, is no draw."""
    return set(first.ravel()) & set(second.ravel()) - {0.0}


@each([case for case in CASES if is_random(*case)])
def test_layers_of_equal_shape_share_no_draws(kind, name, params):
    purpose = "weights" if kind == "initializer" else "bias"
    assert not shared_numbers(*(draw(kind, name, params, (8, 6), stream(0, purpose, layer)) for layer in (1, 2)))


def test_the_check_of_shared_draws_catches_one_stream_for_all_layers():
    first, second = (draw("initializer", "he_normal", {}, (8, 6), stream(0, "weights", 1)) for _ in range(2))
    assert len(shared_numbers(first, second)) == 48


@each(CASES)
def test_a_shape_that_cannot_be_is_refused(kind, name, params):
    for shape in [(-1, 2), (2, -1), (3,), (2, 2, 2), (2.5, 2), 7, "ab", None]:
        with pytest.raises(ShapeError, match="shape"):
            draw(kind, name, params, shape)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("oivs", {"epsilon": 0.5}, "epsilon is 0.5 and must lie between 0 and 0.5"),
        ("he_normal", {"gain": "forward", "layer": Layer()}, "the gain rule 'forward' asks for the activation"),
        ("critical", {"sigma_b": 0.2, "layer": Layer(1, 3, RELU)}, "no critical point at sigma_b 0.2; use another"),
        ("orthogonal_critical", {"layer": Layer()}, "orthogonal_critical asks for the activation"),
    ],
)
def test_what_has_no_answer_says_what_to_do(name, params, message):
    with pytest.raises(ParameterError, match=message):
        draw("initializer", name, params, (4, 4))


@pytest.mark.parametrize("name", ["uniform", "truncated_normal"])
def test_bounds_must_be_in_order(name):
    with pytest.raises(ParameterError, match="low is 1 and must be below high, which is 0"):
        draw("initializer", name, {"low": 1.0, "high": 0.0}, (2, 2))
    with pytest.raises(ParameterError, match="low is 1 and must be below high, which is 1"):
        draw("initializer", name, {"low": 1.0, "high": 1.0}, (2, 2))


@pytest.mark.parametrize("bounds", [{"low": 5.0, "high": 6.0}, {"mean": 3.0, "unit": "absolute"}, {"high": -9.0}])
def test_bounds_with_nothing_between_them_are_refused(bounds):
    with pytest.raises(ParameterError, match=r"less than a millionth .* set them closer to the mean|must be below"):
        draw("initializer", "truncated_normal", bounds, (2, 2))


def test_truncation_without_deviation_is_the_mean():
    for unit in ("std", "absolute"):
        drawn = draw("initializer", "truncated_normal", {"mean": 0.5, "std": 0.0, "unit": unit}, (3, 4))
        assert (drawn == 0.5).all()


# Laws of independent draws


def sample(kind, name, params):
    """A large layer and the distribution that its numbers should follow; a bias has one number an output."""
    shape = LARGE if kind == "initializer" else (30, LARGE[0] * LARGE[1])
    return draw(kind, name, params, shape).ravel(), DRAWS[kind, name](*shape, **params)


def mean_is_right(drawn, law):
    return abs(drawn.mean() - law.mean()) < 5 * law.std() / np.sqrt(drawn.size)


def std_is_right(drawn, law):
    kurtosis = law.stats("k") + 3
    standard_error = law.std() * np.sqrt((kurtosis - 1) / (4 * drawn.size))
    return abs(drawn.std() - law.std()) < 5 * standard_error


def support_is_right(drawn, law):
    low, high = law.support()
    rounding = 1e-12 * (high - low)
    return low - rounding <= drawn.min() and drawn.max() <= high + rounding


def distribution_is_right(drawn, law):
    return stats.kstest(drawn, law.cdf).pvalue > 1e-3


@each(DRAWN)
def test_draws_follow_their_law(kind, name, params):
    drawn, law = sample(kind, name, params)
    assert mean_is_right(drawn, law)
    assert std_is_right(drawn, law)
    assert support_is_right(drawn, law)
    assert distribution_is_right(drawn, law)


def law_error(kind, name, params, shape):
    """How far any draw is from the quantile of its law, relative to the deviation, of an even draw of its rank."""
    size = shape if kind == "initializer" else (1, shape[1])
    law = DRAWS[kind, name](*shape, **params)
    wanted = law.ppf(np.random.default_rng(0).random(size))
    return np.abs(draw(kind, name, params, shape) - wanted).max() / law.std()


@each(DRAWN)
@pytest.mark.parametrize("shape", [(4, 30), (30, 4), (1, 7)])
def test_draws_of_a_narrow_layer_follow_their_law_to_the_digits_of_the_literature(kind, name, params, shape):
    assert law_error(kind, name, params, shape) < 1e-4


def test_the_check_of_narrow_layers_catches_the_other_fan(monkeypatch):
    right = DRAWS["initializer", "random_walk"]
    assert law_error("initializer", "random_walk", {}, (4, 30)) < 1e-4
    monkeypatch.setitem(DRAWS, ("initializer", "random_walk"), lambda i, o: right(o, i))
    assert law_error("initializer", "random_walk", {}, (4, 30)) > 1e-3


@each(DRAWN)
def test_the_law_checks_catch_draws_that_are_one_percent_off(kind, name, params):
    drawn, law = sample(kind, name, params)
    assert not mean_is_right(drawn + 0.02 * law.std(), law)
    assert not std_is_right(law.mean() + 1.01 * (drawn - law.mean()), law)
    if np.ptp(law.support()) < 6 * law.std():  # else none of the draws comes near a bound
        assert not support_is_right(law.mean() + 1.01 * (drawn - law.mean()), law)


@each(DRAWN)
def test_the_distribution_check_catches_another_shape_of_the_same_variance(kind, name, params):
    drawn, law = sample(kind, name, params)
    wrong = stats.logistic(law.mean(), law.std() * np.sqrt(3) / np.pi).ppf(law.cdf(drawn))
    assert std_is_right(wrong, stats.logistic(law.mean(), law.std() * np.sqrt(3) / np.pi))
    assert not distribution_is_right(wrong, law)


def truncated_deviation(low, high):
    """Of N(0, 1) cut at ``low`` and ``high``, by the formula that the docstring gives."""
    a, b = stats.norm.pdf([low, high])
    share = stats.norm.cdf(high) - stats.norm.cdf(low)
    return np.sqrt(1 + (low * a - high * b) / share - ((a - b) / share) ** 2)


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (-1.0, 3.0), (0.5, 1.0)])
def test_truncation_leaves_the_deviation_of_its_formula(low, high):
    drawn = draw("initializer", "truncated_normal", {"std": 1.0, "low": low, "high": high}, LARGE)
    assert drawn.std() == pytest.approx(truncated_deviation(low, high), rel=0.005)
    assert truncated_deviation(-2.0, 2.0) == pytest.approx(0.87962566103423978, rel=1e-12)


def ranks(weights):
    return np.argsort(weights, axis=None).tolist()


@each([case for case in DRAWN if case[0] == "initializer"])
def test_at_one_seed_all_rank_their_weights_alike(kind, name, params):
    assert ranks(draw(kind, name, params, (30, 20))) == ranks(np.random.default_rng(0).random((30, 20)))


@each([case for case in DRAWN if case[0] == "bias"])
def test_at_one_seed_all_rank_their_biases_alike(kind, name, params):
    assert ranks(draw(kind, name, params, (30, 20))) == ranks(np.random.default_rng(0).random(20))


def test_the_rank_check_catches_another_way_to_draw():
    other = np.random.default_rng(0).normal(0, np.sqrt(2 / 30), (30, 20))
    assert ranks(other) != ranks(draw("initializer", "he_normal", {}, (30, 20)))


def test_no_draw_is_infinite_where_the_generator_gives_its_extremes(monkeypatch):
    class Extremes:
        def random(self, shape):
            return np.resize([0.0, 1 - 2.0**-53], shape)

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Extremes())
    for kind, name, params in DRAWN:
        drawn = draw(kind, name, params, (2, 2))
        assert np.isfinite(drawn).all()
        assert support_is_right(drawn, DRAWS[kind, name](2, 2, **params))
    far_up = draw("initializer", "truncated_normal", {"std": 1.0, "low": 4.0, "high": 40.0}, (2, 2))
    assert far_up.max() < 9  # where doubles end, and not the bound


# Laws of whole matrices


@each([case for case in CASES if case[:2] in MATRICES])
def test_the_matrix_obeys_its_law(kind, name, params):
    for shape in [*SHAPES, (64, 64), (200, 30), (30, 200)]:
        if not refuses(kind, name, shape):
            assert np.all(np.abs(MATRICES[kind, name](draw(kind, name, params, shape), **params)) < 1e-12)


@each([case for case in CASES if case[:2] in MATRICES])
def test_the_matrix_check_catches_one_number_that_is_off(kind, name, params):
    wrong = draw(kind, name, params, (40, 6))
    wrong[-1] += 1e-6
    assert np.any(np.abs(MATRICES[kind, name](wrong, **params)) > 1e-12)


def haar_pvalue(matrices):
    """How well the first, the last and the signs agree with Haar's measure.

    A column of n entries is uniform on the sphere, so (entry + 1) / 2 follows Beta((n - 1) / 2, (n - 1) / 2).
    """
    n = max(matrices.shape[1:])
    entry = stats.beta((n - 1) / 2, (n - 1) / 2, loc=-1, scale=2)
    corners = [stats.kstest(matrices[:, i, i], entry.cdf).pvalue for i in (0, -1)]
    positive = [stats.binomtest(int((matrices[:, i, i] > 0).sum()), len(matrices)).pvalue for i in (0, -1)]
    return min(*corners, *positive)


@pytest.mark.parametrize("shape", [(6, 6), (8, 3), (3, 8)])
def test_orthogonal_matrices_follow_haars_measure(shape):
    drawn = np.stack([draw("initializer", "orthogonal", {}, shape, seed) for seed in range(400)])
    assert haar_pvalue(drawn) > 1e-3


def test_rotations_and_reflections_are_equally_likely():
    drawn = np.stack([draw("initializer", "orthogonal", {}, (6, 6), seed) for seed in range(400)])
    rotations = int((np.linalg.det(drawn) > 0).sum())
    assert stats.binomtest(rotations, 400).pvalue > 1e-3


def test_one_by_one_is_plus_or_minus_the_gain():
    drawn = [draw("initializer", "orthogonal", {"gain": 3.0}, (1, 1), seed).item() for seed in range(400)]
    assert set(np.abs(drawn)) == {3.0}
    assert stats.binomtest(drawn.count(3.0), 400).pvalue > 1e-3


def test_haars_check_catches_the_signs_of_plain_qr():
    gaussian = np.random.default_rng(0).standard_normal((400, 6, 6))
    assert haar_pvalue(np.linalg.qr(gaussian)[0]) < 1e-3


def test_a_hadamard_layer_has_full_rank_whatever_its_shape():
    for fan_in in range(1, 20):
        for fan_out in range(1, 40):
            weights = draw("initializer", "zero_hadamard", {}, (fan_in, fan_out))
            assert np.linalg.matrix_rank(weights) == min(fan_in, fan_out)


def test_the_rank_check_catches_the_constant_layer():
    assert np.linalg.matrix_rank(draw("initializer", "constant", {}, (5, 9))) == 1


# Laws of initializers that set the biases too

PAIRS = [case for case in CASES if isinstance(draw_all(*case, (6, 4)), tuple)]
RANDOM_BIASES = [case for case in PAIRS if case[1] in BIASES and BIASES[case[1]](30, 20, **case[2])]


@each(PAIRS)
def test_the_biases_follow_their_law(kind, name, params):
    assert name in BIASES.keys() | OWN_BIAS_LAWS, "add it to BIASES"
    if name in BIASES:
        shape = (30, LARGE[0] * 50)
        biases, law = draw_all(kind, name, params, shape)[1], BIASES[name](*shape, **params)
        if law is None:
            assert not biases.any()
        else:
            assert mean_is_right(biases, law)
            assert std_is_right(biases, law)
            assert distribution_is_right(biases, law)


@each(RANDOM_BIASES)
def test_the_check_of_biases_catches_those_that_are_five_percent_off(kind, name, params):
    shape = (30, LARGE[0] * 50)
    biases, law = draw_all(kind, name, params, shape)[1], BIASES[name](*shape, **params)
    assert not std_is_right(1.05 * biases, law)


@each(RANDOM_BIASES)
def test_biases_and_weights_share_no_draws(kind, name, params):
    weights, biases = draw_all(kind, name, params, (7, 5))
    factors = biases / weights
    assert len(np.unique(factors.round(9))) == factors.size


# What single schemes promise


def relu_network(name, widths, params=None):
    count = len(widths) - 1
    layers = [Layer(index, count, RELU) for index in range(count)]
    shapes = pairwise(widths)
    return [
        draw("initializer", name, {"layer": layer, **(params or {})}, shape, seed)
        for seed, (layer, shape) in enumerate(zip(layers, shapes, strict=True))
    ]


def additivity_error(network):
    """How far f(x + y) is from f(x) + f(y)."""

    def f(x):
        for weights in network[:-1]:
            x = np.maximum(x @ weights, 0.0)
        return x @ network[-1]

    x, y = np.random.default_rng(9).normal(size=(2, 20, len(network[0])))
    return np.abs(f(x + y) - f(x) - f(y)).max()


@pytest.mark.parametrize("name", ["looks_linear", "gaussian_submatrix"])
def test_a_network_that_looks_linear_is_linear(name):
    network = relu_network(name, [7, *[64] * 29, 3])
    assert len(network) == 30
    assert additivity_error(network) < 1e-10


def test_the_check_of_linearity_catches_one_layer_that_is_not_mirrored():
    network = relu_network("looks_linear", [7, *[64] * 29, 3])
    network[15][0, 0] += 0.1
    assert additivity_error(network) > 1e-10


def test_gaussian_blocks_have_the_variance_of_half_the_width():
    for name, params in [("looks_linear", {"base": "gaussian"}), ("gaussian_submatrix", {})]:
        block = draw("initializer", name, params, LARGE)[:300, :200].ravel()
        assert std_is_right(block, normal(1 / 300))
        assert distribution_is_right(block, normal(1 / 300))


def asymmetric_places(both, gaussian):
    """Rows where ``both``, weights above biases, is not the Gaussian matrix that it began as: one list a unit."""
    return [np.flatnonzero(column).tolist() for column in (both != gaussian).T]


def test_rai_puts_one_beta_number_into_each_unit():
    fan_in, fan_out = 30, 4000
    both = np.vstack(draw_all("initializer", "rai", {}, (fan_in, fan_out)))
    rng = np.random.default_rng(0)
    deviation = 0.6007 / np.sqrt(fan_in)
    uniforms = np.concatenate([rng.random((fan_in, fan_out)), rng.random((1, fan_out))])
    gaussian = deviation * special.ndtri(uniforms)
    places = asymmetric_places(both, gaussian)
    assert all(len(rows) == 1 for rows in places)
    rows = np.ravel(places)
    chosen = both[rows, np.arange(fan_out)]
    assert distribution_is_right(chosen, stats.beta(2, 1))
    assert stats.chisquare(np.bincount(rows, minlength=fan_in + 1)).pvalue > 1e-3
    assert std_is_right(gaussian.ravel(), normal(deviation**2))

    both[(rows[0] + 1) % fan_in, 0] += 1e-9
    assert not all(len(rows) == 1 for rows in asymmetric_places(both, gaussian))
    assert not distribution_is_right(chosen, stats.beta(1, 1))


def test_sparse_weights_follow_their_law_and_stand_anywhere():
    weights = draw("initializer", "sparse", {}, LARGE)
    assert distribution_is_right(weights[weights != 0], normal(1.0))
    assert stats.chisquare(np.count_nonzero(weights, axis=1)).pvalue > 1e-3
    crowded = np.sort(np.abs(weights), axis=0)
    assert stats.chisquare(np.count_nonzero(crowded, axis=1)).pvalue < 1e-3


def test_each_unit_on_the_sphere_points_anywhere():
    weights = draw("initializer", "gaussian_row_normalized", {}, (5, 4000))
    law = stats.beta(2, 2, loc=-1, scale=2)
    assert stats.kstest(weights[0], law.cdf).pvalue > 1e-3
    cube = np.random.default_rng(0).uniform(-1, 1, (5, 4000))
    assert stats.kstest(cube[0] / np.linalg.norm(cube, axis=0), law.cdf).pvalue < 1e-3


def bias_span_error(biases, beta):
    """How far sorted sizes are from evenly spaced over ±beta."""
    steps = np.abs(np.linspace(-1, 1, len(biases)))
    return np.abs(np.abs(biases) / beta - steps).max()


def test_nguyen_widrow_spaces_its_biases_over_the_active_range():
    weights, biases = draw_all("initializer", "nguyen_widrow", {}, (3, 9))
    beta = 2 * 0.7 * 9 ** (1 / 3)
    assert bias_span_error(biases, beta) < 1e-12
    assert (np.sign(biases * weights[0]) == np.sign(np.linspace(-1, 1, 9))).all()
    assert bias_span_error(1.01 * biases, beta) > 1e-3
    assert draw_all("initializer", "nguyen_widrow", {}, (3, 1))[1].item() == 0.0


def test_nguyen_widrow_maps_the_range_of_the_rows_and_drops_what_does_not_vary():
    rows = np.random.default_rng(1).uniform([-1, 5, 0], [3, 7, 0], (50, 3))
    shape = (3, 9)
    weights, biases = draw_all("initializer", "nguyen_widrow", {"layer": Layer(0, 3, SIGMOID, rows)}, shape)
    low, high = rows.min(axis=0), rows.max(axis=0)
    assert not weights[2].any()
    scaled = weights[:2] * (high - low)[:2, None] / 2
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=0), 4 * 0.7 * 9 ** (1 / 2))
    middle = (low + high) / 2 @ weights + biases  # at the middle of the rows, what the spaced biases say
    np.testing.assert_allclose(np.abs(middle), 4 * 0.7 * 3 * np.abs(np.linspace(-1, 1, 9)), atol=1e-12)


def test_nguyen_widrow_centres_its_biases_on_the_active_range():
    shifted = Activation(lambda z, out: np.tanh(z - 1), lambda z, value, out: 1 - value**2)
    assert active_range(shifted) == (-1.0, 3.0)
    biases = draw_all("initializer", "nguyen_widrow", {"layer": Layer(1, 3, shifted)}, (3, 9))[1]
    assert bias_span_error(biases - 1, 2 * 0.7 * 9 ** (1 / 3)) < 1e-12
    assert bias_span_error(biases, 2 * 0.7 * 9 ** (1 / 3)) > 1e-3


def test_nguyen_widrow_signs_its_biases_by_the_first_input_that_varies():
    rows = np.random.default_rng(1).uniform([2, -1, -1], [2, 1, 1], (50, 3))
    weights, biases = draw_all("initializer", "nguyen_widrow", {"layer": Layer(0, 3, TANH, rows)}, (3, 9))
    low, high = rows.min(axis=0), rows.max(axis=0)
    middle = (low + high) / 2 @ weights + biases
    assert (np.sign(middle * weights[1]).round() == np.sign(np.linspace(-1, 1, 9)))[np.abs(middle) > 1e-9].all()


@pytest.mark.parametrize(
    ("phi", "low", "high"), [(TANH, -1, 1), (SIGMOID, 0, 1), (activation("lecun_tanh"), -1.7159, 1.7159)]
)
def test_nguyen_widrow_takes_the_range_of_the_outputs_below(phi, low, high):
    below, shape = Layer(0, 3, phi, np.array([[low] * 3, [high] * 3], float)), (3, 9)
    first, hidden = (draw_all("initializer", "nguyen_widrow", {"layer": x}, shape) for x in (below, Layer(1, 3, phi)))
    for found, wanted in zip(hidden, first, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    wide = Layer(0, 3, phi, np.array([[low - 0.1] * 3, [high] * 3], float))
    assert not np.allclose(hidden[0], draw_all("initializer", "nguyen_widrow", {"layer": wide}, shape)[0])


def test_outputs_without_an_end_count_as_between_minus_1_and_1():
    growing = Activation(lambda z, out: np.sign(z) * np.log1p(np.abs(z)), lambda z, value, out: 1 / (1 + np.abs(z)))
    bump = Activation(lambda z, out: np.exp(-z * z), lambda z, value, out: -2 * z * value)
    assert [output_range(phi) for phi in (growing, RELU, None)] == [(-1.0, 1.0)] * 3
    assert output_range(bump) == (0.0, 1.0)


@pytest.mark.parametrize("layer", [LAST, Layer(1, 3, RELU)], ids=["last", "relu"])
def test_nguyen_widrow_is_even_where_nothing_is_active(layer):
    for drawn in draw_all("initializer", "nguyen_widrow", {"layer": layer}, (20, 4000)):
        assert distribution_is_right(drawn.ravel(), uniform(1.0))
        assert not distribution_is_right(1.1 * drawn.ravel(), uniform(1.0))


@pytest.mark.parametrize(
    ("phi", "reach"), [(TANH, 2.0), (SIGMOID, 4.0), (RELU, None), (LINEAR, None), (activation("elu"), None)]
)
def test_active_ranges_are_those_of_matlab(phi, reach):
    assert active_range(phi) == (None if reach is None else (-reach, reach))


@pytest.mark.parametrize(("phi", "q"), [(RELU, 1.0), (LINEAR, 3.0), (TANH, 1e-6)])
def test_critical_weights_hold_gradients_level(phi, q):
    sigma_w = draw("initializer", "critical", {"layer": Layer(1, 3, phi)}, LARGE).std() * np.sqrt(LARGE[0])
    assert sigma_w**2 * moments(phi, q).slope == pytest.approx(1.0, abs=0.01)
    assert (1.02 * sigma_w) ** 2 * moments(phi, q).slope != pytest.approx(1.0, abs=0.01)


def test_with_biases_the_critical_point_is_a_fixed_point_where_chi_is_1():
    weights = draw("initializer", "critical", {"sigma_b": 0.2}, LARGE)
    variance = weights.var() * LARGE[0]
    q = 1.0
    for _ in range(500):
        q = variance * moments(TANH, q).value + 0.2**2
    assert variance * moments(TANH, q).slope == pytest.approx(1.0, abs=0.01)


# The bias that knows the classes


def prior(targets, fan_out, index=2):
    return draw("bias", "output_prior", {"layer": Layer(index, 3, RELU, targets=targets)}, (5, fan_out))


def test_the_output_prior_makes_the_first_guess_the_share_of_each_class():
    targets = np.eye(3)[[0] * 5 + [1] * 3 + [2] * 2]
    biases = prior(targets, 3)
    np.testing.assert_allclose(np.exp(biases) / np.exp(biases).sum(), [0.5, 0.3, 0.2])
    odds = prior(np.array([[1.0], [0.0], [0.0], [0.0], [0.0]]), 1)
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(0.2)


def test_a_class_without_rows_counts_as_half_a_row():
    np.testing.assert_allclose(prior(np.eye(3)[[0, 0, 0, 1]], 3), np.log([0.75, 0.25, 0.125]))
    np.testing.assert_allclose([prior(np.ones((4, 1)), 1), prior(np.zeros((4, 1)), 1)], [[np.log(8)], [-np.log(7)]])


def test_the_output_prior_refuses_a_layer_without_an_output_a_class():
    with pytest.raises(ShapeError, match="an output for each of the 3 columns"):
        prior(np.eye(3), 2)


# What is told of each


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_each_part_tells_its_formula_family_and_sources(entry):
    bibliography = (files("initbench") / "parts" / "references.bib").read_text(encoding="utf-8")
    assert entry.about.formula
    assert entry.about.family != "other"
    assert [key for key in entry.about.cites if f"{{{key}," not in bibliography] == []


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("Xavier", "glorot_uniform"),
        ("kaiming_normal_", "he_normal"),
        ("MSRA", "he_normal"),
        ("GlorotUniform", "glorot_uniform"),
        ("eye_", "identity"),
        ("edge-of-chaos", "critical"),
        ("nn.Linear", "torch_linear"),
    ],
)
def test_other_libraries_names_lead_to_ours(alias, name):
    assert registry.find("initializer", alias).name == name
