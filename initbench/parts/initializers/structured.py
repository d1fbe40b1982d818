"""Weights drawn unit by unit: few of them not 0, or all of one length or sum."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from initbench.contracts import Array, Generator, NonNegative, Range, Shape
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import draw_normal, unit_draws
from initbench.registry import initializer


@initializer(
    "sparse",
    family="sparse and structured",
    formula="nonzero incoming weights a unit ~ N(0, std²), the rest 0",
    aliases=("martens", "sparse_martens"),
    cites=("martens2010",),
    elsewhere=(("PyTorch", "sparse_, along the other side"), ("MLX", "sparse")),
    note="PyTorch, Flux and Lux blot out a share of each input's outgoing weights instead, with std 0.01; lasagne's "
    "sparsity is the share that is not 0, PyTorch's the share that is.",
    distribution=lambda fan_in, fan_out, nonzero, std: stated.mixture(
        min(nonzero / fan_in, 1), stated.normal(std**2), 0.0
    ),
    properties={
        "min(nonzero, fan_in) weights of a unit are not 0": lambda weights, nonzero, std: (
            np.count_nonzero(weights, axis=0) - min(nonzero, len(weights))
        )
    },
)
def sparse(
    shape: Shape, rng: Generator, *, nonzero: Annotated[int, Range(low=1)] = 15, std: NonNegative = 1.0
) -> Array:
    """Few but strong weights: each unit listens to 15 inputs, however many there are, so that units stay diverse.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    nonzero : int, default 15
        How many incoming weights of a unit are not 0; all, where the fan-in is smaller.
    std : float, default 1.0
        Their standard deviation (dimensionless); sqrt(2 / nonzero) holds the variance of a ReLU network level.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        With ``min(nonzero, fan_in)`` draws from N(0, std**2) in each column, at places drawn evenly.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Martens (2010), "Deep learning via Hessian-free optimization", ICML.
    """
    weights = draw_normal(shape, rng, variance=std**2)
    places = np.argsort(rng.random(weights.shape), axis=0)
    np.put_along_axis(weights, places[nonzero:], 0.0, axis=0)
    return weights


@initializer(
    "gaussian_row_normalized",
    family="sparse and structured",
    formula="w = gain z / ‖z‖, z ~ N(0, I), unit by unit",
    aliases=("sphere",),
    cites=("salimans2016",),
    distribution=lambda fan_in, fan_out, gain: stated.coordinate(fan_in, gain),
    properties={
        "the weights of a unit have the length gain": lambda weights, gain: np.linalg.norm(weights, axis=0) - gain
    },
)
def gaussian_row_normalized(shape: Shape, rng: Generator, *, gain: NonNegative = 1.0) -> Array:
    """Random directions of one length: each unit has the same gain exactly, not only on average.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    gain : float, default 1.0
        Length of the incoming weights of a unit (dimensionless); sqrt(2) suits ReLU.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Columns drawn evenly from the sphere of radius ``gain``.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Salimans & Kingma (2016), "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep Neural
    Networks", arXiv:1602.07868; v / ||v|| there.
    """
    weights = draw_normal(shape, rng)
    return np.asarray(gain * weights / np.linalg.norm(weights, axis=0))


@initializer(
    "positive_unitball",
    family="sparse and structured",
    formula="w = u / Σu, u ~ U(0, 1), unit by unit",
    cites=("jia2014",),
    elsewhere=(("Caffe", "PositiveUnitballFiller"),),
    note="The mean of the weights is 1 / fan_in, which drives the units.",
    properties={
        "the weights of a unit sum to 1": lambda weights: weights.sum(axis=0) - 1,
        "none is negative": lambda weights: np.minimum(weights, 0),
    },
)
def positive_unitball(shape: Shape, rng: Generator) -> Array:
    """Positive weights that sum to 1 a unit, so that each unit averages its inputs; for positive inputs.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Positive columns of sum 1.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Jia et al. (2014), "Caffe: Convolutional Architecture for Fast Feature Embedding", arXiv:1408.5093; its filler.
    """
    weights = unit_draws(shape, rng)
    return np.asarray(weights / weights.sum(axis=0))
