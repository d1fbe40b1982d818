"""Norms of the weights tuned so that a gradient step changes the gradient as little as possible."""

from __future__ import annotations

from typing import Literal

import numpy as np

from initbench.contracts import Array, Count, Fraction, Generator, Network, Positive
from initbench.parts.initializers.network_landscape import Landscape, along
from initbench.parts.initializers.variance_scaling import he_normal
from initbench.registry import network_initializer

SMALLEST = 0.01  # norm of a weight matrix, of that which it starts with


@network_initializer(
    "metainit",
    family="data-driven",
    formula="norm of each W descends GQ = mean |(g - H g) / (g + eps sign g) - 1| by the sign of its slope",
    aliases=("meta_init",),
    cites=("dauphin2019",),
    elsewhere=(("init2winit", "meta_init"),),
    note="The paper takes 500 steps with momentum 0.9; init2winit 50 with momentum 0.5, on batches of 8 rows.",
)
def metainit(
    network: Network,
    *,
    lr: Positive = 0.1,
    steps: Count = 100,
    momentum: Fraction = 0.9,
    batch: Count = 32,
    eps: Positive = 1e-5,
    data: Literal["gaussian", "training"] = "gaussian",
) -> None:
    """Learn the norm of each weight matrix, starting at He's, such that gradients stay what they are when followed.

    Parameters
    ----------
    network : Network
        Filled in place. Biases stay as the config draws them.
    lr : float, default 0.1
        What a step adds to or takes from a norm (dimensionless).
    steps : int, default 100
        Steps of the search.
    momentum : float, default 0.9
        Part of the last step that is made again (dimensionless).
    batch : int, default 32
        Rows that each step draws anew.
    eps : float, default 1e-5
        What keeps the quotient finite where a gradient is 0 (dimensionless).
    data : ``"gaussian"`` or ``"training"``, default ``"gaussian"``
        Standard normal rows with random classes, as in the paper, or training rows with their own.

    Notes
    -----
    Products with the Hessian are central differences of gradients, and so is the slope of the quotient. A norm never
    falls below a hundredth of what it was. Signs of slopes of a few rows are noisy, so the search may end worse than it
    was on the way; the norms kept are those of the lowest quotient met.

    References
    ----------
    Dauphin & Schoenholz (2019), "MetaInit: Initializing learning by learning to initialize", NeurIPS, and its code.
    """
    for layer, weights in enumerate(network.weights):
        weights[:] = he_normal(weights.shape, network.rng(layer))
    landscape, count = Landscape(network), len(network.weights)
    point, rng = landscape.point, network.rng(0).spawn(1)[0]
    best, lowest = point, np.inf
    velocity = np.zeros(count)
    smallest = SMALLEST * np.sqrt(landscape.sums(point**2)[:count])
    factors = np.ones(len(landscape.sizes))
    for _ in range(steps):
        x, targets = _rows(network, data, batch, rng)
        quotient, slope = gradient_quotient(landscape, point, x, targets, eps)
        if quotient < lowest:
            best, lowest = point, quotient
        norms = np.sqrt(landscape.sums(point**2)[:count])
        velocity = momentum * velocity - lr * np.sign(landscape.sums(slope * point)[:count])
        factors[:count] = np.maximum(norms + velocity, smallest) / norms
        point = point * landscape.spread(factors)
    landscape.move(best)


def _rows(network: Network, data: str, batch: int, rng: Generator) -> tuple[Array, Array]:
    if data == "training":
        rows = rng.integers(len(network.x), size=batch)
        return network.x[rows], network.targets[rows]
    classes = network.targets.shape[1]
    labels = rng.integers(max(classes, 2), size=(batch, 1))
    targets = labels == np.arange(classes) if classes > 1 else labels
    return rng.standard_normal((batch, network.x.shape[1])), targets.astype(np.float64)


def gradient_quotient(landscape: Landscape, point: Array, x: Array, targets: Array, eps: float) -> tuple[float, Array]:
    """How much a gradient step changes the gradient, as a mean over all weights and biases, and its slope.

    Parameters
    ----------
    landscape : Landscape
    point : ndarray, shape (p,)
    x, targets : ndarray, shapes (n, d) and (n, k)
    eps : float

    Returns
    -------
    quotient : float
        0 where the loss is linear.
    slope : ndarray, shape (p,)
        Entries that are no number count as 0.
    """

    def gradient(at: Array) -> Array:
        return landscape.slope(at, x, targets)[1]

    def product(at: Array) -> Array:
        return along(gradient, at, gradient(at))

    g, hg = gradient(point), product(point)
    below = g + np.where(g >= 0, eps, -eps)
    change = (g - hg) / below - 1
    sign = np.sign(change) / len(g)
    by_product = -sign / below
    by_gradient = sign * (below - g + hg) / below**2
    slope = along(gradient, point, by_gradient) + along(product, point, by_product)
    return float(np.abs(change).mean()), np.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0)
