"""Running experiments: the same bytes however they are run, nothing trained twice, only the guilty cell fails."""

import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from counting import Counting
from killing import KILLER, STILLBORN, cells_by_status, group_lives, hear_signals, kills, pacify, tables

from initbench import load, run
from initbench.cli import main
from initbench.contracts import METRICS
from initbench.registry import initializer, load_plugin
from initbench.training.runner import Progress
from initbench.training.workers import KILLED, MOST_KILLS

CONFIG = """\
dataset: digits
depth: 2
width: 12
initializer: [he_normal, zeros, {normal: {std: 0.01}}]
learning_rate: [0.1, 0.01]
epochs: 2
seeds: 3
train_rows: 300
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "grid.yaml"
    path.write_text(CONFIG)
    return path


def numbers(results):
    """The bytes of every metric of every cell."""
    table = results.curves.set_index(["cell", "epoch"])[list(METRICS)].sort_index()
    return {cell: rows.to_numpy().tobytes() for cell, rows in table.groupby(level=0)}


@pytest.fixture
def low_stacks(monkeypatch):
    """Stacks of at most two networks, so that a small grid makes many."""
    monkeypatch.setattr("initbench.plan.CACHE_BYTES", 40_000)


@pytest.mark.parametrize(
    ("changes", "start", "are_workers"),
    [
        ([], 1.5, False),
        ([], 0.001, True),
        (["epochs=20000"], 1.5, True),
        (["initializer=[he_normal, mine]"], 1.5, True),
        (["initializer=he_normal", "learning_rate=0.1", "seeds=1"], 0.0, False),
    ],
    ids=["little work", "workers start soon", "much work", "a part from outside", "one network"],
)
def test_workers_start_where_they_save_time_or_a_part_may_end_its_process(
    config, monkeypatch, changes, start, are_workers
):
    @initializer("mine")
    def mine(shape, rng):
        return rng.normal(size=shape)

    class Ended(Exception):
        pass

    def end(*arguments):
        raise Ended

    monkeypatch.setattr("initbench.training.runner.START_SECONDS", start)
    monkeypatch.setattr("initbench.training.runner.require_parts", lambda *_: None)
    monkeypatch.setattr("initbench.training.runner.train_in_processes", end)
    with pytest.raises(Ended) if are_workers else nullcontext():
        run(config, jobs=2, changes=changes)


def test_one_job_or_two_low_stacks_or_high_the_bytes_are_equal(config, trained, monkeypatch):
    whole = numbers(trained().results)
    assert len(whole) == 18
    assert numbers(run(config, results="b", jobs=2)) == whole
    monkeypatch.setattr("initbench.plan.CACHE_BYTES", 1)
    progress = Counting()
    assert numbers(run(config, results="c", progress=progress)) == whole
    assert progress.stacks == 18


def test_the_comparison_of_bytes_catches_a_last_bit(config):
    results = run(config, results="a")
    before = numbers(results)
    accuracy = results.curves["test_loss"].to_numpy()
    results.curves["test_loss"] = np.where(np.arange(len(accuracy)) == 5, np.nextafter(accuracy, 1), accuracy)
    assert numbers(results) != before


@pytest.mark.usefixtures("low_stacks")
def test_an_interrupted_run_goes_on_where_it_stopped_and_ends_equal(config, trained):
    whole = trained().results
    first = Counting(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        run(config, results="parts", progress=first)
    kept = load("parts/grid")
    assert set(kept.runs["cell"]) == set(first.trained)
    assert (kept.folder / "runs.csv").exists()
    second = Counting()
    resumed = run(config, results="parts", progress=second)
    assert not set(first.trained) & set(second.trained)
    assert numbers(resumed) == numbers(whole)
    assert (whole.folder / "accuracy.csv").read_bytes() == (resumed.folder / "accuracy.csv").read_bytes()
    assert (whole.folder / "curves.csv").read_bytes() == (resumed.folder / "curves.csv").read_bytes()


def test_adding_an_initializer_and_a_seed_trains_only_what_is_new(config):
    before = numbers(run(config))
    wider = ["initializer=[zeros, orthogonal, he_normal, {normal: {std: 0.01}}]", "seeds=4"]
    progress = Counting()
    after = numbers(run(config, changes=wider, progress=progress))
    assert len(progress.trained) == 32 - 18
    assert all(after[cell] == value for cell, value in before.items())
    assert numbers(run(config, results="anew", changes=wider)) == after


def test_repeating_trains_nothing_and_fresh_trains_all_anew(config):
    run(config)
    progress = Counting()
    again = run(config, progress=progress)
    assert progress.trained == []
    runs = (again.folder / "runs.csv").read_bytes()
    progress = Counting()
    run(config, fresh=True, progress=progress)
    assert len(progress.trained) == 18
    assert (again.folder / "runs.csv").read_bytes() != runs  # wall_seconds differ


def test_the_resolved_config_gives_the_same_cells(config):
    first = run(config)
    assert numbers(run(first.folder / "config.yaml", results="again")) == numbers(first)


def test_all_initializers_of_a_seed_start_from_the_same_draws_and_see_the_same_rows(config):
    scaled = ["initializer=[he_normal, {he_normal: {gain: 8}}]", "learning_rate=0", "epochs=1"]
    runs = run(config, changes=scaled).runs
    answers = runs.pivot(index="seed", columns="initializer", values=["test_accuracy", "valid_accuracy"])
    for metric in ("test_accuracy", "valid_accuracy"):  # a ReLU network without biases answers alike at every scale
        assert (answers[metric]["he_normal"] == answers[metric]["he_normal(gain=8)"]).all()
        assert answers[metric]["he_normal"].nunique() > 1


PLUGIN = """\
from initbench.registry import initializer

