"""Tables: a CSV file into typed columns, and these into one array of numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from initbench.contracts import Array, ColumnAccount, Dataset
from initbench.errors import DataError, nearest
from initbench.parts.datasets.columns import (
    LOOKS_LIKE_A_DATE,
    MISSING,
    Cells,
    Column,
    draft,
    find_sentinel,
    is_constant,
    is_inexact,
    is_like_an_id,
    merge,
    plain_form,
    quote,
    settle,
)
from initbench.parts.datasets.facts import LARGEST, MAX_CLASSES, MIN_CLASS_ROWS, MOST_NUMBERS
from initbench.parts.datasets.numerals import PLAIN, Style, choose_styles, is_numeral
from initbench.parts.datasets.rows import Layout, Row, count, data_as_header, find_layout, flow, shorten
from initbench.parts.datasets.sampling import fixed_split

MAX_CATEGORIES = 1000
CHUNK = 2**18  # cells that are held as text at a time
FEWEST_IN_A_SEQUENCE = 5  # of numbers in a header, 2016, 2017, ..., that are not taken for data
PLAIN_CELLS = re.compile(rf"(?:(?:{PLAIN})?\n)*")
LONG_NUMBER = re.compile(r"(?:^|\n)[+-]?[0-9]{16}")
GROUPED_POINTS = re.compile(r"(?:[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+\n|[+-]?[0-9]*\n)*")


class Options(NamedTuple):
    """How a CSV file is to be read; what is None is found out and reported.

    Attributes
    ----------
    target : str or None
        Column of the classes; None where a table is only described.
    drop : tuple of str
        Columns to leave out.
    separator : str or None
        One character between cells, or ``tab``.
    decimal, thousands : str or None
        The marks in numbers; ``thousands`` is empty where there is none.
    encoding : str or None
        A name that Python knows.
    header : bool, tuple of str, or None
        Whether the first row holds the names, or the names of the columns of a file without such a row.
    missing : tuple of str
        Words that stand for a missing value, beside the usual ones.
    positive : str or None
        Which of two classes is 1.
    date : tuple of str
        Columns of dates, to be read as days since 1970.
    roles : dict of str to str, optional
        The only columns to read, each a ``key``, of any kind, or a ``name``, text that is taken as it is written; in
        place of ``target`` and ``drop``.
    """

    target: str | None = None
    drop: tuple[str, ...] = ()
    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    header: bool | tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    positive: str | None = None
    date: tuple[str, ...] = ()
    roles: dict[str, str] | None = None


@dataclass
class Table:
    """A CSV file as it was read.

    Attributes
    ----------
    file : Path
    columns : list of Column
        In the order of the file, target and dropped ones included.
    rows : int
    separator, encoding : str
    notes : tuple of str
        A sentence for each assumption.
    lines : ndarray of int64, shape (rows,)
        Where each row begins in the file.
    classes : tuple of str
        Of the target; that of class 1 is the second of two.
    faults : list of str
        What is wrong with it, beyond what stops the reading.
    warnings : list of str
        Those of the notes that are on ids, constant columns and the like.
    """

    file: Path
    columns: list[Column]
    separator: str
    encoding: str
    lines: Array
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows it has below the header."""
        return len(self.lines)


def read_csv(file: Path, options: Options) -> Dataset:
    """Read a CSV file to train on.

    Parameters
    ----------
    file : Path
        Must exist.
    options : Options
        With a target.

    Returns
    -------
    Dataset
        Encoded by ``encode`` and split by ``fixed_split``, with an account of its columns.

    Raises
    ------
    DataError
        When the file cannot be read as such, lacks a column, or cannot be learned from; with all faults at once.
    """
    table = read_table(file, options)
    faults = table.faults + [f"{file}: {warning}" for warning in table.warnings if table.faults]
    target = next((column for column in table.columns if column.role == "target"), None)
    if target is None or not len(target.values):
        raise DataError("\n".join(faults))
    features: dict[str, Array] = {}
    for column in table.columns:
        if column.role == "feature" and column.kind not in ("", "empty"):
            is_word = column.kind == "boolean" and {label.casefold() for label in column.labels} != {"true", "false"}
            features[column.name] = as_words(column) if is_word else column.values
    y = target.values
    accounts = tuple(account(column) for column in table.columns)
    for column in table.columns:
        column.values = np.zeros(0)
    return encode(features, y, table.classes, str(file), faults)._replace(notes=table.notes, columns=accounts)


