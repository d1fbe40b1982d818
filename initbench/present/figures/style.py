"""What all figures have in common: type, colours, legends, headings."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from colorsys import hls_to_rgb
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

DEFAULTS = {key: value for key, value in rcParamsDefault.items() if key != "backend"}  # rc files play no part
STYLE: Any = DEFAULTS | {
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
    "text.parse_math": False,  # a dollar in a name is a dollar
}
WIDTH = 5.2  # inches: set in one column of a two-column page, 7 pt still read as 5
TALLEST = 8.0  # inches: what does not fit goes to a further page
LETTER = 4.2  # points: mean width of a letter of 7 pt
# Okabe & Ito (2008), "Color Universal Design", with the yellow darkened to be seen on white; then a wine and a grey.
COLORS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#9C8A00", "#7A1F4B", "#8C8C8C"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", "p", ">"]
LINES: list[Any] = ["-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5))]
# The initializers that are compared most have these, in this order; all others one that follows from their name.
FIRST = ["he_normal", "glorot_uniform", "orthogonal", "normal(std=0.01)", "lecun_normal"]
FIRST += ["he_uniform", "zeros", "bengio_uniform", "normal(std=1)", "glorot_normal"]
SAME = {"orthogonal(gain=1.4142)": "orthogonal"}


class SeriesStyle(NamedTuple):
    """How one initializer is drawn; its colour is the same in every experiment."""

    color: str
    marker: str
    line: Any


def color_of(name: str) -> str:
    """The colour of an initializer, which follows from its name alone; it stands out from white and from near black.

    Examples
    --------
    >>> color_of("he_normal"), color_of("lsuv")
    ('#0072B2', '#4e60ff')
    """
    name = SAME.get(name, name)
    if name in FIRST:
        return COLORS[FIRST.index(name)]
    hue, saturation, luminance = (byte / 255 for byte in sha256(name.encode()).digest()[:3])
    linear = np.array(hls_to_rgb(hue, 0.5, 0.5 + saturation / 2)) ** 2.2
    linear *= (0.1 + 0.15 * luminance) / (linear @ [0.2126, 0.7152, 0.0722])  # Rec. 709
    red, green, blue = (np.clip(linear, 0, 1) ** (1 / 2.2)).tolist()
    return to_hex((red, green, blue))


def series_styles(names: Iterable[str]) -> dict[str, SeriesStyle]:
    """A colour for each initializer by its name, and a marker and line style by its place among the others."""
    return {
        name: SeriesStyle(
            color_of(name),
            MARKERS[(i + i // len(COLORS)) % len(MARKERS)],
            LINES[i // len(COLORS) % len(LINES)],
        )
        for i, name in enumerate(sorted(set(names)))
    }


def new_figure(height: float, heading: str, *, width: float = WIDTH) -> Figure:
    """An empty figure with its heading; sizes in inches."""
    letters = int(16 * width)
    clauses = [line if len(line) <= letters else ";\n".join(line.rsplit("; ", 1)) for line in heading.split("\n")]
    lines = [part for line in "\n".join(clauses).split("\n") for part in textwrap.wrap(line, letters)]
    figure = Figure(figsize=(width, height + 0.13 * max(0, len(lines) - 2)), layout="constrained")
    figure.suptitle("\n".join(lines))
    return figure


def grid_shape(count: int, most_columns: int) -> tuple[int, int]:
    """Rows and columns for so many panels, with as few holes as can be."""
    rows = -(-count // most_columns)
    return rows, -(-count // rows)


def panel_points(columns: int, *, width: float = WIDTH) -> float:
    """About how wide the axes are in a row of so many panels that share their y axis."""
    return (72 * width - 60) / columns - 10


def panel_title(setting: str, points: float) -> str:
    """A setting in words, a line a key, wrapped to so many points."""
    letters = max(8, int(points / LETTER))
    return "\n".join(part for line in setting.split(" · ") for part in textwrap.wrap(line, letters))


def most_title_lines(settings: Iterable[str], points: float) -> int:
    """How many lines the tallest panel title has, to make room for it."""
    return max(panel_title(setting, points).count("\n") + 1 for setting in settings)


def is_tight(places: dict[str, float], points: float) -> bool:
    """Whether words at these places along axes so many points wide would touch one another, or the next panel's."""
    at = sorted((place, len(word)) for word, place in places.items())
    a_unit = points / ((at[-1][0] - at[0][0]) * 1.12 or 1)
    within = any((b - a) * a_unit < LETTER * (m + n) / 2 + 3 for (a, m), (b, n) in pairwise(at))
    return within or LETTER * (at[0][1] + at[-1][1]) / 2 + 3 > 10 + 0.1 * points


def label_ticks(axes: Axes, places: dict[str, float], points: float) -> None:
    """Write words along the x axis, aslant where they would touch."""
    slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    if not is_tight(places, points):
        slant = {}
    axes.set_xticks(list(places.values()), list(places), **slant)


def legend_below(figure: Figure, labels: dict[str, str], styles: dict[str, SeriesStyle]) -> None:
    """A legend of initializers under the axes, in as many columns as fit; ``labels`` maps names to what is written."""
    handles = [
        Line2D([], [], color=styles[n].color, marker=styles[n].marker, linestyle=styles[n].line, label=labels[n])
        for n in labels
    ]
    columns = -(-len(labels) // legend_rows(labels, figure.get_figwidth()))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)


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
    """The accuracy of always answering the majority class, as a dashed line with its name outside of the axes."""
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
    rows, columns = grid.shape
    for axes in grid.flat[used:]:
        axes.set_axis_off()
    for axes in grid.flat[max(0, used - columns) : used]:
        axes.tick_params(labelbottom=True)
    last = grid.flat[(rows - 1) * columns : used]
    for axes in last if columns < 3 else [last[len(last) // 2]]:  # three labels in a row would touch
        axes.set_xlabel(x_label)
    for axes in grid[:, 0]:
        axes.set_ylabel(y_label)


def ends_row(index: int, columns: int) -> bool:
    """Whether a panel stands in the last column, where there is room beside it."""
    return index % columns == columns - 1


def write_above(axes: Axes, line: int, look: SeriesStyle, words: Iterable[tuple[float, str, str]]) -> None:
    """A line of text above the axes, led by an initializer's marker.

    Parameters
    ----------
    axes : Axes
    line : int
        How many lines stand below it.
    look : SeriesStyle
    words : iterable of (float, str, str)
        Where along the axes (0 to 1), what, and its horizontal alignment.
    """
    figure = axes.get_figure()
    assert figure is not None
    up = 6 + 9 * line
    beside = axes.transAxes + ScaledTranslation(-6 / 72, up / 72, figure.dpi_scale_trans)
    axes.add_line(Line2D([0], [1], color=look.color, marker=look.marker, transform=beside, clip_on=False))
    for place, text, align in words:
        axes.annotate(
            text,
            (place, 1),
            xycoords="axes fraction",
            xytext=(0, up),
            textcoords="offset points",
            ha=align,
            va="center_baseline",
            color=look.color,
            fontsize=7,
        )
