"""Gradient descent, plain and with momentum. Weights ``w``, gradients ``g`` and states are ``(m, p)``."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array, Fraction, Optimizer
from initbench.registry import optimizer


@optimizer("sgd")
def sgd() -> Optimizer:
    """Plain gradient descent, w <- w - learning_rate g: hides nothing of what the initializer did.

    Returns
    -------
    Optimizer
        Without states.

    References
    ----------
    Robbins & Monro (1951), "A Stochastic Approximation Method", Annals of Mathematical Statistics 22.
    """

    def step(w: Array, g: Array, states: list[Array], learning_rate: Array, count: int) -> None:
        g *= learning_rate
        w -= g

    return Optimizer(0, step, by_weight=True)


@optimizer("momentum")
def momentum(*, momentum: Fraction = 0.9) -> Optimizer:
    """Gradient descent along a running sum of the gradients: faster along valleys.

    Parameters
    ----------
    momentum : float, default 0.9
        Share of the velocity kept from step to step (dimensionless).

    Returns
    -------
    Optimizer
        One state, the velocity: v <- momentum v + g, w <- w - learning_rate v, as in PyTorch, so a new learning rate
        acts at once.

    References
    ----------
    Polyak (1964), "Some methods of speeding up the convergence of iteration methods".
    """

    def step(w: Array, g: Array, states: list[Array], learning_rate: Array, count: int) -> None:
        (velocity,) = states
        velocity *= momentum
        velocity += g
        np.multiply(velocity, learning_rate, out=g)
        w -= g

    return Optimizer(1, step, by_weight=True)


@optimizer("nesterov")
def nesterov(*, momentum: Fraction = 0.9) -> Optimizer:
    """Momentum that looks one step ahead, so that it brakes earlier.

    Parameters
    ----------
    momentum : float, default 0.9
        Share of the velocity kept from step to step (dimensionless).

    Returns
    -------
    Optimizer
        One state: v <- momentum v + g, w <- w - learning_rate (g + momentum v), as in PyTorch.

    References
    ----------
    Sutskever, Martens, Dahl & Hinton (2013), "On the importance of initialization and momentum in deep learning", ICML.
    """

    def step(w: Array, g: Array, states: list[Array], learning_rate: Array, count: int) -> None:
        (ahead,) = states  # momentum v, which is all that the formula needs of v
        ahead += g
        ahead *= momentum
        g += ahead
        g *= learning_rate
        w -= g

    return Optimizer(1, step, by_weight=True)
