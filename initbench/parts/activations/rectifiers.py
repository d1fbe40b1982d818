"""ReLU and its relatives: the identity where z > 0, and at 0 the slope of the other side.

Zeros are filled in before a minimum or maximum, since NumPy compares two arrays twice as fast as an array and a number.
"""

from __future__ import annotations

import numpy as np

from initbench.contracts import Activation, Array, Fraction, Positive, Real
from initbench.registry import activation


@activation("relu")
def relu() -> Activation:
    """Rectified linear unit, phi(z) = max(z, 0): the usual choice for deep networks; He's initializer is made for it.

    Returns
    -------
    Activation
        Elementwise; the slope is the boolean mask z > 0.

    References
    ----------
    Glorot, Bordes & Bengio (2011), "Deep Sparse Rectifier Neural Networks", AISTATS.
    """

    def value(z: Array, out: Array) -> Array:
        out.fill(0.0)
        return np.maximum(z, out, out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        return np.greater(value, 0.0)

    return Activation(value, slope)


@activation("leaky_relu")
def leaky_relu(*, slope: Fraction = 0.01) -> Activation:
    """ReLU whose negative side is a gentle slope, so that no unit is ever without gradient.

    Parameters
    ----------
    slope : float, default 0.01
        Slope where z <= 0 (dimensionless); the default is that of PyTorch and JAX, Keras has 0.2 or 0.3.

    Returns
    -------
    Activation
        Elementwise, phi(z) = max(z, slope z).

    References
    ----------
    Maas, Hannun & Ng (2013), "Rectifier Nonlinearities Improve Neural Network Acoustic Models".
    """

    def value(z: Array, out: Array) -> Array:
        np.multiply(z, slope, out=out)
        return np.maximum(z, out, out=out)

    def slope_at(z: Array, value: Array, out: Array) -> Array:
        out.fill(slope)
        return np.maximum(out, z > 0.0, out=out)

    return Activation(value, slope_at)


@activation("prelu")
def prelu(*, start: Real = 0.25) -> Activation:
    """Leaky ReLU whose negative slope is trained, one number a layer.

    Parameters
    ----------
    start : float, default 0.25
        The slope where z <= 0 before training (dimensionless); the default is the paper's and PyTorch's.

    Returns
    -------
    Activation
        Elementwise, phi(z) = max(z, 0) + a min(z, 0) with the trained ``a``, shape (m, 1, 1); d phi / d a = min(z, 0).

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving Deep into Rectifiers", arXiv:1502.01852.
    """

    def parameter_slope(z: Array, out: Array) -> Array:
        out.fill(0.0)
        return np.minimum(z, out, out=out)

    def value(z: Array, a: Array, out: Array) -> Array:
        parameter_slope(z, out)
        np.multiply(out, a - 1.0, out=out)  # z + (a - 1) min(z, 0)
        return np.add(out, z, out=out)

    def slope(z: Array, value: Array, a: Array, out: Array) -> Array:
        np.multiply(z <= 0.0, a, out=out)
        return np.add(out, z > 0.0, out=out)

    return Activation(value, slope, start, parameter_slope)


@activation("elu")
def elu(*, alpha: Positive = 1.0) -> Activation:
    """Exponential linear unit: ReLU's positive side and a smooth negative one, which centres the activations.

    Parameters
    ----------
    alpha : float, default 1.0
        Minus the value far below 0 (dimensionless); at 1 there is no kink.

    Returns
    -------
    Activation
        Elementwise, phi(z) = z where z > 0 and alpha (exp(z) - 1) elsewhere.

    References
    ----------
    Clevert, Unterthiner & Hochreiter (2015), "Fast and Accurate Deep Network Learning by Exponential Linear Units
    (ELUs)", arXiv:1511.07289.
    """

    def value(z: Array, out: Array) -> Array:
        out.fill(0.0)
        np.minimum(z, out, out=out)  # exp of a large z would overflow
        np.expm1(out, out=out)
        np.multiply(out, alpha, out=out)
        if alpha <= 1.0:
            return np.maximum(z, out, out=out)  # alpha (exp(z) - 1) >= z where z <= 0
        return np.add(out, np.maximum(z, 0.0), out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        out.fill(0.0)
        np.minimum(value, out, out=out)
        np.add(out, alpha, out=out)  # alpha exp(z) = phi(z) + alpha where z <= 0
        if alpha != 1.0:
            np.copyto(out, 1.0, where=z > 0.0)
        return out

    return Activation(value, slope)
