"""Scales of weights and biases tuned so that the first step of training helps most."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from initbench.contracts import Array, Count, Network, Positive
from initbench.parts.initializers.network_landscape import Landscape, along
from initbench.parts.initializers.variance_scaling import he_normal
from initbench.registry import network_initializer

FIRST_DECAY, SECOND_DECAY, TINY = 0.9, 0.999, 1e-8  # Adam's


class RowBatch(NamedTuple):
    """RowBatch and their classes, shapes (n, d) and (n, k)."""

    x: Array
    targets: Array


@network_initializer(
    "gradinit",
    family="data-driven",
    formula="each tensor's scale descends L(theta - eta A), or |g| where above gamma; A = g / |g| or sign g",
    aliases=("grad_init",),
    cites=("zhu2021",),
    elsewhere=(("gradinit", "gradinit"),),
    note="The authors' code takes 390 steps of 0.001; the defaults here go as far in 100 steps of 0.01.",
)
def gradinit(
    network: Network,
    *,
    lr: Positive = 0.01,
    iters: Count = 100,
    eta: Positive = 0.1,
    gamma: Positive | None = 1.0,
    min_scale: Positive = 0.01,
    grad_clip: Positive = 1.0,
    batch: Count = 64,
    optimizer: Literal["sgd", "adam"] = "sgd",
) -> None:
    """Learn a factor for each weight matrix and bias, from He's weights, that makes one step of training help most.

    Parameters
    ----------
    network : Network
        Filled in place. Biases are scaled too; those of 0 stay 0.
    lr : float, default 0.01
        Step of Adam on the factors (dimensionless).
    iters : int, default 100
        Steps of the search.
    eta : float, default 0.1
        Length of the training step that is looked at (dimensionless).
    gamma : float or None, default 1.0
        The norm of the gradient (dimensionless) above which that is lowered instead; None never does.
    min_scale : float, default 0.01
        The smallest factor (dimensionless).
    grad_clip : float, default 1.0
        The slope by all factors is cut to this length (dimensionless).
    batch : int, default 64
        Training rows a step. The loss after the step is taken on other rows, half of them the same.
    optimizer : ``"sgd"`` or ``"adam"``, default ``"sgd"``
        What the step is made for: along the gradient, with the 2-norm, or along its signs, with the 1-norm.

    Notes
    -----
    The slope by the factors is exact but for products with the Hessian, which are central differences of gradients.

    References
    ----------
    Zhu, Ni, Xu, Kong, Huang & Goldstein (2021), "GradInit: Learning to Initialize Neural Networks for Stable and
    Efficient Training", arXiv:2102.08098, and its code.
    """
    for layer, weights in enumerate(network.weights):
        weights[:] = he_normal(weights.shape, network.rng(layer))
    landscape, order = Landscape(network), network.rng(0).spawn(1)[0].permutation(len(network.x))
    start, batch = landscape.point, min(batch, len(order))
    scales = np.ones(len(landscape.sizes))
    first, second = np.zeros_like(scales), np.zeros_like(scales)
    for step in range(1, iters + 1):
        places = (step * batch + np.arange(batch)) % len(order)
        now, later = (RowBatch(network.x[i], network.targets[i]) for i in (order[places], order[places - batch // 2]))
        _, slope = objective(landscape, start * landscape.spread(scales), now, later, eta, gamma, optimizer)
        by_scale = landscape.sums(slope * start)
        by_scale *= min(1.0, grad_clip / max(float(np.linalg.norm(by_scale)), TINY))
        first = FIRST_DECAY * first + (1 - FIRST_DECAY) * by_scale
        second = SECOND_DECAY * second + (1 - SECOND_DECAY) * by_scale**2
        deviation = np.sqrt(second / (1 - SECOND_DECAY**step))
        scales = scales - lr * first / (1 - FIRST_DECAY**step) / (deviation + TINY)
        scales = np.maximum(scales, min_scale)
    landscape.move(start * landscape.spread(scales))


def objective(
    landscape: Landscape,
    point: Array,
    rows: RowBatch,
    later: RowBatch,
    eta: float,
    gamma: float | None,
    optimizer: Literal["sgd", "adam"],
) -> tuple[float, Array]:
    """What is to be lowered and its slope, shape (p,): the gradient's norm if above ``gamma``, else the loss to come.

    The loss to come is that of ``later`` after a step of length ``eta`` on ``rows``, divided by ``eta``.
    """

    def gradient(at: Array) -> Array:
        return landscape.slope(at, *rows)[1]

    g = gradient(point)
    norm = float(np.abs(g).sum() if optimizer == "adam" else np.linalg.norm(g))
    step = np.sign(g) if optimizer == "adam" else g / (norm or 1.0)
    if gamma is not None and norm > gamma:
        return norm, along(gradient, point, step)
    loss, slope = landscape.slope(point - eta * step, *later)
    if optimizer == "sgd" and norm > 0:  # the step turns with the gradient; signs do not
        slope = slope - eta / norm * along(gradient, point, slope - step * (step @ slope))
    return loss / eta, slope / eta
