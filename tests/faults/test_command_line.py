"""Commands that are given what is not theirs: a line that names it, exit 1 or 2, nothing written."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from faults.fuzz import put
from faults.harness import run_case
from faults.strategies import NET, TABLE

READERS = ("plot", "table", "compare", "status", "plan", "report")
NOBODY = 65534


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize(
    "place", [b"no database", b"", b"SQLite format 3\0" + bytes(200), "fifo", "folder", "loop", "dangling", "endless"]
)
def test_a_path_that_is_no_results_is_told(command, place, tmp_path):
    file = tmp_path / "results" / "place" / "runs.sqlite"
    file.parent.mkdir(parents=True)
    put(file, place)
    for path in ("results/place", "results/place/runs.sqlite", "nowhere", "."):
        verdict = run_case([command, path], tmp_path, ("place", "nowhere", "no results in .", ". is no folder"))
        assert verdict.broken == (), (path, verdict.output)
        assert verdict.code == 1, (path, verdict.output)
        assert len(verdict.output.strip().splitlines()) == 1, verdict.output
    assert not isinstance(place, bytes) or file.read_bytes() == place


@pytest.mark.parametrize("results", [b"a file", "loop", "fifo", "endless"])
def test_a_results_folder_that_is_none_is_told(results, tmp_path):
    (tmp_path / "case.yaml").write_text(NET)
    put(tmp_path / "elsewhere", results)
    for folder in ("elsewhere", "elsewhere/below", "case.yaml"):
        verdict = run_case(["run", "case.yaml", "-q", "-j", "1", "-o", folder], tmp_path, ("elsewhere", "case.yaml/"))
        assert (verdict.code, [b for b in verdict.broken if not b.startswith("os.mkdir")]) == (1, []), verdict


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "case.yaml", "-j", "0"],
        ["run", "case.yaml", "-j", "many"],
        ["run", "case.yaml", "--seeds", "x"],
        ["run", "case.yaml", "--seeds", "-1"],
        ["run", "case.yaml", "-s", "depth"],
        ["run", "case.yaml", "-s", "=3"],
        ["run", "case.yaml", "-s", "dpth=3"],
        ["run", "case.yaml", "-s", "depth=[1"],
        ["run", "case.yaml", "-s", "name=../../x"],
        ["run", "case.yaml", "-s", "name=/etc/x"],
        ["run", "case.yaml", "-s", "description=!!python/object/apply:os.system ['touch owned']"],
        ["run", "case.yaml", "--data-dir", "nowhere"],
        ["run", "case.yaml", "--data-dir", "case.yaml"],
        ["run", "case.yaml", "--plugin", "nowhere.py"],
        ["run", "case.yaml", "--plugin", "case.yaml"],
        ["run", "case.yaml", "--plugin", "."],
        ["run", "nowhere.yaml"],
        ["run", "."],
        ["run", ""],
        ["run", "x" * 5000],
        ["run", "case.yaml", "case.yaml"],
        ["check", "\udcff.yaml"],
        ["check", "case.yaml", "--frobnicate"],
        ["table", "case.yaml", "--format", "html"],
        ["plot"],
        ["list", "colours"],
        ["explain", "he_norml"],
        ["cite", "nowhere.yaml"],
        ["theory", "relux"],
        ["phase", "relux"],
        ["probe", "nowhere.yaml"],
        ["data", "get", "nothing"],
        ["data", "get", "csv"],
        ["data", "verify", "nothing"],
        ["new", "case.yaml"],
        ["tabel", "case.yaml"],
    ],
)
def test_wrong_usage_is_exit_2(arguments, tmp_path):
    (tmp_path / "case.yaml").write_text("depth: 1\nwidth: 4\n")
    verdict = run_case(arguments, tmp_path, ("",))
    assert [line for line in verdict.broken if not line.startswith("open ")] == []  # new: to find the file there
    assert verdict.code == 2, verdict.output
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("closed", "mode", "arguments", "message"),
    [
        ("case.yaml", 0o000, ["check", "case.yaml"], "case.yaml: Permission denied"),
        ("data.csv", 0o000, ["check", "case.yaml"], "data.csv: cannot be read (Permission denied)"),
        ("held", 0o000, ["check", "held/case.yaml"], "held/case.yaml"),
        ("held", 0o000, ["table", "held/x"], "held/x"),
        ("held", 0o000, ["status", "held"], "held"),
        ("held", 0o000, ["check", "case.yaml", "-s", "dataset={npz: held/data.npz}"], "held/data.npz"),
        ("held", 0o000, ["check", "case.yaml", "-s", "dataset={idx: held}"], "held"),
        ("held", 0o555, ["run", "case.yaml", "-q", "-j", "1", "-o", "held/new"], "held/new"),
        ("held", 0o555, ["new", "held/fresh"], "fresh"),
        ("held", 0o000, ["data", "verify", "mnist", "--data-dir", "held"], "held"),
    ],
)
def test_what_may_not_be_read_or_written_is_told(closed, mode, arguments, message):
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))  # pytest's own folders are closed to other users
    try:
        (folder / "case.yaml").write_text(f"dataset: {{csv: data.csv, target: y}}\n{NET}")
        (folder / "data.csv").write_bytes(TABLE)
        for command in (["run", "case.yaml", "-q", "-j", "1"], ["table", "results/case"], ["status", "results"]):
            assert run_case(command, folder, ()).code == 0  # and all that is imported on the way is there now
        shutil.rmtree(folder / "results")
        (folder / "held").mkdir()
        folder.chmod(0o777)
        (folder / closed).chmod(mode)
        with as_nobody():
            verdict = run_case(arguments, folder, ("",))
        (folder / closed).chmod(0o777)
        assert verdict.code in (1, 2), verdict.output
        assert message in verdict.output
        assert [line for line in verdict.broken if not line.startswith(("os.mkdir", "open"))] == []
        assert sorted(path.name for path in folder.rglob("*")) == ["case.yaml", "data.csv", "held"]
    finally:
        shutil.rmtree(folder)


@contextmanager
def as_nobody():
    """Gives root's rights up for a while, to whom no file is closed."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
