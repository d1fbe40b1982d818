"""Kinds of faults that readers of tables are reported for: each with its first instance and some siblings."""

from __future__ import annotations

import itertools
import re

import pytest
from reading import column, has_note, kinds, read, read_or_refuse, values

from initbench.errors import DataError

CLASSES = "0101010101"


def table(header, cells, separator=","):
    """A table of one feature and the target y, ten rows."""
    return f"{header}{separator}y\n" + "".join(
        f"{cell}{separator}{y}\n" for cell, y in zip(cells, CLASSES, strict=True)
    )


# A quote that is not closed

UNCLOSED = "y,size,note\n" + "".join(f"{i % 2},{i},{'aabb'[(i - 1) % 4]}\n" for i in range(1, 12))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (UNCLOSED.replace("0,10,a", '0,10,"b'), 11),
        (UNCLOSED.replace("y,size", 'y,"size'), 1),
        (UNCLOSED.replace("1,1,a", '1,1,"a').replace("0,8,b", '0,8,"b"'), 2),
        (UNCLOSED.replace("1,3,b", '1,3,"b\nb"').replace("0,10,a", '0,10,"b'), 12),
        (UNCLOSED.replace("0,10,a", '0,10,"b').replace("\n", "\r\n"), 11),
        (UNCLOSED.replace("0,10,a", '0,10,"b').replace("\n", "\r"), 11),
        (UNCLOSED.replace("1,11,b", '1,11,"b'), 12),
        (UNCLOSED.replace("0,4,b", '0,4, "b').replace(",", ";"), 5),
        (UNCLOSED.replace("0,4,b", '0,"4,b').replace(",", "\t"), 5),
        (UNCLOSED.replace("0,10,a", '0,10,"b"c'), 11),
        (UNCLOSED.replace("0,10,a", '0,10,"b" "c"'), 11),
    ],
)
def test_a_quote_that_is_not_closed_is_refused_with_the_line_on_which_it_opens(content, line, tmp_path):
    with pytest.raises(DataError, match=rf"table\.csv:{line}:.*quote"):
        read(tmp_path, content)


def test_quotes_hold_separators_quotes_and_line_ends(tmp_path):
    found = read(tmp_path, UNCLOSED.replace(",a\n", ',"a, ""b""\nc"\n'))
    assert found.rows == 11
    assert {" ".join(value.split()) for value in values(found, "note")} == {'a, "b" c', "b"}


# Decimals or thousands

PAY = ("950", "1,250", "12,500", "870", "1,100", "900", "2,300", "640", "3,000", "720")
PLAIN = [float(cell.replace(",", "")) for cell in PAY]


@pytest.mark.parametrize(
    ("content", "cell"),
    [
        (table("pay", PAY, ";"), "1,250"),
        (table("pay", PAY, "\t"), "1,250"),
        (table("pay", [f'"{cell}"' for cell in PAY]), "1,250"),
        (table("pay", [cell.replace(",", ".") for cell in PAY], ";"), "1.250"),
        (table("pay", [f"-{cell}" for cell in PAY], "|"), "-1,250"),
    ],
)
def test_a_file_that_leaves_open_what_a_mark_means_is_refused_with_the_cell(content, cell, tmp_path):
    with pytest.raises(DataError, match=rf"(?s)table\.csv:3:.*{re.escape(cell)}.*(decimal|thousands)"):
        read(tmp_path, content)


def test_options_say_what_a_mark_means(tmp_path):
    content = table("pay", PAY, ";")
    declared = read(tmp_path, content, decimal=".", thousands=",")
    assert values(declared, "pay") == PLAIN
    decimals = values(read(tmp_path, content, decimal=","), "pay")
    assert decimals == [float(cell.replace(",", ".")) for cell in PAY]
    assert values(read(tmp_path, content.replace(",", "."), decimal=",", thousands="."), "pay") == PLAIN


@pytest.mark.parametrize("decisive", ["1,234,567", "1,234.5", "0.5", "12.25"])
def test_one_cell_that_leaves_no_doubt_decides_for_thousands(decisive, tmp_path):
    found = read(tmp_path, table("pay", [*PAY[:9], decisive], ";"))
    assert values(found, "pay") == [*PLAIN[:9], float(decisive.replace(",", ""))]
    assert has_note(found, "thousands")


