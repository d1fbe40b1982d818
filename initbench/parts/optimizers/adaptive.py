"""Optimizers that divide each gradient by its own running size. Weights ``w``, gradients ``g``, states: ``(m, p)``.

Their running means are kept without the factor (1 - decay), which joins the learning rate and epsilon instead: the same
numbers with a pass less over the weights.
"""

from __future__ import annotations

import math

import numpy as np

from initbench.contracts import Array, Fraction, Optimizer, Positive
from initbench.registry import optimizer


@optimizer("rmsprop")
def rmsprop(*, decay: Fraction = 0.99, epsilon: Positive = 1e-8) -> Optimizer:
    """Gradient descent with each gradient divided by its running root mean square: forgives a wrong scale of weights.

    Parameters
    ----------
    decay : float, default 0.99
        Share of the mean square kept from step to step (dimensionless); the default is PyTorch's, Hinton and Keras
        have 0.9.
    epsilon : float, default 1e-8
        Added to the root, in the unit of the gradient, so that it is never 0.

    Returns
    -------
    Optimizer
        Two states, of which one is scratch: s <- decay s + (1 - decay) g**2,
        w <- w - learning_rate g / (sqrt(s) + epsilon), as in PyTorch.

    References
    ----------
    Tieleman & Hinton (2012), "Lecture 6.5: RMSProp", COURSERA: Neural Networks for Machine Learning.
    """
    root = math.sqrt(1.0 - decay)

    def step(w: Array, g: Array, states: list[Array], learning_rate: Array, count: int) -> None:
        squares, scratch = states
        squares *= decay
        np.multiply(g, g, out=scratch)
        squares += scratch
        np.sqrt(squares, out=scratch)
        scratch += epsilon / root
        g /= scratch
        g *= learning_rate * (1.0 / root)
        w -= g

    return Optimizer(2, step, by_weight=True)


@optimizer("adam")
def adam(*, beta1: Fraction = 0.9, beta2: Fraction = 0.999, epsilon: Positive = 1e-8) -> Optimizer:
    """Momentum divided by the running root mean square of the gradients: the usual default.

    Parameters
    ----------
    beta1, beta2 : float, default 0.9 and 0.999
        Shares of the mean and of the mean square of the gradients kept from step to step (dimensionless).
    epsilon : float, default 1e-8
        Added to the root, in the unit of the gradient, so that it is never 0.

    Returns
    -------
    Optimizer
        Two states: u <- beta1 u + (1 - beta1) g, s <- beta2 s + (1 - beta2) g**2, and at step t
        w <- w - learning_rate U / (sqrt(S) + epsilon), where U = u / (1 - beta1**t) and S = s / (1 - beta2**t).

    References
    ----------
    Kingma & Ba (2014), "Adam: A Method for Stochastic Optimization", alg. 1, arXiv:1412.6980.
    """

    def step(w: Array, g: Array, states: list[Array], learning_rate: Array, count: int) -> None:
        # Kingma & Ba alg. 1. Their faster variant scales epsilon differently, so its first steps differ.
        mean, squares = states
        mean *= beta1
        mean += g
        squares *= beta2
        np.multiply(g, g, out=g)
        squares += g
        root = math.sqrt((1.0 - beta2) / (1.0 - beta2**count))
        np.sqrt(squares, out=g)
        g += epsilon / root
        np.divide(mean, g, out=g)
        g *= learning_rate * ((1.0 - beta1) / (1.0 - beta1**count) / root)
        w -= g

    return Optimizer(2, step, by_weight=True)


@optimizer("adamw")
def adamw(*, beta1: Fraction = 0.9, beta2: Fraction = 0.999, epsilon: Positive = 1e-8) -> Optimizer:
    """Adam whose weight decay shrinks the weights themselves; without weight decay, Adam.

    Parameters
    ----------
    beta1, beta2 : float, default 0.9 and 0.999
        Shares of the mean and of the mean square of the gradients kept from step to step (dimensionless).
    epsilon : float, default 1e-8
        Added to the root, in the unit of the gradient, so that it is never 0.

    Returns
    -------
    Optimizer
        Two states, as of `adam`; the decay, w <- (1 - learning_rate weight_decay) w before the step, is the engine's.

    References
    ----------
    Loshchilov & Hutter (2017), "Decoupled Weight Decay Regularization", arXiv:1711.05101.
    """
    return adam(beta1=beta1, beta2=beta2, epsilon=epsilon)._replace(decoupled_decay=True)
