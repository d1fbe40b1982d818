"""Tables as text: whole and exact for programs (csv, json), rounded for readers (text, markdown, latex)."""

from __future__ import annotations

import csv
import io
import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from initbench.errors import UsageError
from initbench.present.alignment import align_columns, is_number
from initbench.present.labels import TEXT_COLUMNS, decimals, interval, p_words, percent, points, rounded, show, title

COUNTS = {"rank", "seed", "seeds", "epoch", "epochs", "best_epoch", "diverged_epoch", "trained", "diverged", "reached"}
COUNTS |= {"steps_to_target", "needed", "needed_upper", "needed_adjusted", "needed_adjusted_upper", "seeds_to_show"}
LATEX = {c: f"\\{c}" for c in "_%&#${}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "δ": r"$\delta$",
}


def render_table(table: pd.DataFrame, format: str, *, caption: str = "") -> str:
    """A table as text.

    Parameters
    ----------
    table : DataFrame
        With the columns of accuracy.csv, comparison.csv or a plan of seeds, or any other; the latter is shown as it
        stands.
    format : str
        ``csv`` and ``json`` hold every column at full precision; ``text``, ``markdown`` and ``latex`` (booktabs) are
        for reading: rounded, with the columns that are the same in each row written once above. LaTeX has the best
        accuracy of each setting in bold.
    caption : str
        Stands above; csv and json have no place for it.

    Returns
    -------
    str
        Ends with a line break.

    Raises
    ------
    UsageError
        When there is no such format.
    """
    if format == "csv":
        return csv_text(table)
    if format == "json":
        records = [dict(zip(table.columns, row, strict=True)) for row in _rows(table)]
        return json.dumps(records, indent=2, ensure_ascii=False) + "\n"
    if format not in READERS:
        raise UsageError(f"unknown table format {format!r}; one of: {', '.join(FORMATS)}")
    if "test_accuracy_mean" in table and not table["seeds"].any() and format != "latex":
        return "\n\n".join(filter(None, [caption, "no cell has finished"])) + "\n"
    if "test_accuracy_mean" in table:
        facts, view = accuracy_view(table)
    elif "detectable" in table:
        facts, view = plan_view(table)
    elif "better" in table:
        facts, view = comparison_view(table)
    else:
        facts, view = "", pd.DataFrame({title(str(c)): [_or_empty(v, show) for v in table[c]] for c in table})
    if "test_accuracy_mean" in table and format == "latex":
        return _latex(view, facts, caption, {"test accuracy %": _are_best(table)})
    return READERS[format](view, facts, caption)


def _are_best(table: pd.DataFrame) -> list[bool]:
    """Whether a row of the accuracy table has the highest mean of its setting."""
    columns = list(table.columns)
    keys = [key for key in columns[1 : columns.index("seeds")] if key != "initializer"]
    means = table["test_accuracy_mean"].round(12)
    return (means == means.groupby([table[key] for key in keys], dropna=False).transform("max")).tolist()


