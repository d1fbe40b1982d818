"""Tables by known truth: a random frame, written in a random dialect, and a check of what a reader makes of it.

Nothing here imports the reader, or a library that reads tables: what is expected follows from how the file was made.
"""

from __future__ import annotations

import codecs
import datetime
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np

from initbench.errors import DataError

SEPARATORS = (",", ";", "\t", "|")
MISSING = ("", "?", "NA", "N/A", "nan", "NaN", "null", "NULL")
MISSING_NUMBERS = ("-", "--", "None", "none", "n/a", "#N/A")  # words that stand for no number, but may name a category
BOOLEANS = (("false", "true"), ("False", "True"), ("FALSE", "TRUE"), ("no", "yes"), ("No", "Yes"), ("NO", "YES"))
WORDS = (
    *("red", "green", "Blue", "north west", "Gent", "Lyon", "Zürich", "café", "Ærø", "naïve", "λόγος", "北京", "🙂 ok"),
    *("a,b", "one; two", "left|right", 'say "hi"', '"quoted"', '5" pipe', '"', "two\nlines", "tab\tin", "it's", "\\"),
    *("None", "-", "#1", "=SUM(A1)", "<5", ">50K", "@x", "C:\\new", "12a", "v1.0", "$$", "100% wool", "x" * 300, "N"),
)
NAMES = (
    *("size", "unit price", "Größe", "Size, cm", "x;y", "a|b", 'the "best"', "Churn?", "été (°C)", "#", "_", "1st"),
    *("LIMIT", "pay.amount", "long name of a column", "π", "城市", "Δ t", "kg/m²", "half-life", "x y z", "%"),
)
DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y")
REMEDIES = ("separator", "decimal", "thousands", "encoding", "header", "missing", "date", "drop", "target")
READ_SHARE = 0.85  # of the files that can be read in one way only


class TrueColumn(NamedTuple):
    """One column: its name, what it holds, and how its cells are spelled (before quoting).

    ``kind`` and ``values`` are those of the reader's columns: numbers with nan, or text with an empty string where a
    value is missing. ``is_merged`` says that one category has several spellings, ``may_be_decimal`` that thousands with
    a point may be taken for three decimals, as long as a note says so.
    """

    name: str
    kind: str
    values: list[Any]
    cells: list[str]
    role: str = "feature"
    is_percent: bool = False
    is_merged: bool = False
    may_be_decimal: bool = False


class Dialect(NamedTuple):
    """How a frame is written; ``trailing`` names the lines that end in a separator too many."""

    separator: str = ","
    quoting: str = "needed"
    spaces: tuple[str, ...] = ("",)
    decimal: str = "."
    thousands: str = ""
    encoding: str = "utf-8"
    line_end: str = "\n"
    blank_lines: float = 0.0
    end: str = "\n"
    trailing: str = "none"
    header: str = "names"


class Case(NamedTuple):
    """A file with its truth.

    Attributes
    ----------
    number : int
        ``make_case(number)`` makes the same case again.
    content : bytes
        Of the file.
    options : dict
        What is declared to the reader.
    columns : tuple of TrueColumn
    dialect : Dialect
    refuse : tuple of str
        Why the reader has to refuse the file; mostly empty.
    loose : tuple of str
        Why the reader may refuse the file although a person could guess what it means; mostly empty.
    notes : tuple of tuple of str
        What the reader has to report: of each, at least one word stands in a note.
    """

    number: int
    content: bytes
    options: dict[str, Any]
    columns: tuple[TrueColumn, ...]
    dialect: Dialect
    refuse: tuple[str, ...]
    loose: tuple[str, ...]
    notes: tuple[tuple[str, ...], ...]


class Outcome(NamedTuple):
    """What a reader made of a case: ``read`` or ``refused``, the message of a refusal, and what was wrong with it."""

    end: str
    message: str
    broken: tuple[str, ...]


class Digits(NamedTuple):
    """A number as it is written: digits before and after the decimal mark, and the exponent."""

    sign: str
    whole: str
    fraction: str = ""
    exponent: str = ""

    def value(self) -> float:
        """The nearest double."""
        return float(f"{self.sign}{self.whole}.{self.fraction or '0'}e{self.exponent or '0'}")


