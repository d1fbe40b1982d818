"""The rules of the years before 2010, for sigmoid units and one or two hidden layers.

A bound c stands for U(-c, c), of variance c² / 3.
"""

from __future__ import annotations

import math

import numpy as np

from initbench.contracts import Array, Fraction, Generator, Layer, NonNegative, Positive, Shape
from initbench.errors import ParameterError
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import draw_uniform, fans, unit_draws
from initbench.parts.initializers.gains import ANYWHERE
from initbench.registry import initializer


def _mean_square(layer: Layer) -> float:
    """Of what the layer gets: that of the rows in the first layer, 0.3 of hidden units."""
    if layer.index:
        return 0.3
    return 1.0 if layer.inputs is None or not layer.inputs.size else float(np.mean(layer.inputs**2))


def _largest_square(fan_in: int, layer: Layer) -> float:
    """The largest sum of squares of a row; fan_in beyond the first layer."""
    if layer.index == 0 and layer.inputs is not None and np.any(layer.inputs):
        return float((layer.inputs**2).sum(axis=1).max())
    return float(fan_in)


@initializer(
    "fan_in_haykin",
    family="classics",
    formula="U(±reach / fan_in), reach = 2.4",
    aliases=("haykin", "fan_in", "FanInRandomizer"),
    cites=("haykin1994",),
    elsewhere=(("Encog", "FanInRandomizer"),),
    note="Encog's FanInRandomizer divides by the count of the next layer.",
    distribution=lambda fan_in, fan_out, reach: stated.uniform(reach / fan_in),
)
def fan_in_haykin(shape: Shape, rng: Generator, *, reach: NonNegative = 2.4) -> Array:
    """Evenly spread weights that shrink with the fan-in itself, so that no sum can leave the steep part of a sigmoid.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    reach : float, default 2.4
        The largest preactivation that inputs between -1 and 1 can cause (dimensionless).

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-reach / fan_in, reach / fan_in).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Haykin (1994), "Neural Networks: A Comprehensive Foundation".
    """
    fan_in, _ = fans(shape)
    bound = reach / fan_in
    return draw_uniform(shape, rng, variance=bound**2 / 3.0)


@initializer(
    "bottou",
    family="classics",
    formula="U(±2.38 / √fan_in)",
    cites=("bottou1988",),
    elsewhere=(
        ("Keras", "VarianceScaling(1.8881, 'fan_in', 'uniform')"),
        ("PyTorch", "kaiming_uniform_(a=0.2434)"),
        ("JAX", "variance_scaling(1.8881, 'fan_in', 'uniform')"),
    ),
    distribution=lambda fan_in, fan_out: stated.uniform(2.38 * fan_in**-0.5),
)
def bottou(shape: Shape, rng: Generator) -> Array:
    """Evenly spread weights that put logistic and tanh units at the bend between linear and saturated.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-c, c), c = 2.38 / sqrt(fan_in).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Bottou (1988), "Reconnaissance de la parole par réseaux multi-couches", Neuro-Nîmes.
    """
    fan_in, _ = fans(shape)
    bound = 2.38 / math.sqrt(fan_in)
    return draw_uniform(shape, rng, variance=bound**2 / 3.0)


@initializer(
    "boers",
    family="classics",
    formula="U(±3 / √fan_in)",
    aliases=("dl4j_lecun_uniform",),
    cites=("boers1992",),
    elsewhere=(
        ("DL4J", "LECUN_UNIFORM, VAR_SCALING_UNIFORM_FAN_IN"),
        ("Keras", "VarianceScaling(3, 'fan_in', 'uniform')"),
        ("JAX", "variance_scaling(3, 'fan_in', 'uniform')"),
    ),
    note="DL4J calls this LECUN_UNIFORM; LeCun has a third of its variance, lecun_uniform. wessels is the same at "
    "amplitude 1.",
    distribution=lambda fan_in, fan_out: stated.uniform(3 * fan_in**-0.5),
)
def boers(shape: Shape, rng: Generator) -> Array:
    """Evenly spread weights of deviation √3/√fan_in: sums of unit-variance inputs fill the active range of a sigmoid.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-c, c), c = 3 / sqrt(fan_in).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Boers & Kuiper (1992), "Biological metaphors and the design of modular artificial neural networks", Leiden.
    """
    fan_in, _ = fans(shape)
    bound = 3.0 / math.sqrt(fan_in)
    return draw_uniform(shape, rng, variance=bound**2 / 3.0)


@initializer(
    "wessels",
    family="classics",
    formula="U(±3 amplitude / √fan_in)",
    cites=("wessels1992",),
    elsewhere=(
        ("Keras", "VarianceScaling(3 amplitude², 'fan_in', 'uniform')"),
        ("JAX", "variance_scaling(3 amplitude², 'fan_in', 'uniform')"),
    ),
    distribution=lambda fan_in, fan_out, amplitude: stated.uniform(3 * amplitude * fan_in**-0.5),
)
def wessels(shape: Shape, rng: Generator, *, amplitude: NonNegative = 1.0) -> Array:
    """Evenly spread weights by the deviation that a unit's sum is to have, against false local minima.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    amplitude : float, default 1.0
        The sum of unit-variance inputs has the deviation amplitude times sqrt(3) (dimensionless).

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-c, c), c = 3 amplitude / sqrt(fan_in).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Wessels & Barnard (1992), "Avoiding false local minima by proper initialization of connections", IEEE Transactions
    on Neural Networks.
    """
    fan_in, _ = fans(shape)
    bound = 3.0 * amplitude / math.sqrt(fan_in)
    return draw_uniform(shape, rng, variance=bound**2 / 3.0)


