"""ReLU with its corner rounded off: softplus, and the identity times a sigmoid of some kind."""

from __future__ import annotations

import math

import numpy as np

from initbench.contracts import Activation, Array
from initbench.registry import activation

UNSTABLE = "No weight scale holds the signal for good: below the critical one it fades, above it grows layer by layer."


@activation(
    "softplus",
    family="smooth rectifiers",
    formula="log(1 + exp(z))",
    cites=("dugas2001",),
    elsewhere=(("Keras", "softplus"), ("PyTorch", "nn.Softplus"), ("JAX", "nn.softplus")),
    note="PyTorch returns z itself above its threshold of 20. No weight scale is critical.",
)
def softplus() -> Activation:
    """Smooth ReLU, phi(z) = log(1 + exp(z)): positive everywhere, so no unit dies and none is centred.

    Returns
    -------
    Activation
        Elementwise; the slope is the sigmoid of z, 1 - exp(-phi).

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau & Garcia (2001), "Incorporating Second-Order Functional Knowledge for Better Option
    Pricing", NIPS 13.
    """

    def value(z: Array, out: Array) -> Array:
        np.abs(z, out=out)
        np.negative(out, out=out)
        np.exp(out, out=out)
        np.log1p(out, out=out)  # log(1 + exp(z)) = max(z, 0) + log(1 + exp(-abs(z))), which never overflows
        return np.add(out, np.maximum(z, 0.0), out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        np.negative(value, out=out)
        np.exp(out, out=out)
        return np.subtract(1.0, out, out=out)

    return Activation(value, slope)


@activation(
    "gelu",
    family="smooth rectifiers",
    formula="z Phi(z), Phi the distribution function of N(0, 1)",
    cites=("hendrycks2016",),
    elsewhere=(("Keras", "gelu"), ("PyTorch", "nn.GELU"), ("JAX", "nn.gelu")),
    note=f"Keras and PyTorch take the exact form by default, JAX the tanh form (approximate: true). {UNSTABLE}",
)
def gelu(*, approximate: bool = False) -> Activation:
    """Gaussian error linear unit, phi(z) = z Phi(z): the activation of most transformers.

    Parameters
    ----------
    approximate : bool, default False
        The tanh form, z (1 + tanh(sqrt(2/pi) (z + 0.044715 z**3))) / 2, which is within 5e-4 of the exact one and
        several times as fast.

    Returns
    -------
    Activation
        Elementwise; slope Phi(z) + z exp(-z**2 / 2) / sqrt(2 pi).

    References
    ----------
    Hendrycks & Gimpel (2016), "Gaussian Error Linear Units (GELUs)", arXiv:1606.08415, sec. 2.
    """
    return _tanh_gelu() if approximate else _exact_gelu()


def _exact_gelu() -> Activation:
    from scipy.special import ndtr

    def value(z: Array, out: Array) -> Array:
        ndtr(z, out=out)
        return np.multiply(out, z, out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        near: Array = np.clip(z, -40.0, 40.0)  # the density is 0 beyond, and z**2 would overflow
        np.multiply(near, near, out=out)
        np.multiply(out, -0.5, out=out)
        np.exp(out, out=out)
        near *= out
        near /= math.sqrt(2 * math.pi)
        out.fill(0.5)
        np.divide(value, z, out=out, where=z != 0.0)  # Phi(z), many times as fast as computing it again
        return np.add(out, near, out=out)

    return Activation(value, slope)


def _tanh_gelu() -> Activation:
    linear = math.sqrt(2 / math.pi)
    cubic = 0.044715 * linear

    def near_and_tanh(z: Array) -> tuple[Array, Array]:
        near = np.clip(z, -10.0, 10.0)  # the tanh is ±1 beyond, and z**3 would overflow
        return near, np.tanh(near * (linear + cubic * near * near))

    def value(z: Array, out: Array) -> Array:
        _, t = near_and_tanh(z)
        np.multiply(z, 0.5, out=out)
        return np.multiply(out, 1.0 + t, out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        near, t = near_and_tanh(z)
        np.multiply(near, near, out=out)
        np.multiply(out, 3 * cubic, out=out)
        np.add(out, linear, out=out)  # of the argument of the tanh
        np.multiply(out, near * (1.0 - t), out=out)
        np.add(out, 1.0, out=out)
        return np.multiply(out, 0.5 + 0.5 * t, out=out)

    return Activation(value, slope)


@activation(
    "silu",
    family="smooth rectifiers",
    formula="z / (1 + exp(-z))",
    aliases=("swish",),
    cites=("elfwing2018", "ramachandran2017"),
    elsewhere=(("Keras", "silu"), ("PyTorch", "nn.SiLU"), ("JAX", "nn.silu")),
    note=UNSTABLE,
)
def silu() -> Activation:
    """Sigmoid linear unit or swish, z times its sigmoid: much like gelu, and much cheaper than its exact form.

    Returns
    -------
    Activation
        Elementwise; slope s (1 + z (1 - s)), s the sigmoid of z.

    References
    ----------
    Elfwing, Uchibe & Doya (2018), "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", Neural Networks 107, arXiv:1702.03118.
    Ramachandran, Zoph & Le (2017), "Searching for Activation Functions", arXiv:1710.05941.
    """

    def value(z: Array, out: Array) -> Array:
        half = z * 0.5
        np.tanh(half, out=out)
        np.multiply(out, half, out=out)
        return np.add(out, half, out=out)  # z / (1 + exp(-z)) = z / 2 + z / 2 tanh(z / 2), which never overflows

    def slope(z: Array, value: Array, out: Array) -> Array:
        half = z * 0.5
        np.tanh(half, out=out)
        half *= 1.0 - out
        half += 1.0
        out *= 0.5
        out += 0.5
        return np.multiply(out, half, out=out)

    return Activation(value, slope)


@activation(
    "mish",
    family="smooth rectifiers",
    formula="z tanh(log(1 + exp(z)))",
    cites=("misra2020",),
    elsewhere=(("Keras", "mish"), ("PyTorch", "nn.Mish"), ("JAX", "nn.mish")),
    note=UNSTABLE,
)
def mish() -> Activation:
    """The input times the tanh of its softplus: a relative of silu with a deeper dip below 0.

    Returns
    -------
    Activation
        Elementwise; with e = exp(z), phi(z) = z e (e + 2) / n and the slope is phi / z + 4 z e (e + 1) / n**2, where
        n = e (e + 2) + 2.

    References
    ----------
    Misra (2020), "Mish: A Self Regularized Non-Monotonic Activation Function", BMVC, arXiv:1908.08681.
    """
    identity_from = 20.0  # the tanh is 1 to float64's rounding beyond, and exp(z) would overflow

    def value(z: Array, out: Array) -> Array:
        np.minimum(z, identity_from, out=out)
        np.exp(out, out=out)
        np.multiply(out, out + 2.0, out=out)
        np.divide(out, out + 2.0, out=out)
        return np.multiply(out, z, out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        near = np.minimum(z, identity_from)
        e = np.exp(near)
        near *= e
        e += 1.0
        near *= e
        near *= 4.0
        np.multiply(e, e, out=out)
        out += 1.0  # n
        near /= out
        near += out
        near -= 2.0  # n - 2 = e (e + 2)
        return np.divide(near, out, out=out)

    return Activation(value, slope)
