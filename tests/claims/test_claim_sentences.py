"""Verdicts on claims in words, on pages and in figures."""

import pandas as pd
import pytest

from initbench.claims.figures import claim_figures
from initbench.claims.read import SHARES
from initbench.claims.report import appendix_of
from initbench.claims.sentences import SHARES as WORDS
from initbench.claims.sentences import VERDICTS, markdown, sentence, tally
from initbench.present.report import render_report

ROW = {
    "claim": "he_wins",
    "verdict": "supported",
    "effect": 0.51,
    "low": 0.43,
    "high": 0.58,
    "p": 1e-6,
    "p_adjusted": 1e-5,
    "seeds": 10,
    "lost": 0,
    "is_low": False,
    "text": "He wins.",
    "source": "a paper",
    "group": "depth",
    "suite": "quick",
    "metric": "test_accuracy",
    "budget": "5 epochs",
    "instead": "",
    "note": "",
    "rule": "higher",
    "first": "He",
    "second": "Glorot",
    "bound": 0.05,
    "planned": "planned",
}
SENTENCES = [
    (
        {},
        "Supported: test_accuracy of He less that of Glorot is 51.0 [43.0, 58.0] points; claimed: above 0, and 5",
    ),
    ({"rule": "lower", "metric": "test_loss"}, "is 0.51 [0.43, 0.58]; claimed: below 0, and 0.05 to matter"),
    ({"rule": "equal", "verdict": "refuted"}, "Refuted: test_accuracy of He less that of Glorot"),
    (
        {"rule": "at_least", "metric": "fails"},
        "the share of He networks that fail is 51 [43, 58] %; claimed: at least 5",
    ),
    (
        {"rule": "matches", "metric": "test_accuracy"},
        "test_accuracy of He over what is to be matched is 0.51 [0.43, 0.58]",
    ),
    (
        {"rule": "sooner", "bound": 0.1},
        "He gets there before Glorot is 51 [43, 58] %; claimed: more than half, and 10 points",
    ),
    ({"is_low": True, "seeds": 1}, "Supported (low n): "),
    ({"low": float("nan"), "high": float("nan")}, "is 51.0 [unknown, unknown] points"),
]


def table(*changes):
    rows = [ROW | change for change in changes]
    return pd.DataFrame([row | {"sentence": sentence(row)} for row in rows])


@pytest.mark.parametrize(("change", "words"), SENTENCES)
def test_a_sentence_has_effect_interval_bound_seeds_and_p(change, words):
    told = sentence(ROW | change)
    assert words in told
    assert "adjusted p <0.001" in told
    assert f"{(ROW | change)['seeds']} seed" in told


def test_every_share_has_its_words():
    assert set(WORDS) == set(SHARES)


def test_the_page_has_every_claim_under_its_verdict_and_what_to_print_instead():
    found = table({}, {"claim": "b", "verdict": "refuted", "instead": "Glorot wins."}, {"verdict": "inconclusive"})
    text = markdown(found)
    assert [line for line in text.splitlines() if line.startswith("## ")] == [f"## {v.capitalize()}" for v in VERDICTS]
    assert "Print instead: Glorot wins." in text
    assert tally(found) == "3 claims: 1 supported, 1 refuted, 1 inconclusive."
    assert tally(found[:1]).startswith("1 claim: ")
    assert "changed after looking" in markdown(table({"planned": "changed after looking"}))


def test_a_figure_has_a_row_a_claim_of_its_group():
    figures = claim_figures(table({}, {"claim": "b"}, {"group": "scale", "rule": "at_most", "bound": 0.1}))
    assert {name: len(figure.axes) for name, figure in figures.items()} == {"claims-depth": 2, "claims-scale": 1}


def test_texts_of_users_are_shown_as_they_are():
    evil = table({"text": "<script>alert(1)</script> | =cmd()", "source": "[a](javascript:b)", "claim": "x"})
    page = render_report([], "claims", [appendix_of(evil)])
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in markdown(evil).replace("\\<script\\>", "")
    assert "| \\|" not in markdown(evil)
