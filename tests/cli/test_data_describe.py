"""``initbench data describe``, and what check and run report of the files that they read."""

import json

import pytest

TABLE = "\n".join(
    ["id;City;Paid;Left", *(f"{i};{['Lyon', 'lyon', 'Gent'][i % 3]};{i},5;{['no', 'yes'][i % 2]}" for i in range(24))]
)
FILES = {
    "shop.csv": TABLE,
    "plain.csv": "size,kind\n" + "".join(f"{i % 7},{'ab'[i % 2]}\n" for i in range(20)),
    "shop.yaml": "dataset: {csv: shop.csv, target: Left, drop: [id]}\ndepth: 1\nwidth: 2\nepochs: 1\nseeds: 1\n",
    "digits.yaml": "dataset: digits\n",
}
COMMAND = ("data", "describe")


def test_a_file_is_described_column_by_column_with_every_assumption(invoke):
    text = invoke("shop.csv", "-s", "target=Left").output
    assert "shop.csv: 24 rows, 4 columns, 2 classes, class 1 is 'yes'" in text
    for words in ("id feature number", "City feature category", "Paid feature number", "Left target category"):
        name, *rest = words.split()
        (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        assert line.split()[1:3] == rest
    for note in (
        "cells are separated by ';'",
        "numbers have a comma as decimal mark, by '0,5' on line 2",
        "column 'City': 'lyon' is read as 'Lyon'",
        "column 'id' has a value of its own in every row, as an id has; to leave it out: drop: [id]",
    ):
        assert f"note: {note}" in text
    assert "0.5 to 23.5" in text
    assert "no (12), yes (12)" in text


def test_nothing_is_noted_where_nothing_was_assumed(invoke):
    assert "note:" not in invoke("plain.csv", "-s", "target=kind").output


def test_options_are_those_of_a_config(invoke):
    assert "class 1 is 'no'" in invoke("shop.csv", "-s", "target=Left", "-s", "positive=no").output
    assert "leave header out" in invoke("plain.csv", "-s", "header=false", code=2).output
    wrong = invoke("shop.csv", "-s", "targt=Left", code=2)
    assert "nearest name: target" in wrong.output
    assert (
        "no column 'left', which target names; nearest name: Left"
        in invoke("shop.csv", "-s", "target=left", code=2).output
    )


def test_a_table_that_cannot_be_trained_on_is_described_before_it_is_refused(invoke):
    shown = invoke("shop.csv", "-s", "target=Paid", code=2).output
    assert "Paid" in shown
    assert "has 24 classes of fewer than 5 rows" in shown


def test_programs_read_the_columns_as_json_and_csv(invoke):
    rows = json.loads(invoke("shop.csv", "--format", "json").output)
    assert [row["column"] for row in rows] == ["id", "City", "Paid", "Left"]
    assert rows[1]["categories"] == 2
    assert invoke("shop.csv", "--format", "csv").output.startswith("column,role,type,missing,categories,values\n")


def test_the_files_of_a_config_are_described(invoke):
    assert "id      dropped" in invoke("shop.yaml").output
    assert "names no file of yours" in invoke("digits.yaml", code=2).output


def test_a_file_that_is_not_there_is_named_with_the_nearest(invoke):
    assert "nearest name: shop.csv" in invoke("shpo.csv", code=2).output


@pytest.fixture
def plain_invoke(invoke, request, monkeypatch):
    monkeypatch.setattr(request.module, "COMMAND", ())
    return invoke


def test_check_and_run_report_what_was_made_of_a_file(plain_invoke, monkeypatch):
    from click.testing import CliRunner

    from initbench.cli import main

    for command in (["check", "shop.yaml"], ["run", "shop.yaml", "-j", "1"], ["run", "shop.yaml", "--dry-run"]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
        shown = done.stdout if command[0] == "check" else done.stderr
        assert "shop.csv: 24 rows" in shown
        assert "note: column 'City': 'lyon' is read as 'Lyon'" in shown
    assert "shop.csv" not in CliRunner().invoke(main, ["run", "shop.yaml", "-q"]).output


def test_columns_of_pixels_are_one_line(invoke, tmp_path):
    names = ",".join(f"pixel{i}" for i in range(40))
    rows = "".join(",".join(str((i * j) % 9) for j in range(40)) + f",{i % 2}\n" for i in range(20))
    (tmp_path / "pixels.csv").write_text(f"{names},y\n{rows}", encoding="utf-8")
    text = invoke("pixels.csv", "-s", "target=y").output
    assert "pixel0 to pixel39 (40)" in text
    assert "pixel7 " not in text
