"""Initializers over several settings: their mean ranks and which of them differ, and performance profiles."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initbench.conventions import ALPHA
from initbench.present.figures.style import (
    LETTER,
    STYLE,
    WIDTH,
    SeriesStyle,
    legend_below,
    legend_rows,
    new_figure,
    series_styles,
)

FULL_BANDS = 10  # more bands than these are drawn paler, not to add up to a block
POINTS = 72 * WIDTH - 8  # width of the diagram, whose units are points
TOP = -44  # of the diagram with a critical difference; its axis lies at 0
LOW_TOP = -22  # of one without
NAME = 20  # letters of a line of a name; more would leave no room for the axis
LINE = 9  # points from line to line of text
BAR = 5  # points from bar to bar
MIN_BLOCKS = 6  # seeds; with fewer no sign flips show a pair at 5 %
SCALES = {
    "test_accuracy": "test accuracy (%)",
    "score": "test accuracy from chance (0) to all right (100)",
}


def rank_figures(table: pd.DataFrame, profiles: pd.DataFrame, scale: str) -> dict[str, Figure]:
    """The figures of a ranking.

    Parameters
    ----------
    table : DataFrame
        With the columns of ranks.csv.
    profiles : DataFrame
        ``initializer, metric, threshold, share, low, high``.
    scale : ``"test_accuracy"`` or ``"score"``
        The metric whose profiles are drawn.

    Returns
    -------
    dict of str to Figure
        By file name without its suffix: ``performance-profiles``, and for three initializers or more
        ``critical-difference``; none without settings to rank over.
    """
    if table.empty:
        return {}
    styles = series_styles(table["initializer"])
    figures = {"performance-profiles": performance_profiles(table, profiles[profiles["metric"] == scale], styles)}
    if len(table) >= 3:
        figures["critical-difference"] = critical_difference_diagram(table, styles)
    return figures


class Name(NamedTuple):
    """Where an initializer stands in the diagram: its rank, and the height and side of its words."""

    name: str
    rank: float
    height: float
    is_left: bool
    lines: list[str]


@rc_context(STYLE)
def critical_difference_diagram(table: pd.DataFrame, styles: dict[str, SeriesStyle]) -> Figure:
    """Mean ranks on an axis, and which of them are not shown to differ.

    Parameters
    ----------
    table : DataFrame
        With the columns of ranks.csv, of three initializers or more, the best first.
    styles : dict of str to SeriesStyle
        How each initializer is drawn.

    Returns
    -------
    Figure
        The names stand left and right of the axis. Where blocks are independent, the critical difference stands above
        it, and bars join those that are closer. Else letters behind the ranks say who shares a group.

    References
    ----------
    Demsar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7, figure 1.
    """
    difference = table["critical_difference"].iloc[0]
    has_bars = bool(pd.notna(difference))
    bars = group_bars(table) if has_bars else []
    levels = 1 + max((level for *_, level in bars), default=-1)
    names = _places(table, 16 + BAR * levels, has_letters=not has_bars)
    lowest = max(name.height + LINE * len(name.lines) / 2 for name in names)
    heading = f"Mean ranks over {counted_settings(table)}\n{finding(table)}"
    top = TOP if has_bars else LOW_TOP
    figure = new_figure((lowest - top) / 72 + 0.5, heading)
    axes = figure.subplots()
    axes.set_axis_off()

    left, right = (_margin(names, is_left) for is_left in (True, False))
    step = (POINTS - left - right) / (len(table) - 1)

    def at(rank: float) -> float:
        return left + step * (rank - 1)

    _draw_axis(axes, at, len(table), step)
    if has_bars:
        axes.plot([at(1), at(1 + difference)], [-24, -24], color="black", linewidth=1.2, marker="|", markersize=5)
        axes.annotate(f"critical difference {difference:.2f}", (at(1), -28), fontsize=7, va="bottom")
    for first, last, level in bars:
        height = 8 + BAR * level
        axes.plot([at(first) - 2, at(last) + 2], [height] * 2, color="0.2", linewidth=2.4, solid_capstyle="butt")
    for name in names:
        look, end = styles[name.name], left - 4 if name.is_left else POINTS - right + 4
        axes.plot([at(name.rank)] * 2 + [end], [0, name.height, name.height], color=look.color, linewidth=0.8)
        axes.plot(at(name.rank), 0, look.marker, color=look.color, markersize=4.5, zorder=3)
        x, align = (end - 3, "right") if name.is_left else (end + 3, "left")
        axes.text(x, name.height, "\n".join(name.lines), ha=align, va="center", fontsize=7, linespacing=0.95)
    axes.set(xlim=(0, POINTS), ylim=(lowest + 2, top))
    return figure


def finding(table: pd.DataFrame) -> str:
    """What the tests find, and how to read it: a line of the heading."""
    p, blocks = table["friedman_p"].iloc[0], table["blocks"].iloc[0]
    is_over_settings = pd.notna(table["critical_difference"].iloc[0])
    if pd.isna(p):
        return "no test: it takes two seeds that every initializer finished"
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    shown = f"Friedman {shown}" + ("" if is_over_settings else f", permuting {blocks} seeds")
    if p > ALPHA:
        return f"{shown}: no difference shown"
    if is_over_settings:
        return f"{shown}; a bar joins those without a significant difference at 5 % (Nemenyi)"
    if blocks < MIN_BLOCKS:
        return f"{shown}: not all are alike; to show which differ takes {MIN_BLOCKS} seeds"
    return f"{shown}; those that share a letter are not shown to differ at 5 %"


def group_bars(table: pd.DataFrame) -> list[tuple[float, float, int]]:
    """First rank, last rank and level of the bar of each group of two or more; bars of one level do not touch."""
    members = table.assign(groups=table["groups"].str.split()).explode("groups").groupby("groups", sort=False)
    bars: list[tuple[float, float, int]] = []
    for _, group in members:
        if len(group) < 2:
            continue
        first, last = group["mean_rank"].min(), group["mean_rank"].max()
        taken = {level for _, end, level in bars if end >= first - 0.02 * len(table)}
        bars.append((first, last, min(set(range(len(bars) + 1)) - taken)))
    return bars


def _places(table: pd.DataFrame, start: float, *, has_letters: bool) -> list[Name]:
    """The better half goes down the left, the other up the right: so no line crosses another."""
    names = []
    half = (len(table) + 1) // 2
    for is_left, rows in ((True, table[:half]), (False, table[: half - 1 : -1])):
        height = start
        for name, rank, letters in zip(rows["initializer"], rows["mean_rank"], rows["groups"], strict=True):
            first, *others = _wrapped(name)
            number = f"{rank:.2f} {_span(letters)}" if has_letters else f"{rank:.2f}"
            lines = [f"{first}  {number}" if is_left else f"{number}  {first}", *others]
            names.append(Name(name, rank, height + LINE * len(lines) / 2, is_left, lines))
            height += LINE * len(lines) + 3
    return names


def _span(letters: str) -> str:
    """``a`` or ``a-c``: the groups of an initializer follow one another."""
    first, last = letters.split()[0], letters.split()[-1]
    return first if first == last else f"{first}-{last}"


def _wrapped(name: str) -> list[str]:
    """The lines of a name; those of a long one have its parameters from the second one on."""
    parts = [name] if len(name) <= NAME else name.replace("(", "\n(", 1).split("\n")
    return [line for part in parts for line in textwrap.wrap(part, NAME)]


def _margin(names: list[Name], is_left: bool) -> float:
    """Points that the words of a side take."""
    return LETTER * max(len(line) for name in names if name.is_left is is_left for line in name.lines) + 10


def _draw_axis(axes: Axes, at: Callable[[float], float], count: int, step: float) -> None:
    """The axis of ranks at 0, with ticks and numbers above it; ``step`` is how many points a rank takes."""
    axes.plot([at(1), at(count)], [0, 0], color="black", linewidth=0.8)
    numbered = next(every for every in (1, 2, 5, 10, 20, count) if every * step >= 14 or every == count)
    for rank in range(1, count + 1):
        is_numbered = rank == 1 or rank % numbered == 0
        axes.plot([at(rank)] * 2, [0, -4 if is_numbered else -2], color="black", linewidth=0.6)
        if is_numbered:
            axes.text(at(rank), -6, f"{rank}", ha="center", va="bottom", fontsize=7)


@rc_context(STYLE)
def performance_profiles(table: pd.DataFrame, profiles: pd.DataFrame, styles: dict[str, SeriesStyle]) -> Figure:
    """The share of runs above each accuracy, a line and a band an initializer.

    Parameters
    ----------
    table : DataFrame
        With the columns of ranks.csv; its order is that of the legend.
    profiles : DataFrame
        ``initializer, metric, threshold, share, low, high``, of one metric.
    styles : dict of str to SeriesStyle
        How each initializer is drawn.

    Returns
    -------
    Figure

    References
    ----------
    Agarwal et al. (2021), "Deep reinforcement learning at the edge of the statistical precipice", arXiv:2108.13264,
    figure 6.
    """
    labels = {name: name for name in table["initializer"]}
    heading = f"Performance profiles over {counted_settings(table)}\n"
    heading += "share of runs above an accuracy; bands: 95 %, from seeds with all their settings"
    figure = new_figure(2.9 + 0.15 * legend_rows(labels), heading)
    axes = figure.subplots()
    for i, name in enumerate(labels):
        look, rows = styles[name], profiles[profiles["initializer"] == name]
        x, opacity = 100 * rows["threshold"], 0.18 * min(1, FULL_BANDS / len(labels))
        axes.fill_between(x, 100 * rows["low"], 100 * rows["high"], color=look.color, alpha=opacity, lw=0)
        every = (5 * i % 25, 25)  # markers side by side, where lines lie on one another
        axes.plot(x, 100 * rows["share"], color=look.color, linestyle=look.line, marker=look.marker, markevery=every)
    axes.set(xlabel=SCALES[profiles["metric"].iloc[0]], ylabel="share of runs (%)", ylim=(-2, 102))
    legend_below(figure, labels, styles)
    return figure


def counted_settings(table: pd.DataFrame) -> str:
    """``12 settings (2 left out, where not every initializer has finished)``."""
    settings, left_out = table["settings"].iloc[0], table["left_out"].iloc[0]
    return f"{settings} settings" + (
        f" ({left_out} left out, where not every initializer has finished)" if left_out else ""
    )
