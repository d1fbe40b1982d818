"""Biases without chance."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array, Generator, Real, Shape
from initbench.parts.initializers.draws import checked
from initbench.registry import bias


@bias(
    "zeros",
    family="fixed",
    formula="0",
    aliases=("zero",),
    elsewhere=(("Keras", "the default of Dense"), ("PyTorch", "zeros_"), ("JAX", "zeros")),
    distribution=lambda fan_in, fan_out: 0.0,
)
def zeros(shape: Shape, rng: Generator) -> Array:
    """All biases 0: what every variance rule for the weights assumes.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the layer's weights.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    ndarray of float64, shape (fan_out,)

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.
    """
    return constant(shape, rng, value=0.0)


@bias(
    "constant",
    family="fixed",
    formula="value",
    aliases=("const", "fill", "full"),
    elsewhere=(("Keras", "Constant"), ("PyTorch", "constant_"), ("JAX", "constant")),
    distribution=lambda fan_in, fan_out, value: value,
)
def constant(shape: Shape, rng: Generator, *, value: Real = 0.01) -> Array:
    """All biases one number; a small positive one lets most ReLU units start active.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the layer's weights.
    rng : numpy.random.Generator
        Not used.
    value : float, default 0.01
        The bias, in the unit of the layer's pre-activations (dimensionless).

    Returns
    -------
    ndarray of float64, shape (fan_out,)

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    Examples
    --------
    >>> constant((5, 2), np.random.default_rng(0)).tolist()
    [0.01, 0.01]
    """
    _, fan_out = checked(shape)
    return np.full(fan_out, value)
