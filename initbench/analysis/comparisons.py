"""Paired comparisons: which initializer is better in a setting, by how much, and how sure we are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import bdtr, ndtri, stdtr

from initbench.analysis.intervals import (
    CONFIDENCE,
    Floats,
    mean_intervals,
    newcombe_interval,
    sort_key,
    wilson_interval,
)
from initbench.analysis.summaries import scores
from initbench.conventions import ALPHA

MIN_FLIP_PAIRS = 8
MAX_EXACT_PAIRS = 16
RESAMPLES = 19_999
MOST_SEEDS = 30  # of a plan to see what is all but seen
MOST_FLIPPED = 2**22  # sums of flipped differences at a time
STEPS = 4  # below the level that the smallest p of sign flips must leave: with fewer, one odd seed hides a difference
COLUMNS = ["better", "worse", "seeds", "difference", "low", "high", "p", "p_adjusted", "probability_better", "verdict"]
SCORE_DETAILS = [
    "wins",
    "ties",
    "cliffs_delta",
    "better_score",
    "worse_score",
    "p_equivalent",
    "margin",
    "seeds_to_show",
]
DETAILS = [
    *("wins", "ties", "cliffs_delta", "better_accuracy", "worse_accuracy"),
    *("test_rows", "noise", "within_noise", "p_equivalent", "margin", "seeds_to_show"),
    *(f"{side}_trained{end}" for side in ("better", "worse") for end in ("", "_low", "_high")),
    *("trained_difference", "trained_low", "trained_high", "trained_p", "trained_p_adjusted", "is_mixed"),
]


def comparison_table(
    runs: pd.DataFrame, baselines: pd.DataFrame, factors: Sequence[str], margin: float | None = None
) -> pd.DataFrame:
    """Compare the test accuracy of each two initializers within each setting, paired by seed.

    A diverged cell enters with the accuracy of always answering the majority class; a seed that failed for one of the
    two leaves the comparison. Which test gives ``p`` is settled by the number of seeds and of rows alone, never by the
    outcomes: the sign-flip test from 8 seeds on, where four times its smallest p survives Holm's adjustment over the
    table; else Student's paired t test, whose p is not below ``2 * 4**-n`` (`separation_p`). Student's test alone calls
    equal arms that train or not by the toss of a coin ``better`` in up to 40 % of experiments with two or three seeds.

    Parameters
    ----------
    runs : DataFrame
        With the columns of runs.csv.
    baselines : DataFrame
        A row a cell: ``cell, test_majority, valid_majority, test_rows``.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.
    margin : float, optional
        The largest difference (a fraction) that does not matter. With it a pair can be ``equivalent``.

    Returns
    -------
    DataFrame
        The factors but ``initializer``, ``COLUMNS`` and ``DETAILS``, a row a pair. ``difference`` is the mean over
        seeds of better minus worse (a fraction, not below 0) with its 95 % interval ``low, high`` (`mean_intervals`);
        ``p`` is two-sided, ``p_adjusted`` Holm's over all rows of the table, those of the same cells counted once;
        ``probability_better`` is the share of seeds at which ``better`` wins, ties counted half.

        ``verdict`` is ``too few seeds`` (one); ``equivalent`` where a margin is given and both one-sided t tests say
        that the difference lies within it, by Holm's adjustment of the larger of their two p, ``p_equivalent``;
        ``better`` where ``p_adjusted <= 0.05`` and the interval lies above 0 as well, so that neither a test which
        skewed differences mislead nor an interval that knows of no other rows has the last word alone; else ``no
        difference shown``.

        ``wins`` and ``ties`` count the seeds of the pair. ``cliffs_delta`` compares all seeds of one with all of the
        other, unpaired: the share that is higher minus the share that is lower. ``better_trained, worse_trained`` count
        the seeds that trained, of those in the pair, with Wilson's 95 % interval of their share (``_low, _high``).
        ``trained_difference`` is the share of better's seeds that trained minus worse's, with Newcombe's 95 % interval
        ``trained_low, trained_high``, McNemar's exact two-sided ``trained_p`` and, by Holm's adjustment over all rows
        of the table, ``trained_p_adjusted``: with 20 seeds and 6 equal initializers that train half of the time, one of
        the 15 ``trained_p`` is at most 0.05 in 21 % of experiments. ``is_mixed`` says that some of the pair's seeds
        trained and others of the same initializer did not: the interval of the mean difference then holds the truth
        less often than it says (docs/statistics.md), and the shares are what to read.
        ``noise`` is half of the 95 % interval of a difference of two accuracies on as many test rows, by their binomial
        errors alone; seeds do not lessen it, since all of them share the rows.

    References
    ----------
    Fisher (1935), "The Design of Experiments", section 21 (sign flips); Holm (1979), "A simple sequentially rejective
    multiple test procedure", Scand. J. Statist. 6(2); Phipson & Smyth (2010), arXiv:1603.05766 (drawn flips);
    Schuirmann (1987), "A comparison of the two one-sided tests procedure and the power approach", J. Pharmacokinet.
    Biopharm. 15(6); Cliff (1993), "Dominance statistics", Psychol. Bull. 114(3).
    """
    settings = [f for f in factors if f != "initializer"]
    scored = scores(runs, baselines)
    pairs = pair_arms(scored, settings, "initializer", "seed", "test_accuracy")
    cells, trained = scored["cell"].to_numpy(), scored["trained"].eq(True).to_numpy()
    identities = [tuple(cells[pair.places].ravel()) for pair in pairs]
    table = compare_pairs(pairs, settings, margin, identities)
    table[["low", "high"]] = table[["low", "high"]].clip(-1, 1)  # no difference of accuracies lies beyond
    trained_by_pair = [trained[pair.places] for pair in pairs]
    for place, side in enumerate(("better", "worse")):
        count = np.array([each[place].sum() for each in trained_by_pair], dtype=int)
        low, high = wilson_interval(count, table["seeds"])
        table[f"{side}_trained"], table[f"{side}_trained_low"], table[f"{side}_trained_high"] = count, low, high
    both = np.array([each.all(axis=0).sum() for each in trained_by_pair], dtype=int)
    shares = newcombe_interval(table["better_trained"], table["worse_trained"], both, table["seeds"])
    lead = table["better_trained"] - table["worse_trained"]
    table["trained_difference"] = lead / table["seeds"].where(table["seeds"] > 0)
    table["trained_low"], table["trained_high"] = shares
    table["trained_p"] = np.array([mcnemar_p(each) for each in trained_by_pair], dtype=float)
    same, first = _distinct(identities)
    table["trained_p_adjusted"] = holm(table["trained_p"].to_numpy()[first])[same]
    table["is_mixed"] = [any(0 < side.sum() < side.size for side in each) for each in trained_by_pair]
    table = table.rename(columns={f"{side}_score": f"{side}_accuracy" for side in ("better", "worse")})
    rows = scored["test_rows"].to_numpy(dtype=float)
    table["test_rows"] = [rows[pair.places].mean() if pair.places.size else np.nan for pair in pairs]
    table["noise"] = binomial_noise(table["better_accuracy"], table["worse_accuracy"], table["test_rows"])
    table["within_noise"] = table["difference"] < table["noise"]
    return table[[*settings, *COLUMNS, *DETAILS]]


def compare_pairs(
    pairs: Sequence[Pair],
    settings: Sequence[str],
    margin: float | None = None,
    identities: Sequence[Any] | None = None,
) -> pd.DataFrame:
    """The statistics of `comparison_table` that need nothing but scores, of which the higher is the better.

    Parameters
    ----------
    pairs : sequence of Pair
    settings : sequence of str
        The names of the values that ``pair.setting`` holds.
    margin : float, optional
        The largest difference that does not matter, in the unit of the scores.
    identities : sequence of hashable, optional
        By which to know the same pair in two settings; it counts once in the adjustment of p. All differ by default.

    Returns
    -------
    DataFrame
        The settings, ``COLUMNS`` and ``SCORE_DETAILS``, a row a pair.
    """
    table = pd.DataFrame(
        [(*pair.setting, pair.better, pair.worse) for pair in pairs], columns=[*settings, "better", "worse"]
    )
    differences = [pair.differences for pair in pairs]
    same, first = _distinct(range(len(pairs)) if identities is None else identities)
    family = sum(len(differences[place]) >= 2 for place in first)
    table["seeds"] = np.array([len(d) for d in differences], dtype=int)
    units = np.array([pair.unit for pair in pairs], dtype=float)
    table["difference"] = units * [d.mean() if len(d) else np.nan for d in differences]
    table[["low", "high"]] = units[:, None] * _intervals(differences)
    table["p"] = np.array([paired_p(d, family) for d in differences], dtype=float)
    table["p_adjusted"] = holm(table["p"].to_numpy()[first])[same]
    table["probability_better"] = [np.mean((d > 0) + (d == 0) / 2) if len(d) else np.nan for d in differences]
    margins = np.full(len(pairs), np.nan if margin is None else margin) / units
    equivalent = np.array([equivalence_p(d, m) for d, m in zip(differences, margins, strict=True)], dtype=float)
    table["p_equivalent"], table["margin"] = equivalent, np.nan if margin is None else margin
    table["verdict"] = np.select(
        [
            table["seeds"] < 2,
            holm(equivalent[first])[same] <= ALPHA,
            (table["p_adjusted"] <= ALPHA) & (table["low"] > 0),
        ],
        ["too few seeds", "equivalent", "better"],
        "no difference shown",
    )
    table["seeds_to_show"] = [
        seeds_to_show(d, family) if verdict == "no difference shown" else np.nan
        for d, verdict in zip(differences, table["verdict"], strict=True)
    ]
    table["wins"] = np.array([np.sum(d > 0) for d in differences], dtype=int)
    table["ties"] = np.array([np.sum(d == 0) for d in differences], dtype=int)
    table["cliffs_delta"] = [cliffs_delta(*pair.scores) for pair in pairs]
    for place, side in enumerate(("better", "worse")):
        table[f"{side}_score"] = [pair.scores[place].mean() if pair.places.size else np.nan for pair in pairs]
    return table[[*settings, *COLUMNS, *SCORE_DETAILS]]


def _distinct(identities: Sequence[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Which of the distinct ones each is, shape (n,), and where each distinct one stands first."""
    same = pd.factorize(pd.Series(identities, dtype=object))[0]
    return same, np.unique(same, return_index=True)[1]


