"""Learning curves: a line and a band an initializer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from initbench.present.figures.style import (
    LETTER,
    STYLE,
    TALLEST,
    SeriesStyle,
    ends_row,
    finish_grid,
    grid_shape,
    legend_below,
    legend_rows,
    mark_chance,
    most_title_lines,
    new_figure,
    outcome_words,
    panel_points,
    panel_title,
    seeds_told,
    write_above,
)
from initbench.present.labels import ordered

LOG_FROM = 100.0  # a loss that spans more than two decades gets a logarithmic axis
FULL_BANDS = 10  # more bands than these are drawn paler, not to add up to a block
LEAST_SPAN = 5  # percentage points; an axis that spans less is not worth cutting
COLUMNS = 3


@rc_context(STYLE)
def learning_curves(
    bands: pd.DataFrame,
    accuracy: pd.DataFrame,
    failed: dict[str, int],
    chances: Sequence[float],
    styles: dict[str, SeriesStyle],
    heading: str,
) -> Figure:
    """Loss and accuracy, on training and test rows, of one setting.

    Parameters
    ----------
    bands : DataFrame
        From `curve_bands`, the rows of one setting; drawn as they are.
    accuracy : DataFrame
        The accuracy table of the same setting, with the numbers of diverged seeds.
    failed : dict of str to int
        How many cells of each initializer failed.
    chances : sequence of float
        Accuracy of always answering the majority class (fractions).
    styles : dict of str to SeriesStyle
        How each initializer is drawn.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        Four panels and a legend below, with the numbers of diverged and failed seeds.
    """
    labels = legend_labels(accuracy, failed)
    view = _view(bands, ["train_accuracy", "test_accuracy"], chances)
    told = curves_told(accuracy) + view.told
    figure = new_figure(4.3 + 0.15 * legend_rows(labels), f"{heading}\n{told}")
    panels = figure.subplots(2, 2, sharex=True, sharey="row")
    for row, kind in zip(panels, ["loss", "accuracy"], strict=True):
        for axes, split in zip(row, ["train", "test"], strict=True):
            draw_bands(axes, bands, f"{split}_{kind}", styles, accuracy)
            if kind == "loss":
                axes.set_title("training rows" if split == "train" else "test rows")
        row[0].set_ylabel("cross-entropy loss" if kind == "loss" else "accuracy (%)")
    _scale_losses(panels[0], bands, accuracy)
    for axes in panels[1]:
        mark_chance(axes, view.chances, named=axes is panels[1, 1])
        axes.set_xlabel("epoch")
    panels[1, 0].set_ylim(view.ends)
    legend_below(figure, labels, styles)
    return figure


def _scale_losses(row: Sequence[Axes], bands: pd.DataFrame, accuracy: pd.DataFrame) -> None:
    """Choose the axis by the losses that never ran off; say which lie beyond it."""
    losses = bands[bands["metric"].isin(["train_loss", "test_loss"]) & (bands["mean"] > 0)]
    ran_off = losses["initializer"].isin(accuracy.loc[accuracy["diverged"] > 0, "initializer"])
    steady = losses.loc[~ran_off, "mean"] if not ran_off.all() else losses["mean"]
    if steady.empty:
        return
    is_wide = bool(steady.max() > LOG_FROM * steady.min())
    beyond = losses[losses["mean"] > LOG_FROM * steady.max()]
    if is_wide:
        row[0].set_yscale("log")
        row[0].yaxis.set_major_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))
        row[0].yaxis.set_minor_formatter(NullFormatter())
    if is_wide or len(beyond):
        row[0].set_ylim(bottom=steady.min() / 1.5 if is_wide else 0)
    if len(beyond):
        row[0].set_ylim(top=steady.max() * (3 if is_wide else 1.15))
    for axes, metric in zip(row, ["train_loss", "test_loss"], strict=True):
        largest = beyond[beyond["metric"] == metric].groupby("initializer")["mean"].max()
        lines = [f"beyond the axis:\n{name}, up to {loss:.0e}" for name, loss in largest.items()]
        axes.set_title("\n".join([axes.get_title(), *lines]))


@rc_context(STYLE)
def curve_panels(
    panels: Mapping[str, tuple[pd.DataFrame, pd.DataFrame, Sequence[float]]],
    names: list[str],
    styles: dict[str, SeriesStyle],
    heading: str,
) -> Figure:
    """Test accuracy by epoch, a panel a setting.

    Parameters
    ----------
    panels : dict of str to (DataFrame, DataFrame, sequence of float)
        Setting in words -> its bands, its rows of the accuracy table and its chance accuracies.
    names : list of str
        Initializers of the legend.
    styles : dict of str to SeriesStyle
        How each initializer is drawn.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        Up to three panels a row on common axes; who diverged is written above them.
    """
    labels = {name: name for name in names}
    rows, columns = grid_shape(len(panels), COLUMNS)
    points = panel_points(columns)
    all_chances = ordered(chance for *_, some in panels.values() for chance in some)
    view = _view(pd.concat([bands for bands, *_ in panels.values()]), ["test_accuracy"], all_chances)
    notes = [_diverged(accuracy) for _, accuracy, _ in panels.values()]
    told = seeds_told(pd.concat([accuracy for _, accuracy, _ in panels.values()]))
    told += ("; diverged seeds (counted above) leave the curve" if any(notes) else "") + view.told
    figure = new_figure(0.85 + rows * _row_height(panels) + 0.15 * legend_rows(labels), f"{heading}\n{told}")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for i, (axes, (setting, (bands, accuracy, chances))) in enumerate(zip(grid.flat, panels.items(), strict=False)):
        draw_bands(axes, bands, "test_accuracy", styles, accuracy)
        mark_chance(axes, [chance for chance in chances if chance in view.chances], named=ends_row(i, columns))
        for line, (name, outcome) in enumerate(notes[i]):
            short = _shortened(name, int(points / LETTER) - len(outcome) - 1)
            write_above(axes, line, styles[name], [(0, f"{short} {outcome}", "left")])
        first = i - i % columns
        axes.set_title(panel_title(setting, points), pad=4 + 9 * max(map(len, notes[first : first + columns])))
    grid[0, 0].set_ylim(view.ends)
    finish_grid(grid, len(panels), "epoch", "test accuracy (%)")
    legend_below(figure, labels, styles)
    return figure


def panels_a_page(panels: Mapping[str, tuple[pd.DataFrame, pd.DataFrame, Sequence[float]]], names: list[str]) -> int:
    """How many panels a page of `curve_panels` holds."""
    room = TALLEST - 0.85 - 0.15 * legend_rows({name: name for name in names})
    return COLUMNS * max(1, int(room / _row_height(panels)))


def _row_height(panels: Mapping[str, tuple[pd.DataFrame, pd.DataFrame, Sequence[float]]]) -> float:
    notes = max(len(_diverged(accuracy)) for _, accuracy, _ in panels.values())
    return 1.15 + 0.125 * notes + 0.12 * most_title_lines(panels, panel_points(COLUMNS))


def _diverged(accuracy: pd.DataFrame) -> list[tuple[str, str]]:
    """Who diverged, the last name first, and ``3/5`` of it."""
    unstable = accuracy[accuracy["diverged"] > 0].sort_values("initializer", ascending=False)
    return [(str(row.initializer), f"{row.diverged}/{row.seeds}") for row in unstable.itertuples()]


def _shortened(name: str, letters: int) -> str:
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


@rc_context(STYLE)
def learning_speed(
    bands: pd.DataFrame, accuracy: pd.DataFrame, chances: Sequence[float], styles: dict[str, SeriesStyle], heading: str
) -> Figure:
    """How soon each initializer learns: validation accuracy by epoch, and its mean over the epochs.

    Parameters
    ----------
    bands, accuracy : DataFrame
        From `curve_bands` and the accuracy table, the rows of one setting.
    chances : sequence of float
        Accuracy of always answering the majority class (fractions).
    styles : dict of str to SeriesStyle
        How each initializer is drawn.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        Two panels; the names beside the right one are the legend of both.
    """
    rows = accuracy.sort_values("valid_accuracy_area", ascending=False, kind="stable")
    view = _view(bands, ["valid_accuracy"], chances)
    told = curves_told(accuracy) + (" and counts at chance on the right" if accuracy["diverged"].any() else "")
    told = told.replace(" interval", " interval (right: mean only)") + view.told
    figure = new_figure(max(2.4, 0.9 + 0.17 * len(rows)), f"{heading}\n{told}")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    draw_bands(left, bands, "valid_accuracy", styles, accuracy)
    mark_chance(left, view.chances, named=False)
    left.set(xlabel="epoch", ylabel="validation accuracy (%)")
    left.set_ylim(view.ends)
    mark_chance(right, chances, vertical=True)
    for y, row in enumerate(rows.itertuples()):
        look = styles[str(row.initializer)]
        right.plot(100 * np.asarray(row.valid_accuracy_area), y, look.marker, color=look.color, markersize=5)
    right.set(xlabel="mean validation accuracy\nover all epochs (%)", ylim=(len(rows) - 0.5, -0.5))
    right.set_yticks(range(len(rows)), rows["initializer"])
    right.xaxis.set_major_locator(MaxNLocator(nbins=4))
    right.yaxis.tick_right()
    right.tick_params(axis="y", length=0)
    return figure


class _View(NamedTuple):
    """What an axis of accuracies shows: its ends in percent, None where not chosen; the chances; words on the rest."""

    ends: tuple[float | None, float | None]
    chances: Sequence[float]
    told: str


def _view(bands: pd.DataFrame, metrics: list[str], chances: Sequence[float]) -> _View:
    """Leave epoch 0, and chance if need be, below the axis where they press all else into its upper third."""
    rows = bands[bands["metric"].isin(metrics)]
    later = rows[rows["epoch"] > 0]
    everything = _View((None, None), chances, "")
    if len(later) == len(rows) or later.empty:
        return everything
    bottom, top = 100 * rows["mean"].min(), 100 * later["mean"].max()
    if top - bottom < LEAST_SPAN:
        return everything
    for shown in (chances, []):
        means = [100 * mean for mean in (*later["mean"], *shown)]
        if bottom < min(means) and top - min(means) < (top - bottom) / 3:
            low = min(*means, 100 * later["low"].min())
            high = max(*means, 100 * later["high"].max())
            margin = 0.05 * (high - low) + 0.2
            below = "epoch 0 lies below" if shown or not chances else "epoch 0 and chance lie below"
            return _View((low - margin, high + margin), shown, f"; {below}")
    return everything


def draw_bands(
    axes: Axes, bands: pd.DataFrame, metric: str, styles: dict[str, SeriesStyle], accuracy: pd.DataFrame
) -> None:
    """One metric by epoch, accuracies in percent; lines and bands of all initializers, or why there are none."""
    scale = 100 if metric.endswith("accuracy") else 1
    rows = bands[bands["metric"] == metric]
    if rows.empty:
        why = "every seed diverged\nbefore the first epoch" if accuracy["seeds"].any() else "every seed failed"
        axes.text(0.5, 0.75, why, transform=axes.transAxes, ha="center", va="center", fontsize=7)
    opacity = 0.18 * min(1, FULL_BANDS / max(1, rows["initializer"].nunique()))
    for name, line in rows.groupby("initializer", sort=True):
        line = line.sort_values("epoch")
        look, epoch = styles[str(name)], line["epoch"]
        if line["low"].notna().any():
            axes.fill_between(epoch, scale * line["low"], scale * line["high"], color=look.color, alpha=opacity, lw=0)
        axes.plot(
            epoch,
            scale * line["mean"],
            color=look.color,
            linestyle=look.line,
            marker=look.marker,
            markevery=max(1, len(line) // 8),
        )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))


def curves_told(accuracy: pd.DataFrame) -> str:
    """What lines and bands are, and what becomes of diverged seeds if there are any."""
    leaves = "; a seed leaves its curve where it diverges" if accuracy["diverged"].any() else ""
    return seeds_told(accuracy) + leaves


def legend_labels(accuracy: pd.DataFrame, failed: dict[str, int]) -> dict[str, str]:
    """Name of each initializer -> what the legend says of it, ``he_normal (diverged 3/5)``."""
    rows = accuracy.sort_values("initializer")
    words = {str(row.initializer): outcome_words(row, failed.get(str(row.initializer), 0)) for row in rows.itertuples()}
    return {name: f"{name} ({outcome})" if outcome else name for name, outcome in words.items()}
