"""How many seeds it takes to see a difference, and what difference the seeds at hand could have shown."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from itertools import count
from math import ceil, log2
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import chdtri, nctdtr, stdtrit

from initbench.analysis.comparisons import comparison_table, pair_arms, separation_p
from initbench.analysis.summaries import scores
from initbench.conventions import ALPHA

SURE = 0.8  # of the upper bound of a standard deviation
MOST_SEEDS = 1_000_000
COLUMNS = ["better", "worse", "seeds", "difference", "std", "std_upper"]
STANDINGS = ["contenders", "open", "decided", "at chance"]
COLUMNS += ["needed", "needed_upper", "detectable", "needed_adjusted", "needed_adjusted_upper", "detectable_adjusted"]
COLUMNS += ["seeds_to_show", "standing"]


def plan_table(
    runs: pd.DataFrame, baselines: pd.DataFrame, factors: Sequence[str], detect: float, power: float = 0.8
) -> pd.DataFrame:
    """How many seeds show a difference between each two initializers of a setting, by the spread that was observed.

    The test is Student's paired t test, two-sided, at 0.05; adjusted, at 0.05 / m for the m pairs of the table, which
    is the first step of Holm's adjustment and what a difference must pass to be shown whatever the other pairs do.

    Parameters
    ----------
    runs : DataFrame
        With the columns of runs.csv.
    baselines : DataFrame
        A row a cell: ``cell, test_majority, valid_majority, test_rows``.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.
    detect : float
        The true mean difference of test accuracies (a fraction) that is to be seen.
    power : float, default 0.8
        The probability with which it is to be seen.

    Returns
    -------
    DataFrame
        A row a pair, the two best of each setting first: the factors but ``initializer``, ``better, worse``, ``seeds``
        (pairs at hand), ``difference`` (their mean), ``std``, the standard deviation of the differences between seeds,
        and ``std_upper``, its upper bound at 80 % confidence, all fractions. ``needed`` counts the seeds that show
        ``detect`` if the true deviation is ``std``, ``needed_upper`` if it is ``std_upper``; ``detectable`` is the
        smallest true difference that ``seeds`` seeds show. Three more are the same at the adjusted level. Numbers are
        nan with fewer than 2 seeds, and infinite where it takes more than a million, or so few seeds show nothing.
        ``seeds_to_show`` is that of `initbench.analysis.comparisons.comparison_table`. ``standing`` is one of
        ``STANDINGS``: ``contenders`` are the leader of a setting and one that is not shown to differ from it, ``open``
        other pairs without a verdict, ``decided`` those with one, and ``at chance`` pairs of which no seed is shown to
        train.

    References
    ----------
    Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", chapter 2 (power of t tests); Browne (1995),
    "On the use of a pilot sample for sample size determination", Statist. Med. 14(17) (the upper bound).
    """
    settings = [factor for factor in factors if factor != "initializer"]
    pairs = pair_arms(scores(runs, baselines), settings, "initializer", "seed", "test_accuracy")
    evidence = comparison_table(runs, baselines, factors).to_dict("records")  # in the same order
    rows = []
    family = sum(len(pair.differences) >= 2 for pair in pairs)
    for pair, verdict in zip(pairs, evidence, strict=True):
        differences = pair.differences
        n = len(differences)
        mean = differences.mean() if n else np.nan
        std = differences.std(ddof=1) if n >= 2 else np.nan
        upper = std * np.sqrt((n - 1) / chdtri(n - 1, SURE)) if n >= 2 else np.nan
        row = [*pair.setting, pair.better, pair.worse, n, mean, std, upper]
        for level in (ALPHA, ALPHA / max(family, 1)):
            row += [max(seeds_needed(detect, s, level, power), fewest_seeds(level)) for s in (std, upper)]
            can_show = n >= fewest_seeds(level)
            row.append(std * detectable_effect(n, level, power) if can_show else np.inf if n >= 2 else np.nan)
        rows.append([*row, verdict["seeds_to_show"], _standing(verdict, pair.leads)])
    table = pd.DataFrame(rows, columns=[*settings, *COLUMNS])
    return table.astype({"standing": pd.CategoricalDtype(STANDINGS, ordered=True)})


def _standing(verdict: Mapping[Hashable, Any], leads: bool) -> str:
    """Which of ``STANDINGS`` a pair has, by its row of the comparison."""
    contenders, undecided, decided, at_chance = STANDINGS
    if verdict["seeds"] and not verdict["better_trained"] + verdict["worse_trained"]:
        return at_chance
    if verdict["verdict"] in ("better", "equivalent"):
        return decided
    return contenders if leads else undecided


def fewest_seeds(level: float) -> int:
    """The smallest number of seeds at which a comparison can show any difference, however large, at a level.

    Examples
    --------
    >>> fewest_seeds(0.05), fewest_seeds(0.05 / 36), fewest_seeds(0.05 / 276)
    (3, 6, 7)
    """
    return next(n for n in count(2) if separation_p(n) <= level)


def t_power(effect: float, seeds: int, level: float) -> float:
    """Power of Student's paired t test, two-sided.

    Parameters
    ----------
    effect : float
        True mean of the differences over their standard deviation.
    seeds : int
        At least 2.
    level : float
        Of the test.

    Returns
    -------
    float
        The probability of ``|T| > t(1 - level / 2)``, for T with a noncentral t distribution of ``seeds - 1`` degrees
        of freedom and noncentrality ``effect * sqrt(seeds)``.
    """
    df, shift = seeds - 1, effect * np.sqrt(seeds)
    critical = stdtrit(df, 1 - level / 2)
    # nctdtr gives nan for a probability that is 0 to the last digit
    missed, wrong = np.nan_to_num(nctdtr(df, shift, [critical, -critical]))
    return float(1 - missed + wrong)


def seeds_needed(detect: float, std: float, level: float, power: float) -> float:
    """The smallest number of seeds at which `t_power` reaches a power.

    Parameters
    ----------
    detect, std : float
        True mean and standard deviation of the differences, in one unit.
    level, power : float

    Returns
    -------
    float
        A whole number, at least 2; infinite beyond a million, nan where ``std`` is.
    """
    if np.isnan(std):
        return np.nan
    if std == 0:  # t has no spread to go by; all signs are alike with probability 2**(1 - n)
        return float(max(2, ceil(1 - log2(level))))
    low, high = 1, 2  # too few, perhaps enough
    while t_power(detect / std, high, level) < power:
        low, high = high, 2 * high
        if low >= MOST_SEEDS:
            return np.inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if t_power(detect / std, middle, level) >= power else (middle, high)
    return float(high)


@lru_cache(maxsize=256)
def detectable_effect(seeds: int, level: float, power: float) -> float:
    """The smallest effect, in standard deviations of the differences, that so many seeds show with a power."""
    high = 1.0
    while t_power(high, seeds, level) < power:
        high *= 2
    return float(brentq(lambda effect: t_power(effect, seeds, level) - power, 0, high, xtol=1e-12))
