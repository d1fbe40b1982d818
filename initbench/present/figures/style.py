"""What all figures have in common: type, colours, legends, headings."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "figure.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "hatch.linewidth": 0.5,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "initbench",
}
WIDTH = 7.0  # inches: the text width of a two-column page
# Okabe & Ito (2008), "Color Universal Design", with the yellow darkened to be seen on white; then a wine and a grey.
COLORS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#9C8A00", "#7A1F4B", "#8C8C8C"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", "p", ">"]
LINES: list[Any] = ["-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5))]


class Look(NamedTuple):
    """How one initializer is drawn, in every figure of an experiment."""

    color: str
    marker: str
    line: Any


def looks(names: Iterable[str]) -> dict[str, Look]:
    """A colour and marker for each initializer, by the order of the names; line styles too, when colours run out."""
    return {
        name: Look(
            COLORS[i % len(COLORS)],
            MARKERS[(i + i // len(COLORS)) % len(MARKERS)],
            LINES[i // len(COLORS) % len(LINES)],
        )
        for i, name in enumerate(sorted(set(names)))
    }


def new_figure(height: float, heading: str, *, width: float = WIDTH) -> Figure:
    """An empty figure with its heading; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle("\n".join(textwrap.fill(line, int(16 * width)) for line in heading.split("\n")))
    return figure


def legend_below(figure: Figure, labels: dict[str, str], styles: dict[str, Look]) -> None:
    """A legend of initializers under the axes, in as many columns as fit; ``labels`` maps names to what is written."""
    handles = [
        Line2D([], [], color=styles[n].color, marker=styles[n].marker, linestyle=styles[n].line, label=labels[n])
        for n in labels
    ]
    points = 4.3 * max(map(len, labels.values())) + 34
    columns = max(1, int(figure.get_figwidth() * 72 / points))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(columns, len(handles)), frameon=False)


def legend_rows(labels: dict[str, str], width: float = WIDTH) -> int:
    """How many rows the legend will have, to make the figure taller by them."""
    columns = max(1, int(width * 72 / (4.3 * max(map(len, labels.values())) + 34)))
    return -(-len(labels) // columns)


def seeds_told(accuracy: pd.DataFrame) -> str:
    """``mean and 95 % interval over 5 seeds``; one seed has no interval."""
    finished = accuracy["seeds"][accuracy["seeds"] > 0]
    if finished.empty:
        return "every seed failed"
    few, many = finished.min(), finished.max()
    if many == 1:
        return "one seed"
    return f"mean and 95 % interval over {few if few == many else f'{few} to {many}'} seeds"


def outcome_words(row: Any, failed: int) -> str:
    """``diverged 3/5 · failed 1/5`` of a row of the accuracy table; empty if all went well."""
    words = [f"diverged {row.diverged}/{row.seeds}"] if row.diverged else []
    words += [f"failed {failed}/{row.seeds + failed}"] if failed else []
    return " · ".join(words)


def mark_chance(axes: Axes, chances: Sequence[float], *, vertical: bool = False, named: bool = True) -> None:
    """The accuracy of always answering the commonest class, as a dashed line with its name outside of the axes."""
    for chance in chances:
        line = axes.axvline if vertical else axes.axhline
        line(100 * chance, color="0.45", linestyle="--", linewidth=0.8, zorder=1)
    if not named or not chances:
        return
    height = 100 * max(chances)
    axes.annotate(
        "chance",
        (height, 1) if vertical else (1, height),
        xycoords=("data", "axes fraction") if vertical else ("axes fraction", "data"),
        xytext=(0, 1) if vertical else (3, 0),
        textcoords="offset points",
        ha="center" if vertical else "left",
        va="bottom" if vertical else "center",
        color="0.35",
        fontsize=7,
    )


def finish_grid(grid: npt.NDArray[Any], used: int, x_label: str, y_label: str) -> None:
    """Label the outer edges of a grid of axes, and switch off those that hold no panel."""
    columns = grid.shape[1]
    for axes in grid.flat[used:]:
        axes.set_axis_off()
    for axes in grid.flat[max(0, used - columns) : used]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(x_label)
    for axes in grid[:, 0]:
        axes.set_ylabel(y_label)


def ends_row(index: int, used: int, columns: int) -> bool:
    """Whether a panel is the last one of its row in a grid."""
    return index % columns == columns - 1 or index == used - 1
