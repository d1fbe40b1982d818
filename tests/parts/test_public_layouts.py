"""The layouts of well-known public files, each with content of our own, and what a careful reader makes of them."""

from __future__ import annotations

import re

import pytest
from reading import column, has_note, kinds, read, read_or_refuse, values

from initbench.errors import DataError

ROWS = range(24)


def table(header, row, separator=","):
    """A header, and a line for each of the rows."""
    return header + "\n" + "".join(separator.join(str(cell) for cell in row(i)) + "\n" for i in ROWS)


def test_wine_quality_with_semicolons_and_quoted_names(tmp_path):
    header = '"fixed acidity";"volatile acidity";"residual sugar";"density";"pH";"quality"'

    def rows(i):
        return [f"{6 + i % 5}.{i % 10}", f"0.{10 + i}", i % 7, f"0.99{10 + i}", f"3.{i % 9}", 5 + i % 3]

    found = read(tmp_path, table(header, rows, ";"), "quality")
    assert list(kinds(found)) == [name.strip('"') for name in header.split(";")]
    assert set(kinds(found).values()) - {kinds(found)["quality"]} <= {"number"}
    assert (found.separator, found.rows) == (";", 24)
    assert values(found, "density")[:2] == [0.991, 0.9911]
    assert values(found, "fixed acidity")[:2] == [6.0, 7.1]
    assert has_note(found, ";") or has_note(found, "semicolon")


