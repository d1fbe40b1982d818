"""Equal cells have equal numbers to the last bit, whatever they are trained beside."""

import numpy as np
import pytest
from networks import mlp_network

from initbench.engine.diagnostics import LayerLog
from initbench.engine.losses import cross_entropy, one_hot
from initbench.engine.network import with_ones
from initbench.engine.train import Data, Recipe, Rows, measure, train
from initbench.registry import entries, find

ROWS, FEATURES, EPOCHS = 90, 12, 2


def rows_of_seed(seed, classes, dtype):
    rng = np.random.default_rng([7, seed])
    x = rng.normal(size=(ROWS, FEATURES)).astype(dtype)
    return Rows(with_ones(x), one_hot(rng.integers(0, classes, ROWS), classes, dtype))


def train_stack(
    networks, *, activation="relu", normalization="none", optimizer="momentum", classes=3, dtype="f4", **extra
):
    """Train networks, given as (seed, place) pairs sorted by seed, and return the trace and the trained numbers."""
    dtype = np.dtype(dtype)
    seeds = list(dict.fromkeys(seed for seed, _ in networks))
    sizes = (FEATURES, 17, 17, 17, 9, 1 if classes == 2 else classes)
    residual, start_scale = extra.pop("residual", "none"), extra.pop("start_scale", 0.3)
    batch_size = extra.pop("batch_size", 32)  # with 89, the last batch of an epoch has one row
    clock, target = extra.pop("clock", None), extra.pop("target", 1.0)
    network = mlp_network(sizes, activation, normalization=normalization, residual=residual)
    parameters = network.parameters(len(networks), dtype)
    for i, (seed, place) in enumerate(networks):
        parameters.flat[i] += np.random.default_rng([seed, place]).normal(
            scale=start_scale, size=network.parameter_count
        )
    parts = [rows_of_seed(seed, classes, dtype) for seed in seeds]
    rows = Rows(np.stack([p.x for p in parts]), np.stack([p.targets for p in parts]))
    orders = [np.random.default_rng([9, seed]) for seed in seeds]
    per_network = {key: np.array([value * (1 + place) for _, place in networks]) for key, value in extra.items()}
    learning_rate = np.array([0.01 * (1 + place) for _, place in networks])
    loss, method = cross_entropy(network.outputs), find("optimizer", optimizer).function()
    recipe = Recipe(loss, method, learning_rate, batch_size, EPOCHS, **per_network)
    recipe = recipe._replace(clock=clock, target=target)
    data = Data(rows, Rows(rows.x[:, :41], rows.targets[:, :41]), Rows(rows.x[:, 41:], rows.targets[:, 41:]))
    log = LayerLog(network, recipe, parameters, rows)
    trace = train(
        network, recipe, parameters, data, lambda: np.stack([rng.permutation(ROWS) for rng in orders]), log.note
    )
    return trace, parameters.flat, log.values


def differing(settings):
    """Networks of a stack of thirty whose bytes differ from those they have alone or in a stack of three."""
    thirty = [(seed, place) for seed in range(6) for place in range(5)]
    stacks = [thirty, thirty[5:8], *([network] for network in thirty[::7])]
    seen = {}
    for stack in stacks:
        trace, flat, layers = train_stack(stack, **settings)
        assert np.isfinite(trace.curves).all()
        for i, network in enumerate(stack):
            arrays = (trace.curves, trace.steps_to_target, trace.test_auc, flat, layers)
            seen.setdefault(network, set()).add(b"".join(array[i].tobytes() for array in arrays))
    return [network for network, results in seen.items() if len(results) > 1]


SETTINGS = [
    *({"activation": entry.name} for entry in entries("activation")),
    *({"optimizer": entry.name} for entry in entries("optimizer")),
    *({"normalization": n, "activation": "tanh"} for n in ("batch", "layer")),
    *({"normalization": n, "classes": 2} for n in ("none", "batch", "layer")),
    {"dtype": "f8", "activation": "tanh"},
    *({"residual": r} for r in ("plain", "scaled", "rezero", "fixup")),
    {"weight_decay": 0.01, "clip_norm": 0.1},
    *({"batch_size": size, "classes": classes} for size in (1, 89) for classes in (2, 3, 10)),
    {"weight_decay": 0.01, "optimizer": "adamw"},
    *({"clock": 1, "target": 0.5, "classes": 2, "normalization": n, "batch_size": 8} for n in ("none", "batch")),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join(f"{k}={v}" for k, v in s.items()))
def test_neighbours_do_not_change_a_network(settings):
    assert differing(settings) == []


def test_the_check_catches_neighbours_that_leak():
    tanh = find("activation", "tanh").function()

    def leaking(z, out):
        return np.multiply(tanh.value(z, out=out), 1 + 1e-6 * len(z), out=out)

    assert differing({"activation": tanh._replace(value=leaking)}) != []


CLOCKED = [
    {"normalization": n, "classes": classes, "batch_size": 8} for n in ("none", "batch", "layer") for classes in (2, 3)
]


def changed_by_a_clock(settings):
    """Networks of a stack whose bytes are others when a clock looks at them, their steps aside; and their steps."""
    stack = [(seed, place) for seed in range(3) for place in range(5)]
    plain, clocked = (
        train_stack(stack, **settings, **clock)
        for clock in ({}, {"clock": 1, "target": 1 / settings["classes"] + 0.05})
    )
    seen = [(trace.curves, trace.test_auc, flat, layers) for trace, flat, layers in (plain, clocked)]
    changed = [
        network
        for i, network in enumerate(stack)
        if any(a[i].tobytes() != b[i].tobytes() for a, b in zip(*seen, strict=True))
    ]
    return changed, clocked[0].steps_to_target


@pytest.mark.parametrize("settings", CLOCKED, ids=lambda s: f"{s['normalization']}-{s['classes']}")
def test_a_clock_changes_no_other_number(settings):
    changed, steps = changed_by_a_clock(settings)
    assert changed == []
    assert len(set(steps)) > 2


def test_the_check_catches_a_look_that_touches_a_weight(monkeypatch):
    def touching(network, loss, parameters, data, parts=()):
        parameters.flat[2, 0] *= 1 + 1e-6 * bool(parts)
        return measure(network, loss, parameters, data, parts)

    monkeypatch.setattr("initbench.engine.train.measure", touching)
    assert changed_by_a_clock(CLOCKED[0])[0] == [(0, 2)]


def test_a_network_that_diverges_does_not_disturb_its_neighbours():
    calm = [(0, 0), (0, 1)]
    alone, flat_alone, _ = train_stack(calm)
    trace, flat, _ = train_stack([*calm, (0, 10**12)])
    assert list(trace.diverged) == [-1, -1, 1]
    assert np.isfinite(trace.curves[2, 0]).all()
    assert np.isnan(trace.curves[2, 1:]).all()
    assert trace.curves[:2].tobytes() == alone.curves.tobytes()
    assert flat[:2].tobytes() == flat_alone.tobytes()


def test_a_network_that_starts_beyond_all_numbers_diverges_at_epoch_zero():
    trace, *_ = train_stack([(0, 0), (0, 1)], start_scale=1e30)
    assert list(trace.diverged) == [0, 0]
    assert np.isnan(trace.curves).all()
