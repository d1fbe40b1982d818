"""Gaussian and orthogonal weights with Gaussian biases, at the scales that the theory of infinite width is about."""

from __future__ import annotations

import math

from initbench.contracts import Array, Generator, Layer, NonNegative, Shape
from initbench.errors import ParameterError
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import draw_normal, fans
from initbench.parts.initializers.gains import ANYWHERE, known_activation
from initbench.parts.initializers.isometries import orthogonal
from initbench.registry import initializer
from initbench.theory import critical_point


def _critical_sigma_w(name: str, layer: Layer, sigma_b: float) -> float:
    found = critical_point(known_activation(layer, name), sigma_b)
    if found is None or math.isinf(found.q):
        raise ParameterError(
            f"{name}: this activation has no critical point at sigma_b {sigma_b:g}; use another sigma_b (0 for ReLU "
            "and its relatives), or mean_field with a sigma_w of your own"
        )
    return found.sigma_w


def _critical_length(shape: tuple[int, ...], sigma_b: float, layer: Layer) -> float:
    """The singular values of orthogonal_critical."""
    return _critical_sigma_w("orthogonal_critical", layer, sigma_b) * math.sqrt(max(1.0, shape[1] / shape[0]))


@initializer(
    "mean_field",
    family="mean field",
    formula="W ~ N(0, sigma_w² / fan_in), b ~ N(0, sigma_b²)",
    cites=("poole2016", "schoenholz2017"),
    distribution=lambda fan_in, fan_out, sigma_w, sigma_b: (
        stated.normal(sigma_w**2 / fan_in),
        stated.normal(sigma_b**2),
    ),
)
def mean_field(
    shape: Shape, rng: Generator, *, sigma_w: NonNegative = 1.0, sigma_b: NonNegative = 0.1
) -> tuple[Array, Array]:
    """Gaussian weights and biases by the two numbers of mean-field theory: ordered, critical or chaotic.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    sigma_w : float, default 1.0
        Standard deviation of the weights times sqrt(fan_in) (dimensionless).
    sigma_b : float, default 0.1
        Standard deviation of the biases (dimensionless).

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, sigma_w**2 / fan_in).
    biases : ndarray of float64, shape (fan_out,)
        Independent draws from N(0, sigma_b**2).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli (2016), "Exponential expressivity in deep neural networks through
    transient chaos", arXiv:1606.05340.
    Schoenholz, Gilmer, Ganguli & Sohl-Dickstein (2017), "Deep Information Propagation", arXiv:1611.01232.
    """
    fan_in, _ = fans(shape)
    weights = draw_normal(shape, rng, variance=sigma_w**2 / fan_in)
    return weights, sigma_b * draw_normal((1, shape[1]), rng).ravel()


@initializer(
    "critical",
    family="mean field",
    formula="mean_field with χ = sigma_w² E[φ′(√q z)²] = 1 at the fixed point q of the activation",
    aliases=("edge_of_chaos", "eoc"),
    cites=("schoenholz2017", "hayou2019"),
    note="For GELU, SiLU and Mish the fixed point may be unstable: a variance off it runs away over the depth.",
    distribution=lambda fan_in, fan_out, sigma_b, layer: (
        stated.normal(_critical_sigma_w("critical", layer, sigma_b) ** 2 / fan_in),
        stated.normal(sigma_b**2),
    ),
)
def critical(
    shape: Shape, rng: Generator, *, sigma_b: NonNegative = 0.0, layer: Layer = ANYWHERE
) -> tuple[Array, Array]:
    """Gaussian weights on the edge of chaos of the activation, where neither signal nor gradient fades or grows.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    sigma_b : float, default 0.0
        Standard deviation of the biases (dimensionless).
    layer : Layer
        Tells the activation.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, sigma_w**2 / fan_in).
    biases : ndarray of float64, shape (fan_out,)
        Independent draws from N(0, sigma_b**2).

    Raises
    ------
    ParameterError
        When the activation is unknown, or has no critical point at ``sigma_b``.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Schoenholz, Gilmer, Ganguli & Sohl-Dickstein (2017), "Deep Information Propagation", arXiv:1611.01232.
    Hayou, Doucet & Rousseau (2019), "On the Impact of the Activation Function on Deep Neural Networks Training",
    arXiv:1902.06853.
    """
    return mean_field(shape, rng, sigma_w=_critical_sigma_w("critical", layer, sigma_b), sigma_b=sigma_b)


@initializer(
    "orthogonal_critical",
    family="mean field",
    formula="sigma_w √max(1, fan_out / fan_in) Q, Q Haar, with the sigma_w of critical; b ~ N(0, sigma_b²)",
    aliases=("orthogonal_eoc",),
    cites=("pennington2017",),
    note="Dynamical isometry is out of reach for ReLU, as the paper shows.",
    distribution=lambda fan_in, fan_out, sigma_b, layer: (
        stated.coordinate(max(fan_in, fan_out), _critical_length((fan_in, fan_out), sigma_b, layer)),
        stated.normal(sigma_b**2),
    ),
    properties={
        "the singular values are sigma_w √max(1, fan_out / fan_in)": lambda weights, biases, sigma_b, layer: (
            stated.isometry_error(weights, _critical_length(weights.shape, sigma_b, layer))
        )
    },
)
def orthogonal_critical(
    shape: Shape, rng: Generator, *, sigma_b: NonNegative = 0.0, layer: Layer = ANYWHERE
) -> tuple[Array, Array]:
    """Random rotations on the edge of chaos: with tanh-like units all singular values of a deep network stay near 1.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    sigma_b : float, default 0.0
        Standard deviation of the biases (dimensionless).
    layer : Layer
        Tells the activation.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        As `orthogonal` with the gain sigma_w and ``scale="fan_in"``.
    biases : ndarray of float64, shape (fan_out,)
        Independent draws from N(0, sigma_b**2).

    Raises
    ------
    ParameterError
        When the activation is unknown, or has no critical point at ``sigma_b``.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Pennington, Schoenholz & Ganguli (2017), "Resurrecting the sigmoid in deep learning through dynamical isometry:
    theory and practice", arXiv:1711.04735.
    """
    sigma_w = _critical_sigma_w("orthogonal_critical", layer, sigma_b)
    weights = orthogonal(shape, rng, gain=sigma_w, scale="fan_in")
    return weights, sigma_b * draw_normal((1, shape[1]), rng).ravel()
