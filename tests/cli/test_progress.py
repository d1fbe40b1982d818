"""Work that takes a while is shown on stderr, and nothing else is."""

import threading

import pytest

from initbench.cli import progress
from initbench.cli.progress import ProgressBar
from initbench.training.runner import Progress


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_OF_SILENCE", 0.01)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.01)


def work(bar, capsys, until):
    """Work until stderr holds a text; return all that it holds in the end."""
    text, pause = "", threading.Event()
    with bar.working("looking at networks", 3) as step:
        step()
        while until not in text:
            pause.wait(0.01)
            text += capsys.readouterr().err
    return text + capsys.readouterr().err


def test_elsewhere_it_is_a_line_now_and_then(capsys):
    lines = work(ProgressBar(), capsys, "looking at networks, 1/3, 0 s\n").splitlines()
    assert lines[0] == "looking at networks"
    assert set(lines[1:]) == {"looking at networks, 1/3, 0 s"}


def test_on_a_terminal_it_is_a_bar_that_goes_away(capsys):
    bar = ProgressBar()
    bar.is_terminal = True
    text = work(bar, capsys, "1/3, 00:00")
    assert text.startswith("\rlooking at networks |")
    assert "\n" not in text
    assert text.rpartition("\r")[2].strip() == ""


@pytest.mark.parametrize("bar", [ProgressBar(), Progress()])
def test_what_is_soon_done_says_nothing(bar, capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_OF_SILENCE", 100.0)
    with bar.working("reading") as step:
        step()
    assert capsys.readouterr().err == ""


def test_an_error_passes_through_and_ends_it(capsys):
    with pytest.raises(KeyboardInterrupt), ProgressBar().working("reading"):
        raise KeyboardInterrupt
    assert all("reading" not in thread.name for thread in threading.enumerate())
