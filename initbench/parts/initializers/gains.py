"""A gain by number, or by a rule that asks the activation of the hidden layers."""

from __future__ import annotations

import numpy as np

from initbench import theory
from initbench.contracts import Activation, Layer, NonNegative
from initbench.errors import ParameterError

Gain = NonNegative | theory.Rule

ANYWHERE = Layer()  # an only layer of unknown activation, for calls by hand


def known_activation(layer: Layer, wish: str) -> Activation:
    """The activation of the hidden layers.

    Raises
    ------
    ParameterError
        When the layer does not know it; ``wish`` begins the message.
    """
    if layer.activation is None:
        raise ParameterError(f"{wish} asks for the activation of the hidden layers; pass layer=Layer(activation=...)")
    return layer.activation


def deviation_factor(gain: Gain, layer: Layer) -> float:
    """The gain as a factor of the standard deviation: a number as it is, a rule by `initbench.theory.gain`.

    Raises
    ------
    ParameterError
        When the rule has no answer for the activation, or the layer does not know its activation.

    Examples
    --------
    >>> deviation_factor(1.5, ANYWHERE)
    1.5
    """
    if isinstance(gain, str):
        return theory.gain(known_activation(layer, f"the gain rule '{gain}'"), gain)
    return gain


def variance_factor(gain: Gain, layer: Layer) -> float:
    """The gain as a factor of the variance: a number as it is, the square of what a rule gives.

    Raises
    ------
    ParameterError
        When the rule has no answer for the activation, or the layer does not know its activation.
    """
    return deviation_factor(gain, layer) ** 2 if isinstance(gain, str) else gain


def is_activation(activation: Activation | None, name: str) -> bool:
    """Whether an activation is, in its values, the one that ``name`` says: linear, relu, sigmoid or tanh.

    Examples
    --------
    >>> is_activation(None, "relu")
    False
    """
    if activation is None:
        return False
    z = np.linspace(-3.0, 3.0, 13)
    wanted = {
        "linear": z,
        "relu": np.maximum(z, 0.0),
        "sigmoid": 1.0 / (1.0 + np.exp(-z)),
        "tanh": np.tanh(z),
    }[name]
    return bool(np.allclose(theory.evaluate(activation, z)[0], wanted, rtol=0.0, atol=1e-9))
