"""Activations that saturate on both sides."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Activation, Array
from initbench.registry import activation


@activation(
    "sigmoid",
    family="bounded",
    formula="1 / (1 + exp(-z))",
    aliases=("logistic", "expit"),
    cites=("glorot2010",),
    elsewhere=(("Keras", "sigmoid"), ("PyTorch", "nn.Sigmoid"), ("JAX", "nn.sigmoid"), ("scikit-learn", "logistic")),
    note="PyTorch's gain of 1 lets the signal shrink; 1.846 (the rule 'forward') holds it.",
)
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

    return Activation(value, slope, torch_gain=1.0, by_value=True)


@activation(
    "tanh",
    family="bounded",
    formula="tanh(z)",
    cites=("lecun1998",),
    elsewhere=(("Keras", "tanh"), ("PyTorch", "nn.Tanh"), ("JAX", "nn.tanh"), ("scikit-learn", "tanh")),
    note="With PyTorch's gain of 5/3 the variance of gradients grows by 1.21 a layer; the critical gain is 1.",
)
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

    return Activation(value, slope, torch_gain=5 / 3, by_value=True)


@activation(
    "lecun_tanh",
    family="bounded",
    formula="1.7159 tanh(2 z / 3)",
    aliases=("scaled_tanh", "stanh"),
    cites=("lecun1998",),
)
def lecun_tanh() -> Activation:
    """Tanh stretched so that phi(1) = 1 and phi(-1) = -1: targets of ±1 are reached before it saturates.

    Returns
    -------
    Activation
        Elementwise; slope (2/3) (1.7159 - phi**2 / 1.7159).

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), "Efficient BackProp", in Neural Networks: Tricks of the Trade, sec. 4.4.
    """
    height, pace = 1.7159, 2 / 3

    def value(z: Array, out: Array) -> Array:
        np.multiply(z, pace, out=out)
        np.tanh(out, out=out)
        return np.multiply(out, height, out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        np.multiply(value, value, out=out)
        np.multiply(out, -pace / height, out=out)
        return np.add(out, pace * height, out=out)

    return Activation(value, slope, by_value=True)


@activation(
    "hard_tanh",
    family="bounded",
    formula="min(max(z, -1), 1)",
    cites=("collobert2004",),
    elsewhere=(("Keras", "hard_tanh"), ("PyTorch", "nn.Hardtanh"), ("JAX", "nn.hard_tanh")),
)
def hard_tanh() -> Activation:
    """Tanh in three straight lines, phi(z) = min(max(z, -1), 1): the cheapest activation that saturates.

    Returns
    -------
    Activation
        Elementwise; the slope is the boolean mask abs(z) < 1, so 0 at the kinks.

    References
    ----------
    Collobert (2004), "Large Scale Machine Learning", PhD thesis, Université Paris VI.
    """

    def value(z: Array, out: Array) -> Array:
        return np.clip(z, -1.0, 1.0, out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        return np.less(np.abs(value, out=out), 1.0)

    return Activation(value, slope, by_value=True)


@activation(
    "softsign",
    family="bounded",
    formula="z / (1 + abs(z))",
    cites=("turian2009", "glorot2010"),
    elsewhere=(("Keras", "softsign"), ("PyTorch", "nn.Softsign"), ("JAX", "nn.soft_sign")),
)
def softsign() -> Activation:
    """Tanh's slower relative, phi(z) = z / (1 + abs(z)): it saturates like 1/z, so units leave saturation more easily.

    Returns
    -------
    Activation
        Elementwise; slope (1 - abs(phi))**2.

    References
    ----------
    Turian, Bergstra & Bengio (2009), "Quadratic Features and Deep Architectures for Chunking", NAACL-HLT.
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    """

    def value(z: Array, out: Array) -> Array:
        np.abs(z, out=out)
        np.add(out, 1.0, out=out)
        return np.divide(z, out, out=out)

    def slope(z: Array, value: Array, out: Array) -> Array:
        np.abs(value, out=out)
        np.subtract(1.0, out, out=out)
        return np.multiply(out, out, out=out)

    return Activation(value, slope)
