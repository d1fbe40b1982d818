"""Tables of the report: each cell as the reader sees it, and the exact number that it is sorted by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from initbench.present.labels import setting_order, settings, show, swept, title
from initbench.present.tables import accuracy_view, comparison_view

MOST_ROWS = 3000  # of one table; the rest is in the CSV
PROSE = 48  # letters; longer texts are broken into lines
FEW_ROWS = 30  # more pairs than these open with those of the best initializer
SOURCES = {
    "test accuracy %": "test_accuracy_mean",
    "best valid %": "best_valid_accuracy_mean",
    "test loss": "test_loss_mean",
    "test AUC": "test_auc_mean",
    "difference, points": "difference",
    "adj. p": "p_adjusted",
    "P(better)": "probability_better",
    "Cliff's δ": "cliffs_delta",
    "test noise ±": "noise",
}
BAR_WIDTH, BAR_MARGIN = 120.0, 6.0  # units of the bar's own picture


class IntervalBar(NamedTuple):
    """Where an interval and a line of reference stand in a picture `BAR_WIDTH` wide; None for what is missing."""

    low: float | None
    mean: float | None
    high: float | None
    reference: float | None


class GridCell(NamedTuple):
    """One cell of a table."""

    text: str
    sort: str
    bar: IntervalBar | None = None


class GridRow(NamedTuple):
    """One row: its cells, the places of its setting and its initializers in the lists of the table, and a sentence."""

    cells: list[GridCell]
    setting: int
    initializers: list[int]
    sentence: str = ""


class GridColumn(NamedTuple):
    """The head of a column, and what its cells are: ``number``, ``text``, ``prose``, ``bar``, ``name`` or ``header``.

    A name is an initializer's; the first one heads the row.
    """

    title: str
    kind: str


class Grid(NamedTuple):
    """A table of the report."""

    caption: str
    facts: str
    columns: list[GridColumn]
    rows: list[GridRow]
    settings: list[str]
    initializers: list[str]
    note: str = ""
    chosen: str = ""


def accuracy_grid(accuracy: pd.DataFrame, factors: Sequence[str], chances: Sequence[float]) -> Grid:
    """The accuracy table, with a bar for each interval; ``chances`` are drawn in it if they are one."""
    facts, view = accuracy_view(accuracy)
    bars = _bars(
        accuracy["test_accuracy_low"],
        accuracy["test_accuracy_mean"],
        accuracy["test_accuracy_high"],
        chances[0] if len(chances) == 1 else None,
    )
    place = list(view).index("test accuracy %") + 1
    return _grid("Test accuracy", facts, view, accuracy, factors, ["initializer"], (place, "95 % interval", bars))


def evidence_grid(evidence: pd.DataFrame, factors: Sequence[str], leaders: Sequence[str], most_rows: int) -> Grid:
    """The comparison of pairs, with a bar for each interval and a sentence each; many pairs open with a leader's."""
    note = ""
    if len(evidence) > most_rows:
        with_leader = evidence[["better", "worse"]].isin(list(leaders)).any(axis=1)
        note = f"{min(most_rows, int(with_leader.sum())):,} of {len(evidence):,} pairs; all are in comparison.csv."
        evidence = evidence[with_leader].head(most_rows).reset_index(drop=True)
    facts, view = comparison_view(evidence)
    bars = _bars(evidence["low"], evidence["difference"], evidence["high"], 0.0)
    place = list(view).index("difference, points") + 1
    view.insert(place, "verdict", view.pop("verdict"))  # in sight on narrow screens too
    named = ["better", "worse"]
    grid = _grid("Paired comparisons", facts, view, evidence, factors, named, (place, "95 % interval", bars))
    rows = [row._replace(sentence=words) for row, words in zip(grid.rows, evidence["sentence"], strict=True)]
    return grid._replace(rows=rows, note=note, chosen=leaders[0] if len(rows) > FEW_ROWS else "")


def failure_grid(runs: pd.DataFrame, factors: Sequence[str]) -> Grid:
    """The cells that diverged or failed, with the epoch or the reason."""
    wrong = runs[runs["status"] != "ok"].reset_index(drop=True)
    keys = ["initializer", *swept(runs, factors)]
    view = pd.DataFrame({title(key): wrong[key].map(show) for key in keys})
    for name in ("seed", "status"):
        view[name] = wrong[name].map(str)
    view["diverged in epoch"] = ["" if pd.isna(epoch) else f"{epoch:.0f}" for epoch in wrong["diverged_epoch"]]
    view["reason"] = wrong["error"].fillna("").map(str)
    view["cell"] = wrong["cell"]
    note = f"The first {MOST_ROWS:,} of {len(view):,}; all are in runs.csv." if len(view) > MOST_ROWS else ""
    some, named = wrong.head(MOST_ROWS), ["initializer"]
    return _grid("Diverged and failed cells", "", view.head(MOST_ROWS), some, factors, named)._replace(note=note)