class Draft(NamedTuple):
    """A case in the making: the source of chance, the number of rows, how to write, and what was found so far."""

    random: Random
    rows: int
    dialect: Dialect
    sizes: Sequence[Callable[[Random, str], Digits]]
    options: dict[str, Any]
    refuse: list[str]
    loose: list[str]
    notes: list[tuple[str, ...]]


def make_case(number: int) -> Case:
    """Make the frame, dialect and file of this number; equal numbers make equal cases."""
    random = Random(f"dialect {number}")
    sizes = random.choice([SIZES] * 7 + [(count, salary)])
    draft = Draft(random, random.randint(20, 45), random_dialect(random), sizes, {}, [], [], [])
    names = random.sample(NAMES, random.randint(2, 7))
    if draft.dialect.header != "names":
        names = [f"column {i + 1}" for i in range(len(names))]
    kinds = random.choices(list(SHARES), list(SHARES.values()), k=len(names))
    if draft.dialect.header == "guess":
        kinds = ["number"] * len(names)  # so that the first row shows that it is no header
        draft.refuse.append("the first row is data")
    elif draft.dialect.header != "names":
        draft.options["header"] = random.choice([False, tuple(names)])
    target = random.randrange(len(names))
    kinds[target] = "target"
    draft.options["target"] = names[target]
    columns = [COLUMNS[kind](draft, name) for kind, name in zip(kinds, names, strict=True)]
    text = write(columns, draft.dialect, random)
    draft = draft._replace(dialect=draft.dialect._replace(encoding=encoding_for(text, draft.dialect.encoding)))
    declare(draft, text, columns)
    columns = declare_marks(draft, columns)
    return Case(
        number,
        encode(text, draft.dialect.encoding),
        draft.options,
        tuple(columns),
        draft.dialect,
        tuple(draft.refuse),
        tuple(draft.loose),
        tuple(draft.notes),
    )


def random_dialect(random: Random) -> Dialect:
    """Choose each property of a dialect; the usual ones more often."""
    separator = random.choice(SEPARATORS)
    decimal = random.choice("..,") if separator == "," else random.choice(".,")
    thousands = random.choice(["", "", "", "." if decimal == "," else ",", random.choice([" ", "'", "\u00a0"])])
    line_end = random.choice(["\n", "\n", "\r\n", "\r"])
    return Dialect(
        separator=separator,
        quoting=random.choice(["needed", "needed", "all", "text", "some", "inner"]),
        spaces=random.choice([("",), ("",), ("", " "), (" ",), ("  ", "")]),
        decimal=decimal,
        thousands=thousands,
        encoding=random.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252"]),
        line_end=line_end,
        blank_lines=random.choice([0.0, 0.0, 0.1]),
        end=random.choice(["", line_end, line_end, line_end * 3]),
        trailing=random.choice(["none"] * 18 + ["header", "all"]),
        header=random.choice(["names"] * 8 + ["declared", "guess"]) if random.random() < 0.5 else "names",
    )


def number_column(draft: Draft, name: str) -> TrueColumn:
    """Numbers of one size and one look, some of them missing."""
    draw = draft.random.choice(draft.sizes)
    signs = draft.random.choice([("",), ("",), ("", "-"), ("-",)])
    digits = [draw(draft.random, draft.random.choice(signs)) for _ in range(draft.rows)]
    if draft.random.random() < 0.05:
        digits = digits[:1] * draft.rows
    unit = draft.random.choice(["{}"] * 24 + ["{}%", "{} %", "${}", "€{}", "{} €", "£ {}"])
    unit = "{}" if draw is scientific else unit
    minus = draft.random.choice(["-{}"] * 27 + ["\u2212{}", "({})", "{}-"])
    plus = draft.random.choice(["{}"] * 7 + ["+{}"])
    bare = draft.random.random() < 0.1
    cells = [unit.format(spell(d, draft.dialect, minus, plus, bare)) for d in digits]
    if unit[0] in "$€£" and draft.random.random() < 0.5:
        cells = [re.sub(r"^(\W+)-", r"-\1", cell) for cell in cells]  # $-5 -> -$5
    if any(d.sign for d in digits) and minus != "-{}":
        draft.loose.append("a minus sign of another style")
    if unit != "{}":
        draft.notes.append(("%", "percent") if "%" in unit else (unit.strip(" {}"), "currency"))
    if unit[0] in "$€£" and any(d.sign for d in digits):
        draft.loose.append("a sign beside a currency")
    values = [d.value() for d in digits]
    extra = draft.random.choice([(), (), MISSING_NUMBERS, ("-999", "unknown")])
    gone = leave_out(values, cells, draft.random, (*MISSING, *extra), math.nan)
    if used := gone & {"-999", "unknown"}:
        draft.options["missing"] = tuple(sorted({*draft.options.get("missing", ()), *used}))
    if gone & set(MISSING_NUMBERS):
        draft.notes.append(("missing",))
    if len(set(values)) == 1:
        draft.notes.append((name,))
    return TrueColumn(name, "number", values, cells, is_percent="%" in unit)


