"""ReLU and its relatives: the identity where z > 0, and at 0 the slope of the other side.

Zeros are filled in before a minimum or maximum, since NumPy compares two arrays twice as fast as an array and a number.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from initbench.contracts import Activation, Array, Fraction, Positive, Real
from initbench.registry import activation


@functools.lru_cache(maxsize=16)
def _zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    zeros = np.zeros(shape, dtype)
    zeros.flags.writeable = False
    return zeros


@activation(
    "relu",
    family="rectifiers",
    formula="max(z, 0)",
    aliases=("rectifier",),
    cites=("glorot2011",),
    elsewhere=(("Keras", "relu"), ("PyTorch", "nn.ReLU"), ("JAX", "nn.relu"), ("scikit-learn", "relu")),
)
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
        return np.maximum(z, _zeros(z.shape[1:], z.dtype), out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        return np.greater(value, 0.0)

    return Activation(value, slope, torch_gain=2**0.5, by_value=True)


@activation(
    "leaky_relu",
    family="rectifiers",
    formula="max(z, slope z)",
    aliases=("lrelu",),
    cites=("maas2013",),
    elsewhere=(("Keras", "leaky_relu"), ("PyTorch", "nn.LeakyReLU"), ("JAX", "nn.leaky_relu")),
    note="The slope below 0 is 0.01 in PyTorch and JAX, 0.2 in Keras's function, 0.3 in its layer. PyTorch's "
    "calculate_gain and kaiming initializers have their own default, 0.01 and 0.",
)
def leaky_relu(*, slope: Fraction = 0.01) -> Activation:
    """ReLU whose negative side is a gentle slope, so that no unit is ever without gradient.

    Parameters
    ----------
    slope : float, default 0.01
        Slope where z <= 0 (dimensionless).

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

    return Activation(value, slope_at, torch_gain=(2 / (1 + slope**2)) ** 0.5)


@activation(
    "prelu",
    family="rectifiers",
    formula="max(z, 0) + a min(z, 0), a trained",
    aliases=("parametric_relu",),
    cites=("he2015",),
    elsewhere=(("Keras", "PReLU"), ("PyTorch", "nn.PReLU")),
    note="a starts at 0.25 in PyTorch and at 0 in Keras (start: 0), which has one per unit; here it is one per layer.",
)
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


@activation(
    "elu",
    family="rectifiers",
    formula="z if z > 0, else alpha (exp(z) - 1)",
    cites=("clevert2016",),
    elsewhere=(("Keras", "elu"), ("PyTorch", "nn.ELU"), ("JAX", "nn.elu")),
)
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


@activation(
    "selu",
    family="rectifiers",
    formula="1.0507 z if z > 0, else 1.0507 * 1.6733 (exp(z) - 1)",
    cites=("klambauer2017",),
    elsewhere=(("Keras", "selu"), ("PyTorch", "nn.SELU"), ("JAX", "nn.selu")),
    note="The paper and Keras start it with lecun_normal, gain 1; PyTorch's calculate_gain says 3/4, with which the "
    "variance of the signal fades to 0.02.",
)
def selu() -> Activation:
    """ELU scaled so that, with LeCun's initializer, layers drift towards mean 0 and variance 1 by themselves.

    Returns
    -------
    Activation
        Elementwise, phi(z) = 1.0507 elu(z) with alpha = 1.6733, both to the last digit of float64.

    References
    ----------
    Klambauer, Unterthiner, Mayr & Hochreiter (2017), "Self-Normalizing Neural Networks", arXiv:1706.02515, eq. (2).
    """
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    unscaled = elu(alpha=alpha)

    def value(z: Array, out: Array) -> Array:
        unscaled.value(z, out)
        return np.multiply(out, scale, out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        out.fill(0.0)
        np.minimum(value, out, out=out)
        np.add(out, scale * alpha, out=out)  # scale alpha exp(z) = phi(z) + scale alpha where z <= 0
        np.copyto(out, scale, where=z > 0.0)
        return out

    return Activation(value, slope, torch_gain=0.75)
