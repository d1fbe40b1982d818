"""No activation at all."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Activation, Array
from initbench.registry import activation


@activation(
    "linear",
    family="linear",
    formula="z",
    aliases=("identity",),
    cites=("saxe2014",),
    elsewhere=(("Keras", "linear"), ("PyTorch", "nn.Identity"), ("JAX", "nn.identity"), ("scikit-learn", "identity")),
)
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

    return Activation(value, slope, torch_gain=1.0)
