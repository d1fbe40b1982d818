"""``initbench compare`` and the sentence that a run ends with."""

import csv
import io
import json

import pytest
from click.testing import CliRunner

from initbench.cli import main

GRID = """\
dataset: digits
depth: 2
width: 16
initializer: [he_normal, glorot_uniform, zeros]
learning_rate: [0.1, 0.01]
epochs: 3
seeds: 5
train_rows: 400
"""


def invoke(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """The folder of results, and what the run printed."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "grid.yaml").write_text(GRID)
    printed = invoke("run", folder / "grid.yaml", "-j", 1, "-o", folder / "results").stdout
    return folder / "results" / "grid", printed


def test_a_run_ends_with_a_sentence_for_each_setting(ended):
    _, printed = ended
    assert "learning rate 0.01: " in printed
    assert "learning rate 0.1: he_normal leads with" in printed or "learning rate 0.1: glorot_uniform leads" in printed


@pytest.mark.usefixtures("sketches")
def test_a_key_that_may_be_none_can_be_swept(tmp_path):
    grid = GRID.replace("[0.1, 0.01]", "0.1").replace("depth: 2", "depth: 1\nclip_norm: [null, 1.0]")
    (tmp_path / "none.yaml").write_text(grid.replace("epochs: 3", "epochs: 1"))
    printed = invoke("run", tmp_path / "none.yaml", "-j", 1, "-o", tmp_path).stdout
    assert "clip norm none: " in printed
    assert "clip norm 1: " in printed
    assert "clip norm none: " in invoke("compare", tmp_path / "none").stdout
    invoke("report", tmp_path)


def test_text_has_verdicts_above_the_table(ended):
    folder, printed = ended
    text = invoke("compare", folder).stdout
    verdicts = [line for line in text.splitlines() if line.startswith("learning rate 0.1: ")]
    assert verdicts
    assert verdicts[0] in printed
    assert "Cliff's δ" in text
    table, _, training = text.partition("verdict\n")[2].partition("\n\n")
    assert len(table.splitlines()[1:]) == 6
    assert training.startswith("Seeds that train:\nbetter")
    assert "learning rate" in training.splitlines()[1]  # the same two initializers stand there once a setting
    assert "McNemar's p" in training


def test_every_format_tells_the_same_pairs(ended):
    folder, _ = ended
    rows = json.loads(invoke("compare", folder, "--format", "json").stdout)
    table = list(csv.DictReader(io.StringIO(invoke("compare", folder, "--format", "csv").stdout)))
    assert [(row["better"], row["worse"], row["sentence"]) for row in rows] == [
        (row["better"], row["worse"], row["sentence"]) for row in table
    ]
    with (folder / "comparison.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert all(written[i].items() <= table[i].items() for i in range(6))
    latex = invoke("compare", folder, "--format", "latex").stdout
    assert r"glorot\_uniform" in latex
    assert r"Cliff's $\delta$" in latex
    assert "| better | worse |" in invoke("compare", folder, "--format", "markdown").stdout


def test_sentences_are_those_of_the_table(ended):
    folder, _ = ended
    rows = json.loads(invoke("compare", folder, "--format", "json").stdout)
    printed = invoke("compare", folder, "--sentences").stdout
    assert all(row["sentence"] in printed for row in rows)


def test_a_wide_margin_makes_what_trains_equivalent(ended):
    folder, _ = ended
    rows = json.loads(invoke("compare", folder, "--margin", "60%", "--format", "json").stdout)
    assert any(row["verdict"] == "equivalent" for row in rows)
    assert {row["margin"] for row in rows} == {0.6}
    text = " ".join(invoke("compare", folder, "--margin", "60%").stdout.split())
    assert "equivalent to " in text
    assert " within 60 points" in text
    assert " · margin 60 points " in text


def test_text_names_a_margin_by_which_nothing_is_equivalent(ended):
    text = " ".join(invoke("compare", ended[0], "--margin", "0.001%").stdout.split())
    assert "not shown to differ, nor to be equivalent within 0.001 points: " in text
    assert " · margin 0.001 points " in text
    assert "margin" not in invoke("compare", ended[0]).stdout
    half = invoke("compare", ended[0], "--margin", "0.5%").stdout
    assert invoke("compare", ended[0], "--margin", "0.005").stdout == half


@pytest.mark.parametrize(("margin", "meant"), [("0.5", "0.5%"), ("0.25", "0.25%"), (".9", ".9%"), ("5e-1", "5e-1%")])
def test_a_fraction_that_may_be_meant_in_points_is_refused(ended, margin, meant):
    for command in (["compare", ended[0], "--margin"], ["plan", ended[0], "--detect"]):
        stderr = " ".join(invoke(*command, margin, code=2).stderr.split())
        assert f"points; for {margin} points write {meant}" in stderr
    race = ["run", "smoke", "--until-decided", "-o", ended[0], "--margin"]
    assert "points write" in invoke(*race, margin, code=2).stderr


@pytest.mark.parametrize("margin", ["0", "-1%", "150%", "nan", "wide", "", "1", "5"])
def test_a_margin_that_is_none_is_refused(ended, margin):
    result = invoke("compare", ended[0], f"--margin={margin}", code=2)
    assert "write 0.5% or 0.005" in result.stderr


def test_a_path_without_results_is_told(tmp_path):
    assert "no folder of results" in invoke("compare", tmp_path, code=1).stderr
