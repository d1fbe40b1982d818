"""How long training will take, from timed steps."""

import math

import pytest

from initbench.config import find_config, read_experiment
from initbench.parts.datasets.facts import FACTS
from initbench.training.estimate import SECONDS_OF_WORK, timed_epoch, training_seconds, work
from initbench.training.runner import preview


@pytest.fixture
def stacks(tmp_path):
    def make(text, jobs=1):
        path = tmp_path / "c.yaml"
        path.write_text(
            "".join(f"{line}\n" for line in ("train_rows: 200", "width: 8") if line.split(":")[0] not in text) + text,
            encoding="utf-8",
        )
        return preview(read_experiment(path), jobs, ()).stacks

    return make


def test_a_worker_takes_the_next_stack_when_it_is_free(stacks):
    found = stacks("depth: [1, 2, 3]\nseeds: 2\nepochs: 1")
    seconds = {1: 2.0, 2: 3.0, 3: 4.0}

    def timed(stack):
        return seconds[len(stack.cells[0].hidden)]

    assert len(found) == 3
    assert training_seconds(found, 1, timed) == 9.0
    assert training_seconds(found, 2, timed) == 5.0
    assert training_seconds(found, 8, timed) == 4.0
    assert training_seconds([], 2, timed) == 0.0


def test_epochs_count_and_a_stack_of_one_kind_is_timed_once(stacks):
    timed = []

    def note(stack):
        timed.append(stack)
        return 0.5

    found = stacks("depth: 1\nseeds: 4\nepochs: 6\ninitializer: [zeros, he_normal]", jobs=4)
    assert len(found) == 4
    assert training_seconds(found, 1, note) == 4 * 6 * 0.5
    assert len(timed) == 1


def test_stacks_that_there_is_no_time_for_are_compared_with_the_timed_ones(stacks, monkeypatch):
    monkeypatch.setattr("initbench.training.estimate.TRIAL_SECONDS", -1)  # the first is timed whatever happens
    found = stacks("depth: [1, 4]\nseeds: 2\nepochs: 1")
    heavy, light = map(work, found)
    assert training_seconds(found, 1, lambda stack: heavy) == pytest.approx(heavy + light)


@pytest.mark.parametrize("text", ["depth: 2\nwidth: 20000", "depth: 3000", "width: 3000\nbatch_size: 100000"])
def test_a_stack_too_large_to_be_tried_is_estimated_without(stacks, text):
    def refuse(stack):
        raise AssertionError("a large stack was tried")

    found = stacks(f"seeds: 1\nepochs: 2\n{text}")
    assert training_seconds(found, 1, refuse) == pytest.approx(SECONDS_OF_WORK * sum(map(work, found)))


@pytest.mark.parametrize(
    "text",
    [
        "depth: 2\nseeds: 2\nepochs: 3",
        "depth: 2\nnormalization: batch\noptimizer: adam\nweight_decay: 0.1\nclip_norm: 1\nseeds: 1",
        "dataset: churn\ndepth: 1\nresidual: plain\ndtype: float64\nclock: 2\ntarget: 0.8\nseeds: 1",
        "learning_rate: 1e30\nactivation: prelu\nseeds: 1",
        "depth: 0\nseeds: 1",
    ],
)
def test_every_kind_of_stack_can_be_timed(stacks, text):
    for stack in stacks(text):
        assert 0 < timed_epoch(stack) < math.inf


def test_a_data_set_that_is_not_here_is_planned_as_the_one_that_is(monkeypatch):
    experiment = read_experiment(find_config("smoke"))
    here = preview(experiment, 1, ())
    assert here.absent == {}
    monkeypatch.setitem(FACTS, "digits", FACTS["digits"]._replace(place=lambda folders: None))
    absent = preview(experiment, 1, ())
    assert list(absent.absent) == ["digits"]
    assert absent.plan == here.plan
    assert [cell.key for cell in absent.plan] == [cell.key for cell in here.plan]
