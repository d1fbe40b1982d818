"""The parts that JAX, Keras and scikit-learn have too, compared with theirs; pip install jax keras."""

import os

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from initbench import registry
from initbench.contracts import Layer

SHAPE = (600, 400)
SEEDS = 5


def draws(name, params):
    function = registry.find("initializer", name).function
    return np.stack([weights(function(SHAPE, np.random.default_rng(seed), **params)) for seed in range(SEEDS)])


def weights(drawn):
    return drawn[0] if isinstance(drawn, tuple) else drawn


@pytest.fixture(scope="session")
def jax_draws():
    jax = pytest.importorskip("jax", reason="JAX is not installed, so nothing is compared with it")

    def draw(make):
        keys = jax.random.split(jax.random.key(0), SEEDS)
        return np.stack([np.asarray(make(jax.nn.initializers)(key, SHAPE), float) for key in keys])

    return draw


@pytest.fixture(scope="session")
def keras_draws():
    pytest.importorskip("jax", reason="JAX, on which Keras runs here, is not installed, so Keras is not compared")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras", reason="Keras is not installed, so nothing is compared with it")

    def draw(make):
        return np.stack([np.asarray(make(keras.initializers, seed)(SHAPE), float) for seed in range(SEEDS)])

    return draw


def truncated(scale, mode):
    return {"scale": scale, "mode": mode, "distribution": "truncated_normal"}


def scaled(scale, mode, distribution):
    return {"scale": scale, "mode": mode, "distribution": distribution}


# Whether all draws are bounded, so that their largest can be compared too.
JAX = [
    ("variance_scaling", truncated(2.0, "fan_in"), lambda i: i.he_normal(), True),
    ("variance_scaling", truncated(1.0, "fan_avg"), lambda i: i.glorot_normal(), True),
    ("variance_scaling", truncated(1.0, "fan_in"), lambda i: i.lecun_normal(), True),
    ("flax_dense", {}, lambda i: i.lecun_normal(), True),
    ("he_uniform", {}, lambda i: i.he_uniform(), True),
    ("glorot_uniform", {}, lambda i: i.glorot_uniform(), True),
    ("lecun_uniform", {}, lambda i: i.lecun_uniform(), True),
    ("he_normal", {}, lambda i: i.variance_scaling(2.0, "fan_in", "normal"), False),
    ("he_fan_out", {}, lambda i: i.variance_scaling(2.0, "fan_out", "normal"), False),
    ("he_fan_avg", {}, lambda i: i.variance_scaling(2.0, "fan_avg", "normal"), False),
    ("glorot_geo", {}, lambda i: i.variance_scaling(1.0, "fan_geo_avg", "normal"), False),
    ("bottou", {}, lambda i: i.variance_scaling(1.8881, "fan_in", "uniform"), True),
    ("boers", {}, lambda i: i.variance_scaling(3.0, "fan_in", "uniform"), True),
    ("wessels", {"amplitude": 0.5}, lambda i: i.variance_scaling(0.75, "fan_in", "uniform"), True),
    ("uniform_unit_scaling", {"factor": 1.43}, lambda i: i.variance_scaling(1.43**2, "fan_in", "uniform"), True),
    ("glorot_gain", {"gain": 5 / 3}, lambda i: i.variance_scaling(25 / 9, "fan_avg", "uniform"), True),
    ("truncated_normal", {"std": 0.01}, lambda i: i.truncated_normal(), True),
    (
        "truncated_normal",
        {"std": 0.1, "low": -1.0, "high": 3.0},
        lambda i: i.truncated_normal(0.1, lower=-1.0, upper=3.0),
        True,
    ),
    ("uniform", {"low": 0.0, "high": 0.01}, lambda i: i.uniform(), True),
    ("normal", {"std": 0.01}, lambda i: i.normal(), False),
    ("orthogonal", {"gain": 1.5}, lambda i: i.orthogonal(1.5), False),
]
KERAS = [
    ("variance_scaling", truncated(2.0, "fan_in"), lambda i, s: i.HeNormal(seed=s), True),
    ("variance_scaling", truncated(1.0, "fan_avg"), lambda i, s: i.GlorotNormal(seed=s), True),
    ("variance_scaling", truncated(1.0, "fan_in"), lambda i, s: i.LecunNormal(seed=s), True),
    ("he_uniform", {}, lambda i, s: i.HeUniform(seed=s), True),
    ("glorot_uniform", {}, lambda i, s: i.GlorotUniform(seed=s), True),
    ("keras_dense", {}, lambda i, s: i.GlorotUniform(seed=s), True),
    ("lecun_uniform", {}, lambda i, s: i.LecunUniform(seed=s), True),
    *[
        ("variance_scaling", scaled(3.0, mode, ours), lambda i, s, m=mode, d=theirs: i.VarianceScaling(3.0, m, d, s), b)
        for mode, ours, theirs, b in [
            ("fan_out", "normal", "untruncated_normal", False),
            ("fan_avg", "uniform", "uniform", True),
            ("fan_in", "truncated_normal", "normal", True),
        ]
    ],
    ("truncated_normal", {}, lambda i, s: i.TruncatedNormal(seed=s), True),
    ("bottou", {}, lambda i, s: i.VarianceScaling(1.8881, "fan_in", "uniform", s), True),
    ("boers", {}, lambda i, s: i.VarianceScaling(3.0, "fan_in", "uniform", s), True),
    ("thimm_fiesler", {}, lambda i, s: i.RandomUniform(-0.77, 0.77, s), True),
    ("u01", {}, lambda i, s: i.RandomUniform(0.0, 1.0, s), True),
    ("n001", {}, lambda i, s: i.RandomNormal(0.0, 0.01, s), False),
    ("msra_prelu", {}, lambda i, s: i.VarianceScaling(1.8824, "fan_avg", "untruncated_normal", s), False),
    ("glorot_gain", {"gain": 5 / 3}, lambda i, s: i.VarianceScaling(25 / 9, "fan_avg", "uniform", s), True),
    ("uniform", {}, lambda i, s: i.RandomUniform(seed=s), True),
    ("normal", {}, lambda i, s: i.RandomNormal(seed=s), False),
    ("orthogonal", {"gain": 1.5}, lambda i, s: i.Orthogonal(1.5, seed=s), False),
    ("identity", {}, lambda i, s: i.Identity(), False),
]


