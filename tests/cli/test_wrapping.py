"""Text is as wide as the terminal, and in a pipe an entry stays on its line."""

import io
import sys

import pytest

from initbench.cli.wrapping import list_names, text_columns

TEXTS = {
    "sgd": "Plain gradient descent, which hides nothing of what the initializer did.",
    "adam": "The usual default.",
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("columns", [10, 24, 30, 50, 200])
def test_a_list_fits_the_terminal_and_loses_no_word(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", Terminal())
    text = list_names(TEXTS)
    assert "".join(text.split()) == "".join("".join([name, *said.split()]) for name, said in TEXTS.items())
    if columns > 20:
        assert max(map(len, text.splitlines())) <= columns


def test_a_list_in_a_pipe_has_a_line_an_entry_whatever_the_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert list_names(TEXTS).splitlines() == [f"sgd   {TEXTS['sgd']}", "adam  The usual default."]


@pytest.mark.parametrize(("columns", "wide"), [("60", 60), ("100", 100), ("300", 100)])
def test_prose_is_as_wide_as_the_terminal_but_never_wider_than_can_be_read(monkeypatch, columns, wide):
    monkeypatch.setenv("COLUMNS", columns)
    assert text_columns() == wide