def account(column: Column) -> ColumnAccount:
    """What a report says of a column."""
    found = ColumnAccount(column.name, column.role, column.kind, column.missing, labels=column.labels)
    if column.kind in ("number", "date"):
        return found._replace(low=float(np.nanmin(column.values)), high=float(np.nanmax(column.values)))
    if column.role == "target":
        return found._replace(counts=tuple(np.bincount(column.values, minlength=len(column.labels)).tolist()))
    counts = Counter((as_words(column) if column.kind == "boolean" else column.values).tolist())
    labels = tuple(label for label in column.labels if label)
    return found._replace(labels=labels, counts=tuple(counts[label] for label in labels))


def as_words(column: Column) -> Array:
    """A boolean as the text of its two words, with an empty one for a missing value."""
    words = np.array([*column.labels, ""], dtype=object)
    return np.asarray(words[np.where(np.isnan(column.values), 2, column.values).astype(int)])


def read_table(file: Path, options: Options) -> Table:
    """Read a CSV file into typed columns; each decision is made on whole columns and on the whole file.

    Parameters
    ----------
    file : Path
    options : Options

    Returns
    -------
    Table
        Its ``faults`` are what is wrong beyond the reading: columns that are missing, a target that cannot be learned.

    Raises
    ------
    DataError
        When the file cannot be read, or a cell may mean two things.
    """
    _check_options(file, options)
    layout = find_layout(file, separator=options.separator, encoding=options.encoding, header=options.header)
    columns = [Column(name) for name in layout.names]
    unknown = _assign_roles(file, columns, options)
    plain = _read_plain(layout, columns, options)
    lines = plain.lines
    if not len(lines):
        raise DataError(f"{file}: has no row below its header")
    cells = {i: Cells(*text, lines) for i, text in _read_texts(layout, plain).items()}
    faults = unknown + _read_columns(layout, columns, plain, cells, options)
    if layout.header and options.header is None:
        _refuse_data_as_header(layout, columns)
    table = Table(file, columns, layout.separator, layout.encoding, lines, faults=faults)
    notes = layout.notes + plain.notes
    _drop_nameless(table, layout)
    target = next((column for column in columns if column.role == "target"), None)
    if target:
        _read_target(table, target, cells[columns.index(target)], options)
    elif options.target is None and options.positive is not None:
        table.faults.append(f"{file}: positive needs a target")
    for column in columns:
        if column.kind == "empty" and column.role == "feature":
            column.note("it has no value and is left out")
        notes += column.notes
    table.warnings = _oddities([column for column in columns if column.role == "feature"])
    notes += table.warnings
    table.notes = tuple(notes)
    return table


def _oddities(features: Sequence[Column]) -> list[str]:
    """Notes on columns that are hardly worth training on: constant ones, ids, and text with too many categories."""
    kinds = {
        "the same value in every row": [c.name for c in features if is_constant(c)],
        "a value of its own in every row, as an id has": [c.name for c in features if is_like_an_id(c)],
        f"more than {MAX_CATEGORIES:,} categories": [c.name for c in features if len(c.labels) > MAX_CATEGORIES],
    }
    notes = []
    for column in features:
        found = find_sentinel(column) if column.kind == "number" else None
        if found:
            number = f"{found[0]:.10g}"
            where = f"{number} stands in {count(found[1], 'row')}, far from all other values"
            notes.append(f"column '{column.name}': {where}; if it means a missing value, declare missing: [{number}]")
    for words, names in kinds.items():
        if not names:
            continue
        listed = flow(names[:8]) + (" and so on" if len(names) > 8 else "")
        if len(names) == 1:
            notes.append(f"column '{names[0]}' has {words}; to leave it out: drop: {listed}")
        elif len(names) == len(features):  # to leave all of them out is no way
            notes.append(f"all columns have {words}")
        else:
            notes.append(f"{len(names)} columns have {words}; to leave them out: drop: {listed}")
    return notes


