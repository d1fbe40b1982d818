"""YAML text -> plain values that know where they stand. No tag is followed, so no YAML runs code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import yaml
from yaml.reader import ReaderError

from initbench.errors import ConfigError, Fault, is_control

LARGEST = 1_000_000
MOST_VALUES = 100_000
DEEPEST = 50
MOST_BITS = 10_000  # of a whole number; Python refuses to write one of some thousand digits
PLAIN_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map", "timestamp")
}


@dataclass(frozen=True)
class Value:
    """A value of a YAML file and its place.

    Attributes
    ----------
    data : None, bool, int, float, str, list of Value, or list of (Value, Value) as ``pairs``
    source, excerpt : str
        The file, and the line that the value stands on.
    line, column, length : int
        Counted from 1.
    pairs : list of (Value, Value), optional
        Keys and values, of a mapping; all keys are texts.
    is_refused : bool
        Whether its fault has been told already.
    """

    data: Any
    source: str
    line: int
    column: int
    excerpt: str = ""
    length: int = 1
    pairs: list[tuple[Value, Value]] | None = None
    is_refused: bool = False

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
        if self.data is None or isinstance(self.data, bool):
            return {None: "null", True: "true", False: "false"}[self.data]
        return _short(str(self.data), 60)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def locate(text: str, source: str, faults: list[Fault]) -> Value:
    """Parse YAML.

    Parameters
    ----------
    text : str
    source : str
        The name of the file.
    faults : list of Fault
        Told what is YAML beyond plain data: tags, control characters, a key that stands twice or is no text.

    Raises
    ------
    ConfigError
        When it is not YAML, or too large.
    """
    lines = text.splitlines()
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Value(None, source, 1, 1, pairs=[])
        return _Converter(loader, source, lines, faults).convert(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        excerpt = lines[line] if line < len(lines) else ""
        problem = " ".join(filter(None, [error.problem or "", error.context and f"({error.context})"]))
        hint = "is it indented as the lines around it? the keys of a config begin in the first column"
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

    def __init__(self, loader: yaml.SafeLoader, source: str, lines: list[str], faults: list[Fault]) -> None:
        self.loader, self.source, self.lines, self.faults = loader, source, lines, faults
        self.count = 0

    def convert(self, node: yaml.Node, depth: int = 0) -> Value:
        """Convert a node and what is in it; ``depth`` is how many others it is in."""
        line, column = node.start_mark.line, node.start_mark.column
        excerpt = self.lines[line] if line < len(self.lines) and len(self.lines[line]) <= 200 else ""
        length = node.end_mark.column - column if node.end_mark.line == line else 1
        here = Value(None, self.source, line + 1, column + 1, excerpt, length)
        self.count += 1
        if self.count > MOST_VALUES:
            raise here.error(f"the config holds more than {MOST_VALUES:,} values", "aliases (*name) count each time")
        if depth > DEEPEST:
            raise here.error("the values are nested too deeply", "the deepest that a config needs is five")
        if node.tag not in PLAIN_TAGS:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            hint = "a config holds plain values: numbers, texts, lists, mappings"
            self.faults.append(here.fault(f"the tag '{tag}' is not allowed", hint))
            return replace(here, is_refused=True)
        if isinstance(node, yaml.SequenceNode):
            return replace(here, data=[self.convert(child, depth + 1) for child in node.value])
        if isinstance(node, yaml.MappingNode):
            return replace(here, pairs=self._pairs(node, depth + 1))
        try:
            data = node.value if node.tag.endswith(":timestamp") else self.loader.construct_object(node)
        except (ValueError, LookupError, ArithmeticError):
            return self._refuse(here, f"not a value: '{node.value[:60]}' is no {node.tag.rpartition(':')[2]}")
        if isinstance(data, int) and data.bit_length() > MOST_BITS:
            return self._refuse(here, "a number of more than 3,000 digits")
        if isinstance(data, str):
            odd = next((c for c in data if is_control(c) and c not in "\n\t"), "")
            if odd:
                return self._refuse(here, f"the control character U+{ord(odd):04X} stands in a text")
        return replace(here, data=data)

    def _refuse(self, here: Value, message: str) -> Value:
        self.faults.append(here.fault(message))
        return replace(here, is_refused=True)

    def _pairs(self, node: yaml.MappingNode, depth: int) -> list[tuple[Value, Value]]:
        pairs: list[tuple[Value, Value]] = []
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            key, value = self.convert(key_node, depth), self.convert(value_node, depth)
            if key.is_refused:
                continue
            if not isinstance(key.data, str):
                self.faults.append(key.fault(f"the key {key} is no name", "keys are words, such as depth"))
            elif key.data in seen:
                hint = f"first on line {seen[key.data]}; keep one"
                self.faults.append(key.fault(f"the key '{key}' stands twice", hint))
            else:
                seen[key.data] = key.line
                pairs.append((key, value))
        return pairs
