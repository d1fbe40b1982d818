"""YAML text -> plain values that know where they stand. No tag is followed, so no YAML runs code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from initbench.errors import ConfigError, Fault

LARGEST = 1_000_000
MOST_VALUES = 100_000
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
        Keys and values, of a mapping.
    """

    data: Any
    source: str
    line: int
    column: int
    excerpt: str = ""
    length: int = 1
    pairs: list[tuple[Value, Value]] | None = None

    def fault(self, message: str, hint: str = "") -> Fault:
        """A fault at this place."""
        return Fault(self.source, self.line, self.column, message, self.excerpt, self.length, hint)

    def error(self, message: str, hint: str = "") -> ConfigError:
        """An error with one fault, at this place."""
        return ConfigError([self.fault(message, hint)])

    def __str__(self) -> str:
        if self.pairs is not None:
            return "{" + ", ".join(f"{k}: {v}" for k, v in self.pairs) + "}"
        if isinstance(self.data, list):
            return "[" + ", ".join(map(str, self.data)) + "]"
        if self.data is None or isinstance(self.data, bool):
            return {None: "null", True: "true", False: "false"}[self.data]
        text = str(self.data)
        return text if len(text) <= 60 else text[:57] + "..."


def locate(text: str, source: str) -> Value:
    """Parse YAML.

    Raises
    ------
    ConfigError
        When it is not YAML, or YAML beyond plain data: tags, a key twice, too large.
    """
    lines = text.splitlines()
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Value(None, source, 1, 1, pairs=[])
        return _convert(node, loader, source, lines, iter(range(MOST_VALUES)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        excerpt = lines[line] if line < len(lines) else ""
        problem = " ".join(filter(None, [error.problem or "", error.context and f"({error.context})"]))
        raise ConfigError([Fault(source, line + 1, column + 1, f"not valid YAML: {problem}", excerpt)]) from None
    except yaml.YAMLError as error:
        raise ConfigError([Fault(source, 1, 1, f"not valid YAML: {str(error).splitlines()[0]}")]) from None
    except RecursionError:
        raise ConfigError([Fault(source, 1, 1, "the values are nested too deeply")]) from None
    finally:
        if loader is not None:
            loader.dispose()


def _convert(node: yaml.Node, loader: yaml.SafeLoader, source: str, lines: list[str], budget: Iterator[int]) -> Value:
    line, column = node.start_mark.line, node.start_mark.column
    excerpt = lines[line] if line < len(lines) and len(lines[line]) <= 200 else ""
    ends_here = node.end_mark.line == line
    here = Value(None, source, line + 1, column + 1, excerpt, node.end_mark.column - column if ends_here else 1)
    if next(budget, None) is None:
        raise here.error(f"the config holds more than {MOST_VALUES:,} values", "aliases (*name) count each time")
    if node.tag not in PLAIN_TAGS:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        raise here.error(
            f"the tag '{tag}' is not allowed", "a config holds plain values: numbers, texts, lists, mappings"
        )
    if isinstance(node, yaml.SequenceNode):
        items = [_convert(child, loader, source, lines, budget) for child in node.value]
        return Value(items, source, here.line, here.column, excerpt, here.length)
    if isinstance(node, yaml.MappingNode):
        pairs, twice = [], []
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = _convert(key_node, loader, source, lines, budget)
            if str(key) in seen:
                twice.append(key.fault(f"the key '{key}' stands twice", f"first on line {seen[str(key)]}; keep one"))
            seen.setdefault(str(key), key.line)
            pairs.append((key, _convert(value_node, loader, source, lines, budget)))
        if twice:
            raise ConfigError(twice)
        return Value(None, source, here.line, here.column, excerpt, here.length, pairs)
    try:
        is_date = node.tag.endswith(":timestamp")
        data = node.value if is_date else loader.construct_object(node)
    except ValueError as error:
        raise here.error(f"not a value: {error}") from None
    return Value(data, source, here.line, here.column, excerpt, here.length)
