"""The accuracy table: how well each initializer does in each setting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from initbench.analysis.chance import beats_chance
from initbench.analysis.intervals import sort_key, t_interval


def scores(runs: pd.DataFrame, baselines: pd.DataFrame) -> pd.DataFrame:
    """The runs as they enter means and comparisons, in order of their seeds.

    A diverged cell has learned nothing that is of use, but leaving it out would flatter its initializer: it enters with
    the accuracy of always answering the majority class, and without a loss. A failed cell has no numbers.

    Parameters
    ----------
    runs : DataFrame
        A row a cell, with the columns of runs.csv.
    baselines : DataFrame
        A row a cell: ``cell, test_majority, valid_majority`` (fractions) and ``test_rows`` (count).

    Returns
    -------
    DataFrame
        A copy of ``runs`` with ``test_majority, valid_majority, test_rows`` beside, and with ``test_accuracy``,
        ``valid_accuracy``, ``best_valid_accuracy`` and ``test_loss`` replaced as said. ``trained`` is whether a cell
        did not diverge and `beats_chance`.
    """
    known = baselines.drop_duplicates("cell")[["cell", "test_majority", "valid_majority", "test_rows"]]
    scored = runs.merge(known, on="cell", how="left").sort_values("seed", kind="stable", ignore_index=True)
    diverged, failed = scored["status"] == "diverged", scored["status"] == "failed"
    replaced = {"test_accuracy": "test_majority"}
    replaced |= dict.fromkeys(("valid_accuracy", "best_valid_accuracy"), "valid_majority")
    for metric, majority in replaced.items():
        scored[metric] = scored[metric].astype(float).mask(diverged, scored[majority]).mask(failed)
    scored["test_loss"] = scored["test_loss"].astype(float).mask(diverged | failed)
    auc = scored.get("test_auc", np.nan)  # a store from before there was one has none
    learned = beats_chance(scored["test_accuracy"], auc, scored["test_majority"], scored["test_rows"])
    scored["trained"] = (scored["status"] == "ok") & learned
    return scored


def accuracy_table(
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    baselines: pd.DataFrame,
    factors: Sequence[str],
    target: float | None = None,
) -> pd.DataFrame:
    """Summarize the seeds of each initializer in each setting, best first.

    Parameters
    ----------
    runs, curves : DataFrame
        With the columns of runs.csv and curves.csv.
    baselines : DataFrame
        A row a cell: ``cell, test_majority, valid_majority, test_rows``.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.
    target : float, optional
        A validation accuracy (fraction); adds ``reached``, the number of cells that got there at any epoch, and
        ``epochs_to_target``, the median of the first such epochs.

    Returns
    -------
    DataFrame
        With the columns of accuracy.csv. Accuracies are fractions; ``low`` and ``high`` are Student's 95 % interval of
        the mean, clipped to [0, 1]; ``std`` has ``ddof=1``; all three are nan with one seed. ``seeds`` counts the cells
        that did not fail. A setting in which every cell failed comes last, with nan for its numbers.
        ``trained`` counts the cells that did not diverge and `beats_chance`. Initializers with equal means share the
        best ``rank`` of them.
        Where the runs have them, ``test_auc_mean``, and ``steps_to_target``. Of this and ``epochs_to_target`` it is the
        median over the cells that did not fail, of which one that never got there is later than all others: nan where
        that is the median.
    """
    factors = list(factors)
    scored = scores(runs, baselines)
    diverged, failed = scored["status"] == "diverged", scored["status"] == "failed"
    after = curves[curves["epoch"] >= 1].groupby("cell")["valid_accuracy"].mean()
    first = pd.Series(dtype=float)
    if target is not None:
        first = curves[curves["valid_accuracy"] >= target].groupby("cell")["epoch"].min().astype(float)
    scored = scored.assign(
        present=~failed,
        diverged=diverged,
        area=scored["cell"].map(after).astype(float).mask(diverged, scored["valid_majority"]).mask(failed),
        first=scored["cell"].map(first).astype(float).fillna(np.inf).mask(failed),
        reached=scored["cell"].isin(first.index) & ~failed,
    )
    further: dict[str, tuple[str, str]] = {}
    if "test_auc" in runs:
        further["test_auc_mean"] = ("test_auc", "mean")
    if "steps_to_target" in runs:
        scored["steps"] = scored["steps_to_target"].fillna(np.inf).mask(failed)  # never is later than all
        further["steps_to_target"] = ("steps", "median")
    groups = scored.groupby(factors, sort=False, dropna=False)
    table = groups.agg(
        seeds=("present", "sum"),
        trained=("trained", "sum"),
        diverged=("diverged", "sum"),
        test_accuracy_mean=("test_accuracy", "mean"),
        test_accuracy_std=("test_accuracy", "std"),
        test_loss_mean=("test_loss", "mean"),
        best_valid_accuracy_mean=("best_valid_accuracy", "mean"),
        valid_accuracy_area=("area", "mean"),
        reached=("reached", "sum"),
        epochs_to_target=("first", "median"),
        **further,
    ).reset_index()
    times = ["epochs_to_target", *further.keys() & {"steps_to_target"}]
    table[times] = table[times].replace(np.inf, np.nan)
    low, high = t_interval(table["test_accuracy_mean"], table["test_accuracy_std"], table["seeds"])
    table["test_accuracy_low"], table["test_accuracy_high"] = low.clip(0, 1), high.clip(0, 1)
    names = ["initializer", *(f for f in factors if f != "initializer")]
    order = sorted(
        range(len(table)), key=list(map(sort_key, table[names].itertuples(index=False, name=None))).__getitem__
    )
    table["rounded"] = table["test_accuracy_mean"].round(12)  # so that equal means of other order of seeds are equal
    table = table.iloc[order].sort_values(
        ["rounded", "test_loss_mean"], ascending=[False, True], kind="stable", ignore_index=True
    )
    table["rank"] = table["rounded"].rank(method="min", ascending=False, na_option="bottom").astype(int)
    columns = ["rank", *factors, "seeds", "trained", "diverged"]
    columns += [f"test_accuracy_{name}" for name in ("mean", "std", "low", "high")]
    columns += ["test_loss_mean", "best_valid_accuracy_mean", "valid_accuracy_area"]
    columns += [] if target is None else ["reached", "epochs_to_target"]
    return table[[*columns, *further]]