@pytest.mark.parametrize("decisive", ["0,125", "12,5", "1234,567", "1,2500"])
def test_one_cell_that_leaves_no_doubt_decides_for_decimals(decisive, tmp_path):
    found = read(tmp_path, table("pay", [*PAY[:9], decisive], ";"))
    assert values(found, "pay") == [float(cell.replace(",", ".")) for cell in [*PAY[:9], decisive]]
    assert has_note(found, "decimal")


def test_one_column_decides_for_the_file(tmp_path):
    rate = ("0,5", "1,5", "2,5", "3,5", "4,5", "5,5", "6,5", "7,5", "8,5", "9,5")
    found = read(tmp_path, table("pay;rate", [f"{a};{b}" for a, b in zip(PAY, rate, strict=True)], ";"))
    assert values(found, "pay")[1] == 1.25
    assert values(found, "rate")[1] == 1.5


def test_cells_that_contradict_each_other_are_refused(tmp_path):
    for cells in ([*PAY[:8], "1,5", "1.5"], [*PAY[:8], "1,234,567", "12,5"], [*PAY[:8], "1.234.567", "1,234,567"]):
        message = read_or_refuse(tmp_path, table("pay", cells, ";"))
        assert isinstance(message, str)
        assert re.search(r"table\.csv:1[01]:", message)


# Spaces around quotes


@pytest.mark.parametrize("spelling", [' "{}"', '"{}" ', '  "{}"  ', '\t"{}"', "  {} ", '" {}"', '"{} "'])
def test_spaces_around_a_cell_or_its_quotes_make_no_category(spelling, tmp_path):
    cells = [spelling.format(town) if i % 2 else town for i, town in enumerate(["Lyon", "Lyon", "Gent", "Gent"] * 2)]
    found = read(tmp_path, table("city", [*cells, "Lyon", "Gent"]))
    assert values(found, "city") == [*["Lyon", "Lyon", "Gent", "Gent"] * 2, "Lyon", "Gent"]


def test_spaces_around_a_quoted_name_and_a_quoted_number_are_no_part_of_it(tmp_path):
    found = read(tmp_path, table('n, "the, size" ', [f'{i}, "{i},5" ' for i in range(10)]), decimal=",")
    assert list(kinds(found)) == ["n", "the, size", "y"]
    assert values(found, "the, size") == [i + 0.5 for i in range(10)]


# No header

NO_HEADER = "1,3,0\n2,5,1\n3,4,0\n4,7,1\n5,6,0\n6,9,1\n7,8,0\n8,11,1\n9,10,0\n10,13,1\n11,12,0\n"
MIXED = "39, clerk, 77516, 0\n50, smith, 83311, 1\n" + "".join(f"{30 + i}, clerk, 2{i}000, {i % 2}\n" for i in range(8))


@pytest.mark.parametrize(
    ("content", "target"),
    [
        (NO_HEADER, "0"),
        (NO_HEADER, "column 3"),
        (NO_HEADER.replace(",", ";"), "0"),
        (NO_HEADER.replace("1,3,0\n2,", "1.5,3,0\n2.5,"), "0"),
        (MIXED, "0"),
        ("\n\n" + NO_HEADER, "0"),
        (NO_HEADER.replace("1,3,0", '"1","3","0"'), "0"),
        (NO_HEADER.replace("1,3,0", "1e2,-3,0"), "0"),
    ],
)
def test_a_header_that_looks_like_data_is_refused(content, target, tmp_path):
    with pytest.raises(DataError, match=r"(?s)table\.csv:[13]:.*header"):
        read(tmp_path, content, target)


def test_header_false_and_header_names_keep_the_first_row(tmp_path):
    plain = read(tmp_path, NO_HEADER, "column 3", header=False)
    assert list(kinds(plain)) == ["column 1", "column 2", "column 3"]
    assert plain.rows == 11
    assert values(plain, "column 2")[:2] == [3, 5]
    named = read(tmp_path, NO_HEADER, "c", header=("a", "b", "c"))
    assert list(kinds(named)) == ["a", "b", "c"]
    assert values(named, "a") == values(plain, "column 1")
    with pytest.raises(DataError, match="header"):
        read(tmp_path, NO_HEADER, "b", header=("a", "b"))


def test_header_true_takes_the_first_row_as_names(tmp_path):
    found = read(tmp_path, "2019,2020,y\n" + NO_HEADER, header=True)
    assert (list(kinds(found)), found.rows) == (["2019", "2020", "y"], 11)


# Words for what is missing

NUMBERS = ("1.5", "2.5", "3.5", "4.5", "5.5", "6.5", "7.5", "8.5", "9.5", "10.5")