@initializer("breaks_when_wide")
def breaks_when_wide(shape, rng):
    \"\"\"Fails on layers of more than ten inputs.\"\"\"
    if shape[0] > 10:
        raise RuntimeError("too wide for me")
    return rng.normal(size=shape)
"""


def cli(*arguments, cwd, **options):
    return subprocess.run(
        [sys.executable, "-m", "initbench", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        timeout=120,
        **options,
    )


def invoke(*arguments):
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_cell_that_fails_does_not_take_its_neighbours_with_it(config, tmp_path, jobs):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    sweep = ["-s", "initializer=[he_normal, breaks_when_wide]", "--plugin", "plugin.py", "-j", jobs]
    done = invoke("run", "grid.yaml", *sweep)
    assert done.exit_code == 3, done.stderr
    runs = load(tmp_path / "results" / "grid").runs
    assert runs.groupby("initializer")["status"].unique().str[0].to_dict() == {
        "he_normal": "ok",
        "breaks_when_wide": "failed",
    }
    assert set(runs.loc[runs["status"] == "failed", "error"]) == {"RuntimeError: too wide for me"}
    status = invoke("status", "results").stdout
    assert "12 planned, 6 done, 0 diverged, 6 failed, 0 missing" in status
    assert "RuntimeError: too wide for me" in status


@pytest.mark.long
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_signal_ends_a_run_soon_keeps_what_has_finished_and_leaves_no_worker(config, tmp_path, jobs):
    long = ["run", "grid.yaml", "-s", "epochs=150", "-s", "width=[4,8,12,16,20,24,28,32]", "-j", jobs]
    process = subprocess.Popen(
        [sys.executable, "-m", "initbench", *long],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_signals,
    )
    store = tmp_path / "results" / "grid" / "runs.sqlite"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not store.exists() or finished(store.parent) == 0):
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert 0 < finished(store.parent) < 8 * 18
    assert (store.parent / "runs.csv").exists()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and group_lives(process.pid):
        time.sleep(0.1)
    assert not group_lives(process.pid)


def finished(folder):
    try:
        return len(load(folder).runs)
    except Exception:
        return 0


def test_when_every_cell_fails_the_reason_is_told(config, tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    done = invoke("run", "grid.yaml", "-s", "initializer=breaks_when_wide", "--plugin", "plugin.py", "-j", "1")
    assert done.exit_code == 3, done.stderr
    assert "6 cells failed: RuntimeError: too wide for me" in done.stderr
    assert "incomplete: 0 of 6 cells are done" in done.stdout
    assert invoke("table", "results/grid").exit_code == 0


class Said(Counting):
    """Notes what it is told beside."""

    def __init__(self):
        super().__init__()
        self.said = []

    def wait(self, message):
        self.said.append(message)


def test_a_warmup_that_training_does_not_outlast_is_reported_once(config):
    progress, schedules = Said(), "[{warmup: {steps: 4}}, {warmup: {steps: 5}}, {warmup: {steps: 99}}]"
    # 20 training rows in batches of 10, two epochs: 4 steps
    keys = ["train_rows=20", "batch_size=[5, 10]", "epochs=2", f"schedule={schedules}", "depth=1", "initializer=zeros"]
    run(config, changes=keys, progress=progress)
    after, below = "ends after training, which takes", "the learning rate stays below that of the config"
    wanted = [f"schedule: warmup(steps={n}) {after} 4 steps of the optimizer: {below}" for n in (5, 99)]
    assert progress.said == wanted


HERE = ["worker processes cannot start; training continues in this process"]
SMALL = ["initializer=[he_normal, zeros]", "seeds=2", "epochs=1"]


@pytest.mark.parametrize(
    ("times", "said"), [(1, [[]]), (2, [[], HERE]), (99, [HERE])]
)  # two workers die at once or not
def test_a_worker_that_is_killed_before_any_has_begun_ends_no_run(config, tmp_path, times, said):
    (tmp_path / "stillborn.py").write_text(STILLBORN.replace("TIMES", str(times)))
    load_plugin("stillborn.py")
    progress = Said()
    results = run(config, jobs=2, changes=SMALL, progress=progress)
    assert set(results.runs["status"]) == {"ok"}
    assert len(progress.trained) == len(set(progress.trained)) == 8
    assert progress.said in said
    assert kills(tmp_path) > 0


def fail(*arguments):
    raise OSError(38, "Function not implemented")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("multiprocessing.context.SpawnContext.Event", fail),  # a system without the semaphores that workers need
        (
            "initbench.training.workers.multiprocessing.current_process",
            lambda: SimpleNamespace(daemon=True, name="MainProcess"),
        ),
    ],
)
def test_where_no_worker_can_start_training_goes_on_without(config, monkeypatch, place, value):
    monkeypatch.setattr(place, value)
    progress = Said()
    assert set(run(config, jobs=2, changes=SMALL, progress=progress).runs["status"]) == {"ok"}
    assert progress.said == HERE


@pytest.mark.long
@pytest.mark.parametrize(("times", "failed"), [(1, 0), (9, 2)])
def test_a_killed_worker_costs_nothing_but_the_cells_that_kill_it_when_they_are_alone(config, tmp_path, times, failed):
    (tmp_path / "killer.py").write_text(KILLER)
    grid = ["-s", f"initializer=[he_normal, {{kills: {{times: {times}}}}}]", "--seeds", "2", "--plugin", "killer.py"]
    done = cli("run", "grid.yaml", "-j", "2", "-s", "name=killed", *grid, cwd=tmp_path)
    assert done.returncode == (3 if failed else 0), done.stderr
    assert kills(tmp_path) == (MOST_KILLS + failed if failed else 1)
    assert "16/16 epochs" in done.stderr
    pacify(tmp_path)
    assert cli("run", "grid.yaml", "-j", "1", "-s", "name=spared", *grid, cwd=tmp_path).returncode == 0
    killed, spared = (load(tmp_path / "results" / name) for name in ("killed", "spared"))
    cells = cells_by_status(killed)
    assert len(cells["ok"]) == 8 - failed
    assert tables(killed, cells["ok"]) == tables(spared, cells["ok"])
    assert set(killed.runs["error"].dropna()) == ({KILLED} if failed else set())


WORN = """\
import os, signal
from pathlib import Path
from initbench.contracts import Optimizer
from initbench.registry import optimizer

