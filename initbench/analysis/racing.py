"""Races: which initializers can still win after each round of seeds, at a level that repeated looks do not raise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtr, stdtrit

from initbench.analysis.intervals import Floats, sort_key
from initbench.analysis.summaries import scores
from initbench.conventions import ALPHA

DECISION = ["round", "seeds", "better", "worse", "difference", "low", "high", "p", "level", "claim"]
STANDING = ["initializer", "seeds", "failed", "state"]

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RaceDesign:
    """What is settled before a race begins.

    Attributes
    ----------
    round_seeds : int
        Seeds that each round adds.
    max_seeds : int
        Seeds at which a race ends, decided or not.
    initializers, settings : int
        How many of each there are.
    margin : float or None
        The difference of accuracies (a fraction) that makes no difference, if a race may end with such ones.
    """

    round_seeds: int
    max_seeds: int
    initializers: int
    settings: int
    margin: float | None = None

    @property
    def looks(self) -> int:
        """How many rounds there can be."""
        return ceil(self.max_seeds / self.round_seeds)

    @property
    def level(self) -> float:
        """The level of each single test: an equal share for each look, setting and ordered pair of initializers."""
        return ALPHA / (self.looks * self.settings * self.initializers * (self.initializers - 1))

    def seeds_at(self, look: int) -> int:
        """How many seeds there are at a look, counted from 1."""
        return min(look * self.round_seeds, self.max_seeds)


class Race(NamedTuple):
    """How a race stands.

    Attributes
    ----------
    decisions : DataFrame
        With the columns of decisions.csv: factors but ``initializer``, and ``DECISION``.
    standings : DataFrame
        A row an initializer and setting: the factors, the ``seeds`` that it needs so far, how many of these ``failed``
        (or lack a tuned value, since all of their tuning cells failed), and its ``state``: ``racing``, ``dropped``,
        ``failed`` (at every seed), ``winner``, ``equivalent`` or ``undecided``.
    is_over : bool
        Whether no further cell is needed.
    """

    decisions: pd.DataFrame
    standings: pd.DataFrame
    is_over: bool


def race_table(
    runs: pd.DataFrame,
    baselines: pd.DataFrame,
    factors: Sequence[str],
    design: RaceDesign,
    *,
    is_complete: bool = False,
) -> Race:
    """Decide a race from its cells, as it was decided while they came in.

    After each round the initializers of a setting that are left are compared with each other, paired by seed. One that
    is worse than another by `bounded_p` at the level of a single test is dropped. A setting is decided when one is
    left or, with a margin, when all that are left are equivalent in pairs: two one-sided tests at the same level show
    that their difference is inside of it. A diverged cell enters with the accuracy of always answering the majority
    class; a seed that failed for one of two leaves their pair, and an initializer that failed at every seed the race.

    Of what may be claimed of a pair, at most two things are false: where the means are equal, that the one is better
    and that the other is; else that the worse one is better and, if they are a margin apart, that they are equivalent.
    So at one look the levels of tests whose decision would be false sum up to 2 levels a pair at most, over all looks,
    settings and pairs to 0.05: all decisions of a race are true together with 95 % confidence.

    Parameters
    ----------
    runs : DataFrame
        With the columns of runs.csv.
    baselines : DataFrame
        A row a cell: ``cell, test_majority, valid_majority, test_rows``.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.
    design : RaceDesign
    is_complete : bool, default False
        Whether all that was planned so far is in ``runs``: an initializer that a setting lacks then does not race.

    Returns
    -------
    Race
        A look at which a cell is missing has not been taken. In ``decisions``, ``seeds`` counts the pairs, and
        ``difference`` is the mean of better minus worse (a fraction) with its interval ``low, high`` at confidence
        1 - 2 ``level``. Of several initializers that are shown to be better than a dropped one, the one with the
        highest mean is named.

    References
    ----------
    Lan & DeMets (1983), "Discrete sequential boundaries for clinical trials", Biometrika 70(3); Kim & DeMets (1987),
    Biometrika 74(1), the spending function alpha t**rho with rho = 1; Maron & Moore (1994), "Hoeffding races" (dropping
    who cannot win); Schuirmann (1987), J. Pharmacokinet. Biopharm. 15(6), two one-sided tests.
    """
    settings = [factor for factor in factors if factor != "initializer"]
    decisions: list[tuple[Any, ...]] = []
    standings: list[tuple[Any, ...]] = []
    groups = scores(runs, baselines).groupby(settings, sort=False, dropna=False)
    planned = int(runs["seed"].max()) + 1 if is_complete and len(runs) else 0
    for setting, group in sorted(((key, group) for key, group in groups), key=lambda item: sort_key(item[0])):
        decided, places = _race(group, design, planned)
        decisions += [(*setting, *decision) for decision in decided]
        standings += [(*setting, *place) for place in places]
    table = pd.DataFrame(standings, columns=[*settings, *STANDING])
    are_all = is_complete or len(table) == design.settings * design.initializers
    is_over = are_all and not table["state"].eq("racing").any()
    return Race(pd.DataFrame(decisions, columns=[*settings, *DECISION]), table, bool(is_over))


def _race(group: pd.DataFrame, design: RaceDesign, planned: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Claims and standings of one setting; of the first ``planned`` seeds, all cells that there will be are there."""
    ids = pd.RangeIndex(design.max_seeds)
    by_seed = group.pivot(index="initializer", columns="seed", values="test_accuracy")
    statuses = group.pivot(index="initializer", columns="seed", values="status")
    values = by_seed.reindex(columns=ids).to_numpy(dtype=float)
    there = statuses.reindex(columns=ids).notna().to_numpy() | (ids < planned)
    names = by_seed.index.tolist()
    left = np.ones(len(names), dtype=bool)
    seeds = np.zeros(len(names), dtype=int)
    states = np.full(len(names), "racing", dtype=object)
    decided: list[tuple[Any, ...]] = []
    for look in range(1, design.looks + 1):
        count = design.seeds_at(look)
        seeds[left] = count
        if (len(names) < design.initializers and not planned) or not there[left, :count].all():
            break
        seen = values[:, :count]
        states[left & np.isnan(seen).all(axis=1)] = "failed"
        left = states == "racing"
        claimed = beaten(seen, left, design.level)
        for worse in np.flatnonzero(claimed.any(axis=0)):
            better = max(np.flatnonzero(claimed[:, worse]), key=lambda one: np.nanmean(seen[one]))
            decided.append((look, *_decision(names, seen, better, worse, design), "better"))
            states[worse] = "dropped"
        left = states == "racing"
        if left.sum() == 1:
            states[left] = "winner"
        elif design.margin is not None and equivalent(seen, left, design.level, design.margin):
            for pair in combinations(sorted(np.flatnonzero(left), key=lambda one: -np.nanmean(seen[one])), 2):
                decided.append((look, *_decision(names, seen, *pair, design, design.margin), "equivalent"))
            states[left] = "equivalent"
        elif look == design.looks:
            states[left] = "undecided"
        if not (states == "racing").any():
            break
    failed = [int((there[i, :n] & np.isnan(values[i, :n])).sum()) for i, n in enumerate(seeds)]
    return decided, list(zip(names, seeds.tolist(), failed, states, strict=True))


