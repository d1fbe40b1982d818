"""Which values of the tuned keys each seed chooses, and how far from them an initializer still does well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from math import inf, isfinite
from typing import Any

import pandas as pd

from initbench.analysis.intervals import t_interval
from initbench.analysis.summaries import scores

USABLE = 0.01  # accuracy: a value is usable that is at most so far below the best
LEAST = {"batch_size": 1, "width": 1, "train_rows": 1}  # the others begin at 0; no grid can be widened beyond
COLUMNS: dict[str, type] = {
    "key": object,
    **{"tuned": object, "tuned_share": float, "common": object, "common_share": float},
    **{"usable_low": object, "usable_high": object, "usable_ratio": float},
    **dict.fromkeys(("edge", "common_edge"), object),
    **dict.fromkeys(("valid_accuracy_tuned", "valid_accuracy_common"), float),
    "cells": int,
    "learns": bool,
}
CHOICE: dict[str, type] = {
    **{"key": object, "seed": int, "tuned": object, "common": object},
    **dict.fromkeys(("valid_accuracy_tuned", "valid_accuracy_common"), float),
}
Values = tuple[Any, ...]
Means = dict[Values, float]  # validation accuracy by combination of the tuned values
ChosenValues = dict[tuple[Values, int], Values]


def tried_table(runs: pd.DataFrame, baselines: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Summarize all tuning seeds of each initializer, setting and combination of tuned values.

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
        class' share ``valid_majority``; and ``choosable``: whether every tuning seed has finished and none failed, so
        that any reporting seed could choose it.
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


def choices_table(
    runs: pd.DataFrame,
    baselines: pd.DataFrame,
    factors: Sequence[str],
    tuned: Sequence[str],
    tuning_seeds: Mapping[int, Sequence[int]],
) -> pd.DataFrame:
    """Choose the values of the tuned keys for each reporting seed, by its own tuning seeds alone.

    The best combination of values for an initializer has the highest mean validation accuracy; the best common one has
    the highest mean over the initializers of these. Of several that are equally good it is the middle one in the order
    of their values. Only combinations of which every tuning cell of the seed finished can be chosen. An initializer
    without any of these has no say in the common one.

    Parameters
    ----------
    runs, baselines : DataFrame
        Of the cells that were trained to tune, as `accuracy_table` takes them.
    factors, tuned : sequence of str
        The columns that make a setting, and those of them that are tuned.
    tuning_seeds : mapping of int to sequence of int
        The tuning seeds of each reporting seed.

    Returns
    -------
    DataFrame
        A row an initializer, setting, tuned key and reporting seed: the other factors, ``key, seed``; ``tuned`` and
        ``common``, the value of the key in the best combination and in the best common one;
        ``valid_accuracy_tuned, valid_accuracy_common``, the mean validation accuracies of both over the seed's tuning
        seeds, missing where nothing could be chosen.
    """
    fixed = [name for name in factors if name not in tuned]
    pairs = [(reporting, seed) for reporting, own in tuning_seeds.items() for seed in own]
    scored = pd.DataFrame(pairs, columns=["reporting", "seed"], dtype=int).merge(scores(runs, baselines), on="seed")
    scored["finished"] = scored["status"] != "failed"
    groups = scored.groupby(["reporting", *factors], sort=False, dropna=False)
    tried = groups.agg(finished=("finished", "sum"), valid_accuracy_mean=("valid_accuracy", "mean")).reset_index()
    tried["choosable"] = tried["finished"] == tried["reporting"].map({s: len(own) for s, own in tuning_seeds.items()})
    place = fixed.index("initializer")
    means: dict[Values, dict[int, dict[str, Means]]] = {}  # by setting, reporting seed and initializer
    for cells in tried.sort_values("reporting", kind="stable").to_dict("records"):
        setting = tuple(known(cells[name]) for name in fixed)
        by_seed = means.setdefault(_without(setting, place), {}).setdefault(cells["reporting"], {})
        choosable = by_seed.setdefault(setting[place], {})
        if cells["choosable"]:
            choosable[tuple(known(cells[key]) for key in tuned)] = cells["valid_accuracy_mean"]
    rows = []
    for others, of_setting in means.items():
        common = {seed: _best_common(by_name) for seed, by_name in of_setting.items()}
        names = dict.fromkeys(name for by_name in of_setting.values() for name in by_name)
        for name, (k, key), seed in product(names, enumerate(tuned), of_setting):
            mean, shared = of_setting[seed].get(name, {}), common[seed]
            own = _best(mean)
            row = dict(zip(fixed, (*others[:place], name, *others[place:]), strict=True)) | {"key": key, "seed": seed}
            row |= {"tuned": own and own[k], "valid_accuracy_tuned": own and mean[own]}
            rows.append(row | {"common": shared and shared[k], "valid_accuracy_common": shared and mean.get(shared)})
    return _table(rows, fixed, CHOICE)


def how_often(choices: pd.DataFrame, choice: str) -> pd.DataFrame:
    """How many reporting seeds have chosen each value.

    Parameters
    ----------
    choices : DataFrame
        From `choices_table`.
    choice : ``"tuned"`` or ``"common"``

    Returns
    -------
    DataFrame
        A row an initializer, setting, tuned key and chosen value: the other factors, ``key, value``; ``chosen``, at how
        many seeds; ``seeds``, how many seeds there are; ``lacking``, at how many of these nothing could be chosen. The
        value chosen most often comes first, of several the smallest.
    """
    head = list(choices.columns[: list(choices.columns).index("seed")])
    accuracies = choices[f"valid_accuracy_{choice}"]
    if choice == "common":  # is chosen where any initializer has a say
        shared = [choices[column] for column in (*head, "seed") if column != "initializer"]
        accuracies = accuracies.groupby(shared, dropna=False).transform("max")
    able = accuracies.notna()
    rows = []
    for _, group in choices.groupby(head, sort=False, dropna=False):
        counts = Counter(map(known, group.loc[able[group.index], choice]))
        seeds = {"seeds": len(group), "lacking": len(group) - counts.total()}
        for value in sorted(counts, key=lambda value: (-counts[value], size(value))):
            first = {column: known(group[column].iloc[0]) for column in head}
            rows.append(first | {"value": value, "chosen": counts[value]} | seeds)
    return _table(rows, head, {"value": object, "chosen": int, "seeds": int, "lacking": int})


def tuning_table(
    choices: pd.DataFrame, tried: pd.DataFrame, factors: Sequence[str], tuned: Sequence[str]
) -> pd.DataFrame:
    """Summarize over the reporting seeds which values they have chosen, and how far from the best ones still do well.

    Parameters
    ----------
    choices, tried : DataFrame
        From `choices_table` and `tried_table`.
    factors, tuned : sequence of str
        The columns that make a setting, and those of them that are tuned.

    Returns
    -------
    DataFrame
        A row an initializer, setting and tuned key: the other factors, ``key``; ``tuned`` and ``common``, the value
        that most of the reporting seeds have chosen for the initializer and for all in common, with the share of these
        seeds, ``tuned_share, common_share``; ``usable_low, usable_high, usable_ratio``: the lowest and highest value,
        with the other tuned keys at their best, whose mean over all tuning seeds is at most 0.01 below the best one,
        and the one over the other, empty where it does not learn; ``edge, common_edge``: ``lowest`` or ``highest``
        where the value is the end of what was tried and others lie beyond; ``valid_accuracy_tuned,
        valid_accuracy_common``, the means over the reporting seeds of what was chosen, missing where nothing could be
        chosen; ``cells``, how many were trained to choose; and ``learns``, whether its best mean is more than 0.01
        above always answering the majority class.
    """
    fixed = [name for name in factors if name not in tuned]
    most = {choice: _most_often(choices, choice) for choice in ("tuned", "common")}
    means = choices.groupby([*fixed, "key"], sort=False, dropna=False)[
        ["valid_accuracy_tuned", "valid_accuracy_common"]
    ].mean()
    rows = []
    for (*values, key), accuracies in zip(means.index, means.to_dict("records"), strict=True):
        setting = tuple(map(known, values))
        of_setting = tried[_is(tried, fixed, setting)]
        grid = sorted(set(map(known, tried[key])), key=size)
        able = of_setting[of_setting["choosable"]]
        if able.empty:  # each value failed at some seed
            able = of_setting[of_setting["seeds"] > 0]
        best = dict(zip(_values(able, tuned), able["valid_accuracy_mean"], strict=True))
        pooled = _best(best)
        learns = pooled is not None and best[pooled] > of_setting["valid_majority"].max() + USABLE
        low, high = _usable(best, pooled, list(tuned).index(key)) if pooled and learns else (None, None)
        row = dict(zip(fixed, setting, strict=True)) | {"key": key, "usable_low": low, "usable_high": high}
        row["usable_ratio"] = _ratio(low, high) if learns else None
        for choice, edge in (("tuned", "edge"), ("common", "common_edge")):
            value, share = most[choice].get((setting, key), (None, None))
            has_edge = share is not None and (learns or choice == "common")
            row |= {choice: value, f"{choice}_share": share, edge: _edge(key, value, grid) if has_edge else None}
        cells = int(of_setting["seeds"].sum() + of_setting["failed"].sum())
        rows.append(row | accuracies | {"cells": cells, "learns": learns})
    return _table(rows, fixed, COLUMNS)


def chosen_values(choices: pd.DataFrame) -> tuple[ChosenValues, ChosenValues]:
    """The chosen combinations, by the values of the factors that are not tuned and the reporting seed.

    Parameters
    ----------
    choices : DataFrame
        From `choices_table`.

    Returns
    -------
    own, common : dict of (tuple, int) to tuple
        Without the initializers, settings and seeds for which nothing could be chosen.
    """
    fixed = list(choices.columns[: list(choices.columns).index("key")])
    place = fixed.index("initializer")
    settings: dict[tuple[Values, int], tuple[Values, int]] = {}  # and seed, with and without the initializer
    own: dict[tuple[Values, int], dict[str, Any]] = {}
    shared: dict[tuple[Values, int], dict[str, Any]] = {}
    for row in choices.to_dict("records"):
        setting = tuple(known(row[column]) for column in fixed)
        one, others = (setting, row["seed"]), (_without(setting, place), row["seed"])
        settings[one] = others
        if pd.notna(row["valid_accuracy_tuned"]):
            own.setdefault(one, {})[row["key"]] = known(row["tuned"])
        if pd.notna(row["valid_accuracy_common"]):
            shared.setdefault(others, {})[row["key"]] = known(row["common"])
    common = {one: tuple(shared[others].values()) for one, others in settings.items() if others in shared}
    return {one: tuple(values.values()) for one, values in own.items()}, common


def along(key: str, tried: pd.DataFrame, tuning: pd.DataFrame) -> pd.DataFrame:
    """The rows of what was tried in which the other tuned keys have the values that an initializer chose most often.

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
    fixed = list(tuning.columns[: list(tuning.columns).index("key")])
    keep = pd.Series(True, index=tried.index)
    for row in tuning[tuning["key"] != key].to_dict("records"):
        setting = _is(tried, fixed, tuple(known(row[column]) for column in fixed))
        best = _is(tried, [row["key"]], (known(row["tuned"]),)) & pd.notna(row["tuned_share"])
        keep &= best | ~setting
    return tried[keep]


