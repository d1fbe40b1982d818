"""Tables with one fault each: a valid file, what was done to it, and on which line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from faults.dialects import Case, Dialect, Outcome, TrueColumn, differences, faults_of_refusal

from initbench.errors import DataError


class Sheet(NamedTuple):
    """A valid table: rows of cells as they stand between separators, the header first; a row fills one line."""

    rows: list[list[str]]
    columns: tuple[TrueColumn, ...]
    dialect: Dialect

    def place(self, random: Random, kind: str) -> tuple[int, int]:
        """A row, not the first or last of the data, and a column of this kind."""
        found = [j for j, column in enumerate(self.columns) if column.name == kind]
        return random.randint(2, len(self.rows) - 2), random.choice(found or list(range(len(self.columns))))

    def text(self) -> str:
        """The file."""
        return "".join(self.dialect.separator.join(row) + self.dialect.line_end for row in self.rows)


class Damaged(NamedTuple):
    """The content of a damaged file, and the lines that a refusal may name."""

    name: str
    case: Case
    lines: tuple[int, ...]


def make_sheet(random: Random) -> Sheet:
    """A table with whole numbers, numbers with two decimals, words that are not ASCII, and a target."""
    separator = random.choice(",;\t|")
    decimal = random.choice(".,") if separator != "," else "."  # with a header, only one separator fits
    dialect = Dialect(separator=separator, decimal=decimal, line_end=random.choice(["\n", "\r\n", "\r"]))
    n = random.randint(20, 40)
    counts = [random.randint(10, 120) for _ in range(n)]
    amounts = [random.randint(100, 99_999) for _ in range(n)]
    words = [random.choice(["café", "Zürich", "Ærø", "north"]) for _ in range(n)]
    classes = [i % 2 for i in range(n)]
    random.shuffle(classes)
    amount_cells = [f"{a // 100}{decimal}{a % 100:02}" for a in amounts]
    columns = [
        TrueColumn("count", "number", [float(c) for c in counts], [str(c) for c in counts]),
        TrueColumn("amount", "number", [float(f"{a // 100}.{a % 100:02}") for a in amounts], amount_cells),
        TrueColumn("word", "category", words, words),
        TrueColumn("y", "number", [float(c) for c in classes], [str(c) for c in classes], role="target"),
    ]
    random.shuffle(columns)
    rows = [[c.name for c in columns], *map(list, zip(*(c.cells for c in columns), strict=True))]
    if random.random() < 0.3:
        rows = [[f'"{cell}"' for cell in row] for row in rows]
    return Sheet(rows, tuple(columns), dialect)


def with_cell(sheet: Sheet, row: int, column: int, change: Callable[[str], str]) -> str:
    """The file with one cell changed, within its quotes if it has any."""
    cell = sheet.rows[row][column]
    new = f'"{change(cell[1:-1])}"' if cell.startswith('"') else change(cell)
    rows = [list(cells) for cells in sheet.rows]
    rows[row][column] = new
    return sheet._replace(rows=rows).text()


def with_row(sheet: Sheet, row: int, *cells: list[str]) -> str:
    """The file with a row replaced by others."""
    return sheet._replace(rows=[*sheet.rows[:row], *cells, *sheet.rows[row + 1 :]]).text()


def unclosed_quote(random: Random, sheet: Sheet) -> tuple[str, int]:
    row, column = sheet.place(random, "")
    cells = list(sheet.rows[row])
    cells[column] = '"' + cells[column].strip('"')
    return with_row(sheet, row, cells), row


def text_after_quote(random: Random, sheet: Sheet) -> tuple[str, int]:
    row, column = sheet.place(random, "word")
    cells = list(sheet.rows[row])
    cells[column] = '"north" east'
    return with_row(sheet, row, cells), row


def extra_cell(random: Random, sheet: Sheet) -> tuple[str, int]:
    row, column = sheet.place(random, "")
    cells = list(sheet.rows[row])
    cells.insert(column, "7")
    return with_row(sheet, row, cells), row


def missing_cell(random: Random, sheet: Sheet) -> tuple[str, int]:
    row, column = sheet.place(random, "")
    cells = list(sheet.rows[row])
    del cells[column]
    return with_row(sheet, row, cells), row


def stray_separator(random: Random, sheet: Sheet) -> tuple[str, int]:
    row, column = sheet.place(random, "word")
    cells = list(sheet.rows[row])
    cells[column] = sheet.dialect.separator.join(["north", "east"])
    return with_row(sheet, row, cells), row


def other_decimal_mark(random: Random, sheet: Sheet) -> tuple[str, int]:
    row, column = sheet.place(random, "amount")
    cells = list(sheet.rows[row])
    cells[column] = '"3{}25"'.format({".": ",", ",": "."}[sheet.dialect.decimal])
    return with_row(sheet, row, cells), row


def header_in_the_middle(random: Random, sheet: Sheet) -> tuple[str, int]:
    row, _ = sheet.place(random, "")
    return with_row(sheet, row, sheet.rows[0], sheet.rows[row]), row


def two_files_in_one(random: Random, sheet: Sheet) -> tuple[str, int]:
    return sheet.text() + sheet.text(), len(sheet.rows)


def two_files_without_a_line_end_between(random: Random, sheet: Sheet) -> tuple[str, int]:
    return sheet.text().removesuffix(sheet.dialect.line_end) + sheet.text(), len(sheet.rows) - 1


def two_files_with_byte_order_marks(random: Random, sheet: Sheet) -> tuple[str, int]:
    return 2 * f"\ufeff{sheet.text()}", len(sheet.rows)


def lost_line_end(random: Random, sheet: Sheet) -> tuple[str, int]:
    row, _ = sheet.place(random, "")
    cells = sheet.rows[row]
    joined = [*cells[:-1], f"{cells[-1]}{sheet.rows[row + 1][0]}".replace('""', ""), *sheet.rows[row + 1][1:]]
    return sheet._replace(rows=[*sheet.rows[:row], joined, *sheet.rows[row + 2 :]]).text(), row


def cut_short(random: Random, sheet: Sheet) -> tuple[str, int]:
    return with_row(sheet, len(sheet.rows) - 1, sheet.rows[-1][:-1]).rstrip("\r\n"), len(sheet.rows) - 1


def no_header(random: Random, sheet: Sheet) -> tuple[str, int]:
    if sheet.dialect.decimal == ",":  # would fit as a separator, too
        rows = [[cell.replace(",", ".") for cell in row] for row in sheet.rows]
        sheet = sheet._replace(rows=rows)
    return sheet._replace(rows=sheet.rows[1:]).text(), 0


def same_name_twice(random: Random, sheet: Sheet) -> tuple[str, int]:
    first, second = random.sample(range(len(sheet.columns)), 2)
    names = list(sheet.rows[0])
    names[first] = names[second]
    return with_row(sheet, 0, names), 0


def cell_fault(kind: str, change: Callable[[str], str]) -> Callable[[Random, Sheet], tuple[str, int]]:
    """A fault of one cell in a column of this kind."""

    def damage(random: Random, sheet: Sheet) -> tuple[str, int]:
        row, column = sheet.place(random, kind)
        return with_cell(sheet, row, column, change), row

    return damage


DAMAGES: dict[str, Callable[[Random, Sheet], tuple[str, int]]] = {
    "a quote that is not closed": unclosed_quote,
    "text after a closing quote": text_after_quote,
    "a cell too many": extra_cell,
    "a cell too few": missing_cell,
    "a separator within a word": stray_separator,
    "another decimal mark": other_decimal_mark,
    "the header in the middle": header_in_the_middle,
    "two files in one": two_files_in_one,
    "two files without a line end between": two_files_without_a_line_end_between,
    "two files with byte order marks": two_files_with_byte_order_marks,
    "two rows on one line": lost_line_end,
    "a file cut short": cut_short,
    "no header": no_header,
    "a name that stands twice": same_name_twice,
    "a NUL": cell_fault("word", lambda cell: f"{cell}\0"),
    "a byte that is not UTF-8": cell_fault("word", lambda cell: f"{cell}\udcc3"),
    "an l for a 1": cell_fault("count", lambda cell: "l2"),
    "an O for a 0": cell_fault("count", lambda cell: "1O"),
    "two decimal marks": cell_fault("amount", lambda cell: "1.2.3"),
    "a space within a number": cell_fault("count", lambda cell: "1 2"),
    "an underscore within a number": cell_fault("count", lambda cell: "1_2"),
    "a word among numbers": cell_fault("count", lambda cell: "north"),
    "an infinite number": cell_fault("amount", lambda cell: "inf"),
    "a number beyond all doubles": cell_fault("count", lambda cell: "1e400"),
    "a target that is missing": cell_fault("y", lambda cell: ""),
    "a unit in one cell": cell_fault("count", lambda cell: "12 kg"),
    "a percent sign in one cell": cell_fault("count", lambda cell: "12%"),
    "a currency sign in one cell": cell_fault("count", lambda cell: "$12"),
}


def make_damage(name: str, number: int) -> Damaged:
    """A sheet with this damage; equal names and numbers make equal files."""
    random = Random(f"{name} {number}")
    sheet = make_sheet(random)
    text, row = DAMAGES[name](random, sheet)
    content = text.encode("utf-8", "surrogateescape")
    case = Case(number, content, {"target": "y"}, sheet.columns, sheet.dialect, (), (), ())
    return Damaged(name, case, (row + 1,))


def try_damage(damaged: Damaged, read: Callable[[Path, dict[str, Any]], Any], file: Path) -> Outcome:
    """Read a damaged file: refused with the right line, or the same table, or a difference that a note reports.

    A note reports it when it names the line.
    """
    file.write_bytes(damaged.case.content)
    right = re.compile(rf"{re.escape(file.name)}:({'|'.join(map(str, damaged.lines))})\b")
    try:
        table = read(file, damaged.case.options)
    except DataError as error:
        found = faults_of_refusal(str(error), file)
        if not right.search(str(error)):
            found.append(f"not line {damaged.lines}: {error}")
        return Outcome("refused", str(error), tuple(found))
    except Exception as error:
        return Outcome("read", repr(error), (f"an error that nobody foresaw: {error!r}",))
    found = differences(damaged.case, table)
    line = re.compile(rf"\b({'|'.join(map(str, damaged.lines))})\b")
    is_reported = any(line.search(note) for note in table.notes)
    return Outcome("read", "\n".join(table.notes), () if is_reported else tuple(found))
