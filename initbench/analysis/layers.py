"""What goes on in each layer while networks train: the middle and the ends of the seeds at each epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

AVERAGED = ["activation_mean", "activation_std", "saturated", "dead"]
AVERAGED_AS_LOGARITHMS = ["gradient_std", "update_ratio", "distance"]


def layer_means(layers: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Mean over seeds of what figures show of each layer at each epoch, with the smallest and the largest.

    Parameters
    ----------
    layers : DataFrame
        With the columns of layers.csv; a diverged cell has nan from the epoch on at which it diverged.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.

    Returns
    -------
    DataFrame
        Long: factors, ``epoch, layer, metric, mean, least, most, seeds``. Of gradients, update ratios and distances,
        which may differ by factors from seed to seed, the mean is the geometric one over the seeds that are not 0, and
        0 if all are. A cell leaves where it diverges, and ``seeds`` counts those that are left; without any there is
        nan.

    References
    ----------
    Hanin & Rolnick (2018), "How to Start Training: The Effect of Initialization and Architecture", arXiv:1803.01719:
    lengths and gradients spread like log-normal variables over seeds.
    """
    keys, metrics = [*factors, "epoch", "layer"], [*AVERAGED, *AVERAGED_AS_LOGARITHMS]
    groups = layers.groupby(keys, sort=False, dropna=False)[metrics]
    least, most, seeds = groups.min(), groups.max(), groups.count()
    logarithms = {metric: np.log(layers[metric].where(layers[metric] > 0)) for metric in AVERAGED_AS_LOGARITHMS}
    mean = layers.assign(**logarithms).groupby(keys, sort=False, dropna=False)[metrics].mean()
    mean[AVERAGED_AS_LOGARITHMS] = np.exp(mean[AVERAGED_AS_LOGARITHMS])
    mean = mean.fillna(most)  # where all seeds have 0, there is no logarithm
    places = mean.index.to_frame(index=False)
    parts = []
    for metric in metrics:
        numbers = {"mean": mean, "least": least, "most": most, "seeds": seeds}
        columns = {name: frame[metric].to_numpy() for name, frame in numbers.items()}
        parts.append(pd.concat([places, pd.DataFrame({"metric": metric, **columns})], axis=1))
    return pd.concat(parts, ignore_index=True)
