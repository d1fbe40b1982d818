"""What can be known to fail before training: each initializer is tried on the layers that the config would give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from initbench.config.experiment import MLP, Part
from initbench.config.keys import PLACES, ROLES, Context
from initbench.contracts import Activation, Array, Generator, Layer, RowShape, Shape, wrong_draw
from initbench.engine.blocks.residual import layers_of
from initbench.engine.network import BlockNetwork
from initbench.errors import Fault, InitbenchError, ParameterError
from initbench.networks import build_network
from initbench.registry import Entry, find

UNKNOWN = ((8,), 4)  # row and classes of a data set that is not at hand
RELU = Part("activation", "relu")
ROWS = 64  # made up, for what looks at training rows
MOST_LAYERS = 300_000  # that are looked at; of a larger experiment the first ones
MOST_WEIGHTS = 10**8  # that a trial draws


class LayerSetting(NamedTuple):
    """What the layers of a network follow from; ``ends`` are row and classes of the data, None where unknown."""

    architecture: Part
    activation: Part
    hidden: tuple[int, ...]
    normalization: str
    residual: str
    dropout: float
    ends: tuple[RowShape, int] | None

    @property
    def has_known_rows(self) -> bool:
        """Whether made-up rows, of data that are not at hand, would be no reason to refuse it: an mlp takes all."""
        return self.ends is not None or self.architecture == MLP

    def network(self, change: Callable[[int], int] = lambda units: units) -> BlockNetwork:
        """The network that follows, with ``change`` applied to rows of one axis, hidden layers and classes."""
        row, classes = self.ends or UNKNOWN
        return build_network(
            self.architecture,
            tuple(map(change, row)) if len(row) == 1 else row,
            change(1 if classes == 2 else classes),
            hidden=tuple(map(change, self.hidden)),
            activation=self.activation,
            normalization=self.normalization,
            residual=self.residual,
            dropout=self.dropout,
        )

    def network_if_any(self, change: Callable[[int], int] = lambda units: units) -> BlockNetwork | None:
        """The network, or None where it cannot be built: an architecture may refuse sizes that are made up."""
        try:
            return self.network(change)
        except Exception:  # whatever a part from outside may raise
            return None

    @property
    def harmless(self) -> dict[str, LayerSetting]:
        """The setting with one key changed to a value that any initializer can be expected to work with."""
        return {
            "activation": self._replace(activation=RELU),
            "hidden": self._replace(hidden=(8,) * len(self.hidden)),
            "residual": self._replace(residual="none"),
        }

    def words(self, key: str) -> str:
        """A key and its value as a config would have them."""
        if key != "hidden":
            return f"{key} {getattr(self, key)}"
        is_even = len(set(self.hidden)) == 1
        return f"width {self.hidden[0]}" if is_even else f"hidden {'-'.join(map(str, self.hidden))}"


def find_impossible(read: Mapping[str, tuple[Any, ...]], context: Context) -> list[Fault]:
    """The faults of initializers and biases that cannot fill layers which the config would give them.

    Where what the layers follow from is at fault, those that look at more than a layer's shape are not tried. What
    would take long to try, or needs rows that are not at hand, is left for the run to find out.

    Parameters
    ----------
    read : mapping of str to tuple
        The values of each key that sweeps, without those that are at fault.
    context : Context
    """
    faults: dict[tuple[Part, str], Fault] = {}
    uses = _uses(read)
    trials, settings = _Trials(), list(_settings(read, context, MOST_LAYERS // max(1, len(uses))))
    shaping = ("architecture", "activation", "normalization", "residual", "dropout")
    are_known = all(read[key] for key in shaping) and (read["hidden"] or (read["depth"] and read["width"]))
    refused = [*_refused(settings, context), *_without_recurrent(read, settings, context)] if are_known else []
    if refused:
        return refused
    for part, places in uses.items():
        entry = find(part.kind, part.name)
        if not are_known and (entry.wants_layer or entry.scope == "network"):
            continue
        for seeded in dict.fromkeys(map(part.at_seed, context.seeds)) if part.sources else (part,):
            for setting in filter(lambda setting: setting.has_known_rows, settings):
                error = trials.error(seeded, setting, places)
                if error is None:
                    continue
                changed = setting.harmless
                cause = next((key for key in changed if trials.are_passed(seeded, changed[key], places)), "")
                words = f" has no answer for {setting.words(cause)}" if cause else ""
                hint = "leave one of them out, or run them in a config of their own" if cause else ""
                faults.setdefault((part, words), context.drawn[part].fault(f"'{part}'{words}: {error}", hint))
    return list(faults.values())


def _refused(settings: Sequence[LayerSetting], context: Context) -> list[Fault]:
    """The faults of architectures that cannot be built for the rows and keys of the config."""
    faults: dict[Part, Fault] = {}
    for setting in settings:
        part = setting.architecture
        if part == MLP or not setting.has_known_rows:
            continue
        error = _caught(setting.network)
        if error is not None:
            faults.setdefault(part, context.drawn[part].fault(f"'{part}': {error}"))
    return list(faults.values())


def _without_recurrent(
    read: Mapping[str, tuple[Any, ...]], settings: Sequence[LayerSetting], context: Context
) -> list[Fault]:
    """The faults of initializers for recurrent matrices where no network has one: they would change nothing."""
    naming = [part for part in read["initializer"] if "recurrent" in dict(part.parameters)]
    if not naming:
        return []
    for setting in settings:
        network = setting.network_if_any() if setting.has_known_rows else None
        if network is None or any(slot.role == "recurrent" for slot in network.layers):
            return []
    names = list(dict.fromkeys(str(setting.architecture) for setting in settings))
    subject = f"architecture {names[0]} has" if len(names) == 1 else f"architectures {', '.join(names)} have"
    return [context.drawn[part].fault(f"{subject} no recurrent matrix", "leave recurrent out") for part in naming]


def _settings(read: Mapping[str, tuple[Any, ...]], context: Context, most_layers: int) -> Iterator[LayerSetting]:
    """The distinct settings of a config; what is at fault is stood in by what does no harm."""
    shapes = read["hidden"] or product(read["depth"] or (2,), read["width"] or (8,))
    ends = dict.fromkeys(map(context.ends.get, read["dataset"])) or (None,)
    rest = (read["normalization"] or ("none",), read["residual"] or ("none",), read["dropout"] or (0.0,), ends)
    for architecture, activation, shape, *others in product(
        read["architecture"] or (MLP,), read["activation"] or (RELU,), shapes, *rest
    ):
        hidden = shape if read["hidden"] else (shape[1],) * shape[0]
        yield LayerSetting(architecture, activation, hidden, *others)
        most_layers -= 1 + len(hidden)
        if most_layers < 0:
            return


def _uses(read: Mapping[str, tuple[Any, ...]]) -> dict[Part, set[str]]:
    """Each initializer and bias of a config, and the places of the layers that it may be asked for."""
    uses: dict[Part, set[str]] = {part: set(ROLES) for part in read["bias"]}
    outputs = read["output_initializer"] or ("same",)
    for part, place in product(read["initializer"], ROLES):
        if place != "last" or "same" in outputs:
            uses.setdefault(_at(part, place), set()).add(place)
    for part in outputs:
        if part != "same":
            uses.setdefault(_at(part, "last"), set()).add("last")
    return uses


def _at(part: Part, place: str) -> Part:
    return part.at(1, 3, place) if place == "recurrent" else part.at(PLACES.index(place), len(PLACES))


class _Trials:
    """Tries parts, each once for all layers that it cannot tell apart."""

    def __init__(self) -> None:
        self._errors: dict[Any, Exception | None] = {}
        self._layers: dict[LayerSetting, list[tuple[str, Shape, Layer]]] = {}

    def error(self, part: Part, setting: LayerSetting, places: set[str]) -> Exception | None:
        """What a part raises in a network of this setting, or None; ``places`` are those of the layers to try."""
        entry = find(part.kind, part.name)
        if entry.scope == "network":
            return self._network_error(entry, part, setting)
        for place, shape, layer in self._distinct_layers(setting):
            if place not in places:
                continue
            seen = (setting.activation, layer) if entry.wants_layer else ()
            trial = partial(_try_layer, entry, part, setting.activation, layer)
            error = self._error((part, seen), trial, _small_shape(shape), shape)
            if error is not None:
                return error
        return None

    def are_passed(self, part: Part, setting: LayerSetting, places: set[str]) -> bool:
        """Whether there is a network of this setting, and a part raises nothing in it."""
        return self.error(part, setting, places) is None and setting.network_if_any() is not None

    def _network_error(self, entry: Entry, part: Part, setting: LayerSetting) -> Exception | None:
        values = dict(part.parameters)
        if "file" in values and (setting.ends is None or not Path(values["file"]).is_file()):
            return None  # no data at hand, or seeds at fault
        activation = _activation(setting.activation)
        small = None if "file" in values else setting.network_if_any(_small)
        trial = partial(_try_network, entry, part, activation)
        shapes = [tuple(slot.shape for slot in each.layers) for each in (small, setting.network_if_any()) if each]
        return self._error((part, setting.activation), trial, *shapes)

    def _error(self, seen: Any, trial: Callable[[Any], None], *shapes: Any) -> Exception | None:
        """What the trial raises with the last of ``shapes``, of one layer or of all, if it fails with each."""
        error = None
        for tried in shapes:
            layers = (tried,) if isinstance(tried[0], int) else tried
            if sum(map(prod, layers)) > MOST_WEIGHTS:
                return None
            if (seen, tried) not in self._errors:
                self._errors[seen, tried] = _caught(partial(trial, tried))
            error = self._errors[seen, tried]
            if error is None:
                break
        return error

    def _distinct_layers(self, setting: LayerSetting) -> list[tuple[str, Shape, Layer]]:
        if setting not in self._layers:
            network = setting.network_if_any()
            layers = [replace(layer, activation=None) for layer in layers_of(network)] if network else []
            found: dict[Any, tuple[str, Shape, Layer]] = {}
            for layer, slot in zip(layers, network.layers if network else (), strict=True):
                shape = slot.shape[0], slot.shape[1]
                place = "last" if layer.is_last else "hidden" if layer.index else "first"
                place = slot.role if slot.role == "recurrent" else place
                found.setdefault((place, shape, layer.branch_place), (place, shape, layer))
            self._layers[setting] = sorted(found.values(), key=lambda item: item[0] != "hidden")
        return self._layers[setting]


def _small(units: int, limit: int = 8) -> int:
    """A number of units that is soon tried: at most ``limit``, or one more where that is needed to be odd."""
    return min(units, limit + units % 2)


def _small_shape(shape: Shape) -> Shape:
    return _small(shape[0]), _small(shape[1], 6)  # not square, so that a shape turned round is noticed


def _activation(part: Part) -> Activation:
    made: Activation = find("activation", part.name).function(**dict(part.parameters))
    return made


def _try_layer(entry: Entry, part: Part, activation: Part, layer: Layer, shape: Shape) -> None:
    extra = {"layer": _with_rows(layer, activation, shape)} if entry.wants_layer else {}
    drawn = entry.function(shape, np.random.default_rng(0), **dict(part.parameters), **extra)
    weights, biases = np.zeros(shape), np.zeros(shape[1])
    if entry.kind == "bias":
        biases = drawn
    elif isinstance(drawn, tuple):
        weights, biases = drawn
    else:
        weights = drawn
    wrong = wrong_draw(weights, biases, shape)
    if wrong:
        raise ParameterError(wrong)


def _with_rows(layer: Layer, activation: Part, shape: Shape) -> Layer:
    """A layer with its activation and, where a run would show it training rows, rows made up for its shape."""
    fan_in, fan_out = shape
    inputs = np.random.default_rng(0).standard_normal((ROWS, fan_in)) if layer.index == 0 else None
    classes = np.arange(ROWS)[:, None] % max(fan_out, 2)
    targets = (classes == np.arange(fan_out)).astype(np.float64) if layer.is_last else None
    return replace(layer, activation=_activation(activation), inputs=inputs, targets=targets)


def _try_network(entry: Entry, part: Part, activation: Activation, shapes: Sequence[Shape]) -> None:
    entry.function(_Sketch(shapes, activation), **dict(part.parameters))


class _Unknown(Exception):
    """An initializer asks for what is not known before the data are loaded."""


class _Sketch:
    """What is known of a `initbench.contracts.Network` before the data are loaded."""

    def __init__(self, shapes: Sequence[Shape], activation: Activation) -> None:
        self.activation = activation
        self.weights: list[Array] = [np.zeros(shape) for shape in shapes]
        self.biases: list[Array] = [np.zeros(fan_out) for _, fan_out in shapes]
        layers = zip(self.weights, self.biases, strict=True)
        self.trained = [{"weights": weights, "biases": biases} for weights, biases in layers]

    def rng(self, layer: int) -> Generator:
        return np.random.default_rng(layer)

    def __getattr__(self, name: str) -> Any:
        raise _Unknown


def _caught(try_out: Callable[[], Any]) -> Exception | None:
    """What a trial raises, as an error that tells its name where it was not raised on purpose."""
    try:
        with np.errstate(all="ignore"):
            try_out()
    except _Unknown:
        return None
    except InitbenchError as error:
        return error
    except Exception as error:  # whatever a part from outside may raise
        return ParameterError(f"{type(error).__name__}: {error}")
    return None