def _decision(
    names: list[str], seen: Floats, better: np.intp, worse: np.intp, design: RaceDesign, margin: float | None = None
) -> tuple[Any, ...]:
    """The numbers of a decision: of being better, or with a margin of being equivalent."""
    d = difference(seen[better], seen[worse])
    p = bounded_p(d) if margin is None else bounded_equivalence_p(d, margin)
    n, mean, error = _moments(d)
    half = stdtrit(n - 1, 1 - design.level) * error
    low, high = np.clip([mean - half, mean + half], -1, 1)  # no difference of accuracies lies beyond
    numbers = map(float, (mean, low, high, p, design.level))
    return (int(n), names[better], names[worse], *numbers)


def difference(better: Floats, worse: Floats) -> Floats:
    """Differences by seed; accuracies are multiples of 1 / test rows, and rounding keeps equal differences equal."""
    return (better - worse).round(12)


def bounded_p(differences: Floats) -> Floats:
    """P of "the mean of the differences is not above 0", by Student's paired t test, but never below 4**-n.

    The t test takes the spread of a few differences at its word. Where networks sometimes end at chance, though, a few
    large and nearly equal differences can be luck: of two initializers that collapse half of the time, independently,
    the one collapses and the other does not at each of n seeds with probability 4**-n. No two groups of outcomes, the
    one for either initializer, are more probable than that, since q (1 - q) is at most 1/4.

    Parameters
    ----------
    differences : ndarray, shape (..., n)
        One difference a seed; nan for a seed that is not in the pair.

    Returns
    -------
    ndarray, shape (...)
        1 where there are fewer than 2 differences, 1/2 where the mean is 0.

    References
    ----------
    Student (1908), "The probable error of a mean", Biometrika 6(1).
    """
    n, mean, error = _moments(differences)
    spread = np.where(error > 0, error, 1.0)
    p = np.where(error > 0, stdtr(np.maximum(n - 1, 1), -mean / spread), 0.5 - 0.5 * np.sign(mean))
    return np.where(n < 2, 1.0, np.maximum(p, 0.25**n))


