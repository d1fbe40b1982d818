"""Random weights whose variance follows from the fans: one rule, variance = gain / fan, under the names of its authors.

``gain`` is a factor of the variance (Keras calls it ``scale``), not of the standard deviation, as in PyTorch. The
Gaussians are not truncated, as in PyTorch; those of Keras and JAX are cut at two standard deviations and widened until
the variance is the same, so their tails end at 2.27 standard deviations.
"""

from __future__ import annotations

from initbench.contracts import Array, Generator, NonNegative, Shape
from initbench.parts.initializers.draws import draw_normal, draw_uniform, fans
from initbench.registry import initializer


@initializer("lecun_normal")
def lecun_normal(shape: Shape, rng: Generator, *, gain: NonNegative = 1.0) -> Array:
    """Gaussian weights that hold the forward variance of a linear layer level; made for scaled tanh, and for SELU.

    The "Xavier" of many tutorials, N(0, 1 / fan_in) or ``randn(n) / sqrt(n)``, is this one.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float, default 1.0
        Variance factor (dimensionless).

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, gain / fan_in), not truncated; Keras truncates.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), "Efficient BackProp", in Neural Networks: Tricks of the Trade.
    Klambauer, Unterthiner, Mayr & Hochreiter (2017), "Self-Normalizing Neural Networks", arXiv:1706.02515.
    """
    fan_in, _ = fans(shape)
    return draw_normal(shape, rng, variance=gain / fan_in)


@initializer("lecun_uniform")
def lecun_uniform(shape: Shape, rng: Generator, *, gain: NonNegative = 1.0) -> Array:
    """Evenly spread weights that hold the forward variance of a linear layer level; made for scaled tanh.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float, default 1.0
        Variance factor (dimensionless).

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-a, a), a = sqrt(3 gain / fan_in), of variance gain / fan_in.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), "Efficient BackProp", in Neural Networks: Tricks of the Trade.
    """
    fan_in, _ = fans(shape)
    return draw_uniform(shape, rng, variance=gain / fan_in)


@initializer("bengio_uniform")
def bengio_uniform(shape: Shape, rng: Generator) -> Array:
    """The old heuristic, PyTorch's default: a third of LeCun's variance, so that signals fade from layer to layer.

    Glorot & Bengio describe it as the common choice of their day and argue against it; some tutorials call it "Xavier"
    all the same. PyTorch's ``nn.Linear`` writes it as ``kaiming_uniform_(a=sqrt(5))``.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-a, a), a = 1 / sqrt(fan_in), of variance 1 / (3 fan_in).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    """
    fan_in, _ = fans(shape)
    return draw_uniform(shape, rng, variance=1.0 / (3.0 * fan_in))


@initializer("glorot_normal")
def glorot_normal(shape: Shape, rng: Generator, *, gain: NonNegative = 1.0) -> Array:
    """Gaussian weights between what holds signals and what holds gradients level; for tanh and other units linear at 0.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float, default 1.0
        Variance factor (dimensionless); the square of PyTorch's ``gain``.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, 2 gain / (fan_in + fan_out)), not truncated; Keras truncates.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    """
    return draw_normal(shape, rng, variance=2.0 * gain / sum(fans(shape)))


@initializer("glorot_uniform")
def glorot_uniform(shape: Shape, rng: Generator, *, gain: NonNegative = 1.0) -> Array:
    """Evenly spread weights between what holds signals and what holds gradients level; for tanh, and Keras's default.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float, default 1.0
        Variance factor (dimensionless); the square of PyTorch's ``gain``. For the logistic sigmoid, 16 makes the
        bound four times as wide, as an old rule has it.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-a, a), a = sqrt(6 gain / (fan_in + fan_out)).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    """
    return draw_uniform(shape, rng, variance=2.0 * gain / sum(fans(shape)))


@initializer("he_normal")
def he_normal(shape: Shape, rng: Generator, *, gain: NonNegative = 2.0) -> Array:
    """Gaussian weights that hold the forward variance of a ReLU network level.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float, default 2.0
        Variance factor (dimensionless); 2 makes up for the half that ReLU cuts away, 2 / (1 + a**2) for what a leaky
        ReLU of slope a does.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, gain / fan_in), not truncated; Keras truncates.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving Deep into Rectifiers", eq. (10), arXiv:1502.01852.
    """
    fan_in, _ = fans(shape)
    return draw_normal(shape, rng, variance=gain / fan_in)


@initializer("he_uniform")
def he_uniform(shape: Shape, rng: Generator, *, gain: NonNegative = 2.0) -> Array:
    """Evenly spread weights that hold the forward variance of a ReLU network level.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float, default 2.0
        Variance factor (dimensionless); 2 makes up for the half that ReLU cuts away, 2 / (1 + a**2) for what a leaky
        ReLU of slope a does.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-a, a), a = sqrt(3 gain / fan_in), of variance gain / fan_in.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving Deep into Rectifiers", eq. (10), arXiv:1502.01852.
    """
    fan_in, _ = fans(shape)
    return draw_uniform(shape, rng, variance=gain / fan_in)
