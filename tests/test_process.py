"""What a process finds around it: streams, cores, scratch folders; `tests/faults/test_environment.py` runs commands."""

import io
import math
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from initbench import process
from initbench.errors import InitbenchError
from initbench.process import LOCK, Stream, _quota, hidden_script, scratch_folder, shows_bars, usable_cores

TEXT = "95 % – σ² ≤ 1, Ünïcode \udce9\n"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "cp437", "koi8-r", "utf-8", "utf-16"])
def test_a_stream_of_any_encoding_takes_any_text_and_replaces_what_it_lacks(encoding):
    taken = io.BytesIO()
    out = Stream(io.TextIOWrapper(taken, encoding))
    assert out.write(TEXT) == len(TEXT)
    out.flush()
    lacks_nothing = encoding.startswith("utf")
    assert taken.getvalue().decode(encoding) == (
        TEXT.replace("\udce9", "?") if lacks_nothing else TEXT.encode(encoding, "replace").decode(encoding)
    )


def test_a_plain_stream_would_end_the_command():
    with pytest.raises(UnicodeEncodeError):
        io.TextIOWrapper(io.BytesIO(), "cp1252").write(TEXT)


@pytest.mark.parametrize("is_buffered", [False, True])
def test_a_stream_that_fails_notes_why_and_drops_the_rest(is_buffered):
    full = io.BufferedWriter(io.FileIO("/dev/full", "w"))
    out = Stream(io.TextIOWrapper(full, "utf-8", write_through=not is_buffered))
    for _ in range(2):
        out.write("lost\n")
        out.flush()
    assert out.failure.strerror == "No space left on device"
    out.close()


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "kind", "shown"),
    [(Terminal(), "xterm", True), (Terminal(), "dumb", False), (io.StringIO(), "xterm", False), (None, "xterm", False)],
)
def test_bars_are_for_terminals_that_can_move_their_cursor(monkeypatch, stream, kind, shown):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", kind)
    assert shows_bars() is shown


def test_no_more_cores_than_the_affinity_of_the_process(monkeypatch):
    monkeypatch.delenv("PYTHON_CPU_COUNT", raising=False)
    monkeypatch.setattr(process, "_quota", lambda *places: math.inf)
    before = os.sched_getaffinity(0)
    assert usable_cores() == len(before)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(("quota", "cores"), [(math.inf, 64), (200.0, 64), (6.0, 6), (1.5, 2), (0.2, 1)])
def test_no_more_cores_than_the_time_of_the_control_group(monkeypatch, quota, cores):
    monkeypatch.delenv("PYTHON_CPU_COUNT", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)))
    monkeypatch.setattr(process, "_quota", lambda *places: quota)
    assert usable_cores() == cores


@pytest.mark.parametrize(("value", "cores"), [("3", 3), ("0", 64), ("default", 64), ("", 64), ("-2", 64)])
def test_python_cpu_count_is_heard(monkeypatch, value, cores):
    monkeypatch.setenv("PYTHON_CPU_COUNT", value)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)))
    monkeypatch.setattr(process, "_quota", lambda *places: math.inf)
    assert usable_cores() == cores


V1 = "5:cpuset:/\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n"


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, math.inf),
        ("0::/user.slice/run.scope\n", {"user.slice/cpu.max": "100000 50000\n"}, 2.0),
        ("0::/a/b\n", {"a/cpu.max": "400000 100000\n", "a/b/cpu.max": "max 100000\n"}, 4.0),
        ("0::/../host\n", {"cpu.max": "100000 100000\n"}, 1.0),
        (V1, {"cpu,cpuacct/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}, 0.5),
        (V1, {"cpu/docker/abc/cpu.cfs_quota_us": "300000\n", "cpu/docker/abc/cpu.cfs_period_us": "100000\n"}, 3.0),
        (V1, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ("0::/\n", {"cpu.max": "garbage\n"}, math.inf),
        ("garbage\n", {"cpu.max": "100000 100000\n"}, math.inf),
        (None, {}, math.inf),
    ],
)
def test_the_tightest_limit_of_all_control_groups_counts(tmp_path, membership, files, quota):
    if membership is not None:
        (tmp_path / "membership").write_text(membership)
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    assert _quota(tmp_path / "membership", tmp_path / "root") == quota


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def leave(folder):
    """What a killed process leaves."""
    folder.mkdir()
    (folder / LOCK).touch()
    (folder / "x_train.npy").touch()


HOLD = """\
from initbench.process import scratch_folder
with scratch_folder() as folder:
    print(folder, flush=True)
    input()
"""


def test_a_scratch_folder_ends_with_its_use_and_that_of_a_killed_process_when_the_next_one_starts(place):
    leave(place / "initbench-left")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(place)},
    ) as other:
        theirs = Path(other.stdout.readline().strip())
        assert list(place.iterdir()) == [theirs]
        with scratch_folder() as outer, scratch_folder() as inner:
            assert set(place.iterdir()) == {theirs, outer, inner}
        assert list(place.iterdir()) == [theirs]
        other.kill()
    assert theirs.exists()
    with scratch_folder() as folder:
        assert list(place.iterdir()) == [folder]


