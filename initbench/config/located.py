"""YAML text -> plain values that know where they stand and how they are written. No tag is followed, so no code is run.

A bare word is a number, a boolean or null only where everyone reads it so. What YAML 1.1 makes of other ones (``0100``
is 64, ``1:30`` is 90, ``no`` is false) is not followed: they are texts.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any

import yaml
from yaml.reader import ReaderError

from initbench.config.quotes import find_unquoted, in_quotes
from initbench.errors import ConfigError, Fault, is_control

LARGEST = 1_000_000
MOST_VALUES = 100_000
DEEPEST = 50
MOST_DIGITS = 3000  # of a number; Python refuses to read or write one of some thousand more
YAML_TAG = "tag:yaml.org,2002:"
SPELLINGS = {
    "null": re.compile(r"|~|null|Null|NULL"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    "float": re.compile(
        r"[-+]?(([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(inf|Inf|INF))|\.(nan|NaN|NAN)"
    ),
}
PLAIN_TAGS = {YAML_TAG + name for name in (*SPELLINGS, "str", "seq", "map")}
BASE_60 = re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?")
RADIXES = (  # spellings of whole numbers that are not decimal
    (re.compile(r"[-+]?0[xX]([0-9a-fA-F]+)"), 16, "hexadecimal"),
    (re.compile(r"[-+]?0[bB]([01]+)"), 2, "binary"),
    (re.compile(r"[-+]?0[oO]([0-7]+)"), 8, "octal"),
    (re.compile(r"[-+]?0+([1-7][0-7]*)"), 8, "octal in YAML 1.1"),
)


@dataclass(frozen=True)
class Value:
    """A value of a YAML file and its place.

    Attributes
    ----------
    data : None, bool, int, float, str, or list of Value
    source, excerpt : str
        The file, and the line that the value stands on.
    line, column, length : int
        Counted from 1.
    pairs : list of (Value, Value), optional
        Keys and values, of a mapping; all keys are texts, as they are written.
    is_refused : bool
        Whether its fault has been reported already.
    written : str
        The text of a scalar as it stands in the file, without quotes; empty for a list or mapping.
    is_quoted : bool
        Whether it stands in quotes, or in a block of text.
    """

    data: Any
    source: str
    line: int
    column: int
    excerpt: str = ""
    length: int = 1
    pairs: list[tuple[Value, Value]] | None = None
    is_refused: bool = False
    written: str = ""
    is_quoted: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether nothing was written."""
        return self.pairs == [] and not self.excerpt

    def fault(self, message: str, hint: str = "") -> Fault:
        """A fault at this place."""
        return Fault(self.source, self.line, self.column, message, self.excerpt, self.length, hint)

    def error(self, message: str, hint: str = "") -> ConfigError:
        """An error with one fault, at this place."""
        return ConfigError([self.fault(message, hint)])

    def __str__(self) -> str:
        if self.pairs is not None:
            return _short("{" + ", ".join(f"{k}: {v}" for k, v in self.pairs) + "}", 200)
        if isinstance(self.data, list):
            return _short("[" + ", ".join(map(str, self.data)) + "]", 200)
        return _short(str(self.data) if isinstance(self.data, str) else self.written or "null", 60)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


