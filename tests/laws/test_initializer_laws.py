"""What holds for every registered initializer of weights and biases, each law with a fault that it has to catch.

A new initializer is tested by being registered. If it draws at random it also needs a row in ``DRAWS``, the law of one
weight, or in ``MATRICES``, a law of the whole matrix.
"""

import numpy as np
import pytest
from scipy import stats

from initbench import registry
from initbench.errors import ParameterError, ShapeError

SHAPES = [(1, 1), (1, 7), (7, 1), (40, 3), (3, 40), (6, 6), (0, 4), (4, 0), (0, 0)]
LARGE = (600, 400)


def uniform(limit):
    return stats.uniform(-limit, 2 * limit)


def normal(variance, mean=0.0):
    return stats.norm(mean, np.sqrt(variance))


# The distribution of one weight of a layer of fan_in i and fan_out o: weights are independent and all follow it.
DRAWS = {
    ("initializer", "uniform"): lambda i, o, low=-0.05, high=0.05: stats.uniform(low, high - low),
    ("initializer", "normal"): lambda i, o, mean=0.0, std=0.05: normal(std**2, mean),
    ("initializer", "truncated_normal"): lambda i, o, mean=0.0, std=0.05: stats.truncnorm(-2, 2, mean, std),
    ("initializer", "lecun_normal"): lambda i, o, gain=1.0: normal(gain / i),
    ("initializer", "lecun_uniform"): lambda i, o, gain=1.0: uniform(np.sqrt(3 * gain / i)),
    ("initializer", "bengio_uniform"): lambda i, o: uniform(1 / np.sqrt(i)),
    ("initializer", "glorot_normal"): lambda i, o, gain=1.0: normal(gain * 2 / (i + o)),
    ("initializer", "glorot_uniform"): lambda i, o, gain=1.0: uniform(np.sqrt(gain * 6 / (i + o))),
    ("initializer", "he_normal"): lambda i, o, gain=2.0: normal(gain / i),
    ("initializer", "he_uniform"): lambda i, o, gain=2.0: uniform(np.sqrt(3 * gain / i)),
    ("bias", "normal"): lambda i, o, mean=0.0, std=0.05: normal(std**2, mean),
    ("bias", "uniform"): lambda i, o, limit=None: uniform(1 / np.sqrt(i) if limit is None else limit),
}


def orthogonality_error(weights, gain=1.0):
    """How far the shorter side's vectors are from being orthogonal and of length ``gain``."""
    tall = weights if weights.shape[0] >= weights.shape[1] else weights.T
    return np.abs(tall.T @ tall - gain**2 * np.eye(tall.shape[1])).max(initial=0.0)


# The error of a whole matrix, 0 where it obeys its law.
MATRICES = {
    ("initializer", "orthogonal"): orthogonality_error,
    ("initializer", "identity"): lambda w, gain=1.0: np.abs(w - np.diag([gain] * max(w.shape))[: len(w), : len(w.T)]),
    ("initializer", "zeros"): np.abs,
    ("initializer", "constant"): lambda w, value=0.05: np.abs(w - value),
    ("bias", "zeros"): np.abs,
    ("bias", "constant"): lambda b, value=0.01: np.abs(b - value),
}

FURTHER = [
    ("initializer", "constant", {"value": -2.0}),
    ("initializer", "uniform", {"low": 0.0, "high": 1.0}),
    ("initializer", "uniform", {"low": -0.3, "high": 0.3}),
    ("initializer", "uniform", {"low": -1.0, "high": 1.0}),
    ("initializer", "normal", {"mean": 0.5, "std": 1.0}),
    ("initializer", "truncated_normal", {"mean": -1.0, "std": 2.0}),
    ("initializer", "lecun_normal", {"gain": 0.5}),
    ("initializer", "lecun_uniform", {"gain": 3.0}),
    ("initializer", "glorot_normal", {"gain": 25 / 9}),
    ("initializer", "glorot_uniform", {"gain": 16.0}),
    ("initializer", "he_normal", {"gain": 1.5}),
    ("initializer", "he_uniform", {"gain": 1.5}),
    ("initializer", "orthogonal", {"gain": np.sqrt(2.0)}),
    ("initializer", "identity", {"gain": 0.1}),
    ("bias", "constant", {"value": 0.5}),
    ("bias", "normal", {"mean": 1.0, "std": 0.2}),
    ("bias", "uniform", {"limit": 3.0}),
]
ENTRIES = [e for kind in ("initializer", "bias") for e in registry.entries(kind) if not e.fingerprint]
CASES = [(e.kind, e.name, {}) for e in ENTRIES if not any(p.is_required for p in e.parameters.values())] + FURTHER
DRAWN = [case for case in CASES if case[:2] in DRAWS]


