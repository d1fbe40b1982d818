"""The content of the report: a chapter an experiment, and what stands behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Chapter(NamedTuple):
    """One experiment: frames that were computed elsewhere, and texts.

    Attributes
    ----------
    name, description, caption : str
        ``caption`` says what is lacking, or is empty.
    verdict : sequence of str
        Sentences that head the chapter.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.
    runs, accuracy, evidence, bands, baselines : DataFrame
        With the columns of runs.csv and accuracy.csv, of comparison.csv and beside them ``noise, within_noise,
        cliffs_delta, sentence``, from `curve_bands`, and ``cell, test_majority``.
    layers : DataFrame
        From `layer_means`; empty where no layers were recorded.
    tables : mapping of str to DataFrame
        Further tables, shown as they stand where they have rows: ``predictors, ranking, tuning, decisions``.
    figures : mapping of str to Figure
        By file name without its suffix.
    counts : mapping of str to int
        Cells: ``planned, done, diverged, failed, missing``.
    config : str
        The resolved config, YAML.
    manifest : mapping
        What ``manifest.json`` holds.
    """

    name: str
    description: str
    caption: str
    verdict: Sequence[str]
    factors: Sequence[str]
    runs: pd.DataFrame
    accuracy: pd.DataFrame
    evidence: pd.DataFrame
    bands: pd.DataFrame
    baselines: pd.DataFrame
    layers: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    figures: Mapping[str, Figure]
    counts: Mapping[str, int]
    config: str
    manifest: Mapping[str, Any]


class Appendix(NamedTuple):
    """A table and figures that stand behind the chapters.

    Attributes
    ----------
    heading, lead, caption : str
        Above it, a sentence or two below that, and above the table.
    table : DataFrame
        Shown as it stands.
    figures : mapping of str to Figure
        By file name without its suffix.
    finding : str
        What each figure shows, in words.
    """

    heading: str
    lead: str
    caption: str
    table: pd.DataFrame
    figures: Mapping[str, Figure]
    finding: str
