"""Final accuracy: a row an initializer, best first, every seed to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initbench.present.figures.style import (
    LETTER,
    STYLE,
    TALLEST,
    WIDTH,
    SeriesStyle,
    finish_grid,
    mark_chance,
    most_title_lines,
    new_figure,
    outcome_words,
    panel_title,
    seeds_told,
)

HEADING = 0.75  # inches
TITLE_POINTS = 36 * WIDTH - 10
LONG_NAME = 16  # letters
CLOSE = 0.4  # of the whole range; above it, a close-up would show little more


class Final(NamedTuple):
    """What one panel shows: the accuracy table, scored seeds, failures and chance of one setting."""

    accuracy: pd.DataFrame
    scores: pd.DataFrame
    failed: dict[str, int]
    chances: Sequence[float]


@rc_context(STYLE)
def final_accuracy(panels: dict[str, Final], styles: dict[str, SeriesStyle], heading: str) -> Figure:
    """Test accuracy after the last epoch, a panel a setting.

    Parameters
    ----------
    panels : dict of str to Final
        Setting in words -> what to show; ``scores`` has a row a seed: ``initializer, score, diverged``.
    styles : dict of str to SeriesStyle
        How each initializer is drawn.
    heading : str
        First line of the heading.

    Returns
    -------
    Figure
        Mean and interval as a large point with a bar, seeds as small dots below it (a cross for a diverged one, at
        chance). The numbers of diverged and failed seeds stand at the right; where there are several panels, beside
        the marks of their row if there is room.
    """
    all_rows = pd.concat([panel.accuracy for panel in panels.values()])
    key = "dots: seeds" + ("; crosses: diverged (at chance)" if all_rows["diverged"].any() else "")
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
        _write_outcomes(grid[0, 0], panel, 0.5 * _points(panel, 1) if close_up else 0, grid[0, -1], ~sure)
        if close_up:
            _draw(grid[0, 1], panel, styles, sure)
            grid[0, 1].set_xlim(close_up)
            grid[0, 1].set_title("close-up of those that always train", pad=14)
        finish_grid(grid, grid.size, "test accuracy (%)", "")
        return figure
    rows = -(-len(panels) // 2)
    figure = new_figure(HEADING + rows * _row_height(panels), f"{heading}\n{told}")
    grid = figure.subplots(rows, 2, sharex=True, squeeze=False)
    for i, (axes, (setting, panel)) in enumerate(zip(grid.flat, panels.items(), strict=False)):
        _draw(axes, panel, styles, panel.accuracy["seeds"] > 0)
        mark_chance(axes, panel.chances, vertical=True, named=i < 2)
        axes.set_title(panel_title(setting, TITLE_POINTS), pad=12 if i < 2 else 4)
    points = min(_points(panel, 2) for panel in panels.values())
    for axes, panel in zip(grid.flat, panels.values(), strict=False):
        _write_outcomes(axes, panel, points, axes)
        names = [_broken(name) for name in panel.accuracy["initializer"]]
        axes.set_yticks(range(len(names)), names, linespacing=0.9)
    finish_grid(grid, len(panels), "test accuracy (%)", "")
    return figure


def panels_a_page(panels: dict[str, Final]) -> int:
    """How many panels a page of `final_accuracy` holds."""
    return 2 * max(1, int((TALLEST - HEADING) / _row_height(panels)))


def _row_height(panels: dict[str, Final]) -> float:
    most = max(len(panel.accuracy) for panel in panels.values())
    return 0.3 + 0.14 * most_title_lines(panels, TITLE_POINTS) + 0.24 * most


def _points(panel: Final, columns: int) -> float:
    """About how wide each of the columns is, beside the names."""
    return 72 * WIDTH / columns - LETTER * _longest(panel, columns) - 20


def _longest(panel: Final, columns: int) -> int:
    names = panel.accuracy["initializer"]
    lines = names if columns == 1 else [line for name in names for line in _broken(name).split("\n")]
    return max(map(len, lines), default=0)


def _broken(name: str) -> str:
    """A long name in two lines, its parameters in the second one."""
    return name.replace("(", "\n(", 1) if len(name) > LONG_NAME else name


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


def _draw(axes: Axes, panel: Final, styles: dict[str, SeriesStyle], shown: pd.Series[bool]) -> None:
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


def _write_outcomes(
    axes: Axes, panel: Final, points: float, outer: Axes, absent: pd.Series[bool] | None = None
) -> None:
    """Who diverged or failed, beside the marks of its row if axes of so many points have room.

    Else it stands right of ``outer``, or within where that is a close-up from which the row is absent.
    """
    low, high = axes.get_xlim()
    is_free = [False] * len(panel.accuracy) if absent is None or axes is outer else list(absent)
    for y, row in enumerate(panel.accuracy.itertuples()):
        name = str(row.initializer)
        words = outcome_words(row, panel.failed.get(name, 0))
        if not words:
            continue
        seeds = panel.scores.loc[panel.scores["initializer"] == name, "score"]
        ends = 100 * np.array([*seeds, row.test_accuracy_low, row.test_accuracy_high], dtype=float)
        marks = ends[np.isfinite(ends)]
        room = (high - low) * (LETTER * len(words) + 8) / points if points > 0 else np.inf
        target, at, align = outer, 0.0 if is_free[y] else 1.0, "left"
        if len(marks) and marks.max() + room < high:
            target, at = axes, (marks.max() - low) / (high - low)
        elif len(marks) and marks.min() - room > low:
            target, at, align = axes, (marks.min() - low) / (high - low), "right"
        target.annotate(
            words,
            (at, y),
            xycoords=("axes fraction", "data"),
            xytext=(5 if align == "left" else -5, 0),
            textcoords="offset points",
            ha=align,
            va="center",
            fontsize=7,
        )