class _Loader(yaml.SafeLoader):
    """Composes nodes whose bare words mean what ``SPELLINGS`` says."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """The tag of a node that has none."""
        if kind is not yaml.ScalarNode:
            return YAML_TAG + ("seq" if kind is yaml.SequenceNode else "map")
        is_bare = implicit[0]
        if is_bare and value == "<<":
            return f"{YAML_TAG}merge"
        meanings = (name for name, spelling in SPELLINGS.items() if is_bare and spelling.fullmatch(value))
        return YAML_TAG + next(meanings, "str")


def decimal(text: str) -> int | float | None:
    """The number that a decimal spelling stands for; None for any other text.

    Examples
    --------
    >>> decimal("10"), decimal("1e3"), decimal("010"), decimal("1_0")
    (10, 1000.0, None, None)
    """
    if len(text) > MOST_DIGITS:
        return None
    if SPELLINGS["int"].fullmatch(text):
        return int(text)
    if not SPELLINGS["float"].fullmatch(text):
        return None
    number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if number == 0 and re.match(r"[-+]?[0.]*[1-9]", text):
        return math.ulp(0.0)  # below what a float holds, and not the 0 that it would become
    return number


def why_no_number(text: str) -> str:
    """Why a text that looks like a number is not read as one, and what to write; empty for any other text.

    Examples
    --------
    >>> why_no_number("0100")
    '0100 is octal in YAML 1.1, for 64; write 100 or 64'
    >>> why_no_number("1:30")
    '1:30 is to base 60 in YAML 1.1, for 90; write 90'
    """
    if len(text) > 60:
        return ""
    bare = text.replace("_", "")
    if "_" in text and (decimal(bare) is not None or why_no_number(bare)):
        return f"{text} has a _, which YAML 1.1 leaves out; write the number without it"
    sign = "-" if text.startswith("-") else ""
    if BASE_60.fullmatch(text):
        number = 0.0
        for digits in text.lstrip("+-").split(":"):
            number = number * 60 + float(digits)
        remedy = f"write {sign}{number:.15g}" if text.count(":") == 1 else "write a decimal number"
        return f"{text} is to base 60 in YAML 1.1, for {sign}{number:.15g}; {remedy}"
    for spelling, radix, name in RADIXES:
        found = spelling.fullmatch(text)
        if found:
            number = int(found[1], radix)
            choices = (
                f"{sign}{found[1]} or {sign}{number}"
                if found[1] != str(number) and "YAML" in name
                else f"{sign}{number}"
            )
            return f"{text} is {name}, for {sign}{number}; write {choices}"
    if re.fullmatch(r"[-+]?0[0-9]+", text):
        return f"{text} begins with 0; write {int(text)}"
    if re.fullmatch(r"[-+]?[0-9]+(,[0-9]+)+(\.[0-9]+)?", text):
        return f"{text} has a comma; write 0.5 for a half and 1000 for a thousand"
    return ""


def locate(text: str, source: str, faults: list[Fault], remedy: str = "") -> Value:
    """Parse YAML.

    Parameters
    ----------
    text : str
    source : str
        The name of the file.
    faults : list of Fault
        Takes in what is YAML beyond plain data: tags, control characters, a key that stands twice or is no text.
    remedy : str, default ""
        What to do where the text is not YAML, if it does not stand in a file.

    Raises
    ------
    ConfigError
        When it is not YAML, or too large.
    """
    lines = text.splitlines()
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None or (isinstance(node, yaml.ScalarNode) and node.value == "" and node.style is None):
            return Value(None, source, 1, 1, pairs=[])
        return _Converter(source, lines, faults).convert(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        excerpt = lines[line] if line < len(lines) else ""
        problem = " ".join(filter(None, [error.problem or "", error.context and f"({error.context})"]))
        unquoted = find_unquoted(lines, line, column)
        hint = remedy or "is it indented as the lines around it? the keys of a config begin in the first column"
        if unquoted and not (remedy and unquoted[0] == text.strip()):
            hint = "here the text {} needs quotes; write {}".format(*unquoted)
        elif error.context and "flow" in error.context and error.context_mark:
            hint = f"is the bracket closed that opens on line {error.context_mark.line + 1}?"
        raise ConfigError(
            [Fault(source, line + 1, column + 1, f"not valid YAML: {problem}", excerpt, 1, hint)]
        ) from None
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n"), error.position - (before.rfind("\n") + 1)
        message = f"not valid YAML: the character U+{error.character:04X} is not allowed"
        raise ConfigError([Fault(source, line + 1, column + 1, message, hint="remove it")]) from None
    except RecursionError:
        raise ConfigError([Fault(source, 1, 1, "the values are nested too deeply")]) from None
    finally:
        if loader is not None:
            loader.dispose()


class _Converter:
    """Turns the nodes of one text into values; what is wrong with them goes into ``faults``."""

    def __init__(self, source: str, lines: list[str], faults: list[Fault]) -> None:
        self.source, self.lines, self.faults = source, lines, faults
        self.count = 0

    def convert(self, node: yaml.Node, depth: int = 0) -> Value:
        """Convert a node and what is in it; ``depth`` is how many others it is in."""
        line, column = node.start_mark.line, node.start_mark.column
        excerpt = self.lines[line] if line < len(self.lines) and len(self.lines[line]) <= 200 else ""
        length = node.end_mark.column - column if node.end_mark.line == line else 1
        here = Value(None, self.source, line + 1, column + 1, excerpt, length)
        rest = self.lines[line][column:] if line < len(self.lines) else ""
        source = rest[:length] if length > 1 else rest
        self.count += 1
        if self.count > MOST_VALUES:
            raise here.error(f"the config holds more than {MOST_VALUES:,} values", "aliases (*name) count each time")
        if depth > DEEPEST:
            raise here.error("the values are nested too deeply", "the deepest that a config needs is five")
        if node.tag not in PLAIN_TAGS:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            hint = "a config holds plain values: numbers, texts, lists, mappings"
            if tag.startswith("!") and not tag.startswith("!!") and excerpt:
                hint = f"for a text, write {in_quotes(source.partition(',')[0].strip())}"
            self.faults.append(here.fault(f"the tag '{tag}' is not allowed", hint))
            return replace(here, is_refused=True)
        if isinstance(node, yaml.SequenceNode):
            return replace(here, data=[self.convert(child, depth + 1) for child in node.value])
        if depth and rest.startswith("?") and _is_question(node):
            hint = f"for a text, write {in_quotes(rest[:length].strip())}"
            self.faults.append(here.fault("a ? begins a key of a mapping in YAML", hint))
            return replace(here, is_refused=True)
        if isinstance(node, yaml.MappingNode):
            return replace(here, pairs=self._pairs(node, depth + 1))
        here = replace(here, written=node.value, is_quoted=isinstance(node, yaml.ScalarNode) and node.style is not None)
        anchor = re.match(r"&([^\s,\[\]{}]+)", rest)
        if anchor and not any(f"*{anchor[1]}" in line for line in self.lines):
            self.faults.append(
                here.fault(
                    f"&{anchor[1]} is a mark of YAML's, for a value that *{anchor[1]} repeats, and none does",
                    f"for a text, write {in_quotes(source.strip())}",
                )
            )
            return replace(here, is_refused=True)
        name = node.tag.removeprefix(YAML_TAG)
        if name == "str":
            return self._text(here)
        if name not in SPELLINGS or not SPELLINGS[name].fullmatch(node.value):
            hint = f"leave out the tag !!{name}, which is not needed" + (f": {node.value}" if node.value else "")
            return self._refuse(here, f"not a value: '{node.value[:60]}' is no {name}", hint)
        if name in ("int", "float") and len(node.value) > MOST_DIGITS:
            return self._refuse(here, f"a number of more than {MOST_DIGITS:,} digits")
        if name == "null":
            return here
        return replace(here, data=node.value.lower() == "true" if name == "bool" else decimal(node.value))

    def _text(self, here: Value) -> Value:
        odd = next((c for c in here.written if is_control(c) and c not in "\n\t"), "")
        if odd:
            return self._refuse(here, f"the control character U+{ord(odd):04X} stands in a text")
        return replace(here, data=here.written)

    def _refuse(self, here: Value, message: str, hint: str = "") -> Value:
        self.faults.append(here.fault(message, hint))
        return replace(here, is_refused=True)

    def _pairs(self, node: yaml.MappingNode, depth: int) -> list[tuple[Value, Value]]:
        pairs: list[tuple[Value, Value]] = []
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            key, value = self.convert(key_node, depth), self.convert(value_node, depth)
            if key.is_refused:
                continue
            if not key.written:
                self.faults.append(key.fault(f"the key {key} is no name", "keys are words, such as depth"))
            elif key.written in seen:
                hint = f"first on line {seen[key.written]}; keep one"
                self.faults.append(key.fault(f"the key '{key}' stands twice", hint))
            else:
                seen[key.written] = key.line
                pairs.append((replace(key, data=key.written), value))
        return pairs


def _is_question(node: yaml.Node) -> bool:
    """Whether it is a mapping as in ``[?, x]`` or ``[? x]``: a bare key after a question mark, and no value."""
    if not isinstance(node, yaml.MappingNode) or len(node.value) != 1:
        return False
    ((key, value),) = node.value
    is_bare = all(isinstance(part, yaml.ScalarNode) and part.style is None for part in (key, value))
    return is_bare and not value.value