@pytest.mark.parametrize(
    "words",
    [
        ("-", "None"),
        ("n/a", "#N/A"),
        ("--", "none"),
        ("NONE", "#n/a"),
        (" - ", "-"),
        ("missing", "unknown"),
        (".", "-"),
    ],
)
def test_a_word_among_numbers_is_missing_or_refused_with_its_line_and_the_remedy(words, tmp_path):
    cells = [*NUMBERS[:2], words[0], *NUMBERS[3:6], words[1], *NUMBERS[7:]]
    found = read_or_refuse(tmp_path, table("pay", cells))
    if isinstance(found, str):
        assert re.search(r"table\.csv:[48]:", found)
        assert "missing" in found
    else:
        expected = [None if i in (2, 6) else float(cell) for i, cell in enumerate(NUMBERS)]
        assert values(found, "pay") == expected
        assert has_note(found, "pay", "missing")


def test_words_that_are_known_or_declared_are_missing(tmp_path):
    words = ("", "?", "NA", "N/A", "nan", "NaN", "null", "NULL")
    assert values(read(tmp_path, table("pay", [*words, "1", "2"])), "pay") == [None] * 8 + [1, 2]
    assert values(read(tmp_path, table("town", [*words, "Gent", "Lyon"])), "town") == [None] * 8 + ["Gent", "Lyon"]
    declared = read(tmp_path, table("pay", [*NUMBERS[:8], "-999", "off"]), missing=("-999", "off"))
    assert values(declared, "pay") == [*map(float, NUMBERS[:8]), None, None]
    declared = read(tmp_path, table("town", ["Gent", "off", "Lyon", "-", "Gent"] * 2), missing=("off",))
    assert values(declared, "town") == ["Gent", None, "Lyon", "-", "Gent"] * 2


def test_a_dash_and_none_are_categories_among_words(tmp_path):
    cells = ["-", "None", "Gent", "none of these", "Gent"] * 2
    assert values(read(tmp_path, table("town", cells)), "town") == cells


# Underscores


@pytest.mark.parametrize(
    "cells",
    [
        ("1_2", "12", "1_3", "13", "1_4", "14", "1_5", "15", "1_6", "16"),
        ("1_000", "2_000", "3_000", "4_000", "5_000", "6_000", "7_000", "8_000", "9_000", "1_0"),
        ("1", "2", "3", "4", "5", "6", "7", "8", "9", "1_0"),
        ("1_0.5", "10.5", "1.5", "2.5", "1_0.5", "10.5", "1.5", "2.5", "1.5", "2.5"),
    ],
)
def test_underscores_are_no_part_of_a_number(cells, tmp_path):
    found = read_or_refuse(tmp_path, table("code", cells))
    if isinstance(found, str):
        assert re.search(r"table\.csv:\d+:.*_", found)
    else:
        assert column(found, "code").kind == "category"
        assert values(found, "code") == list(cells)


LOOKALIKES = ("0x10", "1e5_0", "1 2", "1.2.3", "1,2,3", "²", "½", "1e", "e5", "+-1", "Ⅻ", "l2", "1O")


@pytest.mark.parametrize("cell", LOOKALIKES)
def test_what_only_looks_like_a_number_is_refused_among_numbers(cell, tmp_path):
    found = read_or_refuse(tmp_path, table("pay", [*NUMBERS[:5], cell, *NUMBERS[6:]], ";"))
    assert isinstance(found, str), (column(found, "pay"), found.notes)
    assert "table.csv:7:" in found


# The separator


@pytest.mark.parametrize(
    ("header", "cells", "separator", "names"),
    [
        ('"Size, cm";"Mass, kg"', [f"{i};{i},5" for i in range(10)], ";", ["Size, cm", "Mass, kg"]),
        ('"Size; cm","Mass; kg"', [f"{i},{i}.5" for i in range(10)], ",", ["Size; cm", "Mass; kg"]),
        ("Size, cm;Mass, kg", [f"{i};{i},5" for i in range(10)], ";", ["Size, cm", "Mass, kg"]),
        ("a,b,c\tsize", [f"x, y{i % 3}\t{i}" for i in range(10)], "\t", ["a,b,c", "size"]),
        ("size|note; of all", [f"{i}.5|a, {'bcd'[i % 3]}" for i in range(10)], "|", ["size", "note; of all"]),
        ('"a\tb"|size', [f"x|{i}" for i in range(10)], "|", ["a\tb", "size"]),
        ("size,note", [f'{i},"a;b;c"' for i in range(10)], ",", ["size", "note"]),
    ],
)
def test_the_separator_is_the_one_that_fits_all_rows(header, cells, separator, names, tmp_path):
    found = read(tmp_path, table(header, cells, separator))
    assert [" ".join(name.split()) for name in kinds(found)] == [*(" ".join(name.split()) for name in names), "y"]
    assert (found.separator, found.rows) == (separator, 10)


