"""Verdicts on claims, as sentences and as a page."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from initbench.present.labels import p_words, percent, points, show
from initbench.present.tables import markdown_cell

VERDICTS = ("supported", "refuted", "inconclusive")
READ = (  # the columns of claims.csv that are shown
    *("claim", "verdict", "effect", "low", "high", "p_adjusted", "rule", "bound", "group", "planned"),
    *("text", "sentence", "instead", "note", "source"),
)
SHARES = {
    "trains": "that train",
    "fails": "that fail",
    "diverges": "that diverge",
    "reaches": "that reach the target",
    "born_dead": "that are born dead",
    "stays_alike": "whose units stay alike",
    "is_finite": "whose signals stay finite",
}
RATIOS = {"matches": "", "geometric": "the geometric mean of "}
POINTS = {"test_accuracy", "train_accuracy", "valid_accuracy", "best_valid_accuracy"}


def sentence(row: Mapping[Hashable, Any]) -> str:
    """The verdict on a claim with its numbers.

    Parameters
    ----------
    row : mapping
        A row of the table of claims.
    """
    found = f"{_number(row, row['effect'])} [{_number(row, row['low'])}, {_number(row, row['high'])}]{_unit(row)}"
    few = " (low n)" if row["is_low"] else ""
    start = f"{str(row['verdict']).capitalize()}{few}: {_quantity(row)} is {found}; claimed: {_claimed(row)}"
    seeds = f"{row['seeds']} seed{'s' if row['seeds'] != 1 else ''}, {row['budget']}"
    if row["lost"]:
        seeds = f"no verdict, since {row['lost']} of {row['seeds'] + row['lost']} seeds have no number; {row['budget']}"
    p = "unknown" if pd.isna(row["p_adjusted"]) else p_words(row["p_adjusted"])
    return f"{start} ({seeds}; adjusted p {p})."


def verdict_sentence(row: Mapping[Hashable, Any]) -> str:
    """The verdict on a claim, and whether the claim is what it was before the first look."""
    changed = "" if row["planned"] == "planned" else f" The claim was {row['planned']}."
    return f"{row['sentence']}{changed}"


def budget(epochs: Sequence[int], chosen: pd.DataFrame, over: str | None) -> str:
    """How long the networks of a claim are trained, and what values their tuned keys have.

    Parameters
    ----------
    epochs : sequence of int
        Of each arm; none where nothing is trained.
    chosen : DataFrame
        ``arm`` and ``tried`` and the columns of tuning.csv, a row an arm, setting and tuned key.
    over : str or None
        The key that a slope is taken over.
    """
    if not epochs:
        return "before training"
    told = [f"{' and '.join(map(str, dict.fromkeys(epochs)))} epoch{'s' if set(epochs) != {1} else ''}"]
    for (arm, key, tried), rows in chosen.groupby(["arm", "key", "tried"], sort=False) if len(chosen) else ():
        values = []
        for row in rows.to_dict("records"):
            value = "no value" if pd.isna(row["chosen"]) else row["chosen"]
            edge = "" if pd.isna(row["edge"]) else f" (an edge: {show(row['tuned'])})"
            values.append(f"{value}{f' for {over} {show(row[over])}' if over else ''}{edge}")
        told.append(f"{arm} at {key} {'; '.join(values)}, out of [{tried}]")
    return ", ".join(told)


def _quantity(row: Mapping[Hashable, Any]) -> str:
    """What the effect is one of."""
    first, second, metric, rule = row["first"], row["second"], row["metric"], row["rule"]
    if rule in ("at_least", "at_most"):
        return f"the share of {first} networks {SHARES.get(metric, f'with {metric}')}"
    if rule in RATIOS:
        return f"{RATIOS[rule]}{metric} of {first} over what is to be matched"
    if rule == "sooner":
        return f"the share of seeds at which {first} gets there before {second}"
    return f"{metric} of {first} less that of {second}"


def _claimed(row: Mapping[Hashable, Any]) -> str:
    bound = row["bound"]
    if row["rule"] in ("at_least", "at_most"):
        return f"{row['rule'].replace('_', ' ')} {100 * bound:g} %"
    if row["rule"] in RATIOS:
        return f"1, within {100 * bound:g} %"
    if row["rule"] == "sooner":
        return f"more than half, and {points(bound)} more to matter"
    size = points(bound) if _is_points(row) else f"{bound:g}"
    if row["rule"] == "equal":
        return f"none, within {size}"
    return f"{'above' if row['rule'] == 'higher' else 'below'} 0, and {size} to matter"


def _is_points(row: Mapping[Hashable, Any]) -> bool:
    return row["metric"].partition(" ")[0] in POINTS and row["rule"] not in RATIOS


def _is_percent(row: Mapping[Hashable, Any]) -> bool:
    return row["rule"] in ("at_least", "at_most", "sooner")


def _number(row: Mapping[Hashable, Any], value: float) -> str:
    if pd.isna(value):
        return "unknown"
    if _is_percent(row):
        return f"{100 * value:.0f}"
    if _is_points(row):
        return percent(value)
    return f"{value:.3g}"


def _unit(row: Mapping[Hashable, Any]) -> str:
    return " %" if _is_percent(row) else " points" if _is_points(row) else ""


def tally(table: pd.DataFrame) -> str:
    """How many claims have which verdict."""
    counts = ", ".join(f"{(table['verdict'] == verdict).sum()} {verdict}" for verdict in VERDICTS)
    return f"{len(table)} claim{'s' if len(table) != 1 else ''}: {counts}."


def markdown(table: pd.DataFrame) -> str:
    """The claims by verdict, with what a textbook should print instead.

    Parameters
    ----------
    table : DataFrame
        With the columns of claims.csv.
    """
    lines = [f"{tally(table)} Verdicts are adjusted for one another (Holm).", ""]
    for verdict in VERDICTS:
        rows = table[table["verdict"] == verdict]
        if rows.empty:
            continue
        lines += [f"## {verdict.capitalize()}", "", "| claim | what was found | source |", "| --- | --- | --- |"]
        for row in rows.to_dict("records"):
            head = f"**{markdown_cell(row['text'])}**<br>{markdown_cell(row['claim'])}"
            if row["instead"] and verdict != "supported":
                head += f"<br>Print instead: {markdown_cell(row['instead'])}"
            if row["note"]:
                head += f"<br>{markdown_cell(row['note'])}"
            lines.append(f"| {head} | {markdown_cell(verdict_sentence(row))} | {markdown_cell(row['source'])} |")
        lines.append("")
    return "\n".join(lines)
