"""Biases drawn at random, of the same uniform numbers at one seed, like the weights."""

from __future__ import annotations

import math

from initbench.contracts import Array, Generator, NonNegative, Real, Shape
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import checked, draw_normal, fans, unit_draws
from initbench.registry import bias


@bias(
    "normal",
    family="random",
    formula="N(mean, std²)",
    aliases=("random_normal", "gaussian"),
    cites=("poole2016",),
    elsewhere=(("Keras", "RandomNormal"), ("PyTorch", "normal_"), ("JAX", "normal")),
    distribution=lambda fan_in, fan_out, mean, std: stated.normal(std**2, mean),
)
def normal(shape: Shape, rng: Generator, *, mean: Real = 0.0, std: NonNegative = 0.05) -> Array:
    """Gaussian biases, the sigma_b of mean-field theory; they move each unit's kink or saturation to its own place.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the layer's weights.
    rng : numpy.random.Generator
        The only source of chance.
    mean : float, default 0
        Mean (dimensionless).
    std : float, default 0.05
        Standard deviation (dimensionless).

    Returns
    -------
    ndarray of float64, shape (fan_out,)
        Independent draws from N(mean, std**2).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli (2016), "Exponential expressivity in deep neural networks through
    transient chaos", arXiv:1606.05340.
    """
    _, fan_out = checked(shape)
    return mean + std * draw_normal((1, fan_out), rng).ravel()


@bias(
    "uniform",
    family="random",
    formula="U(±limit), limit = 1 / √fan_in",
    aliases=("random_uniform",),
    elsewhere=(
        ("Keras", "RandomUniform"),
        ("PyTorch", "the default of nn.Linear"),
        ("JAX", "uniform"),
        ("scikit-learn", "MLPClassifier, by the fans of glorot_uniform"),
    ),
    distribution=lambda fan_in, fan_out, limit: stated.uniform(fan_in**-0.5 if limit is None else limit),
)
def uniform(shape: Shape, rng: Generator, *, limit: NonNegative | None = None) -> Array:
    """Evenly spread biases; left alone, those of PyTorch's ``nn.Linear``.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the layer's weights.
    rng : numpy.random.Generator
        The only source of chance.
    limit : float, optional
        The bound (dimensionless); 1 / sqrt(fan_in) if not given.

    Returns
    -------
    ndarray of float64, shape (fan_out,)
        Independent draws from U(-limit, limit).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.
    """
    _, fan_out = checked(shape)
    fan_in, _ = fans(shape)
    bound = 1.0 / math.sqrt(fan_in) if limit is None else limit
    return bound * (2.0 * unit_draws((1, fan_out), rng).ravel() - 1.0)
