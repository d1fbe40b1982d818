"""A short run of the fuzzer, and proofs that it notices what it is there to notice."""

from __future__ import annotations

import pickle
import time

import pytest
from faults.fuzz import fuzz, put, try_config, try_data
from faults.harness import run_case
from faults.strategies import IN_PLACE_OF_A_FILE, NET, TABLE, VERBATIM, WHOLE, DataCase

from initbench.errors import DataError

CSV = f"dataset: {{csv: data.csv, target: y}}\n{NET}"


@pytest.mark.long
@pytest.mark.parametrize(("kind", "count"), [("configs", 60), ("data", 30)])
def test_generated_input_breaks_no_promise(kind, count):
    tally = fuzz(kind, count, start=7)
    assert tally.found == []
    assert tally.cases >= count
    assert set(tally.codes) <= {0, 1, 2}
    assert len(tally.codes) > 1


@pytest.mark.parametrize("key", ["description", "initializer", "unknown"])
def test_every_hostile_value_is_told_in_its_place(key, tmp_path):
    for number, value in enumerate(VERBATIM):
        folder = tmp_path / str(number)
        folder.mkdir()
        (verdict, *more) = try_config(folder, f"depth: 1\n{key}: {value}\n".encode(), ())
        assert verdict.broken == (), value[:80]
        assert verdict.code == 2 or key == "description", value[:80]
        assert all(not later.broken for later in more)


@pytest.mark.long
def test_every_hostile_file_is_told_in_its_place(tmp_path):
    for number, content in enumerate(WHOLE):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "case.yaml").write_bytes(content)
        verdict = run_case(["check", "case.yaml"], tmp_path / str(number), ("case.yaml",), limit=300)
        assert verdict.broken == (), content[:80]


@pytest.mark.parametrize("special", IN_PLACE_OF_A_FILE)
@pytest.mark.parametrize(
    ("dataset", "name"),
    [("csv: x, target: y", "x"), ("npz: x", "x"), ("idx: .", "train-images-idx3-ubyte"), ("idx: x", "x")],
)
def test_what_is_no_file_is_refused_at_once(special, dataset, name, tmp_path):
    for verdict in try_data(tmp_path, DataCase(f"dataset: {{{dataset}}}\n{NET}", {name: special})):
        assert verdict.broken == ()
        assert verdict.code in (1, 2)
    (tmp_path / "other.yaml").symlink_to("case.yaml")
    (tmp_path / "config").mkdir()
    put(tmp_path / "config" / "fifo.yaml", special)
    assert run_case(["check", "config/fifo.yaml"], tmp_path, ("fifo.yaml",)).code == 2
    assert run_case(["check", "other.yaml"], tmp_path, ("case.yaml",)).code == 2  # a link to a config is a config


def reader(action):
    """A reader of CSV files that does something first, and then finds fault with every file."""

    def read_csv(file, options):
        action(file)
        raise DataError(f"{file}: nothing to read")

    return read_csv


def look_up(file):
    return {}[file]


def hang(file):
    time.sleep(60)


def spin(file):
    while True:
        file.exists()


def write_beside(file):
    (file.parent / "beside.txt").write_text("x")


def write_over(file):
    file.write_bytes(b"x" + TABLE)


def write_far_away(file):
    (file.parents[1] / "far.txt").write_text("x")


def unpickle(file):
    pickle.loads(b"cposix\ngetpid\n(tR.")


@pytest.mark.parametrize(
    ("action", "broken"),
    [
        (look_up, "an error that nobody foresaw: initbench: KeyError"),
        (hang, "ran for more than 1 seconds"),
        (spin, "ran for more than 1 seconds"),
        (write_beside, "open outside of the results: "),
        (write_over, "changed outside of the results: "),
        (write_far_away, "open outside of the results: "),
        (unpickle, "pickle.find_class: "),
    ],
)
def test_the_harness_catches_a_reader_that_does_what_it_must_not(action, broken, monkeypatch, tmp_path):
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.yaml").write_text(CSV)
    (folder / "data.csv").write_bytes(TABLE)
    monkeypatch.setattr("initbench.parts.datasets.tables.read_csv", reader(action))
    verdict = run_case(["check", "case.yaml"], folder, ("case.yaml",), limit=1)
    assert any(line.startswith(broken) for line in verdict.broken), verdict


def test_the_harness_catches_a_message_that_names_no_file_and_one_that_a_terminal_obeys(monkeypatch, tmp_path):
    (tmp_path / "case.yaml").write_text("depth: -1\n")
    assert run_case(["check", "case.yaml"], tmp_path, ("other.yaml",)).broken[0].startswith("does not name")
    monkeypatch.setattr("initbench.cli.group.printable", lambda text: f"{text}\x07")
    assert run_case(["check", "case.yaml"], tmp_path, ("case.yaml",)).broken == ("sends the terminal ['\\x07']",)


def test_the_fuzzer_finds_a_planted_fault(monkeypatch):
    monkeypatch.setattr("initbench.parts.datasets.tables.read_csv", reader(look_up))
    found = fuzz("data", 10, start=7).found
    assert any("KeyError" in broken for broken, _ in found)
