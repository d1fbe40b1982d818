"""The laws that every part keeps, as functions that say in words which one is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

from initbench.contracts import Activation, Array, Layer, Optimizer, Shape
from initbench.engine.network import Design
from initbench.errors import ShapeError
from initbench.registry import Entry, find
from initbench.start import Start

SHAPES = ((1, 1), (1, 7), (7, 1), (40, 6), (6, 40), (24, 24))
LARGE = (600, 400)  # where draws are held against a stated distribution
SEEDS = (0, 1, 2)
STANDARD_ERRORS = 5.0
SMALLEST_P = 1e-6
NETWORKS = (((6, 12, 12, 12, 3), "tanh"), ((6, 12, 12, 12, 1), "relu"))
ROWS = 64
ALIKE = 0.9  # correlation of two layers' weights from which on they are the same draws, scaled
FEW = 24  # so few values among many weights look drawn by no chance
SLOPE_ERROR = 1e-6
BOWL_STEPS = 3000
SAME_BYTES = "the generator it is given is the only source of chance"
SHAPE_OF = {"weights": "(fan_in, fan_out)", "biases": "(fan_out,)"}
OWN_DRAWS = "layers of equal shape never share draws"
NO_DISTRIBUTION = """not tried: mean, std, support and shape of what it draws, as it states no distribution; to do so:
  @initializer('NAME', distribution=lambda fan_in, fan_out: scipy.stats.norm(0, fan_in**-0.5))
  with its parameters, if it has any, as further arguments of the same names"""


def broken_laws(entry: Entry) -> list[str]:
    """Check a part against the rules for its kind.

    Parameters
    ----------
    entry : Entry
        Of an initializer, bias, activation or optimizer, ours or a user's; its parameters at their defaults.

    Returns
    -------
    list of str
        What is broken, "law: what was found first", a sentence a law; empty when all hold.

    Examples
    --------
    >>> broken_laws(find("initializer", "he_normal"))
    []
    """
    laws: dict[str, Callable[[Entry], Iterator[str]]] = {
        "initializer": _network_faults if entry.scope == "network" else _initializer_faults,
        "bias": _bias_faults,
        "activation": _activation_faults,
        "optimizer": _optimizer_faults,
    }
    if not entry.summary:
        return [f"'{entry.name}' has no docstring; its first line is what initbench list shows"]
    faults: dict[str, str] = {}
    try:
        with np.errstate(all="ignore"):
            for fault in laws[entry.kind](entry):
                faults.setdefault(fault.partition(":")[0], fault)
    except Exception as error:
        if not any(str(error) in fault for fault in faults.values()):
            faults[""] = f"works at its defaults: {type(error).__name__}: {error}"
    return list(faults.values())


def why_unchecked(entry: Entry) -> str:
    """Why a part cannot be held against laws; empty where it can."""
    lacking = [parameter.name for parameter in entry.parameters.values() if parameter.is_required]
    if entry.kind == "dataset":
        return "what is in a data set is no matter of laws; its files against their checksum: initbench data verify"
    return f"parts are tried at their defaults, and its parameter '{lacking[0]}' has none" if lacking else ""


def remarks(entry: Entry) -> list[str]:
    """What is worth knowing of an initializer that breaks no law: what could not be tried, and what may be no fault."""
    if entry.scope == "network":
        return list(_network_remarks(entry))
    is_unknown = entry.kind == "initializer" and entry.about.distribution is None and layer_draws_differ(entry)
    return [NO_DISTRIBUTION] if is_unknown else []


def known_layer(entry: Entry, activation: str = "relu") -> dict[str, Layer]:
    """The keyword ``layer`` of a part that asks for it, a hidden layer; nothing for others."""
    return {"layer": Layer(1, 3, find("activation", activation).function())} if entry.wants_layer else {}


def stated_distribution(entry: Entry, shape: Shape, activation: str = "relu") -> Any:
    """The frozen `scipy.stats` distribution that a part states for one weight at its defaults; None without one."""
    if entry.about.distribution is None:
        return None
    values = {name: parameter.default for name, parameter in entry.parameters.items()}
    return entry.about.distribution(*shape, **values, **known_layer(entry, activation))


def _draw(entry: Entry, shape: Shape, seed: int) -> tuple[Array, Array | None]:
    drawn = entry.function(shape, np.random.default_rng(seed), **known_layer(entry))
    return drawn if isinstance(drawn, tuple) else (drawn, None)


def _no_array(what: str, found: object) -> str:
    return f"returns {what} as an array: got {'None; is there a return?' if found is None else type(found).__name__}"


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
            if not isinstance(array, np.ndarray):
                yield _no_array(what, array)
                return
            if array.shape != wanted:
                yield f"{what} have the shape {SHAPE_OF[what]}: got {array.shape} for {shape}"
            elif array.dtype != np.float64:
                yield f"{what} are drawn in float64: got {array.dtype}"
            elif not np.isfinite(array).all():
                yield f"{what} are finite: got nan or inf at {shape}"
        again, biases_again = _draw(entry, shape, 0)
        same_biases = biases is None or np.array_equal(biases, np.asarray(biases_again), equal_nan=True)
        if not (np.array_equal(weights, again, equal_nan=True) and same_biases):
            yield f"{SAME_BYTES}: two draws of {shape} from seed 0 differ"
    if not _has_few_values(_draw(entry, (24, 24), 0)[0]) and not layer_draws_differ(entry):
        yield f"{OWN_DRAWS}: seeds 0 and 1 gave the same weights, which are not all equal"
    yield from _distribution_faults(entry)


def _distribution_faults(entry: Entry) -> Iterator[str]:
    """Mean and std of the draws within sampling error of what the part states, support to the letter, then shape."""
    try:
        stated = stated_distribution(entry, LARGE)
        if stated is None:
            return
        low, high = stated.support()
        mean, variance, kurtosis = map(float, stated.stats("mvk"))
    except Exception as error:
        wish = "its distribution is (fan_in, fan_out, **parameters) -> frozen scipy.stats"
        yield f"{wish}: {type(error).__name__}: {error}"
        return
    drawn = np.concatenate([np.ravel(_draw(entry, LARGE, seed)[0]) for seed in SEEDS])
    std, found = variance**0.5, np.sqrt(np.mean((drawn - mean) ** 2))
    mean_error, std_error = std / drawn.size**0.5, std * ((kurtosis + 2) / 4 / drawn.size) ** 0.5
    rounding = 1e-9 * std
    place = f"by its distribution at {LARGE[0]} × {LARGE[1]}"
    faults = []
    if abs(drawn.mean() - mean) > STANDARD_ERRORS * mean_error + rounding:
        faults.append(f"mean is {mean:.4g} {place}: drew {drawn.mean():.4g}")
    if abs(found - std) > STANDARD_ERRORS * std_error + rounding:
        faults.append(f"std is {std:.4g} {place}: drew {found:.4g}")
    if drawn.min() < low or drawn.max() > high:
        faults.append(f"support is {low:.4g} to {high:.4g} {place}: drew from {drawn.min():.4g} to {drawn.max():.4g}")
    values, counts = np.unique(drawn, return_counts=True)
    share = np.cumsum(counts) / drawn.size
    before = np.abs(share - counts / drawn.size - stated.cdf(np.nextafter(values, -np.inf)))  # left of a jump
    gaps = np.maximum(np.abs(share - stated.cdf(values)), before)
    p = special.kolmogorov(drawn.size**0.5 * gaps.max())
    if not faults and p < SMALLEST_P:
        worst = values[gaps.argmax()]
        faults.append(
            f"shape is that of {stated.dist.name} {place}: at {worst:.3g} its distribution function is off by "
            f"{gaps.max():.2g} (Kolmogorov-Smirnov p = {p:.1g})"
        )
    yield from faults


def trial_network(sizes: tuple[int, ...], activation: str, rows: int = ROWS, seed: int = 0) -> Start:
    """A network to fill, with zero biases.

    Parameters
    ----------
    sizes : tuple of int
        Inputs, units of each hidden layer, outputs (1 for two classes).
    activation : str
        Of the hidden layers.
    rows : int, default 64
        Training rows, standard normal, of random classes.
    seed : int, default 0
        Of what the network draws; rows and classes are always the same.

    Returns
    -------
    Start
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, sizes[0]))
    classes = rng.integers(max(sizes[-1], 2), size=(rows, 1))
    targets = classes == np.arange(sizes[-1]) if sizes[-1] > 1 else classes
    cell: Any = SimpleNamespace(seed=seed, bias=SimpleNamespace(name="zeros", parameters=()))
    return Start(cell, Design(sizes, find("activation", activation).function()), x, targets)


