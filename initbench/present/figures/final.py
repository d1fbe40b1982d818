"""Final accuracy: a row an initializer, best first, every seed to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initbench.present.figures.style import STYLE, Look, finish_grid, mark_chance, new_figure, outcome_words, seeds_told

CLOSE = 0.4  # of the whole range; above it, a close-up would show little more


class Final(NamedTuple):
    """What one panel shows: the accuracy table, scored seeds, failures and chance of one setting."""

    accuracy: pd.DataFrame
    scores: pd.DataFrame
    failed: dict[str, int]
    chances: Sequence[float]


@rc_context(STYLE)
def final_accuracy(panels: dict[str, Final], styles: dict[str, Look], heading: str) -> Figure:
    """Test accuracy after the last epoch, a panel a setting.

    Parameters
    ----------
    panels : dict of str to Final
        Setting in words -> what to show; ``scores`` has a row a seed: ``initializer, score, diverged``.
    styles : dict of str to Look
        How each initializer is drawn.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        Mean and interval as a large point with a bar, seeds as small dots below it (a cross for a diverged one, at
        chance), the numbers of diverged and failed seeds at the right.
    """
    all_rows = pd.concat([panel.accuracy for panel in panels.values()])
    key = "small dots: seeds" + ("; crosses: diverged, counted at chance" if all_rows["diverged"].any() else "")
    told = f"{seeds_told(all_rows)}; {key}"
    most = max(len(panel.accuracy) for panel in panels.values())
    if len(panels) == 1:
        (setting, panel), *_ = panels.items()
        figure = new_figure(1.1 + 0.24 * most, f"{' · '.join(filter(None, [heading, setting]))}\n{told}")
        sure = (panel.accuracy["trained"] == panel.accuracy["seeds"]) & (panel.accuracy["seeds"] > 0)
        close_up = _close_up(panel, sure)
        grid = figure.subplots(1, 2 if close_up else 1, sharey=True, squeeze=False)
        _draw(grid[0, 0], panel, styles, panel.accuracy["seeds"] > 0)
        mark_chance(grid[0, 0], panel.chances, vertical=True)
        _write_outcomes(grid[0, -1], panel)
        if close_up:
            _draw(grid[0, 1], panel, styles, sure)
            grid[0, 1].set_xlim(close_up)
            grid[0, 1].set_title("close-up of those that always train", pad=14)
        finish_grid(grid, grid.size, "test accuracy (%)", "")
        return figure
    rows = -(-len(panels) // 2)
    figure = new_figure(0.75 + rows * (0.65 + 0.24 * most), f"{heading}\n{told}")
    grid = figure.subplots(rows, 2, sharex=True, squeeze=False)
    for axes, (setting, panel) in zip(grid.flat, panels.items(), strict=False):
        _draw(axes, panel, styles, panel.accuracy["seeds"] > 0)
        mark_chance(axes, panel.chances, vertical=True)
        _write_outcomes(axes, panel)
        axes.set_title(setting.replace(" · ", "\n"), pad=12)
    finish_grid(grid, len(panels), "test accuracy (%)", "")
    return figure


def _close_up(panel: Final, sure: pd.Series[bool]) -> tuple[float, float] | None:
    """The range in percent of the initializers that always train, if it is but a small part of the whole range."""
    table = panel.accuracy
    close = table[sure]
    seeds = panel.scores[panel.scores["initializer"].isin(close["initializer"])]
    near = pd.concat([close["test_accuracy_low"], close["test_accuracy_high"], seeds["score"]])
    far = pd.concat([table["test_accuracy_low"], panel.scores["score"], pd.Series(panel.chances, dtype=float)])
    low, high = 100 * near.min(), 100 * near.max()
    if len(close) < 2 or high - low > CLOSE * (high - 100 * far.min()):
        return None
    margin = 0.06 * (high - low) + 0.1
    return low - margin, high + margin


def _draw(axes: Axes, panel: Final, styles: dict[str, Look], shown: pd.Series[bool]) -> None:
    for y, (row, is_shown) in enumerate(zip(panel.accuracy.itertuples(), shown, strict=True)):
        if not is_shown:
            continue
        name = str(row.initializer)
        look = styles[name]
        mean, low, high = (
            100 * np.asarray(x) for x in (row.test_accuracy_mean, row.test_accuracy_low, row.test_accuracy_high)
        )
        axes.plot([low, high], [y - 0.12] * 2, color=look.color, linewidth=1.6, solid_capstyle="butt")
        axes.plot(mean, y - 0.12, look.marker, color=look.color, markersize=4.5)
        seeds = panel.scores[panel.scores["initializer"] == name]
        jitter = y + 0.26 + 0.1 * (np.arange(len(seeds)) % 3 - 1)
        for marker, some in (("o", ~seeds["diverged"]), ("x", seeds["diverged"])):
            axes.plot(100 * seeds["score"][some], jitter[some], marker, color=look.color, markersize=2.4, alpha=0.75)
    axes.set_yticks(range(len(panel.accuracy)), panel.accuracy["initializer"])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(panel.accuracy) - 0.4, -0.6)


def _write_outcomes(axes: Axes, panel: Final) -> None:
    for y, row in enumerate(panel.accuracy.itertuples()):
        axes.annotate(
            outcome_words(row, panel.failed.get(str(row.initializer), 0)),
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