@optimizer("wears_out")
def wears_out(*, most: int = 0, kills: bool = False):
    \"\"\"Fails in the second epoch of a stack of more networks than so many, or kills its process once.\"\"\"
    def step(w, g, states, learning_rate, count):
        if len(w) > most and count > 7:
            if not kills:
                raise RuntimeError("worn out")
            if not Path("killed_0").exists():
                Path("killed_0").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        w -= learning_rate * g
    return Optimizer(0, step)
"""


class Order(Progress):
    """Notes the width of each stack that is done."""

    def __init__(self):
        self.widths = []

    def finish(self, cells, records):
        self.widths += [dict(cells[0].factors)["width"]]


def test_what_lost_its_worker_is_tried_again_when_that_happens_and_not_at_the_end(config, tmp_path):
    (tmp_path / "killer.py").write_text(KILLER)
    load_plugin("killer.py")
    sweep = ["initializer={kills: {times: 1}}", "seeds=2", "learning_rate=0.1", "width=[10, 11, 12, 13]"]
    killed, spared = Order(), Order()
    run(config, jobs=2, changes=sweep, progress=killed)
    run(config, jobs=1, changes=sweep, progress=spared, results="spared")
    assert kills(tmp_path) == 1
    assert killed.widths[-1] == spared.widths[-1]  # three are dealt at first, so this one had no part in the kill


class Epochs(Progress):
    """Notes what it is told of epochs."""

    def start(self, cells, epochs):
        self.total, self.told = epochs, []

    def advance(self, epochs):
        self.told.append(epochs)


@pytest.mark.parametrize(
    ("change", "jobs"),
    [
        ("initializer=[he_normal, breaks_when_wide]", 1),
        ("optimizer=wears_out", 1),
        ("optimizer={wears_out: {most: 1}}", 1),
        ("optimizer={wears_out: {most: 1}}", 2),
        ("optimizer={wears_out: {kills: true}}", 2),
    ],
)
def test_all_epochs_are_over_in_the_end_and_never_more(config, tmp_path, change, jobs):
    (tmp_path / "plugin.py").write_text(PLUGIN + WORN)
    load_plugin("plugin.py")
    epochs = Epochs()
    run(config, changes=[change], jobs=jobs, progress=epochs)
    assert max(epochs.told) == epochs.told[-1] == epochs.total
    assert kills(tmp_path) == ("kills" in change)
