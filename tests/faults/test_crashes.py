"""Runs that are killed, and runs beside others on one folder; the long version is crashes.py."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from crashes import kill_and_resume, prepare, run_together, run_whole, wait_for_cells

from initbench import run
from initbench.training.runner import Progress

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run_whole(tmp_path_factory.mktemp("whole") / "run")[0]


@pytest.mark.parametrize(("cells", "jobs"), [(1, 1), (13, 2)])
def test_a_run_that_was_killed_goes_on_and_ends_equal_and_trains_nothing_twice(tmp_path, whole, cells, jobs):
    folder = prepare(tmp_path / "killed")
    broken, kept = kill_and_resume(folder, whole, partial(wait_for_cells, folder, cells), jobs)
    assert broken == []
    assert cells <= kept


def test_a_store_that_commits_late_is_caught(tmp_path, whole):
    folder = prepare(tmp_path / "killed", late=True)
    broken, _ = kill_and_resume(folder, whole, partial(wait_for_cells, folder, 1), 1)
    assert any("was counted and is lost" in fault for fault in broken)


def test_four_runs_at_once_on_one_folder_give_the_tables_of_one(tmp_path, whole):
    assert run_together(prepare(tmp_path / "together"), whole, 4) == []


HOLD = """\
import sys, time
from pathlib import Path
from initbench.storage.lock import Lock

with Lock(Path("results/grid")) as lock:
    lock.acquire(print)
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_is_waited_for_and_ends_when_its_process_is_killed(tmp_path, monkeypatch):
    monkeypatch.chdir(prepare(tmp_path / "second"))
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        told = []

        def say(message):
            told.append((message, Path("results/grid/runs.sqlite").exists()))
            holder.kill()

        waiting = Progress()
        waiting.wait = say
        run("grid.yaml", changes=["depth=1", "epochs=1"], progress=waiting)
    assert told == [("waiting for another run that writes into results/grid", False)]
