import frames
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from initbench.analysis.bands import METRICS, curve_bands


@pytest.fixture(scope="module")
def eight():
    return frames.experiment(frames.eight, initializer=frames.EIGHT)


def test_bands_are_the_intervals_of_scipy(eight):
    bands = curve_bands(eight.curves, eight.factors)
    assert list(bands) == [*eight.factors, "epoch", "metric", "mean", "low", "high", "seeds"]
    curves = eight.curves[eight.curves["initializer"] == "orthogonal"]
    for metric in METRICS:
        values = curves.loc[curves["epoch"] == 4, metric]
        (row,) = bands.query("initializer == 'orthogonal' and epoch == 4 and metric == @metric").itertuples()
        expected = stats.t.interval(0.95, 4, loc=values.mean(), scale=stats.sem(values))
        assert row.mean == pytest.approx(values.mean(), abs=1e-12)
        assert (row.low, row.high) == pytest.approx(expected, abs=1e-10)
        assert abs(row.low - (values.mean() - 1.96 * stats.sem(values))) > 1e-6


def test_a_seed_leaves_the_band_where_it_diverges(eight):
    bands = curve_bands(eight.curves, eight.factors)
    loss = bands[(bands["initializer"] == "uniform(low=-0.3, high=0.3)") & (bands["metric"] == "train_loss")]
    assert loss["seeds"].tolist() == [5, 4, 3] + [2] * 8
    assert (bands["low"].dropna() >= 0).all()
    assert (bands.loc[bands["metric"].str.endswith("accuracy"), "high"].dropna() <= 1).all()


def test_epochs_without_a_finite_value_have_no_row():
    f = frames.experiment(lambda **setting: frames.Outcome(0.5, status="diverged"), seeds=3)
    bands = curve_bands(f.curves, f.factors)
    assert bands["epoch"].max() == 2
    infinite = f.curves.assign(test_loss=np.inf)
    assert "test_loss" not in set(curve_bands(infinite, f.factors)["metric"])


def test_one_seed_has_a_mean_and_no_band():
    f = frames.experiment(seeds=1)
    bands = curve_bands(f.curves, f.factors)
    assert bands[["low", "high"]].isna().all(axis=None)
    assert bands["mean"].notna().all()


def test_ten_thousand_cells_have_a_row_a_setting_epoch_and_metric():
    f = frames.experiment(initializer=["he_normal", "zeros"], clip_norm=[None, 1.0], seeds=5, epochs=20)
    many = pd.concat([f.curves.assign(depth=depth) for depth in range(500)], ignore_index=True)
    bands = curve_bands(many, f.factors)
    assert len(bands) == 500 * 4 * 21 * 6
