"""How factors, values and results are written in tables, figures and sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, log10
from typing import Any

import numpy as np
import pandas as pd

from initbench.errors import printable

TEXT_COLUMNS = 100  # letters in a line for a terminal
MOST_PLACES = 6  # after the decimal point; numbers that take more are written with an exponent
LARGE = 1e9  # from here on, too
NARROW = 0.001  # half of an interval; below it, tenths of a percent hide what it says


def show(value: Any) -> str:
    """A value of a factor as a reader sees it.

    Examples
    --------
    >>> show(0.050), show(20.0), show("512-256-64"), show(None)
    ('0.05', '20', '512-256-64', 'none')
    >>> show(1e10), show(1234567.0)
    ('1e+10', '1234567')
    """
    if pd.isna(value):
        return "none"
    if not isinstance(value, float):
        return printable(str(value))
    is_short = abs(value) >= 1e6 and float(f"{value:g}") == value  # no two values may read alike
    return f"{value:g}" if is_short else f"{value:.12g}"


def decimals(low: Any, high: Any) -> int:
    """How many decimals percentages need so that their intervals are not rounded to nothing: 2 where one is narrow.

    Parameters
    ----------
    low, high : array_like
        Ends of the intervals (fractions); nan and empty intervals do not count.

    Examples
    --------
    >>> decimals([0.90, 0.11], [0.92, 0.11]), decimals([0.9805], [0.9811])
    (1, 2)
    """
    half = (np.asarray(high, dtype=float) - np.asarray(low, dtype=float)) / 2
    return 2 if np.any((half > 1e-9) & (half < NARROW)) else 1


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction in percent, without the sign.

    Examples
    --------
    >>> percent(0.98055), percent(0.98055, 2), percent(-0.0001)
    ('98.1', '98.06', '0.0')
    """
    number = f"{100 * fraction:.{digits}f}"
    return number if float(number) else number.removeprefix("-")


def rounded(value: float, low: float, high: float) -> str:
    """A number of any unit and its interval, to two digits of half the interval; without one, to four digits.

    Examples
    --------
    >>> rounded(0.034217, 0.0211, 0.0473), rounded(12345.6, 11000, 13700), rounded(3.4e-7, 2.1e-7, 4.7e-7)
    ('0.034 [0.021, 0.047]', '12346 [11000, 13700]', '3.4e-07 [2.1e-07, 4.7e-07]')
    >>> rounded(3.42e12, 2.1e12, 4.7e12)
    '3.4e+12 [2.1e+12, 4.7e+12]'
    >>> rounded(0.3, float("nan"), float("nan")), rounded(0.2, 0.2, 0.2)
    ('0.3', '0.2 [0.2, 0.2]')
    """
    half = (high - low) / 2
    has_width = half > 1e-9 * max(abs(low), abs(high))
    places = 1 - floor(log10(half)) if has_width else 0

    def text(number: float) -> str:
        if not has_width:
            return f"{number:.4g}"
        if places > MOST_PLACES or abs(number) >= LARGE:
            return f"{number:.{max(1, floor(log10(max(abs(number), half))) + places + 1)}g}"
        shown = f"{number:.{max(places, 0)}f}"
        return shown if float(shown) else shown.removeprefix("-")

    return text(value) + (f" [{text(low)}, {text(high)}]" if low == low else "")


def points(fraction: float) -> str:
    """A difference of fractions in percentage points.

    Examples
    --------
    >>> points(0.05), points(0.01)
    ('5 points', '1 point')
    """
    number = f"{100 * fraction:g}"
    return f"{number} point{'' if number == '1' else 's'}"


def p_words(value: float) -> str:
    """A p-value.

    Examples
    --------
    >>> p_words(0.0312), p_words(1e-5)
    ('0.031', '<0.001')
    """
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def interval(low: float, high: float, digits: int = 1) -> str:
    """An interval in percent.

    Examples
    --------
    >>> interval(0.1, 0.25)
    '[10.0, 25.0]'
    """
    return f"[{percent(low, digits)}, {percent(high, digits)}]"


def seeds_words(count: float) -> str:
    """A number of seeds in words.

    Examples
    --------
    >>> seeds_words(23.0), seeds_words(float("inf"))
    ('23 seeds', 'more than a million seeds')
    """
    return f"{count:,.0f} seeds" if count < float("inf") else "more than a million seeds"


def title(key: str) -> str:
    """A column's name in words."""
    return key.replace("_", " ")


def ordered(values: Iterable[Any]) -> list[Any]:
    """The distinct values: numbers by size, then text, then None."""
    distinct = pd.Series(list(values), dtype=object).drop_duplicates()
    missing = distinct.isna()
    return sorted(distinct[~missing], key=lambda x: (isinstance(x, str), x)) + list(distinct[missing][:1])


def swept(frame: pd.DataFrame, factors: Sequence[str]) -> list[str]:
    """The factors but ``initializer`` that take more than one value."""
    return [key for key in factors if key != "initializer" and frame[key].nunique(dropna=False) > 1]


def settings(frame: pd.DataFrame, keys: Sequence[str]) -> pd.Series[str]:
    """The setting of each row in words, ``depth 5 · learning rate 0.1``; empty text where there are no keys."""
    label = pd.Series("", index=frame.index, dtype=object)
    for key in keys:
        words = {value: f"{title(key)} {show(value)}" for value in frame[key].unique()}
        label = label + (" · " if key != keys[0] else "") + frame[key].map(words).fillna(f"{title(key)} none")
    return label


def setting_order(frame: pd.DataFrame, keys: Sequence[str]) -> list[str]:
    """The distinct settings in words, in order of their values."""
    if not keys:
        return [""]
    places = {key: {show(value): i for i, value in enumerate(ordered(frame[key]))} for key in keys}
    rows = pd.DataFrame({key: [places[key][show(value)] for value in frame[key]] for key in keys}, index=frame.index)
    order = rows.drop_duplicates().sort_values(list(keys)).index
    return settings(frame.loc[order], keys).tolist()