def _network_faults(entry: Entry) -> Iterator[str]:
    for sizes, activation in NETWORKS:
        network, again = trial_network(sizes, activation), trial_network(sizes, activation)
        given, rows = [*network.weights, *network.biases], (network.x.copy(), network.targets.copy())
        where = f"of a {'-'.join(map(str, sizes))} {activation} network"
        try:
            entry.function(network)
            entry.function(again)
        except ShapeError:
            continue
        except Exception as error:
            yield f"fills every network, or raises ShapeError: {type(error).__name__}, weights {where}: {error}"
            continue
        filled = [*network.weights, *network.biases]
        replaced = [(a, b) for a, b in zip(filled, given, strict=True) if a is not b]
        if replaced:
            shapes = f"{np.shape(replaced[0][0])} for {replaced[0][1].shape}"
            yield f"fills the arrays it is given: an array {where} is now another, {shapes}; write weights[:] = ..."
            continue
        if not all(np.isfinite(array).all() for array in filled):
            yield f"weights and biases are finite: got nan or inf in those {where}"
        empty = [str(layer + 1) for layer, weights in enumerate(network.weights[:-1]) if not weights.any()]
        if empty:
            yield f"fills every hidden layer: layer {', '.join(empty)} {where} is left at zero"
        if not all(map(np.array_equal, (network.x, network.targets), rows)):
            yield f"leaves x and targets as they are: it changed those {where}"
        if _start_bytes(network) != _start_bytes(again):
            yield f"network.rng(layer) is the only source of chance: two starts {where} from seed 0 differ"
        _, first, second, _ = network.weights
        if not _has_few_values(first) and abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) > ALIKE:
            yield f"{OWN_DRAWS}: layers 2 and 3 {where} have the same weights, but for their scale"


