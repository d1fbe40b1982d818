"""Cells -> columns: what each one holds is decided by all of its cells, and what was assumed is written down."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from initbench.contracts import Array
from initbench.errors import DataError
from initbench.parts.datasets.numerals import (
    MINUS,
    Numerals,
    Style,
    fitting_styles,
    is_numeral,
    split_affix,
    to_numbers,
)
from initbench.parts.datasets.rows import count, flow, shorten

MISSING = frozenset({"", "?", "NA", "N/A", "nan", "NaN", "null", "NULL"})
MISSING_NUMBERS = frozenset(
    {"-", "--", "---", "\u2013", "\u2014", ".", "..", "*", "none", "nil", "na", "n/a", "n.a.", "nan", "null", "(null)"}
    | {"#n/a", "#na", "#null!", "#div/0!", "#value!", "#ref!", "#num!", "#name?", "<na>", "\\n", "missing", "unknown"}
)
"""What stands for a missing value among numbers, in small letters; in a column of text it may be a category."""
INFINITE = re.compile(r"[+-]?(?:inf|infinity|\u221e|1\.#inf)", re.IGNORECASE)
BOOLEANS = (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on"))
FALSE, TRUE = frozenset({"false", "no", "n", "0"}), frozenset({"true", "yes", "y", "1"})
DATE_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m.%d.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d"),
    *("%Y%m%d", "%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b %Y", "%b-%y", "%B %Y"),
    *("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y"),
)
TIME_FORMATS = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %H:%M:%S%z", " %I:%M %p", " %I:%M:%S %p"),
    *("T%H:%M", "T%H:%M:%S", "T%H:%M:%S.%f", "T%H:%M:%S%z", "T%H:%M:%S.%f%z"),
)
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
LOOKS_LIKE_A_DATE = re.compile(
    r"(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2})"
    r"|\d{4}[-/](?:0[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[-/]\d{4}"
    rf"|(?:\d{{1,2}}[ -])?{MONTH}[ -](?:\d{{1,2}},? )?(?:\d{{4}}|\d{{2}}))(?:[ T]\d{{1,2}}:\d{{2}}.*)?",
    re.IGNORECASE,
)
LEADING_ZERO = re.compile(r"0[0-9]{1,300}")
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,300}")
WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.0*)?")
IDENTIFIER = re.compile(
    r"(?:^|[^a-zA-Z])(?:id|key|index|uuid|code|number|no|nr|row)$|[a-z](?:Id|ID|Key|Index|Code|No|Nr)$"
)
FEWEST_ROWS = 20  # of a column whose values are all different, to take it for an id
ACCOUNTING = re.compile(r"\W*\(\W*[0-9][0-9.,' ]*\W*\)\W*|\W*[0-9][0-9.,' ]*-")
"""A negative number as accounts have it, (5) or 5-."""
DIGITS_FIRST = re.compile(r"\W*\d")
OTHER_QUOTES = ("''", "\u201c\u201d", "\u201e\u201c", "\u2018\u2019", "\u00ab\u00bb", "``")


@dataclass
class Cells:
    """The cells of a column as text, each different one once.

    Attributes
    ----------
    distinct : list of str
    codes : ndarray of int32, shape (n,)
        Index into ``distinct`` of each row.
    lines : ndarray of int64, shape (n,)
        The line of the file that each row begins on.
    """

    distinct: list[str]
    codes: Array
    lines: Array
    counts: Array = field(init=False)
    first_lines: Array = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.bincount(self.codes, minlength=len(self.distinct))
        _, rows = np.unique(self.codes, return_index=True)
        self.first_lines = self.lines[rows]


@dataclass
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
    role : ``"feature"``, ``"target"``, ``"key"``, ``"name"`` or ``"dropped"``
    kind : ``"number"``, ``"boolean"``, ``"date"``, ``"category"``, ``"empty"``, or ``""`` where it was not looked at
    values : ndarray, shape (n,)
        float64 with nan where a value is missing; of a category, text with an empty one. A boolean is 0 or 1, a date
        the days since 1970.
    labels : tuple of str
        The categories; of a boolean the words for 0 and 1.
    missing : int
        How many values are missing.
    notes : list of str
        What was assumed.
    """

    name: str
    role: str = "feature"
    kind: str = ""
    values: Array = field(default_factory=lambda: np.zeros(0))
    labels: tuple[str, ...] = ()
    missing: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Write down what was assumed of this column."""
        self.notes.append(f"column '{self.name}': {text}")


@dataclass
class Draft:
    """A column of text on the way to what it holds.

    Attributes
    ----------
    column : Column
    cells : Cells
    is_missing : ndarray of bool, shape (distinct,)
    bodies : list of str
        The distinct cells, numbers among them without sign of percent or currency.
    is_number : ndarray of bool, shape (distinct,)
        Where they are; all False where the column is one of text.
    """

    column: Column
    cells: Cells
    is_missing: Array
    bodies: list[str]
    is_number: Array

    @property
    def numerals(self) -> Numerals:
        """Its numbers."""
        where = np.flatnonzero(self.is_number)
        lines = tuple(int(line) for line in self.cells.first_lines[where])
        return Numerals(self.column.name, tuple(self.bodies[i] for i in where), lines)


def quote(words: Iterable[str], most: int = 4) -> str:
    """Cells as a message lists them.

    Examples
    --------
    >>> quote(["a", "b"])
    "'a', 'b'"
    """
    shown = list(words)
    listed = ", ".join(f"'{shorten(word)}'" for word in shown[:most])
    return listed + (f" and {len(shown) - most:,} more" if len(shown) > most else "")


def draft(file: object, column: Column, cells: Cells, missing: frozenset[str], *, is_date: bool) -> Draft:
    """See what the cells of a column may be, before the marks of numbers are decided for the whole file.

    Raises
    ------
    DataError
        When nearly all cells are numbers and a few are not, or signs of currency and percent differ.
    """
    is_missing = np.array([cell in missing for cell in cells.distinct], dtype=bool)
    _note_missing(column, cells, [i for i, cell in enumerate(cells.distinct) if cell in MISSING - {""}])
    bodies = [cell.translate(MINUS) for cell in cells.distinct]
    found = Draft(column, cells, is_missing, bodies, np.zeros(len(bodies), dtype=bool))
    known = [i for i, is_out in enumerate(is_missing) if not is_out]
    if is_date or not known:
        return found
    reason = _why_code([bodies[i] for i in known])
    if reason:
        column.note(f"digits such as '{shorten(bodies[known[0]])}' have {reason}; they are read as categories")
        return found
    if fitting_styles([bodies[i] for i in known]):
        zeros = next((bodies[i] for i in known if LEADING_ZERO.fullmatch(bodies[i])), "")
        if zeros:
            column.note(f"leading zeros are dropped: '{shorten(zeros)}' is {int(zeros)}")
        found.is_number[known] = True
        return found
    numbers, gaps, rest = list[int](), list[int](), list[int]()
    for i in known:
        is_gap = cells.distinct[i].casefold() in MISSING_NUMBERS
        (numbers if is_numeral(bodies[i]) else gaps if is_gap else rest).append(i)
    if not numbers or _boolean_words([cells.distinct[i] for i in known]):
        return found
    if rest and _are_faults(cells, numbers, rest):
        raise DataError(_faults(file, column.name, cells, rest))
    if rest:
        shown = f"'{shorten(bodies[numbers[0]])}' and '{shorten(bodies[rest[0]])}'"
        column.note(f"numbers and text, such as {shown}, are read as categories")
        return found
    _strip_affix(file, found, numbers)
    _note_missing(column, cells, gaps)
    is_missing[gaps] = True
    found.is_number[numbers] = True
    return found


def _strip_affix(file: object, found: Draft, numbers: Sequence[int]) -> None:
    """Take the sign of percent or currency off the numbers of a column, if all have the same."""
    parts = {i: split_affix(found.bodies[i]) for i in numbers}
    cells, first = found.cells, numbers[0]
    for i, (body, affix) in parts.items():
        if affix != parts[first][1]:
            raise DataError(
                f"{file}:{cells.first_lines[i]}: column '{found.column.name}': '{cells.distinct[i]}' and "
                f"'{cells.distinct[first]}' have different signs beside the number; write all alike"
            )
        found.bodies[i] = body
    if parts[first][1]:
        found.column.note(f"the sign '{parts[first][1]}' is dropped: '{cells.distinct[first]}' is {parts[first][0]}")


def _note_missing(column: Column, cells: Cells, words: Sequence[int]) -> None:
    if words:
        number = int(cells.counts[list(words)].sum())
        verb = "is" if len(words) == 1 else "are"
        column.note(f"{quote(cells.distinct[i] for i in words)} in {count(number, 'row')} {verb} read as missing")


def _why_code(known: Sequence[str]) -> str:
    """Why a column of digits holds codes and no numbers, in words; empty where it does not.

    Codes are digits of one length, three or more, some with a leading zero, as postcodes; and whole numbers with more
    digits than float64 holds, of which two would become one.
    """
    if not all(WHOLE_NUMBER.fullmatch(cell) for cell in known):
        return ""
    lengths = {len(cell) for cell in known}
    if len(lengths) == 1 and min(lengths) >= 3 and any(cell[0] == "0" for cell in known):
        return "leading zeros"
    is_ambiguous = any(map(is_inexact, known)) and len(set(map(float, known))) < len(set(map(int, known)))
    return "more digits than a number holds" if is_ambiguous else ""


def is_inexact(cell: str) -> bool:
    """Whether a cell is a whole number with more digits than float64 holds.

    Examples
    --------
    >>> is_inexact("9007199254740993"), is_inexact("9007199254740992")
    (True, False)
    """
    return WHOLE_NUMBER.fullmatch(cell) is not None and int(float(cell)) != int(cell)


def _are_faults(cells: Cells, numbers: Sequence[int], rest: Sequence[int]) -> bool:
    """Whether the few cells that are no numbers are faults in a column of measurements, and no categories.

    Where a column has few different numbers, 0, 1, 2 and ``3+``, the text is one more category.
    """
    if all(ACCOUNTING.fullmatch(cells.distinct[i]) or INFINITE.fullmatch(cells.distinct[i]) for i in rest):
        return True
    is_measured = len(numbers) >= 10 or 2 * len(numbers) > int(cells.counts[list(numbers)].sum())
    return is_measured and len(rest) <= max(3, len(numbers) // 10) and len(rest) < len(numbers)


def _faults(file: object, name: str, cells: Cells, rest: Sequence[int]) -> str:
    first = min(rest, key=lambda i: int(cells.first_lines[i]))
    line, cell = int(cells.first_lines[first]), cells.distinct[first]
    if INFINITE.fullmatch(cell):
        return _infinite(file, name, line)
    number = int(cells.counts[list(rest)].sum())
    if ACCOUNTING.fullmatch(cell):
        advice = "write a negative number with a minus sign before it"
    elif re.search(r"\d", cell) or len(cell) > 20:
        advice = "correct it"
    else:
        advice = f"correct it, or if it means a missing value, declare missing: {flow([cell])}"
    shown = f"holds numbers, and '{shorten(cell)}' is none ({count(number, 'such cell')})"
    return f"{file}:{line}: column '{name}' {shown}; {advice}"


def _infinite(file: object, name: str, line: int) -> str:
    return f"{file}:{line}: column '{name}' has a value that is infinite; correct it, or leave it empty"


def settle(file: object, found: Draft, style: Style | None, *, is_date: bool) -> Column:
    """Turn the cells of a column into values.

    Parameters
    ----------
    file : object
        What an error names.
    found : Draft
    style : Style or None
        In which its numbers are written; None where it has none.
    is_date : bool
        Whether the config declares it as a date.

    Raises
    ------
    DataError
        When a date is not declared, or cannot be read.
    """
    column, cells = found.column, found.cells
    column.missing = int(cells.counts[found.is_missing].sum())
    known = [i for i, is_out in enumerate(found.is_missing) if not is_out]
    if not known:
        column.kind, column.values = "empty", np.full(len(cells.codes), np.nan)
    elif is_date:
        _settle_date(file, found, known)
    elif style is not None:
        values = np.full(len(cells.distinct), np.nan)
        values[found.is_number] = to_numbers(found.numerals.cells, style)
        column.kind, column.values = "number", values[cells.codes]
    elif _boolean_words([cells.distinct[i] for i in known]):
        _settle_boolean(found, known)
    else:
        _refuse_date(file, found, known)
        _settle_category(found, known)
    return column


def _settle_date(file: object, found: Draft, known: Sequence[int]) -> None:
    texts = [found.cells.distinct[i] for i in known]
    tried = _parse_dates(texts)
    place = f"{file}:{found.cells.first_lines[known[0]]}: column '{found.column.name}'"
    best = max(tried, key=lambda days: int(np.isfinite(days).sum()), default=np.full(len(texts), np.nan))
    if not np.isfinite(best).all():
        first = int(np.isnan(best).argmax())
        place = f"{file}:{found.cells.first_lines[known[first]]}: column '{found.column.name}'"
        wish = "is no date, or written in another way than the others; write dates as 2024-01-31"
        raise DataError(f"{place}: '{shorten(texts[first])}' {wish}")
    if len({tuple(days) for days in tried if np.isfinite(days).all()}) > 1:
        raise DataError(f"{place}: '{texts[0]}' may be day/month or month/day; write dates as 2024-01-31")
    values = np.full(len(found.cells.distinct), np.nan)
    values[list(known)] = best
    found.column.kind, found.column.values = "date", values[found.cells.codes]


def _parse_dates(texts: Sequence[str]) -> list[Array]:
    """Days since 1970 in each form that fits any of the first cells; nan where a cell has another form.

    The first cells are tried alone, since each of 300 forms takes 0.1 s on 100,000 cells.
    """
    import pandas as pd

    def parse(some: Sequence[str], form: str) -> pd.DatetimeIndex:
        return pd.to_datetime(np.array(some, dtype=object), format=form, errors="coerce", utc=True)

    epoch, day = pd.Timestamp("1970-01-01", tz="UTC"), pd.Timedelta(days=1)
    forms = [date + time for time in TIME_FORMATS for date in DATE_FORMATS]
    likely = [form for form in forms if parse(texts[:20], form).notna().any()]
    return [((parse(texts, form) - epoch) / day).to_numpy(float) for form in likely]


def _refuse_date(file: object, found: Draft, known: Sequence[int]) -> None:
    dates = [i for i in known if LOOKS_LIKE_A_DATE.fullmatch(found.cells.distinct[i])]
    if found.column.role != "feature" or 10 * len(dates) < 9 * len(known):
        return
    name, first = flow([found.column.name]), dates[0]
    sample = [found.cells.distinct[i] for i in dates[:20]]
    if not any(np.isfinite(days).all() for days in _parse_dates(sample)):
        found.column.note(f"text that looks like dates, such as '{sample[0]}', is read as categories")
        return
    raise DataError(
        f"{file}:{found.cells.first_lines[first]}: column '{found.column.name}' holds dates, such as "
        f"'{found.cells.distinct[first]}'; to read them as days, date: {name}; or leave it out with drop: {name}"
    )


def _boolean_words(known: Sequence[str]) -> bool:
    """Whether all cells are words for true and false."""
    words = {cell.casefold() for cell in known}
    if any(words <= set(pair) for pair in BOOLEANS):
        return True
    return words <= FALSE | TRUE and bool(words & FALSE) and bool(words & TRUE)


def _settle_boolean(found: Draft, known: Sequence[int]) -> None:
    cells, labels = found.cells, list[str]()
    truths = {*TRUE, *(pair[1] for pair in BOOLEANS)}
    values = np.full(len(cells.distinct), np.nan)
    for value in (False, True):
        spellings = [i for i in known if (cells.distinct[i].casefold() in truths) == value]
        values[spellings] = float(value)
        labels += merge(found.column, cells, [spellings]) if spellings else [""]
    found.column.kind, found.column.values, found.column.labels = "boolean", values[cells.codes], tuple(labels)


def _settle_category(found: Draft, known: Sequence[int]) -> None:
    """Merge the spellings of each category: white space, Unicode form, case, and how a number is written."""
    cells = found.cells
    folds = _folds_case([cells.distinct[i] for i in known])
    spellings: dict[str, list[int]] = {}
    for i in known:
        spellings.setdefault(plain_form(cells.distinct[i], folds=folds), []).append(i)
    merged = merge(found.column, cells, spellings.values())
    _note_odd_text(found.column, [cells.distinct[i] for i in known])
    names = np.full(len(cells.distinct), "", dtype=object)
    for name, group in merged.items():
        names[group] = name
    found.column.kind, found.column.values = "category", names[cells.codes]
    found.column.labels = tuple(sorted(merged))


def _note_odd_text(column: Column, known: Sequence[str]) -> None:
    """Write down that text may be meant as something else: numbers such as (5) or 12 kg, gaps, quoted text."""
    looks_numeric = all(map(DIGITS_FIRST.match, known)) and not column.notes  # mostly ends at the first cell
    units = {re.sub(r"[\W\d_]", "", cell) for cell in known} if looks_numeric else set()
    if len(units) == 1 and len(min(units)) <= 6:
        advice = "numbers are digits, a sign and a decimal mark"
        column.note(f"text that looks like numbers, such as '{shorten(known[0])}', is read as categories; {advice}")
    gaps = [cell for cell in known if cell.casefold() in MISSING_NUMBERS]
    if gaps:
        column.note(f"{quote(gaps)} is read as a category; if it means a missing value, declare missing: ['{gaps[0]}']")
    if all(len(cell) > 1 and cell[0] + cell[-1] in OTHER_QUOTES for cell in known):
        column.note(f"the quotes of {quote(known[:1])} are read as text; only double quotes enclose a cell")


def plain_form(cell: str, *, folds: bool = True) -> str:
    """A category or class without what its spellings differ in.

    Examples
    --------
    >>> plain_form("New  york") == plain_form("new York"), plain_form("1.0")
    (True, '1')
    """
    text = _one_form(cell)
    if WHOLE.fullmatch(text):
        return text.lstrip("+").partition(".")[0]
    return text.casefold() if folds else text


def _one_form(cell: str) -> str:
    """A text in one Unicode form, with single spaces and without characters of no width."""
    return " ".join(unicodedata.normalize("NFC", cell).replace("\u200b", "").replace("\ufeff", "").split())


def _folds_case(known: Sequence[str]) -> bool:
    """Whether ``yes`` and ``Yes`` are one category: not where single letters of both cases are, as in an alphabet."""
    pairs = {cell.lower() for cell in known if len(cell) == 1 and cell.isupper()} & {c for c in known if len(c) == 1}
    return len(pairs) < 3


def merge(column: Column, cells: Cells, groups: Iterable[Sequence[int]]) -> dict[str, Sequence[int]]:
    """Name each group of cells that are one by its most frequent spelling, and write down which others it has."""
    merged = {}
    for group in groups:
        first = max(group, key=lambda i: (int(cells.counts[i]), -int(cells.first_lines[i])))
        name = cells.distinct[first]
        merged[name] = group
        others = [cells.distinct[i] for i in group if i != first]
        alike = [other for other in others if _one_form(other) == _one_form(name)]
        others = [other for other in others if other not in alike]
        if alike:
            column.note(f"'{shorten(name)}' is written with different white space or accents; these are read as one")
        if others:
            column.note(f"{quote(others)} {'is' if len(others) == 1 else 'are'} read as '{shorten(name)}'")
    return merged


def is_constant(column: Column) -> bool:
    """Whether every row has the same value."""
    if column.kind == "category":
        return len(column.labels) == 1 and not column.missing
    return column.kind in ("number", "boolean", "date") and bool((column.values == column.values[0]).all())


def is_like_an_id(column: Column) -> bool:
    """Whether every row has a value of its own, of text, or of whole numbers that count rows or have an id's name."""
    rows = len(column.values)
    if rows < FEWEST_ROWS or column.missing:
        return False
    if column.kind == "category":
        return len(column.labels) == rows
    if column.kind != "number" or not np.array_equal(column.values, np.floor(column.values)):
        return False
    counts_rows = bool((np.diff(column.values) == 1).all())
    return counts_rows or (bool(IDENTIFIER.search(column.name)) and len(np.unique(column.values)) == rows)


def find_sentinel(column: Column) -> tuple[float, int] | None:
    """A whole number in several rows, far from all others, as -999 is for a missing value; and in how many rows."""
    values = column.values[~np.isnan(column.values)]
    for edge in (values.min(), values.max()):
        others = values[values != edge]
        number = len(values) - len(others)
        if number < 3 or edge != np.floor(edge) or len(np.unique(others[:1000])) < 5:
            continue
        low, high = others.min(), others.max()
        if high > low and min(abs(low - edge), abs(high - edge)) > 2 * (high - low):
            return float(edge), number
    return None
