"""Copies of data sets that took long to read: taken, made anew where they are damaged, and bounded in size."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from initbench.cli import main
from initbench.contracts import ColumnAccount, Dataset
from initbench.parts.datasets import cache, loading, tables
from initbench.parts.datasets.cache import REBUILT, Copies
from initbench.parts.datasets.saved import ARRAYS, FILE

TABLE = "size,colour,y\n" + "".join(f"{i / 2},{'red' if i % 3 else 'blue'},{i % 2}\n" for i in range(40))
COLUMNS = (ColumnAccount("a", "feature", "number", 1, -1.5, 2), ColumnAccount("b", "target", labels=("n", "y")))


@pytest.fixture(autouse=True)
def kept_at_once(monkeypatch):
    monkeypatch.setattr(cache, "SLOW_SECONDS", -1.0)


def made(rows=10, **others):
    x = np.arange(2.0 * rows).reshape(rows, 2)
    x[0, 0] = np.nan
    y = np.arange(rows) % 2
    rest = {"features": ("a", "b"), "notes": ("a note",), "columns": COLUMNS, "shape": (1, 2, 1)} | others
    return Dataset(x, y, x[:4], y[:4], ("n", "y"), "table", **rest)


class Source:
    """Reads a data set, and counts how often."""

    def __init__(self, dataset=None):
        self.dataset, self.reads = dataset or made(), 0

    def __call__(self):
        self.reads += 1
        return self.dataset


def alike(first, second):
    arrays = all(
        np.array_equal(getattr(first, name), getattr(second, name), equal_nan=name[0] == "x") for name in ARRAYS
    )
    types = all(getattr(first, name).dtype == getattr(second, name).dtype for name in ARRAYS)
    return arrays and types and first[len(ARRAYS) :] == second[len(ARRAYS) :]


def test_what_is_taken_is_what_was_read(tmp_path):
    read = Source()
    first, second = (Copies(tmp_path / "new").load("source", read) for _ in range(2))
    assert read.reads == 1
    assert alike(first, read.dataset)
    assert alike(second, read.dataset)
    with pytest.raises(ValueError, match="read-only"):
        second.x_train[0] = 1


def test_another_source_and_another_reader_are_read(tmp_path, monkeypatch):
    read = Source()
    copies = Copies(tmp_path)
    for source in (("csv", 1), ("csv", 2)):
        copies.load(source, read)
    assert read.reads == 2
    monkeypatch.setattr(cache, "_readers", lambda: "of a later version")
    copies.load(("csv", 1), read)
    assert read.reads == 3


def test_what_is_read_soon_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "SLOW_SECONDS", 3600.0)
    read = Source()
    for _ in range(2):
        Copies(tmp_path).load("source", read)
    assert (read.reads, list(tmp_path.iterdir())) == (2, [])


def flip(file):
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)


DAMAGE = {
    "a flipped bit": lambda place: flip(place / "x_train.npy"),
    "cut short": lambda place: (place / "y_test.npy").write_bytes((place / "y_test.npy").read_bytes()[:-8]),
    "empty": lambda place: (place / "x_test.npy").write_bytes(b""),
    "a file is gone": lambda place: (place / "y_train.npy").unlink(),
    "another description": lambda place: (place / FILE).write_text("{"),
    "another checksum": lambda place: (place / FILE).write_text(
        json.dumps(json.loads((place / FILE).read_text()) | {"checksum": "0"})
    ),
    "nothing in it": lambda place: (shutil.rmtree(place), place.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_copy_is_made_anew_and_that_is_said(tmp_path, damage):
    read = Source()
    copies = Copies(tmp_path)
    copies.load("source", read)
    (place,) = tmp_path.iterdir()
    DAMAGE[damage](place)
    found = copies.load("source", read)
    assert (read.reads, found.notes) == (2, ("a note", REBUILT))
    assert alike(found._replace(notes=("a note",)), read.dataset)
    assert alike(copies.load("source", read), read.dataset)
    assert read.reads == 2


def test_the_copies_that_have_not_been_used_for_longest_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "MOST_BYTES", 45_000)
    copies, sources = Copies(tmp_path), [Source(made(600)) for _ in range(5)]
    for index, read in enumerate(sources[:3]):
        copies.load(index, read)
        for folder in tmp_path.iterdir():
            os.utime(folder, (time.time() - 100,) * 2)
        copies.load(0, sources[0])
    for index in (0, 1, 2):
        copies.load(index, sources[index])
    assert [read.reads for read in sources[:3]] == [1, 2, 2]
    assert sum(file.stat().st_size for file in tmp_path.glob("*/*")) < 45_000
    copies.load("large", Source(made(20_000)))
    assert copies.load("large", sources[4]).x_train.shape == (600, 2)  # larger than half of the room: never kept


def test_what_a_killed_process_left_is_removed_in_time(tmp_path):
    for name, age in ((".old-1-2", 7200), (".new-3-4", 10)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    Copies(tmp_path).load("source", Source())
    assert {folder.name for folder in tmp_path.iterdir() if folder.name.startswith(".")} == {".new-3-4"}


def test_a_folder_that_cannot_be_written_costs_no_result(tmp_path):
    (tmp_path / "file").write_text("")
    assert alike(Copies(tmp_path / "file" / "copies").load("source", Source()), made())
    assert Copies(tmp_path / "file" / "copies").clear() == (0, 0)


FILLER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import initbench.parts.datasets.cache as cache
from test_cache import Source, made, alike
cache.SLOW_SECONDS = -1.0
for i in range(60):
    assert alike(cache.Copies(Path(sys.argv[1])).load(i % 20, Source(made(200))), made(200))
    if i % 7 == 3:
        cache.Copies(Path(sys.argv[1])).clear()
"""


