"""What commands print again without reading or computing anew: the same, and never of other results or other code."""

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from initbench.cli import main
from initbench.results import summary
from initbench.results.files import write_tables
from initbench.results.summary import FORMS, kept_summary, summary_of
from initbench.results.tables import load, open_results
from initbench.storage.store import Store

CONFIG = "dataset: digits\ndepth: 1\nwidth: 4\nepochs: 1\ntrain_rows: 100\nseeds: 2\ninitializer: [zeros, he_normal]\n"
FOLDER = Path("results/small")


def invoke(*arguments, code=0):
    found = CliRunner().invoke(main, list(map(str, arguments)))
    assert found.exit_code == code, found.output
    return found


@pytest.fixture
def computed(tmp_path, monkeypatch):
    """A finished run, and a list that grows whenever statistics are computed or a store is read."""
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(CONFIG, encoding="utf-8")
    invoke("run", "small.yaml", "-j", "1")
    calls, frames = [], Store.frames
    monkeypatch.setattr(Store, "frames", lambda store: calls.append(store.folder) or frames(store))
    return calls


def tables():
    return {file.name: file.read_bytes() for file in FOLDER.iterdir() if file.suffix in (".csv", ".md")}


def test_a_run_with_nothing_to_train_reads_and_computes_nothing_and_prints_the_same(computed):
    before = tables()
    again = invoke("run", "small.yaml", "-j", "1").stdout
    assert not computed
    with sqlite3.connect(FOLDER / "runs.sqlite") as connection:
        connection.execute("DELETE FROM about WHERE key = 'summary'")
    assert invoke("run", "small.yaml", "-j", "1").stdout == again
    assert computed
    assert tables() == before


@pytest.mark.parametrize("form", FORMS)
def test_the_table_is_printed_as_it_would_be_made(computed, form):
    kept = invoke("table", FOLDER, "--format", form).stdout
    assert not computed
    with sqlite3.connect(FOLDER / "runs.sqlite") as connection:
        connection.execute("DELETE FROM about WHERE key = 'summary'")
    assert invoke("table", FOLDER, "--format", form).stdout == kept
    assert len(computed) == 1


def edit(name):
    (FOLDER / name).write_text("mine", encoding="utf-8")


HARM = {
    "a table is edited": lambda: edit("accuracy.csv"),
    "a table is gone": lambda: (FOLDER / "curves.csv").unlink(),
    "the summary is damaged": lambda: harm_summary("zeros", "ones"),
    "the summary is cut": lambda: harm_summary("]", ""),
}


def harm_summary(old, new):
    with sqlite3.connect(FOLDER / "runs.sqlite") as connection:
        connection.execute("UPDATE about SET value = replace(value, ?, ?) WHERE key = 'summary'", (old, new))


@pytest.mark.parametrize("harm", HARM)
def test_what_is_damaged_is_made_again(computed, harm):
    before = tables()
    HARM[harm]()
    invoke("run", "small.yaml", "-j", "1")
    assert computed
    assert tables() == before
    computed.clear()
    invoke("run", "small.yaml", "-j", "1")
    assert not computed


def test_other_results_and_other_code_have_no_summary(computed, monkeypatch):
    assert kept_summary(open_results(FOLDER)) is not None
    invoke("run", "small.yaml", "-j", "1", "--seeds", "3", "-q")
    assert len(load(FOLDER).runs) == 6
    assert "2 of 2" not in summary_of(open_results(FOLDER)).accuracy["text"]
    monkeypatch.setattr(summary, "_code", lambda: "of another version")
    assert kept_summary(open_results(FOLDER)) is None


def test_a_damaged_record_is_reported_whatever_was_kept(computed):
    with sqlite3.connect(FOLDER / "runs.sqlite") as connection:
        connection.execute("UPDATE records SET test_rows = 7 WHERE rowid = 1")
    assert kept_summary(open_results(FOLDER)) is None
    assert "damaged record" in invoke("table", FOLDER, code=1).stderr


def test_the_files_that_are_hashed_are_all_that_are_written(computed):
    names = write_tables(load(FOLDER))
    assert sorted(names) == sorted(tables())
    assert sorted(kept_summary(open_results(FOLDER)).files) == sorted(names)