def known(value: Any) -> Any:
    """A value of a factor, None where a DataFrame has nan in its place."""
    return None if pd.isna(value) else value


def size(value: Any) -> float:
    """By what the values of a tuned key are ordered: no limit, or ``all``, comes last."""
    return inf if value is None or isinstance(value, str) else float(value)


def _best_common(by_name: Mapping[str, Means]) -> Values | None:
    """The combination that is best over all initializers that have any choosable one."""
    able = [mean for mean in by_name.values() if mean]
    shared = set.intersection(*map(set, able)) if able else set()
    return _best({values: sum(mean[values] for mean in able) / len(able) for values in shared})


def _most_often(choices: pd.DataFrame, choice: str) -> dict[tuple[Values, str], tuple[Any, float]]:
    """The value that most seeds have chosen of each key in each setting, and the share of these seeds."""
    found: dict[tuple[Values, str], tuple[Any, float]] = {}
    counts = how_often(choices, choice)
    for *setting, key, value, chosen, seeds, _ in counts.itertuples(index=False, name=None):
        found.setdefault((tuple(map(known, setting)), key), (known(value), chosen / seeds))
    return found


def _table(rows: Sequence[Mapping[str, Any]], first: Sequence[str], types: Mapping[str, type]) -> pd.DataFrame:
    columns = {name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in types.items()}
    return pd.DataFrame({name: [row[name] for row in rows] for name in first} | columns)


def _is(frame: pd.DataFrame, columns: Sequence[str], values: Values) -> pd.Series[bool]:
    """Which rows have these values."""
    same = pd.Series(True, index=frame.index)
    for column, value in zip(columns, values, strict=True):
        same &= frame[column].isna() if value is None else frame[column] == value
    return same


def _values(frame: pd.DataFrame, columns: Sequence[str]) -> list[Values]:
    """The values of some columns, a tuple a row."""
    return [tuple(map(known, row)) for row in frame[list(columns)].itertuples(index=False, name=None)]


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
