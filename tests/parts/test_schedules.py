"""Schedules of the learning rate: their laws, and PyTorch's formulas."""

import math

import numpy as np
import pytest

from initbench import run
from initbench.registry import entries, find

STEPS = 40
SETTINGS = [
    ("constant", {}),
    ("cosine", {}),
    ("step", {"every": 7, "factor": 0.5}),
    ("warmup", {"steps": 10}),
    ("warmup", {"steps": 10, "then": "cosine"}),
    ("warmup", {"steps": 100, "then": "cosine"}),  # longer than the training
]
CONFIG = """
depth: 1
width: 8
epochs: 2
seeds: 1
train_rows: 60
batch_size: 20
learning_rate: 0.5
"""


def factors(name, parameters):
    schedule = find("schedule", name).function(**parameters)
    return np.array([schedule(count, STEPS) for count in range(1, STEPS + 1)])


def test_every_schedule_is_here():
    assert {name for name, _ in SETTINGS} == {entry.name for entry in entries("schedule")}


@pytest.mark.parametrize(("name", "parameters"), SETTINGS)
def test_factors_are_above_0_and_at_most_1(name, parameters):
    found = factors(name, parameters)
    assert (found > 0).all()
    assert (found <= 1).all()


def test_the_formulas():
    assert factors("cosine", {}) == pytest.approx([(1 + math.cos(math.pi * i / STEPS)) / 2 for i in range(STEPS)])
    assert factors("step", {"every": 7, "factor": 0.5}) == pytest.approx([0.5 ** (i // 7) for i in range(STEPS)])
    warm = factors("warmup", {"steps": 10, "then": "cosine"})
    assert warm[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert warm[10:] == pytest.approx([(1 + math.cos(math.pi * i / 30)) / 2 for i in range(30)])


def test_the_schedule_counts_steps_of_the_optimizer(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text(CONFIG)
    curves = {}
    for schedule in ("constant", "{step: {every: 3, factor: 1e-9}}", "{step: {every: 6, factor: 1e-9}}"):
        results = run(path, results=tmp_path / str(len(curves)), changes=[f"schedule={schedule}"])
        curves[schedule] = results.curves["train_loss"].to_numpy()
    constant, after_an_epoch, never = curves.values()  # an epoch has three steps
    assert never == pytest.approx(constant, rel=0, abs=0)
    assert after_an_epoch[1] == constant[1]
    assert after_an_epoch[2] == pytest.approx(after_an_epoch[1], rel=1e-5)
    assert constant[2] < 0.99 * constant[1]


def test_cells_with_a_schedule_and_dropout_are_the_same_alone(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text(CONFIG + "schedule: {warmup: {steps: 3, then: cosine}}\ndropout: 0.2\n")
    together = run(path, results=tmp_path / "a", changes=["initializer=[he_normal, zeros, orthogonal]", "seeds=[0, 1]"])
    alone = run(path, results=tmp_path / "b", changes=["initializer=orthogonal", "seeds=[1]"])
    chosen = together.curves.query("initializer == 'orthogonal' and seed == 1")
    assert chosen["train_loss"].tolist() == alone.curves["train_loss"].tolist()
