"""Weights against what ReLU does: blocks that undo its cut, and asymmetry against dead units."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from initbench.contracts import Array, Generator, Layer, Shape
from initbench.errors import ShapeError
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import checked, draw_normal, fans
from initbench.parts.initializers.gains import ANYWHERE
from initbench.parts.initializers.isometries import orthogonal
from initbench.registry import initializer


@initializer(
    "looks_linear",
    family="ReLU death",
    formula="first [A, −A], hidden [[A, −A], [−A, A]], last [A; −A]; A Haar orthogonal or N(0, 1 / its fan_in)",
    aliases=("ll", "mirrored"),
    cites=("balduzzi2017", "burkholz2019"),
    note="With base: gaussian it is gaussian_submatrix. Hidden layers need even widths, and the network zero biases.",
    properties={
        "halves are each other's negatives": lambda weights, layer, **given: stated.mirror_error(weights, layer),
        "with base orthogonal, the singular values of A are 1": lambda weights, base, layer: (
            stated.isometry_error(stated.mirrored_block(weights, layer), 1.0) if base == "orthogonal" else 0.0
        ),
    },
)
def looks_linear(
    shape: Shape, rng: Generator, *, base: Literal["orthogonal", "gaussian"] = "orthogonal", layer: Layer = ANYWHERE
) -> Array:
    """Mirrored blocks, with which a ReLU network with zero biases starts as a linear one, whatever its depth.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    base : ``"orthogonal"`` or ``"gaussian"``
        What the block A is drawn from.
    layer : Layer
        Tells whether it is first, hidden or last; an only layer is A itself.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Of blocks A and -A.

    Raises
    ------
    ShapeError
        When a hidden layer has an odd number of units, or the shape is not two whole numbers of at least 0.

    References
    ----------
    Balduzzi, Frean, Leary, Lewis, Ma & McWilliams (2017), "The Shattered Gradients Problem: If resnets are the answer,
    then what is the question?", arXiv:1702.08591.
    Burkholz & Dubatovka (2019), "Initialization of ReLUs for Dynamical Isometry", arXiv:1806.06362.
    """
    fan_in, fan_out = checked(shape)
    halves_inputs, halves_outputs = layer.index > 0, not layer.is_last
    if (halves_inputs and fan_in % 2) or (halves_outputs and fan_out % 2):
        raise ShapeError(f"looks_linear mirrors hidden units in pairs, and shape {(fan_in, fan_out)} has an odd number")
    block = (fan_in // 2 if halves_inputs else fan_in, fan_out // 2 if halves_outputs else fan_out)
    a = orthogonal(block, rng) if base == "orthogonal" else draw_normal(block, rng, variance=1.0 / fans(block)[0])
    if halves_inputs:
        a = np.concatenate([a, -a])
    return np.concatenate([a, -a], axis=1) if halves_outputs else a


@initializer(
    "gaussian_submatrix",
    family="ReLU death",
    formula="looks_linear with A ~ N(0, 1 / its fan_in)",
    aliases=("gsm",),
    cites=("burkholz2019",),
    note="Hidden layers need even widths, and the network zero biases.",
    properties={"halves are each other's negatives": stated.mirror_error},
)
def gaussian_submatrix(shape: Shape, rng: Generator, *, layer: Layer = ANYWHERE) -> Array:
    """Mirrored Gaussian blocks, with which a ReLU network with zero biases starts as a linear one (GSM).

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    layer : Layer
        Tells whether it is first, hidden or last; an only layer is A itself.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        As `looks_linear`, of blocks A and -A drawn from N(0, 1 / fan_in), the fan-in that of the block.

    Raises
    ------
    ShapeError
        When a hidden layer has an odd number of units, or the shape is not two whole numbers of at least 0.

    References
    ----------
    Burkholz & Dubatovka (2019), "Initialization of ReLUs for Dynamical Isometry", arXiv:1806.06362.
    """
    return looks_linear(shape, rng, base="gaussian", layer=layer)


@initializer(
    "rai",
    family="ReLU death",
    formula="N(0, 0.6007² / fan_in) weights and biases, of which one a unit is Beta(2, 1)",
    aliases=("randomized_asymmetric", "randomized_asymmetric_initialization"),
    cites=("lu2019",),
    distribution=lambda fan_in, fan_out: (
        2 * (stated.mixture(1 / (fan_in + 1), stated.beta(2, 1), stated.normal(0.6007**2 / fan_in)),)
    ),
)
def rai(shape: Shape, rng: Generator) -> tuple[Array, Array]:
    """One positive number among the weights and bias of each ReLU unit, so that fewer are born dead.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, 0.6007**2 / fan_in), and one Beta(2, 1) at a place drawn evenly from the fan_in
        weights and the bias of each unit.
    biases : ndarray of float64, shape (fan_out,)
        Likewise.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Lu, Shin, Su & Karniadakis (2019), "Dying ReLU and Initialization: Theory and Numerical Examples",
    arXiv:1903.06733.
    """
    fan_in, fan_out = checked(shape)
    deviation = 0.6007 / math.sqrt(fans(shape)[0])
    both = deviation * np.concatenate([draw_normal(shape, rng), draw_normal((1, fan_out), rng)])
    places = rng.integers(0, fan_in + 1, fan_out)
    both[places, np.arange(fan_out)] = np.sqrt(rng.random(fan_out))  # Beta(2, 1) has the distribution function x**2
    return both[:-1], both[-1]
