"""Random weights whose variance follows from the activation of the hidden layers, by a rule of their own."""

from __future__ import annotations

import math

import numpy as np

from initbench.contracts import Array, Generator, Layer, Shape
from initbench.errors import ParameterError
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import draw_normal, draw_uniform, fans
from initbench.parts.initializers.gains import ANYWHERE, Gain, deviation_factor, is_activation, known_activation
from initbench.registry import initializer
from initbench.theory import evaluate, gain


def _kumar_factor(layer: Layer) -> float:
    """What kumar divides by the fan-in, for the activation of the layer."""
    activation = known_activation(layer, "kumar")
    value, slope = evaluate(activation, np.array([-1e-7, 0.0, 1e-7]))
    if np.ptp(slope) > 1e-3:
        return gain(activation, "forward") ** 2
    if slope[1] == 0.0:
        raise ParameterError("kumar divides by the slope of the activation at 0, which is 0; use he_normal")
    return 1.0 / float(slope[1] ** 2 * (1.0 + value[1] ** 2))


def _walk_factor(layer: Layer, fan_in: int) -> float:
    """The paper's g, for the activation of the layer."""
    activation = known_activation(layer, "random_walk")
    if is_activation(activation, "linear"):
        return math.exp(1.0 / (2.0 * fan_in))
    if is_activation(activation, "relu"):
        return math.sqrt(2.0) * math.exp(1.2 / (max(fan_in, 6) - 2.4))
    return 1.13 if is_activation(activation, "tanh") else gain(activation, "forward")


@initializer(
    "kumar",
    family="variance scaling",
    formula="N(0, 1 / (fan_in φ′(0)² (1 + φ(0)²)))",
    aliases=("kumar2017",),
    cites=("kumar2017",),
    note="For the logistic sigmoid 12.8 / fan_in, for tanh lecun_normal.",
    distribution=lambda fan_in, fan_out, layer: stated.normal(_kumar_factor(layer) / fan_in),
)
def kumar(shape: Shape, rng: Generator, *, layer: Layer = ANYWHERE) -> Array:
    """Gaussian weights that hold the variance level through units smooth at 0: 3.6/√fan_in for the logistic one.

    The rule needs a slope at 0. An activation with a kink there (ReLU, leaky ReLU, SELU) gets the forward gain instead,
    1 / (fan_in E[phi(z)**2]) over z ~ N(0, 1), which for ReLU is the 2 / fan_in that the paper gives.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    layer : Layer
        Tells the activation phi.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, 1 / (fan_in phi'(0)**2 (1 + phi(0)**2))), or by the forward gain.

    Raises
    ------
    ParameterError
        When the activation is unknown, or level at 0.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Kumar (2017), "On weight initialization in deep neural networks", arXiv:1704.08863.
    """
    fan_in, _ = fans(shape)
    return draw_normal(shape, rng, variance=_kumar_factor(layer) / fan_in)


@initializer(
    "random_walk",
    family="variance scaling",
    formula="N(0, g² / fan_in), g = exp(1/(2 fan_in)) linear, √2 exp(1.2/(max(fan_in, 6) − 2.4)) ReLU, 1.13 tanh",
    aliases=("sussillo_abbott", "sussillo"),
    cites=("sussillo2014",),
    note="TensorFlow's contributed _random_walk has g = 1.13 for tanh and the same g for linear units.",
    distribution=lambda fan_in, fan_out, layer: stated.normal(_walk_factor(layer, fan_in) ** 2 / fan_in),
)
def random_walk(shape: Shape, rng: Generator, *, layer: Layer = ANYWHERE) -> Array:
    """Gaussian weights that hold the logarithm of the signal's length level, as deep and narrow networks need it.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    layer : Layer
        Tells the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, g**2 / fan_in), with the paper's g for linear units, ReLU and tanh, and the forward
        gain for others, for which the paper has none.

    Raises
    ------
    ParameterError
        When the activation is unknown.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Sussillo & Abbott (2014), "Random Walk Initialization for Training Very Deep Feedforward Networks",
    arXiv:1412.6558.
    """
    fan_in, _ = fans(shape)
    return draw_normal(shape, rng, variance=_walk_factor(layer, fan_in) ** 2 / fan_in)


@initializer(
    "uniform_unit_scaling",
    family="variance scaling",
    formula="U(±factor √(3 / fan_in))",
    aliases=("tf.uniform_unit_scaling", "uniform_scaling"),
    cites=("sussillo2014", "abadi2016"),
    elsewhere=(
        ("TensorFlow", "uniform_unit_scaling_initializer"),
        ("Haiku", "UniformScaling"),
        ("Keras", "VarianceScaling(factor², 'fan_in', 'uniform')"),
        ("JAX", "variance_scaling(factor², 'fan_in', 'uniform')"),
    ),
    distribution=lambda fan_in, fan_out, factor, layer: stated.uniform(
        deviation_factor(factor, layer) * (3 / fan_in) ** 0.5
    ),
)
def uniform_unit_scaling(shape: Shape, rng: Generator, *, factor: Gain = 1.0, layer: Layer = ANYWHERE) -> Array:
    """Evenly spread weights of a factor a layer: 1 for linear units, about 1.15 for tanh and 1.43 for ReLU.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    factor : float or rule, default 1.0
        Factor of the standard deviation (dimensionless), or a rule.
    layer : Layer
        Tells a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-c, c), c = factor sqrt(3 / fan_in), of variance factor**2 / fan_in.

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Sussillo & Abbott (2014), "Random Walk Initialization for Training Very Deep Feedforward Networks",
    arXiv:1412.6558.
    """
    fan_in, _ = fans(shape)
    return draw_uniform(shape, rng, variance=deviation_factor(factor, layer) ** 2 / fan_in)
