"""The page of replications says what the committed tables of their runs say."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import initbench
from initbench.config import find_config, read_experiment
from initbench.errors import ConfigError
from initbench.parts.datasets.images import write_idx

REPOSITORY = Path(initbench.__file__).parents[1]


def load_fill():
    spec = importlib.util.spec_from_file_location("fill", REPOSITORY / "docs" / "replications" / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fill = load_fill()
NAMES = sorted(fill.PUBLISHED)
PAGE = fill.PAGE.read_text(encoding="utf-8")


def section(name):
    """The part of the page that tells of one run."""
    parts = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (found,) = [part for part in parts if f"$ initbench run {name}" in part]
    return found


@pytest.fixture
def clothes(tmp_path):
    """A folder with eleven made-up pictures of ten classes, where the config looks for the real ones."""
    y = np.tile(np.arange(10, dtype=np.uint8), 11)
    x = np.zeros((110, 28, 28), dtype=np.uint8)
    write_idx(tmp_path / "fashion-mnist", {"x_train": x, "y_train": y, "x_test": x, "y_test": y})
    return tmp_path


# Configs


def test_every_config_has_its_tables_and_its_section_and_nothing_else_has():
    assert sorted(path.stem for path in (REPOSITORY / "configs" / "replicate").glob("*.yaml")) == NAMES
    tables = {path.name for path in fill.HERE.glob("*.csv")}
    assert tables == {f"{name}-{table}.csv" for name in NAMES for table in ("accuracy", "comparison")}
    for name in NAMES:
        assert f"(../configs/replicate/{name}.yaml)" in section(name)
        assert section(name).count("Does the published ranking hold?") == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_run_had_ten_seeds_or_more_and_its_tables_hold_what_its_config_asks_for(name, clothes):
    experiment = read_experiment(find_config(name), folders=(clothes,))
    accuracy = fill.read(name, "accuracy")
    (seeds,) = set(accuracy["seeds"]) | set(fill.read(name, "comparison")["seeds"])
    assert seeds >= 10
    assert experiment.size == len(accuracy) * seeds
    assert set(accuracy["initializer"]) == set(map(str, experiment.choices["initializer"]))


def test_pictures_of_clothes_that_are_not_there_are_a_fault_of_one_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INITBENCH_DATA", raising=False)
    with pytest.raises(
        ConfigError, match=r"clothing_orthogonal\.yaml:\d+:\d+: no file or folder 'fashion-mnist'"
    ) as missed:
        read_experiment(find_config("clothing_orthogonal"))
    assert "--data-dir" in str(missed.value)


# Tables


def test_the_tables_of_the_page_are_those_of_the_runs():
    assert fill.filled(PAGE) == PAGE, "run: make replications"


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_digit_in_a_table_is_caught(name):
    head, mark, rest = PAGE.partition(fill.BEGIN.format(f"{name}, accuracies"))
    wrong = head + mark + re.sub(r"\d(?= \[)", lambda digit: str((int(digit[0]) + 1) % 10), rest, count=1)
    assert wrong != PAGE
    assert fill.filled(wrong) == PAGE


# What the page says in words


def answer(text):
    """The paragraph that answers whether the ranking holds, and its first word or two."""
    (paragraph,) = re.findall(r"\*\*Does the published ranking hold\?\*\* (.*?)\n(?:\n|$)", text, re.DOTALL)
    return " ".join(paragraph.split()), re.match(r"[^,.:;]*", paragraph)[0]


def untold(text):
    """The numbers with an interval in an answer that no table of its section has."""
    tables = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    return [number for number in re.findall(r"\+?-?[\d.]+ \[[^]]+\]", answer(text)[0]) if number not in tables]


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_what_its_pairs_say_and_stands_in_the_table_at_the_top(name):
    held = [row.get("holds?") == "yes" for row in fill.claims(name)]
    words = "Not known" if not fill.PUBLISHED[name] else "Yes" if all(held) else "In part" if any(held) else "No"
    assert answer(section(name))[1] == words
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| [") and anchor(name) in line]
    assert row.split("|")[3].strip().startswith(f"**{words}**")


def anchor(name):
    """The link to a section, as GitHub makes it of the heading."""
    heading = section(name).partition("\n")[0].lower()
    return "(#" + re.sub(r"[^\w -]", "", heading).replace(" ", "-") + ")"


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_of_an_answer_are_those_of_its_tables(name):
    text = section(name)
    assert re.search(r"\d \[", answer(text)[0])
    assert untold(text) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_number_in_an_answer_is_caught(name):
    head, mark, rest = section(name).partition("Does the published ranking hold?")
    wrong = head + mark + re.sub(r"\d(?= \[)", lambda digit: str((int(digit[0]) + 1) % 10), rest, count=1)
    assert untold(wrong)
