"""A store that is cut short, overwritten or of another version: a right table or none, and a line on what to do."""

import json
import random
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from initbench import load, run
from initbench.cli import main
from initbench.errors import StoreError
from initbench.storage.store import LAYOUT, Store, verify
from initbench.training.runner import Progress

CONFIG = """\
dataset: digits
depth: 1
width: 4
initializer: [he_normal, zeros]
epochs: 2
seeds: 3
train_rows: 100
record: [curves, layers, weights]
target: 0.15
clock: 1
"""
FLIPS = 150


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    (folder / "grid.yaml").write_text(CONFIG)
    run(folder / "grid.yaml", results=folder / "results")
    return folder


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    """A folder of results to do harm to, ``results/grid``."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Path("results/grid")


def status(code=0):
    done = CliRunner().invoke(main, ["status", "results", "--verify"])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output


def change(folder, statement):
    connection = sqlite3.connect(folder / "runs.sqlite")
    with connection:
        connection.executescript(statement)
    connection.close()


def numbers(results, ignored=()):
    """All that the tables hold."""
    tables = (results.runs.drop(columns=list(ignored)), results.curves, results.layers, results.histograms)
    return [pd.DataFrame(table).to_json() for table in tables]


def flip_bits(folder, refusal):
    """How many of many flipped bits give tables that are read and are wrong; and what the refusals say."""
    rng, file, wrong, told = random.Random(0), folder / "runs.sqlite", 0, []
    content, before = file.read_bytes(), numbers(load(folder))
    for _ in range(FLIPS):
        place = rng.randrange(len(content))
        file.write_bytes(content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :])
        try:
            wrong += numbers(load(folder)) != before
        except refusal as error:
            told.append(str(error))
    file.write_bytes(content)
    return wrong, told


@pytest.mark.long
def test_a_flipped_bit_gives_the_right_table_or_none(folder):
    wrong, told = flip_bits(folder, StoreError)
    assert wrong == 0
    assert len(told) > FLIPS / 10
    assert all(len(line.splitlines()) == 1 for line in told)


@pytest.mark.long
def test_a_store_without_checksums_would_give_wrong_tables(folder, monkeypatch):
    monkeypatch.setattr(Store, "faults", lambda store: [])
    assert flip_bits(folder, Exception)[0] > 0


def test_a_store_cut_short_is_refused_in_a_line(folder):
    content, before = (folder / "runs.sqlite").read_bytes(), numbers(load(folder))
    for size in range(0, len(content), 4096):
        (folder / "runs.sqlite").write_bytes(content[:size])
        with pytest.raises(StoreError, match=r"put a copy in its place|is empty; to train") as told:
            load(folder)
        assert len(str(told.value).splitlines()) == 1
    assert "1 of 1 stores are damaged" in status(1)
    (folder / "runs.sqlite").write_bytes(content)
    assert numbers(load(folder)) == before


def test_an_empty_store_is_trained_anew(folder):
    before = numbers(load(folder), ["wall_seconds"])
    (folder / "runs.sqlite").write_bytes(b"")
    with pytest.raises(StoreError, match="is empty; to train what it lost or never had: initbench run CONFIG"):
        load(folder)
    assert numbers(run("grid.yaml"), ["wall_seconds"]) == before


class Told(Progress):
    """Notes what a run says, and the cells that it trains."""

    def __init__(self):
        self.messages, self.cells = [], []

    def wait(self, message):
        self.messages.append(message)

    def finish(self, cells, records):
        self.cells += [cell.key for cell in cells]


HARM = {
    "curve": "UPDATE records SET curves = zeroblob(length(curves)) WHERE cell = '{cell}'",
    "status": "UPDATE records SET status = 'diverged' WHERE cell = '{cell}'",
    "layers": "UPDATE layers SET metrics = zeroblob(length(metrics)) WHERE cell = '{cell}'",
    "steps": "UPDATE further SET steps_to_target = 7 WHERE cell = '{cell}'",
    "lost": "DELETE FROM further WHERE cell = '{cell}'",
    "text": "UPDATE records SET error = CAST(X'ff00fe' AS TEXT) WHERE cell = '{cell}'",
}


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_record_is_named_and_trained_anew_and_the_others_stay(folder, harm):
    before = load(folder)
    cell = before.runs["cell"][2]
    change(folder, HARM[harm].format(cell=cell))
    again = "to train anew: initbench run results/grid/config.yaml -o results"
    line = f"1 damaged record, first that of {cell}; all others are kept, and {again}"
    assert verify(folder) == [line]
    assert status(1).splitlines() == [
        "results/grid: damaged",
        f"  {line}",
        "initbench: 1 of 1 stores are damaged: results/grid",
    ]
    with pytest.raises(StoreError, match="1 damaged record"):
        load(folder)
    progress = Told()
    after = run("grid.yaml", progress=progress)
    assert progress.cells == [cell]
    assert progress.messages == ["results/grid/runs.sqlite: 1 damaged records are forgotten, all others are kept"]
    assert numbers(after, ["wall_seconds"]) == numbers(before, ["wall_seconds"])
    others = before.runs["cell"] != cell
    assert (after.runs["wall_seconds"][others] == before.runs["wall_seconds"][others]).all()
    assert "verified: no damage found" in status()


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM plan WHERE position = 0",
        "UPDATE plan SET factors = 'x'",
        "UPDATE about SET value = '{' WHERE key = 'race'",
        "DELETE FROM about WHERE key = 'further'",
    ],
)
def test_a_damaged_plan_is_told_and_made_anew_without_training(folder, harm):
    before = numbers(load(folder))
    change(folder, harm)
    assert "the plan is damaged; the records are kept, and to plan anew: initbench run" in status(1)
    for command in ("status", "table"):
        done = CliRunner().invoke(main, [command, str(folder)])
        assert (done.exit_code, len(done.output.splitlines())) == (1, 1), done.output
    progress = Told()
    assert numbers(run("grid.yaml", progress=progress)) == before
    assert progress.cells == []


def test_damaged_weights_are_named_and_trained_anew_when_removed(folder):
    file = next((folder / "weights").iterdir())
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    assert f"  {file} is damaged; remove it, and the next run trains its cell anew" in status(1)
    file.unlink()
    run("grid.yaml")
    with np.load(file) as arrays:
        assert arrays["weights_0"].shape == (64, 4)
    assert "verified" in status()


def test_a_store_of_a_newer_version_is_left_as_it_is(folder):
    change(folder, "UPDATE about SET value = '99' WHERE key = 'layout'; DROP TABLE layers")
    before = (folder / "runs.sqlite").read_bytes()
    with pytest.raises(StoreError, match=r"newer initbench \(layout 99\); update initbench to read it; nothing was"):
        run("grid.yaml")
    assert "written by a newer initbench" in status(1)
    assert (folder / "runs.sqlite").read_bytes() == before


def test_a_store_without_checksums_is_read_and_the_next_run_adds_them(folder):
    before = numbers(load(folder))
    drop = "ALTER TABLE {} DROP COLUMN checksum;"
    change(folder, drop.format("records") + drop.format("layers") + "DELETE FROM about WHERE key = 'plan'")
    change(folder, "UPDATE about SET value = '1' WHERE key = 'layout'")
    assert numbers(load(folder)) == before
    assert verify(folder) == []
    progress = Told()
    assert numbers(run("grid.yaml", progress=progress)) == before
    assert progress.cells == []
    with Store(folder) as store:
        assert store.about("layout") == str(LAYOUT)
    change(folder, HARM["curve"].format(cell=json.loads(before[0])["cell"]["0"]))
    assert "1 damaged record" in status(1)


@pytest.mark.long
def test_a_file_that_is_being_written_when_all_ends_is_not_the_one_that_is_read(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.glob("*.*") if "sqlite" not in path.name}

    def end(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", end)
    for command in ("report", "plot", "export"):
        done = CliRunner().invoke(main, [command, str(folder)])
        assert (done.exit_code, len(done.output.splitlines())) == (1, 1), done.output
        assert "No space left on device; what was there is kept" in done.output
    assert CliRunner().invoke(main, ["run", "grid.yaml", "-j", "1"]).exit_code == 1
    assert {path.name: path.read_bytes() for path in folder.glob("*.*") if "sqlite" not in path.name} == before
