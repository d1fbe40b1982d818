"""Which values of the tuned keys suit each initializer, and how far from them it still does well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from typing import Any

import pandas as pd

from initbench.analysis.intervals import t_interval
from initbench.analysis.summaries import scores

USABLE = 0.01  # accuracy: a value is usable that is at most so far below the best
LEAST = {"batch_size": 1, "width": 1, "train_rows": 1}  # the others begin at 0; no grid can be widened beyond
COLUMNS: dict[str, type] = {
    **dict.fromkeys(("key", "tuned", "common", "usable_low", "usable_high"), object),
    "usable_ratio": float,
    **dict.fromkeys(("edge", "common_edge"), object),
    **dict.fromkeys(("valid_accuracy_tuned", "valid_accuracy_common"), float),
    "cells": int,
    "learns": bool,
}
Values = tuple[Any, ...]


def tried_table(runs: pd.DataFrame, baselines: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Summarize the tuning seeds of each initializer, setting and combination of tuned values.

    Parameters
    ----------
    runs, baselines : DataFrame
        Of the cells that were trained to tune, as `accuracy_table` takes them.
    factors : sequence of str
        The columns that make a setting; ``initializer`` and the tuned keys are among them.

    Returns
    -------
    DataFrame
        Factors, ``seeds`` (that did not fail), ``diverged, failed``, then ``valid_accuracy_mean, valid_accuracy_std,
        valid_accuracy_low, valid_accuracy_high``: of the validation accuracies after the last epoch, in which a
        diverged cell counts as always answering the majority class, and Student's 95 % interval of the mean; that
        class' share ``valid_majority``; and ``choosable``: whether every tuning seed has finished and none failed.
    """
    scored = scores(runs, baselines)
    scored["diverged"], scored["failed"] = scored["status"] == "diverged", scored["status"] == "failed"
    groups = scored.assign(present=~scored["failed"]).groupby(list(factors), sort=False, dropna=False)
    table = groups.agg(
        seeds=("present", "sum"),
        diverged=("diverged", "sum"),
        failed=("failed", "sum"),
        valid_accuracy_mean=("valid_accuracy", "mean"),
        valid_accuracy_std=("valid_accuracy", "std"),
        valid_majority=("valid_majority", "first"),
    ).reset_index()
    low, high = t_interval(table["valid_accuracy_mean"], table["valid_accuracy_std"], table["seeds"])
    table["valid_accuracy_low"], table["valid_accuracy_high"] = low.clip(0, 1), high.clip(0, 1)
    table["choosable"] = table["seeds"] == runs["seed"].nunique()
    means = [f"valid_accuracy_{name}" for name in ("mean", "std", "low", "high")]
    return table[[*factors, "seeds", "diverged", "failed", *means, "valid_majority", "choosable"]]


def tuning_table(tried: pd.DataFrame, factors: Sequence[str], tuned: Sequence[str]) -> pd.DataFrame:
    """Choose the values of the tuned keys, for each initializer and for all of a setting in common.

    The best combination of values has the highest mean validation accuracy; the best common one has the highest mean
    over the initializers of these. Of several that are equally good it is the middle one in the order of their values.
    An initializer without any choosable combination has no say in the common one.

    Parameters
    ----------
    tried : DataFrame
        From `tried_table`.
    factors, tuned : sequence of str
        The columns that make a setting, and those of them that are tuned.

    Returns
    -------
    DataFrame
        A row an initializer, setting and tuned key: the other factors, ``key``; ``tuned`` and ``common``, its value in
        the best combination and in the best common one; ``usable_low, usable_high, usable_ratio``: the lowest and
        highest value, with the other tuned keys at their best, whose mean is at most 0.01 below the best, and the one
        over the other, empty where it does not learn; ``edge, common_edge``: ``lowest`` or ``highest`` where the value
        is the end of what was tried and others lie beyond; the means ``valid_accuracy_tuned, valid_accuracy_common``,
        missing where nothing could be chosen; ``cells``, how many were trained to choose; and ``learns``, whether its
        best mean is more than 0.01 above always answering the majority class.
    """
    fixed = [name for name in factors if name not in tuned]
    rows = []
    for _, group in tried.groupby([name for name in fixed if name != "initializer"], sort=False, dropna=False):
        means = _means(group, tuned)
        able = [mean for mean in means.values() if mean]
        shared = set.intersection(*map(set, able)) if able else set()
        common = _best({values: sum(mean[values] for mean in able) / len(able) for values in shared})
        for name, mean in means.items():
            some = group[group["initializer"] == name]
            head = {column: some[column].iloc[0] for column in fixed}
            own = _best(mean)
            learns = own is not None and mean[own] > some["valid_majority"].max() + USABLE
            for place, key in enumerate(tuned):
                grid = sorted(set(map(known, group[key])), key=size)
                low, high = _usable(mean, own, place) if own and learns else (None, None)
                row = head | {"key": key, "tuned": own and own[place], "common": common and common[place]}
                row |= {
                    "usable_low": low,
                    "usable_high": high,
                    "usable_ratio": _ratio(low, high) if own and learns else None,
                }
                row |= {"edge": _edge(key, own[place], grid) if own and learns else None}
                row |= {"common_edge": common and _edge(key, common[place], grid)}
                row |= {"valid_accuracy_tuned": own and mean[own], "valid_accuracy_common": common and mean.get(common)}
                rows.append(row | {"cells": int(some["seeds"].sum() + some["failed"].sum()), "learns": learns})
    columns = {column: pd.Series([row[column] for row in rows], dtype=kind) for column, kind in COLUMNS.items()}
    return pd.DataFrame({column: [row[column] for row in rows] for column in fixed} | columns)


