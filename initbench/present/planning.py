"""How many seeds a difference needs, in sentences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from initbench.present.labels import points, seeds_words, settings, swept

FEW = 15  # seeds; below, the interval of a comparison is longer than Student's


def plan_sentences(table: pd.DataFrame, detect: float, power: float) -> list[str]:
    """The results of a plan, the pair that needs most seeds first.

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
        A sentence each on the pair that takes most seeds and on the two best of its setting, where these are not the
        same; the last one on all pairs.
    """
    columns = list(table.columns)
    where = settings(table, swept(table, columns[: columns.index("better")])).tolist()
    rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    known = table.index[table["std"].notna()].tolist()
    worst = max(known, key=lambda place: rows[place]["std"])
    best = where.index(where[worst])
    sentences = [f"{where[worst]}: " if where[worst] else ""]
    sentences[0] += _pair(rows[worst], detect)
    if best in known and best != worst:
        sentences.append(f"the two best {'there' if where[worst] else 'of them'}: {_pair(rows[best], detect)}")
    pairs = "the pair" if len(known) == 1 else f"each of {len(known)} pairs"
    most, upper = (seeds_words(table[name].max()) for name in ("needed_adjusted", "needed_adjusted_upper"))
    sentences.append(
        f"detecting it for {pairs}, at 0.05 / {len(known)} (Bonferroni, the first step of"
        f" Holm): {most} (upper bound: {upper})"
    )
    sentences.append(f"paired t test, two-sided, power {power:g}; in brackets for the upper 80 % bound of the spread")
    if table[["needed", "seeds"]].min().min() < FEW:
        sentences.append(f"below {FEW} seeds take a few more: the verdict of a comparison also asks for its interval")
    return [f"{sentence}." for sentence in sentences]


def _pair(row: dict[str, Any], detect: float) -> str:
    return (
        f"detecting {points(detect)} between {row['better']} and {row['worse']} takes"
        f" {seeds_words(row['needed'])} (upper bound: {seeds_words(row['needed_upper'])});"
        f" with {row['seeds']} this run could detect {100 * row['detectable']:.2g} points"
    )
