"""What holds for every registered initializer of whole networks; a new one is tested by being registered."""

import typing

import numpy as np
import pytest
from networks import fill, make_network

from initbench import registry, run
from initbench.catalogue.laws import broken_laws, remarks
from initbench.contracts import METRICS
from initbench.errors import ShapeError
from initbench.training import stack as stacks
from initbench.training.untrained import draw_start

ENTRIES = [e for e in registry.entries("initializer") if e.scope == "network" and not e.fingerprint]
SCHEMES = [e.name for e in ENTRIES if not any(p.is_required for p in e.parameters.values())]  # others need a file
ACTIVATIONS = [e.name for e in registry.entries("activation") if not e.fingerprint]
FEW = {"steps": 3, "iters": 3}  # of the schemes that search
SIZES = (6, 8, 8, 3)
EDGES = {
    "no hidden layer": {"sizes": (6, 3)},
    "one hidden layer": {"sizes": (6, 8, 3)},
    "twenty hidden layers": {"sizes": (6, *[8] * 20, 3)},
    "width one": {"sizes": (6, 1, 1, 3)},
    "one input": {"sizes": (1, 8, 8, 3)},
    "wider than rows": {"sizes": (6, 40, 40, 3), "n": 12},
    "two classes": {"sizes": (6, 8, 1)},
    "two classes, no hidden layer": {"sizes": (6, 1)},
    "batch normalization": {"normalization": "batch"},
    "layer normalization": {"normalization": "layer"},
    **{f"residual {kind}": {"residual": kind} for kind in ("plain", "scaled", "rezero", "fixup")},
    "residual with batch normalization": {"residual": "plain", "normalization": "batch"},
    "random biases": {"bias": "normal"},
    "one row": {"n": 1},
    "three rows": {"n": 3},
    "one row, batch normalization": {"n": 1, "normalization": "batch"},
    "columns of zeros": {"x": np.random.default_rng(0).standard_normal((50, 6)) * [1, 0, 1, 0, 0, 1]},
    "columns of ones": {"x": np.where(np.arange(6) % 2, np.random.default_rng(0).standard_normal((50, 6)), 1.0)},
    "all zeros": {"x": np.zeros((20, 6))},
    "all rows alike": {"x": np.tile(np.random.default_rng(0).standard_normal(6), (20, 1))},
    "large inputs": {"x": 1e6 * np.random.default_rng(0).standard_normal((50, 6))},
    "small inputs": {"x": 1e-6 * np.random.default_rng(0).standard_normal((50, 6))},
}
each_scheme = pytest.mark.parametrize("name", SCHEMES)


def quick(name):
    """Parameters with which a scheme is soon done."""
    return {key: value for key, value in FEW.items() if key in registry.find("initializer", name).parameters}


def is_sound(network):
    numbers = (*network.weights, *network.biases, network.preactivation(len(network.weights) - 1))
    return all(np.isfinite(array).all() for array in numbers)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.name in SCHEMES], ids=lambda entry: entry.name)
def test_each_keeps_the_laws_and_draws_by_its_seed(entry):
    assert broken_laws(entry) == []
    assert [remark for remark in remarks(entry) if "start alike" in remark] == []


@each_scheme
@pytest.mark.parametrize("edge", EDGES)
def test_all_numbers_are_finite_whatever_the_network_and_the_rows(name, edge):
    sizes = EDGES[edge].get("sizes", SIZES)
    network = make_network(**{"sizes": sizes, "n": 50, **EDGES[edge]})
    try:
        assert is_sound(fill(name, network, **quick(name)))
    except ShapeError:
        assert any(width % 2 for width in sizes[1:-1])


@each_scheme
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_all_numbers_are_finite_whatever_the_activation(name, activation):
    assert is_sound(fill(name, make_network((6, *[10] * 20, 3), activation, n=20), **quick(name)))


def test_the_check_of_numbers_catches_one_that_is_not_finite():
    network = fill("lsuv", make_network(SIZES))
    network.weights[1][0, 0] = np.nan
    assert not is_sound(network)


def choices(parameter):
    """The values of a parameter that is a choice of words, or yes or no."""
    if parameter.types == (bool,):
        return [True, False]
    return [word for option in parameter.types for word in typing.get_args(option)]


@each_scheme
def test_every_choice_of_words_works(name):
    for parameter in registry.find("initializer", name).parameters.values():
        for value in choices(parameter):
            network = make_network(SIZES, "tanh", n=30)
            assert is_sound(fill(name, network, **quick(name) | {parameter.name: value}))


# In experiments

CONFIG = """\
dataset: digits
depth: 2
width: 12
activation: tanh
initializer: [{names}]
learning_rate: 0.1
epochs: 1
seeds: 2
train_rows: 200
"""


@pytest.fixture
def run_schemes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run_them(names, results):
        (tmp_path / "schemes.yaml").write_text(CONFIG.format(names=", ".join(names)))
        return run("schemes.yaml", results=results)

    return run_them


def numbers(results):
    table = results.curves.set_index(["cell", "epoch"])[list(METRICS)].sort_index()
    return {cell: rows.to_numpy().tobytes() for cell, rows in table.groupby(level=0)}


def test_all_train_and_their_numbers_do_not_depend_on_their_neighbours(run_schemes):
    together = run_schemes(["he_normal", *SCHEMES], "together")
    assert set(together.runs["status"]) == {"ok"}
    every = numbers(together)
    assert len(set(every.values())) == len(every)
    for part in (0, 1):  # schemes are trained beside others than before, in stacks of other heights
        assert numbers(run_schemes(SCHEMES[part::2], f"part-{part}")).items() <= every.items()


def test_they_are_shown_training_rows_alone(run_schemes, monkeypatch):
    shown = []

    def record(cell, network, parameters, place, x, targets):
        shown.append(x)
        draw_start(cell, network, parameters, place, x, targets)

    def record_split(*arguments, **options):
        parts.append(real_split(*arguments, **options))
        return parts[-1]

    parts, real_split = [], stacks.split
    monkeypatch.setattr(stacks, "draw_start", record)
    monkeypatch.setattr(stacks, "split", record_split)
    run_schemes(["weight_norm"], "watched")
    assert len(shown) == len(parts) == 2
    for x, part in zip(shown, parts, strict=True):
        assert np.array_equal(x, part.x_train)
        assert not np.array_equal(x[: len(part.x_valid)], part.x_valid[: len(x)])
