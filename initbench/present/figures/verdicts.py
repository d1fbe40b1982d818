"""The verdicts of a probe: what is left of signal and gradient, and the word for it, a panel a setting."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from initbench.present.figures.signals import POWER
from initbench.present.figures.style import (
    LETTER,
    STYLE,
    TALLEST,
    WIDTH,
    finish_grid,
    grid_shape,
    most_title_lines,
    new_figure,
    panel_title,
)

COLORS = {
    "healthy": "#009E73",
    "vanishing": "#0072B2",
    "exploding": "#D55E00",
    "symmetric": "#CC79A7",
    "dead": "#000000",
    "saturated": "#9C6500",
}
MARKS = {  # and how far above or below its line
    "forward_ratio": (">", -0.18, "signal: last hidden layer / first"),
    "backward_ratio": ("<", 0.18, "gradient: first hidden layer / last"),
    "gradient_ratio": ("D", 0.0, "weight gradient: first layer / last"),
}
HEALTHY = (1e-2, 1e2)
DECADES = 4, 20  # to both sides of 1, at least and at most; what lies further off stands at the edge
COLUMNS = 2
MARGINS = 1.25  # inches, for heading, legend and labels
LEAST_POINTS = 90  # of a panel's axes, for its ticks not to touch


@rc_context(STYLE)
def verdict_panels(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """How much of signal and gradient is left in each setting, and the verdict beside it.

    Parameters
    ----------
    panels : dict of str to DataFrame
        Setting in words -> its rows of the verdict table.

    Returns
    -------
    Figure
        A row an initializer, in order of the names; ratios of root mean squares on a logarithmic axis.
    """
    names = _names(panels)
    rows, columns = grid_shape(len(panels), _most_columns(names))
    points = _points(names, columns)
    height = MARGINS + rows * _row_height(panels)
    draws = max(table["draws"].max() for table in panels.values())
    told = "one draw" if draws == 1 else f"medians of {draws} draws"
    figure = new_figure(max(2.0, height), f"Before training: what is left of signal and gradient\n{told}")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    ratios = pd.concat([table[[*MARKS]] for table in panels.values()]).to_numpy(float)
    with np.errstate(divide="ignore"):
        logs = np.abs(np.log10(ratios[~np.isnan(ratios)]))
    most = 10 ** np.clip(logs.max(initial=0), *DECADES)
    for axes, (setting, table) in zip(grid.flat, panels.items(), strict=False):
        _draw(axes, table, names, most)
        axes.set_title(panel_title(setting, points))
    finish_grid(grid, len(panels), "ratio of root mean squares", "")
    handles = [
        Line2D([], [], color="0.3", marker=marker, linestyle="none", label=label) for marker, _, label in MARKS.values()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=1, frameon=False)
    return figure


def panels_a_page(panels: Mapping[str, pd.DataFrame]) -> int:
    """How many panels a page of `verdict_panels` holds."""
    return _most_columns(_names(panels)) * max(1, int((TALLEST - MARGINS) / _row_height(panels)))


def _names(panels: Mapping[str, pd.DataFrame]) -> list[str]:
    return sorted({name for table in panels.values() for name in table["initializer"]})


def _points(names: list[str], columns: int) -> float:
    """How wide a panel is with the words beside it."""
    return (72 * WIDTH - LETTER * max(map(len, names))) / columns - 15


def _most_columns(names: list[str]) -> int:
    return COLUMNS if _points(names, COLUMNS) - LETTER * max(map(len, COLORS)) >= LEAST_POINTS else 1


def _row_height(panels: Mapping[str, pd.DataFrame]) -> float:
    names = _names(panels)
    return 0.25 + 0.16 * len(names) + 0.12 * most_title_lines(panels, _points(names, _most_columns(names)))


def _draw(axes: Axes, table: pd.DataFrame, names: list[str], most: float) -> None:
    axes.axvspan(*HEALTHY, color="0.93", lw=0)
    axes.axvline(1, color="0.45", linewidth=0.6)
    axes.set(xscale="log", xlim=(most**-1.05, most**1.05), ylim=(len(names) - 0.5, -0.5))
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.xaxis.set_major_formatter(POWER)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="x")
    for row in table.itertuples():
        y, color = names.index(str(row.initializer)), COLORS[str(row.verdict)]
        for ratio, (marker, shift, _) in MARKS.items():
            axes.plot(np.clip(getattr(row, ratio), 1 / most, most), y + shift, marker, color=color, markersize=4)
        axes.annotate(
            str(row.verdict),
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=color,
            fontsize=7,
        )