def bounded_equivalence_p(differences: Floats, margin: float) -> Floats:
    """P of "the mean of the differences is not inside ± margin": the larger one of two one-sided tests."""
    upper, lower = bounded_p((margin - differences).round(12)), bounded_p((differences + margin).round(12))
    return np.maximum(upper, lower)


def _moments(differences: Floats) -> tuple[Floats, Floats, Floats]:
    """How many there are along the last axis, their mean and its standard error."""
    known = np.isfinite(differences)
    n = known.sum(axis=-1)
    mean = np.where(known, differences, 0).sum(axis=-1) / np.maximum(n, 1)
    squares = np.where(known, differences - mean[..., None], 0) ** 2
    error = np.sqrt(squares.sum(axis=-1) / np.maximum(n - 1, 1) / np.maximum(n, 1))
    return n.astype(float), mean, error


def beaten(seen: Floats, left: Flags, level: float) -> Flags:
    """Which initializers are shown to be worse than which, of those that are left.

    Parameters
    ----------
    seen : ndarray, shape (..., k, n)
        Test accuracy of each of k initializers at each seed; nan for a failed cell.
    left : ndarray of bool, shape (..., k)
        Which of them race.
    level : float
        Of each single test.

    Returns
    -------
    ndarray of bool, shape (..., k, k)
        Whether the first is better than the second. The one with the highest mean is never beaten, also where failed
        cells make its pairs a matter of other seeds than its mean.
    """
    known = np.isfinite(seen)
    mean = np.where(known, seen, 0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
    p = bounded_p(difference(seen[..., :, None, :], seen[..., None, :, :]))
    both = left[..., :, None] & left[..., None, :]
    claimed: Flags = both & (mean[..., :, None] > mean[..., None, :]) & (p <= level)
    return claimed


def equivalent(seen: Floats, left: Flags, level: float, margin: float) -> Flags:
    """Whether all initializers that are left are equivalent in pairs; arrays as of `beaten`, returns shape (...)."""
    p = bounded_equivalence_p(difference(seen[..., :, None, :], seen[..., None, :, :]), margin)
    pairs = left[..., :, None] & left[..., None, :] & ~np.eye(left.shape[-1], dtype=bool)
    shown: Flags = (left.sum(axis=-1) > 1) & ((p <= level) | ~pairs).all(axis=(-2, -1))
    return shown
