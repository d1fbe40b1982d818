"""Orthogonal weights, rescaled layer by layer on training rows."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array, Count, Network, Positive
from initbench.parts.initializers.isometries import orthogonal
from initbench.registry import network_initializer

CONSTANT = 1e-12  # a variance that is smaller relative to the mean square is rounding


def _variance_error(network: Network, tol: float, **others: object) -> Array:
    """By how much more than ``tol`` the variance of a layer's preactivations differs from 1."""
    variances = np.array([network.preactivation(layer).var() for layer in range(len(network.weights))])
    return np.maximum(np.abs(variances - 1.0) - tol, 0.0)


@network_initializer(
    "lsuv",
    family="data-driven",
    formula="W orthogonal, then W /= sqrt(Var z) layer by layer until |Var z - 1| <= tol",
    aliases=("layer_sequential_unit_variance", "lsuv_init"),
    cites=("mishkin2015",),
    elsewhere=(("LSUV-pytorch", "LSUVinit"), ("Caffe fork", "lsuv_init.py")),
    note="LSUV-pytorch tests the standard deviation and not the variance; tol is 0.1 there, 0.02 in Caffe's.",
    properties={"the preactivations of a layer have a variance within tol of 1": _variance_error},
)
def lsuv(network: Network, *, tol: Positive = 0.1, max_iterations: Count = 10, mean: bool = False) -> None:
    """Give every layer preactivations of variance 1 on training rows, for activations that no formula covers.

    Parameters
    ----------
    network : Network
        Filled in place. Biases stay as the config draws them unless ``mean`` is true.
    tol : float, default 0.1
        How far the variance may be from 1 (dimensionless).
    max_iterations : int, default 10
        Rescalings of a layer at most; one is enough where its biases are equal.
    mean : bool, default False
        Whether to shift the biases of a layer by one number that makes the mean preactivation 0.

    Notes
    -----
    The variance is one number a layer, over rows and units. A layer whose preactivations are all one number, because
    the layers below are dead or only one row is seen, keeps its orthogonal weights.

    References
    ----------
    Mishkin & Matas (2015), "All you need is a good init", arXiv:1511.06422.
    """
    for layer, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
        weights[:] = orthogonal(weights.shape, network.rng(layer))
        inputs = network.inputs(layer)
        for _ in range(max_iterations):
            z = inputs @ weights + biases
            variance = z.var()
            if abs(variance - 1) <= tol or not variance > CONSTANT * np.mean(z**2):
                break
            weights /= np.sqrt(variance)
        if mean:
            biases -= np.mean(inputs @ weights + biases)