def each(cases):
    ids = ["-".join([kind, name, *(f"{k}={v:.3g}" for k, v in params.items())]) for kind, name, params in cases]
    return pytest.mark.parametrize(("kind", "name", "params"), cases, ids=ids)


def draw(kind, name, params, shape, seed=0):
    return registry.find(kind, name).function(shape, np.random.default_rng(seed), **params)


def is_random(kind, name, params):
    return draw(kind, name, params, (5, 4), 0).tobytes() != draw(kind, name, params, (5, 4), 1).tobytes()


# Laws of all


def lacks_a_law(case):
    return is_random(*case) and case[:2] not in DRAWS.keys() | MATRICES.keys()


@each(CASES)
def test_what_is_random_states_its_law(kind, name, params):
    assert not lacks_a_law((kind, name, params)), "add it to DRAWS or MATRICES"


def test_a_random_initializer_without_a_law_is_caught(monkeypatch):
    monkeypatch.delitem(DRAWS, ("initializer", "he_normal"))
    assert lacks_a_law(("initializer", "he_normal", {}))


@each(CASES)
@pytest.mark.parametrize("shape", SHAPES)
def test_shape_and_type_are_right_and_all_numbers_finite(kind, name, params, shape):
    drawn = draw(kind, name, params, shape)
    assert drawn.shape == (shape if kind == "initializer" else shape[1:])
    assert drawn.dtype == np.float64
    assert np.isfinite(drawn).all()


@each(CASES)
def test_the_same_seed_gives_the_same_bytes_and_a_fresh_array(kind, name, params):
    first, second = draw(kind, name, params, (9, 5)), draw(kind, name, params, (9, 5))
    assert first.tobytes() == second.tobytes()
    assert not np.shares_memory(first, second)


@each(CASES)
@pytest.mark.parametrize("shape", [(-1, 2), (2, -1), (3,), (2, 2, 2), (2.5, 2), 7, "ab", None])
def test_a_shape_that_cannot_be_is_refused(kind, name, params, shape):
    with pytest.raises(ShapeError, match="shape is"):
        draw(kind, name, params, shape)


def test_the_bounds_of_uniform_must_be_in_order():
    with pytest.raises(ParameterError, match="low is 1 and must be below high, which is 0"):
        draw("initializer", "uniform", {"low": 1.0, "high": 0.0}, (2, 2))


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
    rounding = 1e-15 * (high - low)
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


@each(DRAWN)
def test_the_law_checks_catch_draws_that_are_one_percent_off(kind, name, params):
    drawn, law = sample(kind, name, params)
    assert not mean_is_right(drawn + 0.02 * law.std(), law)
    assert not std_is_right(law.mean() + 1.01 * (drawn - law.mean()), law)
    if np.isfinite(law.support()).all():
        assert not support_is_right(law.mean() + 1.01 * (drawn - law.mean()), law)


@each(DRAWN)
def test_the_distribution_check_catches_another_shape_of_the_same_variance(kind, name, params):
    drawn, law = sample(kind, name, params)
    wrong = stats.logistic(law.mean(), law.std() * np.sqrt(3) / np.pi).ppf(law.cdf(drawn))
    assert std_is_right(wrong, stats.logistic(law.mean(), law.std() * np.sqrt(3) / np.pi))
    assert not distribution_is_right(wrong, law)


def test_truncation_leaves_88_percent_of_the_deviation():
    drawn = draw("initializer", "truncated_normal", {"std": 1.0}, LARGE)
    assert drawn.std() == pytest.approx(0.87962566103423978, rel=0.005)


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

    for kind, name, params in DRAWN:
        drawn = registry.find(kind, name).function((2, 2), Extremes(), **params)
        assert np.isfinite(drawn).all()
        assert support_is_right(drawn, DRAWS[kind, name](2, 2, **params))


# Laws of whole matrices


@each([case for case in CASES if case[:2] in MATRICES])
@pytest.mark.parametrize("shape", [*SHAPES, (64, 64), (200, 30), (30, 200)])
def test_the_matrix_obeys_its_law(kind, name, params, shape):
    assert np.all(MATRICES[kind, name](draw(kind, name, params, shape), **params) < 1e-12)


@each([case for case in CASES if case[:2] in MATRICES])
def test_the_matrix_check_catches_one_number_that_is_off(kind, name, params):
    wrong = draw(kind, name, params, (4, 3))
    wrong[-1] += 1e-6
    assert np.any(MATRICES[kind, name](wrong, **params) > 1e-12)


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