def csv_text(frame: pd.DataFrame) -> str:
    r"""A table as CSV (RFC 4180, but ``\n`` ends a line).

    Parameters
    ----------
    frame : DataFrame
        Its index is left out.

    Returns
    -------
    str
        Missing and non-finite values are empty fields, floats the shortest text that reads back the same, counts whole
        even in a column that is float for the sake of a missing value. Text that a spreadsheet would run as a formula
        gets a leading apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(_rows(frame, _harmless))
    return out.getvalue()


def _rows(frame: pd.DataFrame, text: Callable[[Any], Any] = lambda value: value) -> zip[tuple[Any, ...]]:
    """The rows in Python's own types, None for what is missing; ``text`` is applied to columns that may hold text."""
    columns = []
    for name in frame.columns:
        column = frame[name]
        if not pd.api.types.is_numeric_dtype(column):
            codes, distinct = pd.factorize(column)
            known = [*map(text, distinct), None]  # the code of a missing value is -1
            values = [known[code] for code in codes.tolist()]
        elif pd.api.types.is_float_dtype(column):
            finite = column.where(np.isfinite(column), 0)
            is_whole = name in COUNTS and not (finite % 1).any()  # a median of steps may lie between two
            values = list(map(int, finite)) if is_whole else column.tolist()
            for missing in np.flatnonzero(~np.isfinite(column.to_numpy(dtype=float))).tolist():
                values[missing] = None
        else:
            values = column.tolist()
        columns.append(values)
    return zip(*columns, strict=True)


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def accuracy_view(accuracy: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """The accuracy table as a reader wants it.

    Parameters
    ----------
    accuracy : DataFrame
        With the columns of accuracy.csv; accuracies are fractions.

    Returns
    -------
    facts : str
        The factors that are the same in every row, ``dataset mnist-10k · depth 20``; may be empty.
    view : DataFrame of str
        The other factors and the results; accuracies in percent, the test accuracy with its interval.
    """
    columns = list(accuracy.columns)
    facts, view = _factors(accuracy, columns[1 : columns.index("seeds")])
    view.insert(0, "rank", accuracy["rank"].map(str))
    view["test accuracy %"] = _intervals(accuracy, "test_accuracy_mean", "test_accuracy_low", "test_accuracy_high")
    view["best valid %"] = [_or_empty(v, percent) for v in accuracy["best_valid_accuracy_mean"]]
    view["test loss"] = [_or_empty(v, _three_digits) for v in accuracy["test_loss_mean"]]
    for count in [name for name in ("trained", "diverged", "reached") if name in accuracy]:
        view[count] = [f"{some}/{seeds}" for some, seeds in zip(accuracy[count], accuracy["seeds"], strict=True)]
    if "epochs_to_target" in accuracy:
        view["epochs to target"] = [_or_empty(v, show) for v in accuracy["epochs_to_target"]]
    if "test_auc_mean" in accuracy:
        view["test AUC"] = [_or_empty(v, "{:.3f}".format) for v in accuracy["test_auc_mean"]]
    if "steps_to_target" in accuracy:
        view["steps to target"] = [_or_empty(v, show) for v in accuracy["steps_to_target"]]
    return facts, view


def comparison_view(comparison: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """The comparison as a reader wants it; like `accuracy_view`, with differences in percentage points."""
    columns = list(comparison.columns)
    factors = columns[: columns.index("better")]
    facts, view = _factors(comparison, [*factors, "seeds"])
    view = pd.concat([comparison[["better", "worse"]], view], axis=1)
    if "better_score" in comparison:
        ends = zip(comparison["difference"], comparison["low"], comparison["high"], strict=True)
        view["difference"] = ["" if pd.isna(mean) else rounded(mean, low, high) for mean, low, high in ends]
    else:
        view["difference, points"] = _intervals(comparison, "difference", "low", "high")
    view["p"] = [_or_empty(v, p_words) for v in comparison["p"]]
    view["adj. p"] = [_or_empty(v, p_words) for v in comparison["p_adjusted"]]
    view["P(better)"] = [_or_empty(v, "{:.2f}".format) for v in comparison["probability_better"]]
    if "cliffs_delta" in comparison:
        view["Cliff's δ"] = [_or_empty(v, "{:.2f}".format) for v in comparison["cliffs_delta"]]
    if "noise" in comparison:
        marks = comparison["within_noise"].map({True: " !", False: ""})
        view["test noise ±"] = [_or_empty(v, percent) + m for v, m in zip(comparison["noise"], marks, strict=True)]
    view["verdict"] = comparison["verdict"]
    if "margin" in comparison and comparison["margin"].notna().any():
        margin = comparison["margin"].iloc[0]
        facts += " · " * bool(facts) + f"margin {f'{margin:g}' if 'better_score' in comparison else points(margin)}"
    return facts, view


def render_training(comparison: pd.DataFrame, format: str) -> str:
    """How many seeds of each pair train, and the difference of the shares, as text or Markdown.

    Empty where every seed of every pair trains, or none does, and of anyone's runs.
    """
    if "better_trained" not in comparison:
        return ""
    trained, seeds = comparison["better_trained"] + comparison["worse_trained"], comparison["seeds"]
    rows = comparison[(trained > 0) & (trained < 2 * seeds)]
    columns = list(comparison.columns)
    _, view = _factors(comparison, columns[: columns.index("better")])
    view = pd.concat([comparison[["better", "worse"]], view], axis=1).loc[rows.index]
    for side in ("better", "worse"):
        view[f"{side} trains"] = [f"{k} of {n}" for k, n in zip(rows[f"{side}_trained"], rows["seeds"], strict=True)]
    view["difference of shares, points"] = _intervals(rows, "trained_difference", "trained_low", "trained_high")
    view["McNemar's p"] = [_or_empty(v, p_words) for v in rows["trained_p"]]
    view["adj. p"] = [_or_empty(v, p_words) for v in rows["trained_p_adjusted"]]
    return READERS[format](view, "", "Seeds that train:") if len(view) else ""


def plan_view(plan: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """A plan of seeds as a reader wants it, the top contenders first; like `comparison_view`.

    In brackets stands the number for the upper bound of the spread.
    """
    columns = list(plan.columns)
    plan = plan.sort_values("std", ascending=False, kind="stable").sort_values("standing", kind="stable")
    plan = plan.reset_index(drop=True)
    facts, view = _factors(plan, [*columns[: columns.index("better")], "seeds"])
    view = pd.concat([plan[["better", "worse"]], view], axis=1)
    view["spread, points"] = _bounded(plan, "std", _two_digits)
    for name, head in {"": "", "_adjusted": ", all pairs"}.items():
        view[f"seeds needed{head}"] = _bounded(plan, f"needed{name}", _count)
        view[f"could see, points{head}"] = [_or_empty(v, _two_digits) for v in plan[f"detectable{name}"]]
    view["standing"] = plan["standing"].astype(str)
    return facts, view


def _bounded(plan: pd.DataFrame, name: str, text: Callable[[Any], str]) -> list[str]:
    """A column with its upper bound in brackets."""
    ends = zip(plan[name], plan[f"{name}_upper"], strict=True)
    return ["" if pd.isna(value) else f"{text(value)} [{text(upper)}]" for value, upper in ends]


def _two_digits(fraction: float) -> str:
    return "none" if fraction == np.inf else f"{100 * fraction:#.2g}".rstrip(".")


def _count(value: float) -> str:
    return f"{value:.0f}" if value < np.inf else ">1,000,000"


def _factors(table: pd.DataFrame, factors: list[str]) -> tuple[str, pd.DataFrame]:
    """What is constant as one line, the rest as columns; an initializer is always a column."""
    constant = [key for key in factors if key != "initializer" and table[key].nunique(dropna=False) == 1]
    facts = " · ".join(f"{title(key)} {show(table[key].iloc[0])}" for key in constant)
    return facts, pd.DataFrame({title(key): table[key].map(show) for key in factors if key not in constant})


def _intervals(table: pd.DataFrame, mean: str, low: str, high: str) -> list[str]:
    digits = decimals(table[low], table[high])
    ends = [f" {interval(a, b, digits)}" if a == a else "" for a, b in zip(table[low], table[high], strict=True)]
    return [_or_empty(v, lambda v: percent(v, digits)) + end for v, end in zip(table[mean], ends, strict=True)]


def _or_empty(value: Any, text: Callable[[Any], str]) -> str:
    return "" if pd.isna(value) else text(value)


def _three_digits(value: float) -> str:
    return f"{value:#.3g}".rstrip(".")


def _text(view: pd.DataFrame, facts: str, caption: str) -> str:
    unbroken = facts.replace(" ", "\u00a0").replace("\u00a0·\u00a0", " ·\u00a0")  # a line may end only before a dot
    above = [caption, textwrap.fill(unbroken, TEXT_COLUMNS).replace("\u00a0", " ")]
    lines = [*filter(None, above), *align_columns((str(name), list(cells)) for name, cells in view.items())]
    return "".join(line.rstrip() + "\n" for line in lines)


def _markdown(view: pd.DataFrame, facts: str, caption: str) -> str:
    above = "".join(f"{markdown_cell(line)}\n\n" for line in (caption, facts) if line)
    rule = ["--:" if is_number(view[name]) else ":--" for name in view]
    rows = [
        map(markdown_cell, view.columns),
        rule,
        *(map(markdown_cell, row) for row in view.itertuples(index=False)),
    ]
    return above + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def markdown_cell(text: str) -> str:
    """Text as a cell of Markdown that shows it as it is: no markup, no link, no formula."""
    plain = re.sub(r"[\\|<>*`&$~]|(?<!\w)_|_(?!\w)|\](?=[(\[:])", r"\\\g<0>", text)
    return re.sub(r"\s+", " ", plain)


def _latex(view: pd.DataFrame, facts: str, caption: str, bold: Mapping[str, Sequence[bool]] | None = None) -> str:
    told = ". ".join(_latex_cell(line.rstrip(".")) for line in (caption, facts) if line)
    align = "".join("r" if is_number(view[name]) else "l" for name in view)
    columns = []
    for name, texts in view.items():
        marks = (bold or {}).get(str(name), [False] * len(view))
        cells = zip(map(_latex_cell, texts), marks, strict=True)
        columns.append([rf"\textbf{{{cell}}}" if is_bold else cell for cell, is_bold in cells])
    lines = [
        r"\begin{table}",
        r"\centering",
        *([rf"\caption{{{told}}}"] if told else []),
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        " & ".join(map(_latex_cell, view.columns)) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in zip(*columns, strict=True)),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex_cell(text: str) -> str:
    guard = "{}" if text[:1] in ("[", "*") else ""  # after the end of a row these would be its options
    return guard + "".join(LATEX.get(character, character) for character in " ".join(text.split()))


READERS = {"text": _text, "markdown": _markdown, "latex": _latex}
FORMATS = (*READERS, "csv", "json")
