"""Which text of a config that is not valid YAML needs quotes, and how it is written with them."""

from __future__ import annotations

import re

import yaml

LONGEST_LINE, MOST_LINES, MOST_PLACES, MOST_SPANS = 300, 20, 5, 30  # that are looked at
BEGINNINGS = re.compile(r"(?:^(?=\s)|[\[{,]|[:\-](?=\s))\s*")
ENDS = re.compile(r"\s*(?:$|[,\]}]|\s#)")
COMMENT, TAG = re.compile(r"\s(?=#)"), re.compile(r"[\s\[{,](?=!)")
TOP_LEVEL = re.compile(r"[^\s#\]}]")


def in_quotes(text: str) -> str:
    r"""A text as YAML takes it whatever it holds.

    Examples
    --------
    >>> in_quotes("Churn?"), in_quotes("it's")
    ("'Churn?'", '"it\'s"')
    """
    if "'" in text and not {'"', "\\"} & set(text):
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def find_unquoted(lines: list[str], line: int, column: int) -> tuple[str, str] | None:
    """The text that stops the parser, and the same in quotes, with which it goes on.

    Parameters
    ----------
    lines : list of str
    line, column : int
        Where the parser stopped, counted from 0. The cause may stand before: a ``#`` begins a comment, a ``!`` a tag.

    Returns
    -------
    tuple of (str, str), optional
        None where no quotes help.
    """
    if not lines:
        return None
    if line >= len(lines):
        line, column = len(lines) - 1, LONGEST_LINE
    places = [(line, match.end()) for match in TAG.finditer(lines[line][:column])]
    places.append((line, column))
    for number in range(line, max(-1, line - MOST_LINES), -1):
        places += [(number, match.end()) for match in COMMENT.finditer(lines[number][:LONGEST_LINE])]
    for place in places[:MOST_PLACES]:
        found = _find_on_line(lines, *place)
        if found:
            return found
    return None


def _find_on_line(lines: list[str], line: int, column: int) -> tuple[str, str] | None:
    if len(lines[line]) > LONGEST_LINE:
        return None
    first, last = line, line + 1
    while first > 0 and not TOP_LEVEL.match(lines[first]):
        first -= 1
    while last < len(lines) and not TOP_LEVEL.match(lines[last]):
        last += 1
    here = lines[line]
    starts = [match.end() for match in BEGINNINGS.finditer(here) if match.end() <= column]
    ends = [match.start() for match in ENDS.finditer(here) if match.start() >= column]
    spans = sorted(((s, e) for s in starts for e in ends if s < e), key=lambda span: span[1] - span[0])
    for start, end in spans[:MOST_SPANS]:
        bare = here[start:end]
        if bare[0] in "[{":
            continue
        is_quoted = len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\""
        quoted = in_quotes(bare[1:-1] if is_quoted else bare)
        tried = [*lines[first:line], here[:start] + quoted + here[end:], *lines[line + 1 : last]]
        if _is_yaml("\n".join(tried)):
            return bare, quoted
    return None


def _is_yaml(text: str) -> bool:
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except (yaml.YAMLError, RecursionError):
        return False
    return True