def _check_options(file: Path, options: Options) -> None:
    allowed = {"decimal": (".", ","), "thousands": (".", ",", " ", "'", "")}
    _refuse(
        f"{file}: {name} is '{getattr(options, name)}' and must be one of: {quote(marks, 5)}"
        for name, marks in allowed.items()
        if getattr(options, name) is not None and getattr(options, name) not in marks
    )
    if options.decimal is not None and options.decimal == options.thousands:
        raise DataError(f"{file}: decimal and thousands are both '{options.decimal}'; they must differ")


def _assign_roles(file: Path, columns: Sequence[Column], options: Options) -> list[str]:
    """Give columns the roles that the options name; return the faults of names that no column has."""
    by_name = {column.name: column for column in columns}
    if options.roles is not None:
        for column in columns:
            column.role = options.roles.get(column.name, "dropped")
    named = [("target", options.target)] if options.target is not None else []
    named += [("drop", name) for name in options.drop] + [("date", name) for name in options.date]
    faults = []
    for role, name in named:
        if name not in by_name:
            close = nearest(str(name), by_name)
            advice = f"nearest name: {close}" if close else f"it has: {', '.join(by_name)}"
            faults.append(f"{file}:1: no column '{name}', which {role} names; {advice}")
        elif role != "date":
            by_name[name].role = "target" if role == "target" else "dropped"
    if options.target in options.drop:
        faults.append(f"{file}:1: the target '{options.target}' is also named by drop; take it out of one of the two")
    return faults


@dataclass
class _Plain:
    """What a first pass over the rows finds.

    Attributes
    ----------
    lines : ndarray of int64, shape (n,)
    values : dict of int to ndarray, shape (n,)
        The columns, by place, all of whose cells are plain numbers or empty.
    texts : list of int
        The places of the columns that a second pass reads as text.
    points : str
        A plain column in which a point is surely a decimal mark; empty if there is none.
    """

    lines: Array
    values: dict[int, Array]
    texts: list[int]
    points: str
    notes: list[str]


