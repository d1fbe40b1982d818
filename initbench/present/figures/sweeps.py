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
    LETTER,
    STYLE,
    TALLEST,
    SeriesStyle,
    ends_row,
    finish_grid,
    grid_shape,
    is_tight,
    label_ticks,
    legend_below,
    legend_rows,
    mark_chance,
    most_title_lines,
    new_figure,
    panel_points,
    panel_title,
    seeds_told,
    write_above,
)
from initbench.present.labels import ordered, show, title

AXES = {"test_accuracy": "test accuracy", "valid_accuracy": "validation accuracy"}
LOG_RATIO = 8  # values that span a larger factor are spread evenly by a logarithmic axis


@rc_context(STYLE)
def accuracy_by(
    key: str,
    panels: Mapping[str, tuple[pd.DataFrame, Sequence[float]]],
    styles: dict[str, SeriesStyle],
    heading: str,
    *,
    metric: str = "test_accuracy",
    chosen: Mapping[str, tuple[pd.DataFrame, ...]] | None = None,
) -> Figure:
    """Mean accuracy and its interval against one key.

    Parameters
    ----------
    key : str
        A factor. Numbers are joined by lines, on a logarithmic axis for learning rates and wide ranges; anything else
        is drawn as groups of points.
    panels : dict of str to (DataFrame, sequence of float)
        Setting of the other swept keys in words -> rows of the accuracy table or of what was tried to tune, and chance
        accuracies (fractions).
    styles : dict of str to SeriesStyle
        How each initializer is drawn.
    heading : str
        First line of the heading.
    metric : str, default ``"test_accuracy"``
        Whose columns ``_mean, _low, _high`` are drawn.
    chosen : dict of str to (DataFrame, DataFrame), optional
        For each panel how often each value of this key was chosen: each initializer's own ones, and the common ones.

    Returns
    -------
    Figure
        Up to three panels a row on common axes. A ring is around each value chosen for an initializer, beside it the
        number of seeds that chose it; dotted lines stand at the common values, thicker where more seeds chose them;
        grey lies beyond the values that were tried. Above a panel stands, beside the marker of its initializer, how
        many seeds diverged at each value; such points are hollow.
    """
    rows = pd.concat([table for table, _ in panels.values()])
    places, scale, joined = _places(key, ordered(rows[key]))
    names = sorted(rows["initializer"].unique())
    notes = [table.loc[table["diverged"] > 0, "initializer"].nunique() for table, _ in panels.values()]
    lines, columns = grid_shape(len(panels), _most_columns(len(places)))
    points = panel_points(columns)
    labels = {name: name for name in names}
    told = seeds_told(rows) + ("; hollow, counted above: diverged (at chance)" if any(notes) else "")
    if chosen:
        told += "\nringed: best of each, at so many seeds; dotted: common value; grey: not tried"
    height = 0.75 + lines * _row_height(panels, len(places)) + 0.15 * legend_rows(labels)
    height += 0.7 * LETTER * max(map(len, places)) / 72 if is_tight(places, points) else 0  # the sine of 45 degrees
    figure = new_figure(height + (0.7 if len(panels) == 1 else 0), f"{heading}\n{told}")
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for i, (axes, (setting, (table, chances))) in enumerate(zip(grid.flat, panels.items(), strict=False)):
        mark_chance(axes, chances, named=ends_row(i, columns))
        shifts = _shifts(places, joined, names)
        _draw(axes, key, table, metric, places, joined, shifts, styles)
        if chosen:
            _mark_chosen(axes, key, table, metric, chosen[setting], places, shifts, styles)
        first = i - i % columns
        axes.set_title(panel_title(setting, points), pad=4 + 9 * max(notes[first : first + columns]))
        label_ticks(axes, places, points)
    for axes, (table, _) in zip(grid.flat, panels.values(), strict=False):
        _write_diverged(axes, key, table, places, styles, points)
    finish_grid(grid, len(panels), f"{title(key)}{scale}", f"{AXES[metric]} (%)")
    legend_below(figure, labels, styles)
    return figure


def panels_a_page(key: str, panels: Mapping[str, tuple[pd.DataFrame, Sequence[float]]]) -> int:
    """How many panels a page of `accuracy_by` holds."""
    rows = pd.concat([table for table, _ in panels.values()])
    values, names = rows[key].nunique(dropna=False), rows["initializer"].unique()
    room = TALLEST - 0.75 - 0.15 * legend_rows({name: name for name in names})
    return _most_columns(values) * max(1, int(room / _row_height(panels, values)))