def _network_remarks(entry: Entry) -> Iterator[str]:
    starts = [trial_network(*NETWORKS[0], seed=seed) for seed in (0, 1)]
    try:
        for start in starts:
            entry.function(start)
    except ShapeError as error:
        yield f"not tried on the network that it refuses: {error}"
        return
    if not starts[0].weights[-1].any():
        yield "the last layer is left at zero: fine if meant, the logits then start at its biases"
    if _start_bytes(starts[0]) == _start_bytes(starts[1]):
        yield "seeds 0 and 1 start alike: fine for a scheme without chance; others draw from network.rng(layer)"


def _start_bytes(network: Start) -> list[bytes]:
    return [array.tobytes() for array in (*network.weights, *network.biases)]


def _bias_faults(entry: Entry) -> Iterator[str]:
    for shape in SHAPES:
        biases, _ = _draw(entry, shape, 0)
        if not isinstance(biases, np.ndarray):
            yield _no_array("biases", biases)
            return
        if biases.shape != (shape[1],):
            yield f"biases have the shape {SHAPE_OF['biases']}: got {biases.shape} for {shape}"
        elif not np.isfinite(biases).all():
            yield f"biases are finite: got nan or inf at {shape}"
        elif not np.array_equal(biases, _draw(entry, shape, 0)[0]):
            yield f"{SAME_BYTES}: two draws of {shape} from seed 0 differ"
    yield from _distribution_faults(entry)


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
    if not isinstance(optimizer, Optimizer):
        yield f"returns an Optimizer: got {type(optimizer).__name__}"
        return
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


def _has_few_values(weights: Array) -> bool:
    """Whether the weights of a layer look drawn by no chance."""
    return len(np.unique(weights)) <= FEW


def layer_draws_differ(entry: Entry) -> bool:
    """Whether two layers of equal shape get different weights, as random ones must."""
    first: Any = _draw(entry, (24, 24), 0)[0]
    return not np.array_equal(first, _draw(entry, (24, 24), 1)[0])
