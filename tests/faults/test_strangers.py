"""A folder from a stranger: what lies beside a config, what a link points to, what passes for results."""

import shutil
import sqlite3
import subprocess
import sys

import pytest
from click.testing import CliRunner

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
    command = [sys.executable, "-P", "-m", "initbench", "run", "s.yaml", "-o", "again", "-j", "2", "-q"]
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