def category_column(draft: Draft, name: str) -> TrueColumn:
    """A few words, with separators, quotes and line ends in them."""
    words = draft.random.sample(WORDS, draft.random.randint(2, 5))
    values = [words[i] if i < len(words) else draft.random.choice(words) for i in range(draft.rows)]
    draft.random.shuffle(values)
    cells = list(values)
    leave_out(values, cells, draft.random, MISSING, "")
    return TrueColumn(name, "category", values, cells)


def widened(word: str) -> str:
    return word.replace(" ", "  ")


def merged_column(draft: Draft, name: str) -> TrueColumn:
    """A few words, each in several spellings."""
    words = draft.random.sample(["Gent", "Zürich", "north west", "café"], 3)
    values = [draft.random.choice(words) for _ in range(draft.rows)]
    respell = draft.random.choice([str.upper, widened, partial(unicodedata.normalize, "NFD")])
    cells = [respell(value) if draft.random.random() < 0.4 else value for value in values]
    if len(set(cells)) > len(set(values)):
        draft.loose.append("one category in several spellings")
        draft.notes.append((name,))
        return TrueColumn(name, "category", values, cells, is_merged=True)
    return TrueColumn(name, "category", cells, cells)


def id_column(draft: Draft, name: str) -> TrueColumn:
    """Text that differs in every row."""
    cells = [f"{draft.random.choice('abcxyz')}{draft.random.choice('abcxyz')}-{i}" for i in range(draft.rows)]
    draft.random.shuffle(cells)
    draft.notes.append((name,))
    return TrueColumn(name, "category", cells, cells)


def empty_column(draft: Draft, name: str) -> TrueColumn:
    """No value at all."""
    cells = [draft.random.choice(["", "NA"])] * draft.rows
    draft.notes.append((name,))
    return TrueColumn(name, "empty", [math.nan] * draft.rows, cells)


def boolean_column(draft: Draft, name: str) -> TrueColumn:
    """True and false, or yes and no."""
    words = draft.random.choice(BOOLEANS)
    values: list[Any] = [float(draft.random.random() < 0.5) for _ in range(draft.rows)]
    values[:2] = [0.0, 1.0]
    change = draft.random.choice([str, str, str.title, draft.random.choice([str.upper, str.lower])])
    cells = [words[int(value)] for value in values]
    cells = [change(cell) if draft.random.random() < 0.3 else cell for cell in cells]
    leave_out(values, cells, draft.random, MISSING, math.nan)
    return TrueColumn(name, "boolean", values, cells)


def date_column(draft: Draft, name: str) -> TrueColumn:
    """Dates of one format: declared, dropped, or left to be refused."""
    style = draft.random.choice(DATES)
    year, month, day = (1950, 2030), (1, 12), draft.random.choice([(1, 28)] * 9 + [(1, 12)])
    days = [datetime.date(*(draft.random.randint(*bounds) for bounds in (year, month, day))) for _ in range(draft.rows)]
    cells = [date.strftime(style) for date in days]
    values: list[Any] = [float((date - datetime.date(1970, 1, 1)).days) for date in days]
    leave_out(values, cells, draft.random, MISSING, math.nan)
    end = draft.random.choice(["date", "date", "date", "drop", "undeclared"])
    if end == "undeclared":
        draft.refuse.append("a date that is not declared")
    else:
        draft.options[end] = (*draft.options.get(end, ()), name)
    shown = [date for date, value in zip(days, values, strict=True) if not math.isnan(value)]
    if end == "date" and not style.startswith("%Y") and all(date.day <= 12 for date in shown):
        (draft.loose if "." in style else draft.refuse).append("day and month cannot be distinguished")
    return TrueColumn(name, "date", values, cells, role="dropped" if end == "drop" else "feature")