@initializer(
    "thimm_fiesler",
    family="classics",
    formula="U(±0.77)",
    cites=("thimm1997",),
    elsewhere=(("Keras", "RandomUniform(-0.77, 0.77)"), ("PyTorch", "uniform_(a=-0.77, b=0.77)")),
    distribution=lambda fan_in, fan_out: stated.uniform(0.77),
)
def thimm_fiesler(shape: Shape, rng: Generator) -> Array:
    """Evenly spread weights of variance 0.2 whatever the layer: the best fixed range for shallow networks in a study.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-0.77, 0.77).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Thimm & Fiesler (1997), "High-order and multilayer perceptron initialization", IEEE Transactions on Neural
    Networks 8(2).
    """
    bound = 0.77
    return draw_uniform(shape, rng, variance=bound**2 / 3.0)


@initializer(
    "scawi",
    family="classics",
    formula="U(±1.3 / √(1 + fan_in v²)): v² the mean square of the inputs in the first layer, 0.3 in the others",
    cites=("drago1992",),
    distribution=lambda fan_in, fan_out, layer: stated.uniform(1.3 * (1 + fan_in * _mean_square(layer)) ** -0.5),
)
def scawi(shape: Shape, rng: Generator, *, layer: Layer = ANYWHERE) -> Array:
    """Evenly spread weights that keep the share of saturated sigmoid units at the outset small (SCAWI).

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    layer : Layer
        Tells the place and, for the first layer, the training rows; without rows their mean square is taken as 1.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-c, c), c = 1.3 / sqrt(1 + fan_in v**2). Later layers get the outputs of hidden units,
        whose mean square the authors take as 0.3.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Drago & Ridella (1992), "Statistically controlled activation weight initialization (SCAWI)", IEEE Transactions on
    Neural Networks.
    """
    fan_in, _ = fans(shape)
    bound = 1.3 / math.sqrt(1.0 + fan_in * _mean_square(layer))
    return draw_uniform(shape, rng, variance=bound**2 / 3.0)


@initializer(
    "oivs",
    family="classics",
    formula="B / (k fan_in) √(1 + U(±gamma)), B = 2 ln((1 − epsilon) / epsilon)",
    aliases=("shimodaira",),
    cites=("shimodaira1994",),
    elsewhere=(("mlpack", "OivsInitialization"),),
    note="After mlpack. All weights are positive, so their mean drives the units. B is that of the logistic sigmoid, "
    "whatever the activation.",
    distribution=lambda fan_in, fan_out, epsilon, k, gamma: stated.root_of_uniform(
        1 - gamma, 1 + gamma, 2 * math.log(1 / epsilon - 1) / (k * fan_in)
    ),
)
def oivs(shape: Shape, rng: Generator, *, epsilon: Positive = 0.1, k: Positive = 5.0, gamma: Fraction = 0.9) -> Array:
    """Positive weights of nearly one size that place the active region of logistic units over the input cube.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    epsilon : float, default 0.1
        The logistic unit is active between the outputs epsilon and 1 - epsilon (dimensionless).
    k : float, default 5
        How many times the active region fits the widest sum (dimensionless).
    gamma : float, default 0.9
        Spread of the squared weights (dimensionless).

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from B / (k fan_in) sqrt(1 + U(-gamma, gamma)): all positive, as mlpack has it.

    Raises
    ------
    ParameterError
        When ``epsilon`` is not between 0 and 0.5.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Shimodaira (1994), "A weight value initialization method for improving learning performance of the backpropagation
    algorithm in neural networks", IEEE Conference on Tools with Artificial Intelligence.
    """
    if not 0.0 < epsilon < 0.5:
        raise ParameterError(f"epsilon is {epsilon:g} and must lie between 0 and 0.5, the ends left out")
    fan_in, _ = fans(shape)
    width = 2.0 * math.log((1.0 - epsilon) / epsilon)
    return width / (k * fan_in) * np.sqrt(1.0 + gamma * (2.0 * unit_draws(shape, rng) - 1.0))


@initializer(
    "kathirvalavakumar",
    family="classics",
    formula="U(±t), t = min over rows of reach √(3 / (fan_in Σ x²))",
    aliases=("kathirvalavakumar_subavathi", "cauchy"),
    cites=("kathirvalavakumar2011",),
    elsewhere=(("mlpack", "KathirvalavakumarSubavathiInitialization"),),
    note="After mlpack, which takes reach as an argument without a default.",
    distribution=lambda fan_in, fan_out, reach, layer: stated.uniform(
        reach * (3 / fan_in / _largest_square(fan_in, layer)) ** 0.5
    ),
)
def kathirvalavakumar(shape: Shape, rng: Generator, *, reach: Positive = 4.585, layer: Layer = ANYWHERE) -> Array:
    """Evenly spread weights so small that no training row saturates a sigmoid (Cauchy's inequality).

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    reach : float, default 4.585
        The preactivation where the slope is 4% of the steepest (dimensionless): of the logistic unit; 2.292 for tanh.
    layer : Layer
        Tells the training rows to the first layer; later ones take fan_in as the sum of squares, as of unit variance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-t, t).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Kathirvalavakumar & Subavathi (2011), "A New Weight Initialization Method Using Cauchy's Inequality Based on
    Sensitivity Analysis", Journal of Intelligent Learning Systems and Applications 3(4).
    """
    fan_in, _ = fans(shape)
    bound = reach * math.sqrt(3.0 / (fan_in * _largest_square(fan_in, layer)))
    return draw_uniform(shape, rng, variance=bound**2 / 3.0)
