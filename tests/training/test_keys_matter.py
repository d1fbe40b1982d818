"""Each key of a config reaches the training of its own cell."""

import numpy as np
import pytest

from initbench import run
from initbench.config.keys import KEYS
from initbench.contracts import METRICS, Fraction, Positive
from initbench.engine.blocks.activation import Activate
from initbench.engine.blocks.dense import Dense
from initbench.engine.blocks.dropout import Dropout
from initbench.engine.blocks.residual import Residual
from initbench.registry import architecture
from initbench.training.runner import Progress

CONFIG = """\
depth: 3
width: 8
epochs: 2
seeds: 1
train_rows: 60
batch_size: 20
"""

# For each key values that differ, by name or by a parameter alone; no two may give the same curves.
VALUES = {
    "dataset": "[digits, {npz: rows.npz}]",
    "architecture": "[mlp, linear_mlp, {linear_mlp: {scale: 0.5}}]",
    "depth": "[1, 3]",
    "width": "[8, 9]",
    "hidden": "[[8, 8], [8, 9]]",
    "activation": "[relu, tanh, leaky_relu, {leaky_relu: {slope: 0.3}}]",
    "initializer": "[he_normal, orthogonal, {normal: {std: 0.1}}, {normal: {std: 0.2}}]",
    "output_initializer": "[same, zeros, {normal: {std: 0.1}}, {normal: {std: 0.2}}]",
    "bias": "[zeros, {constant: {value: 0.1}}, {constant: {value: 0.2}}]",
    "normalization": "[none, batch, layer]",
    "residual": "[none, plain, scaled, rezero, fixup]",
    "dropout": "[0, 0.1, 0.2]",
    "schedule": "[constant, cosine, {step: {every: 2}}, {step: {every: 1}}, {warmup: {steps: 3}}]",
    "optimizer": "[sgd, momentum, {momentum: {momentum: 0.5}}, nesterov, rmsprop, adam, {adam: {beta1: 0.5}}]",
    "learning_rate": "[0.1, 0.2]",
    "batch_size": "[20, 25]",
    "clip_norm": "[null, 0.1, 0.2]",
    "weight_decay": "[0, 0.1, 0.2]",
    "scaling": "[standard, unit, none]",
    "train_rows": "[60, 61, all]",
    "dtype": "[float32, float64]",
}


class Counting(Progress):
    """Counts the stacks."""

    stacks = 0

    def finish(self, cells, records):
        self.stacks += 1


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.yaml"
    path.write_text(CONFIG)
    return path


def curves(results):
    """The bytes of the curves of each cell."""
    table = results.curves.set_index(["cell", "epoch"])[list(METRICS)].sort_index()
    return {cell: rows.to_numpy().tobytes() for cell, rows in table.groupby(level=0)}


def write_rows(path, train_counts, test_counts):
    """Images with so many of each class."""
    rng = np.random.default_rng(0)
    y_train, y_test = (np.repeat(np.arange(len(counts)), counts) for counts in (train_counts, test_counts))
    images = {
        f"x_{part}": rng.integers(0, 256, (len(y), 2, 2), np.uint8)
        for part, y in zip(("train", "test"), (y_train, y_test), strict=True)
    }
    np.savez(path, **images, y_train=y_train, y_test=y_test)


@pytest.fixture(autouse=True)
def _other_architectures():
    """An mlp without activations, and one whose dropout is a parameter of its own."""

    @architecture("linear_mlp")
    def linear_mlp(rows, outputs, *, hidden, scale: Positive = 1.0):
        return [*map(Dense, hidden), Residual(((Dense(hidden[-1]),),), scale), Dense(outputs)]

    @architecture("own_dropout")
    def own_dropout(rows, outputs, *, hidden, activation, rate: Fraction = 0.0):
        layers = [(Dense(width), Activate(activation), Dropout(rate)) for width in hidden]
        return [*(block for layer in layers for block in layer), Dense(outputs)]


def test_every_key_that_sweeps_has_its_values_here():
    assert set(VALUES) == {key.name for key in KEYS.values() if key.sweeps}


@pytest.mark.parametrize("key", VALUES)
def test_each_value_of_a_key_trains_another_network(config, key):
    if key == "dataset":
        write_rows("rows.npz", [40, 40], [10, 10])
    results = run(config, changes=[f"{key}={VALUES[key]}"])
    assert set(results.runs["status"]) == {"ok"}
    assert len(results.runs) > 1
    assert len(set(curves(results).values())) == len(results.runs)


@pytest.mark.parametrize(("own", "key", "are_equal"), [(0.0, 0.0, True), (0.3, 0.3, True), (0.3, 0.0, False)])
def test_dropout_by_a_parameter_of_an_architecture_is_that_of_the_key(config, own, key, are_equal):
    changes = f"architecture={{own_dropout: {{rate: {own}}}}}", f"dropout={key}"
    one, other = (list(curves(run(config, changes=[each], results=each[:4])).values()) for each in changes)
    assert (one == other) == are_equal


@pytest.mark.parametrize("key", ["learning_rate", "weight_decay", "clip_norm"])
def test_a_swept_cell_equals_the_same_cell_alone(config, key):
    values, progress = ["0.3", "0.1", "0.2"], Counting()
    together = curves(run(config, changes=[f"{key}=[{', '.join(values)}]"], results="together", progress=progress))
    assert (len(together), progress.stacks) == (3, 1)
    alone = {}
    for value in values:
        alone |= curves(run(config, changes=[f"{key}={value}"], results=f"alone-{value}"))
    assert alone == together


def test_a_diverged_cell_answers_the_commonest_class_of_the_training_rows(config):
    write_rows("rows.npz", [60, 30, 10], [4, 10, 6])
    results = run(config, changes=["dataset={npz: rows.npz}", "learning_rate=1e30"])
    assert results.runs["status"].tolist() == ["diverged"]
    assert results.accuracy["test_accuracy_mean"].tolist() == [4 / 20]
    assert results.accuracy["best_valid_accuracy_mean"].tolist() == [6 / 10]
