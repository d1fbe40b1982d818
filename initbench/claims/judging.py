"""Claims against numbers: an effect, its interval, and whether a claim holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import bdtr, bdtrc

from initbench.analysis.comparisons import holm, one_sided_p, separation_p
from initbench.analysis.intervals import Floats, mean_intervals, wilson_interval
from initbench.analysis.summaries import scores
from initbench.conventions import ALPHA

FEW = 5  # seeds; a verdict from fewer says so
WIDEST = 1.0  # deviation of logarithms; beyond it the mean of a sample is most often far below that of all draws
NEARLY = 1 - 1e-9  # what would be a bound but for rounding has reached it
STUCK = 0.05  # above the share of the majority class; what ends below has not learned


class Effect(NamedTuple):
    """What the numbers say of a claim.

    Attributes
    ----------
    effect, low, high : float
        A difference, a share, or a ratio, with its 95 % interval; nan where there are too few numbers.
    p_supports, p_refutes : float
        One-sided p of "it is not as claimed" and of "it is".
    is_inside, is_outside : bool
        Whether the interval is wholly where the claim has it, or wholly elsewhere.
    seeds : int
        That have a number in every arm.
    lost : int
        Seeds without one. A verdict from the others would be one on those that came through: there is none then.
    """

    effect: float
    low: float
    high: float
    p_supports: float
    p_refutes: float
    is_inside: bool
    is_outside: bool
    seeds: int
    lost: int = 0


def trained_values(
    runs: pd.DataFrame, curves: pd.DataFrame, baselines: pd.DataFrame, metric: str, epoch: int | None = None
) -> pd.Series[float]:
    """A metric of trained networks as claims take it, by cell.

    Parameters
    ----------
    runs, curves : DataFrame
        With the columns of runs.csv and curves.csv.
    baselines : DataFrame
        A row a cell: ``cell, test_majority, valid_majority, test_rows`` and ``loss_uniform``, ln of the classes.
    metric : str
        A column of runs.csv, or ``trains, fails, diverges, reaches``, which are 0 or 1.
    epoch : int, optional
        In place of the last one.

    Returns
    -------
    Series
        Indexed by cell, without those that failed. A diverged network counts as one that answers at chance: with the
        accuracy of always answering the majority class, a loss of ln k, an area of 0.5 under its ROC curve.
        ``steps_to_target`` is infinite where it never came.
    """
    scored = scores(runs, baselines).merge(baselines[["cell", "loss_uniform"]].drop_duplicates("cell"), on="cell")
    scored = scored[scored["status"] != "failed"].drop_duplicates("cell").set_index("cell")
    diverged = scored["status"] == "diverged"
    chance = {"loss": scored["loss_uniform"], "auc": pd.Series(0.5, scored.index)}
    chance["accuracy"] = scored["test_majority" if metric.startswith("test") else "valid_majority"]
    if metric == "trains":
        return scored["trained"].astype(float)
    if metric == "fails":
        return (scored["test_accuracy"] <= scored["test_majority"] + STUCK).astype(float)
    if metric == "diverges":
        return diverged.astype(float)
    if metric == "steps_to_target":
        return scored["steps_to_target"].astype(float).fillna(np.inf)
    if metric == "reaches":
        return scored["reached"].astype(float)
    if metric not in scored:
        return pd.Series(np.nan, scored.index)
    if epoch is not None:
        then = curves[curves["epoch"] == epoch].drop_duplicates("cell").set_index("cell")[metric]
        diverged = diverged & (scored["diverged_epoch"].fillna(np.inf) <= epoch)
        scored = scored.assign(**{metric: then.reindex(scored.index)})
    found: pd.Series[float] = scored[metric].astype(float).mask(diverged, chance[metric.rpartition("_")[2]])
    return found


def slopes(values: pd.DataFrame, *, is_exponential: bool) -> pd.DataFrame:
    """The slope of each seed's values, in logarithms, over those of a key.

    Parameters
    ----------
    values : DataFrame
        ``arm, seed, over, value``; ``over`` are numbers above 0.
    is_exponential : bool
        Whether the key is taken as it is, and not its logarithm.

    Returns
    -------
    DataFrame
        ``arm, seed, value``; nan where a value is not above 0 or there are fewer than two.
    """
    rows = []
    for (arm, seed), group in values.groupby(["arm", "seed"], sort=False):
        x, y = group["over"].to_numpy(float), group["value"].to_numpy(float)
        fits = len(x) >= 2 and bool(np.all((y > 0) & np.isfinite(y)))
        at = x if is_exponential else np.log(x)
        rows.append((arm, seed, float(np.polyfit(at, np.log(y), 1)[0]) if fits else np.nan))
    return pd.DataFrame(rows, columns=["arm", "seed", "value"])


def judge(values: pd.DataFrame, rule: str, arms: tuple[str, ...], bound: float) -> Effect:
    """Hold one claim against its numbers.

    Parameters
    ----------
    values : DataFrame
        ``arm, seed, value``, a row a network; ratios to what it is to match for ``matches`` and ``geometric``.
    rule : str
        ``higher, lower, equal, at_least, at_most, matches, geometric`` or ``sooner``.
    arms : tuple of str
        The arm that the rule begins with, and the one that it is compared with.
    bound : float
        The smallest difference that matters, the margin, the share, the tolerance.

    Returns
    -------
    Effect
        ``effect`` is the mean paired difference of the first arm less the second for ``higher, lower, equal``, the
        share of networks for ``at_least, at_most``, the mean ratio for ``matches``, its geometric mean for
        ``geometric``, the share of seeds at which the first arm comes first (ties are half) for ``sooner``.

    References
    ----------
    Schuirmann (1987), "A comparison of the two one-sided tests procedure and the power approach", J. Pharmacokinet.
    Biopharm. 15(6); Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA
    22(158); Mann & Whitney (1947), "On a test of whether one of two random variables is stochastically larger than the
    other", Ann. Math. Statist. 18(1).
    """
    table = values.pivot(index="seed", columns="arm", values="value").reindex(columns=list(arms)).astype(float)
    if rule != "sooner":  # there, infinite is never
        table = table.where(np.isfinite(table))
    if rule == "geometric":
        table = table.where(table > 0)  # the others have no logarithm
    whole = table.dropna()
    found = RULES[rule](whole[arms[0]].to_numpy(float), whole[arms[-1]].to_numpy(float), bound)
    lost = len(table) - len(whole)
    if not lost:
        return found
    return found._replace(is_inside=False, is_outside=False, p_supports=1.0, p_refutes=1.0, lost=lost)


def _higher(first: Floats, last: Floats, bound: float) -> Effect:
    difference = _difference(first, last)
    low, high = _interval(difference)
    supports, refutes = _p(difference), _p(bound - difference)
    bound *= NEARLY
    matters = len(difference) > 0 and difference.mean() >= bound
    return _finding(difference, (low, high), (supports, refutes), low > 0 and matters, high < bound)


def _lower(first: Floats, last: Floats, bound: float) -> Effect:
    found = _higher(last, first, bound)
    return found._replace(effect=-found.effect, low=-found.high, high=-found.low)


def _equal(first: Floats, last: Floats, bound: float) -> Effect:
    difference = _difference(first, last)
    low, high = _interval(difference)
    bound /= NEARLY
    supports = max(one_sided_p(bound + difference), one_sided_p(bound - difference))
    refutes = min(_p(difference - bound), _p(-bound - difference))
    outside = low > bound or high < -bound
    return _finding(difference, (low, high), (supports, refutes), -bound < low and high < bound, outside)


def _matches(first: Floats, last: Floats, bound: float) -> Effect:
    most = (1 + bound) / NEARLY
    least = 1 / most  # alike in logarithms
    low, high = _interval(first)
    supports = max(one_sided_p(first - least), one_sided_p(most - first))
    refutes = min(one_sided_p(first - most), one_sided_p(least - first))
    inside, outside = least < low and high < most, low > most or high < least
    if len(first) and (first > 0).all() and np.log(first).std() > WIDEST:
        inside = outside = False
    return _finding(first, (low, high), (supports, refutes), inside, outside)


def _geometric(first: Floats, last: Floats, bound: float) -> Effect:
    found = _equal(np.log(first), np.zeros_like(first), float(np.log1p(bound)))
    effect, low, high = (float(np.exp(value)) for value in found[:3])
    return found._replace(effect=effect, low=low, high=high)


def _at_least(first: Floats, last: Floats, bound: float) -> Effect:
    n, count = len(first), int(first.sum())
    low, high = (float(end[0]) for end in wilson_interval([count], [n]))
    supports = 1.0 if count == 0 else float(bdtrc(count - 1, n, bound))
    refutes = float(bdtr(count, n, bound))
    return _finding(first, (low, high), (supports, refutes), low > bound, high < bound)


def _at_most(first: Floats, last: Floats, bound: float) -> Effect:
    found = _at_least(1 - first, last, 1 - bound)
    return found._replace(effect=1 - found.effect, low=1 - found.high, high=1 - found.low)


def _sooner(first: Floats, last: Floats, bound: float) -> Effect:
    from scipy.stats import mannwhitneyu

    n = len(first)
    wins = (first < last) + (first == last) / 2
    low, high = (float(end[0]) for end in wilson_interval([wins.sum()], [n]))
    supports = float(mannwhitneyu(first, last, alternative="less").pvalue) if n else np.nan
    refutes = float(bdtr(int(np.ceil(wins.sum())), n, 0.5 + bound))
    least = NEARLY * (0.5 + bound)
    matters = n > 0 and wins.mean() >= least
    return _finding(wins, (low, high), (supports, refutes), low > 0.5 and matters, high < least)


RULES: dict[str, Callable[[Floats, Floats, float], Effect]] = {
    "higher": _higher,
    "lower": _lower,
    "equal": _equal,
    "matches": _matches,
    "geometric": _geometric,
    "at_least": _at_least,
    "at_most": _at_most,
    "sooner": _sooner,
}


def _difference(first: Floats, last: Floats) -> Floats:
    """First less last, rounded so that equal differences of accuracies are equal."""
    scale = max(np.abs(first).max(initial=0.0), np.abs(last).max(initial=0.0)) or 1.0
    difference: Floats = (first / scale - last / scale).round(12) * scale
    return difference


def _p(values: Floats) -> float:
    """Student's one-sided p, not below that of two arms alike which train or not by the toss of a coin."""
    return float(np.maximum(one_sided_p(values), separation_p(len(values)) / 2))


