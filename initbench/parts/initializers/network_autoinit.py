"""Weights whose scale follows from the activation and from what comes before, by analysis instead of by data."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from initbench import theory
from initbench.contracts import Activation, Network, Positive
from initbench.parts.initializers.draws import draw_scaled
from initbench.parts.initializers.isometries import orthogonal
from initbench.registry import network_initializer


class _Signal(NamedTuple):
    """What is known of a layer's outputs."""

    mean: float
    square: float


@network_initializer(
    "autoinit",
    family="data-driven",
    formula="Var W = signal_variance / (fan_in E[x**2]), E[x**2] = E[phi(z)**2] over z ~ N(0, signal_variance)",
    aliases=("auto_init",),
    cites=("bingham2023",),
    elsewhere=(("autoinit", "AutoInit"),),
)
def autoinit(
    network: Network,
    *,
    signal_variance: Positive = 1.0,
    distribution: Literal["truncated_normal", "normal", "uniform", "orthogonal"] = "truncated_normal",
) -> None:
    """Hold the variance of the preactivations at one number through any depth and any activation.

    Parameters
    ----------
    network : Network
        Filled in place. Biases stay as the config draws them; the analysis takes them to be 0.
    signal_variance : float, default 1.0
        The variance to hold (dimensionless).
    distribution : ``"truncated_normal"``, ``"normal"``, ``"uniform"`` or ``"orthogonal"``
        Of the weights, all of the same variance; a truncated normal, cut at two deviations, by default.

    Notes
    -----
    Only the mean square of the inputs of the first layer is measured, on training rows; the rest are Gaussian integrals
    over the activation. In residual networks the branch and what it is added to count as independent. With gelu, mish
    and silu the variance held is an unstable fixed point: what a layer of finite width misses it by grows with depth.

    References
    ----------
    Bingham & Miikkulainen (2023), "AutoInit: Analytic Signal-Preserving Weight Initialization for Neural Networks",
    arXiv:2109.08958.
    """
    square = float(np.mean(network.x**2))
    activated, outputs = _activated(network.activation, signal_variance), list[_Signal]()
    for layer, weights in enumerate(network.weights):
        variance = signal_variance / (len(weights) * (square if square > 0 else 1.0))
        if distribution == "orthogonal":
            gain = math.sqrt(variance * max(weights.shape))
            weights[:] = orthogonal(weights.shape, network.rng(layer), gain=gain)
        else:
            shape = (weights.shape[0], weights.shape[1])
            weights[:] = draw_scaled(shape, network.rng(layer), variance=variance, distribution=distribution)
        output, branch = activated, network.branch(layer)
        if branch is not None:
            own = _Signal(0.0, signal_variance) if branch.is_linear else activated
            output = _sum(own, branch.factor, outputs[branch.source])
        outputs.append(output)
        square = output.square


def _activated(activation: Activation, variance: float) -> _Signal:
    """What an activation makes of N(0, variance)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    value, _ = theory.evaluate(activation, math.sqrt(variance) * nodes)
    mean = float(weights @ value / weights.sum())
    return _Signal(mean, theory.moments(activation, variance).value)


def _sum(own: _Signal, factor: float, skipped: _Signal) -> _Signal:
    """``factor`` times one signal plus another that is independent of it."""
    mean = factor * own.mean + skipped.mean
    return _Signal(mean, factor**2 * own.square + skipped.square + 2 * factor * own.mean * skipped.mean)