def test_a_separator_that_fits_no_file_is_refused_with_the_cause(tmp_path):
    content = table("size;note", [f"{i};a" for i in range(10)], ";")
    for broken in (content.replace("5;a;1", "5;a;b;1"), content.replace("5;a;1", "5;1")):
        with pytest.raises(DataError, match=r"table\.csv:7:"):
            read(tmp_path, broken)
    with pytest.raises(DataError, match=r"(?s)table\.csv:\d+:.*(separat|size;note;y)"):
        read(tmp_path, content, separator=",")


# One class or category in several spellings


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("1", "0"), ("1.0", "0.0")),
        (("1", "0"), ("1.00", "0.")),
        (("Gent", "Lyon"), ("GENT", "LYON")),
        (("yes it is", "no"), ("yes  it is", "No")),
        (("café", "thé"), ("cafe\u0301", "the\u0301")),
        (("Gent", "Lyon"), ('" Gent"', '"Lyon "')),
        (("<=50K", ">50K"), ("<=50k", ">50k")),
    ],
)
@pytest.mark.parametrize("target", ["y", "n"])
def test_one_class_or_category_in_several_spellings_is_one_or_is_refused(first, second, target, tmp_path):
    rows = [first[i % 2] if i < 10 else second[i % 2] for i in range(20)]
    content = "n,y\n" + "".join(f"{i % 3},{cell}\n" for i, cell in enumerate(rows))
    found = read_or_refuse(tmp_path, content, target)
    if isinstance(found, str):
        assert all(spelling.strip('" ') in found for spelling in (first[0], second[0]))
    else:
        cells = values(found, "y")
        assert cells == [cells[0], cells[1]] * 10
        assert cells[0] != cells[1]


def test_merged_spellings_are_reported(tmp_path):
    found = read_or_refuse(tmp_path, table("town", ["Gent", "GENT", "Lyon", "Lyon", "gent"] * 2))
    assert "GENT" in found if isinstance(found, str) else has_note(found, "town", "GENT")


def test_numbers_are_equal_however_they_are_spelled(tmp_path):
    cells = ["1", "1.0", "1.00", "+1", "1e0", "10e-1", "1E0", "1.", "2", "2.0"]
    assert values(read(tmp_path, table("pay", cells)), "pay") == [1.0] * 8 + [2.0] * 2


# Booleans, units, dates, ids and constants


@pytest.mark.parametrize("words", [("true", "false"), ("True", "FALSE"), ("yes", "no"), ("YES", "No")])
def test_booleans_are_read_in_any_case(words, tmp_path):
    found = read(tmp_path, table("member", [*words, "", "NA", *words * 3]))
    assert column(found, "member").kind == "boolean"
    assert values(found, "member") == [1, 0, None, None, *[1, 0] * 3]


@pytest.mark.parametrize("third", ["maybe", "No phone service", "1"])
def test_a_third_word_beside_yes_and_no_makes_categories(third, tmp_path):
    found = read_or_refuse(tmp_path, table("member", ["Yes", "No", third, "Yes", "No"] * 2))
    if isinstance(found, str):
        assert "table.csv:" in found
    elif column(found, "member").kind == "boolean":
        assert has_note(found, "member", f"'{third}'")
    else:
        assert values(found, "member")[:3] == ["Yes", "No", third]


@pytest.mark.parametrize(
    ("unit", "words"), [("{}%", "%"), ("{} %", "%"), ("${}", "$"), ("{} €", "€"), ("£{}", "£"), ("€ {}", "€")]
)
def test_a_unit_of_a_whole_column_is_taken_off_and_reported_and_refused_in_some_cells(unit, words, tmp_path):
    found = read(tmp_path, table("pay", [unit.format(cell) for cell in NUMBERS[:9]] + [""]))
    seen = values(found, "pay")
    assert seen[:9] == pytest.approx([float(c) * seen[0] / 1.5 for c in NUMBERS[:9]], rel=1e-12)
    assert seen[0] in (1.5, 0.015)
    assert seen[9] is None
    assert has_note(found, "pay", words)
    with pytest.raises(DataError, match=r"table\.csv:\d+:.*pay"):
        read(tmp_path, table("pay", [unit.format(cell) if i == 4 else cell for i, cell in enumerate(NUMBERS)]))