def _interval(values: Floats) -> tuple[float, float]:
    low, high = mean_intervals(values[None])
    return float(low[0]), float(high[0])


def _finding(
    values: Floats, interval: tuple[float, float], p: tuple[float, float], is_inside: bool, is_outside: bool
) -> Effect:
    effect = float(values.mean()) if len(values) else np.nan
    return Effect(effect, *interval, *p, bool(is_inside), bool(is_outside), len(values))


def claims_table(findings: dict[str, Effect]) -> pd.DataFrame:
    """The verdict on each claim.

    Parameters
    ----------
    findings : dict of str to Effect
        By the name of the claim; all that were put to the test together.

    Returns
    -------
    DataFrame
        ``claim, verdict, effect, low, high, p, p_adjusted, seeds, lost, is_low``. ``p`` is two-sided: twice that of the
        side which the interval is on, or the smaller one of a `Effect`; ``p_adjusted`` is Holm's over all claims.
        ``supported`` and ``refuted`` need both the interval on that side and ``p_adjusted <= 0.05``; the rest is
        ``inconclusive``. ``is_low`` where there are fewer than five seeds.
    """
    found = pd.DataFrame(list(findings.values()), columns=list(Effect._fields))
    table = found.assign(claim=list(findings))
    sides = [found["is_inside"], found["is_outside"]]
    either = found[["p_supports", "p_refutes"]].min(axis=1)
    table["p"] = (2 * np.select(sides, [found["p_supports"], found["p_refutes"]], either)).clip(max=1.0)
    table["p_adjusted"] = holm(table["p"].to_numpy(float))
    certain = table["p_adjusted"] <= ALPHA
    table["verdict"] = np.select([certain & side for side in sides], ["supported", "refuted"], "inconclusive")
    table["is_low"] = table["seeds"] < FEW
    return table[["claim", "verdict", "effect", "low", "high", "p", "p_adjusted", "seeds", "lost", "is_low"]]