def _chunks(layout: Layout) -> Iterator[list[Row]]:
    """The rows, as many at a time as keep few cells in memory."""
    rows, size = layout.rows(), max(1, CHUNK // len(layout.names))
    while chunk := list(islice(rows, size)):
        yield chunk


def _read_plain(layout: Layout, columns: Sequence[Column], options: Options) -> _Plain:
    """Read the columns that need no decision, and see which do.

    Numbers are made chunk by chunk, so that the text of a large file is never in memory as a whole: MNIST as a CSV of
    33 million cells takes its array and some megabytes.
    """
    seen = [i for i, column in enumerate(columns) if column.role != "dropped"]
    texts = [i for i in seen if columns[i].role in ("target", "name") or columns[i].name in options.date]
    pieces: dict[int, list[Array]] = {i: [] for i in seen if i not in texts}
    pointed: dict[int, bool] = {}  # whether all points so far may stand between thousands
    lines: list[Array] = []
    for chunk in _chunks(layout):
        lines.append(np.array([row.line for row in chunk], dtype=np.int64))
        across = list(zip(*(row.cells for row in chunk), strict=True))
        for i in list(pieces):
            cells = across[i]
            distinct = list(set(cells))
            text = "".join([f"{cell}\n" for cell in distinct])
            if not PLAIN_CELLS.fullmatch(text) or (LONG_NUMBER.search(text) and any(map(is_inexact, distinct))):
                del pieces[i]
                texts.append(i)
                continue
            if "." in text:
                pointed[i] = pointed.get(i, True) and GROUPED_POINTS.fullmatch(text) is not None
            value_of: dict[str, float] = {cell: float(cell) if cell else np.nan for cell in distinct}
            pieces[i].append(np.fromiter(map(value_of.__getitem__, cells), float, len(cells)))
    has_other_marks = options.decimal == "," or options.thousands == "."  # then every point is looked at
    for i in [i for i in pieces if pointed.get(i) or (has_other_marks and i in pointed)]:  # 1.250 may be 1250
        del pieces[i]
        texts.append(i)
    points = next((columns[i].name for i in pieces if i in pointed), "")
    notes, layout.notes = layout.notes, []
    values = {i: np.concatenate(pieces.pop(i)) for i in list(pieces) if lines}
    return _Plain(np.concatenate(lines) if lines else np.zeros(0, np.int64), values, sorted(texts), points, notes)


def _read_texts(layout: Layout, plain: _Plain) -> dict[int, tuple[list[str], Array]]:
    """Read the other columns: their distinct cells, and for each row the index of its own."""
    if not plain.texts:
        return {}
    index: dict[int, dict[str, int]] = {i: {} for i in plain.texts}
    codes: dict[int, list[Array]] = {i: [] for i in plain.texts}
    for chunk in _chunks(layout):
        for i in plain.texts:
            known = index[i]
            codes[i].append(np.array([known.setdefault(row.cells[i], len(known)) for row in chunk], dtype=np.int32))
    layout.notes = []
    return {i: (list(index[i]), np.concatenate(codes[i])) for i in plain.texts}


def _read_columns(
    layout: Layout, columns: Sequence[Column], plain: _Plain, texts: dict[int, Cells], options: Options
) -> list[str]:
    """Decide what each column holds, and fill in its values; return the faults of those that cannot be read."""
    file, missing, faults = layout.file, MISSING | set(options.missing), list[str]()
    drafts = {}
    for i, cells in texts.items():
        if columns[i].role == "name":
            columns[i].kind, columns[i].values = "category", np.array(cells.distinct, dtype=object)[cells.codes]
            continue
        try:
            drafts[i] = draft(file, columns[i], cells, missing, is_date=columns[i].name in options.date)
        except DataError as error:
            faults.append(str(error))
    numerals = [found.numerals for found in drafts.values() if found.is_number.any()]
    styles: dict[str, Style] = {}
    try:
        marks = {"decimal": options.decimal, "thousands": options.thousands}
        styles, notes = choose_styles(file, numerals, points=plain.points, separator=layout.separator, **marks)
        plain.notes += notes
    except DataError as error:
        faults.append(str(error))
        drafts = {i: found for i, found in drafts.items() if not found.is_number.any()}
    for i, found in drafts.items():
        try:
            settle(file, found, styles.get(columns[i].name), is_date=columns[i].name in options.date)
        except DataError as error:
            faults.append(str(error))
    for i, values in plain.values.items():
        columns[i].kind, columns[i].values = "number", values
    words = [float(word) for word in options.missing if re.fullmatch(PLAIN, word)]
    for column in columns:
        if column.kind == "number":  # -200.0 is missing, too, where -200 is declared so
            column.values[np.isin(column.values, words)] = np.nan
            column.missing = int(np.isnan(column.values).sum())
            column.kind = "empty" if column.missing == len(column.values) else "number"
        if column.kind == "number" and column.role == "feature":
            beyond = np.abs(column.values) > LARGEST
            if beyond.any():
                line = plain.lines[int(beyond.argmax())]
                wish = f"has a value that is infinite or beyond {LARGEST:g}; correct it, or leave it empty"
                faults.append(f"{file}:{line}: column '{column.name}' {wish}")
    return faults


def _refuse_data_as_header(layout: Layout, columns: Sequence[Column]) -> None:
    """Refuse a first row that looks like the others: it would be lost."""
    names = [column.name for column in columns]
    numbers = [name for name in names if is_numeral(name)]
    values = [float(name) for name in numbers if re.fullmatch(PLAIN, name)]
    steps = set(np.diff(values).round(9).tolist())
    is_sequence = len(values) == len(numbers) >= FEWEST_IN_A_SEQUENCE and len(steps) == 1 and 0 not in steps
    like_data = [] if is_sequence else numbers
    for column in columns:
        if column.kind in ("category", "boolean") and column.name not in numbers:
            words = {label.casefold() for label in column.labels}
            if column.name.casefold() in words or LOOKS_LIKE_A_DATE.fullmatch(column.name):
                like_data.append(column.name)
    if like_data and 2 * len(like_data) >= len(names):
        raise DataError(data_as_header(layout.file, layout.header.line if layout.header else 1, like_data))


def _drop_nameless(table: Table, layout: Layout) -> None:
    """Leave out columns without a name that hold nothing, or number or name the rows; any other is a fault."""
    for index in layout.nameless:
        column = table.columns[index]
        if column.role != "feature":
            continue
        if column.kind == "empty":
            reason = "it has no name and no value"
        elif column.kind == "number" and _numbers_rows(column.values):
            reason = "it has no name and numbers the rows"
        elif index == 0 and column.kind == "category" and len(column.labels) == table.rows:
            reason = "it has no name and names the rows"
        else:
            advice = f"give it one, or leave it out with drop: {flow([column.name])}"
            table.faults.append(f"{table.file}:1: column {index + 1} has no name; {advice}")
            continue
        column.role, column.notes = "dropped", []
        column.note(f"{reason}; it is left out")


def _numbers_rows(values: Array) -> bool:
    return bool(values[0] in (0, 1) and (np.diff(values) == 1).all())


def _read_target(table: Table, target: Column, cells: Cells, options: Options) -> None:
    """Make classes of the target: their names, and for each row the index of its own."""
    file, name, faults = table.file, target.name, table.faults
    if target.name in options.date:
        faults.append(f"{file}:1: the target '{name}' is also named by date; take it out of one of the two")
    if target.kind in ("", "date"):  # what is wrong with its cells is reported
        target.values = np.zeros(0)
        return
    if target.kind == "number":
        words = _number_words(target, cells)
    elif target.kind == "boolean":
        words = as_words(target)
    elif target.kind == "category":
        words = target.values
    else:
        words = np.full(table.rows, "", dtype=object)
    if target.missing:
        first = int((words == "").argmax())
        word = cells.distinct[int(cells.codes[first])]
        shown = f" ('{word}' means that; a class needs another name)" if word else ""
        faults.append(
            f"{file}:{table.lines[first]}: the target '{name}' is missing in {target.missing} rows, first in this "
            f"one{shown}; fill them in, or remove them"
        )
    names, y, counts = np.unique(words, return_inverse=True, return_counts=True)
    classes = [str(word) for word in names]
    target.kind, target.labels, target.values = "category", tuple(classes), y.astype(np.int64)
    rarest = int(counts.argmin())
    if len(names) == 1:
        if not target.missing:
            faults.append(f"{file}: the target '{name}' is '{names[0]}' in every row; it needs two classes or more")
    elif len(names) > MAX_CLASSES:
        faults.append(
            f"{file}: the target '{name}' has {len(names)} distinct values and looks like one of regression; "
            f"a class is wanted, with at most {MAX_CLASSES} of them"
        )
    elif counts[rarest] < MIN_CLASS_ROWS and not target.missing:
        line = table.lines[int((words == names[rarest]).argmax())]
        number = int((counts < MIN_CLASS_ROWS).sum())
        faults.append(
            f"{file}:{line}: the target '{name}' has {number} class{'es' if number > 1 else ''} of fewer than "
            f"{MIN_CLASS_ROWS} rows, such as '{shorten(names[rarest])}' with {counts[rarest]}; remove or merge them"
        )
    if options.positive is not None:
        fault = _choose_positive(target, classes, options.positive)
        if fault:
            faults.append(f"{file}: {fault}")
    table.classes = target.labels


def _number_words(target: Column, cells: Cells) -> Array:
    """The most frequent spelling of each number, row by row; empty where it is missing."""
    values = np.full(len(cells.distinct), np.nan)
    values[cells.codes] = target.values
    groups: dict[float, list[int]] = {}
    for code in np.flatnonzero(~np.isnan(values)):
        groups.setdefault(float(values[code]), []).append(int(code))
    words = np.full(len(cells.distinct), "", dtype=object)
    for word, group in merge(target, cells, groups.values()).items():
        words[group] = word
    return np.asarray(words[cells.codes])


def _choose_positive(target: Column, classes: Sequence[str], positive: str) -> str:
    """Make a class the second of two; what is wrong with that, empty where nothing is."""
    if len(classes) != 2:
        return f"positive chooses between two classes, and the target '{target.name}' has {len(classes)}"
    by_form = {plain_form(name): i for i, name in enumerate(classes)}
    place = by_form.get(plain_form(positive))
    if place is None:
        return f"positive is '{positive}', and the classes of '{target.name}' are {quote(classes)}"
    if place == 0:
        target.labels, target.values = (classes[1], classes[0]), 1 - target.values
    return ""


def encode(
    columns: dict[str, Array], y: Array, classes: Sequence[str], source: str, faults: Sequence[str] = ()
) -> Dataset:
    """Turn columns into one array of numbers, with categories taken from the training rows only.

    A column of numbers stays as it is. A column of text becomes a column of 0 and 1 for each category but the first,
    in sorted order; a category that the training rows lack is coded as 0 in all of them. A column with missing values
    in the training rows gets a further column ``<name> is missing``.

    Parameters
    ----------
    columns : dict of str to ndarray, shape (n,)
        float64 with nan for a missing value, or text with an empty one. It is emptied, so that a large table is not in
        memory twice.
    y : ndarray of int64, shape (n,)
        Index of the class.
    classes : sequence of str
        Their names.
    source : str
        What an error names.
    faults : sequence of str
        What is wrong already.

    Returns
    -------
    Dataset
        x of float64, shape (n, d), still with nan.

    Raises
    ------
    DataError
        With ``faults``, and where no column is left, one has no value at all, or one has more than ``MAX_CATEGORIES``
        categories.
    """
    faults = list(faults)
    if not columns:
        _refuse([*faults, f"{source}: no column is left beside the target"])
    train, test = fixed_split(y)
    encoded: list[tuple[str, Array]] = []
    for name in list(columns):
        column = columns.pop(name)
        is_text = column.dtype.kind in "UO"
        missing = column == "" if is_text else np.isnan(column)
        if len(train) and missing[train].all():
            faults.append(
                f"{source}: column '{name}' has no value in the training rows; leave it out with drop: {flow([name])}"
            )
            continue
        if is_text:
            categories = np.unique(column[train][~missing[train]])
            if len(categories) > MAX_CATEGORIES:
                faults.append(
                    f"{source}: column '{name}' is text with {len(categories)} categories in the training rows "
                    f"(such as '{shorten(categories[0])}'), probably an id; leave it out with drop: {flow([name])}"
                )
                continue
            if (len(encoded) + len(categories)) * len(y) > MOST_NUMBERS:
                faults.append(
                    f"{source}: with a column for each of the {len(categories)} categories of '{name}' it has more "
                    f"than {MOST_NUMBERS:,} numbers; leave it out with drop: {flow([name])}"
                )
                continue
            encoded += [(f"{name} = {c}", (column == c).astype(float)) for c in categories[1:]]
        else:
            encoded.append((name, column))
        if missing[train].any():
            encoded.append((f"{name} is missing", missing.astype(float)))
    _refuse(faults)
    if not encoded:
        raise DataError(f"{source}: every column has one value only, so there is nothing to learn from")
    names = tuple(name for name, _ in encoded)
    x_train, x_test = (np.empty((len(rows), len(names))) for rows in (train, test))
    for i in range(len(names)):
        column, encoded[i] = encoded[i][1], ("", np.zeros(0))  # its memory is free for the next
        x_train[:, i], x_test[:, i] = column[train], column[test]
    return Dataset(x_train, y[train], x_test, y[test], tuple(classes), "table", names)


def _refuse(faults: Iterable[str]) -> None:
    text = "\n".join(faults)
    if text:
        raise DataError(text)
