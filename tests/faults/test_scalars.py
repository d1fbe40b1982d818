"""Laws of scalars: a number is read as its decimal digits say, a text as it is written, or else it is refused."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import pytest
import yaml
from faults.strategies import SCALARS
from hypothesis import given, settings

from initbench.config import located, read_seeds
from initbench.config.keys import KEYS, Context
from initbench.errors import ConfigError

NUMBERS = ("learning_rate", "weight_decay", "width", "depth", "epochs", "seeds", "batch_size", "train_rows")
TEXTS = ("name", "description")
WORDS = SCALARS.filter(lambda text: "," not in text)  # which separates what is in brackets


def read(key, text):
    """What the text means as the value of a key; a ConfigError if it is refused."""
    faults = []
    value = located.locate(text, "a config", faults)
    if faults:
        raise ConfigError(faults)
    return KEYS[key].read(value, Context())


def misreadings(text):
    """The keys that take the text for something other than it says, each with what they take it for."""
    wrong = []
    for key in (*NUMBERS, *TEXTS):
        try:
            found = read(key, text)
        except ConfigError:
            continue
        if not says(key, text, found):
            wrong.append((key, text, found))
    return wrong


def says(key, text, found):
    """Whether a text says, to a reader who knows no YAML, what it was taken for."""
    if key in TEXTS:
        return found == text
    if key == "seeds" and ":" in text:
        begin, end = map(int, text.split(":"))
        return found == tuple(range(begin, end))
    try:
        number = Decimal(text if text.isascii() and "_" not in text else "")
    except InvalidOperation:
        return False
    if key == "seeds":
        return found == tuple(range(int(number)))
    return found == (float(number) if key in ("learning_rate", "weight_decay") else number)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(SCALARS)
def test_a_scalar_is_never_read_as_another(text):
    assert misreadings(text) == []


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(WORDS, WORDS)
def test_an_item_of_a_list_and_a_key_of_a_mapping_keep_their_spelling(first, second):
    faults = []
    try:
        value = located.locate(f"{{{first}: [{second}, {first}]}}", "a config", faults)
    except ConfigError:
        return
    for key, items in value.pairs:
        assert key.data == first
        assert [item.written for item in items.data if not item.is_refused and item.pairs is None] == [second, first]


@pytest.mark.parametrize("text", ["0100", "010", "1:30", "0_1", "1_000", "0x10", "0b11"])
def test_the_law_catches_the_resolver_of_yaml_1_1(monkeypatch, text):
    monkeypatch.setattr(located, "_Loader", yaml.SafeLoader)
    monkeypatch.setattr(located, "decimal", lambda written: yaml.safe_load(written))
    monkeypatch.setattr(located, "SPELLINGS", dict.fromkeys(located.SPELLINGS, Anything()))
    assert misreadings(text)


class Anything:
    """A pattern that matches every text."""

    def fullmatch(self, text):
        return True


@pytest.mark.parametrize("text", ["3", "100:120", "1:30", "[5, 7]"])
def test_the_option_and_the_key_read_seeds_alike(text):
    assert read_seeds(text) == read("seeds", text)