DATES = ["2000-01-10", "2001-02-11", *(f"200{i}-03-1{i}" for i in range(2, 10))]


@pytest.mark.parametrize(
    ("order", "mark"), [*itertools.product([(0, 1, 2), (2, 1, 0)], "-/."), ((1, 2, 0), "/"), ((1, 2, 0), "-")]
)
def test_dates_are_refused_unless_they_are_declared_or_dropped(order, mark, tmp_path):
    cells = [mark.join(date.split("-")[i] for i in order) for date in DATES]
    content = table("day", cells)
    with pytest.raises(DataError, match=r"(?s)table\.csv:\d+:.*day.*(date|drop)"):
        read(tmp_path, content)
    assert column(read(tmp_path, content, drop=("day",)), "day").role == "dropped"
    found = read(tmp_path, content, date=("day",))
    assert column(found, "day").kind == "date"
    assert values(found, "day")[:2] == [10966.0, 11364.0]  # 2000-01-10, 2001-02-11


@pytest.mark.parametrize("date", ["03/04/2021", "3-4-2021"])
def test_a_date_whose_day_may_be_its_month_is_refused(date, tmp_path):
    with pytest.raises(DataError, match=r"table\.csv:\d+:.*day"):
        read(tmp_path, table("day", [date, *["05/06/2021".replace("/", date[-5])] * 9]), date=("day",))


def test_a_declared_date_that_is_none_is_refused_with_its_line(tmp_path):
    for wrong in ("2004-02-30", "soon", "2004-13-01", "20040201x"):
        with pytest.raises(DataError, match=r"table\.csv:6:"):
            read(tmp_path, table("day", [*DATES[:4], wrong, *DATES[5:]]), date=("day",))


def test_ids_and_constant_columns_are_named_in_a_note(tmp_path):
    ids = [f"c-{i}x" for i in range(30)]
    rows = "".join(f"{name},Y,80,{i % 4},{i % 2}\n" for i, name in enumerate(ids))
    found = read(tmp_path, f"customer,Over18,hours,size,y\n{rows}")
    assert values(found, "customer") == ids
    assert has_note(found, "customer")
    assert has_note(found, "Over18")
    assert has_note(found, "hours")
    assert not has_note(found, "size")


def test_a_plain_table_leaves_nothing_to_assume(tmp_path):
    found = read(tmp_path, table("size,kind", [f"{i % 4}.5,{'ab'[i % 2]}" for i in range(10)]))
    assert found.notes == ()


# Encodings


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", pytest.param("utf-16-be", id="utf-16 with its mark")]
)
def test_unicode_is_read_with_and_without_its_mark(encoding, tmp_path):
    content = table("größe", ["Zürich", "λ", "北京", "🙂", "é"] * 2)
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    found = read(tmp_path, mark + content.encode(encoding))
    assert list(kinds(found)) == ["größe", "y"]
    assert values(found, "größe") == ["Zürich", "λ", "北京", "🙂", "é"] * 2


def test_another_encoding_is_reported_or_has_to_be_declared(tmp_path):
    content = table("größe", ["Zürich", "é", "Ærø", "“so”", "€"] * 2)
    found = read_or_refuse(tmp_path, content.encode("cp1252"))
    assert "encoding" in found if isinstance(found, str) else has_note(found, "1252")
    assert isinstance(found, str) or values(found, "größe")[:5] == ["Zürich", "é", "Ærø", "“so”", "€"]
    words = {"cp1252": "é", "iso-8859-2": "ł", "shift_jis": "東京", "koi8-r": "да", "utf-16-le": "é"}
    for encoding, word in words.items():
        content = table("town", [word, "x"] * 5)
        assert values(read(tmp_path, content.encode(encoding), encoding=encoding), "town") == [word, "x"] * 5


def test_a_file_of_no_encoding_is_refused_with_the_line(tmp_path):
    content = table("town", ["Zürich", "é", "Ærø", "b", "c"] * 2).encode()
    for broken in (content.replace("é".encode(), b"\xc3"), content.replace(b"b,", b"b\0,"), content + b"\x81\x8d"):
        with pytest.raises(DataError, match=r"table\.csv:(3|5|12):"):
            read(tmp_path, broken)
    with pytest.raises(DataError, match="encoding"):
        read(tmp_path, content, encoding="utf-9")