def names(rows):
    return [f"{name}-{'-'.join(map(str, params.values()))}" for name, params, *_ in rows]


def assert_alike(ours, theirs, is_bounded):
    assert ours.std() == pytest.approx(theirs.std(), rel=0.005)
    if is_bounded:
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)


@pytest.mark.parametrize(("name", "params", "make", "is_bounded"), JAX, ids=names(JAX))
def test_deviation_and_bound_are_those_of_jax(jax_draws, name, params, make, is_bounded):
    assert_alike(draws(name, params), jax_draws(make), is_bounded)


@pytest.mark.parametrize(("name", "params", "make", "is_bounded"), KERAS, ids=names(KERAS))
def test_deviation_and_bound_are_those_of_keras(keras_draws, name, params, make, is_bounded):
    assert_alike(draws(name, params), keras_draws(make), is_bounded)


def test_the_comparison_catches_truncation_that_is_not_made_up_for():
    haiku, flax = draws("haiku_linear", {}), draws("flax_dense", {})
    with pytest.raises(AssertionError):
        assert_alike(haiku, flax, is_bounded=False)


def test_the_comparison_catches_tails_that_are_not_cut():
    with pytest.raises(AssertionError):
        assert_alike(draws("lecun_normal", {}), draws("flax_dense", {}), is_bounded=True)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_the_defaults_of_scikit_learn(activation):
    peer = MLPClassifier([300], activation=activation, max_iter=1, learning_rate_init=1e-12, random_state=0, alpha=0.0)
    rng = np.random.default_rng(0)
    peer.partial_fit(rng.normal(size=(10, 400)), np.arange(10), classes=np.arange(10))
    ours_named = {"logistic": "sigmoid"}.get(activation, activation)
    layer = Layer(0, 2, registry.find("activation", ours_named).function())
    ours = registry.find("initializer", "sklearn_mlp").function((400, 300), rng, layer=layer)
    for drawn, theirs in zip(ours, (peer.coefs_[0], peer.intercepts_[0]), strict=True):
        assert np.abs(drawn).max() == pytest.approx(np.abs(theirs).max(), rel=0.02)
        assert drawn.std() == pytest.approx(theirs.std(), rel=0.005 if drawn.ndim == 2 else 0.15)
