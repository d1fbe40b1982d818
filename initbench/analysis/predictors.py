"""What predicts success: how diagnostics of untrained networks go with what training made of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit

from initbench.analysis.intervals import CONFIDENCE, Floats
from initbench.analysis.summaries import scores

FEWEST_SETTINGS = 5
RESAMPLES = 2_000
CHUNK = 200_000  # numbers of a resampled array: few enough to stay in the cache
LARGEST = 0.99  # Fisher's z runs off to infinity at 1
FAINTEST = float(np.finfo(np.float32).tiny)  # a variance below it is rounded to nothing by float32
COLUMNS = ["diagnostic", "outcome", "cells", "settings", "correlation", "low", "high"]


def step_zero(layers: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Describe each network before training in a dozen numbers.

    Parameters
    ----------
    layers, curves : DataFrame
        With the columns of layers.csv and curves.csv. The last layer of a cell is its output.

    Returns
    -------
    DataFrame
        A row a cell: ``cell`` and the columns below, all dimensionless; nan where there is none. The first three are
        -inf where nothing reaches the first layer, be it from above or from the inputs.

        - ``log_gradient_ratio``: log10 of the norm of the weights' gradient in the first layer over that in the last.
          Norms, not root mean squares: layers.csv does not tell how many inputs and outputs a network has.
        - ``log_backward_ratio``: log10 of the deviation of the loss's derivatives by the preactivations of the first
          hidden layer over that of the last hidden one.
        - ``signal_slope``: the variance of the preactivations grows by a factor of e to this from one hidden layer to
          the next, by least squares; none for one hidden layer.
        - ``abs_log_gradient_ratio``, ``abs_log_backward_ratio``, ``abs_signal_slope``: how far these are from 0.
        - ``most_dead``: share of dead units in the hidden layer that has the largest.
        - ``mean_saturated``: mean share of saturated activations over hidden layers.
        - ``least_distinct``: distinct units over all units, in the hidden layer that has the smallest share.
        - ``log_update_spread``: log10 of the largest over the smallest update ratio of any layer.
        - ``log_weight_scale``: log10 of ``weight_std * sqrt(fan_in)``, the sigma_w of mean-field theory; mean over the
          layers above the first.
        - ``loss_at_start``: training loss.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", section 4.2
    (gradient ratios); Hanin & Rolnick (2018), "How to Start Training", arXiv:1803.01719 (growth from layer to layer).
    """
    start = layers[layers["epoch"] == 0].drop_duplicates(["cell", "layer"])
    output = start.groupby("cell")["layer"].transform("max")
    hidden = start[start["layer"] < output]
    last, first, top = (
        start[place].set_index("cell")
        for place in (start["layer"] == output, start["layer"] == 1, start["layer"] == output - 1)
    )
    of_hidden, updates, upper = hidden.groupby("cell"), start.groupby("cell")["update_ratio"], start[start["layer"] > 1]
    distinct = hidden["distinct_units"] / _units(hidden, hidden["layer"])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = {
            "log_gradient_ratio": _log_ratio(first["weight_gradient_norm"], last["weight_gradient_norm"]),
            "log_backward_ratio": _log_ratio(first["gradient_std"], top["gradient_std"]),
            "signal_slope": _signal_slope(hidden).mask(first["preactivation_std"] == 0, -np.inf),
        }
        weight_scale = pd.Series(np.log10(upper["weight_std"] * np.sqrt(_units(upper, upper["layer"] - 1))))
        found = {
            **ratios,
            **{f"abs_{name}": values.abs() for name, values in ratios.items()},
            "most_dead": of_hidden["dead"].max(),
            "mean_saturated": of_hidden["saturated"].mean(),
            "least_distinct": distinct.groupby(hidden["cell"]).min(),
            "log_update_spread": np.log10(updates.max() / updates.min()),
            "log_weight_scale": weight_scale.groupby(upper["cell"]).mean(),
            "loss_at_start": curves[curves["epoch"] == 0].drop_duplicates("cell").set_index("cell")["train_loss"],
        }
    return pd.DataFrame(found).loc[list(last.index)].rename_axis("cell").reset_index()


