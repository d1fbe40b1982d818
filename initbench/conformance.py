"""The laws that every part keeps, as functions that say in words which one is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from initbench.contracts import Activation, Array, Layer
from initbench.errors import ShapeError
from initbench.registry import Entry, find

SHAPES = ((1, 1), (1, 7), (7, 1), (40, 6), (6, 40), (24, 24))
SLOPE_ERROR = 1e-6
BOWL_STEPS = 3000
SAME_BYTES = "the generator it is given is the only source of chance"


def broken_laws(entry: Entry) -> list[str]:
    """Check a part against the laws of its kind.

    Parameters
    ----------
    entry : Entry
        Of an initializer, bias, activation or optimizer, ours or a user's; its parameters at their defaults.

    Returns
    -------
    list of str
        What is broken, a sentence a law; empty when all hold.

    Examples
    --------
    >>> broken_laws(find("initializer", "he_normal"))
    []
    """
    laws: dict[str, Callable[[Entry], Iterator[str]]] = {
        "initializer": _initializer_faults,
        "bias": _bias_faults,
        "activation": _activation_faults,
        "optimizer": _optimizer_faults,
    }
    if not entry.summary:
        return [f"'{entry.name}' has no docstring; its first line is what initbench list shows"]
    lacking = [parameter.name for parameter in entry.parameters.values() if parameter.is_required]
    if lacking:
        return [f"can be tried at its defaults: the parameter '{lacking[0]}' has none"]
    try:
        with np.errstate(all="ignore"):
            return list(laws[entry.kind](entry))
    except Exception as error:
        return [f"works at its defaults: {type(error).__name__}: {error}"]


def has_laws(entry: Entry) -> bool:
    """Whether there are laws for a part outside of a run: not for data sets, nor for what needs a whole network."""
    return entry.kind != "dataset" and entry.scope == "layer"


def _draw(entry: Entry, shape: tuple[int, int], seed: int) -> tuple[Array, Array | None]:
    layer = Layer(1, 3, find("activation", "relu").function())
    extra = {"layer": layer} if entry.wants_layer else {}
    drawn = entry.function(shape, np.random.default_rng(seed), **extra)
    return drawn if isinstance(drawn, tuple) else (drawn, None)


def _initializer_faults(entry: Entry) -> Iterator[str]:
    for shape in SHAPES:
        try:
            weights, biases = _draw(entry, shape, 0)
        except ShapeError:
            continue  # an initializer may refuse a shape, as long as it says so
        except Exception as error:
            yield f"draws a layer of every shape, or raises ShapeError: {type(error).__name__} at {shape}: {error}"
            continue
        for what, array, wanted in (("weights", weights, shape), ("biases", biases, (shape[1],))):
            if array is None and what == "biases":
                continue
            if not isinstance(array, np.ndarray) or array.shape != wanted:
                found = getattr(array, "shape", type(array).__name__)
                yield f"{what} of shape {wanted}: got {found}"
            elif array.dtype != np.float64:
                yield f"{what} are drawn in float64: got {array.dtype}"
            elif not np.isfinite(array).all():
                yield f"{what} are finite: got nan or inf at {shape}"
        again, biases_again = _draw(entry, shape, 0)
        same_biases = biases is None or np.array_equal(biases, np.asarray(biases_again), equal_nan=True)
        if not (np.array_equal(weights, again, equal_nan=True) and same_biases):
            yield f"{SAME_BYTES}: two draws of {shape} from seed 0 differ"
    if not _is_constant(entry) and not layer_draws_differ(entry):
        yield "layers of equal shape never share draws: seeds 0 and 1 gave the same weights, which are not all equal"


def _bias_faults(entry: Entry) -> Iterator[str]:
    for shape in SHAPES:
        biases, _ = _draw(entry, shape, 0)
        if not isinstance(biases, np.ndarray) or biases.shape != (shape[1],):
            yield f"biases of shape ({shape[1]},) for a layer of shape {shape}: got {getattr(biases, 'shape', biases)}"
        elif not np.isfinite(biases).all():
            yield f"biases are finite: got nan or inf at {shape}"
        elif not np.array_equal(biases, _draw(entry, shape, 0)[0]):
            yield f"{SAME_BYTES}: two draws of {shape} from seed 0 differ"


def slope_error(activation: Activation, z: Array) -> float:
    """Largest difference between an activation's slope and its central difference, for points ``z`` off its kinks."""
    parameter = () if activation.start is None else (np.float64(activation.start),)

    def value(points: Array) -> Array:
        return activation.value(points, *parameter, out=np.empty_like(points))

    step = 1e-6
    central = (value(z + step) - value(z - step)) / (2 * step)
    slope = activation.slope(z, value(z), *parameter, out=np.empty_like(z))
    return float(np.max(np.abs(slope - central)))


def _activation_faults(entry: Entry) -> Iterator[str]:
    activation = entry.function()
    if not isinstance(activation, Activation):
        yield f"returns an Activation: got {type(activation).__name__}"
        return
    z = np.random.default_rng(0).normal(scale=2, size=(3, 5, 7))
    parameter = () if activation.start is None else (np.float64(activation.start),)
    for dtype in (np.float32, np.float64):
        points = z.astype(dtype)
        typed = tuple(dtype(p) for p in parameter)
        before = points.copy()
        value = activation.value(points, *typed, out=np.empty_like(points))
        if value.dtype != dtype or value.shape != points.shape:
            yield f"keeps shape and dtype: {points.shape} {np.dtype(dtype)} became {value.shape} {value.dtype}"
            return
        if not np.array_equal(points, before):
            yield "leaves z as it is: it changed its input"
        alone = activation.value(points[1:2, 2:3], *typed, out=np.empty((1, 1, 7), dtype))
        if not np.array_equal(alone, value[1:2, 2:3]):
            yield "is elementwise: the value of a row changes with the rows beside it"
    error = slope_error(activation, z)
    if not error < SLOPE_ERROR:
        yield f"its slope equals its central difference: off by {error:.2g}"


def _optimizer_faults(entry: Entry) -> Iterator[str]:
    optimizer = entry.function()
    target = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])
    rates = np.array([[0.01], [0.02]])

    def descend(rows: slice) -> Array:
        weights = np.zeros_like(target[rows])
        states = [np.zeros_like(weights) for _ in range(optimizer.states)]
        for count in range(1, BOWL_STEPS + 1):
            optimizer.step(weights, weights - target[rows], states, rates[rows] * (1 - count / BOWL_STEPS), count)
        return weights

    together = descend(slice(None))
    if not np.abs(together - target).max() < 1e-2:
        yield f"reaches the bottom of a bowl: still {np.abs(together - target).max():.2g} away after {BOWL_STEPS} steps"
    if not np.array_equal(together[:1], descend(slice(0, 1)), equal_nan=True):
        yield "a network's step does not depend on its neighbours: the first network moves otherwise when alone"


def _is_constant(entry: Entry) -> bool:
    """Whether the weights of a layer look drawn by no chance: few values among many weights."""
    return len(np.unique(_draw(entry, (24, 24), 0)[0])) <= 24


def layer_draws_differ(entry: Entry) -> bool:
    """Whether two layers of equal shape get different weights, as random ones must."""
    first: Any = _draw(entry, (24, 24), 0)[0]
    return not np.array_equal(first, _draw(entry, (24, 24), 1)[0])
