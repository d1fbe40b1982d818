"""Signals and gradients by layer: a line and a band an initializer, with theory dashed over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from initbench.present.figures.style import (
    STYLE,
    TALLEST,
    SeriesStyle,
    finish_grid,
    grid_shape,
    legend_below,
    legend_rows,
    most_title_lines,
    new_figure,
    panel_points,
    panel_title,
)

THEORY, AT_WIDTH = "theory", "95 % at this width"
THEORY_LOOK, AT_WIDTH_LOOK = SeriesStyle("0.1", "", (0, (4, 2))), SeriesStyle("0.1", "", (0, (1, 1.5)))
POWER = FuncFormatter(lambda value, _: f"1e{round(np.log10(value))}")
FULL_BANDS = 10  # more bands than these are drawn paler, not to add up to a block
LEAST_DECADES, DECADES = 1, 15  # that a logarithmic axis shows on both sides of its middle
LEAST_PERCENT = 10  # that an axis of shares shows
NUMBERS = ["median", "low", "high", "predicted", "predicted_low", "predicted_high"]
COLUMNS = 3
MOST_INITIALIZERS = 12  # on a page; more are a wall
FEW = 3  # initializers whose theory can be distinguished without their colours


class Quantity(NamedTuple):
    """How a metric is drawn: the label of its axis, whether that is logarithmic, and its title."""

    label: str
    is_log: bool
    title: str


QUANTITIES = {
    "preactivation_square": Quantity("mean square", True, "preactivations"),
    "gradient_square": Quantity("mean square", True, "gradients by preactivations"),
    "correlation": Quantity("mean cosine", False, "correlation of pairs of rows"),
    "weight_gradient_norm": Quantity("norm", True, "gradients by weights"),
    "saturated": Quantity("%", False, "saturated activations"),
    "dead": Quantity("%", False, "dead units"),
}


@rc_context(STYLE)
def signal_figure(bands: pd.DataFrame, styles: dict[str, SeriesStyle], heading: str) -> Figure:
    """What becomes of signals and gradients in one setting, a panel a quantity.

    Parameters
    ----------
    bands : DataFrame
        From `signal_bands`, the rows of one setting; drawn as they are.
    styles : dict of str to SeriesStyle
        How each initializer is drawn.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        Six panels and a legend below.
    """
    labels, looks = _legend(bands, styles)
    figure = new_figure(5.6 + 0.15 * legend_rows(labels), f"{heading}\n{_told(bands)}")
    grid = figure.subplots(3, 2, sharex=True)
    for axes, (metric, quantity) in zip(grid.flat, QUANTITIES.items(), strict=True):
        rows = _rows(bands, metric)
        _set_scale(axes, rows, quantity)
        _draw(axes, rows, styles)
        axes.set_title(quantity.title)
        axes.set_ylabel(quantity.label)
    for axes in grid[-1]:
        axes.set_xlabel("hidden layer")
    legend_below(figure, labels, looks)
    return figure


@rc_context(STYLE)
def signal_panels(metric: str, panels: Mapping[str, pd.DataFrame], styles: dict[str, SeriesStyle]) -> Figure:
    """One quantity by layer, a panel a setting.

    Parameters
    ----------
    metric : str
        One of ``QUANTITIES``.
    panels : dict of str to DataFrame
        Setting in words -> its rows of `signal_bands`.
    styles : dict of str to SeriesStyle
        How each initializer is drawn.

    Returns
    -------
    Figure
        Up to three panels a row on common axes.
    """
    quantity, all_bands = QUANTITIES[metric], pd.concat(panels.values())
    labels, looks = _legend(all_bands, styles)
    rows, columns = grid_shape(len(panels), COLUMNS)
    points = panel_points(columns)
    heading = f"{quantity.title.capitalize()} by hidden layer\n{_told(all_bands)}"
    figure = new_figure(0.85 + rows * _row_height(panels) + 0.15 * legend_rows(labels), heading)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    _set_scale(grid[0, 0], _rows(all_bands, metric), quantity)
    for axes, (setting, bands) in zip(grid.flat, panels.items(), strict=False):
        _draw(axes, _rows(bands, metric), styles)
        axes.set_title(panel_title(setting, points))
    finish_grid(grid, len(panels), "hidden layer", quantity.label)
    legend_below(figure, labels, looks)
    return figure


def panels_a_page(panels: Mapping[str, pd.DataFrame], styles: dict[str, SeriesStyle]) -> int:
    """How many panels a page of `signal_panels` holds."""
    room = TALLEST - 0.85 - 0.15 * legend_rows({name: name for name in (*styles, THEORY, AT_WIDTH)})
    return COLUMNS * max(1, int(room / _row_height(panels)))


def _row_height(panels: Mapping[str, pd.DataFrame]) -> float:
    return 1.15 + 0.12 * most_title_lines(panels, panel_points(COLUMNS))


def _legend(bands: pd.DataFrame, styles: dict[str, SeriesStyle]) -> tuple[dict[str, str], dict[str, SeriesStyle]]:
    present = set(bands["initializer"])
    labels = {name: name for name in styles if name in present}
    if bands["predicted"].notna().any():
        labels[THEORY] = THEORY
    if bands["predicted_low"].notna().any():
        labels[AT_WIDTH] = AT_WIDTH
    return labels, styles | {THEORY: THEORY_LOOK, AT_WIDTH: AT_WIDTH_LOOK}


def _told(bands: pd.DataFrame) -> str:
    draws = bands["draws"].max()
    told = "one draw" if draws == 1 else f"median, least and greatest of {draws} draws"
    squares = bands[bands["metric"] == "preactivation_square"]
    is_there = (squares["median"] > 0).groupby(squares["initializer"]).any()
    silent = ", ".join(str(name) for name in is_there.index[~is_there])
    return told + (f"; no signal, so not on logarithmic axes: {silent}" if silent else "")


def _rows(bands: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One metric as it is drawn: shares in percent, and nan for what a logarithmic axis cannot show."""
    rows, quantity = bands[bands["metric"] == metric].sort_values("layer"), QUANTITIES[metric]
    numbers = rows[NUMBERS]
    if quantity.is_log:
        return rows.assign(**numbers.where(numbers > 0))
    return rows.assign(**100 * numbers) if quantity.label == "%" else rows