def _log_ratio(lower: pd.Series[float], upper: pd.Series[float]) -> pd.Series[float]:
    """Log10 of the ratio by cell; -inf wherever the lower one is 0, even if the upper one is too."""
    return pd.Series(np.log10(lower / upper)).mask(lower == 0, -np.inf)


def _units(rows: pd.DataFrame, layer: pd.Series[int]) -> Floats:
    """How many units a hidden layer has, counted from 1; ``width`` is one number for all, or reads ``512-256-64``.

    They are nan where the width is tuned and so differs from seed to seed.
    """
    words = {width: pd.Series(str(width).split("-")) for width in rows["width"].unique()}
    widths = {width: pd.to_numeric(units, errors="coerce").tolist() for width, units in words.items()}
    pairs = zip(rows["width"], layer, strict=True)
    return np.array([widths[width][min(place, len(widths[width])) - 1] for width, place in pairs], dtype=float)


def _signal_slope(hidden: pd.DataFrame) -> pd.Series[float]:
    """Least-squares slope of the logarithm of the preactivations' variance against the layer, by cell."""
    rows = hidden[hidden["preactivation_std"].notna()]
    cells = rows["cell"]
    x = rows["layer"] - rows.groupby("cell")["layer"].transform("mean")
    y = np.log(np.maximum(rows["preactivation_std"] ** 2, FAINTEST))
    return (x * y).groupby(cells).sum() / (x**2).groupby(cells).sum()


