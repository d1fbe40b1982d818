"""How the numbers of a table are written: decimal and thousands marks, percent and currency signs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from initbench.contracts import Array
from initbench.errors import DataError

GROUPS = {",": ",", ".": r"\.", " ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}  # spaces that do not break count, too
MARKS = {".": "a point", ",": "a comma", " ": "a space", "'": "an apostrophe"}
MINUS = str.maketrans("\u2212\u2013", "--")
CURRENCY = r"(?:[$€£¥₹₽₩]|USD|EUR|GBP|CHF|JPY|CAD|AUD|INR|CNY|BRL|kr|zł)"
BESIDE = re.compile(
    rf"(?P<sign>[+-]?)(?P<lead>{CURRENCY})?[ \u00a0\u202f]?(?P<body>[+-]?[0-9.,](?:.*[0-9.,])?)"
    rf"[ \u00a0\u202f]?(?P<tail>%|{CURRENCY})?"
)
EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
PLAIN = rf"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+){EXPONENT}"
"""A number that needs no decision: a point or nothing as decimal mark, no leading zeros, nothing beside it."""


class Style(NamedTuple):
    """How numbers are written: ``decimal`` is a point or a comma, ``thousands`` empty or a key of ``GROUPS``."""

    decimal: str
    thousands: str = ""


def _pattern(style: Style) -> str:
    grouped = rf"[1-9][0-9]{{0,2}}(?:{GROUPS[style.thousands]}[0-9]{{3}})+|" if style.thousands else ""
    mark = re.escape(style.decimal)
    return rf"[+-]?(?:(?:{grouped}[0-9]+)(?:{mark}[0-9]*)?|{mark}[0-9]+){EXPONENT}"


STYLES = tuple(Style(decimal, mark) for decimal in ".," for mark in ("", *GROUPS) if mark != decimal)
ONE_CELL = {style: re.compile(_pattern(style)) for style in STYLES}
ALL_CELLS = {style: re.compile(rf"(?:(?:{_pattern(style)})\n)*") for style in STYLES}
WHOLE = re.compile(rf"[+-]?[0-9]+{EXPONENT}")


def fitting_styles(cells: Sequence[str]) -> tuple[Style, ...]:
    """The styles in which every cell is a number.

    Examples
    --------
    >>> [style.thousands for style in fitting_styles(["1.250,5", "3"])]
    ['.']
    """
    text = "".join(f"{cell}\n" for cell in cells)
    return tuple(style for style in STYLES if ALL_CELLS[style].fullmatch(text))


def is_numeral(cell: str) -> bool:
    """Whether a cell, without a sign of percent or currency, is a number in some style.

    Examples
    --------
    >>> is_numeral("1'250.00 CHF"), is_numeral("1_250")
    (True, False)
    """
    body, _ = split_affix(cell.translate(MINUS))
    return any(pattern.fullmatch(body) for pattern in ONE_CELL.values())


def split_affix(cell: str) -> tuple[str, str]:
    """A number without the sign of percent or currency beside it, and that sign.

    Examples
    --------
    >>> split_affix("-$5"), split_affix("12 %"), split_affix("x")
    (('-5', '$'), ('12', '%'), ('x', ''))
    """
    found = BESIDE.fullmatch(cell)
    affix = (found["lead"] or found["tail"] or "") if found else ""
    return (found["sign"] + found["body"], affix) if found and affix else (cell, "")


def to_numbers(cells: Sequence[str], style: Style) -> Array:
    """The numbers that cells are in a style, as float64.

    Examples
    --------
    >>> to_numbers(["1.234,5", "2"], Style(",", ".")).tolist()
    [1234.5, 2.0]
    """
    text = "\n".join(cells)
    if style.thousands:
        text = re.sub(rf"(?<=[0-9]){GROUPS[style.thousands]}(?=[0-9])", "", text)
    return np.array(list(map(float, text.replace(style.decimal, ".").split("\n"))) if cells else [], dtype=float)


@dataclass(frozen=True)
class Numerals:
    """The distinct cells of a column all of which are numbers in some style.

    Attributes
    ----------
    column : str
    cells : tuple of str
        Without signs of percent and currency.
    lines : tuple of int
        Where each first stands in the file.
    """

    column: str
    cells: tuple[str, ...]
    lines: tuple[int, ...]

    def shown(self, index: int) -> str:
        """A cell and its place."""
        return f"'{self.cells[index]}' on line {self.lines[index]}"

    @property
    def marked(self) -> int | None:
        """The index of the first cell that has a mark; None where all are digits."""
        return next((i for i, cell in enumerate(self.cells) if not WHOLE.fullmatch(cell)), None)


def choose_styles(
    file: object,
    columns: Sequence[Numerals],
    *,
    points: str,
    separator: str,
    decimal: str | None,
    thousands: str | None,
) -> tuple[dict[str, Style], list[str]]:
    """Decide in which style the numbers of each column are read, one decimal mark for the whole file.

    A column with ``2,5`` or ``1.234,56`` shows the decimal mark. One with ``1,250`` alone may mean 1250 or 1.25 and is
    read as the others show. Where none does, a point is a decimal mark, and a comma is refused.

    Parameters
    ----------
    file : object
        What an error names.
    columns : sequence of Numerals
    points : str
        A column beside these whose decimal mark is a point; empty if there is none.
    separator : str
        Of the cells. Where it is a semicolon, the decimal mark is as often a comma.
    decimal, thousands : str or None
        As the config declares them.

    Returns
    -------
    styles : dict of str to Style
        By column.
    notes : list of str
        What was assumed.

    Raises
    ------
    DataError
        When cells contradict each other, or may be read in two ways.
    """
    allowed = [s for s in STYLES if decimal in (None, s.decimal) and thousands in (None, s.thousands)]
    open_columns: list[tuple[Numerals, int, dict[str, Style]]] = []
    shown: dict[str, str] = {".": f"column '{points}'"} if points else {}
    styles: dict[str, Style] = {}
    for column in columns:
        fits = [style for style in fitting_styles(column.cells) if style in allowed]
        if not fits:
            raise DataError(_contradiction(file, column, allowed))
        by_mark: dict[str, Style] = {}
        for style in fits:
            by_mark.setdefault(style.decimal, style)  # the first has no mark between thousands where none is needed
        styles[column.column], first = fits[0], column.marked
        if first is None:
            continue
        if len({tuple(to_numbers(column.cells[:1000], style)) for style in by_mark.values()}) > 1:
            open_columns.append((column, first, by_mark))
        elif len(by_mark) == 1:
            shown.setdefault(next(iter(by_mark)), f"{column.shown(first)}, column '{column.column}'")
    if len(shown) > 1:
        raise DataError(
            f"{file}: the decimal mark is a point in {shown['.']}, and a comma in {shown[',']}; "
            "write all numbers alike, or leave a column out with drop"
        )
    notes = []
    for column, first, by_mark in open_columns:
        mark = next(iter(shown), "")
        if not mark and separator != ";" and _has_decimals([other for other, _, _ in open_columns]):
            mark = "."
            notes.append(f"column '{column.column}': {column.shown(first)} is read with a point as decimal mark")
        if not mark:
            ways = " or ".join(f"{to_numbers([column.cells[first]], style)[0]:g}" for style in by_mark.values())
            cell = column.cells[first]
            raise DataError(
                f"{file}:{column.lines[first]}: column '{column.column}': '{cell}' may be {ways}; "
                f"declare decimal: '{'.' if '.' in cell else ','}' or thousands: '{'.' if '.' in cell else ','}'"
            )
        styles[column.column] = by_mark[mark]
    if "," in shown and decimal is None:
        notes.append(f"numbers have a comma as decimal mark, by {shown[',']}")
    for column in columns:
        mark = styles[column.column].thousands
        cell = next((c for c in column.cells if mark and re.search(GROUPS[mark], c)), "")
        if cell and thousands is None:
            value = to_numbers([cell], styles[column.column])[0]
            note = f"'{cell}' is read as {value:.12g}, with {MARKS[mark]} between thousands"
            notes.append(f"column '{column.column}': {note}")
    return styles, notes


def _has_decimals(columns: Sequence[Numerals]) -> bool:
    """Whether the points of columns such as 1.250, 3.125 are decimal marks.

    They are not shown to be where a comma or a whole number stands beside them, or all end in a zero.
    """
    cells = [cell for column in columns for cell in column.cells]
    return not any("," in cell or WHOLE.fullmatch(cell) for cell in cells) and not all(c[-1] == "0" for c in cells)


def _contradiction(file: object, column: Numerals, allowed: Sequence[Style]) -> str:
    """Two cells of a column that no style fits, or one that the declared marks do not fit."""
    left = list(allowed)
    witness = 0
    for i, cell in enumerate(column.cells):
        fits = [style for style in left if ONE_CELL[style].fullmatch(cell)]
        if not fits:
            if len(left) == len(allowed) and len(allowed) < len(STYLES):
                marks = f"the declared marks do not fit {column.shown(i)}"
                return f"{file}:{column.lines[i]}: column '{column.column}': {marks}; correct them, or the cell"
            return (
                f"{file}:{column.lines[i]}: column '{column.column}': {column.shown(i)} is written in another way than "
                f"{column.shown(witness)}; write all numbers of a file alike"
            )
        if len(fits) < len(left):
            left, witness = fits, i
    raise DataError(f"{file}: column '{column.column}' is not written in one way")
