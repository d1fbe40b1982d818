"""Learning curves: a line and a band an initializer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from initbench.present.figures.style import (
    STYLE,
    Look,
    ends_row,
    finish_grid,
    legend_below,
    legend_rows,
    mark_chance,
    new_figure,
    outcome_words,
    seeds_told,
)

LOG_FROM = 100.0  # a loss that spans more than two decades gets a logarithmic axis


@rc_context(STYLE)
def learning_curves(
    bands: pd.DataFrame,
    accuracy: pd.DataFrame,
    failed: dict[str, int],
    chances: Sequence[float],
    styles: dict[str, Look],
    heading: str,
) -> Figure:
    """Loss and accuracy, on training and test rows, of one setting.

    Parameters
    ----------
    bands : DataFrame
        From `curve_bands`, the rows of one setting; drawn as they are.
    accuracy : DataFrame
        The accuracy table of the same setting; tells who diverged.
    failed : dict of str to int
        How many cells of each initializer failed.
    chances : sequence of float
        Accuracy of always answering the commonest class (fractions).
    styles : dict of str to Look
        How each initializer is drawn.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        Four panels and a legend below, with the numbers of diverged and failed seeds.
    """
    labels = legend_labels(accuracy, failed)
    figure = new_figure(4.3 + 0.15 * legend_rows(labels), f"{heading}\n{curves_told(accuracy)}")
    panels = figure.subplots(2, 2, sharex=True, sharey="row")
    for row, kind in zip(panels, ["loss", "accuracy"], strict=True):
        for axes, split in zip(row, ["train", "test"], strict=True):
            draw_bands(axes, bands, f"{split}_{kind}", styles)
            if kind == "loss":
                axes.set_title("training rows" if split == "train" else "test rows")
        row[0].set_ylabel("cross-entropy loss" if kind == "loss" else "accuracy (%)")
    _scale_losses(panels[0], bands, accuracy)
    for axes in panels[1]:
        mark_chance(axes, chances, named=axes is panels[1, 1])
        axes.set_xlabel("epoch")
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
    if is_wide or len(beyond):
        row[0].set_ylim(bottom=steady.min() / 1.5 if is_wide else 0)
    if len(beyond):
        row[0].set_ylim(top=steady.max() * (3 if is_wide else 1.15))
    for axes, metric in zip(row, ["train_loss", "test_loss"], strict=True):
        largest = beyond[beyond["metric"] == metric].groupby("initializer")["mean"].max()
        lines = [f"beyond the axis: {name}, up to {loss:.0e}" for name, loss in largest.items()]
        axes.set_title("\n".join([axes.get_title(), *lines]))


@rc_context(STYLE)
def curve_panels(
    panels: Mapping[str, tuple[pd.DataFrame, pd.DataFrame, Sequence[float]]],
    names: list[str],
    styles: dict[str, Look],
    heading: str,
) -> Figure:
    """Test accuracy by epoch, a panel a setting.

    Parameters
    ----------
    panels : dict of str to (DataFrame, DataFrame, sequence of float)
        Setting in words -> its bands, its rows of the accuracy table and its chance accuracies.
    names : list of str
        Initializers of the legend.
    styles : dict of str to Look
        How each initializer is drawn.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        Up to four panels a row on common axes; who diverged is written into them.
    """
    labels = {name: name for name in names}
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    told = pd.concat([accuracy for _, accuracy, _ in panels.values()])
    heading = f"{heading}\n{curves_told(told)}"
    figure = new_figure(0.85 + 1.45 * rows + 0.15 * legend_rows(labels), heading)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for i, (axes, (setting, (bands, accuracy, chances))) in enumerate(zip(grid.flat, panels.items(), strict=False)):
        draw_bands(axes, bands, "test_accuracy", styles)
        mark_chance(axes, chances, named=ends_row(i, len(panels), columns))
        unstable = accuracy[accuracy["diverged"] > 0].sort_values("initializer", ascending=False)
        for line, row in enumerate(unstable.itertuples()):
            axes.annotate(
                outcome_words(row, 0),
                (1, 0.25),
                xycoords="axes fraction",
                xytext=(-2, 8 * line),
                textcoords="offset points",
                ha="right",
                color=styles[str(row.initializer)].color,
                fontsize=7,
            )
        axes.set_title(setting.replace(" · ", "\n"))
    finish_grid(grid, len(panels), "epoch", "test accuracy (%)")
    legend_below(figure, labels, styles)
    return figure


@rc_context(STYLE)
def learning_speed(
    bands: pd.DataFrame, accuracy: pd.DataFrame, chances: Sequence[float], styles: dict[str, Look], heading: str
) -> Figure:
    """How soon each initializer learns: validation accuracy by epoch, and its mean over the epochs.

    Parameters
    ----------
    bands, accuracy : DataFrame
        From `curve_bands` and the accuracy table, the rows of one setting.
    chances : sequence of float
        Accuracy of always answering the commonest class (fractions).
    styles : dict of str to Look
        How each initializer is drawn.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        Two panels; the names beside the right one are the legend of both.
    """
    rows = accuracy.sort_values("valid_accuracy_area", ascending=False, kind="stable")
    told = curves_told(accuracy) + (" and counts at chance on the right" if accuracy["diverged"].any() else "")
    figure = new_figure(max(2.4, 0.9 + 0.17 * len(rows)), f"{heading}\n{told}")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    draw_bands(left, bands, "valid_accuracy", styles)
    mark_chance(left, chances, named=False)
    left.set(xlabel="epoch", ylabel="validation accuracy (%)")
    mark_chance(right, chances, vertical=True)
    for y, row in enumerate(rows.itertuples()):
        look = styles[str(row.initializer)]
        right.plot(100 * np.asarray(row.valid_accuracy_area), y, look.marker, color=look.color, markersize=5)
    right.set(xlabel="mean over the epochs (%)", ylim=(len(rows) - 0.5, -0.5))
    right.set_yticks(range(len(rows)), rows["initializer"])
    right.yaxis.tick_right()
    right.tick_params(axis="y", length=0)
    return figure


def draw_bands(axes: Axes, bands: pd.DataFrame, metric: str, styles: dict[str, Look]) -> None:
    """One metric by epoch, accuracies in percent; lines and bands of all initializers."""
    scale = 100 if metric.endswith("accuracy") else 1
    rows = bands[bands["metric"] == metric]
    for name, line in rows.groupby("initializer", sort=True):
        line = line.sort_values("epoch")
        look, epoch = styles[str(name)], line["epoch"]
        if line["low"].notna().any():
            axes.fill_between(epoch, scale * line["low"], scale * line["high"], color=look.color, alpha=0.18, lw=0)
        axes.plot(
            epoch,
            scale * line["mean"],
            color=look.color,
            linestyle=look.line,
            marker=look.marker,
            markevery=max(1, len(line) // 8),
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def curves_told(accuracy: pd.DataFrame) -> str:
    """What lines and bands are, and what becomes of diverged seeds if there are any."""
    leaves = "; a seed leaves its curve where it diverges" if accuracy["diverged"].any() else ""
    return seeds_told(accuracy) + leaves


def legend_labels(accuracy: pd.DataFrame, failed: dict[str, int]) -> dict[str, str]:
    """Name of each initializer -> what the legend says of it, ``he_normal (diverged 3/5)``."""
    rows = accuracy.sort_values("initializer")
    words = {str(row.initializer): outcome_words(row, failed.get(str(row.initializer), 0)) for row in rows.itertuples()}
    return {name: f"{name} ({outcome})" if outcome else name for name, outcome in words.items()}