class Pair(NamedTuple):
    """Two arms in a setting, at the n seeds that both have.

    Attributes
    ----------
    setting : tuple
        The values of what makes a setting.
    better, worse : str
    scores : ndarray, shape (2, n)
        Of better and of worse; the higher is the better.
    differences : ndarray, shape (n,)
        Better minus worse by seed, in ``unit``.
    unit : float
    places : ndarray of int, shape (2, n)
        The rows of the frame that they come from.
    leads : bool
        Whether one of the two has the highest mean of the setting.
    """

    setting: tuple[Any, ...]
    better: str
    worse: str
    scores: Floats
    differences: Floats
    unit: float
    places: npt.NDArray[np.int64]
    leads: bool


def pair_arms(
    frame: pd.DataFrame,
    settings: Sequence[str],
    arm: str,
    seed: str,
    score: str,
    baseline: str | None = None,
    *,
    any_size: bool = False,
) -> list[Pair]:
    """Each two arms within each setting, paired by seed.

    Parameters
    ----------
    frame : DataFrame
        A row a run, in order of the seeds: the settings, arm, seed, and a score, of which the higher is the better; nan
        where a run failed. No arm has a seed twice in a setting.
    settings : sequence of str
        The columns that make a setting.
    arm, seed, score : str
        Columns.
    baseline : str, optional
        An arm; only pairs with it.
    any_size : bool, default False
        Whether scores may have any size, so that each pair needs a unit of its own: a run that diverged may have a loss
        of 1e15, and must not make ties of the others. Else they are at most about 1 in size, and the unit is 1.

    Returns
    -------
    list of Pair
        Settings are in order, best pairs first.
    """
    numbered = frame.reset_index(drop=True)
    groups = numbered.groupby(list(settings), sort=False, dropna=False) if settings else [((), numbered)]
    ordered = sorted(((key, group) for key, group in groups), key=lambda item: sort_key(item[0]))
    pairs = [pair for setting, group in ordered for pair in _pairs(setting, group, arm, seed, score, any_size)]
    return pairs if baseline is None else [pair for pair in pairs if baseline in (pair.better, pair.worse)]


