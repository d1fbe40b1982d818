"""Random weights of one scale for all layers, whatever their size."""

from __future__ import annotations

from typing import Literal

from initbench.contracts import Array, Generator, NonNegative, Real, Shape
from initbench.errors import ParameterError
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import draw_normal, draw_truncated, unit_draws
from initbench.registry import initializer


@initializer(
    "uniform",
    family="fixed scale",
    formula="U(low, high)",
    aliases=("random_uniform", "rand"),
    elsewhere=(
        ("Keras", "RandomUniform"),
        ("PyTorch", "uniform_, U(0, 1)"),
        ("JAX", "uniform, U(0, 0.01)"),
    ),
    note="One name, many supports: U(±0.05) in Keras and Chainer, U(0, 1) in PyTorch, Haiku and neupy, U(0, 0.01) in "
    "JAX, U(±0.1) in thinc, U(±0.07) in MXNet, U(±0.01) in lasagne, U(±0.5) in neurolab; all by low and high. "
    "DL4J's UNIFORM is another thing, bengio_uniform. Where low and high have another mean than 0, that mean drives "
    "the units.",
    distribution=lambda fan_in, fan_out, low, high: stated.between(low, high),
)
def uniform(shape: Shape, rng: Generator, *, low: Real = -0.05, high: Real = 0.05) -> Array:
    """Weights evenly between two bounds that know nothing of the layer: the beginner's choice, as a baseline.

    With ``low=0`` all weights are positive, and their mean alone drives the units into saturation or blow-up.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    low, high : float, default -0.05 and 0.05
        The bounds (dimensionless); the defaults are Keras's.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(low, high), of variance (high - low)**2 / 12.

    Raises
    ------
    ParameterError
        When ``low`` is not below ``high``.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.
    """
    _check_order(low, high)
    return low + (high - low) * unit_draws(shape, rng)


@initializer(
    "normal",
    family="fixed scale",
    formula="N(mean, std²)",
    aliases=("random_normal", "gaussian", "randn"),
    elsewhere=(
        ("Keras", "RandomNormal"),
        ("PyTorch", "normal_, std 1"),
        ("JAX", "normal, std 0.01"),
    ),
    note="std is 0.05 in Keras and Chainer, 1 in PyTorch, Haiku and tiny-dnn, 0.01 in JAX, MXNet, lasagne and neupy. "
    "thinc's normal_init takes its mean for the deviation and so gives zeros.",
    distribution=lambda fan_in, fan_out, mean, std: stated.normal(std**2, mean),
)
def normal(shape: Shape, rng: Generator, *, mean: Real = 0.0, std: NonNegative = 0.05) -> Array:
    """Gaussian weights of a scale that knows nothing of the layer: a baseline, right for one width at most.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    mean : float, default 0
        Mean (dimensionless).
    std : float, default 0.05
        Standard deviation (dimensionless); the default is Keras's.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(mean, std**2), not truncated.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.
    """
    return mean + std * draw_normal(shape, rng)


@initializer(
    "truncated_normal",
    family="fixed scale",
    formula="N(mean, std²) between mean + low std and mean + high std; at ±2 the weights' own deviation is 0.8796 std",
    aliases=("trunc_normal",),
    elsewhere=(
        ("Keras", "TruncatedNormal"),
        ("PyTorch", "trunc_normal_(a=-2, b=2), where unit is absolute"),
        ("JAX", "truncated_normal(lower=-2, upper=2), std 0.01"),
    ),
    note="Keras, JAX and Haiku cut at two std; their std is 0.05, 0.01 and 1. PyTorch, Flux and Lux cut at the weights "
    "-2 and 2 whatever std is, which with std 0.02 cuts nothing: {truncated_normal: {std: 1, unit: absolute}}.",
    distribution=lambda fan_in, fan_out, mean, std, low, high, unit: (
        stated.cut(std, low, high, mean)
        if unit == "std"
        else stated.cut(std, (low - mean) / std, (high - mean) / std, mean)
    ),
)
def truncated_normal(
    shape: Shape,
    rng: Generator,
    *,
    mean: Real = 0.0,
    std: NonNegative = 0.05,
    low: Real = -2.0,
    high: Real = 2.0,
    unit: Literal["std", "absolute"] = "std",
) -> Array:
    """Gaussian weights without outliers: by default, none lies further than two ``std`` from the mean.

    ``std`` is that of the Gaussian before it is cut, as in all libraries; the weights themselves have less of it.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    mean : float, default 0
        Mean (dimensionless).
    std : float, default 0.05
        Standard deviation before truncation (dimensionless); the default is Keras's.
    low, high : float, default -2 and 2
        The bounds, in the ``unit`` (dimensionless).
    unit : ``"std"`` or ``"absolute"``, default ``"std"``
        Whether bounds count standard deviations from the mean, as in Keras and JAX, or are weights, as in PyTorch.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(mean, std**2), given that they lie between the bounds. With A and B the bounds in
        deviations from the mean, p the density and Z the share of N(0, 1) between them, the weights have the standard
        deviation std sqrt(1 + (A p(A) - B p(B)) / Z - ((p(A) - p(B)) / Z)**2): 0.8796 std at two deviations.

    Raises
    ------
    ParameterError
        When ``low`` is not below ``high``, or less than a millionth of the Gaussian lies between them.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.
    """
    _check_order(low, high)
    if unit == "absolute":
        scale = max(std, 1e-100)  # with a std of 0, bounds on either side of the mean lie far out
        low, high = (low - mean) / scale, (high - mean) / scale
    return mean + std * draw_truncated(shape, rng, low, high)


def _check_order(low: float, high: float) -> None:
    if low >= high:
        raise ParameterError(f"low is {low:g} and must be below high, which is {high:g}")
