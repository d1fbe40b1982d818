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
from typing import Any, NamedTuple, TypeVar

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
WRITE_INSTEAD = {  # what is known as an initializer and is none here, or one with parameters that a name cannot carry
    "rezero": "residual: rezero",
    "skipinit": "residual: rezero",
    "residual_1/sqrt(L)": "residual: scaled, or initializer: residual_scaled",
    "xavier_half": "{glorot_normal: {gain: 0.5}}, which is neupy's Xavier",
}


class About(NamedTuple):
    """What is told of a part beside its docstring.

    Attributes
    ----------
    family : str
        The heading that ``initbench list`` puts it under.
    formula : str
        Its definition in a line.
    aliases : tuple of str
        Names that other libraries and papers give it; case, ``_`` and ``-`` do not matter. Where one with a capital is
        another part's in small letters, as ``ZerO``, it counts as it is spelt.
    cites : tuple of str
        Keys of ``initbench/parts/references.bib``.
    elsewhere : tuple of (str, str)
        Library and what it calls the same thing, or the nearest it has.
    note : str
        Where libraries disagree under one name, and how to get each one's behaviour.
    distribution : callable ``(fan_in, fan_out, **parameters) -> frozen scipy.stats distribution``, optional
        That of one weight (or of one bias), given every parameter by name, and ``layer`` where the part asks for it.
        The laws hold the draws against it.
    """

    family: str = "other"
    formula: str = ""
    aliases: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()
    note: str = ""
    distribution: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Parameter:
    """A parameter of a part: its default (``inspect.Parameter.empty`` if it must be given), types and range."""

    name: str
    default: Any
    types: tuple[Any, ...]
    range: Range | None

    @property
    def is_required(self) -> bool:
        """Whether a config must give it."""
        return self.default is inspect.Parameter.empty

    @property
    def is_text(self) -> bool:
        """Whether it takes any text, so that ``1e-3`` is no number."""
        return self.types == (str,)

    def check(self, value: Any) -> Any:
        """Return ``value`` in the parameter's type.

        Raises
        ------
        ParameterError
            When it has another type, or lies outside of the range.
        """
        wishes = []
        for wanted in self.types:
            try:
                return _as_type(wanted, value, self.range)
            except ValueError as error:
                wishes.append(str(error))
        raise ParameterError(f"{self.name} is {value!r} and must be {', or '.join(wishes)}")


def _as_type(wanted: Any, value: Any, limits: Range | None) -> Any:
    """``value`` as ``wanted``; a ValueError says what would do."""
    if wanted is type(None):
        if value is None:
            return None
        raise ValueError("null")
    if typing.get_origin(wanted) is typing.Literal:
        choices = typing.get_args(wanted)
        if value in choices:
            return value
        raise ValueError(f"one of: {', '.join(map(str, choices))}")
    if typing.get_origin(wanted) is tuple:
        values = value if isinstance(value, (list, tuple)) else (value,)
        if all(isinstance(v, str) for v in values):
            return tuple(values)
        raise ValueError("a list of names")
    word = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}[wanted]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and abs(value) > 1e100:  # parts square them and divide by them, which must stay finite
        raise ValueError("a number of at most 1e100")
    if is_number and 0 < abs(value) < 1e-100:
        raise ValueError("0 or a number of at least 1e-100")
    if wanted in (float, int) and limits is not None:
        if is_number and not limits.holds(value):
            raise ValueError(f"{limits}")
        word += f", {limits}" if str(limits) != "finite" else ""
    if wanted is float and is_number:
        return float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ValueError(word)
    return value


@dataclass(frozen=True)
class Entry:
    """A registered part.

    Attributes
    ----------
    kind, name : str
    function : callable
    parameters : mapping of str to Parameter
    about : About
    fingerprint : str
        Hash of the file of a part that comes from outside; empty for our own.
    scope : ``"layer"`` or ``"network"``
        Whether an initializer draws a layer at a time or looks at the whole network.
    wants_layer : bool
        Whether a function takes ``layer``, which tells it where the weights stand.
    """

    kind: str
    name: str
    function: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    about: About
    fingerprint: str = ""
    scope: str = "layer"
    wants_layer: bool = False

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
_spellings: dict[str, dict[str, str]] = {kind: {} for kind in FOLDERS}
_plugins: dict[Path, str] = {}


def _parameters(function: Callable[..., Any]) -> dict[str, Parameter]:
    hints = typing.get_type_hints(function, include_extras=True)
    found = {}
    for p in inspect.signature(function).parameters.values():
        if p.kind is not inspect.Parameter.KEYWORD_ONLY or p.name == "layer":
            continue
        hint, limits = hints.get(p.name, float), None
        options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
        bare = []
        for option in options:
            if typing.get_origin(option) is typing.Annotated:
                option, *extras = typing.get_args(option)
                limits = next((e for e in extras if isinstance(e, Range)), limits)
            bare.append(option)
        if not all(_is_known(option) for option in bare):
            raise UsageError(f"{function.__name__}: the parameter '{p.name}' must be a number, a text, true or false")
        found[p.name] = Parameter(p.name, p.default, tuple(bare), limits)
    return found


