"""Ranks: which initializers do best over several settings, and how sure we are."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from initbench.analysis.intervals import sort_key
from initbench.analysis.profiles import expanded_interval, interquartile_mean, resample, shares_above
from initbench.analysis.summaries import scores

ALPHA = 0.05
THRESHOLDS = 201
METRICS = ["test_accuracy", "score"]
IQM_COLUMNS = [f"{metric}_iqm{end}" for metric in METRICS for end in ("", "_low", "_high")]
COLUMNS = ["initializer", "mean_rank", "wins", "groups", "settings", "left_out", "runs", "test_accuracy_mean"]
COLUMNS += [*IQM_COLUMNS, "friedman", "friedman_p", "critical_difference"]
PROFILE_COLUMNS = ["initializer", "metric", "threshold", "share", "low", "high"]

Floats = npt.NDArray[np.float64]


class Ranking(NamedTuple):
    """Initializers over several settings; both tables are empty with fewer than two settings or two initializers.

    Attributes
    ----------
    table : DataFrame
        With the columns of ranks.csv, a row an initializer, the best first.
    profiles : DataFrame
        ``initializer, metric, threshold, share, low, high``: the share of an initializer's runs whose metric is above
        the threshold, and its 95 % interval. ``metric`` is ``test_accuracy`` or ``score``.
    """

    table: pd.DataFrame
    profiles: pd.DataFrame


class Scores(NamedTuple):
    """What other programs take to rank initializers.

    Attributes
    ----------
    table : DataFrame
        A column an initializer, a row a setting: mean test accuracies. Of a single setting, a row a seed.
    blocks : DataFrame
        Which setting, or seed, each row of the table is.
    arrays : dict of str to ndarray, shape (runs, settings)
        Scores of each initializer, a row each seed that it has in all settings.
    """

    table: pd.DataFrame
    blocks: pd.DataFrame
    arrays: dict[str, Floats]


def ranking(runs: pd.DataFrame, baselines: pd.DataFrame, factors: Sequence[str]) -> Ranking:
    """Rank initializers over settings by their mean test accuracies.

    A setting counts where every initializer has a seed that did not fail, and once where all its cells are another
    setting's too. A diverged cell enters with the accuracy of always answering the majority class.

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
    Ranking
        Its table holds for each initializer

        - ``mean_rank`` over settings, 1 the best, ties sharing their mean; ``wins``, the settings in which it is the
          best, a tie of m counting 1 / m;
        - ``groups``, as letters: initializers that share one have not been told apart. All share one unless Friedman's
          test rejects that they are alike (p <= 0.05); else those do whose mean ranks differ by less than
          ``critical_difference``, that of Nemenyi at 5 %;
        - ``settings``, ``left_out`` and ``runs``: how many settings count and do not, and its runs in the former;
        - ``test_accuracy_mean``, over the means of the settings (a fraction), and ``test_accuracy_iqm, score_iqm``: the
          interquartile mean, that of the middle half of its runs, with the ends ``_low, _high`` of its 95 % interval
          over 2,000 resamples of the seeds within each setting, from a fixed seed, see `expanded_interval`; nan with
          one seed a setting. The ``score`` is
          ``(accuracy - q) / (1 - q)`` with the share q of the majority class: 0 is chance and 1 all answers right
          whatever the data set, so that settings of different data sets can be averaged;
        - ``friedman``, chi-square with ``initializers - 1`` degrees of freedom, corrected for ties, and ``friedman_p``.

        Two initializers are a pair: nan and no groups, for `comparison_table` is about pairs.

    References
    ----------
    Demsar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7, section 3.2 (Friedman,
    Nemenyi); Agarwal et al. (2021), "Deep reinforcement learning at the edge of the statistical precipice",
    arXiv:2108.13264, section 4 (interquartile mean, performance profiles, stratified bootstrap).
    """
    counted, left_out = complete_runs(runs, baselines, factors)
    means = setting_means(counted)
    settings, count = means.shape
    if settings < 2 or count < 2:
        return Ranking(pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=PROFILE_COLUMNS))
    mean_rank = means.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    statistic, p, difference = np.nan, np.nan, np.nan
    groups: list[list[str]] = []
    if count >= 3:
        statistic, p = friedman(means.to_numpy())
        difference = critical_difference(count, settings)
        groups = groups_within(mean_rank, difference if p <= ALPHA else np.inf)
    best = means.eq(means.max(axis=1), axis=0)
    intervals, profiles = _bootstrap(counted, list(mean_rank.index))
    table = pd.DataFrame({"mean_rank": mean_rank}).assign(
        wins=best.div(best.sum(axis=1), axis=0).sum(),
        groups=[" ".join(_letter(i) for i, group in enumerate(groups) if name in group) for name in mean_rank.index],
        settings=settings,
        left_out=left_out,
        runs=counted.groupby("initializer").size(),
        test_accuracy_mean=means.mean(),
        friedman=statistic,
        friedman_p=p,
        critical_difference=difference,
    )
    table = table.join(intervals).rename_axis("initializer").reset_index()
    return Ranking(table[COLUMNS], profiles)


def complete_runs(runs: pd.DataFrame, baselines: pd.DataFrame, factors: Sequence[str]) -> tuple[pd.DataFrame, int]:
    """The runs of those settings that can be ranked, and how many others there are.

    Parameters
    ----------
    runs, baselines, factors
        As `ranking` takes them.

    Returns
    -------
    counted : DataFrame
        From `scores`, without failed cells, with ``setting`` (0, 1, ... in the order of their values) and ``score``.
    left_out : int
        Settings in which an initializer has no seed that finished.
    """
    scored = scores(runs, baselines)
    majority = scored["test_majority"]
    scored["score"] = ((scored["test_accuracy"] - majority) / (1 - majority)).where(majority < 1, 0.0)
    keys = [factor for factor in factors if factor != "initializer"]
    everyone = set(scored["initializer"])
    counted: dict[frozenset[str], pd.DataFrame] = {}
    left_out = 0
    groups = scored.groupby(keys, sort=False, dropna=False)
    for _, group in sorted(groups, key=lambda item: sort_key(item[0])):
        finished = group[group["status"] != "failed"]
        if set(finished["initializer"]) == everyone:
            counted.setdefault(frozenset(finished["cell"]), finished.assign(setting=len(counted)))
        else:
            left_out += 1
    empty = scored.iloc[:0].assign(setting=0)
    return pd.concat([*counted.values()], ignore_index=True) if counted else empty, left_out


def setting_means(counted: pd.DataFrame) -> pd.DataFrame:
    """Mean test accuracies over seeds: a row a setting, a column an initializer, from `complete_runs`."""
    means = counted.pivot_table(index="setting", columns="initializer", values="test_accuracy")
    return means.round(12)  # accuracies are multiples of 1 / test rows; rounding keeps equal means equal


def friedman(values: Floats) -> tuple[float, float]:
    """Friedman's chi-square, corrected for ties, and its p; 0 and 1 where everything is tied.

    Parameters
    ----------
    values : ndarray, shape (settings, initializers)
        At least two settings and three initializers.

    Returns
    -------
    statistic, p : float

    References
    ----------
    Friedman (1937), "The use of ranks to avoid the assumption of normality", JASA 32.
    """
    if (values == values[:, :1]).all():
        return 0.0, 1.0
    found = stats.friedmanchisquare(*values.T)
    return float(found.statistic), float(found.pvalue)


def critical_difference(count: int, settings: int) -> float:
    """From which difference on Nemenyi's test tells two mean ranks apart at 5 %, over all pairs.

    Parameters
    ----------
    count : int
        Initializers, at least 2.
    settings : int
        At least 1.

    Returns
    -------
    float
        ``q * sqrt(count * (count + 1) / (6 * settings))``, with the studentized range's 95 % point over root 2 for q.

    References
    ----------
    Demsar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7, section 3.2.2.

    Examples
    --------
    >>> round(critical_difference(4, 14), 2)
    1.25
    """
    q = stats.studentized_range.ppf(1 - ALPHA, count, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(count * (count + 1) / (6 * settings)))


def groups_within(mean_rank: pd.Series[float], difference: float) -> list[list[str]]:
    """The largest groups of names whose mean ranks differ by less than so much; a name may be in several, or alone.

    Parameters
    ----------
    mean_rank : Series
        By name, the best first.
    difference : float

    Returns
    -------
    list of list of str
        In the order of the ranks.
    """
    names, values = list(mean_rank.index), mean_rank.to_numpy()
    ends = np.searchsorted(values, values + difference, side="left").tolist()
    return [names[i:end] for i, end in enumerate(ends) if i == 0 or end > ends[i - 1]]


def _letter(index: int) -> str:
    """A to z, then a1 to z1, and so on."""
    return f"{ascii_lowercase[index % 26]}{index // 26 or ''}"


def _bootstrap(counted: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Interquartile means with their intervals, a row an initializer, and the performance profiles."""
    thresholds = {metric: np.linspace(counted[metric].min(), counted[metric].max(), THRESHOLDS) for metric in METRICS}
    intervals, profiles = [], []
    for name in names:
        mine = counted[counted["initializer"] == name].sort_values("setting", kind="stable")
        sizes = tuple(mine.groupby("setting").size())
        weights = resample(sizes)
        found: list[float] = []
        for metric in METRICS:
            values = mine[metric].to_numpy(float)
            means = interquartile_mean(values, weights)
            found += [means[0], *expanded_interval(means[1:], sizes)]
            shares = shares_above(values, weights, thresholds[metric])
            low, high = expanded_interval(shares[1:], sizes)
            columns = {"threshold": thresholds[metric], "share": shares[0], "low": low, "high": high}
            profiles.append(pd.DataFrame({"initializer": name, "metric": metric, **columns}))
        intervals.append(found)
    return pd.DataFrame(intervals, names, IQM_COLUMNS), pd.concat(profiles, ignore_index=True)


def scores_for_others(runs: pd.DataFrame, baselines: pd.DataFrame, factors: Sequence[str]) -> Scores:
    """The scores of the settings that count, in the shapes that other programs take.

    Parameters
    ----------
    runs, baselines, factors
        As `ranking` takes them.

    Returns
    -------
    Scores
        Settings are independent blocks, seeds within a setting are pairs: so a row of the table is a setting, with
        means over seeds, and only where there is no other setting to rank over a seed.
    """
    counted, _ = complete_runs(runs, baselines, factors)
    names = list(dict.fromkeys(counted["initializer"]))
    keys = [factor for factor in factors if factor != "initializer"]
    table, row = setting_means(counted), "setting"
    if len(table) == 1:
        table, row = counted.pivot(index="seed", columns="initializer", values="test_accuracy").dropna(), "seed"
    blocks = counted.drop_duplicates(row).set_index(row, drop=False).loc[table.index]
    arrays = {
        str(name): mine.pivot(index="seed", columns="setting", values="score").dropna().to_numpy(float)
        for name, mine in counted.groupby("initializer", sort=False)
    }
    return Scores(
        table[names].rename_axis(columns=None).reset_index(drop=True),
        blocks[keys if row == "setting" else [*keys, "seed"]].reset_index(drop=True),
        arrays,
    )
