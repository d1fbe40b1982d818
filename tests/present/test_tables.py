import csv
import io
import json

import frames
import numpy as np
import pandas as pd
import pytest

from initbench.analysis.comparisons import comparison_table
from initbench.analysis.summaries import accuracy_table
from initbench.errors import UsageError
from initbench.present.tables import FORMATS, accuracy_view, csv_text, render_table


@pytest.fixture(scope="module")
def eight():
    return frames.experiment(frames.eight, initializer=frames.EIGHT)


@pytest.fixture(scope="module")
def accuracy(eight):
    return accuracy_table(*eight, target=0.9)


def fields(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_reads_back_the_same(accuracy):
    rows = fields(render_table(accuracy, "csv"))
    assert list(rows[0]) == list(accuracy)
    for name in accuracy.select_dtypes("number"):
        np.testing.assert_array_equal([float(row[name] or "nan") for row in rows], accuracy[name])
    assert [row["initializer"] for row in rows] == accuracy["initializer"].tolist()


def test_csv_has_empty_fields_whole_counts_and_plain_line_ends(eight):
    text = csv_text(eight.runs)
    assert "\r" not in text
    assert not {"nan", "inf", "None"} & set(text.replace("\n", ",").split(","))
    rows = fields(text)
    assert {row["diverged_epoch"] for row in rows} == {"", "1", "2", "3"}
    assert {row["epochs"] for row in rows} == {"10"}
    assert csv_text(pd.DataFrame({"a": [1.0, np.inf, -np.inf, np.nan, 1e-5, 0.1 + 0.2]})).split("\n")[1:7] == [
        *["1.0", '""', '""', '""', "1e-05", "0.30000000000000004"]
    ]


def test_csv_quotes_as_rfc_4180_says_and_defuses_formulas():
    frame = pd.DataFrame({"text": ['a "b", c', "two\nlines", "=1+1", "-x", None], "number": [-1, -2, 3, 4, 5]})
    rows = fields(csv_text(frame))
    assert [row["text"] for row in rows] == ['a "b", c', "two\nlines", "'=1+1", "'-x", ""]
    assert [row["number"] for row in rows] == ["-1", "-2", "3", "4", "5"]


def test_csv_has_a_line_a_row(eight):
    many = pd.concat([eight.curves] * 50, ignore_index=True)
    assert csv_text(many).count("\n") == len(many) + 1 > 20_000


def test_json_has_all_columns_and_null_for_what_is_missing(accuracy):
    records = json.loads(render_table(accuracy, "json"))
    assert list(records[0]) == list(accuracy)
    assert records[-1]["epochs_to_target"] is None
    assert records[0]["test_accuracy_mean"] == accuracy["test_accuracy_mean"][0]


def test_view_tells_constant_factors_once_and_rounds(accuracy):
    facts, view = accuracy_view(accuracy)
    assert facts == (
        "dataset mnist-10k · depth 20 · width 128 · activation relu · optimizer sgd"
        " · learning rate 0.05 · batch size 64"
    )
    first, shaky = view.iloc[0], view.set_index("initializer").loc["uniform(low=-0.3, high=0.3)"]
    assert first.tolist() == ["1", "he_normal", "95.5 [94.9, 96.1]", "96.1", "0.283", "5/5", "0/5", "5/5", "4"]
    assert shaky[["trained", "diverged"]].tolist() == ["2/5", "3/5"]
    assert view.iloc[-1]["epochs to target"] == ""


def test_steps_are_whole_but_for_a_median_between_two(eight):
    runs = eight.runs.assign(test_auc=0.87654, steps_to_target=[30.0 + i % 5 for i in range(len(eight.runs))])
    runs.loc[0, "steps_to_target"] = np.nan
    assert [line.rsplit(",", 2)[-1] for line in csv_text(runs).splitlines()[1:4]] == ["", "31", "32"]
    table = accuracy_table(runs, *eight[1:])
    between = accuracy_table(runs[runs["seed"] < 4], *eight[1:])
    assert json.loads(render_table(table, "json"))[-1]["steps_to_target"] == 32
    assert json.loads(render_table(between, "json"))[-1]["steps_to_target"] == 31.5
    view = accuracy_view(between)[1]
    assert view.iloc[-1][["test AUC", "steps to target"]].tolist() == ["0.877", "31.5"]


def test_view_shows_the_factors_that_differ():
    f = frames.experiment(initializer=["zeros"], clip_norm=[None, 1.0], seeds=1, epochs=1)
    facts, view = accuracy_view(accuracy_table(*f))
    assert view["clip norm"].tolist() == ["1", "none"]
    assert "initializer" in view
    assert "initializer" not in facts
    assert "[" not in view["test accuracy %"][0]


def test_text_is_aligned_and_fits(eight):
    text = render_table(accuracy_table(*eight), "text", caption="Test accuracy")
    lines = text.splitlines()
    assert lines[0] == "Test accuracy"
    assert max(map(len, lines)) <= 100
    table = [line for line in lines[1:] if "·" not in line]
    assert len({line.index("5/5") for line in table if line.endswith("5/5       0/5")}) == 1


def test_comparison_is_rounded_too(eight):
    comparison = comparison_table(eight.runs, eight.baselines, eight.factors)
    small = comparison[comparison["p"] < 0.01].assign(p=1e-5)
    text = render_table(small, "text")
    assert "0.000" not in text
    assert "<0.001" in text
    assert "· seeds 5" in text
    assert float(fields(render_table(comparison, "csv"))[0]["p"]) == comparison["p"][0]


def test_latex_and_markdown_escape():
    hard = r"a_b%c&d#e$f{g}h~i^j\k"
    latex = render_table(pd.DataFrame({"name": [hard]}), "latex", caption="50 %.")
    assert r"a\_b\%c\&d\#e\$f\{g\}h\textasciitilde{}i\textasciicircum{}j\textbackslash{}k \\" in latex
    assert r"\caption{50 \%}" in latex
    assert all(rule in latex for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    markdown = render_table(pd.DataFrame({"name": ["a|b", "two\nlines"], "n": [1, None]}), "markdown")
    assert markdown == "| name | n |\n| :-- | --: |\n| a\\|b | 1 |\n| two lines |  |\n"


def test_an_unknown_format_is_told_with_the_valid_ones(accuracy):
    with pytest.raises(UsageError, match=r"'xml'.*text, markdown, latex, csv, json"):
        render_table(accuracy, "xml")


@pytest.mark.parametrize("format", FORMATS)
def test_empty_tables_have_a_header_in_every_format(eight, accuracy, format):
    comparison = comparison_table(eight.runs.iloc[:1], eight.baselines, eight.factors)
    for table in (accuracy.iloc[:0], comparison):
        assert render_table(table, format).endswith("\n")


@pytest.mark.parametrize("format", ["text", "markdown"])
def test_an_accuracy_table_without_a_finished_cell_says_so(accuracy, format):
    assert render_table(accuracy.iloc[:0], format) == "no cell has finished\n"


def test_latex_has_the_best_of_each_setting_in_bold_with_its_interval():
    f = frames.experiment(frames.deep, initializer=["he_normal", "zeros"], depth=[2, 40], seeds=6, epochs=2)
    table = accuracy_table(*f)
    latex = render_table(table, "latex")
    best = [line for line in latex.splitlines() if r"\textbf" in line]
    assert len(best) == 2
    assert all("he\\_normal" in line for line in best)
    assert rf"\textbf{{{accuracy_view(table)[1]['test accuracy %'][0]}}}" in latex


@pytest.mark.parametrize(("mean", "clipped"), [(0.997, "99.7 [98.5, 100.0]"), (0.004, "0.4 [0.0, 1.6]")])
def test_every_format_clips_intervals_to_what_an_accuracy_can_be(mean, clipped):
    f = frames.experiment(lambda seed, **cell: frames.Outcome(mean), initializer=["a"], seeds=5, epochs=2)
    f.runs["test_accuracy"] = mean + np.array([-0.012, 0, 0, 0, 0.012]) * 1.139
    table = accuracy_table(*f)
    for form in ("text", "markdown", "latex"):
        assert clipped in render_table(table, form), form


def test_narrow_intervals_have_two_decimals(accuracy):
    near = accuracy.assign(test_accuracy_low=0.98031, test_accuracy_mean=0.98062, test_accuracy_high=0.98093)
    assert "98.06 [98.03, 98.09]" in render_table(near, "text")
    assert "98.06 [98.03, 98.09]" not in render_table(near.assign(test_accuracy_high=0.99), "text")
