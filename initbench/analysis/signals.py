"""Signals by layer: what is typical of the draws of a setting, and from where to where they lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

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
        Long: factors, ``layer, metric, median, low, high, predicted, draws``; ``predicted`` is nan where theory says
        nothing. A value that is not there leaves its layer's ``draws``, which count the others.
    """
    last = layers.groupby("cell", sort=False)["layer"].transform("max")
    keys = [*factors, "layer"]
    groups = layers[layers["layer"] < last].groupby(keys, sort=False, dropna=False)
    parts = []
    for metric in METRICS:
        values = groups[metric].agg(["median", "min", "max", "count"])
        band = values.rename(columns={"min": "low", "max": "high", "count": "draws"}).reset_index()
        predicted = groups[f"predicted_{metric}"].first().to_numpy() if f"predicted_{metric}" in layers else np.nan
        parts.append(band.assign(metric=metric, predicted=predicted))
    bands = pd.concat(parts, ignore_index=True)
    return bands[[*keys, "metric", "median", "low", "high", "predicted", "draws"]]
