"""What a registered part is, and the decorators that register one."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

import numpy as np

from initbench.contracts import Range
from initbench.conventions import FOLDERS
from initbench.errors import ParameterError, UsageError, nearest
from initbench.registry.fingerprints import fingerprint_of

Function = TypeVar("Function", bound=Callable[..., Any])
LEADING = {  # what a part's function is given by place; all else is a parameter, by name
    "initializer": ("shape", "rng"),
    "network_initializer": ("network",),
    "bias": ("shape", "rng"),
    "activation": (),
    "optimizer": (),
    "dataset": ("folders",),
    "architecture": ("rows", "outputs"),
    "schedule": (),
}
SHAPE_KEYS = ("hidden", "activation", "normalization", "residual", "dropout")
"""What an architecture is given by name from the config keys of these names, as far as it asks for it."""


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
        A number says that all are equal to it, None that nothing is stated in this place; a pair is for weights and
        biases. The laws compare draws with it.
    properties : mapping of str to callable ``(weights, **parameters) -> error``, optional
        What holds exactly of a whole layer, in words, and by how much its numbers or vectors miss it. The callable gets
        all that the part returns, or the network that it filled, and its parameters as ``distribution`` does.
    trial : mapping of str to value, optional
        Values with which the laws try parameters that have no default.
    """

    family: str = "other"
    formula: str = ""
    aliases: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()
    note: str = ""
    distribution: Callable[..., Any] | None = None
    properties: Mapping[str, Callable[..., Any]] = types.MappingProxyType({})
    trial: Mapping[str, Any] = types.MappingProxyType({})


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
        """Whether it takes any text or a list of texts, and no number, so that ``1e-3`` is a text."""
        takes_text = any(wanted is str or typing.get_origin(wanted) is tuple for wanted in self.types)
        return takes_text and not {int, float} & set(self.types)

    def check(self, value: Any, shown: str = "") -> Any:
        """Return ``value`` in the parameter's type; an error shows it as it is written, or as Python does.

        Raises
        ------
        ParameterError
            When it has another type, or lies outside of the range.
        """
        value = value.item() if isinstance(value, np.generic) else value
        wishes = []
        for wanted in self.types:
            try:
                return _as_type(wanted, value, self.range)
            except ValueError as error:
                wishes.append(str(error))
        raise ParameterError(f"{self.name} is {shown or repr(value)} and must be {', or '.join(wishes)}")


