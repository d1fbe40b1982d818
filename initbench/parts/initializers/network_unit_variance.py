"""Weights and biases that give every unit mean 0 and variance 1 on training rows."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from initbench.contracts import Array, Generator, Network, Positive, Range, Real, Shape
from initbench.parts.initializers.draws import draw_normal
from initbench.parts.initializers.network_components import components
from initbench.registry import network_initializer

Directions = Literal["random", "pca", "kmeans", "samples"]
CONSTANT = 1e-6  # a unit of unit weights that deviates less than this is constant
CALIBRATED = 0.01  # a layer that would change by less in the logarithm has the rate of the others
LARGEST_STEP = np.log(10.0)  # of the logarithm of a layer's scale
LLOYD_STEPS = 10


def _unit_error(network: Network, eps: float) -> Array:
    """How far units are from mean 0 and, unless they are constant, from a standard deviation of 1."""
    z = np.concatenate([network.preactivation(layer) for layer in range(len(network.weights))], axis=1)
    deviations = z.std(axis=0)
    return np.concatenate([z.mean(axis=0), np.where(deviations < eps, 0.0, deviations - 1.0)])


@network_initializer(
    "weight_norm",
    family="data-driven",
    formula="v ~ N(0, 0.05**2); W = v / (|v| std t), b = -mean t / std t with t = x v / |v|, unit by unit",
    aliases=("weight_norm_init", "data_dependent_weight_norm", "salimans_kingma"),
    cites=("salimans2016",),
    properties={"every unit has mean 0 and variance 1 on training rows, or is constant": _unit_error},
)
def weight_norm(network: Network, *, eps: Positive = CONSTANT) -> None:
    """Give every unit mean 0 and variance 1 on training rows, so that training starts as if batch normalized.

    Parameters
    ----------
    network : Network
        Filled in place; biases too, whatever the config's ``bias``.
    eps : float, default 1e-6
        A unit counts as constant if with weights of length 1 its standard deviation is below (dimensionless). It keeps
        weights of length 1, since dividing by its deviation would blow up rounding.

    Notes
    -----
    The paper trains directions and lengths of the weights apart; this is its initialization alone.

    References
    ----------
    Salimans & Kingma (2016), "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep Neural
    Networks", arXiv:1602.07868, the section on data-dependent initialization.
    """
    for layer, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
        directions = draw_normal(weights.shape, network.rng(layer), variance=0.05**2)
        weights[:], biases[:] = _standardized(network.inputs(layer), directions, eps)


@network_initializer(
    "krahenbuhl",
    family="data-driven",
    formula="W_j /= std z_j, b_j = beta - mean z_j / std z_j; then layers scaled to equal sqrt(E[dW**2] / E[W**2])",
    aliases=("data_dependent", "data_dependent_init", "magic_init"),
    cites=("krahenbuhl2015",),
    elsewhere=(("magic_init", "magic_init.py"),),
    note="beta is 0.1 on the command line of magic_init.py, and 0 in its function.",
)
def krahenbuhl(
    network: Network,
    *,
    directions: Directions = "random",
    beta: Real = 0.0,
    iterations: Annotated[int, Range(low=0)] = 10,
) -> None:
    """Let all units vary alike, then all layers learn at one rate: relative to their size, their gradients are equal.

    Parameters
    ----------
    network : Network
        Filled in place; biases too, whatever the config's ``bias``.
    directions : ``"random"``, ``"pca"``, ``"kmeans"`` or ``"samples"``, default ``"random"``
        What the units of a layer look for, before scaling: Gaussian weights, the principal components of its inputs,
        centres of the whitened inputs, or whitened inputs themselves. Units beyond the number of components or rows
        get Gaussian weights.
    beta : float, default 0
        Mean of every unit after the first stage (dimensionless); above 0, more units of a ReLU network are active.
    iterations : int, default 10
        Rounds of the second stage at most; it ends when no layer changes by 1 %. With 0 every unit keeps variance 1.

    Notes
    -----
    The rate of a layer is sqrt(mean(dW**2) / mean(W**2)) with the gradient of a random linear function of the logits,
    drawn once. Each round scales layers by sqrt(rate / target); the target is the geometric mean of the rates times
    std(logits)**(1 / layers), so that logits of deviation 1 are kept. Biases are scaled with what reaches them, which
    is exact for ReLU and its relatives; for other activations the units of a layer vary alike no longer. A layer
    without gradient keeps its scale, and no round changes one more than tenfold.

    References
    ----------
    Krähenbühl, Doersch, Donahue & Darrell (2015), "Data-dependent Initializations of Convolutional Neural Networks",
    arXiv:1511.06856, and its code, philkr/magic_init.
    """
    for layer, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
        inputs = network.inputs(layer)
        found = _directions(directions, inputs, weights.shape, network.rng(layer))
        weights[:], biases[:] = _standardized(inputs, found, CONSTANT)
        biases += beta
    top = network.rng(0).spawn(1)[0].standard_normal(network.targets.shape)
    for _ in range(iterations):
        steps = _rate_steps(network, top)
        if np.abs(steps).max() < CALIBRATED:
            break
        reaching = np.exp(np.cumsum(steps))
        for weights, biases, step, scale in zip(network.weights, network.biases, steps, reaching, strict=True):
            weights *= np.exp(step)
            biases *= scale


def _standardized(inputs: Array, directions: Array, eps: float) -> tuple[Array, Array]:
    """Weights along the columns of ``directions`` and biases that give each unit mean 0 and variance 1."""
    lengths = np.linalg.norm(directions, axis=0)
    weights = directions / np.where(lengths > 0, lengths, 1.0)
    z = inputs @ weights
    deviations = z.std(axis=0)
    deviations[deviations < eps] = 1.0
    return weights / deviations, -z.mean(axis=0) / deviations


def _directions(kind: Directions, inputs: Array, shape: Shape, rng: Generator) -> Array:
    """What the units look for, shape (fan_in, fan_out); Gaussian where ``kind`` gives too few."""
    drawn = draw_normal(shape, rng)
    if kind == "random":
        return drawn
    centred = inputs - inputs.mean(axis=0)
    axes, deviations = components(centred)
    if kind == "pca":
        found = axes[:, : shape[1]]
    else:
        whitening = axes / deviations
        white = centred @ whitening
        chosen = white[rng.permutation(len(white))[: shape[1]]]
        found = whitening @ (chosen if kind == "samples" else _centres(white, chosen)).T
    if len(deviations):
        drawn[:, : found.shape[1]] = found
    return drawn


def _centres(rows: Array, centres: Array) -> Array:
    """Lloyd's algorithm from the given centres; one that no row is nearest to stays where it is."""
    for _ in range(LLOYD_STEPS):
        nearest = np.argmin(np.sum(centres**2, axis=1) - 2 * rows @ centres.T, axis=1)
        members = (nearest[:, None] == np.arange(len(centres))).astype(rows.dtype)
        counts = members.sum(axis=0)[:, None]
        centres = np.where(counts > 0, members.T @ rows / np.maximum(counts, 1), centres)
    return centres


def layer_rates(network: Network, top: Array) -> Array:
    """The gradient of ``sum(top * logits)`` relative to the weights, a number a layer; 0 where there is none."""
    slopes, _ = network.slopes(top)
    sizes = np.array([np.mean(weights**2) for weights in network.weights])
    squares = np.array([np.mean(slope**2) for slope in slopes])
    return np.sqrt(squares / np.where(sizes > 0, sizes, np.inf))


def _rate_steps(network: Network, top: Array) -> Array:
    """By how much the logarithm of each layer's scale has to change."""
    rates, deviation = layer_rates(network, top), network.preactivation(len(network.weights) - 1).std()
    alive = rates > 0
    if not alive.any() or not deviation > 0:
        return np.zeros(len(rates))
    logarithms = np.log(rates, out=np.zeros(len(rates)), where=alive)
    target = logarithms[alive].mean() + np.log(deviation) / alive.sum()
    steps: Array = np.clip((logarithms - target) / 2, -LARGEST_STEP, LARGEST_STEP)
    return np.where(alive, steps, 0.0)
