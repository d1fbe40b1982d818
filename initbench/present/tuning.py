"""What tuning chose, in words."""

from __future__ import annotations

import pandas as pd

from initbench.present.labels import show, swept, title
from initbench.present.tables import READERS


def describe_tuning(tuning: pd.DataFrame, tried: pd.DataFrame, seeds: str) -> str:
    """One line per initializer, setting and tuned key; then warnings.

    Parameters
    ----------
    tuning, tried : DataFrame
        With the columns of tuning.csv and tried.csv.
    seeds : str
        Those that chose, in words.

    Returns
    -------
    str
        Ends with a line break.
    """
    columns = list(tuning.columns)
    keys = swept(tuning, columns[: columns.index("key")])
    view = {"initializer": tuning["initializer"], **{title(key): tuning[key].map(show) for key in keys}}
    can, shares = tuning["valid_accuracy_tuned"].notna(), tuning["valid_accuracy_common"].notna()
    view["tuned key"] = tuning["key"].map(title)
    view["own best"] = tuning["tuned"].map(show).where(can, "")
    view["valid %"] = _percent(tuning["valid_accuracy_tuned"])
    view["common"] = tuning["common"].map(show).where(tuning["common"].notna() | shares, "")
    view["valid % there"] = _percent(tuning["valid_accuracy_common"])
    ends = tuning["usable_low"].map(show) + " to " + tuning["usable_high"].map(show)
    ratio = tuning["usable_ratio"].map(" (×{:.3g})".format).where(tuning["usable_ratio"].notna(), "")
    view["within 1 % of its best"] = (ends + ratio).where(tuning["learns"], "does not learn at any").where(can, "")
    caption = f"tuned by validation accuracy after the last epoch, mean of seeds {seeds}"
    return READERS["text"](pd.DataFrame(view), "", caption) + "".join(f"{line}\n" for line in _warnings(tuning, tried))


def _percent(shares: pd.Series[float]) -> pd.Series[str]:
    return (100 * shares).map("{:.1f}".format).where(shares.notna(), "")


def _warnings(tuning: pd.DataFrame, tried: pd.DataFrame) -> list[str]:
    """Choices at an edge of the grid, and values that could not be chosen."""
    lines = []
    for column, edge in (("tuned", "edge"), ("common", "common_edge")):
        at_edge = tuning[tuning[edge].notna()]
        for (key, end), rows in list(at_edge.groupby(["key", edge], sort=False)):
            values = ", ".join(rows[column].map(show).unique())
            names = ", ".join(rows["initializer"].unique())
            whose = f"the best of {names}" if column == "tuned" else "the best common one"
            lines.append(f"{str(key).replace('_', ' ')} {values} is {whose} and the {end} tried: widen the grid")
    failed = tried.loc[tried["failed"] > 0, "failed"]
    if len(failed):
        lines.append(
            f"{failed.sum()} tuning cells failed; the values that they tried ({len(failed)}) could not be chosen"
        )
    for column, whose in (("tuned", "own"), ("common", "common")):
        lacking = tuning.loc[tuning[f"valid_accuracy_{column}"].isna(), "initializer"].unique()
        if len(lacking):
            lines.append(f"no {whose} value could be chosen for {', '.join(lacking)}: a cell failed at each")
    return lines
