"""The figures of a probe."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from initbench.present.figures import signals, spectra, verdicts
from initbench.present.figures.naming import MOST_SINGLE, file_names, file_part, pages
from initbench.present.figures.style import series_styles
from initbench.present.labels import setting_order, settings, swept


def probe_figures(
    table: pd.DataFrame, bands: pd.DataFrame, spectrum: Sequence[npt.NDArray[np.float64]], factors: Sequence[str]
) -> dict[str, Figure]:
    """All figures of a probe.

    Parameters
    ----------
    table : DataFrame
        From `verdict_table`, in which no two rows have the same factors.
    bands : DataFrame
        From `signal_bands`.
    spectrum : sequence of ndarray
        Singular values for each row of the table; may be empty.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.

    Returns
    -------
    dict of str to Figure
        By file name without its suffix. ``probe-verdicts``; ``probe-signals``, one a setting up to 6 of them and beyond
        that one a quantity, with a panel a setting; ``probe-spectra`` where there are singular values above 0. More
        than 12 initializers, and what does not fit a page, have several.
    """
    keys, styles = swept(table, factors), series_styles(table["initializer"])
    names = setting_order(table, keys)
    of_setting, of_bands = settings(table, keys), settings(bands, keys)
    verdict_rows = {name: table[of_setting == name] for name in names}
    figures: dict[str, Figure] = {}
    for page, some in pages("probe-verdicts", verdict_rows, verdicts.panels_a_page(verdict_rows)):
        figures[page] = verdicts.verdict_panels(some)
    panels = {name: bands[of_bands == name] for name in names}
    panels = {name: rows for name, rows in panels.items() if len(rows)}
    if len(panels) <= MOST_SINGLE:
        for name, rows in panels.items():
            heading = " · ".join(filter(None, ["Signals before training", name]))
            initializers = {str(key): some for key, some in rows.groupby("initializer", sort=True)}
            stem = f"probe-signals{file_part(rows, keys)}"
            for page, those in pages(stem, initializers, signals.MOST_INITIALIZERS):
                figures[page] = signals.signal_figure(pd.concat(those.values()), styles, heading)
    else:
        groups = pages("", dict.fromkeys(sorted(styles)), signals.MOST_INITIALIZERS)
        for metric, (part, those) in product(signals.QUANTITIES, groups):
            looks_of = {name: styles[name] for name in those}
            some_panels = {name: rows[rows["initializer"].isin(those)] for name, rows in panels.items()}
            some_panels = {name: rows for name, rows in some_panels.items() if len(rows)}
            most = signals.panels_a_page(some_panels, looks_of)
            for page, some in pages(f"probe-{metric}{part}", some_panels, most):
                figures[page] = signals.signal_panels(metric, some, looks_of)
    shown = {
        " · ".join(filter(None, [initializer, name])): (initializer, values)
        for name, initializer, values in zip(of_setting, table["initializer"], spectrum, strict=True)
        if values.size and np.isfinite(values).all() and values.max() > 0
    }
    for page, some_spectra in pages("probe-spectra", shown, spectra.panels_a_page(shown) if shown else 1):
        if some_spectra:
            figures[page] = spectra.spectrum_panels(some_spectra, styles)
    return dict(zip(file_names(list(figures)), figures.values(), strict=True))
