"""Training on a real Dask cluster: a scheduler and worker processes of this machine."""

import json
import subprocess
import sys
import time

import pytest

from initbench.results import load

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
KILLER = """\
import os, signal
from pathlib import Path
from initbench.registry import initializer

@initializer("kills")
def kills(shape, rng, *, times: int = 0):
    \"\"\"Ends its process so many times, as the system does when memory runs out.\"\"\"
    flags = [Path(__file__).with_name(f"killed_{i}") for i in range(times)]
    for flag in flags:
        if shape[0] > 10 and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return rng.normal(scale=0.1, size=shape)
"""


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler with three workers."""
    file = tmp_path / "scheduler.json"
    (tmp_path / "killer.py").write_text(KILLER)
    (tmp_path / "grid.yaml").write_text(CONFIG)
    common = [f"--scheduler-file={file}", "--no-dashboard"]
    commands = [
        ["distributed.cli.dask_scheduler", "--port=0", "--host=127.0.0.1", *common],
        ["distributed.cli.dask_worker", "--nthreads=1", "--nworkers=3", *common],
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    started = [subprocess.Popen([sys.executable, "-m", *command], **quiet) for command in commands]
    while not file.exists():
        assert all(process.poll() is None for process in started)
        time.sleep(0.1)
    yield json.loads(file.read_text())["address"]
    for process in reversed(started):
        process.terminate()
        process.wait(30)


def run(folder, *arguments):
    command = [sys.executable, "-m", "initbench", "run", "grid.yaml", "--plugin", "killer.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def tables(folder):
    found = load(folder)
    return found.runs.drop(columns="wall_seconds").to_csv(), found.curves.to_csv()


def test_a_cluster_that_loses_a_worker_gives_the_bytes_of_a_local_run(cluster, tmp_path):
    once = ["-s", "initializer=[he_normal, {kills: {times: 1}}]"]
    there = run(tmp_path, "--scheduler", cluster, "-s", "name=there", *once)
    assert there.returncode == 0, there.stderr
    assert (tmp_path / "killed_0").exists()
    here = run(tmp_path, "-j", "1", "-s", "name=here", *once)
    assert here.returncode == 0, here.stderr
    assert tables(tmp_path / "results" / "there") == tables(tmp_path / "results" / "here")


def test_a_stack_that_kills_three_workers_fails(cluster, tmp_path):
    done = run(tmp_path, "--scheduler", cluster, "-s", "initializer={kills: {times: 9}}", "-s", "depth=1", "--seeds=1")
    assert done.returncode == 3, done.stderr
    assert "3 worker processes that trained it were killed" in done.stderr
    assert len(list(tmp_path.glob("killed_*"))) == 3


def test_an_address_where_nobody_answers_is_told(tmp_path):
    (tmp_path / "killer.py").write_text(KILLER)
    (tmp_path / "grid.yaml").write_text(CONFIG)
    done = run(tmp_path, "--scheduler", "tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert "--scheduler tcp://127.0.0.1:9: no Dask scheduler answers there" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("address", ["", "foo bar"])
def test_what_is_no_address_is_told_at_once(tmp_path, address):
    (tmp_path / "killer.py").write_text(KILLER)
    (tmp_path / "grid.yaml").write_text(CONFIG)
    done = run(tmp_path, "--scheduler", address)
    assert done.returncode == 2
    assert f"initbench: --scheduler '{address}' is no address" in done.stderr
    assert not (tmp_path / "results" / "grid" / "runs.sqlite").exists()
