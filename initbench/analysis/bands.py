"""Learning curves over seeds: a mean and its band at each epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from initbench.analysis.intervals import t_interval

METRICS = ["train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy"]


def curve_bands(curves: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Mean and 95 % interval over seeds of each metric at each epoch.

    Parameters
    ----------
    curves : DataFrame
        With the columns of curves.csv; a diverged cell has nan from the epoch on at which it diverged.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.

    Returns
    -------
    DataFrame
        Long: factors, ``epoch, metric, mean, low, high, seeds``. A cell leaves the mean where it diverges, and
        ``seeds`` says how many are in it; there is no row without any. ``low`` and ``high`` are Student's interval of
        the mean (see `t_interval`), clipped to where the metric can lie; nan with one seed.
    """
    keys = [*factors, "epoch"]
    values = curves[METRICS].astype(float)
    finite = pd.concat([curves[keys], values.where(np.isfinite(values))], axis=1)
    groups = finite.groupby(keys, sort=False, dropna=False)
    mean, std, count = groups[METRICS].mean(), groups[METRICS].std(), groups[METRICS].count()
    settings = mean.index.to_frame(index=False)
    parts = []
    for metric in METRICS:
        low, high = t_interval(mean[metric], std[metric], count[metric])
        ceiling = 1.0 if metric.endswith("accuracy") else np.inf
        numbers = {"mean": mean[metric].to_numpy(), "low": low.clip(0), "high": high.clip(0, ceiling)}
        band = pd.DataFrame({"metric": metric, **numbers, "seeds": count[metric].to_numpy()})
        parts.append(pd.concat([settings, band], axis=1))
    bands = pd.concat(parts, ignore_index=True)
    return bands[bands["seeds"] > 0].reset_index(drop=True)
