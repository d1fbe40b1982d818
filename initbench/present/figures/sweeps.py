"""Accuracy against a swept key: a line an initializer, a panel a setting of the other keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initbench.present.figures.style import (
    STYLE,
    Look,
    ends_row,
    finish_grid,
    legend_below,
    legend_rows,
    mark_chance,
    new_figure,
    seeds_told,
)
from initbench.present.labels import ordered, show, title

LOG_RATIO = 8  # values that span a larger factor are spread evenly by a logarithmic axis


@rc_context(STYLE)
def accuracy_by(
    key: str,
    panels: Mapping[str, tuple[pd.DataFrame, Sequence[float]]],
    styles: dict[str, Look],
    heading: str,
) -> Figure:
    """Mean test accuracy and its interval against one key.

    Parameters
    ----------
    key : str
        A factor. Numbers are joined by lines, on a logarithmic axis for learning rates and wide ranges; anything else
        is drawn as groups of points.
    panels : dict of str to (DataFrame, sequence of float)
        Setting of the other swept keys in words -> rows of the accuracy table, and chance accuracies (fractions).
    styles : dict of str to Look
        How each initializer is drawn.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        Up to three panels a row on common axes. Above a panel stands, in the colour of its initializer, how many seeds
        diverged at each value; such points are hollow.
    """
    rows = pd.concat([table for table, _ in panels.values()])
    places, scale, joined = _places(key, ordered(rows[key]))
    names = sorted(rows["initializer"].unique())
    unstable = sorted(rows.loc[rows["diverged"] > 0, "initializer"].unique())
    columns = 2 if len(panels) == 4 else min(3, len(panels))
    lines = -(-len(panels) // columns)
    width = 4.6 if columns == 1 else 7.0
    labels = {name: name for name in names}
    told = seeds_told(rows) + ("; hollow: some seeds diverged, counted at chance; how many, above" if unstable else "")
    panel_height = (2.3 if columns == 1 else 1.6) + 0.125 * len(unstable) + 0.25
    height = 0.75 + lines * panel_height + 0.15 * legend_rows(labels, width)
    figure = new_figure(height, f"{heading}\n{told}", width=width)
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    notes = [table.loc[table["diverged"] > 0, "initializer"].nunique() for table, _ in panels.values()]
    for i, (axes, (setting, (table, chances))) in enumerate(zip(grid.flat, panels.items(), strict=False)):
        mark_chance(axes, chances, named=ends_row(i, len(panels), columns))
        _draw(axes, key, table, places, joined, names, styles)
        _write_diverged(axes, key, table, places, styles)
        first = i - i % columns
        axes.set_title(setting.replace(" · ", "\n"), pad=4 + 9 * max(notes[first : first + columns]))
        axes.set_xticks(list(places.values()), list(places))
        if sum(map(len, places)) > 60 / columns:
            axes.tick_params(axis="x", rotation=45)
    finish_grid(grid, len(panels), f"{title(key)}{scale}", "test accuracy (%)")
    legend_below(figure, labels, styles)
    return figure


def _places(key: str, values: list[Any]) -> tuple[dict[str, float], str, bool]:
    """Where each value stands on the axis, what to add to the axis' label, whether lines join the points."""
    words = [show(value) for value in values]
    even = dict(zip(words, map(float, range(len(words))), strict=True))
    if not all(isinstance(v, Real) and not isinstance(v, bool) and v == v for v in values):
        return even, "", False
    low, high = min(values), max(values)
    if low > 0 and (key == "learning_rate" or high / low >= LOG_RATIO):
        return {word: float(np.log10(v)) for word, v in zip(words, values, strict=True)}, " (log scale)", True
    gap = min(b - a for a, b in pairwise(values))
    if high - low > 20 * gap:
        return even, " (evenly spaced)", True
    return {word: float(v) for word, v in zip(words, values, strict=True)}, "", True


def _draw(
    axes: Axes,
    key: str,
    table: pd.DataFrame,
    places: dict[str, float],
    joined: bool,
    names: list[str],
    styles: dict[str, Look],
) -> None:
    at = sorted(places.values())
    gap = min(b - a for a, b in pairwise(at))
    spread = min(0.2 * gap, 0.06 * (at[-1] - at[0])) if joined else 0.6 * gap
    shifts = dict(zip(names, spread * _centred(len(names)), strict=True))
    for name in names:
        look = styles[name]
        rows = table[table["initializer"] == name]
        rows = rows.assign(at=[places[show(v)] + shifts[name] for v in rows[key]]).sort_values("at")
        mean, low, high = (100 * rows[f"test_accuracy_{end}"] for end in ("mean", "low", "high"))
        if joined:
            axes.plot(rows["at"], mean, color=look.color, linestyle=look.line, linewidth=1)
        axes.vlines(rows["at"], low, high, color=look.color, linewidth=0.9)
        for hollow, some in rows.groupby(rows["diverged"] > 0):
            face = "white" if hollow else look.color
            axes.plot(some["at"], mean[some.index], look.marker, color=look.color, markerfacecolor=face)
    axes.margins(x=0.06)


def _centred(count: int) -> np.ndarray:
    return (np.arange(count) - (count - 1) / 2) / max(1, count)


def _write_diverged(
    axes: Axes, key: str, table: pd.DataFrame, places: dict[str, float], styles: dict[str, Look]
) -> None:
    """The numbers of diverged seeds above the axes, a line an initializer."""
    unstable = table[table["diverged"] > 0]
    for line, name in enumerate(sorted(unstable["initializer"].unique(), reverse=True)):
        rows = unstable[unstable["initializer"] == name]
        for value, diverged, seeds in zip(rows[key], rows["diverged"], rows["seeds"], strict=True):
            axes.annotate(
                f"{diverged}/{seeds}",
                (places[show(value)], 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 2 + 9 * line),
                textcoords="offset points",
                ha="center",
                color=styles[name].color,
                fontsize=7,
            )
