"""How many seeds a difference needs, in sentences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from initbench.present.labels import percent, points, seeds_words, settings, swept

UNDECIDED = ("contenders", "open")  # standings of pairs
FEW = 15  # seeds; below, the interval of a comparison is longer than Student's


def plan_sentences(table: pd.DataFrame, detect: float, power: float) -> list[str]:
    """The results of a plan, the pair that matters most first.

    Parameters
    ----------
    table : DataFrame
        Of `initbench.analysis.planning.plan_table`; a pair of it has two seeds at least.
    detect : float
        The difference to see (a fraction).
    power : float

    Returns
    -------
    list of str
        A sentence each on the two best of the top contenders, or where there are none of the next standing, and on the
        two of them that take most seeds, where these are not the same; then on all pairs without a verdict.
    """
    columns = list(table.columns)
    where = settings(table, swept(table, columns[: columns.index("better")])).tolist()
    rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    known = table[table["std"].notna()]
    standing = known["standing"].min()
    top = known[known["standing"] == standing]
    best, worst = top.index[0], top["std"].idxmax()
    sentences = [(f"{where[best]}: " if where[best] else "") + _pair(rows[best], detect)]
    if worst != best and standing in UNDECIDED:
        place = f", {where[worst]}" if where[worst] else ""
        sentences.append(f"most seeds of such pairs{place}: {_pair(rows[worst], detect)}")
    undecided = known[known["standing"].isin(UNDECIDED)]
    if undecided.empty:
        sentences.append("no initializer is shown to train" if standing == "at chance" else "no pair is left undecided")
    some = known if undecided.empty else undecided
    pairs = "the pair" if len(some) == 1 else f"each of {len(some)} pairs"
    pairs += "" if len(some) == len(known) else " without a verdict"
    most, upper = (seeds_words(some[name].max()) for name in ("needed_adjusted", "needed_adjusted_upper"))
    sentences.append(
        f"detecting it for {pairs}, at 0.05 / {len(known)} (Bonferroni, the first step of"
        f" Holm): {most} (upper bound: {upper})"
    )
    sentences.append(f"paired t test, two-sided, power {power:g}; in brackets for the upper 80 % bound of the spread")
    if some[["needed", "seeds"]].min().min() < FEW:
        sentences.append(f"below {FEW} seeds take a few more: the verdict of a comparison also asks for its interval")
    return [f"{sentence}." for sentence in sentences]


def _pair(row: dict[str, Any], detect: float) -> str:
    apart = f"{percent(row['difference'], 2).rstrip('0').rstrip('.')} points apart"
    standing = {
        "contenders": f"top contenders {apart} so far",
        "open": f"{apart} so far",
        "decided": f"{apart} and decided already",
        "at chance": "both at chance",
    }[row["standing"]]
    same = "; the difference is the same at every seed, so these show no spread" if row["std"] == 0 else ""
    n = row["seeds_to_show"]
    enough = f"; its seeds agree but are too few: {n:.0f} like them would show that difference" if n == n else ""
    could = f"{100 * row['detectable']:.2g} points" if row["detectable"] < float("inf") else "no difference at all"
    return (
        f"detecting {points(detect)} between {row['better']} and {row['worse']}, {standing}, takes"
        f" {seeds_words(row['needed'])} (upper bound: {seeds_words(row['needed_upper'])});"
        f" with {row['seeds']} this run could detect {could}{same}{enough}"
    )