def _set_scale(axes: Axes, rows: pd.DataFrame, quantity: Quantity) -> None:
    """An axis on which these rows are seen."""
    if quantity.is_log:
        axes.set(yscale="log", ylim=_ends(rows))
        axes.yaxis.set_major_locator(LogLocator(numticks=7))
        axes.yaxis.set_major_formatter(POWER)
        axes.yaxis.set_minor_locator(NullLocator())
    elif quantity.label == "%":
        top = rows["high"].max()
        axes.set_ylim(0, 1.05 * max(LEAST_PERCENT, top if np.isfinite(top) else 0))


def _ends(rows: pd.DataFrame) -> tuple[float, float]:
    """The ends of a logarithmic axis; it leaves out what lies so far off that all else would be pressed flat."""
    logs = np.log10(rows[NUMBERS].to_numpy())
    logs = logs[np.isfinite(logs)] if np.isfinite(logs).any() else np.zeros(1)
    middle = np.median(logs)
    bottom = min(max(logs.min(), middle - DECADES), middle - LEAST_DECADES)
    top = max(min(logs.max(), middle + DECADES), middle + LEAST_DECADES)
    return 10 ** (bottom - 0.3), 10 ** (top + 0.3)


def _draw(axes: Axes, rows: pd.DataFrame, styles: dict[str, SeriesStyle]) -> None:
    """One metric by layer of all initializers of a setting, and what theory says of it."""
    opacity = 0.18 * min(1, FULL_BANDS / max(1, rows["initializer"].nunique()))
    theory = THEORY_LOOK.color if rows["initializer"].nunique() <= FEW else None
    floor = axes.get_ylim()[0]
    for name, line in rows.groupby("initializer", sort=True):
        look, layer = styles[str(name)], line["layer"]
        if (line["draws"] > 1).any():
            axes.fill_between(layer, line["low"].fillna(floor), line["high"], color=look.color, alpha=opacity, lw=0)
        axes.plot(
            layer,
            line["median"],
            color=look.color,
            linestyle=look.line,
            marker=look.marker,
            markevery=max(1, len(line) // 8),
        )
        axes.plot(layer, line["predicted"], color=theory or look.color, linestyle=THEORY_LOOK.line, lw=0.8, zorder=3)
        for end in ("predicted_low", "predicted_high"):
            if line[end].notna().any():
                axes.plot(layer, line[end], color=theory or look.color, linestyle=AT_WIDTH_LOOK.line, lw=0.9, zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
