"""Tables whose truth is known are read as such or refused, and the check of that notices readers that do otherwise."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pandas as pd
import pytest
from faults.dialects import SEPARATORS, cut, make_case, try_reader
from faults.fuzz import fuzz_tables, read_declared
from faults.table_damage import DAMAGES, make_damage, try_damage

from initbench.errors import DataError


@pytest.mark.long
def test_tables_in_random_dialects_are_read_as_they_are_or_refused():
    tally = fuzz_tables(150, start=7)
    assert tally.found == []
    assert tally.codes[0] > tally.codes[2] > 10


@pytest.mark.long
def test_tables_are_the_same_however_small_the_pieces_that_they_are_read_in(monkeypatch):
    monkeypatch.setattr("initbench.parts.datasets.rows.BLOCK", 37)
    monkeypatch.setattr("initbench.parts.datasets.tables.CHUNK", 11)
    assert fuzz_tables(80, start=3).found == []


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_table_is_refused_with_the_line_or_the_damage_is_reported(name, tmp_path):
    for number in range(4):
        outcome = try_damage(make_damage(name, number), read_declared, tmp_path / "table.csv")
        assert outcome.broken == (), number


def test_equal_numbers_make_equal_cases():
    assert make_case(3) == make_case(3)
    assert make_case(3).content != make_case(4).content


def test_files_hold_what_their_truth_says():
    for number in range(60):
        case = make_case(number)
        encoding = "utf-16" if case.dialect.encoding.startswith("utf-16") else case.dialect.encoding
        rows = cut(case.content.decode(encoding), case.dialect.separator)
        cells = [[column.cells[i] for column in case.columns] for i in range(len(case.columns[0].cells))]
        if case.dialect.header == "names":
            cells.insert(0, [column.name for column in case.columns])
        ends = {"none": (), "all": range(len(cells)), "header": (0,)}[case.dialect.trailing]
        for i in ends:
            cells[i].append("")
        assert [[" ".join(c.split()) for c in row] for row in rows] == [[" ".join(c.split()) for c in r] for r in cells]


def truth(case):
    """What a reader without fault makes of a case; its notes report everything."""
    columns = [SimpleNamespace(**column._asdict()) for column in case.columns]
    classes = ()
    for column in columns:
        column.values = list(column.values)
        if column.role == "target":
            classes = sorted(set(column.cells))
            column.values = list(map(classes.index, column.cells))
    return SimpleNamespace(
        columns=columns,
        rows=len(columns[0].values),
        separator=case.dialect.separator,
        classes=classes,
        notes=tuple(words[0] for words in case.notes),
    )


def swallow_a_row(table):
    """As a quote that is not closed does."""
    for column in table.columns:
        del column.values[-2]
    table.rows -= 1


def swallow_a_row_and_count_it(table):
    for column in table.columns:
        del column.values[-2]


def read_thousands_as_decimals(table):
    """1,250 as 1.25, as long as that is what the cell looks like."""
    for column in table.columns:
        for i, cell in enumerate(column.cells):
            if column.kind == "number" and len(cell) > 4 and cell[-4] in ",." and not math.isnan(column.values[i]):
                column.values[i] /= 1000


def take_a_dash_for_a_category(table):
    for column in table.columns:
        if column.kind == "number" and "-" in column.cells:
            column.kind, column.values = "category", column.cells


def take_missing_for_zero(table):
    for column in table.columns:
        if column.kind == "number":
            column.values = [0.0 if math.isnan(value) else value for value in column.values]


def lose_a_bit(table):
    for column in table.columns:
        if column.kind == "number":
            column.values = [math.nextafter(value, math.inf) for value in column.values]


def shift_a_column(table):
    for column in table.columns:
        column.values = column.values[1:] + column.values[:1]


def strip_quotes(table):
    for column in table.columns:
        if column.kind == "category" and column.role == "feature":
            column.values = [value.replace('"', "") for value in column.values]


def decode_wrongly(table):
    for column in table.columns:
        if column.kind == "category" and column.role == "feature":
            column.values = [value.encode().decode("cp1252", "replace") for value in column.values]


def take_the_header_for_data(table):
    for column in table.columns:
        column.values.insert(0, column.values[0])
    table.rows += 1


def swap_names(table):
    first, second = table.columns[:2]
    first.name, second.name = second.name, first.name


def forget_the_target(table):
    for column in table.columns:
        column.role = "feature"


def swap_two_classes(table):
    table.classes = [*table.classes[1:], table.classes[0]]


def say_nothing(table):
    table.notes = ()


FAULTS = [
    (swallow_a_row, "rows and not"),
    (swallow_a_row_and_count_it, "values and not"),
    (read_thousands_as_decimals, "from '"),
    (take_a_dash_for_a_category, "category and not number"),
    (take_missing_for_zero, "0.0) and not np.float64(nan)"),
    (lose_a_bit, "from '"),
    (shift_a_column, " and not "),
    (strip_quotes, " and not "),
    (decode_wrongly, " and not "),
    (take_the_header_for_data, "rows and not"),
    (swap_names, "columns ["),
    (forget_the_target, "role feature and not target"),
    (swap_two_classes, " and not "),
    (say_nothing, "no note has any of"),
]


def broken_by(fault, numbers, file):
    """What the check says of a reader that knows the truth, and then commits a fault."""
    found = []
    for number in numbers:
        case = make_case(number)
        if case.refuse:
            continue
        table = truth(case)
        fault(table)
        found += try_reader(case, lambda *_, table=table: table, file).broken
    return found


def test_a_reader_without_fault_passes(tmp_path):
    assert broken_by(lambda table: None, range(60), tmp_path / "table.csv") == []


@pytest.mark.parametrize(("fault", "words"), FAULTS)
def test_the_check_catches_a_reader_that_has_a_fault(fault, words, tmp_path):
    found = broken_by(fault, range(60), tmp_path / "table.csv")
    assert any(words in broken for broken in found), found[:5]


def test_the_check_catches_a_reader_that_reads_what_leaves_a_doubt(tmp_path):
    case = next(case for case in map(make_case, range(200)) if case.refuse)
    outcome = try_reader(case, lambda *_: truth(case), tmp_path / "table.csv")
    assert outcome.broken[0].startswith("read, and has to be refused")


def test_the_check_catches_a_refusal_that_helps_nobody_and_an_error_that_nobody_foresaw(tmp_path):
    def refuse(file, options):
        raise DataError("bad file")

    def fail(file, options):
        return {}[file]

    outcome = try_reader(make_case(1), refuse, tmp_path / "table.csv")
    assert outcome.broken == ("does not name the file: bad file", "names neither a line nor a remedy: bad file")
    assert "KeyError" in try_reader(make_case(1), fail, tmp_path / "table.csv").broken[0]


def test_the_fuzzer_catches_a_reader_that_refuses_everything():
    def refuse(file, options):
        raise DataError(f"{file}:1: no; declare the separator")

    assert any(broken.startswith("refuses ") for broken, _ in fuzz_tables(60, 7, refuse).found)


def guess(file, options):
    """The table that pandas makes of a file when it is left to guess."""
    text = file.read_text(encoding="utf-8", errors="replace", newline="")
    separator = max(SEPARATORS, key=text.splitlines()[0].count)
    try:
        frame = pd.read_csv(file, sep=separator, encoding="utf-8", encoding_errors="replace", on_bad_lines="skip")
    except ValueError as error:
        raise DataError(f"{file}:1: {error}") from None
    columns = [
        SimpleNamespace(
            name=str(name),
            kind="number" if pd.api.types.is_numeric_dtype(frame[name]) else "category",
            values=list(frame[name] if pd.api.types.is_numeric_dtype(frame[name]) else frame[name].fillna("")),
            role="target" if name == options["target"] else "feature",
        )
        for name in frame
    ]
    classes = []
    for column in columns:
        if column.role == "target":
            classes = list(dict.fromkeys(map(str, column.values)))
            column.values = [classes.index(str(value)) for value in column.values]
    return SimpleNamespace(columns=columns, rows=len(frame), separator=separator, classes=classes, notes=())


def test_the_check_catches_a_reader_that_guesses(tmp_path):
    broken = [number for number in range(60) if try_reader(make_case(number), guess, tmp_path / "table.csv").broken]
    assert len(broken) > 30
    damaged = [name for name in DAMAGES if try_damage(make_damage(name, 1), guess, tmp_path / "table.csv").broken]
    assert {"a quote that is not closed", "a cell too many", "a word among numbers", "no header"} <= set(damaged)
