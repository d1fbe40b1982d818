"""What tuning chose, in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from initbench.present.labels import settings, show, swept, title
from initbench.present.tables import READERS


def add_words(tuning: pd.DataFrame, own: pd.DataFrame, common: pd.DataFrame) -> pd.DataFrame:
    """Add ``chosen`` and ``chosen_common`` to the tuning table: which values were chosen, and at how many seeds.

    Parameters
    ----------
    tuning : DataFrame
        As `initbench.analysis.tuning.tuning_table` gives it.
    own, common : DataFrame
        How often each value was chosen, as `initbench.analysis.tuning.how_often` gives it.
    """
    head = list(tuning.columns[: list(tuning.columns).index("tuned")])
    table = tuning.copy()
    for after, name, often in (("tuned_share", "chosen", own), ("common_share", "chosen_common", common)):
        rows: dict[tuple[str, ...], list[Mapping[Hashable, Any]]] = {}
        for row in often.to_dict("records"):
            rows.setdefault(tuple(show(row[column]) for column in head), []).append(row)
        words = [chosen_words(rows.get(tuple(map(show, of)), [])) for of in tuning[head].itertuples(index=False)]
        table.insert(list(table.columns).index(after) + 1, name, words)
    return table


def chosen_words(often: Sequence[Mapping[Hashable, Any]]) -> str | None:
    """The values that were chosen, and at how many seeds; None where nothing could be chosen.

    Parameters
    ----------
    often : sequence of mapping
        ``value, chosen, seeds, lacking``, the value chosen most often first.

    Examples
    --------
    >>> seeds = {"seeds": 10, "lacking": 1}
    >>> chosen_words([{"value": 0.1, "chosen": 7} | seeds, {"value": 0.03, "chosen": 2} | seeds])
    '0.1 in 7 of 10 seeds, 0.03 in 2, nothing in 1'
    """
    if not often:
        return None
    words = [f"{show(row['value'])} in {row['chosen']}" for row in often]
    seeds, lacking = often[0]["seeds"], often[0]["lacking"]
    words[0] += f" of {seeds} seed{'s' if seeds > 1 else ''}"
    return ", ".join([*words, *([f"nothing in {lacking}"] if lacking else [])])


def describe_tuning(tuning: pd.DataFrame, tried: pd.DataFrame, tuning_count: int | None) -> str:
    """A line an initializer, setting and tuned key; the common values; then what to beware of.

    Parameters
    ----------
    tuning, tried : DataFrame
        With the columns of tuning.csv and tried.csv.
    tuning_count : int or None
        How many tuning seeds each reporting seed has; None where one choice was made for all.

    Returns
    -------
    str
        Ends with a line break.
    """
    columns = list(tuning.columns)
    keys = swept(tuning, [name for name in columns[: columns.index("key")] if name != "initializer"])
    tuned = [title(key) for key in tuning["key"].unique()]
    view = {"initializer": tuning["initializer"], **{title(key): tuning[key].map(show) for key in keys}}
    if len(tuned) > 1:
        view["tuned key"] = tuning["key"].map(title)
    view["chosen"] = tuning["chosen"].fillna("")
    accuracy = tuning["valid_accuracy_tuned"]
    view["valid %"] = (100 * accuracy).map("{:.1f}".format).where(accuracy.notna(), "")
    ends = tuning["usable_low"].map(show) + " to " + tuning["usable_high"].map(show)
    ratio = tuning["usable_ratio"].map(" (×{:.3g})".format).where(tuning["usable_ratio"].notna(), "")
    usable = (ends + ratio).where(tuning["learns"], "does not learn at any").where(accuracy.notna(), "")
    view["within 1 % of its best"] = usable
    by = "validation accuracy after the last epoch"
    if tuning_count is None:
        caption = f"{' and '.join(tuned)} tuned once for all seeds, by {by}; run it again to tune each seed"
    else:
        own = "a tuning seed of its own" if tuning_count == 1 else f"{tuning_count} tuning seeds of its own"
        caption = f"{' and '.join(tuned)} tuned for each seed by {by}, on {own}"
    lines = [*_common(tuning, keys), *_warnings(tuning, tried)]
    return READERS["text"](pd.DataFrame(view), "", caption) + "".join(f"{line}\n" for line in lines)


def _common(tuning: pd.DataFrame, keys: Sequence[str]) -> list[str]:
    """The values that suit all initializers of a setting best together, a line a setting and key."""
    shared = tuning[tuning["chosen_common"].notna()]
    where = settings(shared, keys).where(lambda words: words == "", lambda words: " · " + words)
    lines = "common " + shared["key"].map(title) + where + ": " + shared["chosen_common"]
    return list(lines.unique())


def _warnings(tuning: pd.DataFrame, tried: pd.DataFrame) -> list[str]:
    """Choices at an edge of the grid, and values that could not be chosen."""
    lines = []
    for column, edge in (("tuned", "edge"), ("common", "common_edge")):
        at_edge = tuning[tuning[edge].notna()]
        for (key, end), rows in list(at_edge.groupby(["key", edge], sort=False)):
            values = ", ".join(rows[column].map(show).unique())
            names = ", ".join(rows["initializer"].unique())
            whose = f"the best of {names}" if column == "tuned" else "the best common one"
            more = f"{whose} more often than any other and the {end} tried: widen the grid"
            lines.append(f"{title(str(key))} {values} is {more}")
    failed = tried.loc[tried["failed"] > 0, "failed"]
    if len(failed):
        those = f"the values that they tried ({len(failed)}) could not be chosen at their seeds"
        lines.append(f"{failed.sum()} tuning cells failed; {those}")
    for column, whose in (("tuned", "own"), ("common", "common")):
        lacking = tuning.loc[tuning[f"valid_accuracy_{column}"].isna(), "initializer"].unique()
        if len(lacking):
            lines.append(f"no {whose} value could be chosen for {', '.join(lacking)}: a cell failed at each")
    return lines
