"""A folder from a stranger: what lies beside a config, what a link points to, what passes for results."""

import shutil
import sqlite3
import struct
import subprocess
import sys

import pytest
from click.testing import CliRunner
from eager import CODE

from initbench.cli import main

SMALL = "dataset: digits\ntrain_rows: 100\ndepth: 1\nwidth: 4\nepochs: 1\nseeds: 2\ninitializer: [he_normal, zeros]\n"
SPY = "import sys\nopen('ran', 'a').write('x')\nsys.path.pop(0)\nsys.modules.pop('struct')\nfrom struct import *\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    (folder / "s.yaml").write_text(SMALL, encoding="utf-8")
    assert (
        CliRunner().invoke(main, ["run", str(folder / "s.yaml"), "-o", str(folder / "results"), "-j", "1"]).exit_code
        == 0
    )
    return folder


@pytest.fixture
def stranger(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments, code):
    found = CliRunner().invoke(main, arguments)
    assert found.exit_code == code, found.output
    assert "Traceback" not in found.output
    assert "--debug" not in found.output  # a foreseen error
    return found


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 knows no safe path: workers import from the folder")
def test_modules_beside_a_config_are_not_run(stranger):
    (stranger / "struct.py").write_text(SPY, encoding="utf-8")
    command = [sys.executable, "-P", "-c", CODE, "run", "s.yaml", "-o", "again", "-j", "2", "-q"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stderr == ""
    assert not (stranger / "ran").exists()
    subprocess.run([sys.executable, "-c", "import struct"], check=True)
    assert (stranger / "ran").exists()  # the spy works where it is imported


def test_figures_are_not_drawn_or_removed_through_a_link(stranger):
    pictures = stranger / "pictures"
    pictures.mkdir()
    (pictures / "holiday.png").write_bytes(b"mine")
    (stranger / "results" / "s" / "figures").symlink_to(pictures)
    assert "is a link" in call("plot", "results", code=1).stderr
    assert [file.name for file in pictures.iterdir()] == ["holiday.png"]


@pytest.mark.parametrize("is_link", [False, True])
def test_nothing_is_written_into_the_database_of_another_program(stranger, is_link):
    store, other = stranger / "results" / "s" / "runs.sqlite", stranger / "other.db"
    store.unlink()
    with sqlite3.connect(other if is_link else store) as connection:
        connection.execute("CREATE TABLE mine (a)")
    if is_link:
        store.symlink_to(other)
    before = store.read_bytes()
    told = call("run", "s.yaml", "-o", "results", "-j", "1", code=1).stderr
    assert "is a link" in told or "another program" in told
    call("table", "results/s", code=1)
    assert store.read_bytes() == before


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i"
FORGED = {
    "plan": f"DROP TABLE plan; CREATE VIEW plan AS {ENDLESS} AS position, 'c' AS cell, 0 AS seed, 1 AS epochs FROM n",
    "about": f"DROP TABLE about; CREATE VIEW about AS {ENDLESS} AS key, 'x' AS value FROM n",
    "beside": f"CREATE VIEW mine AS {ENDLESS} FROM n",
    "trigger": f"CREATE TRIGGER t AFTER DELETE ON plan BEGIN DELETE FROM about WHERE key IN ({ENDLESS} FROM n); END",
    "computed": "ALTER TABLE plan ADD COLUMN more AS (length(hex(zeroblob(1000000000))))",
    "virtual": "PRAGMA writable_schema = 1; INSERT INTO sqlite_master"
    " VALUES ('table', 'more', 'more', 0, 'CREATE VIRTUAL TABLE more USING fts5(a)')",
}


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("command", [("table", "results/s"), ("status", "results"), ("run", "s.yaml", "-j", "1")])
def test_a_store_that_is_more_than_plain_tables_is_refused_and_never_keeps_a_command_waiting(stranger, forged, command):
    with sqlite3.connect("results/s/runs.sqlite") as connection:
        connection.executescript(FORGED[forged])
    told = call(*command, code=1).output
    assert "put a copy in its place, or move it away" in told


def interior_page(size, child, cells=100):
    """A page of an SQLite table whose cells all point to one child; see the file format, section 1.6."""
    page, ends = bytearray(size), [size - 5 * (i + 1) for i in range(cells)]
    for i, end in enumerate(ends):
        page[end : end + 5] = struct.pack(">IB", child, i + 1)
    page[:12] = struct.pack(">BHHHBI", 5, 0, cells, ends[-1], 0, child)
    page[12 : 12 + 2 * cells] = struct.pack(f">{cells}H", *ends)
    return bytes(page)


def test_a_store_whose_pages_point_to_one_another_ends_in_a_line(stranger):
    """A walk over the few rows of its plan would visit 100 to the power of 13 pages."""
    store = stranger / "results" / "s" / "runs.sqlite"
    with sqlite3.connect(store) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'plan'").fetchone()[0]
    content = bytearray(store.read_bytes())
    content += content[(root - 1) * size : root * size]
    for _ in range(12):
        content += interior_page(size, len(content) // size)
    content[(root - 1) * size : root * size] = interior_page(size, len(content) // size)
    content[28:32] = struct.pack(">I", len(content) // size)
    store.write_bytes(content)
    assert "a query runs longer than the whole file could take" in call("table", "results/s", code=1).stderr
    assert "a query runs longer" in call("status", "results", code=1).output


@pytest.mark.parametrize("value", ["!x a.csv", '"a\\0b"', "!!python/name:os.system x"])
@pytest.mark.parametrize(
    "kind", ["{csv: VALUE, target: y}", "{csv: s.csv, target: VALUE}", "{npz: VALUE}", "{idx: VALUE}"]
)
def test_a_refused_value_of_a_data_set_is_told_once_where_it_stands(stranger, kind, value):
    (stranger / "s.csv").write_text("a,y\n1,0\n2,1\n", encoding="utf-8")
    (stranger / "bad.yaml").write_text(f"dataset: {kind.replace('VALUE', value)}\n", encoding="utf-8")
    told = call("check", "bad.yaml", code=2).stderr
    assert told.count("bad.yaml:1:") == 1


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)


@pytest.mark.usefixtures("sketches")
@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("config.yaml", BOMB + "description: *a9\n", 2),
        ("config.yaml", "[1, 2]", 0),
        ("config.yaml", "description: 2020-99-99", 0),
        ("manifest.json", "[1]", 1),
        ("manifest.json", "[" * 100_000, 1),
    ],
)
def test_a_report_of_strange_files_ends_soon_and_in_a_line(stranger, file, text, code):
    (stranger / "results" / "s" / file).write_text(text, encoding="utf-8")
    call("report", "results/s", code=code)


def test_sentences_in_markdown_show_names_as_they_are(stranger):
    evil = "<img src=x> $a$ [l](u).csv"
    (stranger / evil).write_text("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(60)), encoding="utf-8")
    config = SMALL.replace("digits", f"[{{csv: '{evil}', target: y}}, digits]").replace(
        "train_rows: 100", "train_rows: 40"
    )
    (stranger / "evil.yaml").write_text(config, encoding="utf-8")
    call("run", "evil.yaml", "-j", "1", code=0)
    for option in ((), ("--sentences",)):
        told = call("compare", "results/evil", "--format", "markdown", *option, code=0).stdout
        assert "img" in told
        assert "<img" not in told.replace("\\<img", "")