def target_column(draft: Draft, name: str) -> TrueColumn:
    """Two or three classes with at least six rows each, none missing."""
    classes = draft.random.choice([2, 3])
    order = [i % classes for i in range(draft.rows)]
    draft.random.shuffle(order)
    kind = draft.random.choice(["number", "boolean", "category", "category"])
    if kind == "number":
        cells = [str(i) for i in order]
        values: list[Any] = [float(i) for i in order]
    elif kind == "boolean":
        words = draft.random.choice(BOOLEANS)
        values = [float(i > 0) for i in order]
        cells = [words[i > 0] for i in order]
    else:
        words = draft.random.sample(WORDS, 3)
        cells = values = [words[i] for i in order]
    return TrueColumn(name, kind, values, list(cells), role="target")


COLUMNS: dict[str, Callable[..., TrueColumn]] = {
    "number": number_column,
    "category": category_column,
    "merged": merged_column,
    "id": id_column,
    "empty": empty_column,
    "boolean": boolean_column,
    "date": date_column,
    "target": target_column,
}
SHARES = {"number": 16, "category": 8, "boolean": 4, "date": 2, "id": 1, "empty": 1, "merged": 1}


def digits_of(random: Random, least: int, most: int) -> str:
    """So many random digits."""
    return "".join(random.choice("0123456789") for _ in range(random.randint(least, most)))


def salary(random: Random, sign: str) -> Digits:
    return Digits(sign, str(random.choice([random.randint(1, 999), random.randint(1000, 99_999)])))


def count(random: Random, sign: str) -> Digits:
    return Digits(sign, str(random.randint(0, 120)))


def large(random: Random, sign: str) -> Digits:
    return Digits(sign, str(random.randint(1, 10 ** random.randint(2, 7))))


def measure(random: Random, sign: str) -> Digits:
    return Digits(sign, str(random.randint(0, 999)), digits_of(random, 0, 6))


def fixed(random: Random, sign: str) -> Digits:
    return Digits(sign, str(random.randint(1, 99)), digits_of(random, 3, 3))


def money(random: Random, sign: str) -> Digits:
    return Digits(sign, str(random.randint(0, 99_999)), digits_of(random, 2, 2))


def tiny(random: Random, sign: str) -> Digits:
    return Digits(sign, "0", f"000{digits_of(random, 1, 12)}")


def huge(random: Random, sign: str) -> Digits:
    return Digits(sign, f"{random.randint(1, 9)}{digits_of(random, 14, 26)}")


def scientific(random: Random, sign: str) -> Digits:
    exponent = random.choice(["{}", "{:+}", "{:+03}"]).format(random.randint(-25, 25))
    return Digits(sign, str(random.randint(1, 9)), digits_of(random, 0, 5), exponent)


SIZES = (count, large, measure, measure, fixed, money, tiny, huge, scientific)


def spell(digits: Digits, dialect: Dialect, minus: str = "-{}", plus: str = "{}", bare: bool = False) -> str:
    """Write a number; ``bare`` leaves out a zero before the decimal mark."""
    whole = digits.whole
    if dialect.thousands and not digits.exponent:
        whole = re.sub(r"(?<=\d)(?=(\d{3})+$)", dialect.thousands, whole)
    if digits.fraction:
        whole = f"{'' if bare and whole == '0' else whole}{dialect.decimal}{digits.fraction}"
    if digits.exponent:
        whole = f"{whole}{'E' if bare else 'e'}{digits.exponent}"
    return (minus if digits.sign else plus).format(whole)


def leave_out(values: list[Any], cells: list[str], random: Random, words: Sequence[str], missing: Any) -> set[str]:
    """Replace some cells, but not the first two, by one or two of the words; returns those that are there now."""
    share = random.choice([0.0, 0.0, 0.05, 0.2])
    chosen = random.sample(words, min(len(words), 2))
    used = set()
    for i in range(2, len(cells)):
        if random.random() < share:
            cells[i], values[i] = random.choice(chosen), missing
            used.add(cells[i])
    return used


