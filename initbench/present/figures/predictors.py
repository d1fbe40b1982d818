"""What predicts success: how each diagnostic of untrained networks goes with the outcome of training."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from initbench.present.figures.style import COLORS, STYLE, new_figure
from initbench.present.labels import title

OUTCOMES = {"final_accuracy": "final test accuracy", "trained": "trained at all"}
WORDS = {
    "log_gradient_ratio": "log gradient ratio, first/last layer",
    "abs_log_gradient_ratio": "|log gradient ratio|",
    "log_backward_ratio": "log backward ratio, first/last layer",
    "abs_log_backward_ratio": "|log backward ratio|",
    "signal_slope": "log growth of the signal a layer",
    "abs_signal_slope": "|log growth of the signal a layer|",
    "most_dead": "dead units, worst layer",
    "mean_saturated": "saturated activations",
    "least_distinct": "distinct units, worst layer",
    "log_update_spread": "log spread of update ratios",
    "log_weight_scale": "log weight scale",
    "loss_at_start": "loss before training",
}


@rc_context(STYLE)
def predictor_panels(table: pd.DataFrame) -> Figure:
    """Correlation and interval of each diagnostic, a panel an outcome.

    Parameters
    ----------
    table : DataFrame
        With the columns of predictors.csv; drawn in the order of its first outcome.

    Returns
    -------
    Figure
        A point is filled where the interval leaves 0 out.
    """
    names = list(dict.fromkeys(table["diagnostic"]))
    cells, places = table["cells"].max(), table["settings"].max()
    told = f"rank correlation over {cells} cells of {places} settings"
    if table["low"].notna().any():
        told += ", with 95 % interval\nfilled: the interval leaves 0 out"
    else:
        told += "; too few settings for intervals"
    figure = new_figure(1.0 + 0.19 * len(names), f"What predicts success? Networks before training\n{told}")
    panels = figure.subplots(1, len(OUTCOMES), sharex=True, sharey=True)
    for axes, (outcome, words) in zip(panels, OUTCOMES.items(), strict=True):
        _draw(axes, table[table["outcome"] == outcome].set_index("diagnostic").loc[names])
        axes.set(title=words, xlabel="rank correlation")
    panels[0].set_yticks(range(len(names)), [WORDS.get(name, title(name)) for name in names])
    panels[0].set(xlim=(-1.05, 1.05), xticks=[-1, -0.5, 0, 0.5, 1], ylim=(len(names) - 0.5, -0.5))
    return figure


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    axes.axvline(0, color="0.45", linewidth=0.8, zorder=1)
    axes.tick_params(axis="y", length=0)
    if rows["correlation"].isna().all():
        axes.text(0.05, (len(rows) - 1) / 2, "the same in all cells", va="center", fontsize=7)
        return
    for y, (correlation, low, high) in enumerate(rows[["correlation", "low", "high"]].to_numpy(float)):
        if np.isnan(correlation):
            axes.text(0.05, y, "constant", va="center", fontsize=7, color="0.35")
            continue
        is_sure = low > 0 or high < 0
        axes.plot([low, high], [y, y], color=COLORS[0], linewidth=1.4, solid_capstyle="butt")
        axes.plot(correlation, y, "o", color=COLORS[0], markerfacecolor=COLORS[0] if is_sure else "white", markersize=4)
