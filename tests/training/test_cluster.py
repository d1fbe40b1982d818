"""Training on a real Dask cluster: a scheduler and worker processes of this machine."""

import json
import re
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from killing import KILLER, cells_by_status, kills, pacify, tables

import initbench
from initbench.cli import main
from initbench.errors import InitbenchError
from initbench.registry import initializer
from initbench.results.tables import load
from initbench.training.workers import KILLED, MOST_KILLS

pytestmark = pytest.mark.long

distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install 'initbench[dask]'")

CONFIG = """\
dataset: digits
depth: [1, 2, 3]
width: 8
train_rows: 200
initializer: [he_normal, kills]
learning_rate: 0.1
epochs: 2
seeds: 2
"""
LONG = ("-s", "initializer=he_normal", "-s", "epochs=200", "--seeds", "40", "-j", "120")


def until(condition, seconds=60):
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Cluster:
    """A scheduler, and as many workers as a test starts."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.file = folder / "scheduler.json"
        self.start("dask_scheduler", "--port=0", "--host=127.0.0.1")
        until(lambda: self.file.exists() and self.file.read_text().rstrip().endswith("}"))  # it is written in place
        self.address = json.loads(self.file.read_text())["address"]

    def start(self, command, *options, folder=None):
        common = [f"--scheduler-file={self.file}", "--no-dashboard", *options]
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{command}", *common],
            cwd=folder or self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)

    def start_workers(self, number, folder=None):
        """Start workers that look for modules in ``folder`` first."""
        self.start("dask_worker", "--nthreads=1", f"--nworkers={number}", folder=folder)

    def allowed_failures(self, number=None):
        """Set what a task may cost on the scheduler, or ask for it."""

        def exchange(dask_scheduler):
            if number is not None:
                dask_scheduler.allowed_failures = number
            return dask_scheduler.allowed_failures

        with distributed.Client(self.address, set_as_default=False) as client:
            return client.run_on_scheduler(exchange)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)


@pytest.fixture
def cluster(tmp_path):
    """A scheduler without workers."""
    (tmp_path / "killer.py").write_text(KILLER)
    (tmp_path / "grid.yaml").write_text(CONFIG)
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.stop()


def command(*arguments):
    return [sys.executable, "-m", "initbench", "run", "grid.yaml", "--plugin", "killer.py", *arguments]


def run(folder, *arguments):
    return subprocess.run(command(*arguments), cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture
def begin(tmp_path):
    """Starts a run that goes on while the test does, and returns it and what it says."""
    started = []

    def begin_run(*arguments):
        errors = tmp_path / "errors.txt"
        with errors.open("w") as file:
            started.append(subprocess.Popen(command(*arguments), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=file))
        return started[-1], errors.read_text

    yield begin_run
    for process in started:
        process.kill()
        process.wait(30)


def finished(folder):
    try:
        return len(load(folder / "results" / "grid").runs)
    except Exception:
        return 0


def test_a_cluster_that_loses_a_worker_gives_the_bytes_of_a_local_run(cluster, tmp_path):
    cluster.start_workers(3)
    once = ["-s", "initializer=[he_normal, {kills: {times: 1}}]"]
    there = run(tmp_path, "--scheduler", cluster.address, "-s", "name=there", *once)
    assert there.returncode == 0, there.stderr
    assert kills(tmp_path) == 1
    here = run(tmp_path, "-j", "1", "-s", "name=here", *once)
    assert here.returncode == 0, here.stderr
    assert tables(load(tmp_path / "results" / "there")) == tables(load(tmp_path / "results" / "here"))


@pytest.mark.parametrize(("jobs", "seeds"), [(1, 2), (6, 3)], ids=["in its stack", "in its worker"])
def test_a_cell_that_kills_its_worker_is_the_only_one_that_fails(cluster, tmp_path, jobs, seeds):
    cluster.start_workers(1)
    cluster.allowed_failures(7)
    grid = ["-s", "initializer=[{kills: {times: 9}}, he_normal]", "-s", "depth=1", "--seeds", str(seeds)]
    done = run(tmp_path, "--scheduler", cluster.address, "-s", "name=there", "-j", str(jobs), *grid)
    assert done.returncode == 3, done.stderr
    assert f"initbench: 1 cells failed: {KILLED} (" in done.stderr
    assert f"{4 * seeds}/{4 * seeds} epochs" in done.stderr.splitlines()[-2]
    assert kills(tmp_path) == MOST_KILLS + 1
    assert cluster.allowed_failures() == 7
    pacify(tmp_path)
    assert run(tmp_path, "-j", "1", "-s", "name=here", *grid).returncode == 0
    there, here = (load(tmp_path / "results" / name) for name in ("there", "here"))
    cells = cells_by_status(there)
    assert (len(cells["ok"]), len(cells["failed"])) == (2 * seeds - 1, 1)
    assert tables(there, cells["ok"]) == tables(here, cells["ok"])


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"initbench.py": "raise ModuleNotFoundError('nothing here')"}, "ModuleNotFoundError: nothing here"),
        (
            {"initbench/__init__.py": "", "initbench/plan.py": "ARITHMETIC = 0"},
            "ImportError: another version of initbench is installed",
        ),
    ],
    ids=["none", "another"],
)
def test_a_run_waits_for_workers_and_names_one_that_lacks_this_initbench(cluster, tmp_path, begin, files, reason):
    process, said = begin("--scheduler", cluster.address, *LONG)
    waits = f"waiting for workers of {cluster.address}\n"
    until(lambda: waits in said())
    cluster.start_workers(1)
    until(lambda: finished(tmp_path) > 0)
    assert process.poll() is None
    for name, text in files.items():
        path = tmp_path / "elsewhere" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    cluster.start_workers(1, tmp_path / "elsewhere")
    assert process.wait(60) == 1
    assert said().count(waits) == 1
    message = rf"initbench: worker tcp://127.0.0.1:\d+ cannot train: {reason}; install the same initbench there"
    assert re.search(message, said()), said()
    assert 0 < finished(tmp_path) < 120


def test_a_scheduler_that_dies_is_told_in_a_line(cluster, tmp_path, begin):
    cluster.start_workers(2)
    process, said = begin("--scheduler", cluster.address, *LONG)
    until(lambda: finished(tmp_path) > 0)
    cluster.processes[0].kill()
    assert process.wait(60) == 1
    *progress, last = said().splitlines()
    assert last == "initbench: the scheduler is gone; what has finished is kept"
    usual = ("loading data", f"waiting for workers of {cluster.address}")  # the latter where these start slowly
    assert all("cells" in line or line in usual for line in progress), said()
    assert 0 < finished(tmp_path) < 120


@pytest.mark.parametrize("is_early", [True, False])
def test_a_part_that_the_workers_lack_is_refused_before_training(cluster, tmp_path, is_early):
    @initializer("unknown_there")
    def unknown_there(shape, rng):
        """Draws."""
        return rng.normal(size=shape)

    cluster.start_workers(1)
    if is_early:  # else it may be asked when its first stack comes
        with distributed.Client(cluster.address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
    changes = ["initializer=[unknown_there, he_normal]"]
    with pytest.raises(InitbenchError, match="the initializer 'unknown_there'"):
        initbench.run(tmp_path / "grid.yaml", results=tmp_path, scheduler=cluster.address, changes=changes)
    assert not (tmp_path / "grid").exists() or load(tmp_path / "grid").runs.empty


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("", "--scheduler '' is no address"),
        ("foo bar", "--scheduler 'foo bar' is no address"),
        ("tcp://127.0.0.1:9", "--scheduler tcp://127.0.0.1:9: no Dask scheduler answers there"),
    ],
)
def test_an_address_where_no_scheduler_is_is_told_before_anything_is_written(tmp_path, monkeypatch, address, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("initbench.training.cluster.SECONDS_TO_ANSWER", 0.5)
    done = CliRunner().invoke(main, ["run", "smoke", "--scheduler", address])
    assert done.exit_code == 2
    assert f"initbench: {told}" in done.output
    assert not (tmp_path / "results").exists()


def test_a_race_on_a_cluster_is_decided_as_here(cluster, tmp_path):
    cluster.start_workers(2)
    race = [
        "-s",
        "initializer=[he_normal, zeros]",
        "-s",
        "depth=1",
        "--seeds",
        "3",
        "--until-decided",
        "--max-seeds",
        "6",
    ]
    there = run(tmp_path, "--scheduler", cluster.address, "-s", "name=there", *race)
    assert there.returncode == 0, there.stderr
    here = run(tmp_path, "-j", "1", "-s", "name=here", *race)
    assert here.returncode == 0, here.stderr
    ours, theirs = (load(tmp_path / "results" / name) for name in ("here", "there"))
    assert theirs.decisions.equals(ours.decisions)
    assert tables(theirs) == tables(ours)