def test_telco_churn_with_blank_charges_and_a_customer_id(tmp_path):
    header = "customerID,gender,SeniorCitizen,Partner,tenure,MultipleLines,MonthlyCharges,TotalCharges,Churn"
    lines = ("No phone service", "No", "Yes")

    def row(i):
        total = " " if i % 11 == 0 else f"{i * 29}.{i:02}"
        return [
            *(f"{1000 + i}-ABC{chr(65 + i)}D", ("Female", "Male")[i % 2], i % 5 // 4, ("Yes", "No")[i % 3 // 2]),
            *(i, lines[i % 3], f"{20 + i}.25", total, ("No", "Yes")[i % 2]),
        ]

    found = read(tmp_path, table(header, row), "Churn")
    assert found.rows == 24
    assert kinds(found)["TotalCharges"] == "number"
    assert values(found, "TotalCharges")[:3] == [None, 29.01, 58.02]
    assert [i for i, value in enumerate(values(found, "TotalCharges")) if value is None] == [0, 11, 22]
    assert kinds(found)["Partner"] == "boolean"
    assert values(found, "MultipleLines")[:3] == ["No phone service", "No", "Yes"]
    assert values(found, "SeniorCitizen")[:5] == [0, 0, 0, 0, 1]
    assert column(found, "Churn").role == "target"
    assert has_note(found, "customerID")


def test_hr_attrition_with_a_byte_order_mark_and_constant_columns(tmp_path):
    header = "Age,Attrition,BusinessTravel,DailyRate,EmployeeCount,EmployeeNumber,Over18,StandardHours"

    def row(i):
        travel = ("Travel_Rarely", "Travel_Frequently", "Non-Travel")[i % 3]
        return [20 + i % 9, ("Yes", "No")[i % 2], travel, 300 + 41 * (i % 13), 1, 1 + i + i // 4, "Y", 80]

    found = read(tmp_path, b"\xef\xbb\xbf" + table(header, row).replace("\n", "\r\n").encode(), "Attrition")
    assert list(kinds(found)) == header.split(",")
    assert values(found, "Age")[:3] == [20, 21, 22]
    assert values(found, "BusinessTravel")[:3] == ["Travel_Rarely", "Travel_Frequently", "Non-Travel"]
    for name in ("EmployeeCount", "Over18", "StandardHours"):
        assert has_note(found, name), name
    assert not has_note(found, "DailyRate")


def test_a_header_that_ends_in_a_comma_too_many(tmp_path):
    header = '"id","diagnosis","radius_mean","concave points_mean",'
    content = table(header, lambda i: [842300 + 7 * i, "MB"[i % 2], f"{10 + i}.99", f"0.1{i:02}"])
    found = read_or_refuse(tmp_path, content, "diagnosis")
    if isinstance(found, str):
        assert re.search(r"table\.csv:[12]:", found)
        assert "header" in found
    else:
        assert list(kinds(found))[:4] == ["id", "diagnosis", "radius_mean", "concave points_mean"]
        assert values(found, "id")[:2] == [842300, 842307]
        assert values(found, "concave points_mean")[23] == 0.123
        assert len(found.columns) == 4 or {*values(found, found.columns[4].name)} == {None}
        assert found.notes


def test_windows_1252_with_accents(tmp_path):
    cities = ("Besançon", "Orléans", "Málaga", "Düsseldorf", "Saint-Étienne")
    text = table("prénom,ville,coût €,y", lambda i: ["Zoé", cities[i % 5], f"{i}.5", i % 2])
    tables = [read(tmp_path, text.encode("cp1252"), encoding="cp1252")]
    undeclared = read_or_refuse(tmp_path, text.encode("cp1252"))
    if isinstance(undeclared, str):
        assert "encoding" in undeclared
    else:
        assert has_note(undeclared, "1252")
        tables.append(undeclared)
    for found in tables:
        assert list(kinds(found)) == ["prénom", "ville", "coût €", "y"]
        assert values(found, "ville")[:5] == list(cities)


AIR = "Date;Time;CO(GT);PT08.S1(CO);NMHC(GT);T;y;;"


def air_quality(i):
    return [
        *(f"{10 + i // 3}/03/2004", f"{i:02}.00.00", "-200" if i % 7 == 3 else f"{i % 4},{i % 10}", 1200 + 3 * i),
        *("-200" if i % 5 == 1 else 100 + i, f"{13 + i % 4},{i % 10}", i % 2, "", ""),
    ]


def test_air_quality_with_ends_of_separators_decimal_commas_and_rows_of_nothing(tmp_path):
    content = table(AIR, air_quality, ";") + ";;;;;;;;\n" * 5
    message = read_or_refuse(tmp_path, content)
    assert isinstance(message, str)  # dates
    assert re.search(r"table\.csv:\d+:.*Date", message)
    whole = read_or_refuse(tmp_path, content, drop=("Date", "Time"), missing=("-200",))
    if isinstance(whole, str):
        assert re.search(r"table\.csv:(1|26):", whole)
        plain = table(AIR.removesuffix(";;"), lambda i: air_quality(i)[:-2], ";")
        whole = read(tmp_path, plain, drop=("Date", "Time"), missing=("-200",))
    assert whole.rows == 24
    assert values(whole, "CO(GT)")[:5] == [0, 1.1, 2.2, None, 0.4]
    assert values(whole, "NMHC(GT)")[:3] == [100, None, 102]
    assert values(whole, "T")[:2] == [13.0, 14.1]
    assert has_note(whole, "decimal")
    for unnamed in whole.columns[7:]:
        assert {*values(whole, unnamed.name)} == {None}


def test_times_with_points_are_no_numbers(tmp_path):
    content = table(AIR.removesuffix(";;"), lambda i: air_quality(i)[:-2], ";")
    found = read_or_refuse(tmp_path, content, drop=("Date",))
    assert "Time" in found if isinstance(found, str) else values(found, "Time")[:2] == ["00.00.00", "01.00.00"]


ADULT = ("age", "workclass", "fnlwgt", "education", "sex", "hours-per-week", "native-country", "income")


def adult(i):
    work = ("State-gov", "Private", "?", "Self-emp-not-inc")[i % 4]
    country = "?" if i % 9 == 5 else "United-States"
    income = ("<=50K", ">50K")[i % 2]
    school = ("Bachelors", "HS-grad", "11th")[i % 3]
    return [25 + i % 17, work, 77516 + 31 * i, school, "Male", 40 + i % 3, country, income]


def test_adult_census_without_a_header_and_with_spaces_before_the_question_marks(tmp_path):
    content = "".join(", ".join(map(str, adult(i))) + "\n" for i in ROWS) + "\n"
    for target in ("income", "<=50K", "column 8"):
        message = read_or_refuse(tmp_path, content, target)
        assert isinstance(message, str)
        assert re.search(r"table\.csv:1:.*header", message)
    found = read(tmp_path, content, "income", header=ADULT)
    assert (list(kinds(found)), found.rows) == (list(ADULT), 24)
    assert values(found, "workclass")[:4] == ["State-gov", "Private", None, "Self-emp-not-inc"]
    assert values(found, "education")[:3] == ["Bachelors", "HS-grad", "11th"]
    assert values(found, "income")[:2] == ["<=50K", ">50K"]
    assert has_note(found, "sex")
    unnamed = read(tmp_path, content, "column 8", header=False)
    assert values(unnamed, "column 3") == values(found, "fnlwgt")


def test_excel_that_names_its_separator_in_the_first_line(tmp_path):
    content = "sep=;\r\n" + table("size;pay;y", lambda i: [i % 5, f"{i},5", i % 2], ";").replace("\n", "\r\n")
    found = read_or_refuse(tmp_path, content)
    if isinstance(found, str):
        assert re.search(r"table\.csv:1:.*sep=", found)
    else:
        assert list(kinds(found)) == ["size", "pay", "y"]
        assert values(found, "pay")[:2] == [0.5, 1.5]


def test_the_index_that_pandas_writes_before_the_first_name(tmp_path):
    content = table(",size,y", lambda i: [i, f"{i % 4}.5", i % 2])
    found = read_or_refuse(tmp_path, content)
    if isinstance(found, str):
        assert re.search(r"table\.csv:1:.*column 1\b", found)
    else:
        assert [name for name in kinds(found) if name in ("size", "y")] == ["size", "y"]
        assert values(found, "size")[:2] == [0.5, 1.5]
        assert has_note(found, "column 1")
    assert values(read(tmp_path, content, drop=("column 1",)), "size")[:2] == [0.5, 1.5]


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_the_names_of_rows_that_r_writes_without_a_name_of_their_own(separator, tmp_path):
    header = separator.join(['"size"', '"town"', '"y"'])
    content = table(header, lambda i: [f'"{i + 1}"', f"{i % 4}.5", '"Gent"' if i % 3 else '"Lyon"', i % 2], separator)
    found = read_or_refuse(tmp_path, content)
    if isinstance(found, str):
        assert re.search(r"table\.csv:[12]:", found)
    else:
        assert values(found, "size")[:2] == [0.5, 1.5]
        assert values(found, "town")[:2] == ["Lyon", "Gent"]
        assert found.notes


def test_titanic_with_commas_and_doubled_quotes_in_names(tmp_path):
    def row(i):
        name = f'"Smith, Mrs. {chr(65 + i)} (""Annie"" Lee)"' if i % 2 else f'"Doe, Mr. {chr(65 + i)}"'
        cabin = '"C23 C25"' if i == 9 else "E46" if i == 17 else ""
        age = "" if i % 6 == 5 else f"{20 + i}" if i % 3 else f"{i}.5"
        person = [i + 1, i % 2, 1 + i % 3, name, ("male", "female")[i % 2], age]
        return [*person, f"A/5 {2117 + i}", f"{7 + i}.25", cabin, "SCQ"[i % 3]]

    header = "PassengerId,Survived,Pclass,Name,Sex,Age,Ticket,Fare,Cabin,Embarked"
    found = read(tmp_path, table(header, row), "Survived")
    assert list(kinds(found)) == header.split(",")
    assert values(found, "Name")[:2] == ["Doe, Mr. A", 'Smith, Mrs. B ("Annie" Lee)']
    assert values(found, "Age")[:6] == [0.5, 21, 22, 3.5, 24, None]
    assert [value for value in values(found, "Cabin") if value] == ["C23 C25", "E46"]
    assert (kinds(found)["Cabin"], kinds(found)["Fare"]) == ("category", "number")
    assert has_note(found, "Name")
    assert has_note(found, "Ticket")


def auto_mpg(i):
    numbers = f"{15 + i}.0   {4 + i % 3 * 2}   {300 + i}.0      {100 + i}.0      {3500 + i}.      1{i % 3}.5   70  1"
    return f'{numbers}\t"ford {i % 5}"'


def test_auto_mpg_whose_cells_are_separated_by_white_space(tmp_path):
    names = "mpg cylinders displacement horsepower weight acceleration year origin name"
    aligned = "\n".join(auto_mpg(i) for i in ROWS) + "\n"
    named = f"{names}\n{aligned}"
    for content in (aligned, named, named.replace("\t", " "), re.sub(" +", " ", aligned)):
        for target in ("mpg", "origin"):
            message = read_or_refuse(tmp_path, content, target)
            assert isinstance(message, str)
            has_tab = "\t" in content  # before the name alone: then the header is what differs
            assert re.search("white ?space|spaces|header" if has_tab else "white ?space|spaces", message), message


def test_bank_marketing_with_semicolons_and_quoted_words(tmp_path):
    header = '"age";"job";"default";"balance";"month";"duration";"pdays";"poutcome";"y"'

    def row(i):
        words = [f'"{word}"' for word in (("management", "blue-collar", "unknown")[i % 3], ("no", "yes")[i % 7 // 6])]
        rest = [(-1 if i % 3 else 180 + i), '"unknown"' if i % 3 else '"failure"', ('"no"', '"yes"')[i % 2]]
        return [30 + i % 20, *words, 2143 - 111 * i, ('"may"', '"jun"')[i % 2], 261 + i, *rest]

    found = read(tmp_path, table(header, row, ";"), "y")
    assert kinds(found)["default"] == "boolean"
    assert values(found, "balance")[-1] == 2143 - 111 * 23
    assert values(found, "job")[:3] == ["management", "blue-collar", "unknown"]
    assert values(found, "poutcome")[:2] == ["failure", "unknown"]
    assert values(found, "month")[:2] == ["may", "jun"]
    assert values(found, "pdays")[:2] == [180, -1]


def test_credit_cards_with_thousands(tmp_path):
    content = table("ID,LIMIT_BAL,BILL_AMT1,y", lambda i: [i + 1, f'"{20 + i % 5},000"', f'"{1 + i},234.50"', i % 2])
    found = read(tmp_path, content)
    assert values(found, "LIMIT_BAL")[:2] == [20_000, 21_000]
    assert values(found, "BILL_AMT1")[:2] == [1234.5, 2234.5]
    assert has_note(found, "thousands")
    message = read_or_refuse(tmp_path, table("ID,LIMIT_BAL,y", lambda i: [i + 1, f'"{20 + i % 5},000"', i % 2]))
    assert isinstance(message, str)
    assert re.search(r"table\.csv:2:.*20,000", message)


def test_excel_in_german_and_excel_in_utf_16(tmp_path):
    def rows(i):
        return [f"{1 + i}.234,50", "Köln", f"{i},5 €", i % 2]

    found = read(tmp_path, table("Umsatz;Ort;Preis;y", rows, ";").replace("\n", "\r\n").encode("utf-8-sig"))
    assert values(found, "Umsatz")[:2] == [1234.5, 2234.5]
    assert values(found, "Preis")[:2] == [0.5, 1.5]
    assert has_note(found, "Preis", "€")
    content = table("Umsatz\tOrt\tPreis\ty", rows, "\t").replace("\n", "\r\n")
    same = read(tmp_path, b"\xff\xfe" + content.encode("utf-16-le"))
    assert [values(same, c.name) for c in same.columns] == [values(found, c.name) for c in found.columns]


def test_mushrooms_with_letters_for_categories(tmp_path):
    header = "class,cap-shape,bruises,stalk-root,veil-type"
    content = table(header, lambda i: ["pe"[i % 2], "xbs"[i % 3], "tf"[i % 5 // 3], "?ebc"[i % 4], "p"])
    found = read(tmp_path, content, "class")
    assert values(found, "bruises")[:5] in ([1, 1, 1, 0, 0], ["t", "t", "t", "f", "f"])
    assert values(found, "stalk-root")[:4] == [None, "e", "b", "c"]
    assert has_note(found, "veil-type")


def test_flights_with_dates(tmp_path):
    content = table("FlightDate,delay,y", lambda i: [f"2013-01-{i + 1:02}", i * 3 - 9, i % 2])
    with pytest.raises(DataError, match=r"(?s)table\.csv:2:.*FlightDate.*(date|drop)"):
        read(tmp_path, content)
    found = read(tmp_path, content, date=("FlightDate",))
    assert values(found, "FlightDate")[:2] == [15706, 15707]
    assert column(read(tmp_path, content, drop=("FlightDate",)), "FlightDate").role == "dropped"
