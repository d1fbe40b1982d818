"""Activations without a kink."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Activation, Array
from initbench.registry import activation


@activation("linear")
def linear() -> Activation:
    """No nonlinearity, phi(z) = z: the case that the theory of initialization solves exactly.

    Returns
    -------
    Activation
        Elementwise; slope 1.

    References
    ----------
    Saxe, McClelland & Ganguli (2013), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", arXiv:1312.6120.
    """

    def value(z: Array, out: Array) -> Array:
        np.copyto(out, z)
        return out

    def slope(z: Array, value: Array, out: Array) -> Array:
        out.fill(1.0)
        return out

    return Activation(value, slope)


@activation("sigmoid")
def sigmoid() -> Activation:
    """Logistic sigmoid, phi(z) = 1 / (1 + exp(-z)): saturates on both sides and is not centred, so hard to train deep.

    Returns
    -------
    Activation
        Elementwise, exact to one rounding of 1; slope phi (1 - phi), at most 1/4.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    """

    def value(z: Array, out: Array) -> Array:
        np.multiply(z, 0.5, out=out)  # 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2, which never overflows
        np.tanh(out, out=out)
        np.multiply(out, 0.5, out=out)
        return np.add(out, 0.5, out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        np.subtract(1.0, value, out=out)
        return np.multiply(out, value, out=out)

    return Activation(value, slope)


@activation("tanh")
def tanh() -> Activation:
    """Hyperbolic tangent: centred and linear at 0, saturates on both sides; Glorot's initializer is made for it.

    Returns
    -------
    Activation
        Elementwise; slope 1 - phi**2.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), "Efficient BackProp", in Neural Networks: Tricks of the Trade.
    """

    def value(z: Array, out: Array) -> Array:
        return np.tanh(z, out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        np.multiply(value, value, out=out)
        return np.subtract(1.0, out, out=out)

    return Activation(value, slope)
