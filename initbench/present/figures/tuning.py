"""Validation accuracy against each tuned key, with what was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from initbench.present.figures import sweeps
from initbench.present.figures.naming import pages
from initbench.present.figures.style import series_styles
from initbench.present.labels import ordered, setting_order, settings, swept, title


def tuning_figures(
    slices: Mapping[str, pd.DataFrame], own: pd.DataFrame, common: pd.DataFrame, factors: Sequence[str]
) -> dict[str, Figure]:
    """A figure for each tuned key.

    Parameters
    ----------
    slices : mapping of str to DataFrame
        Tuned key -> what was tried of it, with the other tuned keys at each initializer's best.
    own, common : DataFrame
        How often each value was chosen, as `initbench.analysis.tuning.how_often` gives it.
    factors : sequence of str
        The columns that make a setting.

    Returns
    -------
    dict of str to Figure
        ``tuning-KEY``, and pages of it where one does not hold the panels of all settings.
    """
    tried = pd.concat(slices.values())
    styles = series_styles(tried["initializer"])
    keys = swept(tried, [name for name in factors if name not in slices])
    figures = {}
    for key, table in slices.items():
        tables = dict(list(table.groupby(settings(table, keys))))
        chosen = [often[often["key"] == key] for often in (own, common)]
        words = [settings(often, keys) for often in chosen]
        marks = {
            name: tuple(often[where == name] for often, where in zip(chosen, words, strict=True)) for name in tables
        }
        panels = {
            name: (tables[name], ordered(tables[name]["valid_majority"].dropna()))
            for name in setting_order(tried, keys)
            if name in tables
        }
        heading = f"Validation accuracy by {title(key)}, over the tuning seeds"
        if len(slices) > 1:
            heading += "; other tuned keys at each one's best"
        for page, some in pages(f"tuning-{key}", panels, sweeps.panels_a_page(key, panels)):
            figures[page] = sweeps.accuracy_by(key, some, styles, heading, metric="valid_accuracy", chosen=marks)
    return figures