def _pairs(
    setting: tuple[Any, ...], group: pd.DataFrame, arm: str, seed: str, score: str, any_size: bool
) -> list[Pair]:
    """The pairs of one setting; the arms with the highest means come first."""
    arms, names = pd.factorize(group[arm], sort=True)
    seeds, distinct = pd.factorize(group[seed])
    values, places = np.full((len(names), len(distinct)), np.nan), np.zeros((len(names), len(distinct)), dtype=np.int64)
    values[arms, seeds], places[arms, seeds] = group[score].to_numpy(dtype=float), group.index.to_numpy()
    means = pd.DataFrame(values).mean(axis=1).to_numpy()
    order, pairs = np.argsort(-means, kind="stable"), []  # nan come last
    for one, two in combinations(order, 2):
        both = np.isfinite(values[one]) & np.isfinite(values[two])
        differences, unit = _subtract(values[one, both], values[two, both], any_size)
        total = differences.sum().round(12)
        is_turned = total < 0 or (total == 0 and names[two] < names[one])
        sides, differences = ([two, one], 0 - differences) if is_turned else ([one, two], differences)
        better, worse = (names[side] for side in sides)
        scores = values[sides][:, both]
        pairs.append(Pair(setting, better, worse, scores, differences, unit, places[sides][:, both], one == order[0]))
    return pairs


