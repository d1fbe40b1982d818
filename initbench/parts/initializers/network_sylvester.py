"""Weights that code a layer's inputs and decode them again, by least squares."""

from __future__ import annotations

from typing import Literal

import numpy as np

from initbench.contracts import Array, Generator, Network, Positive
from initbench.parts.initializers.draws import draw_normal
from initbench.parts.initializers.network_components import components
from initbench.registry import network_initializer

NEGLIGIBLE = 1e-10  # a sum of eigenvalues that is smaller relative to the largest is rounding


@network_initializer(
    "sylvester",
    family="data-driven",
    formula="W S S^T + lam X X^T W = (1 + lam) X S^T, layer by layer; S codes the inputs X",
    aliases=("sylvester_solver",),
    cites=("das2021",),
)
def sylvester(network: Network, *, lam: Positive = 1.0, latent: Literal["pca", "targets", "random"] = "pca") -> None:
    """Let each layer turn its inputs into a code from which they can be read back; the last one's code is the class.

    Parameters
    ----------
    network : Network
        Filled in place; biases too, whatever the config's ``bias``.
    lam : float, default 1.0
        Weight of coding against decoding (dimensionless).
    latent : ``"pca"``, ``"targets"`` or ``"random"``, default ``"pca"``
        The code of hidden layers: whitened principal components of the inputs, random mixtures of the classes, or
        standard normal numbers. Where the components are fewer than the units, the rest are random mixtures of them.

    Notes
    -----
    W is the least of sum (S - X W)**2 lam + sum (X - S W^T)**2 over rows. The inputs of a layer are centred first and
    scaled by one number to variance 1, which the biases and weights make up for, and codes are centred. A layer whose
    inputs are constant gets LeCun's normal weights.

    References
    ----------
    Das, Bhalgat & Porikli (2021), "Data-driven Weight Initialization with Sylvester Solvers", arXiv:2105.10335.
    """
    last = len(network.weights) - 1
    for layer, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
        inputs, rng = network.inputs(layer), network.rng(layer)
        mean = inputs.mean(axis=0)
        x = inputs - mean
        deviation = x.std()
        if not deviation > NEGLIGIBLE * np.abs(inputs).max():
            weights[:] = draw_normal(weights.shape, rng, variance=1 / len(weights))
            continue
        x /= deviation
        code = network.targets if layer == last else _code(latent, x, network.targets, weights.shape[1], rng)
        weights[:] = solve(x, code - code.mean(axis=0), lam) / deviation
        biases[:] = -mean @ weights


def _code(latent: str, x: Array, targets: Array, units: int, rng: Generator) -> Array:
    """What the units of a hidden layer stand for, shape (n, units)."""
    if latent == "random":
        return rng.standard_normal((len(x), units))
    if latent == "targets":
        return targets @ draw_normal((targets.shape[1], units), rng)
    axes, deviations = components(x)
    scores = x @ (axes / deviations)
    found, missing = scores.shape[1], max(0, units - scores.shape[1])
    return np.hstack([scores[:, :units], scores @ draw_normal((found, missing), rng, variance=1 / found)])


def solve(x: Array, code: Array, lam: float) -> Array:
    """The solution of ``W S^T S + lam X^T X W = (1 + lam) X^T S``, the smallest where it is not the only one.

    Parameters
    ----------
    x : ndarray, shape (n, fan_in)
    code : ndarray, shape (n, fan_out)
    lam : float

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
    """
    left, x_axes = np.linalg.eigh(lam * x.T @ x)
    right, code_axes = np.linalg.eigh(code.T @ code)
    sums = left[:, None] + right
    turned = (1 + lam) * x_axes.T @ (x.T @ code) @ code_axes
    known = sums > NEGLIGIBLE * sums.max()
    solution: Array = x_axes @ np.divide(turned, sums, out=np.zeros_like(turned), where=known) @ code_axes.T
    return solution