def predictor_table(
    diagnostics: pd.DataFrame,
    runs: pd.DataFrame,
    baselines: pd.DataFrame,
    factors: Sequence[str],
    extra: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """How each diagnostic of untrained networks goes with the outcome of training, over all cells of an experiment.

    Cells of one setting share their causes, so that many seeds are not as much evidence as many settings: the interval
    comes from resamples of whole settings.

    Parameters
    ----------
    diagnostics : DataFrame
        A row a cell: ``cell`` and a column a diagnostic, as `step_zero` gives them. Infinite values have a rank like
        all others; a cell with nan is left out for that diagnostic.
    runs : DataFrame
        With the columns of runs.csv. A failed cell is left out, a diverged one counts as in the accuracy table.
    baselines : DataFrame
        A row a cell: ``cell, test_majority, valid_majority, test_rows``.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.
    extra : DataFrame, optional
        Further diagnostics, in the form of ``diagnostics``.

    Returns
    -------
    DataFrame
        With the columns of predictors.csv: for each outcome, ``final_accuracy`` and then ``trained`` (1 or 0, as the
        accuracy table counts), a row a diagnostic, the strongest first. ``correlation`` is Spearman's over ``cells``
        of so many ``settings``, tied values sharing their mean rank; nan where either side is constant. ``low, high``
        is its 95 % interval: Student's, with ``settings - 2`` degrees of freedom, on Fisher's scale ``artanh``, where
        the standard error is the deviation over 2,000 resamples of settings, drawn from a fixed seed (those in which
        either side is constant have no correlation and are passed over); nan below 5 settings. On Fisher's scale, 0.99
        stands for all that is beyond it.

    References
    ----------
    Spearman (1904), "The proof and measurement of association between two things", Am. J. Psychol. 15(1); Fisher
    (1921), "On the 'probable error' of a coefficient of correlation", Metron 1; Field & Welsh (2007), "Bootstrapping
    clustered data", J. R. Statist. Soc. B 69(3) (resamples of whole clusters).
    """
    if extra is not None:
        diagnostics = diagnostics.merge(extra, on="cell", how="outer")
    scored = scores(runs, baselines).drop_duplicates("cell")
    scored = scored[scored["status"] != "failed"]
    measured = diagnostics.drop_duplicates("cell").set_index("cell").reindex(scored["cell"]).astype(float)
    outcomes = {"final_accuracy": scored["test_accuracy"].to_numpy(float), "trained": scored["trained"].to_numpy(float)}
    setting = scored.groupby(list(factors), sort=False, dropna=False).ngroup().to_numpy()
    rows = []
    for outcome, y in outcomes.items():
        for name in measured:
            x = measured[name].to_numpy()
            known = ~np.isnan(x) & ~np.isnan(y)
            names, where = np.unique(setting[known], return_inverse=True)
            numbers = correlation_interval(x[known], y[known], where)
            rows.append((name, outcome, int(known.sum()), len(names), *numbers))
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["strength"] = table["correlation"].abs()
    by = ["outcome", "strength", "diagnostic"]
    return table.sort_values(by, ascending=[True, False, True], ignore_index=True)[COLUMNS]


def correlation_interval(x: Floats, y: Floats, setting: npt.NDArray[np.int_]) -> tuple[float, float, float]:
    """Spearman's correlation and its 95 % interval, as told in `predictor_table`.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Without nan.
    setting : ndarray of int, shape (n,)
        Which setting each belongs to: 0, 1, ...

    Returns
    -------
    correlation, low, high : float

    Examples
    --------
    >>> x = np.arange(6.0)
    >>> correlation_interval(x, np.exp(x), np.arange(6))
    (1.0, 0.99, 1.0)
    """
    count = int(setting.max(initial=-1)) + 1
    correlation = float(spearman(x, y, np.ones((len(x), 1)))[0])
    if count < FEWEST_SETTINGS or np.isnan(correlation):
        return correlation, np.nan, np.nan
    parts = np.array_split(_draws(count), -(-len(x) * RESAMPLES // CHUNK), axis=1)
    resampled = np.concatenate([spearman(x, y, part[setting]) for part in parts])
    half = float(stdtrit(count - 2, (1 + CONFIDENCE) / 2) * np.nanstd(_fisher(resampled)))
    low, high = np.tanh(_fisher(correlation) + half * np.array([-1, 1]))
    return correlation, min(correlation, float(low)), max(correlation, float(high))


@lru_cache(maxsize=4)
def _draws(count: int) -> Floats:
    """How often each of so many settings is in each resample, shape (count, RESAMPLES); float32 takes half the time."""
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return np.ascontiguousarray(drawn.T, dtype=np.float32)


def _fisher(correlation: npt.ArrayLike) -> Floats:
    z: Floats = np.arctanh(np.clip(correlation, -LARGEST, LARGEST))
    return z


def spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Spearman's correlation of several samples that hold the same values, some more than once or not at all.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Without nan.
    weights : ndarray of floats, shape (n, r)
        How often each value is in each sample.

    Returns
    -------
    ndarray of the weights' type, shape (r,)
        nan where either side is constant.
    """
    a, b = _centred_ranks(x, weights), _centred_ranks(y, weights)
    weighted = weights * a
    with np.errstate(divide="ignore", invalid="ignore"):
        products = np.sqrt((weighted * a).sum(axis=0) * (weights * b * b).sum(axis=0))
        found: Floats = np.clip((weighted * b).sum(axis=0) / products, -1, 1)
    return found


def _centred_ranks(values: Floats, weights: Floats) -> Floats:
    """Rank of each value in each sample minus their mean, tied values sharing theirs; shape (n, r)."""
    levels, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    below = np.zeros((len(values) + 1, weights.shape[1]), weights.dtype)
    np.cumsum(weights[order], axis=0, out=below[1:])
    edges = below[np.searchsorted(place[order], np.arange(len(levels) + 1))]
    ranks: Floats = (edges[:-1] + edges[1:] - edges[-1]) / 2
    return ranks[place]
