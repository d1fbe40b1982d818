"""Decisions of the reader of tables: what was declared counts, and ordinary files are read."""

import re

import numpy as np
import pytest

from initbench.errors import DataError
from initbench.parts.datasets.tables import Options, read_csv, read_table


@pytest.fixture
def table(tmp_path):
    """Reads the rows of a table, each a list of cells, with options."""

    def read(names, rows, separator=",", reader=read_table, **options):
        content = "\n".join([names, *(separator.join(row) for row in rows)]) + "\n"
        (tmp_path / "t.csv").write_text(content, encoding=options.pop("written", "utf-8"))
        return reader(tmp_path / "t.csv", Options(**options))

    return read


def column(found, name):
    (one,) = [column for column in found.columns if column.name == name]
    return one


def test_a_declared_date_is_one_where_its_cells_look_like_numbers(table):
    found = table("d,y", [[f"202001{day:02d}", "ab"[day % 2]] for day in range(10, 29)], date=("d",))
    assert column(found, "d").kind == "date"
    assert np.diff(column(found, "d").values).tolist() == [1.0] * 18


@pytest.mark.parametrize("cells", [("1.5", "2.25", "3"), ("1.25", "2.250", "7")])
def test_declared_marks_count_where_cells_look_plain(table, cells):
    found = table("x;y", [[cells[i % 3], "ab"[i % 2]] for i in range(12)], ";", decimal=",")
    assert re.search(r"t\.csv:\d+: column 'x': the declared marks do not fit '[12]\.2?5", "\n".join(found.faults))


def test_a_decimal_comma_without_quotes_is_no_name_of_a_row(table):
    with pytest.raises(
        DataError, match=r"t\.csv:2: 4 cells, and the header has 3; .* decimal comma, needs double quotes"
    ):
        table("id,price,y", [[str(i), "9", "5", "ab"[i % 2]] for i in range(1, 12)])
    named = table("price,y", [[f"row {i}", "9", "ab"[i % 2]] for i in range(1, 12)])
    assert column(named, "column 1").role == "dropped"


def test_words_for_a_gap_are_noted_beside_other_notes(table):
    found = table("x,y", [[("red", "None", "Red", "blue", "-")[i % 5], "ab"[i % 2]] for i in range(20)])
    assert any("'None', '-' is read as a category" in note for note in found.notes)
    assert any("'Red' is read as 'red'" in note for note in found.notes)


def test_leading_zeros_that_are_dropped_are_noted(table):
    found = table("x,y", [[("01234", "1234", "90210")[i % 3], "ab"[i % 2]] for i in range(12)])
    assert any("leading zeros are dropped: '01234' is 1234" in note for note in found.notes)


def test_one_wrong_byte_does_not_make_a_file_of_utf8_another(tmp_path):
    lines = [b"town,y", *("Zürich,a".encode() for _ in range(6)), "Genève,b".encode("latin-1")]
    (tmp_path / "t.csv").write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(DataError, match=r"t\.csv:8: the byte 0xe8 is not UTF-8"):
        read_table(tmp_path / "t.csv", Options())


@pytest.mark.parametrize("name", ["Room {}/12", "Grade {}", "cluster-{}", "iPhone {}", "version {}"])
def test_words_with_numbers_are_no_dates(table, name):
    found = table("t,y", [[name.format(10 + i % 3), "ab"[i % 2]] for i in range(12)])
    assert column(found, "t").kind == "category"


@pytest.mark.parametrize("form", ["{}/15/2020 3:00 PM", "2020-0{}-31T10:00:00.123Z", "{} Jan 2020", "0{}/2021"])
def test_what_is_refused_as_a_date_can_be_declared_as_one(table, form):
    rows = [[form.format((1, 3, 5)[i % 3]), "ab"[i % 2]] for i in range(12)]
    assert "to read them as days, date: [d]" in "\n".join(table("d,y", rows).faults)
    assert column(table("d,y", rows, date=("d",)), "d").kind == "date"


def test_text_with_lines_is_read_and_a_row_in_quotes_is_not(table):
    found = table("t,y", [[f'"Street {i}\nLyon, France"', "ab"[i % 2]] for i in range(12)])
    assert found.rows == 12
    rows = [[f"Street {i}", "ab"[i % 2]] for i in range(40)]
    with pytest.raises(DataError, match=r"t\.csv:9: a quote that opens in this row encloses the next one"):
        table("t,y", [*rows[:7], ['"Street', "a\nStreet", 'b\nStreet"', "b"], *rows])


@pytest.mark.parametrize("first", ["0,1.5,0", "a,b,a"])
def test_a_row_of_data_with_equal_cells_is_no_header_to_rename(table, first):
    with pytest.raises(DataError, match=r"t\.csv:1: the header looks like data \('[0a]'\)"):
        table(first, [first.split(",") for _ in range(5)])


@pytest.mark.parametrize("header", ["Par1,y", "BZh,y", "PAR1,y", "<b>,y"])
def test_a_header_that_begins_like_another_format_is_a_header(table, header):
    assert table(header, [[str(i), "ab"[i % 2]] for i in range(12)]).rows == 12


def test_a_class_that_means_missing_is_named(table):
    found = table("x,y", [[str(i), ("NA", "EU")[i % 2]] for i in range(12)], target="y")
    assert "('NA' means that; a class needs another name)" in "\n".join(found.faults)


@pytest.mark.parametrize("encoding", ["base64", "rot13", "hex", "undefined", "utf-16", "nonsense"])
def test_an_encoding_that_is_none_of_text_or_does_not_fit_is_refused(table, encoding):
    with pytest.raises(DataError, match=r"t\.csv:?\d*: .*(unknown encoding|is not utf-16)"):
        table("x,y", [[str(i), "ab"[i % 2]] for i in range(12)], encoding=encoding)


@pytest.mark.parametrize("cell", ["(5)", "5-", "($6.50)"])
def test_advice_about_a_negative_amount_does_not_delete_it(table, cell):
    found = table("x,y", [[cell if i == 4 else str(i), "ab"[i % 2]] for i in range(20)])
    (fault,) = found.faults
    assert "write a negative number with a minus sign before it" in fault
    assert "missing" not in fault


def test_a_header_that_is_declared_away_is_named(table):
    with pytest.raises(DataError, match=r"t\.csv:1: the first row looks like a header \('x' above numbers\)"):
        table("x,y", [[str(i), "ab"[i % 2]] for i in range(12)], header=False)


def test_the_faults_of_all_columns_the_target_and_the_ids_come_in_one_answer(table):
    rows = [[f"id{i}", f"2020-01-{i + 1:02d}", "x" if i == 3 else str(i / 7), "ab"[i == 5]] for i in range(24)]
    with pytest.raises(DataError) as caught:
        table("id,day,size,y", rows, reader=read_csv, target="y", drop=("none",))
    text = str(caught.value)
    for part in ("no column 'none'", "holds dates", "and 'x' is none", "has 1 class of fewer than 5", "as an id has"):
        assert part in text


def test_many_categories_and_one_odd_cell_are_read_in_one_pass(table, monkeypatch):
    """Each distinct cell is looked at a few times, and not once for every other."""
    looked = []
    plain = read_table.__globals__["draft"].__globals__["is_numeral"]
    monkeypatch.setitem(
        read_table.__globals__["draft"].__globals__, "is_numeral", lambda cell: looked.append(cell) or plain(cell)
    )
    found = table("x,y", [[str(i) if i != 7 else "-", "ab"[i % 2]] for i in range(3000)])
    assert column(found, "x").missing == 1
    assert len(looked) <= 2 * 3000
