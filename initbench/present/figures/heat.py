"""Heat maps: mean accuracy over two swept keys, a panel an initializer."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from initbench.present.figures.style import LETTER, STYLE, TALLEST, finish_grid, grid_shape, label_ticks, new_figure
from initbench.present.labels import ordered, show, title

HEADING = 1.0  # inches, with the labels below
CELL_WIDTH, CELL_HEIGHT = 0.48, 0.36  # inches


@rc_context(STYLE)
def heat_map(x: str, y: str, accuracy: pd.DataFrame, heading: str) -> Figure:
    """Mean test accuracy in each cell of two keys.

    Parameters
    ----------
    x, y : str
        The keys of the axes.
    accuracy : DataFrame
        Rows of the accuracy table in which only these keys and the initializer differ.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        A panel an initializer, on one colour scale. Each cell holds its number; where seeds diverged it is hatched and
        says how many; where all failed it says so, and where nothing was run it stays empty.
    """
    across = [show(v) for v in ordered(accuracy[x])]
    up = [show(v) for v in ordered(accuracy[y])]
    names = sorted(accuracy["initializer"].unique())
    panel_width = _panel_width(len(across), names)
    rows, columns = grid_shape(len(names), _most_columns(panel_width))
    width = max(4.4, 1.2 + LETTER * max(map(len, up)) / 72 + columns * panel_width)
    height = HEADING + rows * (CELL_HEIGHT * len(up) + 0.35)
    told = "mean over seeds" + (
        "; hatched: seeds that diverged, counted at chance" if accuracy["diverged"].any() else ""
    )
    figure = new_figure(height, f"{heading}\n{told}", width=width)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    means = 100 * accuracy["test_accuracy_mean"]
    scale = Normalize(means.min(), means.max()) if means.notna().any() else Normalize(0, 100)
    for axes, name in zip(grid.flat, names, strict=False):
        table = accuracy[accuracy["initializer"] == name]
        image = _draw(axes, table, table[x].map(show), table[y].map(show), across, up, scale)
        axes.set_title(name)
        label_ticks(axes, {word: float(i) for i, word in enumerate(across)}, 72 * (panel_width - 0.25))
    finish_grid(grid, len(names), title(x), title(y))
    figure.colorbar(image, ax=grid, label="test accuracy (%)", aspect=30, shrink=0.9)
    return figure


def panels_a_page(x: str, y: str, accuracy: pd.DataFrame) -> int:
    """How many initializers a page of `heat_map` holds."""
    columns = _most_columns(_panel_width(accuracy[x].nunique(dropna=False), accuracy["initializer"].unique()))
    row_height = CELL_HEIGHT * accuracy[y].nunique(dropna=False) + 0.35
    return columns * max(1, int((TALLEST - HEADING) / row_height))


def _panel_width(cells: int, names: Iterable[str]) -> float:
    return max(CELL_WIDTH * cells + 0.25, LETTER * max(map(len, names)) / 72 + 0.1)


def _most_columns(panel_width: float) -> int:
    return max(1, int(4.8 / panel_width))


def _draw(
    axes: Axes,
    table: pd.DataFrame,
    x: pd.Series[str],
    y: pd.Series[str],
    across: list[str],
    up: list[str],
    scale: Normalize,
) -> QuadMesh:
    means = np.full((len(up), len(across)), np.nan)
    means[y.map(up.index), x.map(across.index)] = 100 * table["test_accuracy_mean"]
    axes.set_facecolor("0.93")
    axes.grid(False)
    edges = [np.arange(len(words) + 1) - 0.5 for words in (across, up)]
    mesh = axes.pcolormesh(*edges, means, cmap="cividis", norm=scale, edgecolors="white", linewidth=1)
    for column, row, diverged, seeds in zip(x, y, table["diverged"], table["seeds"], strict=True):
        j, i = across.index(column), up.index(row)
        if seeds == 0:
            axes.text(j, i, "failed", ha="center", va="center", fontsize=7)
            continue
        words, color = f"{means[i, j]:.1f}", mesh.cmap(scale(means[i, j]))
        ink = "white" if scale(means[i, j]) < 0.5 else "black"
        if diverged:
            words += f"\n{diverged}/{seeds} div"
            axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, hatch="////", edgecolor=ink, lw=0))
        behind = {"facecolor": color, "edgecolor": "none", "pad": 0.8}  # keeps the hatching off the number
        axes.text(j, i, words, ha="center", va="center", fontsize=7, linespacing=1.0, color=ink, bbox=behind)
    axes.set_yticks(range(len(up)), up)
    axes.tick_params(length=0)
    return mesh
