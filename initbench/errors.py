"""Every error that initbench raises on purpose; the command line prints it without a traceback."""

from __future__ import annotations

import difflib
import shlex
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

OPTIONS = ("-s ", "--seeds ")  # what the source of a fault begins with where it is no file


class InitbenchError(Exception):
    """Something went wrong that the user can act on; the message says what, where and what to do."""

    exit_code = 1


class UsageError(InitbenchError):
    """The command or the config asks for something that cannot be."""

    exit_code = 2


class ParameterError(UsageError):
    """A parameter of a part has a value that the part cannot work with."""


class ShapeError(InitbenchError):
    """A weight matrix has a shape that an initializer cannot fill."""


class DataError(UsageError):
    """A data file does not hold what its config says of it."""


class MissingDataError(InitbenchError):
    """A data set is neither at hand nor within reach."""


class StoreError(InitbenchError):
    """The results on disk cannot be read or written."""


class FailedCells(UserWarning):
    """Cells of an experiment failed; the message has the first reason."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a config, and where.

    Attributes
    ----------
    source : str
        The file as the user named it, or the ``-s`` option as typed.
    line, column : int
        Counted from 1.
    message : str
        What is wrong, and the value seen.
    excerpt : str
        The line of the file, empty if there is none to show.
    length : int
        How many characters of the excerpt the fault covers.
    hint : str
        What to do, or the nearest valid name; may be empty.
    """

    source: str
    line: int
    column: int
    message: str
    excerpt: str = ""
    length: int = 1
    hint: str = ""

    def __str__(self) -> str:
        place = "" if self.source.startswith(OPTIONS) else f":{self.line}:{self.column}"
        text = f"{self.source}{place}: {self.message}"
        if self.excerpt.strip():
            text += f"\n  {self.excerpt}\n  {' ' * (self.column - 1)}{'^' * max(1, self.length)}"
        if self.hint:
            text += f"\n  {self.hint}"
        return text


class ConfigError(UsageError):
    """A config has faults; all of them are told at once.

    Attributes
    ----------
    faults : tuple of Fault
        In the order of their places in the file.
    others : tuple of str
        What else is wrong with the command, without a place.
    """

    def __init__(self, faults: Iterable[Fault], others: Iterable[str] = ()):
        self.faults = tuple(sorted(faults, key=lambda f: (f.source, f.line, f.column)))
        self.others = tuple(others)
        super().__init__("\n".join([*map(str, self.faults), *self.others]))


def printable(text: str) -> str:
    r"""The text with what a terminal obeys written out: control characters but line break and tab, lone surrogates.

    Examples
    --------
    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if is_control(character) and character not in "\n\t" else character
        for character in text
    )


def is_control(character: str) -> bool:
    """Whether a character is one of control, or half of one that UTF-8 cannot write."""
    return unicodedata.category(character) in ("Cc", "Cs")


def command_line(*words: object) -> str:
    """A command as a user types it in a shell, which may hold spaces and other odd characters.

    Examples
    --------
    >>> command_line("plot", "my results")
    "initbench plot 'my results'"
    """
    return shlex.join(["initbench", *map(str, words)])


def nearest(name: str, names: Iterable[str]) -> str:
    """The valid name that looks most like ``name``, or an empty string where none is near.

    Examples
    --------
    >>> nearest("he_norml", ["zeros", "he_normal"]), nearest("sd", ["mean", "std"])
    ('he_normal', 'std')
    >>> nearest("foo", ["orthogonal", "zeros"])
    ''
    """
    return next(iter(close_names(name, names)), "")


def close_names(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The valid names that look like ``name``, those that are most like it first; case and punctuation do not count.

    They differ in a letter of four, or in the order of letters, or one is a part of the other.

    Examples
    --------
    >>> close_names("churn", ["relu_deep", "churn_tutorial", "churn_csv"])
    ['churn_csv', 'churn_tutorial']
    """
    wanted, known = _letters(name), {other: _letters(other) for other in names}
    alike = set(difflib.get_close_matches(wanted, known.values(), n=most, cutoff=0.75))
    close = [
        other
        for other, letters in known.items()
        if letters in alike
        or sorted(letters) == sorted(wanted)
        or (len(wanted) > 2 and wanted in letters)
        or (len(letters) > 3 and letters in wanted and 2 * len(letters) >= len(wanted))
    ]
    return sorted(close, key=lambda other: -difflib.SequenceMatcher(None, wanted, known[other]).ratio())[:most]


def _letters(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum()) or name
