"""Histograms of the singular values of input-output Jacobians, a panel a setting and initializer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from initbench.present.figures.style import (
    STYLE,
    TALLEST,
    SeriesStyle,
    finish_grid,
    grid_shape,
    most_title_lines,
    new_figure,
    panel_points,
    panel_title,
)

COLUMNS = 3
BINS = 40  # at most
ZERO = 1e-12  # of the largest; a smaller singular value is rounding
CAPTION = "of the hidden layers, in the first draw; what is below 1e-12 of the largest counts as 0"
Spectra = Mapping[str, tuple[str, npt.NDArray[np.float64]]]


@rc_context(STYLE)
def spectrum_panels(spectra: Spectra, styles: dict[str, SeriesStyle]) -> Figure:
    """How the singular values are spread, on one logarithmic axis; an isometry is a line at 0.

    Parameters
    ----------
    spectra : dict of str to (str, ndarray)
        Title of the panel -> initializer, and singular values, the largest above 0.
    styles : dict of str to SeriesStyle
        How each initializer is drawn.

    Returns
    -------
    Figure
        Up to three panels a row. Values are divided by their root mean square, which stands above the panel.
    """
    rows, columns = grid_shape(len(spectra), COLUMNS)
    points = panel_points(columns)
    heading = "Singular values of the input-output Jacobian\n" + CAPTION
    figure = new_figure(0.8 + rows * _row_height(spectra), heading)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    scaled = [_decades(values) for _, values in spectra.values()]
    low, high = min(logs.min() for logs in scaled), max(logs.max() for logs in scaled)
    bins = min(BINS, 8 + int(2 * np.sqrt(max(logs.size for logs in scaled))))
    edges = np.linspace(min(low, -0.5) - 0.1, max(high, 0.5) + 0.1, bins + 1)
    for axes, logs, (panel, (name, values)) in zip(grid.flat, scaled, spectra.items(), strict=False):
        axes.stairs(100 * np.histogram(logs, edges)[0] / len(values), edges, fill=True, color=styles[name].color)
        axes.axvline(0, color="0.45", linestyle="--", linewidth=0.8, zorder=3)
        axes.set_title(f"{panel_title(panel, points)}\n{_told(values)}")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    finish_grid(grid, len(spectra), "log10 of singular value / rms", "singular values (%)")
    return figure


def panels_a_page(spectra: Spectra) -> int:
    """How many panels a page of `spectrum_panels` holds."""
    return COLUMNS * max(1, int((TALLEST - 0.8) / _row_height(spectra)))


def _row_height(spectra: Spectra) -> float:
    return 1.1 + 0.12 * most_title_lines(spectra, panel_points(COLUMNS))


def _told(values: npt.NDArray[np.float64]) -> str:
    nothing = np.mean(values <= ZERO * values.max())
    return f"rms {_rms(values):.2g}" + (f", {100 * nothing:.0f} % are 0" if nothing else "")


def _rms(values: npt.NDArray[np.float64]) -> float:
    return float(values.max() * np.sqrt(np.mean((values / values.max()) ** 2)))  # squares may underflow


def _decades(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The logarithms of the values that are not 0, over the root mean square of all."""
    logs: npt.NDArray[np.float64] = np.log10(values[values > ZERO * values.max()] / _rms(values))
    return logs
