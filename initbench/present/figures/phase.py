"""The phase diagram of an activation, with the initializers on it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.transforms import ScaledTranslation
from scipy.ndimage import distance_transform_edt

from initbench.present.figures.style import LETTER, STYLE, WIDTH, new_figure

Array = npt.NDArray[Any]
SHADES = LinearSegmentedColormap.from_list("chi", ["#7FB3D5", "#FFFFFF", "#EDA67A"])
TICKS = (0.5, 0.7, 1.0, 1.4, 2.0)  # of chi; beyond the first and last the shade stays the same
HEADING, HEIGHT = 0.35, 3.0  # inches, of the heading, and of the diagram with its labels
ACROSS = 275.0  # points, about how wide its axes are
NEAR = 3.0  # points: marks that are no farther apart share a number
DIGIT, GAP, LIFT = 4.5, 3.5, 14.0  # points, of a number: a digit, the room beside it, how high it stands
LOW = 0.04  # of the axes' height: marks below it are numbered together
LINE = 9.5  # points, of the list
COLUMNS = (4.0, 190.0)  # points: where they begin
NUMBER, VALUE, NAMES = 10.0, 14.0, 46.0  # points: where in a column numbers end, values and names begin


@rc_context(STYLE)
def phase_diagram(
    name: str,
    sigma_w2: Array,
    sigma_b2: Array,
    chi: Array,
    q: Array,
    critical: pd.DataFrame,
    marks: pd.DataFrame,
    unmarked: dict[str, list[str]],
    layer: int,
) -> Figure:
    """Shade chi over the variances of weights and biases, and mark the initializers.

    Parameters
    ----------
    name : str
        Of the activation.
    sigma_w2, sigma_b2 : ndarray, shapes (a,) and (b,)
        Of columns and rows.
    chi, q : ndarray, shape (b, a)
        chi, and the fixed point of the variance, inf where signals grow without end.
    critical : DataFrame
        The critical line: ``sigma_w2, sigma_b2, is_stable``.
    marks : DataFrame
        A row a place, by sigma_w2: ``sigma_w2, sigma_b2, names``.
    unmarked : dict of str to list of str
        Reason, and the initializers that have no place.
    layer : int
        Inputs and units of the hidden layer that the initializers were drawn for.

    Returns
    -------
    Figure
        After fig. 1 of Schoenholz et al. (2017). Marks have numbers; the list below says whose they are, and what lies
        beyond the edges.
    """
    inside = (marks["sigma_w2"] <= sigma_w2[-1]) & (marks["sigma_b2"] <= sigma_b2[-1])
    marks = marks.assign(number=inside.cumsum().astype(str).where(inside, "off"))
    entries = [line for row in (*marks[inside].itertuples(), *marks[~inside].itertuples()) for line in _entry(row)]
    starts = [i for i, (number, *_) in enumerate(entries) if number and i >= len(entries) / 2]
    rows = starts[0] if starts else len(entries)
    notes = [f"Not marked, as {reason}: {', '.join(names)}." for reason, names in unmarked.items()]
    notes = [line for note in notes for line in textwrap.wrap(note, int((72 * WIDTH - 2 * COLUMNS[0]) / LETTER))]
    below = LINE * (rows + len(notes) + 3) / 72
    figure = new_figure(HEADING + HEIGHT + below, f"Phase diagram of {name}\n{_legend(critical, q)}")
    (upper,), (lower,) = figure.subfigures(2, 1, squeeze=False, height_ratios=[HEIGHT, below])

    axes = upper.subplots()
    _shade(axes, sigma_w2, sigma_b2, chi)
    _draw_lines(axes, sigma_w2, sigma_b2, q, critical)
    _name_regions(axes, sigma_w2, sigma_b2, chi)
    _mark(axes, marks[inside], sigma_w2[-1], sigma_b2[-1])

    header = rf"Mark, $\sigma_w^2$ and initializers in a hidden layer of {layer} × {layer}; off: beyond the edges."
    _write(lower, COLUMNS[0], 0, [header])
    for begin, some in zip(COLUMNS, (entries[:rows], entries[rows:]), strict=True):
        numbers, values, names = zip(*some, strict=True) if some else ((), (), ())
        _write(lower, begin + NUMBER, 1.2, numbers, align="right")
        _write(lower, begin + VALUE, 1.2, values)
        _write(lower, begin + NAMES, 1.2, names)
    _write(lower, COLUMNS[0], rows + 1.6, notes)
    return figure


def _legend(critical: pd.DataFrame, q: Array) -> str:
    words = ["black: critical, chi = 1"] if critical["is_stable"].any() else []
    words += ["dashed: critical, but unstable"] if not critical["is_stable"].all() else []
    words += ["hatched: signals grow without end"] if np.isinf(q).any() else []
    return "; ".join(words)


def _entry(row: Any) -> list[tuple[str, str, str]]:
    """The lines of a mark in the list: number, sigma_w², names."""
    value = f"{row.sigma_w2:.3g}" if row.sigma_w2 > 0.1 else f"{row.sigma_w2:.2g}"
    biases = f" (biases {row.sigma_b2:.2g})" if row.sigma_b2 else ""
    first, *rest = textwrap.wrap(", ".join(row.names) + biases, int((COLUMNS[1] - NAMES) / LETTER))
    return [(row.number, value, first), *(("", "", line) for line in rest)]


def _shade(axes: Axes, sigma_w2: Array, sigma_b2: Array, chi: Array) -> None:
    edges = (sigma_w2[0], sigma_w2[-1], sigma_b2[0], sigma_b2[-1])
    scale = LogNorm(TICKS[0], TICKS[-1])
    shown = np.clip(chi, TICKS[0], TICKS[-1])
    image = axes.imshow(shown, origin="lower", extent=edges, aspect="auto", cmap=SHADES, norm=scale)
    bar = axes.figure.colorbar(image, ax=axes, label="chi", extend="both", aspect=30)
    bar.set_ticks(TICKS, labels=[f"{tick:g}" for tick in TICKS])
    bar.minorticks_off()
    axes.grid(False)
    axes.set_xlabel(r"$\sigma_w^2$ = fan_in × variance of the weights", parse_math=True)
    axes.set_ylabel(r"$\sigma_b^2$ = variance of the biases", parse_math=True)


def _draw_lines(axes: Axes, sigma_w2: Array, sigma_b2: Array, q: Array, critical: pd.DataFrame) -> None:
    """The critical line, and hatching where signals grow without end."""
    if np.isinf(q).any():
        endless = axes.contourf(sigma_w2, sigma_b2, np.isinf(q), levels=[0.5, 1.5], colors="none", hatches=["////"])
        endless.set(edgecolor="0.5", linewidth=0)
    styles: list[tuple[bool, Any]] = [(True, "-"), (False, (0, (3, 1.5)))]
    for is_stable, style in styles:
        x = critical["sigma_w2"].where(critical["is_stable"] == is_stable)
        axes.plot(x, critical["sigma_b2"], color="black", linestyle=style, linewidth=1.5)
    axes.set_xlim(sigma_w2[0], sigma_w2[-1])
    axes.set_ylim(sigma_b2[0], sigma_b2[-1])


def _name_regions(axes: Axes, sigma_w2: Array, sigma_b2: Array, chi: Array) -> None:
    """Write what a region is called where it is widest, above the numbers of the marks."""
    for words, is_there in (("ordered\ngradients vanish", chi < 1), ("chaotic\ngradients explode", chi > 1)):
        free = is_there.copy()
        free[: len(sigma_b2) // 6] = False
        room = distance_transform_edt(np.pad(free, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(room.argmax(), room.shape)
        if room.max() > len(sigma_b2) / 20:
            behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.5}
            place = (sigma_w2[column], sigma_b2[row])
            axes.text(*place, words, ha="center", va="center", fontsize=8, style="italic", bbox=behind)


def _mark(axes: Axes, marks: pd.DataFrame, right: float, top: float) -> None:
    """A dot for each place with its number: beside it, or above it if it lies on the axis."""
    x, y, numbers = (marks[key].tolist() for key in ("sigma_w2", "sigma_b2", "number"))
    axes.plot(x, y, "o", color="black", markeredgecolor="white", markeredgewidth=0.6, clip_on=False, zorder=4)
    groups: list[list[int]] = []  # of places on the axis, those of a group side by side
    for i, height in enumerate(y):
        if height > LOW * top:
            axes.annotate(numbers[i], (x[i], height), (3, 2), textcoords="offset points", fontsize=7)
        elif groups and (x[i] - x[groups[-1][-1]]) / right * ACROSS < NEAR:
            groups[-1].append(i)
        else:
            groups.append([i])
    words = ["–".join(dict.fromkeys((numbers[group[0]], numbers[group[-1]]))) for group in groups]
    places = np.array([(x[group[0]] + x[group[-1]]) / 2 for group in groups])
    line = {"arrowstyle": "-", "linewidth": 0.5, "color": "0.3", "shrinkA": 0, "shrinkB": 2}
    behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5}
    for word, place, aside in zip(words, places, spread(places / right * ACROSS, words), strict=True):
        label = axes.annotate(word, (place, 0), (aside, LIFT), textcoords="offset points", arrowprops=line)
        label.set(ha="center", va="bottom", fontsize=7, in_layout=False, bbox=behind)


def spread(places: Array, words: list[str]) -> Array:
    """How far to move words along the axis, in points, so that they stay on it in their order and do not touch."""
    widths = np.array([DIGIT * len(word) + GAP for word in words])
    taken = np.cumsum(widths) - widths / 2  # by the words before, and by half of its own
    free = places - taken  # where this never falls, words do not touch
    risen: Array = (np.maximum.accumulate(free) + np.minimum.accumulate(free[::-1])[::-1]) / 2
    risen = np.clip(risen, 0, max(0, ACROSS - widths.sum()))
    risen -= free
    return risen


def _write(figure: SubFigure, x: float, first: float, lines: Iterable[str], *, align: str = "left") -> None:
    """Lines of text, so many points from the left edge and lines from the top."""
    for i, line in enumerate(lines, start=1):
        move = ScaledTranslation(x / 72, -LINE * (first + i) / 72, figure.dpi_scale_trans)
        text = figure.text(0, 1, line, transform=figure.transSubfigure + move)
        text.set(ha=align, va="baseline", fontsize=7, parse_math="$" in line)
