"""Verdicts on claims in sentences, as a page, and as figures."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initbench.present.figures.style import STYLE, new_figure
from initbench.present.labels import p_words
from initbench.present.tables import markdown_cell

COLORS = {"supported": "#009E73", "refuted": "#D55E00", "inconclusive": "#8C8C8C"}
ROW, MARGIN = 0.42, 0.9  # inches
NAME_LETTERS = 44
REGIONS: dict[str, Callable[[float], tuple[float, float]]] = {  # where each rule has the effect, by its bound
    "higher": lambda bound: (0.0, np.inf),
    "lower": lambda bound: (-np.inf, 0.0),
    "equal": lambda bound: (-bound, bound),
    "at_least": lambda bound: (bound, 1.0),
    "at_most": lambda bound: (0.0, bound),
    "matches": lambda bound: (1 / (1 + bound), 1 + bound),
    "sooner": lambda bound: (0.5, 1.0),
}
READ = (  # the columns of claims.csv that are shown
    *("claim", "verdict", "effect", "low", "high", "p_adjusted", "rule", "bound", "group", "planned"),
    *("text", "sentence", "instead", "note", "source"),
)
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
    return f"{start} ({seeds}; adjusted p {p_words(row['p_adjusted'])})."


def _quantity(row: Mapping[Hashable, Any]) -> str:
    """What the effect is one of."""
    first, second, metric, rule = row["first"], row["second"], row["metric"], row["rule"]
    if rule in ("at_least", "at_most"):
        return f"the share of {first} networks with {metric}"
    if rule == "matches":
        return f"{metric} of {first} over what is to be matched"
    if rule == "sooner":
        return f"the share of seeds at which {first} gets there before {second}"
    return f"{metric} of {first} less that of {second}"


def _claimed(row: Mapping[Hashable, Any]) -> str:
    bound = row["bound"]
    if row["rule"] in ("at_least", "at_most"):
        return f"{row['rule'].replace('_', ' ')} {100 * bound:g} %"
    if row["rule"] == "matches":
        return f"1, within {100 * bound:g} %"
    if row["rule"] == "sooner":
        return f"more than half, and {100 * bound:g} points more to matter"
    size = f"{100 * bound:g} points" if _is_points(row) else f"{bound:g}"
    if row["rule"] == "equal":
        return f"none, within {size}"
    return f"{'above' if row['rule'] == 'higher' else 'below'} 0, and {size} to matter"


def _is_points(row: Mapping[Hashable, Any]) -> bool:
    return row["metric"].partition(" ")[0] in POINTS and row["rule"] != "matches"


def _is_percent(row: Mapping[Hashable, Any]) -> bool:
    return row["rule"] in ("at_least", "at_most", "sooner")


def _number(row: Mapping[Hashable, Any], value: float) -> str:
    if pd.isna(value):
        return "unknown"
    if _is_percent(row):
        return f"{100 * value:.0f}"
    if _is_points(row):
        return f"{100 * value:.1f}"
    return f"{value:.3g}"


def _unit(row: Mapping[Hashable, Any]) -> str:
    return " %" if _is_percent(row) else " points" if _is_points(row) else ""


def tally(table: pd.DataFrame) -> str:
    """How many claims have which verdict."""
    counts = ", ".join(f"{(table['verdict'] == verdict).sum()} {verdict}" for verdict in COLORS)
    return f"{len(table)} claim{'s' if len(table) != 1 else ''}: {counts}."


def markdown(table: pd.DataFrame) -> str:
    """The claims by verdict, with what a textbook should print instead.

    Parameters
    ----------
    table : DataFrame
        With the columns of claims.csv.
    """
    lines = [f"{tally(table)} Verdicts are adjusted for one another (Holm).", ""]
    for verdict in COLORS:
        rows = table[table["verdict"] == verdict]
        if rows.empty:
            continue
        lines += [f"## {verdict.capitalize()}", "", "| claim | what was found | source |", "| --- | --- | --- |"]
        for row in rows.to_dict("records"):
            told = f"**{markdown_cell(row['text'])}**<br>{markdown_cell(row['claim'])}"
            if row["instead"] and verdict != "supported":
                told += f"<br>Print instead: {markdown_cell(row['instead'])}"
            if row["note"]:
                told += f"<br>{markdown_cell(row['note'])}"
            found = markdown_cell(row["sentence"])
            if row["planned"] != "planned":
                found += f" The claim was {row['planned']}."
            lines.append(f"| {told} | {found} | {markdown_cell(row['source'])} |")
        lines.append("")
    return "\n".join(lines)


@rc_context(STYLE)
def draw_claims(table: pd.DataFrame) -> dict[str, Figure]:
    """The effect of each claim with its interval, over where the claim has it; a figure a group, a row a claim.

    Parameters
    ----------
    table : DataFrame
        With the columns of claims.csv.
    """
    figures = {}
    for group, rows in table.groupby("group", sort=False):
        heading = f"Claims: {group}\neffects with 95 % intervals; green: where the claim has them; dashes: what matters"
        figure = new_figure(MARGIN + ROW * len(rows), heading, width=7.0)
        grid = figure.subplots(len(rows), 1, squeeze=False)
        for axes, row in zip(grid[:, 0], rows.to_dict("records"), strict=True):
            _draw_row(axes, row)
        figures[f"claims-{group}"] = figure
    return figures


def _draw_row(axes: Axes, row: Mapping[Hashable, Any]) -> None:
    claimed = _region(row)
    matters = {"higher": row["bound"], "lower": -row["bound"], "sooner": 0.5 + row["bound"]}.get(row["rule"], np.nan)
    ends = [end for end in (row["low"], row["high"], row["effect"], matters, *claimed) if np.isfinite(end)]
    span = max(ends) - min(ends) or 1.0
    left, right = min(ends) - 0.15 * span, max(ends) + 0.15 * span
    axes.axvspan(max(claimed[0], left), min(claimed[1], right), color="#009E73", alpha=0.12, linewidth=0)
    if np.isfinite(matters):
        axes.axvline(matters, color="0.5", linewidth=0.8, linestyle="--")
    color = COLORS[row["verdict"]]
    axes.plot([row["low"], row["high"]], [0, 0], color=color, linewidth=2)
    axes.plot([row["effect"]], [0], "o", color=color, markersize=4)
    axes.set(xlim=(left, right), ylim=(-1, 1), yticks=[])
    axes.locator_params(axis="x", nbins=5)
    name = "\n".join(textwrap.wrap(row["claim"].replace("_", " "), NAME_LETTERS)[:2])
    axes.set_ylabel(name, rotation=0, ha="right", va="center")
    axes.text(1.01, 0.5, row["verdict"], transform=axes.transAxes, color=color, va="center")
    axes.spines["left"].set_visible(False)


def _region(row: Mapping[Hashable, Any]) -> tuple[float, float]:
    """From where to where the claim has the effect."""
    return REGIONS[row["rule"]](row["bound"])
