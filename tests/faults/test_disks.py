"""Disks that are full, folders that cannot be written, files that may not grow: one line, and nothing lost."""

import ctypes
import os
import resource
import subprocess
import sys

import pytest

from initbench import load, run

pytestmark = pytest.mark.long

CONFIG = """\
dataset: digits
depth: [1, 2, 3, 4, 5, 6]
width: 16
initializer: [he_normal, zeros]
epochs: 40
seeds: 5
train_rows: 300
record: [curves, layers]
"""
DROP_BOUND = 24  # the command of Linux's prctl
DAC_OVERRIDE, DAC_READ_SEARCH = 1, 2  # the rights of root to write anywhere, and to read and enter any folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.yaml").write_text(CONFIG)
    return tmp_path


def cli(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "initbench", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        **options,
    )


def told(done):
    """The line that a command ends with, which must be its only complaint."""
    assert done.returncode == 1, done.stderr
    complaints = [line for line in done.stderr.splitlines() if line.startswith("initbench: ")]  # others are progress
    assert len(complaints) == 1, done.stderr
    return complaints[0]


def numbers(results):
    """The bytes of runs and curves."""
    return [table.to_csv() for table in (results.runs.drop(columns="wall_seconds"), results.curves, results.layers)]


@pytest.fixture
def small_disk(folder):
    """A disk of 1 MB."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_keeps_what_was_stored_and_the_same_command_goes_on(small_disk):
    line = told(cli("run", "grid.yaml", "-o", "disk", "-j", "1"))
    assert line.startswith("initbench: disk/grid/runs.sqlite: cannot be written: database or disk is full; what was")
    kept = load("disk/grid")
    assert 0 < len(kept.runs) < 60
    assert "  verified: no damage found" in cli("status", "disk", "--verify").stdout
    subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
    done = cli("run", "grid.yaml", "-o", "disk", "-j", "1")
    assert done.returncode == 0, done.stderr
    assert f"training {60 - len(kept.runs)} cells" in done.stderr
    assert numbers(load("disk/grid")) == numbers(run("grid.yaml"))


def limit_files(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize(
    ("kilobytes", "start"),
    [(800, "results/grid/runs.sqlite: cannot be written: "), (50, "")],
    ids=["store", "data"],
)
def test_a_limit_on_the_size_of_files_is_told_in_a_line(folder, kilobytes, start):
    line = told(cli("run", "grid.yaml", "-j", "1", preexec_fn=limit_files(kilobytes * 1024)))
    assert line.startswith(f"initbench: {start}")
    assert "kept" in line if start else line.endswith("make room there, or set TMPDIR to a folder that has some")
    if start:
        kept = load("results/grid")
        assert 0 < len(kept.runs) < 60
        done = cli("run", "grid.yaml", "-j", "1")
        assert f"training {60 - len(kept.runs)} cells" in done.stderr


def be_an_ordinary_user():
    """Give up the rights of root to read, write and enter where the permissions say no."""
    if os.geteuid() == 0:
        for right in (DAC_OVERRIDE, DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(DROP_BOUND, right, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a test of root be an ordinary user")
def test_a_folder_that_cannot_be_written_is_told_in_a_line_and_can_be_read(folder):
    few = ("-s", "depth=1", "-s", "epochs=1", "-j", "1")
    run("grid.yaml", changes=["depth=1", "epochs=1"])
    results = folder / "results" / "grid"
    before = {path.name: path.read_bytes() for path in results.iterdir()}
    for path in (*results.iterdir(), results):
        path.chmod(path.stat().st_mode & ~0o222)
    line = told(cli("run", "grid.yaml", *few, "--seeds", "6", preexec_fn=be_an_ordinary_user))
    assert line.startswith(
        "initbench: results/grid/runs.sqlite: cannot be written: attempt to write a readonly database"
    )
    assert "what was stored before is kept" in line
    assert "10 done" in cli("status", "results", "--verify", preexec_fn=be_an_ordinary_user).stdout
    for command in ("plot", "report"):
        assert "Permission denied" in told(cli(command, "results/grid", preexec_fn=be_an_ordinary_user))
    results.chmod(0o755)
    assert {path.name: path.read_bytes() for path in results.iterdir()} == before


@pytest.fixture
def closed_folder(folder):
    """What makes a process that starts find itself in a folder that its user may neither read nor enter again."""
    closed = folder / "closed"
    closed.mkdir()
    (closed / "matplotlibrc").write_text("font.size: 31\n")

    def close():
        os.chdir(closed)
        closed.chmod(0)
        be_an_ordinary_user()

    yield close
    closed.chmod(0o700)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a test of root be an ordinary user")
def test_commands_work_in_a_folder_that_their_user_may_not_enter_again(folder, closed_folder):
    run("grid.yaml", changes=["depth=1", "epochs=1"])
    done = cli("plot", str(folder / "results"), preexec_fn=closed_folder)
    assert (done.returncode, done.stderr.count("initbench:")) == (0, 0)
    done = cli("check", "relu_deep", preexec_fn=closed_folder)
    assert (done.returncode, done.stderr) == (0, ""), "a bundled name needs no current folder"
    done = cli("check", "other.yaml", preexec_fn=closed_folder)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "no config 'other.yaml': Permission denied",
    )
