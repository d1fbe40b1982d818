"""Paired comparisons: which initializer is better in a setting, by how much, and how sure we are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtr

from initbench.analysis.intervals import sort_key, t_interval
from initbench.analysis.summaries import scores

ALPHA = 0.05
MIN_FLIP_PAIRS = 8
MAX_EXACT_PAIRS = 12
RESAMPLES = 19_999
COLUMNS = ["better", "worse", "seeds", "difference", "low", "high", "p", "p_adjusted", "probability_better", "verdict"]

Floats = npt.NDArray[np.float64]


def comparison_table(runs: pd.DataFrame, baselines: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Compare the test accuracy of each two initializers within each setting, paired by seed.

    A diverged cell enters with the accuracy of always answering the commonest class; a seed that failed for one of the
    two leaves the comparison. Which test gives ``p`` is settled by the number of seeds and of rows alone, never by the
    outcomes: the sign-flip test from 8 seeds on, unless even its smallest possible p would not survive Holm's
    adjustment over the table (with 5 seeds it is 2/32, above 0.05 as it stands); else Student's paired t test. If all
    differences are the same number and not 0, t is infinite for want of any spread: then the sign-flip test is used.

    Parameters
    ----------
    runs : DataFrame
        With the columns of runs.csv.
    baselines : DataFrame
        A row a cell: ``cell, test_majority, valid_majority, test_rows``.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.

    Returns
    -------
    DataFrame
        With the columns of comparison.csv, a row a pair. ``difference`` is the mean over seeds of better minus worse
        (a fraction, not below 0) with Student's 95 % interval ``low, high``; ``p`` is two-sided, ``p_adjusted`` Holm's
        over all rows of the table; ``probability_better`` is the share of seeds at which ``better`` wins, ties counted
        half. ``verdict`` is ``better`` (``p_adjusted <= 0.05``), ``too few seeds`` (one), or ``no difference shown``.

    References
    ----------
    Fisher (1935), "The Design of Experiments", section 21 (sign flips); Holm (1979), "A simple sequentially rejective
    multiple test procedure", Scand. J. Statist. 6(2); Phipson & Smyth (2010), arXiv:1603.05766 (drawn flips).
    """
    settings = [f for f in factors if f != "initializer"]
    pairs = [
        (*setting, *pair)
        for setting, group in sorted(_groups(scores(runs, baselines), settings), key=lambda item: sort_key(item[0]))
        for pair in _pairs(group)
    ]
    table = pd.DataFrame(pairs, columns=[*settings, "better", "worse", "differences"])
    differences: list[Floats] = table.pop("differences").tolist()
    family = sum(len(d) >= 2 for d in differences)
    std = np.array([d.std(ddof=1) if len(d) >= 2 else np.nan for d in differences])
    table["seeds"] = np.array([len(d) for d in differences], dtype=int)
    table["difference"] = [d.mean() if len(d) else np.nan for d in differences]
    low, high = t_interval(table["difference"], std, table["seeds"])
    table["low"], table["high"] = low.clip(-1, 1), high.clip(-1, 1)  # no difference of accuracies lies beyond
    table["p"] = np.array([paired_p(d, family) for d in differences], dtype=float)
    table["p_adjusted"] = holm(table["p"].to_numpy())
    table["probability_better"] = [np.mean((d > 0) + (d == 0) / 2) if len(d) else np.nan for d in differences]
    table["verdict"] = np.select(
        [table["seeds"] < 2, table["p_adjusted"] <= ALPHA], ["too few seeds", "better"], "no difference shown"
    )
    return table[[*settings, *COLUMNS]]


def _groups(scored: pd.DataFrame, settings: list[str]) -> list[tuple[tuple[Any, ...], pd.DataFrame]]:
    return [(key, group) for key, group in scored.groupby(settings, sort=False, dropna=False)]


def _pairs(group: pd.DataFrame) -> list[tuple[str, str, Floats]]:
    """Better, worse and their differences by seed; the initializers with the highest means come first."""
    by_seed = group.pivot(index="seed", columns="initializer", values="test_accuracy").sort_index(axis=1)
    names = by_seed.mean().sort_values(ascending=False, kind="stable").index
    pairs = []
    for first, second in combinations(names, 2):
        # Accuracies are multiples of 1 / test rows; rounding keeps equal differences equal.
        differences = (by_seed[first] - by_seed[second]).dropna().round(12).to_numpy()
        total = differences.sum().round(12)
        if total < 0 or (total == 0 and second < first):
            first, second, differences = second, first, 0.0 - differences
        pairs.append((first, second, differences))
    return pairs


def paired_p(differences: Floats, family: int = 1) -> float:
    """Two-sided p of "the differences are as likely to be positive as negative".

    Parameters
    ----------
    differences : ndarray, shape (n,)
        One difference a seed.
    family : int, default 1
        How many p will be adjusted together.

    Returns
    -------
    float
        From the sign-flip test or Student's paired t test, as told in `comparison_table`; 1 if all differences are 0,
        nan if there are fewer than 2.
    """
    n = len(differences)
    if n < 2:
        return float("nan")
    if not differences.any():
        return 1.0
    smallest = 2.0 ** (1 - n) if n <= MAX_EXACT_PAIRS else 1 / (RESAMPLES + 1)
    if n >= MIN_FLIP_PAIRS and smallest * family <= ALPHA:
        return sign_flip_p(differences)
    if np.ptp(differences) == 0:
        return sign_flip_p(differences)
    t = differences.mean() / (differences.std(ddof=1) / np.sqrt(n))
    return float(2 * stdtr(n - 1, -abs(t)))


def sign_flip_p(differences: Floats) -> float:
    """Share of sign flips of the differences whose mean is at least as far from 0 as the one seen.

    Parameters
    ----------
    differences : ndarray, shape (n,)
        One difference a seed.

    Returns
    -------
    float
        Exact over all 2**n flips up to n = 12; beyond, ``(b + 1) / (r + 1)`` with ``b`` of ``r`` = 19,999 flips drawn
        from a fixed seed, so that equal differences have equal p.
    """
    n = len(differences)
    extreme = np.abs(_flips(n) @ differences) >= abs(differences.sum()) - 1e-11
    return float(extreme.mean()) if n <= MAX_EXACT_PAIRS else float((extreme.sum() + 1) / (RESAMPLES + 1))


@lru_cache(maxsize=4)
def _flips(n: int) -> Floats:
    if n <= MAX_EXACT_PAIRS:
        bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        bits = np.random.default_rng(0).integers(0, 2, size=(RESAMPLES, n))
    return (1 - 2 * bits).astype(np.float64)


def holm(p: Floats) -> Floats:
    """Holm's adjusted p, which keep the chance of any false "better" among all of them below a level.

    Parameters
    ----------
    p : ndarray, shape (m,)
        May hold nan, which stay nan and do not count.

    Returns
    -------
    ndarray, shape (m,)
        For the i-th smallest of m, the running maximum of ``(m - i + 1) * p``, at most 1.

    References
    ----------
    Holm (1979), "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6(2).
    """
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # nan sort last
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted
