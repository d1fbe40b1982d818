"""Ranks: which initializers do best over several settings, and how sure we are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import permutations
from math import ceil, factorial
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr

from initbench.analysis.intervals import Floats, sort_key
from initbench.analysis.profiles import expanded_interval, interquartile_mean, resample, shares_above
from initbench.analysis.summaries import scores
from initbench.conventions import ALPHA

THRESHOLDS = 201
PERMUTATIONS = 9_999  # up to so many are enumerated; where there are more, so many are drawn
CHUNK = 1_000  # sign flips at a time
METRICS = ["test_accuracy", "score"]
IQM_COLUMNS = [f"{metric}_iqm{end}" for metric in METRICS for end in ("", "_low", "_high")]
COLUMNS = ["initializer", "mean_rank", "wins", "groups", "settings", "left_out", "runs", "test_accuracy_mean"]
COLUMNS += [*IQM_COLUMNS, "blocks", "friedman", "friedman_p", "critical_difference"]
PROFILE_COLUMNS = ["initializer", "metric", "threshold", "share", "low", "high"]


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
    has_shared_seeds : bool
        Whether rows of the table have seeds in common, so that they are no independent blocks: `share_seeds`.
    """

    table: pd.DataFrame
    blocks: pd.DataFrame
    arrays: dict[str, Floats]
    has_shared_seeds: bool


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
        - ``groups``, as letters: initializers that share one are not shown to differ. All share one unless Friedman's
          test rejects that they are alike (p <= 0.05);
        - ``settings``, ``left_out`` and ``runs``: how many settings count and do not, and its runs in the former;
        - ``test_accuracy_mean``, over the means of the settings (a fraction), and ``test_accuracy_iqm, score_iqm``: the
          interquartile mean, that of the middle half of its runs, with the ends ``_low, _high`` of its 95 % interval
          over 2,000 resamples from a fixed seed, see `expanded_interval`; nan with one seed. A resample draws seeds
          within each data set, each with all its settings. The ``score`` is ``(accuracy - q) / (1 - q)`` with the share
          q of the majority class: 0 is chance and 1 all answers right whatever the data set, so that settings of
          different data sets can be averaged;
        - ``blocks``, how many independent blocks the tests have; ``friedman``, Friedman's statistic, and
          ``friedman_p``.

        Where each setting has a data set of its own, blocks are settings: ``friedman`` is the chi-square of their mean
        accuracies with ``initializers - 1`` degrees of freedom, corrected for ties, and initializers differ whose mean
        ranks are apart by ``critical_difference`` or more, that of Nemenyi at 5 %.

        Settings of one data set share splits, batches and draws, and are not independent. Then a block is a seed of a
        data set with all its settings (`block_ranks`), p comes from permuting initializers within blocks
        (`permutation_test`), pairs from sign flips (`least_difference`), and ``critical_difference`` is nan.

        Two initializers are a pair: nan and no groups, for `comparison_table` is about pairs.

    References
    ----------
    Demsar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7, section 3.2 (Friedman,
    Nemenyi); Agarwal et al. (2021), "Deep reinforcement learning at the edge of the statistical precipice",
    arXiv:2108.13264, section 4 (interquartile mean, performance profiles).
    """
    counted, left_out = complete_runs(runs, baselines, factors)
    means = setting_means(counted)
    settings, count = means.shape
    if settings < 2 or count < 2:
        return Ranking(pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=PROFILE_COLUMNS))
    mean_rank = means.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    ranks = block_ranks(counted) if share_seeds(counted) else None
    statistic, p, critical = np.nan, np.nan, np.nan
    groups: list[list[str]] = []
    if count >= 3:
        groups = [list(mean_rank.index)]
        if ranks is None:
            statistic, p = friedman(means.to_numpy())
            critical = critical_difference(count, settings)
            if p <= ALPHA:
                groups = groups_within(mean_rank, critical)
        else:
            statistic, p = permutation_test(ranks.to_numpy())
            if p <= ALPHA:
                groups = groups_within(ranks.mean().sort_values(kind="stable"), least_difference(ranks.to_numpy()))
    best = means.eq(means.max(axis=1), axis=0)
    intervals, profiles = _bootstrap(counted, list(mean_rank.index))
    table = pd.DataFrame({"mean_rank": mean_rank}).assign(
        wins=best.div(best.sum(axis=1), axis=0).sum(),
        groups=[" ".join(_letter(i) for i, group in enumerate(groups) if name in group) for name in mean_rank.index],
        settings=settings,
        left_out=left_out,
        runs=counted.groupby("initializer").size(),
        test_accuracy_mean=means.mean(),
        blocks=settings if ranks is None else len(ranks),
        friedman=statistic,
        friedman_p=p,
        critical_difference=critical,
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
        From `scores`, without failed cells, with ``setting`` (0, 1, ... in the order of their values), ``source``
        (`source_of` its data set) and ``score``.
    left_out : int
        Settings in which an initializer has no seed that finished.
    """
    scored = scores(runs, baselines)
    majority = scored["test_majority"]
    scored["source"] = scored["dataset"].map(source_of)
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


def share_seeds(counted: pd.DataFrame) -> bool:
    """Whether settings have a data set in common, and with it splits, batches and draws; from `complete_runs`."""
    return bool((counted.groupby("source")["setting"].nunique() > 1).any())


def source_of(dataset: str) -> str:
    """Where the rows of a data set come from; data sets of one source share rows, splits or draws.

    Examples
    --------
    >>> [source_of(name) for name in ("mnist", "mnist-10k", "csv(a.csv, target=x)", "line(rows=9)")]
    ['mnist', 'mnist', 'csv(a.csv', 'line']
    """
    name, _, values = dataset.partition("(")
    file = values.rstrip(")").split(", ")[0]
    return name.removesuffix("-10k") if not file or "=" in file else f"{name}({file}"


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
    settings, count = values.shape
    ranks = pd.DataFrame(values).rank(axis=1).to_numpy()
    between = 12.0 / (settings * count * (count + 1)) * (ranks.sum(axis=0) ** 2).sum() - 3 * settings * (count + 1)
    ties = [np.unique(row, return_counts=True)[1] for row in values]
    tied = sum(float((counts**3 - counts).sum()) for counts in ties)
    statistic = float(between / (1 - tied / (settings * count * (count**2 - 1))))
    return statistic, float(chdtrc(count - 1, statistic))


def block_ranks(counted: pd.DataFrame) -> pd.DataFrame:
    """Ranks within independent blocks, where settings of one data set share their seeds.

    At each seed of each setting that all initializers finished they are ranked by test accuracy. A block is a seed of a
    data set; it adds up the ranks of all its settings.

    Parameters
    ----------
    counted : DataFrame
        From `complete_runs`.

    Returns
    -------
    DataFrame
        A row a block, a column an initializer: the sum of ranks, less that of the middle rank, in such a unit that the
        mean over blocks is the mean rank over all seeds and settings, less the middle one.
    """
    rows = counted.pivot(index=["source", "seed", "setting"], columns="initializer", values="test_accuracy").dropna()
    ranks = rows.round(12).rank(axis=1, ascending=False) - (rows.shape[1] + 1) / 2
    blocks = ranks.groupby(["source", "seed"]).sum()
    return blocks * (len(blocks) / max(len(rows), 1))


def permutation_test(ranks: Floats) -> tuple[float, float]:
    """Friedman's statistic of blocks of ranks, and its p from permuting the initializers within each block.

    A block is permuted as a whole, with all that its settings have in common: so p is right however much that is.

    Parameters
    ----------
    ranks : ndarray, shape (blocks, initializers)
        Each row sums to 0, as `block_ranks` gives them.

    Returns
    -------
    statistic, p : float
        ``(k - 1) * sum(S_i**2) / sum(r_bi**2)`` with the sums S_i over blocks: Friedman's chi-square, corrected for
        ties, where a block has one setting. p is exact where ``k!**(blocks - 1)`` is at most 9,999; else ``(b + 1) /
        (r + 1)`` with ``b`` of ``r`` = 9,999 permutations from a fixed seed. 0 and 1 where everything is tied; nan
        with fewer than two blocks.

    References
    ----------
    Friedman (1937), "The use of ranks to avoid the assumption of normality", JASA 32; Phipson & Smyth (2010),
    arXiv:1603.05766 (drawn permutations).
    """
    if len(ranks) < 2:
        return np.nan, np.nan
    spread = float((ranks**2).sum())
    if not spread:
        return 0.0, 1.0
    found = float((ranks.sum(axis=0) ** 2).sum())
    sums, is_exact = _permuted_sums(ranks)
    extreme = (sums**2).sum(axis=1) >= found - 1e-9 * spread
    p = extreme.mean() if is_exact else (extreme.sum() + 1) / (PERMUTATIONS + 1)
    return (ranks.shape[1] - 1) * found / spread, float(p)


def _permuted_sums(ranks: Floats) -> tuple[Floats, bool]:
    """Sums over blocks, a row a permutation, and whether these are all permutations of all blocks but the first."""
    count = ranks.shape[1]
    if factorial(count) ** (len(ranks) - 1) <= PERMUTATIONS:
        orders = np.array(list(permutations(range(count))))
        sums = ranks[:1]
        for row in ranks[1:]:
            sums = (sums[:, None] + row[orders]).reshape(-1, count)
        return sums, True
    rng = np.random.default_rng(0)
    sums = np.zeros((PERMUTATIONS, count))
    for row in ranks:
        sums += rng.permuted(np.tile(row, (PERMUTATIONS, 1)), axis=1)
    return sums, False


def least_difference(ranks: Floats) -> float:
    """The least difference of two mean ranks that is shown at 5 %, over all pairs, where blocks are seeds.

    If two initializers are alike, exchanging them at a seed changes nothing but the sign of their difference there. So
    the signs of all differences are flipped, seed by seed. From the largest difference on, each is compared with the
    largest that the flips make of it and of those that are smaller, and is shown if at most 5 % of the flips reach it.

    Parameters
    ----------
    ranks : ndarray, shape (blocks, initializers)
        As `block_ranks` gives them.

    Returns
    -------
    float
        Pairs whose mean ranks differ by so much or more are shown to differ; infinite where none is. That takes six
        blocks: all flips of five give ``2 / 2**5`` at least. All flips are made up to 14 blocks; beyond, 9,999 are
        drawn from a fixed seed.

    References
    ----------
    Westfall & Young (1993), "Resampling-Based Multiple Testing", section 2.6 (step-down maxima).
    """
    first, second = np.triu_indices(ranks.shape[1], 1)
    differences = ranks[:, first] - ranks[:, second]
    found = np.abs(differences.sum(axis=0))
    falling = np.argsort(-found, kind="stable")
    found, differences = found[falling], differences[:, falling]
    reached, flips = np.zeros(len(found)), _sign_flips(len(ranks))
    for some in np.array_split(flips, ceil(len(flips) / CHUNK)):
        flipped = np.abs(some @ differences)[:, ::-1]
        largest = np.maximum.accumulate(flipped, axis=1)[:, ::-1]
        reached += (largest >= found - 1e-9).sum(axis=0)
    shown = np.maximum.accumulate(reached / len(flips)) <= ALPHA
    return float(found[shown].min() / len(ranks) - 1e-9) if shown.any() else np.inf


def _sign_flips(blocks: int) -> Floats:
    """Signs, a row a flip of all blocks; the first changes none. With a flip its opposite need not be there."""
    if 2 ** (blocks - 1) <= PERMUTATIONS:
        bits = np.arange(2 ** (blocks - 1))[:, None] >> np.arange(blocks) & 1
    else:
        bits = np.random.default_rng(0).integers(0, 2, size=(PERMUTATIONS + 1, blocks))
        bits[0] = 0
    return (1 - 2 * bits).astype(np.float64)


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
    return float(_range_of_normals(count) / 2**0.5 * (count * (count + 1) / (6 * settings)) ** 0.5)


@cache
def _range_of_normals(count: int) -> float:
    """What the range of so many standard normal numbers stays below with probability 0.95.

    This is SciPy's ``studentized_range.ppf(0.95, count, inf)``, to 1e-9 up to 200 numbers: importing ``scipy.stats``
    takes longer than all other work of a small run, 0.7 s. The distribution function is
    n ∫ φ(z) (Φ(z + q) - Φ(z))^(n - 1) dz; the trapezoidal rule is exact to rounding for such an integrand.
    """
    z = np.linspace(-20.0, 9.0, 1451)
    density = np.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5 * (z[1] - z[0])
    below = ndtr(z)
    low, high = 0.0, 20.0
    while high - low > 1e-12:
        q = (low + high) / 2
        is_low = count * (density * (ndtr(z + q) - below) ** (count - 1)).sum() < 1 - ALPHA
        low, high = (q, high) if is_low else (low, q)
    return high


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
    chance = counted["test_majority"]
    least = {"test_accuracy": 0.0, "score": (-chance / (1 - chance)).where(chance < 1, 0.0).min()}
    intervals, profiles = [], []
    for name in names:
        mine = counted[counted["initializer"] == name].sort_values(["source", "seed"], kind="stable")
        sizes = tuple(mine.groupby("source")["seed"].nunique())
        weights = resample(sizes)[:, mine.groupby(["source", "seed"]).ngroup()]
        found: list[float] = []
        for metric in METRICS:
            values = mine[metric].to_numpy(float)
            means = interquartile_mean(values, weights)
            found += [means[0], *expanded_interval(means, sizes).clip(least[metric], 1)]
            shares = shares_above(values, weights, thresholds[metric])
            low, high = expanded_interval(shares, sizes).clip(0, 1)
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
        A row of the table is a setting, with means over seeds, and only where there is no other setting to rank over a
        seed. Other programs take rows for independent blocks, which settings of one data set are not.
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
        row == "setting" and share_seeds(counted),
    )