def _is_known(option: Any) -> bool:
    return option in (float, int, str, bool, type(None)) or typing.get_origin(option) in (typing.Literal, tuple)


def plain(name: str) -> str:
    """A name without what spellings differ in.

    Examples
    --------
    >>> plain("kaiming_normal_") == plain("KaimingNormal")
    True
    """
    return "".join(c for c in name.lower() if c.isalnum())


def _register(kind: str, name: str, about: dict[str, Any], scope: str = "layer") -> Callable[[Function], Function]:
    def enter(function: Function) -> Function:
        source = Path(function.__code__.co_filename)
        for key in ("aliases", "cites"):
            if isinstance(about.get(key), str):
                raise UsageError(f"{source}: {key} is one text; write a tuple: {key}=({about[key]!r},)")
        told = About(**about)
        for word in (name, *told.aliases):
            counts_as_spelt = word in told.aliases and not word.islower()
            holder = _spellings[kind].get(word if counts_as_spelt else plain(word), name)
            present = _entries[kind].get(holder)
            if holder != name or (present and present.function.__code__.co_filename != str(source)):
                raise UsageError(f"{source}: the {kind} '{word}' is there already, as '{holder}'; choose another name")
        ours = Path(__file__).parent in source.parents
        fingerprint = "" if ours else sha256(source.read_bytes()).hexdigest()
        parameters = types.MappingProxyType(_parameters(function))
        wants_layer = "layer" in inspect.signature(function).parameters
        _entries[kind][name] = Entry(kind, name, function, parameters, told, fingerprint, scope, wants_layer)
        for word in (name, *told.aliases):
            if _spellings[kind].setdefault(plain(word), name) != name:
                _spellings[kind][word] = name
        return function

    return enter


def initializer(name: str, **about: Any) -> Callable[[Function], Function]:
    """Register a function ``(shape, rng, *, parameters) -> weights``, or ``-> (weights, biases)`` to set both.

    One with the keyword ``layer`` is given the `Layer`. Further arguments are those of `About`.
    """
    return _register("initializer", name, about)


def network_initializer(name: str, **about: Any) -> Callable[[Function], Function]:
    """Register a function ``(network, *, parameters) -> None`` that fills the weights of a whole `Network`."""
    return _register("initializer", name, about, scope="network")


def bias(name: str, **about: Any) -> Callable[[Function], Function]:
    """Register a function ``(shape, rng, *, parameters) -> biases``; ``layer`` gets it the `Layer`."""
    return _register("bias", name, about)


def activation(name: str, **about: Any) -> Callable[[Function], Function]:
    """Register a function ``(*, parameters) -> Activation``."""
    return _register("activation", name, about)


def optimizer(name: str, **about: Any) -> Callable[[Function], Function]:
    """Register a function ``(*, parameters) -> Optimizer``."""
    return _register("optimizer", name, about)


def dataset(name: str, **about: Any) -> Callable[[Function], Function]:
    """Register a function ``(folders, *, parameters) -> Dataset``."""
    return _register("dataset", name, about)


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


def lookup(kind: str, name: str) -> Entry | None:
    """The part of this name or alias, or None; of ``package.module.name``, as much of the end as is known.

    Examples
    --------
    >>> lookup("initializer", "HeNormal").name
    'he_normal'
    >>> lookup("initializer", "torch.nn.init.kaiming_normal_").name
    'he_normal'
    """
    _load(kind)
    spelt = _spellings[kind]
    canonical = spelt.get(name) or spelt.get(plain(name))  # as spelt first: ZerO is not zero
    if canonical:
        return _entries[kind][canonical]
    _, dot, end = name.partition(".")
    return lookup(kind, end) if dot and kind != "dataset" else None  # a data set with a dot is a file


def lookup_any(name: str) -> Entry | None:
    """The part of this name or alias, of whatever kind, or None."""
    return next(filter(None, (lookup(kind, name) for kind in FOLDERS)), None)


def nearest_name(kind: str, name: str) -> str:
    """The canonical name of the part whose name or alias looks most like ``name``, or an empty string."""
    _load(kind)
    close = nearest(plain(name), map(plain, _spellings[kind]))
    return _spellings[kind][close] if close else ""


def advice(kind: str, name: str) -> str:
    """What to write for an unknown name: the nearest one, or what it is called here; may be empty.

    Examples
    --------
    >>> advice("initializer", "SkipInit")
    'write residual: rezero'
    >>> advice("initializer", "he_norml")
    'nearest name: he_normal'
    """
    close = nearest_name(kind, name)
    return (instead(name) if kind == "initializer" else "") or (f"nearest name: {close}" if close else "")


def instead(name: str) -> str:
    """What to write for the name of a method that is no initializer here; empty for any other."""
    return next((f"write {words}" for word, words in WRITE_INSTEAD.items() if plain(word) == plain(name)), "")


def find(kind: str, name: str) -> Entry:
    """The part of this name or alias.

    Raises
    ------
    UsageError
        When there is none; the message has the nearest name.
    """
    entry = lookup(kind, name)
    if entry is not None:
        return entry
    raise UsageError(f"unknown {kind} '{name}'; {advice(kind, name) or 'known: ' + ', '.join(names(kind))}")
