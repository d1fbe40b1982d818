"""Name -> part, or the nearest name.

A decorator puts a function under its name; each folder of ``initbench.parts`` imports its files when first asked for.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from initbench.contracts import Range
from initbench.errors import ParameterError, UsageError, nearest

Function = TypeVar("Function", bound=Callable[..., Any])

FOLDERS = {
    "initializer": "initializers",
    "bias": "biases",
    "activation": "activations",
    "optimizer": "optimizers",
    "dataset": "datasets",
}


@dataclass(frozen=True)
class Parameter:
    """A parameter of a part: its default (``inspect.Parameter.empty`` if it must be given), type and range."""

    name: str
    default: Any
    type: Any
    range: Range | None

    @property
    def is_required(self) -> bool:
        """Whether a config must give it."""
        return self.default is inspect.Parameter.empty

    def check(self, value: Any) -> Any:
        """Return ``value`` in the parameter's type.

        Raises
        ------
        ParameterError
            When it has another type, or lies outside of the range.
        """
        options = typing.get_args(self.type) if isinstance(self.type, types.UnionType) else (self.type,)
        if value is None and type(None) in options:
            return None
        (wanted,) = (o for o in options if o is not type(None))
        if typing.get_origin(wanted) is typing.Literal:
            choices = typing.get_args(wanted)
            if value in choices:
                return value
            raise ParameterError(f"{self.name} is {value!r} and must be one of: {', '.join(map(str, choices))}")
        if typing.get_origin(wanted) is tuple:
            values = value if isinstance(value, (list, tuple)) else (value,)
            if all(isinstance(v, str) for v in values):
                return tuple(values)
            raise ParameterError(f"{self.name} is {value!r} and must be a list of names")
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if wanted is float and is_number:
            value = float(value)
        elif not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            word = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}[wanted]
            raise ParameterError(f"{self.name} is {value!r} and must be {word}")
        if self.range is not None and not self.range.holds(value):
            raise ParameterError(f"{self.name} is {value:g} and must be {self.range}")
        return value


@dataclass(frozen=True)
class Entry:
    """A registered part.

    Attributes
    ----------
    kind, name : str
    function : callable
    parameters : mapping of str to Parameter
    fingerprint : str
        Hash of the file of a part that comes from outside; empty for our own.
    """

    kind: str
    name: str
    function: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    fingerprint: str = ""

    def check(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``values`` in the types of the parameters that they name.

        Raises
        ------
        UsageError
            When a name is no parameter.
        ParameterError
            When a value has another type, or lies outside of its range.
        """
        for name in values:
            if name not in self.parameters:
                close = nearest(name, self.parameters)
                known = f"nearest name: {close}" if close else f"its parameters: {', '.join(self.parameters) or 'none'}"
                raise UsageError(f"'{self.name}' has no parameter '{name}'; {known}")
        return {name: self.parameters[name].check(value) for name, value in values.items()}

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


_entries: dict[str, dict[str, Entry]] = {kind: {} for kind in FOLDERS}
_plugins: dict[Path, str] = {}


def _parameters(function: Callable[..., Any]) -> dict[str, Parameter]:
    hints = typing.get_type_hints(function, include_extras=True)
    found = {}
    for p in inspect.signature(function).parameters.values():
        if p.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        hint, limits = hints.get(p.name, float), None
        options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
        bare = []
        for option in options:
            if typing.get_origin(option) is typing.Annotated:
                option, *extras = typing.get_args(option)
                limits = next((e for e in extras if isinstance(e, Range)), limits)
            bare.append(option)
        joined = functools.reduce(lambda a, b: a | b, bare)
        found[p.name] = Parameter(p.name, p.default, joined, limits)
    return found


def _register(kind: str, name: str) -> Callable[[Function], Function]:
    def enter(function: Function) -> Function:
        present = _entries[kind].get(name)
        if present is not None and present.function.__code__.co_filename != function.__code__.co_filename:
            raise UsageError(
                f"{function.__code__.co_filename}: the {kind} '{name}' is registered already, "
                f"in {present.function.__code__.co_filename}; choose another name"
            )
        source = Path(function.__code__.co_filename)
        ours = Path(__file__).parent in source.parents
        fingerprint = "" if ours else sha256(source.read_bytes()).hexdigest()
        _entries[kind][name] = Entry(kind, name, function, types.MappingProxyType(_parameters(function)), fingerprint)
        return function

    return enter


def initializer(name: str) -> Callable[[Function], Function]:
    """Register a function ``(shape, rng, *, parameters) -> weights``."""
    return _register("initializer", name)


def bias(name: str) -> Callable[[Function], Function]:
    """Register a function ``(shape, rng, *, parameters) -> biases``."""
    return _register("bias", name)


def activation(name: str) -> Callable[[Function], Function]:
    """Register a function ``(*, parameters) -> Activation``."""
    return _register("activation", name)


def optimizer(name: str) -> Callable[[Function], Function]:
    """Register a function ``(*, parameters) -> Optimizer``."""
    return _register("optimizer", name)


def dataset(name: str) -> Callable[[Function], Function]:
    """Register a function ``(folders, *, parameters) -> Dataset``."""
    return _register("dataset", name)


@functools.cache
def _load(kind: str) -> None:
    importlib.import_module(f"initbench.parts.{FOLDERS[kind]}")
    for point in entry_points(group="initbench.parts"):
        point.load()


def load_plugin(path: str | Path) -> None:
    """Run a file that registers parts; a second time does nothing.

    Raises
    ------
    UsageError
        When there is no such file, or it fails.
    """
    file = Path(path).resolve()
    if file in _plugins:
        return
    if not file.is_file():
        raise UsageError(f"--plugin {path}: no such file")
    for kind in FOLDERS:
        _load(kind)
    name = f"initbench_plugin_{sha256(str(file).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"--plugin {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"--plugin {path}: {type(error).__name__}: {error}") from error
    _plugins[file] = name


def loaded_plugins() -> tuple[str, ...]:
    """The files that ``load_plugin`` has run, for workers to run them too."""
    return tuple(map(str, _plugins))


def names(kind: str) -> list[str]:
    """All registered names of a kind, sorted."""
    _load(kind)
    return sorted(_entries[kind])


def entries(kind: str) -> list[Entry]:
    """All registered parts of a kind, sorted by name."""
    return [_entries[kind][name] for name in names(kind)]


def find(kind: str, name: str) -> Entry:
    """The part of this name.

    Raises
    ------
    UsageError
        When there is none; the message has the nearest name.

    Examples
    --------
    >>> find("initializer", "he_normal").name
    'he_normal'
    """
    _load(kind)
    if name in _entries[kind]:
        return _entries[kind][name]
    close = nearest(name, _entries[kind])
    raise UsageError(
        f"unknown {kind} '{name}'" + (f"; nearest name: {close}" if close else f"; known: {', '.join(names(kind))}")
    )