def _most_columns(values: int) -> int:
    """How many panels a row has room for, with a count above each value."""
    return max((columns for columns in (1, 2, 3) if panel_points(columns) >= 17 * values), default=1)


def _row_height(panels: Mapping[str, tuple[pd.DataFrame, Sequence[float]]], values: int) -> float:
    notes = max(table.loc[table["diverged"] > 0, "initializer"].nunique() for table, _ in panels.values())
    return 1.45 + 0.125 * notes + 0.12 * most_title_lines(panels, panel_points(_most_columns(values)))


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


def _shifts(places: dict[str, float], joined: bool, names: list[str]) -> dict[str, float]:
    """How far beside a value each initializer stands."""
    at = sorted(places.values())
    gap = min(b - a for a, b in pairwise(at))
    spread = min(0.2 * gap, 0.06 * (at[-1] - at[0])) if joined else 0.6 * gap
    return dict(zip(names, spread * _centred(len(names)), strict=True))


def _draw(
    axes: Axes,
    key: str,
    table: pd.DataFrame,
    metric: str,
    places: dict[str, float],
    joined: bool,
    shifts: dict[str, float],
    styles: dict[str, SeriesStyle],
) -> None:
    for name, shift in shifts.items():
        look = styles[name]
        rows = table[table["initializer"] == name]
        rows = rows.assign(at=[places[show(v)] + shift for v in rows[key]]).sort_values("at")
        mean, low, high = (100 * rows[f"{metric}_{end}"] for end in ("mean", "low", "high"))
        if joined:
            axes.plot(rows["at"], mean, color=look.color, linestyle=look.line, linewidth=1)
        axes.vlines(rows["at"], low, high, color=look.color, linewidth=0.9)
        for hollow, some in rows.groupby(rows["diverged"] > 0):
            face = "white" if hollow else look.color
            axes.plot(some["at"], mean[some.index], look.marker, color=look.color, markerfacecolor=face)
    axes.margins(x=0.06)


def _mark_chosen(
    axes: Axes,
    key: str,
    table: pd.DataFrame,
    metric: str,
    chosen: tuple[pd.DataFrame, ...],
    places: dict[str, float],
    shifts: dict[str, float],
    styles: dict[str, SeriesStyle],
) -> None:
    """A ring around each initializer's values, lines at the common ones, grey beyond the ends of the grid."""
    own, common = chosen
    for name, value, count in zip(own["initializer"], own["value"].map(show), own["chosen"], strict=True):
        here = table[(table["initializer"] == name) & (table[key].map(show) == value)]
        at, mean, color = places[value] + shifts[name], 100 * here[f"{metric}_mean"].iloc[0], styles[name].color
        axes.plot(at, mean, "o", color=color, markersize=9, markerfacecolor="none")
        is_left = shifts[name] < 0
        axes.annotate(
            str(count),
            (at, mean),
            (-4.5 if is_left else 4.5, 4.5),
            textcoords="offset points",
            ha="right" if is_left else "left",
            color=color,
            fontsize="x-small",
        )
    for value, share in (common["chosen"] / common["seeds"]).groupby(common["value"].map(show)).max().items():
        axes.axvline(places[str(value)], color="0.3", linestyle=":", linewidth=0.4 + 1.2 * share, zorder=1)
    axes.margins(x=0.12)
    inside = max(map(abs, shifts.values())) + 0.03 * (max(places.values()) - min(places.values()))
    low, high = axes.get_xlim()
    for outer, inner in ((low, min(places.values()) - inside), (high, max(places.values()) + inside)):
        axes.axvspan(outer, inner, color="0.9", linewidth=0, zorder=0)
    axes.set_xlim(low, high)


def _centred(count: int) -> np.ndarray:
    return (np.arange(count) - (count - 1) / 2) / max(1, count)


def _write_diverged(
    axes: Axes, key: str, table: pd.DataFrame, places: dict[str, float], styles: dict[str, SeriesStyle], points: float
) -> None:
    """The numbers of diverged seeds above the axes, a line an initializer; its name leads them where it fits."""
    low, high = axes.get_xlim()
    unstable = table[table["diverged"] > 0]
    for line, name in enumerate(sorted(unstable["initializer"].unique(), reverse=True)):
        rows = unstable[unstable["initializer"] == name]
        at = [(places[show(v)] - low) / (high - low) for v in rows[key]]
        words = [
            (place, f"{diverged}/{seeds}", "center")
            for place, diverged, seeds in zip(at, rows["diverged"], rows["seeds"], strict=True)
        ]
        if min(at) * points > LETTER * len(name) + 12:
            words.append((0, name, "left"))
        write_above(axes, line, styles[name], words)
