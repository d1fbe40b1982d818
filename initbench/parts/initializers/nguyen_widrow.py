"""Nguyen and Widrow's rule, which sets weights and biases of a layer together."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Activation, Array, Generator, Layer, Shape
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import checked, unit_draws
from initbench.parts.initializers.gains import ANYWHERE
from initbench.registry import initializer
from initbench.theory import evaluate

FLAT = (
    1.0 - np.tanh(2.0) ** 2
)  # share of the steepest slope; MATLAB's ends, 2 for tanh and 4 for logistic, both have it


def active_range(activation: Activation | None) -> tuple[float, float] | None:
    """Where an activation is steep, to 0.001, or None where that has no end, or the activation is unknown.

    Examples
    --------
    >>> from initbench.registry import find
    >>> active_range(find("activation", "tanh").function())
    (-2.0, 2.0)
    >>> active_range(find("activation", "relu").function())
    """
    if activation is None:
        return None
    z = np.arange(-10000, 10001) / 1000.0
    slope = evaluate(activation, z)[1]
    steep = z[slope >= (1.0 - 1e-9) * FLAT * slope.max()]
    low, high = float(steep[0]), float(steep[-1])
    return None if low == z[0] or high == z[-1] else (low, high)


def output_range(activation: Activation | None) -> tuple[float, float]:
    """Between which values an activation's outputs lie; -1 and 1 where that has no end, or the activation is unknown.

    Examples
    --------
    >>> from initbench.registry import find
    >>> output_range(find("activation", "sigmoid").function())
    (0.0, 1.0)
    """
    if activation is None:
        return -1.0, 1.0
    far = np.array([-1e8, -1e4, 1e4, 1e8])
    with np.errstate(all="ignore"):  # whatever overflows out there has no end
        ends, near = evaluate(activation, far)[0], evaluate(activation, np.linspace(-100.0, 100.0, 20001))[0]
    if not np.allclose(ends[::3], ends[1:3], rtol=0.0, atol=1e-3):
        return -1.0, 1.0
    return float(min(ends.min(), near.min())), float(max(ends.max(), near.max()))


def _reach(layer: Layer) -> tuple[float, float] | None:
    """The active range of the units of a layer, if there is one."""
    return None if layer.is_last and layer.count > 1 else active_range(layer.activation)


def _input_range(fan_in: int, layer: Layer) -> tuple[Array, Array]:
    """Lower and upper ends of the inputs, each of shape (fan_in,)."""
    if layer.index == 0 and layer.inputs is not None and len(layer.inputs):
        return layer.inputs.min(axis=0), layer.inputs.max(axis=0)
    low, high = (-1.0, 1.0) if layer.index == 0 else output_range(layer.activation)
    return np.full(fan_in, low), np.full(fan_in, high)


def _length_error(weights: Array, biases: Array, layer: Layer) -> Array:
    """How far the units' lengths are from beta times half the active range, for inputs brought to between -1 and 1."""
    fan_in, fan_out = weights.shape
    low, high = _input_range(fan_in, layer)
    reach, varies = _reach(layer), int((high > low).sum())
    if reach is None:
        return np.zeros(1)
    lengths = np.linalg.norm(weights * (high - low)[:, None] / 2.0, axis=0)
    return np.asarray(lengths - (reach[1] - reach[0]) / 2.0 * 0.7 * fan_out ** (1.0 / max(1, varies)))


def _spacing_error(weights: Array, biases: Array, layer: Layer) -> Array:
    """How far sums at the middle of the inputs are, up to sign, from evenly spaced around the middle of the range."""
    fan_in, fan_out = weights.shape
    low, high = _input_range(fan_in, layer)
    reach, varies = _reach(layer), int((high > low).sum())
    if reach is None:
        return np.zeros(1)
    sums = (low + high) / 2.0 @ weights + biases - (reach[0] + reach[1]) / 2.0
    spaced = np.linspace(-1.0, 1.0, fan_out) if fan_out > 1 else np.zeros(1)
    beta = (reach[1] - reach[0]) / 2.0 * 0.7 * fan_out ** (1.0 / max(1, varies))
    return np.asarray(np.abs(sums) - beta * np.abs(spaced))


@initializer(
    "nguyen_widrow",
    family="classics",
    formula="w = β d/‖d‖, d ~ U(±1), β = 0.7 fan_out^(1/fan_in); b spaced over ±β; both scaled to the active range and "
    "the inputs",
    aliases=("initnw",),
    cites=("nguyen1990",),
    elsewhere=(("MATLAB", "initnw"), ("neurolab", "initnw")),
    note="As MATLAB's initnw. FANN takes positive weights, Encog does not normalize them, mlpack divides by the norm "
    "of the whole matrix. With hundreds of inputs beta is about 0.7 and the rule gives gaussian_row_normalized's "
    "spheres.",
    distribution=lambda fan_in, fan_out, layer: None if _reach(layer) else 2 * (stated.uniform(1),),
    properties={
        "with an active range, weights of a unit have the length β": _length_error,
        "with an active range, biases are spaced over ±β": _spacing_error,
    },
)
def nguyen_widrow(shape: Shape, rng: Generator, *, layer: Layer = ANYWHERE) -> tuple[Array, Array]:
    """Units that share out the range of a few inputs among their active regions; weights and biases together.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    layer : Layer
        Tells the activation and, for the first layer, the training rows, whose range it takes; later ones take that
        of the activation, or ±1 where it is unbounded.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        Of length beta times half the active range, before the inputs' range is put in; 0 for inputs that do not vary.
        U(-1, 1) in the last layer and where the activation has no active range.
    biases : ndarray of float64, shape (fan_out,)
        Evenly spaced, likewise; or U(-1, 1).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Nguyen & Widrow (1990), "Improving the learning speed of 2-layer neural networks by choosing initial values of the
    adaptive weights", IJCNN.
    """
    fan_in, fan_out = checked(shape)
    reach = _reach(layer)
    directions = 2.0 * unit_draws(shape, rng) - 1.0
    if reach is None:
        return directions, 2.0 * unit_draws((1, fan_out), rng).ravel() - 1.0
    low, high = _input_range(fan_in, layer)
    varies = high > low
    directions[~varies] = 0.0
    beta = 0.7 * fan_out ** (1.0 / max(1, varies.sum()))
    lengths = np.linalg.norm(directions, axis=0)
    weights = beta * directions / np.where(lengths > 0.0, lengths, 1.0)
    first = weights[np.argmax(varies)] if varies.any() else np.ones(fan_out)
    spaced = np.linspace(-1.0, 1.0, fan_out) if fan_out > 1 else np.zeros(fan_out)
    biases = beta * spaced * np.copysign(1.0, first)
    half, middle = (reach[1] - reach[0]) / 2.0, (reach[1] + reach[0]) / 2.0
    weights, biases = half * weights, half * biases + middle
    widths = np.where(varies, high - low, 1.0)
    biases -= ((high + low) / widths) @ weights  # inputs become 2 (x - low) / (high - low) - 1
    return weights * (2.0 / widths)[:, None], biases