def test_processes_that_fill_and_clear_one_cache_at_once_read_what_is_right(tmp_path):
    command = [sys.executable, "-c", FILLER, str(tmp_path), str(Path(__file__).parent)]
    fillers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [filler.communicate()[1] for filler in fillers] == [""] * 3


@pytest.fixture
def reads(tmp_path, monkeypatch):
    """How often tables are parsed, with a cache of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("t.csv").write_text(TABLE, encoding="utf-8")
    config = "dataset: {csv: t.csv, target: y}\ndepth: 1\nwidth: 2\nepochs: 1\nseeds: 1\n"
    Path("t.yaml").write_text(config, encoding="utf-8")
    parsed, read = [], tables.read_table
    monkeypatch.setattr(tables, "read_table", lambda *arguments: parsed.append(1) or read(*arguments))
    return parsed


def command(*arguments):
    loading._loaded.clear()
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result


def test_a_second_command_does_not_parse_a_table_and_prints_the_same(reads):
    first, second = (command("run", "t.yaml", "-j", "1", "--fresh") for _ in range(2))
    assert len(reads) == 1
    assert second.stdout == first.stdout
    assert second.stderr == first.stderr
    Path("t.csv").write_text(TABLE.replace("0.5", "0.75"), encoding="utf-8")
    command("run", "t.yaml", "-j", "1")
    command("run", "t.yaml", "-j", "1", "-s", "dataset={csv: t.csv, target: y, drop: [size]}")
    assert len(reads) == 3


def test_a_run_says_that_a_copy_was_damaged(reads):
    command("run", "t.yaml", "-j", "1")
    (file,) = Path("cache").glob("initbench/prepared/*/x_train.npy")
    flip(file)
    assert REBUILT in command("run", "t.yaml", "-j", "1", "--fresh").stderr
    assert REBUILT not in command("run", "t.yaml", "-j", "1", "--fresh").stderr


def test_the_cache_is_cleared_by_a_command(reads):
    command("run", "t.yaml", "-j", "1")
    found = command("data", "clear-cache").stdout
    assert found.startswith("removed 1 copy of data sets in ")
    assert command("data", "clear-cache").stdout.startswith("removed 0 copies")
    command("run", "t.yaml", "-j", "1")
    assert len(reads) == 2