def _subtract(first: Floats, second: Floats, any_size: bool) -> tuple[Floats, float]:
    """First minus second, rounded so that equal differences are equal, and the unit that they are in.

    Accuracies are multiples of 1 / test rows, and 12 decimals tell them apart. Scores of any size keep 12 binary-scaled
    digits of the larger one of each seed; their unit is a power of two, which costs no digit, above the largest
    difference, so that the tolerances of the tests fit.
    """
    if not any_size:
        return (first - second).round(12), 1.0
    sizes = np.frexp(np.maximum(np.abs(first), np.abs(second)))[1]
    differences = np.ldexp(np.ldexp(first - second, -sizes).round(12), sizes)
    unit = 2.0 ** int(np.frexp(np.abs(differences).max(initial=0))[1])
    return differences / unit, unit


def _intervals(differences: list[Floats]) -> Floats:
    """Both ends of the interval of each mean, shape (pairs, 2); those of equal length are resampled together."""
    ends = np.full((len(differences), 2), np.nan)
    lengths = np.array([len(d) for d in differences], dtype=int)
    for n in np.unique(lengths[lengths > 0]):
        places = np.flatnonzero(lengths == n)
        ends[places] = np.transpose(mean_intervals(np.stack([differences[place] for place in places])))
    return ends


def mcnemar_p(trained: npt.NDArray[np.bool_]) -> float:
    """McNemar's exact two-sided p of "as many seeds train with the one as with the other".

    Parameters
    ----------
    trained : ndarray of bool, shape (2, n)
        Whether each seed trained, of two initializers.

    Returns
    -------
    float
        nan without seeds; 1 where none trains with the one alone.

    References
    ----------
    McNemar (1947), "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12(2).

    Examples
    --------
    >>> mcnemar_p(np.array([[True] * 6, [False] * 6]))
    0.03125
    """
    if not trained.size:
        return float("nan")
    alone = [int((one & ~other).sum()) for one, other in (trained, trained[::-1])]
    return float(min(1.0, 2 * bdtr(min(alone), sum(alone), 0.5)))


def cliffs_delta(better: Floats, worse: Floats) -> float:
    """How often a value of one sample is above one of the other, minus how often it is below; -1 to 1, nan if empty."""
    if not len(better):
        return float("nan")
    worse, slack = np.sort(worse), 1e-12 * np.abs(better)  # rounding leaves some 1e-16 between equal ones
    above = np.searchsorted(worse, better - slack, side="left")
    below = len(worse) - np.searchsorted(worse, better + slack, side="right")
    return float((above - below).sum() / (len(better) * len(worse)))


def binomial_noise(first: Any, second: Any, rows: Any) -> Floats:
    """Half of the 95 % interval of a difference of accuracies, by the binomial errors of so many test rows alone.

    It takes the errors of the two on the same rows for independent, which they are not quite: those that both get right
    or wrong make the true one smaller.
    """
    first, second, rows = (np.asarray(x, dtype=np.float64) for x in (first, second, rows))
    noise: Floats = ndtri((1 + CONFIDENCE) / 2) * np.sqrt((first * (1 - first) + second * (1 - second)) / rows)
    return noise


def paired_p(differences: Floats, family: int = 1) -> Any:
    """Two-sided p of "the differences are as likely to be positive as negative", elementwise.

    Parameters
    ----------
    differences : ndarray, shape (..., n)
        One difference a seed.
    family : int, default 1
        How many p will be adjusted together.

    Returns
    -------
    ndarray of float64, shape (...)
        From the sign-flip test or Student's paired t test, as `comparison_table` explains; 1 where all differences are
        0, nan if there are fewer than 2.
    """
    n = differences.shape[-1]
    if n < 2:
        return np.full(differences.shape[:-1], np.nan)[()]
    if n >= MIN_FLIP_PAIRS and STEPS * family * smallest_flip_p(n) <= ALPHA:
        p = sign_flip_p(differences)
    else:
        student = 2 * np.minimum(one_sided_p(differences), one_sided_p(-differences))
        p = np.maximum(student, separation_p(n))
    return np.where(differences.any(axis=-1), p, 1.0)[()]


