import numpy as np
import pandas as pd
import pytest

from initbench.analysis.layers import AVERAGED, AVERAGED_AS_LOGARITHMS, layer_means
from initbench.contracts import LAYER_METRICS

FACTORS = ["depth", "initializer"]


def means(**values):
    """The one row of each metric, from its values at each seed; the others are 1 at all."""
    seeds = max(map(len, values.values()))
    rows = pd.DataFrame({"depth": 2, "initializer": None, "epoch": 3, "layer": 1}, index=range(seeds))
    columns = {name: np.ones(seeds) for name in LAYER_METRICS} | values
    found = layer_means(rows.assign(**columns), FACTORS)
    assert list(found) == [*FACTORS, "epoch", "layer", "metric", "mean", "least", "most", "seeds"]
    assert set(found["epoch"]) == {3}
    return {row.metric: (row.mean, row.least, row.most, row.seeds) for row in found.itertuples()}


@pytest.mark.parametrize("metric", AVERAGED)
def test_shares_and_activations_have_the_mean_of_the_seeds_and_their_ends(metric):
    assert means(**{metric: [0.1, 0.4, 0.7]})[metric] == pytest.approx((0.4, 0.1, 0.7, 3))


@pytest.mark.parametrize("metric", AVERAGED_AS_LOGARITHMS)
def test_what_differs_by_factors_has_the_geometric_mean_of_what_is_not_0(metric):
    assert means(**{metric: [1e-6, 1e-2, 0]})[metric] == pytest.approx((1e-4, 0, 1e-2, 3))
    assert means(**{metric: [0, 0]})[metric] == (0, 0, 0, 2)
    assert means(**{metric: [1e-6, 1e-2]})[metric][0] != pytest.approx(np.mean([1e-6, 1e-2]), rel=0.5)


@pytest.mark.parametrize("metric", [*AVERAGED, *AVERAGED_AS_LOGARITHMS])
def test_a_diverged_seed_leaves_and_the_last_one_leaves_nan(metric):
    assert means(**{metric: [0.5, np.nan]})[metric] == pytest.approx((0.5, 0.5, 0.5, 1))
    assert means(**{metric: [np.nan]})[metric] == pytest.approx((np.nan, np.nan, np.nan, 0), nan_ok=True)
    assert means(**{metric: [np.nan]})["saturated" if metric != "saturated" else "dead"] == (1, 1, 1, 1)
