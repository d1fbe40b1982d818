"""Signals by layer: what is typical of the draws of a setting, and from where to where they lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from initbench.analysis.intervals import CONFIDENCE

QUANTILE = float(ndtri((1 + CONFIDENCE) / 2))
SPREAD = "predicted_preactivation_spread"
METRICS = ["preactivation_square", "gradient_square", "correlation", "weight_gradient_norm", "saturated", "dead"]


def signal_bands(layers: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Median, least and greatest value over the draws of each metric in each hidden layer.

    The median, since squares spread by factors: a mean would be that of the few largest draws.

    Parameters
    ----------
    layers : DataFrame
        With the columns of probe.csv.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.

    Returns
    -------
    DataFrame
        Long: factors, ``layer, metric, median, low, high, predicted, predicted_low, predicted_high, draws``; the
        predictions are nan where theory says nothing. ``predicted`` is that of infinite width; from ``predicted_low``
        to ``predicted_high``, exp(-v/2 ± 1.96 √v) times it, lie 95 % of draws whose logarithm has variance v. A value
        that is not there leaves its layer's ``draws``, which count the others.
    """
    last = layers.groupby("cell", sort=False)["layer"].transform("max")
    keys = [*factors, "layer"]
    groups = layers[layers["layer"] < last].groupby(keys, sort=False, dropna=False)
    parts = []
    for metric in METRICS:
        values = groups[metric].agg(["median", "min", "max", "count"])
        band = values.rename(columns={"min": "low", "max": "high", "count": "draws"}).reset_index()
        predicted = groups[f"predicted_{metric}"].first().to_numpy() if f"predicted_{metric}" in layers else np.nan
        band = band.assign(metric=metric, predicted=predicted, predicted_low=np.nan, predicted_high=np.nan)
        if metric == "preactivation_square" and SPREAD in layers:
            spread = groups[SPREAD].first().to_numpy()
            for end, sign in (("low", -1), ("high", 1)):
                band[f"predicted_{end}"] = predicted * np.exp(-(spread**2) / 2 + sign * QUANTILE * spread)
        parts.append(band)
    bands = pd.concat(parts, ignore_index=True)
    predictions = ["predicted", "predicted_low", "predicted_high"]
    return bands[[*keys, "metric", "median", "low", "high", *predictions, "draws"]]