def separation_p(seeds: int) -> float:
    """How often two equal arms whose seeds train or not by the toss of a coin are perfectly separated, either way.

    Each seed has the one train and the other not with probability 1/4. No paired test can know the outcomes to be of
    another kind, so none has a smaller p: by it, 36 pairs need six seeds and 276 pairs seven.

    Examples
    --------
    >>> separation_p(3)
    0.03125
    """
    return 2 * 4.0**-seeds


def smallest_flip_p(seeds: int) -> float:
    """The smallest p of `sign_flip_p`, where all differences have one sign; beyond 16 seeds the expected one.

    Drawn flips are all of one sign as often as any others: at 13 seeds 5 of 19,999, which made p 3e-4.
    """
    return 2.0 ** (1 - seeds) + (0 if seeds <= MAX_EXACT_PAIRS else 1 / (RESAMPLES + 1))


def seeds_to_show(differences: Floats, family: int) -> float:
    """How many seeds would show a difference of which all seeds have one sign, if further ones repeat those at hand.

    Parameters
    ----------
    differences : ndarray, shape (n,)
        One difference a seed.
    family : int
        How many p are adjusted together.

    Returns
    -------
    float
        More than n; nan where signs differ, all differences are 0, or it takes more than 30 seeds.
    """
    if len(differences) < 2 or not differences.any() or (differences < 0).any():
        return float("nan")
    for n in range(len(differences) + 1, MOST_SEEDS + 1):
        more = np.resize(differences, n)  # goes round
        if family * paired_p(more, family) <= ALPHA and mean_intervals(more[None])[0][0] > 0:
            return float(n)
    return float("nan")


def one_sided_p(differences: Floats) -> Any:
    """Student's one-sided p of "the mean difference is not above 0", elementwise.

    Parameters
    ----------
    differences : ndarray, shape (..., n)
        One difference a seed.

    Returns
    -------
    ndarray of float64, shape (...)
        nan if there are fewer than 2. Where all are the same number, t has no spread to go by: then the p of the
        sign-flip test, ``2**-n`` if they are positive, else 1.
    """
    n = differences.shape[-1]
    if n < 2:
        return np.full(differences.shape[:-1], np.nan)[()]
    is_flat = np.ptp(differences, axis=-1) == 0
    error = np.where(is_flat, 1.0, differences.std(axis=-1, ddof=1)) / np.sqrt(n)
    student = stdtr(n - 1, -differences.mean(axis=-1) / error)
    return np.where(is_flat, np.where(differences[..., 0] > 0, 2.0**-n, 1.0), student)[()]


def equivalence_p(differences: Floats, margin: float) -> float:
    """The larger p of the two one-sided t tests (TOST) of "the mean difference is at or beyond the margin".

    Parameters
    ----------
    differences : ndarray, shape (n,)
        One difference a seed.
    margin : float
        Above 0, in the unit of the differences.

    References
    ----------
    Schuirmann (1987), "A comparison of the two one-sided tests procedure and the power approach for assessing the
    equivalence of average bioavailability", J. Pharmacokinet. Biopharm. 15(6).
    """
    return float(np.maximum(one_sided_p(margin + differences), one_sided_p(margin - differences)))


def sign_flip_p(differences: Floats) -> Any:
    """Share of sign flips of the differences whose mean is at least as far from 0 as the one seen, elementwise.

    Parameters
    ----------
    differences : ndarray, shape (..., n)
        One difference a seed.

    Returns
    -------
    ndarray of float64, shape (...)
        Exact over all 2**n flips up to n = 16 (0.5 ms for a pair); beyond, ``(b + 1) / (r + 1)`` with ``b`` of
        ``r`` = 19,999 flips drawn from a fixed seed, so that equal differences have equal p.
    """
    n = differences.shape[-1]
    flips, rows = _flips(n), np.reshape(differences, (-1, n))
    extreme = np.empty(len(rows))
    step = max(1, MOST_FLIPPED // len(flips))  # rows at a time, so that the sums take some tens of megabytes
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        least = np.abs(some.sum(axis=1))[:, None] - 1e-11
        extreme[start : start + step] = (np.abs(some @ flips.T) >= least).sum(axis=1)
    is_exact = n <= MAX_EXACT_PAIRS
    p = extreme / len(flips) if is_exact else (extreme + 1) / (len(flips) + 1)
    return p.reshape(differences.shape[:-1])[()]


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
