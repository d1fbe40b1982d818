"""What holds for every registered optimizer: what ``initbench check`` looks at, and the textbook.

Each law comes with a fault that it has to catch; those of ``initbench check`` are in ``tests/catalogue/test_laws.py``.
"""

import numpy as np
import pytest

from initbench import registry
from initbench.catalogue.laws import broken_laws

CURVATURE = np.linspace(0.5, 2.0, 6)
FURTHER = [
    ("momentum", {"momentum": 0.0}),
    ("momentum", {"momentum": 0.5}),
    ("nesterov", {"momentum": 0.0}),
    ("nesterov", {"momentum": 0.5}),
    ("rmsprop", {"decay": 0.9, "epsilon": 1e-3}),
    ("adam", {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}),
    ("adamw", {"beta1": 0.0, "beta2": 0.0, "epsilon": 1e-2}),
]
CASES = [(e.name, {}) for e in registry.entries("optimizer") if not e.fingerprint] + FURTHER
every = pytest.mark.parametrize(
    ("name", "params"), CASES, ids=["-".join([n, *(f"{k}={v:g}" for k, v in p.items())]) for n, p in CASES]
)


def make(name, params):
    return registry.find("optimizer", name).function(**params)


def scaled(optimizer, factor):
    """The same optimizer with every step longer by ``factor``: a planted fault."""
    return optimizer._replace(step=lambda w, g, s, rate, count: optimizer.step(w, g, s, factor * rate, count))


def descend(optimizer, weights, rates, steps):
    """Rows of weights after so many steps down the bowl 1/2 sum CURVATURE w**2, a learning rate a row."""
    weights = weights.copy()
    states = [np.zeros_like(weights) for _ in range(optimizer.states)]
    learning_rate = np.array(rates, weights.dtype)[:, None]
    for count in range(1, steps + 1):
        optimizer.step(weights, CURVATURE.astype(weights.dtype) * weights, states, learning_rate, count)
    return weights


def rows(m, dtype=np.float64):
    return np.random.default_rng(0).normal(size=(m, CURVATURE.size)).astype(dtype)


@pytest.mark.parametrize("name", [e.name for e in registry.entries("optimizer") if not e.fingerprint])
def test_each_keeps_the_laws(name):
    assert broken_laws(registry.find("optimizer", name)) == []


# Types


@every
def test_float32_is_right_to_its_rounding(name, params):
    optimizer = make(name, params)
    narrow = descend(optimizer, rows(2, np.float32), [0.01] * 2, 50)
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, descend(optimizer, rows(2), [0.01] * 2, 50), atol=2e-5)


@every
def test_a_gradient_of_zero_does_no_harm(name, params):
    optimizer = make(name, params)
    weights = np.zeros((1, CURVATURE.size), np.float32)
    assert not descend(optimizer, weights, [0.1], 3).any()


# Textbooks, one number at a time


def textbook_sgd(rate):
    return lambda g, t: rate * g


def textbook_momentum(rate, momentum=0.9):
    v = 0.0

    def step(g, t):
        nonlocal v
        v = momentum * v + g
        return rate * v

    return step


def textbook_nesterov(rate, momentum=0.9):
    v = 0.0

    def step(g, t):
        nonlocal v
        v = momentum * v + g
        return rate * (g + momentum * v)

    return step


def textbook_rmsprop(rate, decay=0.99, epsilon=1e-8):
    s = 0.0

    def step(g, t):
        nonlocal s
        s = decay * s + (1 - decay) * g**2
        return rate * g / (s**0.5 + epsilon)

    return step


def textbook_adam(rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    u = s = 0.0

    def step(g, t):
        nonlocal u, s
        u = beta1 * u + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        return rate * (u / (1 - beta1**t)) / ((s / (1 - beta2**t)) ** 0.5 + epsilon)

    return step


TEXTBOOK = {
    "sgd": textbook_sgd,
    "momentum": textbook_momentum,
    "nesterov": textbook_nesterov,
    "rmsprop": textbook_rmsprop,
    "adam": textbook_adam,
    "adamw": textbook_adam,
}


def textbook_error(optimizer, name, params):
    weights, rates = rows(3), [0.01, 0.05, 0.002]
    expected = weights.copy()
    for i, rate in enumerate(rates):
        for j, curvature in enumerate(CURVATURE):
            step = TEXTBOOK[name](rate, **params)
            for t in range(1, 51):
                expected[i, j] -= step(curvature * expected[i, j], t)
    return np.abs(descend(optimizer, weights, rates, 50) - expected).max()


@every
def test_it_equals_the_textbook(name, params):
    assert textbook_error(make(name, params), name, params) < 1e-13


@every
def test_the_textbook_catches_a_step_off_by_a_millionth(name, params):
    assert textbook_error(scaled(make(name, params), 1 + 1e-6), name, params) > 1e-13


def test_the_textbook_catches_a_count_that_starts_at_zero():
    adam = make("adam", {})
    late = adam._replace(step=lambda w, g, s, rate, count: adam.step(w, g, s, rate, count + 1))
    assert textbook_error(late, "adam", {}) > 1e-13


def test_only_adamw_shrinks_the_weights_themselves():
    assert [name for name, params in CASES if not params and make(name, params).decoupled_decay] == ["adamw"]