def chosen_values(tuning: pd.DataFrame) -> tuple[dict[Values, Values], dict[Values, Values]]:
    """The chosen combinations, by the values of the factors that are not tuned.

    Parameters
    ----------
    tuning : DataFrame
        From `tuning_table`.

    Returns
    -------
    own, common : dict of tuple to tuple
        Without the initializers and settings for which nothing could be chosen.
    """
    fixed = list(tuning.columns[: list(tuning.columns).index("key")])
    place = fixed.index("initializer")
    own: dict[Values, Values] = {}
    shared: dict[Values, Values] = {}
    settings = []
    for _, rows in tuning.groupby(fixed, sort=False, dropna=False):
        setting = tuple(known(rows[column].iloc[0]) for column in fixed)
        settings.append(setting)
        if rows["valid_accuracy_tuned"].notna().all():
            own[setting] = tuple(map(known, rows["tuned"]))
        if rows["valid_accuracy_common"].notna().all():
            shared[_without(setting, place)] = tuple(map(known, rows["common"]))
    common = {s: shared[_without(s, place)] for s in settings if _without(s, place) in shared}
    return own, common


def along(key: str, tried: pd.DataFrame, tuning: pd.DataFrame) -> pd.DataFrame:
    """The rows of what was tried in which only one tuned key differs from each initializer's best combination.

    Parameters
    ----------
    key : str
    tried, tuning : DataFrame
        From `tried_table` and `tuning_table`.

    Returns
    -------
    DataFrame
        All rows of ``tried`` where ``key`` is the only tuned one.
    """
    tuned = list(tuning["key"].unique())
    if tuned == [key]:
        return tried
    fixed = list(tuning.columns[: list(tuning.columns).index("key")])
    own, _ = chosen_values(tuning)
    place = tuned.index(key)
    keep = []
    for row in tried.to_dict("records"):
        best = own.get(tuple(known(row[column]) for column in fixed))
        values = tuple(known(row[column]) for column in tuned)
        keep.append(best is not None and _without(values, place) == _without(best, place))
    return tried[keep]


def known(value: Any) -> Any:
    """A value of a factor, None where a DataFrame has nan in its place."""
    return None if pd.isna(value) else value


def size(value: Any) -> float:
    """By what the values of a tuned key are ordered: no limit, or ``all``, comes last."""
    return inf if value is None or isinstance(value, str) else float(value)


def _means(group: pd.DataFrame, tuned: Sequence[str]) -> dict[str, dict[Values, float]]:
    """The mean of each choosable combination, by initializer."""
    means: dict[str, dict[Values, float]] = {name: {} for name in group["initializer"]}
    for row in group[group["choosable"]].to_dict("records"):
        means[row["initializer"]][tuple(known(row[key]) for key in tuned)] = row["valid_accuracy_mean"]
    return means


def _best(means: Mapping[Values, float]) -> Values | None:
    rounded = {values: round(mean, 12) for values, mean in means.items()}  # equal means differ in their last bits
    best = [values for values, mean in rounded.items() if mean == max(rounded.values())]
    return sorted(best, key=lambda values: tuple(map(size, values)))[(len(best) - 1) // 2] if best else None


def _usable(means: Mapping[Values, float], own: Values, place: int) -> tuple[Any, Any]:
    least = means[own] - USABLE - 1e-12
    near = (values for values in means if _without(values, place) == _without(own, place) and means[values] >= least)
    usable = sorted((values[place] for values in near), key=size)
    return usable[0], usable[-1]


def _without(values: Values, place: int) -> Values:
    return values[:place] + values[place + 1 :]


def _ratio(low: Any, high: Any) -> float | None:
    return size(high) / size(low) if isfinite(size(high)) and size(low) > 0 else None


def _edge(key: str, value: Any, grid: Sequence[Any]) -> str | None:
    if value == grid[0] and size(value) > LEAST.get(key, 0):
        return "lowest"
    return "highest" if value == grid[-1] and isfinite(size(value)) else None