def plain_grid(caption: str, frame: pd.DataFrame, factors: Sequence[str]) -> Grid:
    """Any table as it stands, with floats to four digits; factors that are the same in all rows are written once."""
    shown = frame.head(MOST_ROWS).reset_index(drop=True)
    known = [key for key in factors if key in shown and key != "initializer"]
    constant = [key for key in known if key not in swept(shown, known)]
    facts = " · ".join(f"{title(key)} {show(shown[key].iloc[0])}" for key in constant)
    rest = shown.drop(columns=constant)
    view = pd.DataFrame({title(str(name)): [_short(value) for value in rest[name]] for name in rest})
    named = [name for name in ("initializer", "better", "worse", "leader") if name in rest]
    note = f"The first {MOST_ROWS:,} of {len(frame):,} rows." if len(frame) > MOST_ROWS else ""
    return _grid(caption, facts, view, rest, factors, named)._replace(note=note)


def _grid(
    caption: str,
    facts: str,
    view: pd.DataFrame,
    source: pd.DataFrame,
    factors: Sequence[str],
    named: list[str],
    bars: tuple[int, str, list[IntervalBar]] | None = None,
) -> Grid:
    """A view with the numbers behind it; ``bars`` say before which column they go, and what heads them."""
    keys = swept(source, [f for f in factors if f in source])
    order = setting_order(source, keys) if len(source) else [""]
    places = {words: i for i, words in enumerate(order)}
    at = [places[words] for words in settings(source, keys)] if len(source) else []
    columns = [GridColumn(str(name), _kind(str(name), view[name], named)) for name in view]
    sorts = [_sort_values(str(name), view[name], source) for name in view]
    names = source[named].astype(str)
    initializers = sorted(set(names.to_numpy().ravel().tolist()))
    index = {name: i for i, name in enumerate(initializers)}
    rows = []
    texts = view.itertuples(index=False, name=None)
    for i, (row, setting, some) in enumerate(zip(texts, at, names.to_numpy().tolist(), strict=True)):
        cells = [GridCell(str(text), sort[i]) for text, sort in zip(row, sorts, strict=True)]
        if bars:
            cells.insert(bars[0], GridCell("", "", bars[2][i]))
        rows.append(GridRow(cells, setting, [index[name] for name in some]))
    if bars:
        columns.insert(bars[0], GridColumn(bars[1], "bar"))
    return Grid(caption, facts, columns, rows, order, initializers)


def _kind(name: str, texts: pd.Series[str], named: list[str]) -> str:
    if name in named:
        return "header" if name == named[0] else "name"
    if all(str(text)[:1].isdigit() or str(text)[:1] in "-<±" for text in texts):  # as text tables align
        return "number"
    return "prose" if texts.map(lambda text: len(str(text)) > PROSE).any() else "text"


def _sort_values(name: str, texts: pd.Series[str], source: pd.DataFrame) -> list[str]:
    """What a column is sorted by: the number behind its text where there is one, else the text."""
    column = SOURCES.get(name, name.replace(" ", "_"))
    if column not in source or not pd.api.types.is_numeric_dtype(source[column]):
        return [str(text) for text in texts]
    return ["" if pd.isna(value) else repr(value) for value in source[column].tolist()]


def _bars(
    low: pd.Series[float], mean: pd.Series[float], high: pd.Series[float], reference: float | None
) -> list[IntervalBar]:
    """Intervals on one axis from the lowest to the highest end of all, and the reference if it lies between."""
    ends = [*pd.concat([low, mean, high]).dropna().tolist(), *([reference] if reference is not None else [])]
    least, most = min(ends, default=0.0), max(ends, default=1.0)

    def place(value: float | None) -> float | None:
        if value is None or value != value:
            return None
        return round(BAR_MARGIN + (BAR_WIDTH - 2 * BAR_MARGIN) * (value - least) / ((most - least) or 1.0), 1)

    return [
        IntervalBar(place(a), place(b), place(c), place(reference)) for a, b, c in zip(low, mean, high, strict=True)
    ]


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_short, value))
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