def _as_type(wanted: Any, value: Any, limits: Range | None) -> Any:
    """``value`` as ``wanted``; a ValueError says what would do."""
    if wanted is type(None):
        if value is None:
            return None
        raise ValueError("null")
    if typing.get_origin(wanted) is typing.Literal:
        choices = typing.get_args(wanted)
        if isinstance(value, tuple(map(type, choices))) and value in choices:
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
        Hash of the code of a part that comes from outside, as docs/parts.md says; empty for our own.
    scope : ``"layer"`` or ``"network"``
        Whether an initializer draws a layer at a time or looks at the whole network.
    wants_layer : bool
        Whether a function takes ``layer``, which tells it where the weights stand.
    is_of_script : bool
        Whether a script or notebook registered it, so that no plugin or package brings it to worker processes.
    """

    kind: str
    name: str
    function: Callable[..., Any]
    parameters: Mapping[str, Parameter]
    about: About
    fingerprint: str = ""
    scope: str = "layer"
    wants_layer: bool = False
    is_of_script: bool = False

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
        """The first line of its docstring, as plain text."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0].replace("`", "")


Identity = tuple[str, str, str]  # kind, name and fingerprint of a part
registered: dict[str, dict[str, Entry]] = {kind: {} for kind in FOLDERS}
spellings: dict[str, dict[str, str]] = {kind: {} for kind in FOLDERS}
_are_ours = False  # the parts that are registered now


@contextmanager
def own_parts() -> Iterator[None]:
    """Take what is registered meanwhile for parts that come with initbench, whose code needs no fingerprint."""
    global _are_ours
    before, _are_ours = _are_ours, True
    try:
        yield
    finally:
        _are_ours = before


def _parameters(function: Callable[..., Any], leading: tuple[str, ...]) -> dict[str, Parameter]:
    hints = typing.get_type_hints(function, include_extras=True)
    name, all_of_it = function.__name__, inspect.signature(function).parameters.values()
    placed = [p.name for p in all_of_it if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(placed) > len(leading):
        first = placed[len(leading)]
        raise UsageError(f"{name}: write * before {first}: def {name}({', '.join([*leading, '*', first])})")
    if len(placed) < len(leading) and all(p.kind is not p.VAR_POSITIONAL for p in all_of_it):
        raise UsageError(f"{name} takes ({', '.join(placed)}) and must take ({', '.join(leading)})")
    found = {}
    for p in all_of_it:
        if p.kind is not p.KEYWORD_ONLY or p.name == "layer" or (leading[:1] == ("rows",) and p.name in SHAPE_KEYS):
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
            raise UsageError(f"{name}: the parameter '{p.name}' must be a number, a text, true or false")
        found[p.name] = Parameter(p.name, p.default, tuple(bare), limits)
        if not found[p.name].is_required:
            try:
                found[p.name].check(p.default)
            except ParameterError as error:
                wish = f"annotate what it takes: {p.name}: {type(p.default).__name__} = {p.default!r}"
                raise UsageError(f"{name}: the default of {error}, or {wish}") from None
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
    return "".join(c for c in name.lower() if c.isalnum() or c == ".")


def _register(kind: str, name: str, about: dict[str, Any], scope: str = "layer") -> Callable[[Function], Function]:
    decorator = "network_initializer" if scope == "network" else kind
    if not isinstance(name, str):
        raise UsageError(
            f'@{decorator} stands without a name; write @{decorator}("{getattr(name, "__name__", "name")}")'
        )

    def enter(function: Function) -> Function:
        code = getattr(inspect.unwrap(function), "__code__", None)
        if code is None:
            raise UsageError(f"the {kind} '{name}' must be a function written with def: got {function!r}")
        source = Path(code.co_filename)
        for key in ("aliases", "cites"):
            if isinstance(about.get(key), str):
                raise UsageError(f"{source}: {key} is one text; write a tuple: {key}=({about[key]!r},)")
        told = About(**about)
        for word in (name, *told.aliases):
            counts_as_spelt = word in told.aliases and not word.islower()
            holder = spellings[kind].get(word if counts_as_spelt else plain(word), name)
            present = registered[kind].get(holder)
            if holder != name or (present and not _is_again(present.function, function)):
                raise UsageError(f"{source}: the {kind} '{word}' is there already, as '{holder}'; choose another name")
        try:
            parameters = types.MappingProxyType(_parameters(function, LEADING[decorator]))
        except UsageError as error:
            raise UsageError(f"{source}:{code.co_firstlineno}: {error}") from None
        fingerprint, is_ours = "", _are_ours
        if not is_ours:
            fingerprint = fingerprint_of([source]) if source.is_file() else uuid4().hex  # what nobody can read is new
        wants_layer = "layer" in inspect.signature(function).parameters
        entry = Entry(kind, name, function, parameters, told, fingerprint, scope, wants_layer, not is_ours)
        try:
            entry.check(told.trial)
        except UsageError as error:
            raise UsageError(f"{source}:{code.co_firstlineno}: trial: {error}") from None
        registered[kind][name] = entry
        for word in (name, *told.aliases):
            if spellings[kind].setdefault(plain(word), name) != name:
                spellings[kind][word] = name
        return function

    return enter


def _is_again(present: Callable[..., Any], function: Callable[..., Any]) -> bool:
    """Whether a function is a present one anew: its file was run again, or its cell of a notebook, perhaps edited."""
    before, now = inspect.unwrap(present).__code__, inspect.unwrap(function).__code__
    if any(Path(code.co_filename).is_file() for code in (before, now)):
        return (before.co_filename, before.co_firstlineno) == (now.co_filename, now.co_firstlineno)
    return (present.__module__, present.__qualname__) == (function.__module__, function.__qualname__)


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


def architecture(name: str, **about: Any) -> Callable[[Function], Function]:
    """Register a function ``(rows, outputs, *, hidden, activation, parameters) -> blocks``."""
    return _register("architecture", name, about)


def schedule(name: str, **about: Any) -> Callable[[Function], Function]:
    """Register a function ``(*, parameters) -> Schedule``."""
    return _register("schedule", name, about)
