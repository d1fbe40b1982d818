"""Weights that are one half of a parametrization: their scale goes with a scale of units, layers or learning rates."""

from __future__ import annotations

import math

from initbench.contracts import Array, Generator, Layer, NonNegative, Positive, Shape
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import draw_normal, draw_uniform, fans
from initbench.parts.initializers.gains import ANYWHERE, Gain, variance_factor
from initbench.parts.initializers.mean_field import mean_field
from initbench.registry import initializer


@initializer(
    "siren",
    family="parametrizations",
    formula="U(±1 / fan_in) in the first layer, U(±√(6 / fan_in) / w0) in the others",
    aliases=("sine",),
    cites=("sitzmann2020",),
    note="Made for units sin(w0 x); with others the hidden weights are w0 times too small: w0: 1 is he_uniform.",
    distribution=lambda fan_in, fan_out, w0, layer: stated.uniform(
        (6 / fan_in) ** 0.5 / w0 if layer.index else 1 / fan_in
    ),
)
def siren(shape: Shape, rng: Generator, *, w0: Positive = 30.0, layer: Layer = ANYWHERE) -> Array:
    """Evenly spread weights for networks of sines, sin(w0 x), which keep their spectrum whatever the depth.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    w0 : float, default 30
        Frequency of the sines (dimensionless).
    layer : Layer
        Tells whether it is the first.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-c, c), c = 1 / fan_in in the first layer and sqrt(6 / fan_in) / w0 elsewhere.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Sitzmann, Martel, Bergman, Lindell & Wetzstein (2020), "Implicit Neural Representations with Periodic Activation
    Functions", arXiv:2006.09661.
    """
    fan_in, _ = fans(shape)
    bound = 1.0 / fan_in if layer.index == 0 else math.sqrt(6.0 / fan_in) / w0
    return draw_uniform(shape, rng, variance=bound**2 / 3.0)


@initializer(
    "mup",
    family="parametrizations",
    formula="N(0, gain / fan_in); in the last layer N(0, gain base_width / fan_in²)",
    aliases=("mup_readout",),
    cites=("yang2022",),
    note="The mup package keeps the variance of the last layer and multiplies its output by base_width / width, which "
    "is the same at the outset. The learning rates a layer, the other half of the method, are not here.",
    distribution=lambda fan_in, fan_out, gain, base_width, layer: stated.normal(
        variance_factor(gain, layer) / fan_in * (base_width / fan_in if layer.is_last and layer.count > 1 else 1)
    ),
)
def mup(
    shape: Shape, rng: Generator, *, gain: Gain = 1.0, base_width: Positive = 64.0, layer: Layer = ANYWHERE
) -> Array:
    """Gaussian weights whose last layer shrinks with the width itself, so that wide networks still learn features.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    gain : float or rule, default 1.0
        Variance factor (dimensionless), or a rule.
    base_width : float, default 64
        The width, in units, at which the last layer is like the others.
    layer : Layer
        Tells whether it is the last, and a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, gain / fan_in), in the last layer from N(0, gain base_width / fan_in**2).

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Yang, Hu, Babuschkin, Sidor, Liu, Farhi, Ryder, Pachocki, Chen & Gao (2022), "Tensor Programs V: Tuning Large Neural
    Networks via Zero-Shot Hyperparameter Transfer", arXiv:2203.03466.
    """
    fan_in, _ = fans(shape)
    shrinking = base_width / fan_in if layer.is_last and layer.count > 1 else 1.0
    return draw_normal(shape, rng, variance=shrinking * variance_factor(gain, layer) / fan_in)


@initializer(
    "ntk_param",
    family="parametrizations",
    formula="weights w_std / √fan_in N(0, 1), biases b_std N(0, 1)",
    aliases=("ntk",),
    cites=("jacot2018",),
    elsewhere=(("neural-tangents", "stax.Dense(parameterization='ntk')"),),
    note="The parametrization trains N(0, 1) weights under a fixed factor; at the outset that is this, and mean_field."
    " Training differs: there a step moves each layer by its factor squared.",
    distribution=lambda fan_in, fan_out, w_std, b_std: (stated.normal(w_std**2 / fan_in), stated.normal(b_std**2)),
)
def ntk_param(
    shape: Shape, rng: Generator, *, w_std: NonNegative = 1.0, b_std: NonNegative = 0.0
) -> tuple[Array, Array]:
    """Gaussian weights and biases of the neural tangent parametrization, as its layers apply them at the outset.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    w_std, b_std : float, default 1.0 and 0.0
        Of the paper: factors of unit Gaussians (dimensionless).

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, w_std**2 / fan_in).
    biases : ndarray of float64, shape (fan_out,)
        Independent draws from N(0, b_std**2).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Jacot, Gabriel & Hongler (2018), "Neural Tangent Kernel: Convergence and Generalization in Neural Networks",
    arXiv:1806.07572.
    """
    return mean_field(shape, rng, sigma_w=w_std, sigma_b=b_std)
