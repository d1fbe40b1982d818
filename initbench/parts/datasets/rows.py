"""The bytes of a CSV file -> rows of cells: its encoding, its separator, its quotes and its header."""

from __future__ import annotations

import codecs
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from initbench.errors import DataError

SEPARATORS = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'"}
SAMPLE = 1000  # rows that show the separator; the whole file is checked against it afterwards
LONGEST = 131_072  # characters of a cell
PREVIEW = 40  # characters of a cell that a message shows
BLOCK = 2**20
STARTS_LIKE_A_NUMBER = re.compile(r"[-+]?[.,]?[0-9]")
BINARY_FILES = {  # how files that are no text begin, and what to do about it
    b"\x1f\x8b": "it is packed by gzip; unpack it",
    b"PK\x03\x04": "it is a zip or Excel file; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "it is an Excel file; save the sheet as CSV",
    b"BZh": "it is packed by bzip2; unpack it",
    b"\xfd7zX": "it is packed by xz; unpack it",
    b"PAR1": "it is a Parquet file; save it as CSV",
    b"\x89PNG": "it is an image",
}
OTHER_TEXTS = {  # the same of texts, in small letters, white space before them aside
    **dict.fromkeys(('{"', "[{", "[[", "[\n"), "it is JSON; save it as CSV"),
    **dict.fromkeys(("<!doctype", "<html", "<?xml", "<table"), "it is HTML or XML; save the table as CSV"),
    "version https://git-lfs": "it is a pointer of Git LFS; fetch the file itself: git lfs pull",
    "%pdf": "it is a PDF",
}
BYTE_ORDER_MARKS = {  # UTF-32 begins as UTF-16 does, so it comes first
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Row(NamedTuple):
    """The cells of a row, stripped, the line of the file that it begins on, and whether it goes on on further lines."""

    line: int
    cells: list[str]
    is_long: bool = False


@dataclass
class Layout:
    """How a file is cut into rows and cells, and what was assumed to find that out.

    Attributes
    ----------
    file : Path
    encoding, separator : str
    names : list of str
        Of the columns.
    nameless : list of int
        The places of the columns that the header has no name for.
    header : Row or None
        The row of the file that the names come from.
    skipped : int
        Lines at the beginning that are no rows.
    notes : list of str
        A sentence for each assumption.
    """

    file: Path
    encoding: str
    separator: str
    names: list[str] = field(default_factory=list)
    nameless: list[int] = field(default_factory=list)
    header: Row | None = None
    skipped: int = 0
    notes: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """The rows below the header, each with a cell for each name.

        Raises
        ------
        DataError
            When a row has another number of cells, or a quote is not closed.
        """
        rows = read_rows(self.file, self.encoding, self.separator, self.skipped)
        wanted, surplus, repeated, blank, number = len(self.names), 0, list[int](), 0, 0
        swallowed: list[tuple[int, str]] = []
        if self.header:
            next(rows)
        for row in rows:
            line, cells = row.line, row.cells
            if len(cells) > wanted and not any(cells[wanted:]):
                surplus += 1
                del cells[wanted:]
            if not any(cells):
                blank += 1
                continue
            if len(cells) != wanted:
                separator = SEPARATORS.get(self.separator, repr(self.separator))
                whole = "the header" if self.header else "the table"
                raise DataError(
                    f"{self.file}:{line}: {count(len(cells), 'cell')}, and {whole} has {wanted}; "
                    f"cells are separated by {separator}, and one that holds it needs double quotes"
                )
            if row.is_long:
                swallowed += [(line, cell) for cell in cells if self._holds_a_row(cell)]
            if self.header and cells == self.header.cells[:wanted]:
                repeated.append(line)
                continue
            number += 1
            yield row
        if 0 < len(swallowed) <= max(2, number // 100):  # more of them are text that has lines
            line, cell = swallowed[0]
            raise DataError(
                f"{self.file}:{line}: a quote that opens in this row encloses the next one, "
                f"'{shorten(cell.partition(chr(10))[2])}'; close it, or put a space for a line break that is text"
            )
        if surplus:
            self.notes.append(f"{count(surplus, 'row')} end in empty cells beyond the last column; these are ignored")
        if blank:
            self.notes.append(f"{count(blank, 'row')} of empty cells are skipped")
        if repeated:
            lines = ", ".join(map(str, repeated[:5])) + (", ..." if len(repeated) > 5 else "")
            self.notes.append(f"the header is repeated on line {lines}; it is skipped there")

    def _holds_a_row(self, cell: str) -> bool:
        """Whether a line of a quoted cell, after its first, has as many cells as the table has columns."""
        wanted = len(self.names) - 1
        return wanted > 0 and any(line.count(self.separator) >= wanted for line in cell.split("\n")[1:])


def count(number: int, noun: str) -> str:
    """A number and its noun.

    Examples
    --------
    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def shorten(text: str) -> str:
    """A cell as a message shows it."""
    text = text.replace("\n", "\\n")
    return text if len(text) <= PREVIEW else text[: PREVIEW - 3] + "..."


def flow(names: Iterable[str]) -> str:
    """Names as a list of a config has them.

    Examples
    --------
    >>> flow(["Age", "Size, cm"])
    '[Age, "Size, cm"]'
    """
    is_bare = re.compile(r"[^\W\d][\w .-]*")
    return "[" + ", ".join(n if is_bare.fullmatch(n) else json.dumps(n, ensure_ascii=False) for n in names) + "]"


def read_rows(file: Path, encoding: str, separator: str, skipped: int = 0) -> Iterator[Row]:
    """Cut a file into rows, without those that have no character.

    A cell may stand in double quotes, with spaces around them; within, a quote is doubled, and separators and line
    ends are text.

    Parameters
    ----------
    file : Path
    encoding : str
    separator : str
        One character.
    skipped : int, default 0
        Lines at the beginning that are no rows.

    Yields
    ------
    Row

    Raises
    ------
    DataError
        When a quote is not closed, or text follows a closing quote; it names the line on which the quote opens.
    """
    with file.open(encoding=encoding, newline=None) as lines:
        numbered = islice(enumerate(lines, 1), skipped, None)
        for number, line in numbered:
            text = line.rstrip("\n")
            if not text.strip():
                if separator == "\t" and text:
                    yield Row(number, [""] * (text.count("\t") + 1))
                continue
            last = number
            if '"' in text:
                cells, last = _quoted_cells(file, number, text, numbered, separator)
            else:
                cells = text.split(separator)
            if len(text) > LONGEST and max(map(len, cells)) > LONGEST:
                raise DataError(f"{file}:{number}: a cell of more than {LONGEST:,} characters; is it a CSV file?")
            # A table of pixels has no white space, and without the test this line takes a fifth of the time of reading.
            if last > number or " " in text or "\t" in text or not text.isascii():
                cells = [cell.strip() for cell in cells]
            yield Row(number, cells, last > number)


def _quoted_cells(
    file: Path, number: int, text: str, lines: Iterator[tuple[int, str]], separator: str
) -> tuple[list[str], int]:
    """The cells of a row that begins with the line ``text``, and its last line: an open quote takes further ones."""
    cells: list[str] = []
    blanks = re.compile(" *" if separator == "\t" else "[ \t]*")
    place = 0
    while place <= len(text):
        start = _end(blanks, text, place)
        if text.startswith('"', start):
            opened = number
            value, number, text, closed = _close_quote(file, number, text, start + 1, lines)
            end = _end(blanks, text, closed)
            if end < len(text) and text[end] != separator:
                raise DataError(
                    f"{file}:{opened}: '{shorten(text[closed:])}' follows the closing quote of "
                    f"'{shorten(value)}'; double a quote that is text"
                )
        else:  # a quote within such a cell is text
            end = text.find(separator, place)
            end = len(text) if end < 0 else end
            value = text[place:end]
        cells.append(value)
        place = end + 1
    return cells, number


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place


def _close_quote(
    file: Path, number: int, text: str, place: int, lines: Iterator[tuple[int, str]]
) -> tuple[str, int, str, int]:
    """The value of a quoted cell that begins at ``place``; then the line that it ends on, and where it ends there."""
    opened, pieces, size = number, list[str](), 0
    while True:
        end = text.find('"', place)
        if text.startswith('""', end) and end >= 0:
            pieces.append(text[place : end + 1])
            place = end + 2
            continue
        pieces.append(text[place:end] if end >= 0 else text[place:] + "\n")
        if end >= 0:
            return "".join(pieces), number, text, end + 1
        size += len(pieces[-1])
        number, text = next(lines, (0, ""))
        if not number or size > LONGEST:
            raise DataError(
                f"{file}:{opened}: the quote of the cell '{shorten(pieces[0].strip())}' opens on this line and is not "
                "closed; close it, or double it where it is text"
            )
        text, place = text.rstrip("\n"), 0


def find_encoding(file: Path, declared: str | None) -> tuple[str, str]:
    """The encoding of a file, and what was assumed to find it; the assumption is empty for plain UTF-8.

    Parameters
    ----------
    file : Path
    declared : str or None
        As the config has it; None to find it out: by a byte order mark, else UTF-8 where all bytes are, else
        Windows-1252 where its accents stand in words of Latin letters.

    Raises
    ------
    DataError
        When the file cannot be read, no encoding fits, or a NUL character stands in it.
    """
    try:
        with file.open("rb") as content:
            start = content.read(64)
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); csv names one CSV file") from error
    is_binary = any((byte < 32 and byte not in b"\t\n\r") or byte > 126 for byte in start)
    text = start.decode("latin-1").lstrip().lower()
    kinds = [advice for magic, advice in BINARY_FILES.items() if is_binary and start.startswith(magic)]
    kinds += [advice for begin, advice in OTHER_TEXTS.items() if text.startswith(begin)]
    if kinds:
        raise DataError(f"{file}: is no CSV file: {kinds[0]}")
    marked = next((name for mark, name in BYTE_ORDER_MARKS.items() if start.startswith(mark)), "")
    note = ""
    if declared is not None:
        encoding = _declared(file, declared, marked)
    else:
        encoding = marked or "utf-8"
        if marked.startswith(("utf-16", "utf-32")):
            note = f"the text is {encoding.upper()}, by its byte order mark"
    wrong = _first_wrong(file, encoding)
    if wrong is not None and declared is None and not marked:
        line, byte = wrong
        word = _accented_word(file)
        if not word:
            raise DataError(
                f"{file}:{line}: the byte 0x{byte:02x} is not UTF-8; save the file as UTF-8, or declare its encoding, "
                "for example encoding: windows-1252"
            )
        encoding, note = "windows-1252", f"the text is read as Windows-1252, for example '{word}'; it is not UTF-8"
        wrong = None
    if wrong is not None:
        raise DataError(f"{file}:{wrong[0]}: the byte 0x{wrong[1]:02x} is not {encoding}; declare another encoding")
    return encoding, note


def _declared(file: Path, declared: str, marked: str) -> str:
    try:
        name = codecs.lookup(declared).name
        "".encode(name)  # a LookupError where it is no encoding of text, such as base64
    except (LookupError, UnicodeError):
        raise DataError(
            f"{file}: unknown encoding '{declared}'; for example: utf-8, windows-1252, utf-16, cp1251, shift-jis"
        ) from None
    if marked and not name.startswith(marked.removesuffix("-sig")):
        raise DataError(f"{file}:1: the file begins with the byte order mark of {marked}, and encoding is {declared}")
    return marked or name


def _first_wrong(file: Path, encoding: str) -> tuple[int, int] | None:
    """Line and value of the first byte that is not of the encoding; an error for a NUL character."""
    try:
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    except LookupError:
        raise DataError(f"{file}: the encoding {encoding} is none of text; for example: utf-8, windows-1252") from None
    line = 1
    with file.open("rb") as content:
        while True:
            block = content.read(BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
                return line + before.count(b"\n"), error.object[error.start]
            except UnicodeError as error:
                raise DataError(f"{file}:{line}: the text is not {encoding}: {error}") from None
            if "\0" in text:
                line += text.count("\n", 0, text.index("\0"))
                raise DataError(
                    f"{file}:{line}: a NUL byte stands there, so it is no text; is it a CSV file, saved as UTF-8?"
                )
            if not block:
                return None
            line += text.count("\n")


def _accented_word(file: Path) -> str:
    """A word of Latin letters with an accent, as Windows-1252 has it; empty where most odd bytes are in none."""
    try:
        with file.open("rb") as lines:
            odd_lines = list(islice((line for line in lines if not line.isascii()), SAMPLE))
        if any(map(_is_utf8, odd_lines)):  # one wrong byte in a file of UTF-8
            return ""
        text = "".join(line.decode("windows-1252") for line in odd_lines)
    except UnicodeDecodeError:
        return ""
    odd = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    latin = [word for word in odd if any(letter.isascii() for letter in word)]
    signs = [c for c in text if not c.isascii() and not c.isalpha()]
    fitting = [sign for sign in signs if unicodedata.category(sign) in ("Sc", "Pd", "Pi", "Pf", "Po", "So", "Zs", "No")]
    if len(latin) * 2 < len(odd) or len(fitting) < len(signs):
        return ""
    return next(iter([*latin, *signs]), "")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def find_layout(
    file: Path, *, separator: str | None, encoding: str | None, header: bool | tuple[str, ...] | None
) -> Layout:
    """Find out how a file is cut into cells, and the names of its columns.

    Parameters
    ----------
    file : Path
    separator, encoding, header
        As of `initbench.parts.datasets.tables.Options`.

    Raises
    ------
    DataError
        When the file is empty, cannot be read, or its header does not fit its rows.
    """
    encoding, note = find_encoding(file, encoding)
    separator = "\t" if separator == "tab" else separator
    if separator is not None and (len(separator) != 1 or separator in '"\n\r'):
        raise DataError(f"{file}: the separator is {separator!r} and must be one character, for example ';', or tab")
    layout = Layout(file, encoding, separator or ",", notes=[note] if note else [])
    _read_directive(layout)
    samples = [_sample(layout, mark) for mark in ([separator] if separator else SEPARATORS)]
    if sum(sample.is_whole for sample in samples) > 1:  # the rest of the file may decide
        samples = [_sample(layout, sample.separator, None) if sample.is_whole else sample for sample in samples]
    chosen = _best(file, samples)
    if chosen.error:
        raise chosen.error
    if not chosen.rows:
        raise DataError(f"{file}: is empty")
    layout.separator = chosen.separator
    if chosen.separator != "," and separator is None:
        layout.notes.append(f"cells are separated by {SEPARATORS[chosen.separator]}")
    _name_columns(layout, chosen, header)
    return layout


def _read_directive(layout: Layout) -> None:
    """Skip Excel's first line ``sep=;``, which is no row of the table."""
    with layout.file.open(encoding=layout.encoding, newline=None) as lines:
        first = lines.readline(20).rstrip("\n").strip('"')
    if re.fullmatch(r"sep=.", first):
        layout.skipped = 1
        layout.notes.append(f"the first line, '{first}', is Excel's word for the separator and no row")


@dataclass
class _Sample:
    """The first rows of a file, cut by a separator, up to the error where they cannot be.

    ``width`` is how many cells most rows below the first have, empty ones at the end aside where the first row has none
    there; ``fitting`` how many rows fit.
    """

    separator: str
    rows: list[Row]
    error: DataError | None
    width: int = 0
    fitting: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all rows have the same number of cells, and that is more than one."""
        return self.error is None and self.width > 1 and self.fitting == len(self.rows)


def _sample(layout: Layout, separator: str, most: int | None = SAMPLE) -> _Sample:
    found = _Sample(separator, [], None)
    try:
        for row in islice(read_rows(layout.file, layout.encoding, separator, layout.skipped), most):
            found.rows.append(row)
    except DataError as error:
        found.error = error
    if found.rows:
        first, body = len(found.rows[0].cells), found.rows[1:] or found.rows
        found.width = Counter(len(row.cells) for row in body).most_common(1)[0][0]
        if found.width == first + 1 and not any(any(row.cells[first:]) for row in body):
            found.width = first
        width = found.width
        found.fitting = sum(len(row.cells) >= width and not any(row.cells[width:]) for row in body)
        found.fitting += len(found.rows) - len(body) if first == width or _beyond(found) in ("", "row names") else 0
    return found


def _beyond(sample: _Sample) -> str | None:
    """What the first row has beyond or short of the others: empty cells, or the name of R's row names; else None."""
    cells = sample.rows[0].cells
    if len(cells) > sample.width and not any(cells[sample.width :]):
        return ""
    return "row names" if 1 < len(cells) == sample.width - 1 else None


def _best(file: Path, samples: Sequence[_Sample]) -> _Sample:
    """The separator that cuts all rows alike, the header included; else the one that does so with most of them."""
    with_names = [sample for sample in samples if sample.rows and len(sample.rows[0].cells) > 1]
    samples = with_names or samples
    whole = [sample for sample in samples if sample.is_whole]
    whole = [sample for sample in whole if len(sample.rows[0].cells) == sample.width] or whole
    if len(whole) > 1:
        shown = " and ".join(f"{SEPARATORS[sample.separator]} ({sample.width} cells)" for sample in whole)
        raise DataError(
            f"{file}: both {shown} cut every row alike; declare one, for example separator: '{whole[0].separator}'"
        )
    if whole:
        return whole[0]
    wide = [sample for sample in samples if sample.width > 1]
    if wide:
        return max(wide, key=lambda sample: (sample.fitting / len(sample.rows), sample.width))
    first = samples[0]
    _refuse_spaces(file, first.rows[1:])
    return next((sample for sample in samples if sample.error and not sample.rows), first)


def _refuse_shift(file: Path, sample: _Sample) -> None:
    """Refuse a header with one name fewer than the rows have cells, unless the first cells are names of the rows."""
    firsts = [row.cells[0] for row in sample.rows[1:]]
    if len(set(firsts)) == len(firsts) and not any(map(STARTS_LIKE_A_NUMBER.match, firsts)):
        return
    row = sample.rows[1]
    counts = f"{count(len(row.cells), 'cell')}, and the header has {len(row.cells) - 1}"
    raise DataError(
        f"{file}:{row.line}: {counts}; a cell that holds a separator, such as a decimal comma, needs double quotes; if "
        "the first column has no name, declare header: [NAME, ...] and remove the first line"
    )


def _refuse_header(file: Path, rows: Sequence[Row]) -> None:
    """Refuse a first row of words above columns of numbers where the config says that there is no header."""
    first, others = rows[0], rows[1:20]
    numbers = [
        i
        for i in range(len(first.cells))
        if len(others) > 1 and all(i < len(row.cells) and STARTS_LIKE_A_NUMBER.match(row.cells[i]) for row in others)
    ]
    words = [first.cells[i] for i in numbers]
    if words and all(word and not STARTS_LIKE_A_NUMBER.match(word) for word in words):
        raise DataError(
            f"{file}:{first.line}: the first row looks like a header ('{shorten(words[0])}' above numbers), and header "
            "says that there is none; leave header out"
        )


def _refuse_spaces(file: Path, rows: Sequence[Row]) -> None:
    """Refuse rows whose first cell is words or numbers with white space between them, as many in each."""
    words = {len(row.cells[0].split()) for row in rows}
    is_even = len(words) == 1 and min(words) > 1
    if is_even or (rows and all(re.match(r"[-+.\d]+\s+[-+.\d]", row.cells[0]) for row in rows)):
        raise DataError(f"{file}: cells seem to be separated by spaces; separate them by commas, semicolons or tabs")


def _name_columns(layout: Layout, sample: _Sample, header: bool | tuple[str, ...] | None) -> None:
    """Take the names from the first row, from the options, or from the places of the columns."""
    file, width = layout.file, sample.width
    if header is False or isinstance(header, tuple):
        _refuse_header(file, sample.rows)
    if header is False:
        layout.names = [unnamed(i) for i in range(width)]
        return
    if isinstance(header, tuple):
        if len(header) != width:
            raise DataError(
                f"{file}: header gives {count(len(header), 'name')}, and the rows have {count(width, 'cell')}"
            )
        layout.names = [unicodedata.normalize("NFC", name.strip()) for name in header]
    else:
        first = sample.rows[0]
        cells = first.cells
        if len(sample.rows) == 1:
            raise DataError(f"{file}: has no row below its header")
        if _beyond(sample) == "row names" and sample.is_whole:
            _refuse_shift(file, sample)
            layout.notes.append("the header has one name fewer than the rows have cells; the first column has none")
            cells = ["", *cells]
        elif len(cells) != width and _beyond(sample) is None and sample.fitting == len(sample.rows) - 1:
            _refuse_spaces(file, sample.rows[1:])
            raise DataError(
                f"{file}:{first.line}: {count(len(cells), 'cell')}, and all other rows have {width}; "
                "remove what stands above the table, or complete its header"
            )
        else:
            if len(cells) > width and _beyond(sample) == "":
                layout.notes.append("the header ends in a separator; the empty name there is ignored")
                cells = cells[:width]
        layout.header = first._replace(cells=first.cells)
        layout.names = [unicodedata.normalize("NFC", name) or unnamed(i) for i, name in enumerate(cells)]
        layout.nameless = [i for i, name in enumerate(cells) if not name]
    twice = [name for name, number in Counter(layout.names).items() if number > 1]
    line = layout.header.line if layout.header else 1
    if twice and header is None:
        places = [i for i, name in enumerate(layout.names) if name in twice]
        if any(layout.names[i] == row.cells[i] for row in sample.rows[1:] for i in places if i < len(row.cells)):
            raise DataError(data_as_header(file, line, twice))
    if twice:
        raise DataError(
            "\n".join(
                f"{file}:{line}: the column name '{name}' stands there more than once; rename one" for name in twice
            )
        )


def data_as_header(file: Path, line: int, names: Sequence[str]) -> str:
    """What to say of a first row that looks like the others."""
    shown = ", ".join(f"'{shorten(name)}'" for name in names[:4])
    return (
        f"{file}:{line}: the header looks like data ({shown}); "
        "if the file has no header, declare header: false or header: [NAME, ...]; if this is one, header: true"
    )


def unnamed(index: int) -> str:
    """The name of a column without one.

    Examples
    --------
    >>> unnamed(0)
    'column 1'
    """
    return f"column {index + 1}"