def write(columns: Sequence[TrueColumn], dialect: Dialect, random: Random) -> str:
    """The text of the file, without what marks its encoding."""

    def quoted(text: str, is_text: bool) -> str:
        hostile = any(c in text for c in (dialect.separator, "\n")) or text.startswith('"')
        if dialect.quoting != "inner":
            hostile |= '"' in text
        wish = {"all": True, "text": is_text, "some": random.random() < 0.3}.get(dialect.quoting, False)
        if hostile or wish:
            text = '"' + text.replace('"', '""').replace("\n", dialect.line_end) + '"'
        return random.choice(dialect.spaces) + text + random.choice(dialect.spaces)

    lines = []
    if dialect.header == "names":
        lines.append(dialect.separator.join(quoted(column.name, True) for column in columns))
    for row in range(len(columns[0].cells)):
        cells = [quoted(column.cells[row], column.kind in ("category", "boolean")) for column in columns]
        lines.append(dialect.separator.join(cells))
    if dialect.trailing == "all":
        lines = [line + dialect.separator for line in lines]
    elif dialect.trailing == "header":
        lines[0] += dialect.separator
    lines = [line + dialect.line_end if random.random() < dialect.blank_lines else line for line in lines]
    return dialect.line_end.join(lines) + dialect.end


def encoding_for(text: str, wish: str) -> str:
    """The wish, or UTF-8 for what it cannot write."""
    try:
        text.encode(wish)
    except UnicodeEncodeError:
        return "utf-8"
    return wish


def encode(text: str, encoding: str) -> bytes:
    """The bytes of a file, with the mark that UTF-16 begins with."""
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    return mark + text.encode(encoding)


def declare(draft: Draft, content: str, columns: Sequence[TrueColumn]) -> None:
    """Leave properties of the dialect out or declare them, and note what follows for the reader."""
    if draft.dialect.trailing != "none":
        draft.loose.append(f"a separator too many ({draft.dialect.trailing})")
    texts = [text for column in columns for text in (column.name, *column.cells)]
    if draft.dialect.quoting == "inner" and any('"' in text for text in texts):
        draft.loose.append("a quote within a cell that is not quoted")
    if draft.random.random() < 0.25:
        draft.options["separator"] = draft.dialect.separator
    else:
        if sum(fits(content, separator) for separator in SEPARATORS) > 1:
            draft.loose.append("several separators fit")
        if draft.dialect.separator != ",":
            draft.notes.append(("separat", "semicolon", "tab"))
    if draft.random.random() < 0.25 or (draft.dialect.encoding == "cp1252" and draft.random.random() < 0.5):
        draft.options["encoding"] = {"utf-8-sig": "utf-8"}.get(draft.dialect.encoding, draft.dialect.encoding[:6])
    elif draft.dialect.encoding == "cp1252" and not content.isascii():
        draft.loose.append("Windows-1252 that is not declared")
        draft.notes.append(("1252",))
    elif draft.dialect.encoding.startswith("utf-16"):
        draft.notes.append(("utf-16", "utf16"))


def declare_marks(draft: Draft, columns: Sequence[TrueColumn]) -> list[TrueColumn]:
    """The same for decimal and thousands marks, which only some of the files need or show; returns the columns."""
    cells = [c for column in columns if column.kind == "number" and column.role == "feature" for c in column.cells]
    shown = {mark for mark in ",." for cell in cells if mark in cell}
    mark = draft.dialect.thousands
    has_thousands = bool(mark) and any(re.search(rf"\d{re.escape(mark)}\d", cell) for cell in cells)
    has_decimal = any(re.search(rf"\d?{re.escape(draft.dialect.decimal)}\d", cell) for cell in cells)
    if has_thousands and mark not in ",.":
        draft.loose.append("a thousands mark that is neither comma nor point")
    declared = draft.random.choice([(), (), ("decimal",), ("thousands",), ("decimal", "thousands")])
    if "decimal" in declared:
        draft.options["decimal"] = draft.dialect.decimal
    elif has_decimal and draft.dialect.decimal == ",":
        draft.notes.append(("decimal",))
    if "thousands" in declared and has_thousands:
        draft.options["thousands"] = draft.dialect.thousands
    elif has_thousands:
        draft.notes.append(("thousand",))
    is_open = shown and not decided(cells) and not (has_thousands and mark not in ",.")
    if is_open and not {"decimal", "thousands"} <= set(draft.options):
        if has_thousands and not draft.options.keys() & {"decimal", "thousands"}:
            if mark == "." and not any(map(mixes_whole_numbers, columns)):
                draft.loose.append("thousands or three decimals")
                draft.notes[-1] = ("decimal",)
                return [column._replace(may_be_decimal=any("." in cell for cell in column.cells)) for column in columns]
            may_stay_text = "a minus sign of another style" in draft.loose
            (draft.loose if may_stay_text else draft.refuse).append("thousands or decimals, nobody can say")
        elif "decimal" not in draft.options:
            draft.loose.append("thousands or decimals, nobody can say")
        elif has_thousands:
            draft.loose.append("thousands follow from the decimal mark alone")
    return list(columns)


