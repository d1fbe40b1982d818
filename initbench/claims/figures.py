"""Claims: the effect that was found of each, over where the claim has it."""

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

COLORS = {"supported": "#009E73", "refuted": "#D55E00", "inconclusive": "#8C8C8C"}
REGIONS: dict[str, Callable[[float], tuple[float, float]]] = {  # where each rule has the effect, by its bound
    "higher": lambda bound: (0.0, np.inf),
    "lower": lambda bound: (-np.inf, 0.0),
    "equal": lambda bound: (-bound, bound),
    "at_least": lambda bound: (bound, 1.0),
    "at_most": lambda bound: (0.0, bound),
    "matches": lambda bound: (1 / (1 + bound), 1 + bound),
    "geometric": lambda bound: (1 / (1 + bound), 1 + bound),
    "sooner": lambda bound: (0.5, 1.0),
}
ROW, MARGIN = 0.42, 0.9  # inches
NAME_LETTERS = 44


@rc_context(STYLE)
def claim_figures(table: pd.DataFrame) -> dict[str, Figure]:
    """The effect of each claim with its interval, over where the claim has it; a figure a group, a row a claim.

    Parameters
    ----------
    table : DataFrame
        With the columns of claims.csv.
    """
    figures = {}
    for group, rows in table.groupby("group", sort=False):
        legend = "effects with 95 % intervals; green: where the claim has these; dashes: the least effect"
        heading = f"Claims: {group}\n{legend}"
        figure = new_figure(MARGIN + ROW * len(rows), heading, width=7.0)
        grid = figure.subplots(len(rows), 1, squeeze=False)
        for axes, row in zip(grid[:, 0], rows.to_dict("records"), strict=True):
            _draw_row(axes, row)
        figures[f"claims-{group}"] = figure
    return figures


def _draw_row(axes: Axes, row: Mapping[Hashable, Any]) -> None:
    claimed = REGIONS[row["rule"]](row["bound"])
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
