"""Text as wide as the terminal; output that goes to a file or a pipe keeps one line per entry."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence

WIDEST = 100  # characters of a line of prose
NARROWEST_TEXT = 20  # characters beside a name; with fewer the text goes below it


def text_columns() -> int:
    """How many characters a line of prose has."""
    return min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)


def list_names(texts: Mapping[str, str], indent: str = "") -> str:
    """Names and what is said of each, in two columns; on a terminal the second is wrapped, or goes below the first.

    Examples
    --------
    >>> print(list_names({"sgd": "Plain gradient descent.", "adam": "The usual default."}))
    sgd   Plain gradient descent.
    adam  The usual default.
    """
    width = max(map(len, texts), default=0)
    if not sys.stdout.isatty():
        return "\n".join(f"{indent}{name:<{width}}  {text}".rstrip() for name, text in texts.items())
    columns = shutil.get_terminal_size().columns
    start = f"{indent}{'':<{width}}  "
    if columns - len(start) < NARROWEST_TEXT:
        below = indent + 4 * " "
        return "\n".join(f"{indent}{name}\n{_fill(text, below, columns)}".rstrip() for name, text in texts.items())
    return "\n".join(
        f"{indent}{name:<{width}}  {_fill(text, start, columns)[len(start) :]}".rstrip() for name, text in texts.items()
    )


def _fill(text: str, start: str, columns: int) -> str:
    return textwrap.fill(text, columns, initial_indent=start, subsequent_indent=start, break_on_hyphens=False)


def paragraphs(sentences: Sequence[str]) -> str:
    """Sentences as wide as the terminal, with an empty line after each."""
    return "".join(f"{textwrap.fill(sentence, text_columns())}\n\n" for sentence in sentences)
