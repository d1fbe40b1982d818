"""Weights without chance: every unit of a layer starts alike, and the gradient keeps it so."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array, Generator, Real, Shape
from initbench.parts.initializers.draws import checked
from initbench.registry import initializer


@initializer(
    "zeros",
    family="fixed scale",
    formula="0",
    aliases=("zero", "zero_init", "caffe"),
    elsewhere=(("Keras", "Zeros"), ("PyTorch", "zeros_"), ("JAX", "zeros")),
    note="ZerO, spelt with two capitals, is zero_hadamard. A layer of Caffe that names no filler starts here; its "
    "xavier filler is lecun_uniform, its msra filler he_normal.",
    distribution=lambda fan_in, fan_out: 0.0,
)
def zeros(shape: Shape, rng: Generator) -> Array:
    """All weights 0, to show what goes wrong: units that start alike stay alike, and no gradient passes the layer.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    Examples
    --------
    >>> zeros((2, 3), np.random.default_rng(0)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return np.zeros(checked(shape))


@initializer(
    "ones",
    family="fixed scale",
    formula="1",
    aliases=("one",),
    elsewhere=(("Keras", "Ones"), ("PyTorch", "ones_"), ("JAX", "ones")),
    distribution=lambda fan_in, fan_out: 1.0,
)
def ones(shape: Shape, rng: Generator) -> Array:
    """All weights 1: every unit of a layer computes the same sum, and signals grow by the fan-in in each layer.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.
    """
    return constant(shape, rng, value=1.0)


@initializer(
    "constant",
    family="fixed scale",
    formula="value",
    aliases=("full", "const", "fill"),
    elsewhere=(("Keras", "Constant"), ("PyTorch", "constant_"), ("JAX", "constant")),
    note="value is 0 in Keras and must be given in PyTorch and JAX.",
    distribution=lambda fan_in, fan_out, value: value,
)
def constant(shape: Shape, rng: Generator, *, value: Real = 0.05) -> Array:
    """All weights one number, to show symmetry apart from vanishing: signals pass, but the units of a layer stay alike.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        Not used.
    value : float, default 0.05
        The weight (dimensionless). The default is the scale of `normal` and `uniform`, so that what a comparison
        with them shows is the want of chance, not another size.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    Examples
    --------
    >>> constant((1, 2), np.random.default_rng(0), value=0.5).tolist()
    [[0.5, 0.5]]
    """
    return np.full(checked(shape), value)