@pytest.mark.parametrize("step", ["unlink", "rmtree", "rmdir"])
def test_a_scratch_folder_whose_removal_is_cut_short_is_removed_by_the_next_process(place, monkeypatch, step):
    def kill(*_, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        resources = ExitStack()
        folder = resources.enter_context(scratch_folder())
        (folder / "a.npy").touch()
        (folder / "data").mkdir()
        patch.setattr(process.shutil if step == "rmtree" else Path, step, kill)
        with pytest.raises(KeyboardInterrupt):
            resources.close()
    assert step == "rmdir" or (folder / LOCK).exists()
    with scratch_folder() as other:
        assert list(place.iterdir()) == [other] or not any(folder.iterdir()), "at most an empty folder is left"


def test_nothing_else_is_swept(place, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    leave(elsewhere / "target")
    (place / "initbench-link").symlink_to(elsewhere / "target")
    (place / "initbench-results").mkdir()  # somebody's own folder
    (place / "initbench-linked-lock").mkdir()
    (place / "initbench-linked-lock" / LOCK).symlink_to(elsewhere / "target" / LOCK)
    (place / "initbench-file").touch()
    leave(place / "other")
    before = set(place.iterdir())
    with scratch_folder():
        pass
    assert set(place.iterdir()) == before
    assert (elsewhere / "target" / "x_train.npy").exists()
    leave(place / "initbench-of-another-user")
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with scratch_folder():
        pass
    assert (place / "initbench-of-another-user").exists()


def test_where_no_file_can_be_locked_folders_stay(place, monkeypatch):
    leave(place / "initbench-left")
    monkeypatch.setattr("sqlite3.connect", lambda *_, **options: closing_connection())
    with scratch_folder() as folder:
        assert folder.is_dir()
    assert [path.name for path in place.iterdir()] == ["initbench-left"]


def closing_connection():
    import sqlite3

    def refuse(statement):
        raise sqlite3.OperationalError("disk I/O error")

    return SimpleNamespace(execute=refuse, close=lambda: None)


def test_no_place_for_a_scratch_folder_is_one_line(monkeypatch):
    def none():
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/var/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(InitbenchError, match=r"No usable temporary directory found .*; set TMPDIR"), scratch_folder():
        pass


@pytest.mark.parametrize(
    ("script", "is_needed", "is_hidden"),
    [
        ({"__file__": __file__}, False, True),
        ({"__file__": __file__}, True, False),
        ({"__file__": "<stdin>"}, True, True),
        ({}, True, True),
        ({"__spec__": "of a module"}, True, False),
    ],
)
def test_workers_import_a_script_only_where_they_need_it_and_can(monkeypatch, script, is_needed, is_hidden):
    main = SimpleNamespace(**script)
    monkeypatch.setitem(sys.modules, "__main__", main)
    with hidden_script(is_needed=is_needed):
        assert (sys.modules["__main__"] is not main) == is_hidden
    assert sys.modules["__main__"] is main


def test_a_folder_that_another_process_sweeps_before_it_is_locked_is_made_again(tmp_path, monkeypatch):
    """Between the making of a folder and its lock another command may take it for that of a dead process."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make, made = tempfile.mkdtemp, []

    def make_and_lose(**options):
        folder = make(**options)
        made.append(folder)
        if len(made) == 1:
            os.rmdir(folder)
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_lose)
    with scratch_folder() as folder:
        assert folder.exists()
        assert (folder / LOCK).exists()
    assert len(made) == 2
    assert not list(tmp_path.iterdir())
