"""Bands of signals by layer."""

import numpy as np
import pandas as pd

from initbench.analysis.signals import METRICS, signal_bands


def layers(**columns):
    """Three draws of two hidden layers and a last one."""
    keys = pd.MultiIndex.from_product([["a"], range(3), [1, 2, 3]], names=["initializer", "seed", "layer"])
    frame = keys.to_frame(index=False).assign(cell=lambda rows: rows["seed"].map("cell{}".format))
    return frame.assign(**dict.fromkeys(METRICS, 1.0), predicted_correlation=0.5, **columns)


def test_the_band_is_the_median_and_the_ends_of_the_hidden_layers():
    squares = [1.0, 10, 99, 2, 20, 99, 9, 90, 99]
    bands = signal_bands(layers().assign(preactivation_square=squares), ["initializer"])
    rows = bands[bands["metric"] == "preactivation_square"]
    assert rows["layer"].tolist() == [1, 2]
    assert rows[["median", "low", "high"]].to_numpy().tolist() == [[2, 1, 9], [20, 10, 90]]
    assert rows["draws"].tolist() == [3, 3]
    assert rows["predicted"].isna().all()
    assert bands.loc[bands["metric"] == "correlation", "predicted"].tolist() == [0.5, 0.5]


def test_a_value_that_is_not_there_is_not_counted():
    bands = signal_bands(layers().assign(dead=[np.nan, 0.1, 1] * 3), ["initializer"])
    assert bands.loc[bands["metric"] == "dead", "draws"].tolist() == [0, 3]


def test_the_ends_of_theory_hold_95_percent_of_log_normal_draws():
    rng = np.random.default_rng(0)
    spread, mean = 0.8, 3.0
    table = layers(predicted_preactivation_square=mean, predicted_preactivation_spread=spread)
    bands = signal_bands(table, ["initializer"])
    row = bands[bands["metric"] == "preactivation_square"].iloc[0]
    draws = rng.lognormal(np.log(mean) - spread**2 / 2, spread, size=100_000)
    assert abs(draws.mean() / row["predicted"] - 1) < 0.02
    assert abs(np.mean((draws > row["predicted_low"]) & (draws < row["predicted_high"])) - 0.95) < 0.004
    assert (
        bands.loc[bands["metric"] != "preactivation_square", ["predicted_low", "predicted_high"]].isna().all(axis=None)
    )
