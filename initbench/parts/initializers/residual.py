"""Initializers made for residual networks; outside of branches they are He's."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array, Generator, Layer, Shape
from initbench.errors import ParameterError
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import draw_normal, fans
from initbench.registry import initializer


def _ends_branch(layer: Layer) -> bool:
    return 0 < layer.branch_place == layer.branch_length


def _fixup_variance(fan_in: int, layer: Layer) -> float:
    """The variance that fixup states: 0 at the end of a branch and of the network."""
    if layer.is_last or _ends_branch(layer):
        return 0.0
    return 2 / fan_in * (layer.branches ** (1 / (1 - layer.branch_length)) if layer.branch_place else 1)


@initializer(
    "fixup",
    family="residual",
    formula="N(0, 2 L^(-1/(m-1)) / fan_in) in branches of m layers; the last of each branch and the last layer 0",
    cites=("zhang2019",),
    note="Needs residual: fixup, which has branches of two layers; without branches only the last layer is zero.",
    distribution=lambda fan_in, fan_out, layer: stated.normal(_fixup_variance(fan_in, layer)),
)
def fixup(shape: Shape, rng: Generator, *, layer: Layer) -> Array:
    """He's weights, scaled down so that the step of a residual network does not grow with its depth.

    The paper also puts a scalar bias before each linear map and each activation, and a scalar multiplier into each
    branch. The biases here are those of any network, one number a unit, after each linear map; they start as the
    config's ``bias`` says, in the paper at 0. ``residual: fixup`` brings the multiplier.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    layer : Layer
        Tells the number L of branches, their length m, and the layer's place.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        He's standard deviation times L^(-1 / (2m - 2)), or zeros at the end of a branch and of the network.

    Raises
    ------
    ParameterError
        In a network whose branches have one layer, where the rule has no answer.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Zhang, Dauphin & Ma (2019), "Fixup Initialization: Residual Learning Without Normalization", arXiv:1901.09321.
    """
    if layer.branches and layer.branch_length == 1:
        raise ParameterError("fixup scales branches of two layers or more; write residual: fixup")
    fan_in, _ = fans(shape)
    if layer.is_last or _ends_branch(layer):
        return np.zeros(shape)
    scale = layer.branches ** (-1 / (layer.branch_length - 1)) if layer.branch_place else 1.0
    return draw_normal(shape, rng, variance=2 * scale / fan_in)


@initializer(
    "residual_scaled",
    family="residual",
    formula="N(0, 2 / fan_in); the last layer of each of the L branches N(0, 2 / (L fan_in))",
    cites=("radford2019",),
    note="A scale of the weights; residual: scaled puts the same 1/√L into the network itself.",
    distribution=lambda fan_in, fan_out, layer: stated.normal(
        2 / fan_in / (layer.branches if _ends_branch(layer) else 1)
    ),
)
def residual_scaled(shape: Shape, rng: Generator, *, layer: Layer) -> Array:
    """He's weights with the end of each residual branch divided by √L, so that their sum has the size of one.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    layer : Layer
        Tells the number L of branches and whether the layer ends one.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Radford, Wu, Child, Luan, Amodei & Sutskever (2019), "Language Models are Unsupervised Multitask Learners".
    """
    fan_in, _ = fans(shape)
    return draw_normal(shape, rng, variance=2 / fan_in / (layer.branches if _ends_branch(layer) else 1))