def mixes_whole_numbers(column: TrueColumn) -> bool:
    """Whether 950 stands beside 1.250, which no column of decimals would do."""
    cells = [cell for cell in column.cells if re.search(r"\d", cell)]
    return column.kind == "number" and len({"." in cell for cell in cells}) == 2


def decided(cells: Sequence[str]) -> bool:
    """Whether a cell shows beyond doubt what comma or point means."""
    for cell in cells:
        core = re.sub(r"[^\d.,eE]", "", cell)
        marks = [c for c in core if c in ",."]
        if len(marks) > 1 or (marks and not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", core)):
            return True
    return False


def fits(text: str, separator: str) -> bool:
    """Whether the separator cuts all lines into equally many cells, and into more than one."""
    rows = cut(text, separator)
    return rows is not None and len(rows[0]) > 1 and len(set(map(len, rows))) == 1


def cut(text: str, separator: str) -> list[list[str]] | None:
    r"""Rows of cells without blank lines; None if a quote is not closed, or not followed by the end of its cell.

    Examples
    --------
    >>> cut('a, "b,""c" \n\nd,e', ",")
    [['a', 'b,"c'], ['d', 'e']]
    """
    blank = "[ ]*" if separator == "\t" else "[ \t]*"
    sep = re.escape(separator)
    cell = re.compile(rf'{blank}"((?:[^"]|"")*)"{blank}(?={sep}|[\r\n]|\Z)|(?!{blank}")([^{sep}\r\n]*)')
    rows: list[list[str]] = [[]]
    place = 0
    while True:
        found = cell.match(text, place)
        if found is None:
            return None
        rows[-1].append(found[2].strip() if found[1] is None else found[1].replace('""', '"').strip())
        place = found.end()
        if place == len(text):
            return [row for row in rows if row != [""]]
        if text[place] == separator:
            place += 1
        else:
            place += 2 if text.startswith("\r\n", place) else 1
            rows.append([])


def try_reader(case: Case, read: Callable[[Path, dict[str, Any]], Any], file: Path) -> Outcome:
    """Write the case's file, read it, and compare what comes back with the truth.

    Parameters
    ----------
    case : Case
    read : callable
        Takes the file and a dict of options; returns a table or raises ``DataError``.
    file : Path
    """
    file.write_bytes(case.content)
    try:
        table = read(file, case.options)
    except DataError as error:
        return Outcome("refused", str(error), tuple(faults_of_refusal(str(error), file)))
    except Exception as error:
        return Outcome("read", repr(error), (f"an error that nobody foresaw: {error!r}",))
    if case.refuse:
        return Outcome("read", "", (f"read, and has to be refused: {'; '.join(case.refuse)}",))
    return Outcome("read", "", tuple(differences(case, table) or lacking_notes(case, table)))


def faults_of_refusal(message: str, file: Path) -> list[str]:
    """What a refusal lacks: the file, and a line or an option that helps."""
    found = [] if file.name in message else [f"does not name the file: {message}"]
    helps = re.search(rf"{re.escape(file.name)}:\d+", message) or any(name in message for name in REMEDIES)
    return found if helps else [*found, f"names neither a line nor a remedy: {message}"]


def lacking_notes(case: Case, table: Any) -> list[str]:
    """The assumptions that no note reports."""
    text = "\n".join(table.notes).casefold().replace("\\", "")  # a name with quotes is shown with backslashes
    lacking = [words for words in case.notes if not any(word.casefold() in text for word in words)]
    if any(is_left_as_text(case, *pair, table.notes) for pair in zip(case.columns, table.columns, strict=False)):
        return []
    return [f"no note has any of {words}: {table.notes}" for words in lacking]


def is_left_as_text(case: Case, true: TrueColumn, seen: Any, notes: Sequence[str]) -> bool:
    """Whether numbers of an unusual spelling came as the text that they are, and a note names the column."""
    return (
        bool(case.loose)
        and (true.kind, seen.kind) == ("number", "category")
        and any(true.name in note for note in notes)
        and all(is_missing(b) or flat(a) == flat(str(b)) for a, b in zip(true.cells, seen.values, strict=True))
    )


def differences(case: Case, table: Any) -> list[str]:
    """Where the table is not what was written; empty for one that is."""
    columns = list(table.columns)
    if case.dialect.trailing != "none" and len(columns) == len(case.columns) + 1:
        extra = columns.pop()
        if any(not is_missing(value) for value in extra.values):
            return [f"the column after the last is not empty: {extra}"]
    names = [flat(column.name) for column in columns]
    if names != [flat(column.name) for column in case.columns]:
        return [f"columns {names} and not {[column.name for column in case.columns]}"]
    if table.rows != len(case.columns[0].values):
        return [f"{table.rows} rows and not {len(case.columns[0].values)}"]
    found = []
    if table.separator != case.dialect.separator:
        found.append(f"separator {table.separator!r}")
    for true, seen in zip(case.columns, columns, strict=True):
        if true.role == seen.role == "target":
            found += class_differences(true, [table.classes[int(index)] for index in seen.values])
            continue
        if not is_left_as_text(case, true, seen, table.notes):
            found += [f"column {true.name!r}: {difference}" for difference in column_differences(true, seen)]
    return found


def column_differences(true: TrueColumn, seen: Any) -> list[str]:
    """Where a column is not what was written; of one that was dropped, only the role counts."""
    if seen.role != true.role:
        return [f"role {seen.role} and not {true.role}"]
    if true.role == "dropped":
        return []
    if len(seen.values) != len(true.values):
        return [f"{len(seen.values)} values and not {len(true.values)}"]
    if true.kind == seen.kind == "empty":
        return [] if all(map(is_missing, seen.values)) else [f"values where there are none: {seen.values}"]
    if seen.kind != true.kind:
        return [f"{seen.kind} and not {true.kind}: {true.cells[:5]}"]
    if true.kind != "category":
        return number_differences(true, np.asarray(seen.values, float))
    if true.is_merged:
        fold = [unicodedata.normalize("NFC", flat(str(value))).casefold() for value in seen.values]
        if fold != [flat(word).casefold() for word in true.values]:
            return [f"{fold} and not {true.values}"]
        return [] if len(set(seen.values)) == len(set(true.values)) else [f"several spellings: {set(seen.values)}"]
    return word_differences(true.values, seen.values)


def class_differences(true: TrueColumn, seen: Sequence[str]) -> list[str]:
    """Where the classes, in words, are not what was written."""
    if len(seen) != len(true.cells):
        return [f"{len(seen)} values and not {len(true.cells)}"]
    return word_differences(true.cells, seen)


def word_differences(expected: Sequence[str], seen: Sequence[str]) -> list[str]:
    """Where texts differ, white space aside."""
    pairs = zip(expected, seen, strict=True)
    return [f"row {i + 1}: {b!r} and not {a!r}" for i, (a, b) in enumerate(pairs) if flat(a) != flat(str(b))][:3]


def number_differences(true: TrueColumn, seen: np.ndarray) -> list[str]:
    """Where numbers differ in any bit; a percentage may also be a fraction, in all rows."""
    expected = np.array(true.values, float)
    if true.is_percent and np.allclose(seen, expected / 100, rtol=1e-12, atol=0, equal_nan=True):
        return []
    if true.may_be_decimal and np.allclose(seen, expected / 1000, rtol=1e-12, atol=0, equal_nan=True):
        return []
    wrong = ~((seen == expected) | (np.isnan(seen) & np.isnan(expected)))
    found = np.flatnonzero(wrong)[:3]
    return [f"row {i + 1}: {seen[i]!r} and not {expected[i]!r}, from {true.cells[i]!r}" for i in found]


def is_missing(value: Any) -> bool:
    """Whether a value of a column is missing."""
    return value == "" or value != value


def flat(text: str) -> str:
    """The text with each run of white space as one space; a reader may keep or join it."""
    return " ".join(unicodedata.normalize("NFC", text).split())
